import ModelKit
import TensorCore
import Testing

/// Definitions that follow the data, and advice where they do not fit.
@Suite struct DefinitionFittingTests {
    private func fitted(_ model: String, to shape: [Int]) throws -> ModelDefinition {
        let definition = try read(text(of: model))
        let changes = try #require(definition.overrides(fitting: shape))
        return try ModelDefinition(text: definition.text, source: model, overrides: changes, registry: .builtIn)
    }

    @Test func vectorsOfAnotherSize() throws {
        let definition = try fitted("mlp-vae-points", to: [13])
        #expect(definition.input == [13])
        #expect(try read(text(of: "mlp-vae-points")).overrides(fitting: [2])?.isEmpty == true)
        #expect(try read(text(of: "mlp-vae-points")).overrides(fitting: [1, 8, 8]) == nil)
    }

    @Test func imagesOfOtherChannels() throws {
        #expect(try fitted("conv-vae-cifar", to: [7, 32, 32]).input == [7, 32, 32])
        #expect(try fitted("mlp-vae-mnist", to: [1, 20, 30]).input == [1, 20, 30])
    }

    /// A decoder that ends in 26 × 26 instead of 25 × 25: what makes it fit is proposed, and does.
    @Test func aDecoderThatEndsBesideTheImage() throws {
        let wrong = """
            format: zoo.model/1
            name: odd
            family: vae
            summary: An image of an odd size
            input: [1, 25, 25]
            latent: {size: 2, mean: mean, log_variance: log_variance}
            encoder:
              - fc: {linear: {units: 8}}
            decoder:
              - fc: {linear: {units: 169}}
              - reshape: [1, 13, 13]
              - up: {conv_transpose2d: {filters: 1, kernel: 3, stride: 2, padding: 1, output_padding: 1}, activation: sigmoid}
            objective: {reconstruction: bernoulli, kl: {weight: 1}}
            training: {optimizer: {adam: {learning_rate: 1.0e-3}}, batch_size: 4, epochs: 1}

            """
        let found = problems(in: wrong).joined()
        #expect(found.contains("gives [1, 26, 26], but the images are [1, 25, 25]"), "\(found)")
        #expect(found.contains("decoder.up: output_padding 0"), "\(found)")
        #expect(problems(in: wrong, set: ["decoder.up.conv_transpose2d.output_padding=0"]) == [])
        // Every proposal is right.
        for (field, value) in [("kernel", 2)] where found.contains("decoder.up: \(field) \(value)") {
            #expect(problems(in: wrong, set: ["decoder.up.conv_transpose2d.\(field)=\(value)"]) == [])
        }
    }

    @Test(arguments: [("tanh", "0.27"), ("relu", "0.5")]) func anActivationBeforeABernoulliLikelihood(
        activation: String, bound: String
    ) throws {
        let plain = try text(of: "mlp-vae-mnist")
        #expect(try read(plain).warnings.isEmpty)
        let warnings = try read(plain.replacing("activation: sigmoid", with: "activation: \(activation)")).warnings
        #expect(warnings.count == 1)
        #expect(warnings.first?.path.hasPrefix("decoder.") == true && warnings[0].message.contains(bound))
        let gaussian = plain.replacing("activation: sigmoid", with: "activation: \(activation)").replacing(
            "reconstruction: bernoulli", with: "reconstruction: gaussian")
        #expect(try read(gaussian).warnings.isEmpty)
    }
}
