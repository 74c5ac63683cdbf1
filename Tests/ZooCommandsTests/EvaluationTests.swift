import Foundation
import TestSupport
import Testing

/// `zoo evaluate --metrics` and `zoo score` on a small model.
@Suite struct EvaluationTests {
    /// Settings that make every metric quick.
    private static let quick = [
        "likelihood.samples=20", "likelihood.images=20", "decomposition.images=40", "decomposition.samples=20",
        "reconstruction_quality.images=20", "linear_probe.training_images=60", "nearest_neighbours.neighbours=3",
        "cluster_purity.images=40", "attribute_correlation.images=60", "beta_vae_score.training_samples=60",
        "beta_vae_score.test_samples=40", "factor_vae_score.training_samples=60", "factor_vae_score.test_samples=40",
        "factor_vae_score.variance_samples=100", "mig.samples=200", "sap.training_samples=100", "sap.test_samples=60",
        "dci.training_samples=100", "dci.test_samples=60", "dci.rounds=5", "modularity.training_samples=100",
        "modularity.test_samples=60", "irs.samples=200", "frechet_distance.images=40", "kernel_distance.images=40",
        "kernel_distance.subset_size=20", "kernel_distance.subsets=5", "neighbourhoods.images=40",
    ].flatMap { ["--with", $0] }

    private func scores(_ result: CommandResult) throws -> [String: Double] {
        try #require(result.status == 0, "\(result.errors)")
        let evaluation = try #require(try result.object()["evaluation"] as? [String: Any])
        let metrics = try #require(evaluation["metrics"] as? [[String: Any]])
        let pairs = metrics.flatMap { $0["scores"] as? [[String: Any]] ?? [] }.compactMap {
            score -> (String, Double)? in
            guard let name = score["name"] as? String, let value = score["value"] as? Double else { return nil }
            return (name, value)
        }
        return Dictionary(pairs) { first, _ in first }
    }

    @Test func everyMetricIsComputedKeptAndShown() throws {
        let model = try TinyModel(steps: 40)
        let arguments =
            ["--metrics", "all", "--features", model.run, "--figures", model.folder.path + "/figures"] + Self.quick
        let found = try scores(try model.zoo("evaluate", arguments + ["--json"]))
        for name in [
            "likelihood", "likelihood_elbo", "decomposition_total_correlation", "active_units", "mse", "psnr",
            "frechet_distance", "kernel_distance", "precision", "recall", "density", "coverage", "linear_probe",
            "nearest_neighbours", "cluster_purity", "attribute_correlation", "beta_vae_score", "factor_vae_score",
            "mig",
            "sap", "dci_disentanglement", "dci_completeness", "dci_informativeness", "modularity", "explicitness",
            "irs",
        ] {
            #expect(found[name]?.isFinite == true, "\(name)")
        }
        // Pixels of 8 × 8 have no room for SSIM's window.
        #expect(found["ssim"] == nil)
        for metric in ["mig", "dci", "sap", "irs", "modularity", "factor_vae_score", "attribute_correlation"] {
            #expect(try isPicture("\(model.folder.path)/figures/\(metric).png"))
        }
        // Again, on one thread: the same numbers, and the record does not grow.
        let record = model.run + "/evaluation.json"
        let before = try String(contentsOfFile: record, encoding: .utf8).split(separator: "\n").count
        let again = try scores(try model.zoo("evaluate", arguments + ["--json", "--threads", "1"]))
        #expect(again == found)
        #expect(try String(contentsOfFile: record, encoding: .utf8).split(separator: "\n").count == before)
        // A metric that is computed anew stays where it was.
        func metrics() throws -> [String] {
            let json = try JSONSerialization.jsonObject(with: try Data(contentsOf: URL(fileURLWithPath: record)))
            let evaluations = try #require((json as? [String: Any])?["evaluations"] as? [[String: Any]])
            return evaluations.flatMap {
                ($0["metrics"] as? [[String: Any]] ?? []).compactMap { $0["metric"] as? String }
            }
        }
        let order = try metrics()
        #expect(try model.zoo("evaluate", ["--metrics", "losses", "--features", model.run]).status == 0)
        #expect(try metrics() == order && order.first == "losses", "\(order)")
        // Where people look for them.
        let bars = try Bars.catalog()
        let inspected = try zoo(["convert", "inspect", model.run, "--json"], datasets: bars)
        let kept = try #require(try inspected.object()["scores"] as? [String: Double])
        #expect(kept == found)
        #expect(try zoo(["convert", "inspect", model.run], datasets: bars).output.contains("dci_completeness"))
        let compared = try model.zoo("compare", ["--json"])
        let models = try #require(try compared.object()["models"] as? [[String: Any]])
        #expect(models.first?["scores"] as? [String: Double] == found)
        let text = try model.zoo("evaluate", ["--metrics", "mig", "--with", "mig.samples=100", "--repetitions", "3"])
        #expect(text.lines.contains { $0.hasPrefix("mig ") } && text.output.contains("± SD"))
    }

    @Test func oneFactorHasNoDisentanglement() throws {
        let model = try TinyModel()
        let arguments = ["--metrics", "dci", "--without-factor", "place", "--json"]
        let found = try scores(
            try model.zoo(
                "evaluate",
                arguments + [
                    "--with", "dci.training_samples=60", "--with", "dci.test_samples=40", "--with", "dci.rounds=3",
                ]))
        #expect(Set(found.keys) == ["dci_completeness", "dci_informativeness", "dci_informativeness_training"])
    }

    @Test(.enabled(if: Judge.python != nil)) func theRecordIsWhatTheSchemaSays() throws {
        let model = try TinyModel(steps: 5)
        let result = try model.zoo("evaluate", ["--metrics", "mig,likelihood", "--repetitions", "2"] + ["--no-store"])
        #expect(result.status == 0 && !FileManager.default.fileExists(atPath: model.run + "/evaluation.json"))
        #expect(try model.zoo("evaluate", ["--metrics", "mig,likelihood", "--repetitions", "2"]).status == 0)
        let schema = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("schemas/evaluation.schema.json").path
        let script = """
            import json, jsonschema, sys
            schema, value = [json.load(open(path)) for path in sys.argv[1:]]
            jsonschema.Draft202012Validator.check_schema(schema)
            for error in jsonschema.Draft202012Validator(schema).iter_errors(value): print(error.message)
            """
        let report = try Judge.run(Judge.python, ["-c", script, schema, model.run + "/evaluation.json"])
        #expect(report.isEmpty, "\(report)")
    }

    @Test func moreSamplesTightenTheBound() throws {
        let model = try TinyModel(steps: 40)
        func bound(_ samples: Int) throws -> [String: Double] {
            try scores(
                try model.zoo(
                    "evaluate", ["--likelihood", String(samples), "--with", "likelihood.images=40", "--json"]))
        }
        let (one, ten, many) = (try bound(1), try bound(10), try bound(400))
        // With one sample the bound is the evidence lower bound itself.
        #expect(one["likelihood"] == one["likelihood_elbo"])
        let (a, b, c) = (
            try #require(one["likelihood"]), try #require(ten["likelihood"]), try #require(many["likelihood"])
        )
        #expect(a < b && b < c)
        // The mean of log w over 400 samples is the evidence lower bound that `evaluate` computes with the KL in closed form.
        let object = try model.zoo("evaluate", ["--json"]).object()
        let loss = try #require(object["loss"] as? Double)
        let deviation = try #require(many["likelihood_standard_error"])
        #expect(abs(try #require(many["likelihood_elbo"]) + loss) < 3 * deviation)
    }

    @Test(arguments: [
        (["--metrics", "mgi"], "there is no metric 'mgi'; did you mean 'mig'?"),
        (["--metrics", "mig", "--with", "mig.bin=3"], "mig has no parameter 'bin': it has samples, bins"),
        (["--metrics", "mig", "--with", "mig.bins=1"], "mig.bins is a whole number from 2 to 10000, not 1.0"),
        (["--metrics", "mig", "--with", "bins"], "it has the form METRIC.PARAMETER=NUMBER"),
        (["--metrics", "mig", "--with", "sap.cost=1"], "not among those that are computed"),
        (["--with", "mig.bins=4"], "--with needs --metrics"),
        (["--metrics", "mig", "--without-factor", "size"], "bars has no factor 'size': it has width, place"),
        (["--metrics", "beta_vae_score", "--without-factor", "width"], "at least two factors of variation"),
        (["--metrics", "frechet_distance"], "a trained model whose codes are the features"),
        (["--likelihood", "0"], "likelihood.samples is a whole number from 1"),
        (
            ["--metrics", "nearest_neighbours", "--with", "nearest_neighbours.neighbours=100"],
            "80 images have no 100 neighbours"
        ),
    ])
    func whatCannotBeIsASentence(_ arguments: [String], _ words: String) throws {
        let model = try TinyModel()
        let result = try model.zoo("evaluate", arguments)
        #expect(result.status == 2, "\(result.errors)")
        #expect(result.errors.contains(words), "\(result.errors)")
    }

    @Test func imagesOfWhichNothingIsKnownAndModelsWithoutAPosterior() throws {
        let plain = try TinyModel(dataset: "plain-bars")
        let result = try plain.zoo("evaluate", ["--metrics", "mig"])
        #expect(result.status == 2 && result.errors.contains("a data set with factors of variation or labels"))
        let all = try plain.zoo("evaluate", ["--metrics", "disentanglement,reconstruction", "--json"])
        #expect(all.status == 0)
        let left = try #require(try all.object()["not_computed"] as? [[String: String]])
        #expect(left.first { $0["metric"] == "mig" }?["reason"]?.hasPrefix("needs a data set with factors") == true)
        let code = try TinyModel(isVariational: false)
        let bound = try code.zoo("evaluate", ["--likelihood", "10"])
        #expect(bound.status == 2 && bound.errors.contains("likelihood needs a model with a posterior"))
    }

    @Test func imagesOfOtherClassesAreStrange() throws {
        let folder = try TemporaryFolder()
        let run = folder.path + "/run"
        let definition = try folder.write(
            """
            format: zoo.model/1
            name: one-class
            family: vae
            summary: For tests
            dataset: bars
            input: [1, 8, 8]
            latent: {size: 2, mean: mean, log_variance: log_variance}
            encoder:
              - fc1: {linear: {units: 16}, activation: relu}
            decoder:
              - fc1: {linear: {units: 64}, activation: sigmoid}
              - reshape: [1, 8, 8]
            objective: {reconstruction: bernoulli, kl: {weight: 1}}
            training: {optimizer: {adam: {learning_rate: 2.0e-2}}, batch_size: 9, epochs: 1, only_class: 1}
            """, "one.yaml")
        let bars = try Bars.catalog()
        let training = try zoo(["train", definition, "--run-dir", run, "-q"], datasets: bars)
        try #require(training.status == 0, "\(training.errors)")
        let csv = folder.path + "/scores.csv"
        let result = try zoo(
            [
                "score", run, "--normal", "middle", "--samples", "20", "--output", csv, "--output",
                folder.path + "/s.png", "--json",
            ],
            datasets: bars)
        try #require(result.status == 0, "\(result.errors)")
        let areas = try #require(try result.object()["area_under_curve"] as? [String: Double])
        #expect(Set(areas.keys) == ["negative_elbo", "reconstruction", "negative_bound", "squared_error"])
        let lines = try String(contentsOfFile: csv, encoding: .utf8).split(separator: "\n")
        #expect(
            lines.count == 41 && lines[0] == "image,class,negative_elbo,reconstruction,negative_bound,squared_error")
        #expect(lines[1].hasPrefix("80,wide,"))
        // The area is the share of pairs in which the stranger image has the higher score.
        let rows = lines.dropFirst().map { $0.split(separator: ",") }
        let score = { (row: [Substring]) in Double(row[5]) ?? .nan }
        let (normal, strange) = (rows.filter { $0[1] == "middle" }, rows.filter { $0[1] != "middle" })
        let wins = strange.reduce(0) { sum, row in sum + normal.count { score($0) < score(row) } }
        let share = Double(wins) / Double(normal.count * strange.count)
        #expect(abs(try #require(areas["squared_error"]) - share) < 1e-9)
        #expect(try isPicture(folder.path + "/s.png"))
        // A class that is not there, everything normal, and a training class that no image has.
        for (text, words) in [("broad", "bars has no class 'broad'"), ("0,1,2", "there is nothing to tell apart")] {
            let wrong = try zoo(["score", run, "--normal", text, "--output", csv], datasets: bars)
            #expect(wrong.status == 2 && wrong.errors.contains(words), "\(wrong.errors)")
        }
        let none = try zoo(
            ["train", definition, "--set", "training.only_class=7", "--run-dir", folder.path + "/none"], datasets: bars)
        #expect(none.status == 2 && none.errors.contains("no train image of bars is of class 7"), "\(none.errors)")
    }

    @Test func filesAndPlainAutoencodersAreScored() throws {
        let model = try TinyModel(isVariational: false)
        let picture = try model.picture("a,b.png", width: 8, height: 8)
        let csv = model.folder.path + "/scores.csv"
        let result = try model.zoo("score", ["--images", picture, "--output", csv])
        #expect(result.status == 0, "\(result.errors)")
        let lines = try String(contentsOfFile: csv, encoding: .utf8).split(separator: "\n")
        #expect(lines[0] == "image,class,squared_error" && lines[1].hasPrefix("\"\(picture)\",,"))
        let wrong = try model.zoo("score", ["--images", picture, "--normal", "wide"])
        #expect(wrong.status == 2 && wrong.errors.contains("--normal needs images of a data set with labels"))
    }
}
