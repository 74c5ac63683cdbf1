import Foundation
import Testing

/// The commands on small runs of families whose latent space is not a single Gaussian: each works, or says why not.
@Suite struct FamilyCommandTests {
    private struct Run {
        let small: SmallRun
        let path: String

        /// Trains a family for an epoch.
        init(_ family: String) throws {
            small = try SmallRun(classCount: 2)
            path = small.folder.path + "/run"
            let command = try small.begin("run", SmallRun.definition(family: family, epochs: 1))
            let result = try zoo(command)
            try #require(result.status == 0, "\(result.errors)")
        }

        /// A command on the run and its pictures.
        func zoo(_ command: String, _ options: String...) throws -> CommandResult {
            try zoo([command, path, "--image-folder", small.pictures] + options)
        }

        func zoo(_ arguments: [String]) throws -> CommandResult { try ZooCommandsTests.zoo(arguments) }

        /// Expects that a command works, and writes its file where it has one.
        func expectWorks(_ command: String, _ options: String..., output: String? = nil) throws {
            let file = output.map { "\(small.folder.path)/\(command).\($0)" }
            let result = try zoo(
                [command, path, "--image-folder", small.pictures] + options + (file.map { ["--output", $0] } ?? []))
            #expect(result.status == 0, "\(command): \(result.errors)")
            if let file { #expect(FileManager.default.fileExists(atPath: file), "\(command)") }
        }

        /// Expects wrong usage with a reason.
        func expectRefused(_ command: String, _ options: String..., because reason: String) throws {
            let result = try zoo([command, path, "--image-folder", small.pictures] + options)
            #expect(result.status == 2 && result.errors.contains(reason), "\(command): \(result.errors)")
        }
    }

    /// What works with codes of any kind.
    @Test(arguments: ["ladder", "m2", "planar-flow", "vamp-prior", "vq-vae"]) func everyFamily(_ family: String) throws
    {
        let run = try Run(family)
        try run.expectWorks("evaluate", "--split", "train")
        try run.expectWorks("evaluate", "--split", "train", "--metrics", "losses,reconstruction_quality", "--no-store")
        try run.expectWorks("score", "--split", "train", "--count", "6", "--samples", "5", output: "csv")
        try run.expectWorks("trace", "--index", "3")
        try run.expectWorks("sample", "--count", "4", output: "png")
        try run.expectWorks("reconstruct", "--split", "train", "--count", "4", output: "png")
        try run.expectWorks("embed", "--split", "train", output: "csv")
        try run.expectWorks("compare", output: "html")
        let text = String(
            decoding: try Data(contentsOf: URL(fileURLWithPath: run.path + "/definition.yaml")), as: UTF8.self)
        #expect(!text.contains(" \n"))
    }

    /// What needs codes that are real numbers.
    @Test(arguments: ["ladder", "m2", "vamp-prior"]) func continuousCodes(_ family: String) throws {
        let run = try Run(family)
        try run.expectWorks("interpolate", "--split", "train", "--between", "1", "2", output: "png")
        try run.expectWorks("traverse", "--split", "train", "--start", "1", "--range", "-2..2", output: "png")
        try run.expectWorks("evaluate", "--split", "train", "--likelihood", "5", "--no-store")
        try run.expectWorks("sample", "--split", "train", "--from", "mixture:2", "--count", "4", output: "png")
    }

    @Test func aCodebookHasNothingBetweenItsCodes() throws {
        let run = try Run("vq-vae")
        let nothing = "between two of these is nothing"
        try run.expectRefused("interpolate", "--split", "train", "--between", "1", "2", because: nothing)
        try run.expectRefused("traverse", because: nothing)
        try run.expectRefused("regions", "--split", "train", because: nothing)
        try run.expectRefused(
            "evaluate", "--split", "train", "--likelihood", "5", "--no-store", because: "needs a model with a posterior"
        )
        try run.expectRefused("sample", "--from", "mixture:0", because: "1 to 1000 Gaussians, not 0")
    }

    /// The metric by itself, and not its group.
    @Test func likelihoodIsOneMetric() throws {
        let run = try Run("ladder")
        let result = try run.zoo("evaluate", "--split", "train", "--likelihood", "5", "--no-store", "--json")
        let evaluation = try #require(try result.object()["evaluation"] as? [String: Any])
        let metrics = try #require(evaluation["metrics"] as? [[String: Any]])
        #expect(metrics.map { $0["metric"] as? String } == ["likelihood"], "\(result.output)")
    }

    /// The error is one of the numbers that evaluation gives; a data set with too few labels is refused.
    @Test func aSemiSupervisedModelHasAnError() throws {
        let run = try Run("m2")
        let result = try run.zoo("evaluate", "--split", "train", "--json")
        let error = try #require((try result.json() as? [String: Any])?["classification_error"] as? Double)
        #expect((0...1).contains(error))
        let definition = SmallRun.definition(family: "m2", epochs: 1).replacing("labels: 4", with: "labels: 400")
        let many = try run.zoo(try run.small.begin("many", definition))
        #expect(
            many.status == 2 && many.errors.contains("asks for 200 training images of each class"), "\(many.errors)")
        let odd = try run.zoo(
            try run.small.begin("odd", definition.replacing("labels: 400", with: "labels: 5")))
        #expect(odd.status != 0 && odd.errors.contains("as many of each of 2 classes"), "\(odd.errors)")
    }
}
