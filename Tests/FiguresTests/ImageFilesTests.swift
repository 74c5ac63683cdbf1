import Foundation
import ImageFiles
import TensorCore
import Testing

@Suite("Image files")
struct ImageFilesTests {
    @Test("PNG round trip keeps every sample", arguments: [1, 3], [(1, 1), (7, 5), (33, 64)])
    func pngRoundTrip(channels: Int, size: (Int, Int)) throws {
        let image = try patterned(width: size.0, height: size.1, channels: channels)
        let bytes = try ImageFiles.encodePNG(image)
        #expect(bytes[24] == 8)
        #expect(bytes[25] == (channels == 1 ? 0 : 2))
        #expect(try ImageFiles.decode(bytes, name: "a.png") == image)
    }

    @Test("A file is read by its content, not its name")
    func decodeFile() throws {
        try withTemporaryFolder { folder in
            let image = try patterned(width: 9, height: 4, channels: 3)
            let path = folder + "/picture.jpg"
            try Data(ImageFiles.encodePNG(image)).write(to: URL(fileURLWithPath: path))
            #expect(try ImageFiles.decode(path: path) == image)
        }
    }

    @Test("Transparent pixels are put on white")
    func transparentPNG() throws {
        // 2 x 1, RGBA: transparent black, opaque (10, 20, 30). Written by hand: the deflate block is stored.
        let bytes = pngFile(
            width: 2, height: 1, bitDepth: 8, colorType: 6, scanlines: [0, 0, 0, 0, 0, 10, 20, 30, 255])
        let image = try ImageFiles.decode(bytes, name: "a.png")
        #expect(image.channels == 3)
        #expect(image.pixels == [255, 255, 255, 10, 20, 30])
    }

    @Test("16-bit and 1-bit grey files give 8-bit grey")
    func otherDepths() throws {
        let deep = pngFile(width: 2, height: 1, bitDepth: 16, colorType: 0, scanlines: [0, 0x80, 0x80, 0xFF, 0xFF])
        #expect(try ImageFiles.decode(deep, name: "a").pixels == [128, 255])
        let flat = pngFile(width: 4, height: 1, bitDepth: 1, colorType: 0, scanlines: [0, 0b1010_0000])
        #expect(try ImageFiles.decode(flat, name: "a").pixels == [255, 0, 255, 0])
    }

    /// EXIF data that state an orientation; in the byte order of Motorola or Intel.
    private func exif(_ orientation: UInt8, isLittle: Bool) -> [UInt8] {
        guard isLittle else {
            return [0x4D, 0x4D, 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0, 0, 0, 0, 0]
        }
        let start: [UInt8] = [0x49, 0x49, 42, 0, 8, 0, 0, 0, 2, 0]
        let maker: [UInt8] = [0x0F, 1, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0]
        let turn: [UInt8] = [0x12, 1, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0]
        return start + maker + turn + [0, 0, 0, 0]
    }

    @Test(
        "Pictures are turned as EXIF says",
        arguments: zip(
            1...8 as ClosedRange<UInt8>,
            [
                [1, 2, 3, 4, 5, 6], [3, 2, 1, 6, 5, 4], [6, 5, 4, 3, 2, 1], [4, 5, 6, 1, 2, 3], [1, 4, 2, 5, 3, 6],
                [4, 1, 5, 2, 6, 3], [6, 3, 5, 2, 4, 1], [3, 6, 2, 5, 1, 4],
            ] as [[UInt8]]))
    func orientations(orientation: UInt8, pixels: [UInt8]) throws {
        // 1 2 3 above 4 5 6, grey.
        let image = try Image8(width: 3, height: 2, channels: 1, pixels: [1, 2, 3, 4, 5, 6])
        let png = try ImageFiles.encodePNG(image)
        for isLittle in [false, true] {
            let stated = chunk("eXIf", exif(orientation, isLittle: isLittle))
            // Behind the header, or before the end.
            for place in [33, png.count - 12] {
                var turned = png
                turned.insert(contentsOf: stated, at: place)
                let found = try ImageFiles.decode(turned, name: "turned.png")
                #expect(found.pixels == pixels)
                #expect(found.width == (orientation > 4 ? 2 : 3))
            }
        }
    }

    @Test("JPEG pictures are turned as EXIF says")
    func orientedJPEG() throws {
        func sample(_ orientation: UInt8, isLittle: Bool) throws -> Image8 {
            let data = Array("Exif\0\0".utf8) + exif(orientation, isLittle: isLittle)
            let segment: [UInt8] = [0xFF, 0xE1, 0, UInt8(data.count + 2)] + data
            // Behind the segment that JFIF begins with, where cameras put it.
            return try ImageFiles.decode(
                Array(JPEGSamples.color[..<20]) + segment + JPEGSamples.color[20...], name: "turned.jpg")
        }
        let upright = try ImageFiles.decode(JPEGSamples.color, name: "a.jpg")
        for isLittle in [false, true] {
            #expect(try sample(1, isLittle: isLittle) == upright)
            // The red half is on the left as stored; turned to the right, it is above.
            let turned = try sample(6, isLittle: isLittle)
            func pixel(_ image: Image8, _ row: Int, _ column: Int) -> [UInt8] {
                let start = (row * 16 + column) * 3
                return Array(image.pixels[start..<start + 3])
            }
            #expect(pixel(turned, 2, 8) == pixel(upright, 7, 2))
            #expect(pixel(turned, 13, 8) == pixel(upright, 7, 13))
            #expect(pixel(turned, 13, 8)[0] < 16 && pixel(turned, 13, 8)[2] > 240)
            // What makes no sense is passed over.
            for nonsense: UInt8 in [0, 9, 255] { #expect(try sample(nonsense, isLittle: isLittle) == upright) }
        }
    }

    @Test("EXIF data that are damaged say nothing")
    func damagedEXIF() throws {
        let png = try ImageFiles.encodePNG(Image8(width: 3, height: 2, channels: 1, pixels: [1, 2, 3, 4, 5, 6]))
        let data = exif(6, isLittle: true)
        for count in 0..<data.count - 8 {
            var cut = png
            cut.insert(contentsOf: chunk("eXIf", Array(data[..<count])), at: 33)
            #expect(try ImageFiles.decode(cut, name: "cut.png").width == 3, "\(count)")
        }
        var far = data
        far.replaceSubrange(4..<8, with: [0xFF, 0xFF, 0xFF, 0xFF])
        var image = png
        image.insert(contentsOf: chunk("eXIf", far), at: 33)
        #expect(try ImageFiles.decode(image, name: "far.png").width == 3)
    }

    @Test("A damaged PNG is told by what is damaged")
    func damagedPNG() throws {
        let sound = pngFile(width: 4, height: 1, bitDepth: 8, colorType: 0, scanlines: [0, 1, 2, 3, 4])
        func message(_ change: (inout [UInt8]) -> Void) -> String {
            var bytes = sound
            change(&bytes)
            return zooError { _ = try ImageFiles.decode(bytes, name: "a.png") }?.message ?? "it was decoded"
        }
        let start = "the PNG image 'a.png' is damaged: "
        #expect(message { $0[48] ^= 1 } == start + "its chunk IDAT at byte 33 does not match its checksum")
        #expect(message { $0.removeSubrange(33..<61) } == start + "it has no pixels")
        let wrong = message { bytes in
            bytes.replaceSubrange(33..<61, with: chunk("IDAT", [0x78, 0x01, 0x07] + [UInt8](repeating: 0, count: 13)))
        }
        #expect(wrong == start + "its pixels cannot be unpacked")
        #expect(message { $0.replaceSubrange(37..<41, with: [0, 0, 0, 0]) } == start + "there is no chunk at byte 33")
    }

    @Test("A picture is fitted by the largest middle part of the new aspect")
    func fitted() throws {
        // Columns count up, so that the mean of what is left tells which part was taken.
        let wide = try Image8(width: 6, height: 2, channels: 1, pixels: [0, 10, 20, 30, 40, 50, 0, 10, 20, 30, 40, 50])
        #expect(try wide.fitted(width: 1, height: 1).pixels == [25])
        #expect(try wide.fitted(width: 2, height: 1).pixels == [15, 35])
        #expect(try wide.fitted(width: 3, height: 1).pixels == [5, 25, 45])
        let tall = try Image8(width: 2, height: 4, channels: 1, pixels: [0, 0, 10, 10, 20, 20, 30, 30])
        #expect(try tall.fitted(width: 1, height: 1).pixels == [15])
        #expect(try tall.fitted(width: 1, height: 2).pixels == [5, 25])
    }

    @Test("A few bytes do not ask for much memory")
    func bombs() throws {
        let image = try Image8(width: 9_000, height: 6_000, channels: 1, filledWith: 255)
        let bytes = try ImageFiles.encodePNG(image)
        let error = #expect(throws: ZooError.self) { try ImageFiles.decode(bytes, name: "bomb.png") }
        #expect(
            error?.message.contains("54000000 pixels in \(bytes.count) bytes") == true, "\(String(describing: error))")
        let small = try Image8(width: 2_000, height: 2_000, channels: 1, filledWith: 255)
        #expect(try ImageFiles.decode(ImageFiles.encodePNG(small), name: "white.png") == small)
    }

    @Test("Grey JPEG")
    func greyJPEG() throws {
        let image = try ImageFiles.decode(JPEGSamples.grey, name: "grey.jpg")
        #expect(image.width == 8 && image.height == 8 && image.channels == 1)
        for row in 0..<8 {
            for column in 0..<8 {
                #expect(abs(Int(image.pixels[row * 8 + column]) - (30 * column + row)) <= 8)
            }
        }
    }

    @Test("Colour JPEG, baseline and progressive", arguments: [JPEGSamples.color, JPEGSamples.progressive])
    func colorJPEG(bytes: [UInt8]) throws {
        let image = try ImageFiles.decode(bytes, name: "color.jpg")
        #expect(image.width == 16 && image.height == 16 && image.channels == 3)
        let left = image.pixels[(8 * 16 + 2) * 3..<(8 * 16 + 2) * 3 + 3]
        let right = image.pixels[(8 * 16 + 13) * 3..<(8 * 16 + 13) * 3 + 3]
        #expect(zip(left, [255, 0, 0]).allSatisfy { abs(Int($0) - $1) < 16 })
        #expect(zip(right, [0, 0, 255]).allSatisfy { abs(Int($0) - $1) < 16 })
    }

    /// Sound files of kinds that libjpeg does not read: the frame's marker is changed, or its precision.
    @Test(
        "A JPEG of another process is unsupported, not damaged",
        arguments: [
            (0xC3, 8, "lossless coding (SOF3)"), (0xC7, 8, "hierarchical coding"),
            (0xCB, 8, "lossless arithmetic coding (SOF11)"), (0xC1, 12, "samples of 12 bits"),
        ] as [(UInt8, UInt8, String)])
    func otherProcesses(marker: UInt8, precision: UInt8, what: String) throws {
        var bytes = JPEGSamples.grey
        let frame = try #require(bytes.indices.dropLast().first { bytes[$0] == 0xFF && bytes[$0 + 1] == 0xC0 })
        bytes[frame + 1] = marker
        bytes[frame + 4] = precision
        let error = zooError { _ = try ImageFiles.decode(bytes, name: "x-ray.jpg") }
        #expect(error?.message == "the JPEG image 'x-ray.jpg' uses \(what), which is not supported")
        #expect(error?.code == .unsupported && error?.advice?.contains("convert it to PNG") == true)
        // A precision that no JPEG has is damage.
        bytes[frame + 1] = 0xC0
        bytes[frame + 4] = 7
        #expect(zooError { _ = try ImageFiles.decode(bytes, name: "x-ray.jpg") }?.code == .damaged)
    }

    @Test("CMYK becomes RGB as inks that are filters")
    func cmykJPEG() throws {
        let image = try ImageFiles.decode(JPEGSamples.cmyk, name: "print.jpg")
        #expect(image.width == 8 && image.height == 8 && image.channels == 3)
        // One colour everywhere.
        #expect(Set(image.pixels.enumerated().map { [$0.offset % 3, Int($0.element)] }).count == 3)
    }

    @Test("What is no image is named with its first bytes")
    func unknownFormat() {
        let error = zooError { _ = try ImageFiles.decode(Array("BM......".utf8), name: "a.bmp") }
        #expect(
            error?.message
                == "'a.bmp' is no JPEG, PNG, WebP, TIFF, GIF or BMP image: its 8 bytes begin with 42 4D 2E 2E 2E 2E 2E 2E"
        )
        #expect(zooError { _ = try ImageFiles.decode([], name: "none") }?.message.contains("it is empty") == true)
        let cut = zooError { _ = try ImageFiles.decode(Array("GIF89a..".utf8), name: "a.gif") }
        #expect(cut?.message.hasPrefix("the GIF image 'a.gif' is damaged: ") == true && cut?.code == .damaged)
    }

    @Test("Stray bytes between the segments of a JPEG cost no pixels")
    func strayBytes() throws {
        let frame = try #require(
            JPEGSamples.color.indices.dropLast().first {
                JPEGSamples.color[$0] == 0xFF && JPEGSamples.color[$0 + 1] == 0xC0
            })
        var bytes = JPEGSamples.color
        bytes.insert(contentsOf: [1, 2, 3], at: frame)
        #expect(try ImageFiles.decode(bytes, name: "stray.jpg") == ImageFiles.decode(JPEGSamples.color, name: "a.jpg"))
    }

    /// The first scan of a progressive picture again and again.
    @Test("A JPEG of hundreds of scans is refused")
    func manyScans() throws {
        let bytes = JPEGSamples.progressive
        let scans = bytes.indices.dropLast().filter { bytes[$0] == 0xFF && bytes[$0 + 1] == 0xDA }
        let tables = bytes.indices.dropLast().filter { bytes[$0] == 0xFF && bytes[$0 + 1] == 0xC4 }
        let end = try #require(tables.first { $0 > scans[0] })
        let scan = bytes[scans[0]..<end]
        let many = Array(bytes[..<end]) + Array(repeating: scan, count: 100).joined() + bytes[end...]
        let error = zooError { _ = try ImageFiles.decode(many, name: "slow.jpg") }
        #expect(error?.message == "the JPEG image 'slow.jpg' is damaged: it has more than 100 scans")
    }

    /// What fails in one thread is not explained with what fails in another.
    @Test("Reasons are those of the file")
    func reasonsOfSeveralThreads() async throws {
        let png = try ImageFiles.encodePNG(patterned(width: 12, height: 12, channels: 3))
        try await withThrowingTaskGroup(of: String.self) { group in
            for number in 0..<60 {
                group.addTask {
                    let bytes =
                        switch number % 3 {
                        case 0: Array(JPEGSamples.color.dropLast(40))
                        case 1: Array("GIF89a..".utf8)
                        default: png
                        }
                    do {
                        _ = try ImageFiles.decode(bytes, name: "\(number % 3)")
                        return number % 3 == 2 ? "" : "decoded"
                    } catch let error as ZooError {
                        let expected = ["Premature end of", "Unexpected end of GIF"][number % 3]
                        return error.message.contains(expected) ? "" : error.message
                    }
                }
            }
            for try await problem in group { #expect(problem.isEmpty, "\(problem)") }
        }
    }

    @Test("A missing file, a folder and a pipe are errors with the path")
    func unreadable() throws {
        try withTemporaryFolder { folder in
            let missing = zooError { _ = try ImageFiles.decode(path: folder + "/none.png") }
            #expect(missing?.message == "cannot read the image file '\(folder)/none.png': No such file or directory")
            #expect(
                zooError { _ = try ImageFiles.decode(path: folder) }?.message.contains("not a regular file") == true)
            let pipe = folder + "/pipe"
            #expect(mkfifo(pipe, 0o600) == 0)
            #expect(zooError { _ = try ImageFiles.decode(path: pipe) }?.message.contains("not a regular file") == true)
        }
    }

    @Test("Every proper prefix of a file is an error")
    func truncation() throws {
        let png = try ImageFiles.encodePNG(patterned(width: 12, height: 12, channels: 3))
        for bytes in [png, JPEGSamples.grey, JPEGSamples.color, JPEGSamples.progressive] {
            // The very last byte of a JPEG may be missing: the end-of-image marker carries no data.
            for count in 0..<(bytes.count - 2) {
                #expect(throws: ZooError.self, "\(count) of \(bytes.count) bytes") {
                    try ImageFiles.decode(Array(bytes.prefix(count)), name: "cut")
                }
            }
        }
        let cut = zooError { _ = try ImageFiles.decode(Array(png.dropLast(20)), name: "cut.png") }
        #expect(cut?.message == "the PNG image 'cut.png' is cut off after \(png.count - 20) bytes")
    }

    @Test("10,000 mutated files give an image or a ZooError")
    func mutations() throws {
        var random = SplitMix64(state: 7)
        let png = try ImageFiles.encodePNG(patterned(width: 12, height: 12, channels: 3))
        let originals = [png, JPEGSamples.grey, JPEGSamples.color, JPEGSamples.progressive, JPEGSamples.cmyk, bitmap]
        var failureCount = 0
        for round in 0..<10_000 {
            var bytes = originals[round % originals.count]
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                bytes[Int.random(in: 4..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            do {
                let image = try ImageFiles.decode(bytes, name: "mutated")
                #expect(image.pixels.count == image.width * image.height * image.channels)
            } catch is ZooError {
                failureCount += 1
            }
        }
        #expect(failureCount > 3_000)
    }

    /// 3 × 2 pixels of 8 bits, of a palette of four colours.
    private let bitmap: [UInt8] = [
        0x42, 0x4D, 78, 0, 0, 0, 0, 0, 0, 0, 70, 0, 0, 0, 40, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 8, 0, 0, 0, 0, 0,
        8, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0,
        10, 20, 30, 0, 40, 50, 60, 0, 70, 80, 90, 0, 100, 110, 120, 0,
        0, 1, 2, 0, 3, 2, 1, 0,
    ]

    @Test("Bitmaps: rows from below, blue first; what is not read is named, and what is cut off or hostile refused")
    func bitmaps() throws {
        let image = try ImageFiles.decode(bitmap, name: "a.bmp")
        #expect(image.pixels == [120, 110, 100, 90, 80, 70, 60, 50, 40, 30, 20, 10, 60, 50, 40, 90, 80, 70])
        #expect(image.width == 3 && image.height == 2)
        func message(_ change: (inout [UInt8]) -> Void) -> String {
            var bytes = bitmap
            change(&bytes)
            return zooError { _ = try ImageFiles.decode(bytes, name: "a.bmp") }?.message ?? ""
        }
        #expect(message { $0[30] = 1 } == "the BMP image 'a.bmp' has compression (1), which is not read")
        #expect(message { $0[28] = 16 }.contains("16 bits a pixel"))
        #expect(message { $0[20] = 1 }.contains("is 65539 x 2 pixels; at most"))
        #expect(message { $0.removeLast() } == "the BMP image 'a.bmp' is cut off after 77 bytes")
        for count in 19..<bitmap.count { #expect(!message { $0 = Array($0.prefix(count)) }.isEmpty) }
        // From above, as a negative height says.
        var upright = bitmap
        upright.replaceSubrange(22..<26, with: [0xFE, 0xFF, 0xFF, 0xFF])
        #expect(try ImageFiles.decode(upright, name: "a.bmp").pixels.prefix(3) == [30, 20, 10])
    }

    @Test("Hostile sizes are refused before memory is taken")
    func hostileSizes() throws {
        var png = try ImageFiles.encodePNG(patterned(width: 4, height: 4, channels: 1))
        png.replaceSubrange(8..<33, with: chunk("IHDR", [0, 0, 0x4E, 0x20, 0, 0, 0x4E, 0x20, 8, 0, 0, 0, 0]))
        let many = zooError { _ = try ImageFiles.decode(png, name: "bomb.png") }
        #expect(many?.message.contains("is 20000 x 20000 pixels; at most") == true)
        var jpeg = JPEGSamples.grey
        let frame = try #require(jpeg.indices.first { jpeg[$0] == 0xFF && jpeg[$0 + 1] == 0xC0 })
        jpeg.replaceSubrange((frame + 5)..<(frame + 9), with: [0xFF, 0x00, 0x00, 0x08])
        let tall = zooError { _ = try ImageFiles.decode(jpeg, name: "bomb.jpg") }
        #expect(tall?.message.contains("is 8 x 65280 pixels; at most 20000") == true)
    }

    /// A PNG file with one stored deflate block.
    private func pngFile(width: UInt8, height: UInt8, bitDepth: UInt8, colorType: UInt8, scanlines: [UInt8]) -> [UInt8]
    {
        var adler: (UInt32, UInt32) = (1, 0)
        for byte in scanlines {
            adler.0 = (adler.0 + UInt32(byte)) % 65521
            adler.1 = (adler.1 + adler.0) % 65521
        }
        let count = UInt8(scanlines.count)
        let stream: [UInt8] =
            [0x78, 0x01, 0x01, count, 0, ~count, 0xFF] + scanlines + bigEndian(adler.1 << 16 | adler.0)
        return [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
            + chunk("IHDR", [0, 0, 0, width, 0, 0, 0, height, bitDepth, colorType, 0, 0, 0])
            + chunk("IDAT", stream) + chunk("IEND", [])
    }

    private func chunk(_ type: String, _ data: [UInt8]) -> [UInt8] {
        let body = Array(type.utf8) + data
        var crc: UInt32 = 0xFFFF_FFFF
        for byte in body {
            crc ^= UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 == 1 ? 0xEDB8_8320 ^ (crc >> 1) : crc >> 1 }
        }
        return bigEndian(UInt32(data.count)) + body + bigEndian(~crc)
    }

    private func bigEndian(_ value: UInt32) -> [UInt8] {
        [UInt8(value >> 24), UInt8(value >> 16 & 255), UInt8(value >> 8 & 255), UInt8(value & 255)]
    }
}
