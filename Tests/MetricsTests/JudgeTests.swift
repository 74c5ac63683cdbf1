import Foundation
import LatentTools
import TensorCore
import TestSupport
import Testing
import TextSupport

@testable import Metrics

/// The metrics against independent code: tools/reference/metrics.py on the same numbers.
@Suite("Metrics agree with scikit-learn, SciPy, scikit-image and prdc", .enabled(if: Judge.python != nil))
struct JudgeTests {
    /// What the script says of arrays.
    private static func judge(_ tasks: [String], _ fields: [(String, JSONValue)]) throws -> JSONValue {
        let json = JSONValue.object([("tasks", .array(tasks.map { .string($0) }))] + fields)
        let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../tools/reference/metrics.py").path
        let output = try withTemporaryFolder { folder in
            let path = folder + "/input.json"
            try json.text().write(toFile: path, atomically: true, encoding: .utf8)
            return try Judge.run(Judge.python, ["-W", "ignore", script, path])
        }
        return try JSONValue(parsing: output.split(separator: "\n").last.map(String.init) ?? "")
    }

    private static func rows(_ codes: Codes) -> JSONValue {
        .array((0..<codes.count).map { JSONValue(Array(codes[$0])) })
    }

    private static func positions(_ images: StoredCodes, _ drawn: [Int]) -> JSONValue {
        .array(drawn.map { image in .array(images.factors.map { .integer($0.positions[image]) }) })
    }

    /// Images of three factors whose codes mix two of them, with noise; one dimension knows nothing.
    private static let images: StoredCodes = {
        var numbers = RandomNumbers(seed: 11, name: "images")
        let positions = (0..<4_000).map { _ in [4, 3, 6].map { numbers.integer(below: $0) } }
        let rows = positions.map { p -> [Float] in
            let noise = (0..<4).map { _ in Float(numbers.normal()) }
            let (a, b, c) = (Float(p[0]), Float(p[1]), Float(p[2]))
            return [
                a + 0.4 * b + 0.3 * noise[0], b - 0.3 * a + 0.2 * noise[1], 0.5 * c + 0.4 * noise[2], 0.1 * noise[3],
            ]
        }
        return StoredCodes(
            Codes(rows: rows),
            factors: [4, 3, 6].enumerated().map { factor, count in
                KnownFactor(name: "factor \(factor)", count: count, positions: positions.map { $0[factor] })
            })
    }()

    @Test("disentanglement, on the same draws")
    func disentanglement() throws {
        let images = Self.images
        let numbers = RandomNumbers(seed: 1, name: "draws")
        /// The images that a metric draws first, and second.
        func drawn(_ train: Int, _ test: Int) -> ([Int], [Int]) {
            var random = numbers
            let first = images.draw(train, &random)
            return (first, images.draw(test, &random))
        }
        let (train, test) = drawn(2_000, 1_000)
        let judged = try Self.judge(
            ["mig", "modularity", "explicitness", "sap", "dci", "irs"],
            [
                ("codes", Self.rows(images.codes(of: train))), ("factors", Self.positions(images, train)),
                ("test_codes", Self.rows(images.codes(of: test))), ("test_factors", Self.positions(images, test)),
            ])
        func number(_ name: String) -> Double { judged[name]?.numberValue ?? .nan }

        var random = numbers
        var mig = MutualInformationGap()
        mig.samples = 2_000
        #expect(abs(try mig.result(images, &random).gap - number("mig")) < 1e-9)
        random = numbers
        var modularity = Modularity()
        modularity.samples = 2_000
        #expect(abs(try modularity.result(images, &random).modularity - number("modularity")) < 1e-9)
        random = numbers
        var irs = InterventionalRobustness()
        irs.samples = 2_000
        #expect(abs(try irs.result(images, &random).score - number("irs")) < 1e-6)
        random = numbers
        var explicitness = Explicitness()
        (explicitness.trainingSamples, explicitness.testSamples) = (2_000, 1_000)
        #expect(abs(try explicitness.result(images, &random).test - number("explicitness")) < 1e-4)
        random = numbers
        var sap = SeparatedAttributePredictability()
        (sap.trainingSamples, sap.testSamples) = (2_000, 1_000)
        // The optimum is the same; where the solvers stop moves a handful of images.
        #expect(abs(try sap.result(images, &random).score - number("sap")) < 0.005)
        random = numbers
        var dci = DCI()
        (dci.trainingSamples, dci.testSamples) = (2_000, 1_000)
        let found = try dci.result(images, &random)
        // Other trees: XGBoost's are regularised and split at quantiles.
        #expect(abs(found.disentanglement - number("disentanglement")) < 0.05)
        #expect(abs(found.completeness - number("completeness")) < 0.05)
        #expect(abs(found.informativeness - number("informativeness")) < 0.03)
    }

    @Test("β-VAE and FactorVAE scores, on other draws, within their spread")
    func sampledScores() throws {
        let images = Self.images
        let (training, test, repetitions) = (400, 400, 4)
        let judged = try Self.judge(
            ["sampled"],
            [
                ("codes", Self.rows(images.codes(of: Array(0..<images.count)))),
                ("factors", Self.positions(images, Array(0..<images.count))), ("training", .integer(training)),
                ("test", .integer(test)), ("repetitions", .integer(repetitions)),
            ])
        func number(_ name: String) -> Double { judged[name]?.numberValue ?? .nan }
        var (beta, factor) = (BetaVAEScore(), FactorVAEScore())
        (beta.trainingObservations, beta.testObservations) = (training, test)
        (factor.trainingObservations, factor.testObservations) = (training, test)
        let scores = try (0..<repetitions).map { repetition in
            var random = RandomNumbers(seed: 2, name: "scores", repetition: repetition)
            return (try beta.result(images, &random).test, try factor.result(images, &random).test)
        }
        let means = (
            scores.reduce(0) { $0 + $1.0 } / Double(repetitions), scores.reduce(0) { $0 + $1.1 } / Double(repetitions)
        )
        // Four means of 400 outcomes each: the deviation of the difference is at most √(2 · ¼ / 1600) = 0.018.
        #expect(abs(means.0 - number("beta_vae_score")) < 0.05)
        #expect(abs(means.1 - number("factor_vae_score")) < 0.05)
    }

    @Test("Fréchet and kernel distance, precision, recall, density, coverage")
    func generation() throws {
        var numbers = RandomNumbers(seed: 4, name: "features")
        // Correlated features; the generated ones are moved and narrower in some directions.
        func features(_ count: Int, shift: Double, scale: Double) -> Codes {
            Codes(
                rows: (0..<count).map { _ in
                    let n = (0..<6).map { _ in numbers.normal() }
                    return (0..<6).map { Float(n[$0] * ($0 < 3 ? scale : 1) + 0.5 * n[($0 + 1) % 6] + shift) }
                })
        }
        let (real, generated) = (features(400, shift: 0, scale: 1), features(350, shift: 0.3, scale: 0.6))
        let judged = try Self.judge(
            ["generation"], [("real", Self.rows(real)), ("generated", Self.rows(generated))])
        func number(_ name: String) -> Double { judged[name]?.numberValue ?? .nan }
        let frechet = try FrechetDistance.between(real, generated)
        #expect(abs(frechet / number("frechet") - 1) < 1e-6)
        #expect(abs(KernelDistance.discrepancy(real, generated) / number("kernel") - 1) < 1e-6)
        let scores = try NeighbourhoodScores(real: real, generated: generated)
        #expect(abs(scores.precision - number("precision")) < 1e-9)
        #expect(abs(scores.recall - number("recall")) < 1e-9)
        #expect(abs(scores.density - number("density")) < 1e-9)
        #expect(abs(scores.coverage - number("coverage")) < 1e-9)
    }

    @Test("SSIM and PSNR of images of one and of three channels", arguments: [(1, 28, 28), (3, 20, 15)])
    func similarity(channels: Int, height: Int, width: Int) throws {
        var numbers = RandomNumbers(seed: 4, name: "images")
        let a = (0..<channels * height * width).map { _ in Float(numbers.uniform()) }
        let b = a.map { min(1, max(0, $0 + Float(0.1 * numbers.normal()))) }
        func planes(_ values: [Float]) -> JSONValue {
            .array(
                (0..<channels).map { channel in
                    .array(
                        (0..<height).map { row in
                            let start = (channel * height + row) * width
                            return JSONValue(Array(values[start..<start + width]))
                        })
                })
        }
        let judged = try Self.judge(["images"], [("a", planes(a)), ("b", planes(b))])
        let similarity = ImageSimilarity.structuralSimilarity(
            a[...], b[...], channels: channels, height: height, width: width)
        #expect(abs(similarity - (judged["ssim"]?.numberValue ?? .nan)) < 1e-6)
        let ratio = ImageSimilarity.peakSignalToNoiseRatio(squaredError: ImageSimilarity.squaredError(a[...], b[...]))
        #expect(abs(ratio - (judged["psnr"]?.numberValue ?? .nan)) < 1e-4)
    }

    @Test("t-SNE keeps as much of the neighbourhoods, and counts what it loses as the definition does")
    func neighborhoods() throws {
        var numbers = RandomNumbers(seed: 9, name: "neighborhoods")
        let rows = (0..<600).map { point in
            (0..<8).map { Float(($0 == point % 6 ? 3 : 0) + numbers.normal()) }
        }
        let layout = try TSNE(of: rows.flatMap(\.self), size: 8)
        let judged = try Self.judge(
            ["neighbourhoods"],
            [
                ("codes", .array(rows.map { JSONValue($0) })),
                (
                    "positions",
                    .array((0..<600).map { JSONValue(Array(layout.positions[2 * $0..<2 * $0 + 2])) })
                ),
            ])
        func number(_ name: String) -> Double { judged[name]?.numberValue ?? .nan }
        // The sum of q is taken with the tree here.
        #expect(abs(layout.divergence - number("divergence")) < 0.005 * number("divergence"))
        #expect(layout.divergence < 1.03 * number("peer_divergence"))
        #expect(number("trustworthiness") > number("peer_trustworthiness") - 0.01)
    }

    @Test("linear probe, nearest neighbours, area under the curve")
    func probes() throws {
        var numbers = RandomNumbers(seed: 8, name: "probes")
        func data(_ count: Int) -> (Codes, [Int]) {
            let labels = (0..<count).map { _ in numbers.integer(below: 4) }
            let rows = labels.map { label in
                (0..<5).map { Float(($0 == label ? 1.5 : 0) + numbers.normal()) }
            }
            return (Codes(rows: rows), labels)
        }
        let ((train, labels), (test, testLabels)) = (data(600), data(400))
        let judged = try Self.judge(
            ["probes"],
            [
                ("codes", Self.rows(train)), ("labels", .array(labels.map { .integer($0) })),
                ("test_codes", Self.rows(test)), ("test_labels", .array(testLabels.map { .integer($0) })),
            ])
        func number(_ name: String) -> Double { judged[name]?.numberValue ?? .nan }
        // One image of 400 may lie on the border.
        #expect(abs(try Probes.linear(train, labels, test, testLabels) - number("linear")) < 0.0026)
        #expect(
            abs(try Probes.nearestNeighbours(train, labels, test, testLabels, neighbours: 5) - number("neighbours"))
                < 1e-9)
        let area = RankStatistics.areaUnderCurve(
            scores: test.column(0).map(Double.init), isPositive: testLabels.map { $0 == 0 })
        #expect(abs((area ?? 0) - number("area")) < 1e-9)
    }
}
