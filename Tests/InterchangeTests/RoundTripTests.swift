import Checkpoints
import Interchange
import ModelKit
import TensorCore
import Testing

/// Checkpoint → file of another tool → checkpoint, bit for bit.
@Suite struct RoundTripTests {
    @Test(arguments: Samples.names, InterchangeFormat.allCases)
    func everyTensorComesBack(_ name: String, _ format: InterchangeFormat) throws {
        let definition = try Samples.definition(named: name)
        let checkpoint = try Samples.checkpoint(definition)
        let exported: [ExportedFile]
        do {
            exported = try checkpoint.exported(to: format, definition: definition)
        } catch let error as ZooError where Self.refused[format]?[name] != nil {
            #expect(error.description.contains(Self.refused[format]?[name] ?? ""), "\(error)")
            #expect(Set(error.details).count == error.details.count, "\(error)")
            return
        }
        let files = try Samples.files(exported, format)
        #expect(files.allSatisfy { $0.format == format })
        #expect(files.first?.definition == definition.text)
        let weights = try WeightAssignment(files, to: definition)
        #expect(weights.differences.isEmpty)
        let back = Checkpoint(weights, definition: definition, from: files, provenance: [:])
        #expect(back.parameters.map(\.path) == checkpoint.parameters.map(\.path))
        #expect(back.buffers.map(\.path) == checkpoint.buffers.map(\.path))
        for (found, expected) in zip(back.weights, checkpoint.weights) {
            #expect(found.shape == expected.shape)
            #expect(found.values.map(\.bitPattern) == expected.values.map(\.bitPattern), "\(expected.path)")
        }
        #expect(!back.isResumable && back.definition == checkpoint.definition && back.model == checkpoint.model)
        // It is a checkpoint like any other.
        #expect(try Checkpoint(encoded: try back.encoded()) == back)
    }

    /// What a format cannot express, and the part that the error names.
    private static let refused: [InterchangeFormat: [String: String]] = [
        .keras: [
            "learned-variance": "encoder.block", "factor-vae-sprites": "objective.adversarial",
            "adversarial-autoencoder-mnist": "objective.adversarial",
            "conv-vae-cifar-mixture": "objective.reconstruction.discretized_logistic_mixture",
            "mlp-vae-mnist-continuous": "objective.reconstruction.continuous_bernoulli",
            "conditional-vae-mnist": "condition", "vamp-prior-vae-mnist": "objective.pseudo_inputs",
            "mlp-vae-points": "objective.log_sigma", "vq-vae-cifar": "latent.codebook",
            "vq-vae-mnist": "latent.codebook",
            "planar-flow-vae-mnist": "objective.planar_flow", "ladder-vae-mnist": "latent.levels",
            "m2-mnist": "condition",
        ],
        .onnx: [
            "conv-vae-cifar-mixture": "objective.reconstruction.discretized_logistic_mixture",
            "mlp-vae-mnist-continuous": "objective.reconstruction.continuous_bernoulli",
            "conditional-vae-mnist": "condition", "vq-vae-cifar": "latent.codebook", "vq-vae-mnist": "latent.codebook",
            "planar-flow-vae-mnist": "objective.planar_flow", "ladder-vae-mnist": "latent.levels",
            "m2-mnist": "condition",
        ],
    ]

    @Test(arguments: InterchangeFormat.allCases) func theSameCheckpointGivesTheSameBytes(_ format: InterchangeFormat)
        throws
    {
        let definition = try Samples.definition(named: "conv-vae-mnist")
        let checkpoint = try Samples.checkpoint(definition)
        let (first, second) = (
            try checkpoint.exported(to: format, definition: definition),
            try checkpoint.exported(to: format, definition: definition)
        )
        #expect(first.map(\.bytes) == second.map(\.bytes))
    }
}
