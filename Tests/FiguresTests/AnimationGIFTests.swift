import CGIF
import Figures
import ImageFiles
import TensorCore
import Testing

@Suite("Animated GIF")
struct AnimationGIFTests {
    @Test("Grey frames come back exactly, magnified, with their delay and the repetition")
    func grey() throws {
        let frames = try (1...3).map { step in
            let pixels = (0..<45).map { UInt8($0 * step * 5 % 256) }
            return try Image8(width: 9, height: 5, channels: 1, pixels: pixels)
        }
        let bytes = try AnimationGIF(frames: frames, secondsPerFrame: 0.25, scale: 2).encoded()
        #expect(bytes.starts(with: Array("GIF89a".utf8)))
        #expect(bytes.last == 0x3B)
        let decoded = try decode(bytes)
        #expect(decoded.width == 18 && decoded.height == 10)
        #expect(decoded.delays == [25, 25, 25])
        #expect(decoded.repeats)
        #expect(decoded.frames.count == 3)
        for (frame, found) in zip(frames, decoded.frames) {
            let expected: [UInt8] = (0..<180).map { place in
                let (y, x) = (place / 18, place % 18)
                return frame.pixels[y / 2 * 9 + x / 2]
            }
            #expect(found.map(\.x) == expected)
            #expect(found.map(\.y) == expected)
            #expect(found.map(\.z) == expected)
        }
    }

    @Test("Up to 256 colours are kept exactly")
    func fewColors() throws {
        var pixels: [UInt8] = []
        for value in 0..<256 { pixels += [UInt8(value), UInt8(255 - value), UInt8(value * 7 % 256)] }
        let frame = try Image8(width: 16, height: 16, channels: 3, pixels: pixels)
        let decoded = try decode(AnimationGIF(frames: [frame]).encoded())
        #expect(try #require(decoded.frames.first).flatMap { [$0.x, $0.y, $0.z] } == pixels)
    }

    @Test("More colours are reduced with small error, and the frequent ones most truly")
    func manyColors() throws {
        var pixels: [UInt8] = []
        for y in 0..<64 { for x in 0..<64 { pixels += [UInt8(x * 4), UInt8(y * 4), UInt8((x + y) * 2)] } }
        let frame = try Image8(width: 64, height: 64, channels: 3, pixels: pixels)
        let decoded = try decode(AnimationGIF(frames: [frame, frame]).encoded())
        let found = try #require(decoded.frames.last).flatMap { [$0.x, $0.y, $0.z] }
        let errors = zip(pixels, found).map { abs(Int($0) - Int($1)) }
        #expect(Double(errors.reduce(0, +)) / Double(errors.count) < 6)
        #expect((errors.max() ?? 255) < 40)
        #expect(decoded.frames[0] == decoded.frames[1])
    }

    @Test("A grid with captions can be a frame")
    func gridFrame() throws {
        let grid = try ImageGrid(
            images: [patterned(width: 8, height: 8, channels: 1)], columns: 1, title: "Walk", scale: 2)
        let frame = try grid.rendered()
        let file = try ImageFiles.decode(grid.encoded(as: .png), name: "grid.png")
        #expect(try frame == file.converted(toChannels: 3))
        let decoded = try decode(AnimationGIF(frames: [frame]).encoded())
        #expect(decoded.width == frame.width && decoded.height == frame.height)
    }

    @Test(
        "Any size, number of colours and scale: the frames come back as large as they were, and exactly where the colours suffice"
    )
    func anyFrames() throws {
        var random = SplitMix64(state: 11)
        for _ in 0..<150 {
            let (width, height) = (Int.random(in: 1...40, using: &random), Int.random(in: 1...40, using: &random))
            let channels = Bool.random(using: &random) ? 1 : 3
            let colorCount = [1, 2, 3, 17, 255, 256, 257, 5000].randomElement(using: &random) ?? 1
            let colors = (0..<colorCount).map { _ in
                (0..<channels).map { _ in UInt8.random(in: 0...255, using: &random) }
            }
            let frames = try (0..<Int.random(in: 1...4, using: &random)).map { _ in
                try Image8(
                    width: width, height: height, channels: channels,
                    pixels: (0..<width * height).flatMap { _ in colors[Int.random(in: 0..<colorCount, using: &random)] }
                )
            }
            let scale = Int.random(in: 1...3, using: &random)
            let decoded = try decode(AnimationGIF(frames: frames, scale: scale).encoded())
            #expect(decoded.frames.map(\.count) == frames.map { _ in width * height * scale * scale })
            guard channels == 1 || colorCount <= 256 else { continue }
            for (frame, found) in zip(frames, decoded.frames) {
                let pixels = try frame.converted(toChannels: 3).pixels
                let isSame = found.indices.allSatisfy { place in
                    let (x, y) = (place % (width * scale) / scale, place / (width * scale) / scale)
                    let start = 3 * (y * width + x)
                    return found[place] == SIMD3(pixels[start], pixels[start + 1], pixels[start + 2])
                }
                #expect(isSame)
            }
        }
    }

    @Test("No frames, different frames and settings out of range are errors with the numbers")
    func errors() throws {
        let small = try patterned(width: 2, height: 2, channels: 1)
        let large = try patterned(width: 3, height: 2, channels: 3)
        let message = { (animation: AnimationGIF) in zooError { _ = try animation.encoded() }?.message }
        #expect(message(AnimationGIF(frames: [])) == "an animation has no frame to show")
        #expect(
            message(AnimationGIF(frames: [small, large]))
                == "frame 1 of an animation is 3 x 2 with 3 channels, but frame 0 is 2 x 2 with 1")
        #expect(message(AnimationGIF(frames: [small], secondsPerFrame: .nan))?.contains("0.02 to 600") == true)
        #expect(message(AnimationGIF(frames: [small], scale: .max))?.contains("from 1 to 10000") == true)
        let name = zooError { try AnimationGIF(frames: [small]).write(to: "walk.png") }
        #expect(name?.kind == .usage)
    }

    private struct Decoded {
        var width = 0
        var height = 0
        var frames: [[SIMD3<UInt8>]] = []
        var delays: [Int] = []
        var repeats = false
    }

    /// The file as giflib reads it.
    private func decode(_ bytes: [UInt8]) throws -> Decoded {
        var remaining = bytes[...]
        return try withUnsafeMutablePointer(to: &remaining) { input in
            var code: Int32 = 0
            let opened = DGifOpen(
                input,
                { file, destination, count in
                    guard let input = file?.pointee.UserData?.assumingMemoryBound(to: ArraySlice<UInt8>.self) else {
                        return 0
                    }
                    let part = input.pointee.prefix(Int(count))
                    for (index, byte) in part.enumerated() { destination?[index] = byte }
                    input.pointee = input.pointee.dropFirst(part.count)
                    return Int32(part.count)
                }, &code)
            let file = try #require(opened)
            defer { DGifCloseFile(file, nil) }
            try #require(DGifSlurp(file) == GIF_OK)
            let map = try #require(file.pointee.SColorMap)
            var decoded = Decoded(width: Int(file.pointee.SWidth), height: Int(file.pointee.SHeight))
            for index in 0..<Int(file.pointee.ImageCount) {
                let image = file.pointee.SavedImages[index]
                let pixelCount = Int(image.ImageDesc.Width) * Int(image.ImageDesc.Height)
                decoded.frames.append(
                    (0..<pixelCount).map { pixel in
                        let color = map.pointee.Colors[Int(image.RasterBits[pixel])]
                        return SIMD3(color.Red, color.Green, color.Blue)
                    })
                for extensionIndex in 0..<Int(image.ExtensionBlockCount) {
                    let block = image.ExtensionBlocks[extensionIndex]
                    if block.Function == GRAPHICS_EXT_FUNC_CODE {
                        decoded.delays.append(Int(block.Bytes[1]) | Int(block.Bytes[2]) << 8)
                    }
                    if block.Function == APPLICATION_EXT_FUNC_CODE {
                        decoded.repeats = (0..<11).map { block.Bytes[$0] } == Array("NETSCAPE2.0".utf8)
                    }
                }
            }
            return decoded
        }
    }
}
