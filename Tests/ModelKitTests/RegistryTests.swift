import ModelKit
import TensorCore
import Testing
import ZooModels

@Suite struct RegistryTests {
    @Test func findsModelsAndSuggestsNames() throws {
        let registry = try ZooModels.registry()
        #expect(try registry.model("conv-vae-cifar").origin == .builtIn)
        #expect(
            throws: ZooError(
                "there is no model called conv-vae-cifr", advice: "did you mean conv-vae-cifar?", kind: .usage)
        ) { try registry.model("conv-vae-cifr") }
        #expect(
            throws: ZooError(
                "there is no model called transformer",
                advice: "there are \(registry.models.map(\.name).joined(separator: ", "))", kind: .usage)
        ) { try registry.model("transformer") }
    }

    @Test func refusesDuplicates() throws {
        let registry = try ZooModels.registry()
        #expect(throws: ZooError.self) { try registry.adding(models: [ZooModels.sources[0]]) }
        #expect(throws: ZooError.self) { try registry.adding(layers: [registry.layers[0]]) }
        #expect(throws: ZooError.self) { try registry.adding(activations: [registry.activations[0]]) }
        #expect(throws: ZooError.self) { try registry.adding(likelihoods: [registry.likelihoods[0]]) }
    }
}
