import Checkpoints
import Foundation
import TensorCore
import Testing

/// `--init-from`: what is taken, and what is said of the rest.
@Suite struct InitialWeightsTests {
    @Test func aRunBeginsWithTheWeights() throws {
        let small = try SmallRun()
        #expect(try zoo(small.begin("first", SmallRun.definition(epochs: 2))).status == 0)
        let from = small.folder.path + "/first"
        // With a learning rate of almost nothing the weights stay what they were at first.
        let second = SmallRun.definition(optimizer: "sgd: {learning_rate: 1.0e-30}", epochs: 1)
        let options = ["--init-from", from, "--json"]
        let result = try zoo(small.begin("second", second, options).filter { $0 != "-q" })
        #expect(result.status == 0, "\(result.errors)")
        #expect(result.errors.contains("18 of 18 tensors begin with the values in \(from)/checkpoints/"))
        let weights = try #require(try result.object()["initial_weights"] as? [String: Any])
        #expect((weights["loaded"] as? [String])?.count == 18)
        #expect((weights["missing"] as? [String]) == [] && (weights["unused"] as? [String]) == [])
        let (a, b) = (try small.newest("first"), try small.newest("second"))
        #expect(a.parameters == b.parameters)
        #expect(b.progress?.step == 5)
        #expect(b.provenance["initialized_from"]?.hasPrefix(from) == true)
        // The moving average begins with them, too.
        #expect(b.optimizer.map(\.name) == ["average"])
        for (average, weight) in zip(b.optimizer[0].tensors, a.parameters) {
            for (one, other) in zip(average.values, weight.values) { #expect(abs(one - other) <= 1e-6 * abs(other)) }
        }
    }

    @Test func withoutAModelTheDefinitionIsTheCheckpoints() throws {
        let small = try SmallRun()
        #expect(try zoo(small.begin("first", SmallRun.definition(epochs: 1))).status == 0)
        let result = try zoo(
            "train", "--init-from", small.folder.path + "/first", "--image-folder", small.pictures, "--steps", "1",
            "-q",
            "--run-dir", small.folder.path + "/second")
        #expect(result.status == 0, "\(result.errors)")
        #expect(try small.newest("second").model == "small-vae")
    }

    @Test func whatDoesNotFitIsAnErrorUnlessAskedFor() throws {
        let small = try SmallRun()
        #expect(try zoo(small.begin("first", SmallRun.definition(epochs: 1))).status == 0)
        let other = SmallRun.definition(optimizer: "sgd: {learning_rate: 1.0e-30}", width: 12, epochs: 1)
            .replacing("  - out: {conv2d", with: "  - last: {conv2d")
        let options = ["--init-from", small.folder.path + "/first"]
        let strict = try zoo(small.begin("strict", other, options))
        #expect(strict.status == 1)
        for line in [
            "of another shape: encoder.fc.weight is [12, 64] in the model, [8, 64] in the file",
            "missing in the file: decoder.last.bias", "not in the model: decoder.out.weight", "--init-partial",
        ] { #expect(strict.errors.contains(line), "\(line): \(strict.errors)") }
        #expect(!FileManager.default.fileExists(atPath: small.folder.path + "/strict"))

        let partial = try zoo(small.begin("partial", other, options + ["--init-partial"]).filter { $0 != "-q" })
        #expect(partial.status == 0 && partial.errors.contains("missing in the file: decoder.last.bias"))
        let (a, b) = (try small.newest("first").parameters, try small.newest("partial").parameters)
        func values(_ path: String, _ tensors: [NamedTensor]) -> [Float]? { tensors.first { $0.path == path }?.values }
        #expect(values("encoder.conv.weight", a) == values("encoder.conv.weight", b))
        #expect(values("decoder.out.weight", a) != values("decoder.last.weight", b))
    }

    @Test func nothingThatFitsIsAnErrorToo() throws {
        let small = try SmallRun()
        #expect(try zoo(small.begin("first", SmallRun.definition(epochs: 1))).status == 0)
        let other = """
            format: zoo.model/1
            name: other
            family: autoencoder
            summary: For tests
            dataset: image-folder
            input: [1, 8, 8]
            latent: {size: 2, code: code}
            encoder: [{pool: {average_pool: 2}}, flatten]
            decoder: [{d1: {linear: 64}}, {reshape: [1, 8, 8]}]
            objective: {reconstruction: gaussian}
            training: {optimizer: {sgd: {learning_rate: 0.1}}, batch_size: 4, epochs: 1}
            """
        let result = try zoo(
            small.begin("other", other, ["--init-from", small.folder.path + "/first", "--init-partial"]))
        #expect(result.status == 1 && result.errors.contains("no tensor of"), "\(result.errors)")
    }
}
