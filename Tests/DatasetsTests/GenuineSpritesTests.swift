import FileSupport
import TensorCore
import Testing

@testable import Datasets

/// How closely the generated sprites look like genuine dSprites images.
@Suite(.enabled(if: hasRealData("dsprites"))) struct GenuineSpritesTests {
    private static let fileName = "dsprites_real_samples_imgs_only.npz"

    /// 64 rows of 64 bits.
    private typealias Mask = [UInt64]

    private func mask(_ pixels: ArraySlice<UInt8>) -> Mask {
        (0..<64).map { row in
            (0..<64).reduce(0) { $0 | (pixels[pixels.startIndex + row * 64 + $1] == 0 ? 0 : 1 << UInt64($1)) }
        }
    }

    private func area(_ mask: Mask) -> Int {
        mask.reduce(0) { $0 + $1.nonzeroBitCount }
    }

    private func center(_ mask: Mask) -> (x: Double, y: Double) {
        var x = 0
        var y = 0
        for (row, bits) in mask.enumerated() {
            y += row * bits.nonzeroBitCount
            for column in 0..<64 where bits >> UInt64(column) & 1 == 1 { x += column }
        }
        return (Double(x) / Double(area(mask)), Double(y) / Double(area(mask)))
    }

    private func overlap(_ first: Mask, _ second: Mask) -> Double {
        var both = 0
        var either = 0
        for row in 0..<64 {
            both += (first[row] & second[row]).nonzeroBitCount
            either += (first[row] | second[row]).nonzeroBitCount
        }
        return Double(both) / Double(either)
    }

    private func genuineMasks() throws -> [Mask] {
        let path = Files.join(Files.join(try #require(realData), "dsprites"), Self.fileName)
        let archive = try Archive(path: path, form: .container)
        _ = try #require(try archive.nextEntry())
        let header = try NumPyHeader(name: path) { count in
            try [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
                filled = try archive.read(into: UnsafeMutableRawBufferPointer(buffer))
            }
        }
        let count = header.shape[0]
        let pixels = try archive.read(byteCount: count * 4096, of: path)
        return (0..<count).map { mask(pixels[($0 * 4096)..<(($0 + 1) * 4096)]) }
    }

    /// Every genuine image is compared with all generated ones of about its area (±10 %) whose place on the grid
    /// makes the centres nearly meet, and the best intersection over union counts.
    @Test func genuineImagesAreMatchedClosely() throws {
        let sprites = Sprites()
        // Area and centre of every shape, scale and turn at position (0, 0).
        let models = try (0..<720).map { sprite in
            let mask = try mask(sprites.images([Int32(sprite * 1024)])[...])
            return (area: area(mask), center: center(mask))
        }
        let best = try genuineMasks().map { genuine in
            let genuineArea = area(genuine)
            let genuineCenter = center(genuine)
            var best = 0.0
            for (sprite, model) in models.enumerated()
            where abs(Double(model.area) / Double(genuineArea) - 1) < 0.1 {
                let x = ((genuineCenter.x - model.center.x) * 31 / 32).rounded()
                let y = ((genuineCenter.y - model.center.y) * 31 / 32).rounded()
                for dx in -1...1 {
                    for dy in -1...1 {
                        let (x, y) = (Int(x) + dx, Int(y) + dy)
                        guard (0..<32).contains(x), (0..<32).contains(y) else { continue }
                        let index = Int32(sprite * 1024 + x * 32 + y)
                        best = max(best, overlap(genuine, mask(try sprites.images([index])[...])))
                    }
                }
            }
            return best
        }
        let mean = best.reduce(0, +) / Double(best.count)
        let least = best.min() ?? 0
        let exact = best.count { $0 == 1 }
        print("best IoU with \(best.count) genuine images: mean \(mean), least \(least), exact \(exact)")
        #expect(mean > 0.998)
        #expect(least > 0.91)
        #expect(exact >= 320)
    }
}
