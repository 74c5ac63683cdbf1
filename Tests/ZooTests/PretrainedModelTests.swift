import Foundation
import Testing
import Zoo

/// The trained models that come with the zoo.
@Suite struct PretrainedModelTests {
    @Test func theyAreBesideTheProgramAndWork() throws {
        let names = ZooModels.pretrained.names
        #expect(names.contains("mlp-vae-mnist") && names.contains("beta-vae-sprites"), "\(names)")
        for name in names {
            let model = try TrainedModel.pretrained(name)
            #expect(model.checkpoint.provenance["license"] == "Apache-2.0" && !model.checkpoint.isResumable, "\(name)")
            let latents = try Tensor(rows: [[Float](repeating: 0, count: model.definition.latentSize)])
            let images = try model.decode(latents, classes: model.definition.classCount.map { _ in [3] })
            #expect(images.values.allSatisfy { (0...1).contains($0) }, "\(name)")
        }
        #expect {
            _ = try TrainedModel.pretrained("mlp-vae-mnits")
        } throws: { error in
            "\(error)".contains("did you mean 'mlp-vae-mnist'?")
        }
    }

    /// Those on generated data, and with `ZOO_DATA` those on what is there.
    @Test func theyStillGiveTheirNumbers() throws {
        var verified: [String] = []
        for name in ZooModels.pretrained.names {
            let model = try TrainedModel.pretrained(name)
            let dataset = try #require(model.dataset)
            guard let data = try? DatasetCatalog.builtIn.open(dataset) else { continue }
            let verification = try CardVerification(model, on: data, metrics: ["losses"])
            #expect(verification.agrees, "\(name): \(verification.comparisons)")
            #expect(!verification.comparisons.isEmpty, "\(name)")
            verified.append(name)
        }
        #expect(Set(verified).isSuperset(of: ["beta-vae-sprites", "beta-tcvae-sprites"]))
    }
}
