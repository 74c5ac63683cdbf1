import TensorCore
import Testing

@testable import Datasets

@Suite struct SpritesTests {
    private static let sprites = Sprites()

    @Test func indexAndFactorsCorrespond() {
        let sprites = Self.sprites
        #expect(sprites.count == 737_280)
        #expect(sprites.info.factors?.map(\.count) == [3, 6, 40, 32, 32])
        #expect(sprites.factors(0) == [0, 0, 0, 0, 0])
        #expect(sprites.factors(737_279) == [2, 5, 39, 31, 31])
        #expect(sprites.factors(1) == [0, 0, 0, 0, 1])
        for index in stride(from: 0, to: sprites.count, by: 7919) {
            #expect(sprites.factors(index).flatMap { sprites.index(ofFactors: $0) } == index)
        }
        #expect(sprites.index(ofFactors: [3, 0, 0, 0, 0]) == nil)
        #expect(sprites.index(ofFactors: [0, 0]) == nil)
    }

    @Test func splitsAreFixedAndComplete() {
        let test = Self.sprites.indices(of: .test)
        let train = Self.sprites.indices(of: .train)
        #expect(test.count == 10_000)
        #expect(Set(test).isDisjoint(with: train))
        #expect(Set(test).count + Set(train).count == 737_280)
        #expect(Sprites().indices(of: .test) == test)
    }

    /// Rows of '#' and '.', cut to the sprite.
    private func picture(_ pixels: [UInt8]) -> [String] {
        (0..<64).map { row in
            String((0..<64).map { pixels[row * 64 + $0] == 255 ? "#" : "." })
        }.filter { $0.contains("#") }
    }

    @Test func upsideUpSpritesHaveTheKnownOutlines() throws {
        let square = try #require(Self.sprites.index(ofFactors: [0, 5, 0, 0, 0]))
        let rows = try picture(Self.sprites.images([Int32(square)]))
        let line = String(repeating: ".", count: 6) + String(repeating: "#", count: 20)
        #expect(rows == Array(repeating: line + String(repeating: ".", count: 38), count: 20))

        let heart = try #require(Self.sprites.index(ofFactors: [2, 5, 0, 0, 0]))
        let pixels = try Self.sprites.images([Int32(heart)])
        let heartRows = picture(pixels)
        #expect(heartRows.allSatisfy { String($0.prefix(32).reversed()) == $0.prefix(32) })
        // Two lobes above, one tip below.
        #expect(heartRows.first?.split(separator: ".").count == 2)
        #expect(heartRows.last?.split(separator: ".").count == 1)
        #expect(pixels.count { $0 == 255 } == 222)
    }

    @Test func everySpriteStaysInTheImageAndIsBinary() throws {
        // All shapes, scales and turns in the four corners.
        let corners = [0, 31, 31 * 32, 31 * 32 + 31]
        let indices = (0..<720).flatMap { sprite in corners.map { Int32(sprite * 1024 + $0) } }
        let pixels = try Self.sprites.images(indices)
        for image in indices.indices {
            let part = pixels[(image * 4096)..<((image + 1) * 4096)]
            #expect(part.allSatisfy { $0 == 0 || $0 == 255 })
            #expect(part.contains(255))
            let start = part.startIndex
            for place in 0..<64 {
                let border = [place, 63 * 64 + place, place * 64, place * 64 + 63]
                for position in border where part[start + position] != 0 {
                    Issue.record("image \(indices[image]) touches the border")
                }
            }
        }
    }

    @Test func readingIsFast() {
        let indices = (0..<20_000).map { Int32($0 * 36 % 737_280) }
        var pixels = [UInt8](repeating: 1, count: indices.count * 4096)
        let clock = ContinuousClock()
        let duration = clock.measure {
            indices.withUnsafeBufferPointer { indices in
                pixels.withUnsafeMutableBufferPointer { Self.sprites.readImages(indices, into: $0) }
            }
        }
        let rate = Double(indices.count) / (duration / .seconds(1))
        print("sprites: \(Int(rate)) images/s")
        #expect(rate > 20_000)
    }

    @Test(arguments: [ColorSprites.Size.small, .large])
    func colorSpritesHaveTheirColor(size: ColorSprites.Size) throws {
        let dataset = ColorSprites(size)
        #expect(dataset.count == 737_280)
        #expect(dataset.info.shape == [3, size.rawValue, size.rawValue])
        let index = try #require(dataset.index(ofFactors: [5, 0, 5, 0, 8, 8]))
        #expect(dataset.factors(index) == [5, 0, 5, 0, 8, 8])
        let pixels = try dataset.images([Int32(index)])
        let middle = (size.rawValue / 2 * size.rawValue + size.rawValue / 2) * 3
        #expect(Array(pixels[middle..<(middle + 3)]) == [60, 90, 235])
        #expect(Array(pixels[..<3]) == [24, 24, 32])
        #expect(dataset.indices(of: .test).count == 10_000)
    }
}
