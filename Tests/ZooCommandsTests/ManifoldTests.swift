import ImageFiles
import Planning
import Testing

@Suite struct ManifoldTests {
    @Test func evenAndQuantileGrids() throws {
        let model = try TinyModel(latentSize: 2)
        let even = try model.json("manifold", "--size", "5", "--range", "-2..2", output: "m.svg")
        #expect(even["values"] as? [Double] == [-2, -1, 0, 1, 2])
        let quantile = try model.json("manifold", "--size", "2", "--quantile")
        let values = try #require(quantile["values"] as? [Double])
        #expect(abs(values[0] + 0.674489750196082) < 1e-12 && values[1] == -values[0])
    }

    @Test func theMiddleImageIsTheDecodedOrigin() throws {
        let model = try TinyModel(latentSize: 3)
        _ = try model.json("manifold", "--size", "3", "--dimensions", "z2,z0", output: "m.png")
        let origin = try #require(try model.plan().decode([[0, 0, 0]]).first)
        let figure = try ImageFiles.decode(path: model.folder.path + "/m.png")
        // Images of 8 × 8 at their largest, 320 units, lie 2 apart; the middle one's first row is looked for.
        let scale = 40
        let wanted = (0..<8).flatMap { column in
            [UInt8](repeating: UInt8((origin[column] * 255).rounded()), count: scale)
        }
        let isFound = (figure.height / 3..<figure.height * 2 / 3).contains { row in
            let start = row * figure.width * figure.channels
            let grey = (0..<figure.width).map { figure.pixels[start + $0 * figure.channels] }
            return (figure.width / 3..<figure.width / 2).contains { Array(grey[$0..<$0 + wanted.count]) == wanted }
        }
        #expect(isFound)
    }

    @Test(arguments: [
        (["--dimensions", "0,5"], "there is no dimension z5: the latent space has z0 to z2"),
        (["--dimensions", "0"], "a manifold has two dimensions"),
        (["--dimensions", "0,0"], "given twice"),
        (["--range", "4..-4"], "range"),
        (["--range", "-4..4", "--quantile"], "give one of them"),
        (["--size", "0"], "--size must lie in"),
        (["--output", "x"], "no extension"),
    ])
    func badInput(_ arguments: [String], _ message: String) throws {
        let result = try TinyModel(steps: 1).zoo("manifold", arguments)
        #expect(result.status == 2)
        #expect(result.errors.contains(message), "\(result.errors)")
    }

    @Test func aPlainAutoencoderNeedsARange() throws {
        let model = try TinyModel(latentSize: 2, isVariational: false, steps: 1)
        let result = try model.zoo("manifold", [])
        #expect(result.status == 2 && result.errors.contains("no prior"))
        _ = try model.json("manifold", "--size", "3", "--range", "0..1")
    }
}
