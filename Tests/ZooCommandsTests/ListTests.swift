import Testing
import ZooModels

@Suite struct ListTests {
    @Test func listsEveryModelWithItsParameters() throws {
        let result = try zoo("list")
        #expect(result.status == 0)
        #expect(result.errors == "")
        #expect(result.lines.first?.hasPrefix("NAME") == true)
        let line = try #require(result.lines.first { $0.hasPrefix("conv-vae-mnist ") })
        // Counted by hand from the layers' shapes.
        #expect(line.contains("1,662,249"))
        #expect(result.lines.count == ZooModels.sources.count + 1)
    }

    @Test func patternsAndFamiliesChoose() throws {
        let names = try zoo("list", "*-mnist", "-q")
        #expect(
            names.lines == [
                "adversarial-autoencoder-mnist", "autoencoder-mnist", "beta-vae-mnist", "conditional-vae-mnist",
                "contractive-autoencoder-mnist", "conv-vae-mnist",
                "denoising-autoencoder-mnist", "info-vae-mnist", "iwae-mnist", "ladder-vae-mnist", "m2-mnist",
                "mlp-vae-mnist", "piwae-mnist",
                "planar-flow-vae-mnist",
                "rae-mnist",
                "sparse-autoencoder-mnist", "vamp-prior-vae-mnist", "vq-vae-mnist",
                "wae-mmd-mnist",
            ])
        #expect(try zoo("list", "worked-va?", "-q").lines == ["worked-vae"])
        let vaes = try zoo("list", "worked-*", "--family", "vae", "-q")
        #expect(vaes.lines == ["worked-vae"])
    }

    @Test func jsonIsOneArray() throws {
        let models = try #require(try zoo("list", "conv-vae-mnist", "--json").json() as? [[String: Any]])
        #expect(models.count == 1)
        #expect(models.first?["name"] as? String == "conv-vae-mnist")
        #expect(models.first?["parameters"] as? Int == 1_662_249)
        #expect(models.first?["latent_size"] as? Int == 20)
        #expect(models.first?["origin"] as? String == "built-in")
        #expect((try zoo("list", "nothing", "--json").json() as? [Any])?.isEmpty == true)
    }

    @Test func whatMatchesNothingIsSaid() throws {
        let pattern = try zoo("list", "conv-vae-mnst")
        #expect(pattern.status == 1)
        #expect(pattern.errors.contains("did you mean conv-vae-mnist?"))
        let family = try zoo("list", "--family", "vea")
        #expect(family.status == 1)
        #expect(family.errors.contains("did you mean vae?"))
        #expect(try zoo("list", "-q", "--json").status == 2)
    }

    @Test func userModelsAreListedAndBrokenOnesAreWarnings() throws {
        let folder = try TemporaryFolder()
        try folder.write(branchingDefinition, "branching.yaml")
        try folder.write(
            branchingDefinition.replacing("name: branching", with: "name: broken").replacing(
                "filters: 4", with: "filtres: 4"),
            "broken.yaml")
        let result = try zoo("list", "--zoo", folder.path)
        #expect(result.status == 0)
        #expect(result.lines.contains { $0.hasPrefix("branching ") })
        #expect(!result.lines.contains { $0.hasPrefix("broken ") })
        #expect(result.errors.contains("warning:"))
        #expect(result.errors.contains("\(folder.path)/broken.yaml:8"))
        #expect(result.errors.contains("did you mean filters?"))
    }

    @Test func misspeltOptionsAreWrongUsage() throws {
        let result = try zoo("list", "--familly", "vae")
        #expect(result.status == 2)
        #expect(result.output == "")
        #expect(result.errors.contains("did you mean --family?"))
        #expect(try zoo("lst").status == 2)
    }

    @Test func helpIsAResult() throws {
        let result = try zoo("trace", "--help")
        #expect(result.status == 0)
        #expect(result.output.contains("zoo trace worked-vae --input 0.34,0.55 --noise 0.1"))
        #expect(result.errors == "")
    }
}
