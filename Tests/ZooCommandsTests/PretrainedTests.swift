import Foundation
import ModelKit
import Testing
import ZooModels

@testable import ZooCommands

/// Model cards and trained models that come with the program.
@Suite struct PretrainedTests {
    /// Runs `zoo` with a folder of trained models.
    private func zoo(_ arguments: [String], weights: String) throws -> CommandResult {
        let context = ZooContext(
            registry: try ZooModels.registry().with(pretrained: PretrainedModels(folder: weights)),
            datasets: try Bars.catalog())
        let recording = Console.Recording()
        let status = ZooContext.$current.withValue(context) {
            Console.$recording.withValue(recording) { ZooCommand.run(arguments: arguments) }
        }
        return CommandResult(status: status, output: recording.output, errors: recording.errors)
    }

    /// A folder with a slim half-precision model of bars and its metrics.
    private func weights(_ model: TinyModel) throws -> String {
        let folder = model.folder.path + "/weights"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let slim = try ZooCommandsTests.zoo(
            "convert", "slim", model.run, "--half", "--license", "Apache-2.0", "--output", folder + "/bars.h5",
            datasets: try Bars.catalog())
        try #require(slim.status == 0, "\(slim.errors)")
        let evaluated = try ZooCommandsTests.zoo(
            "evaluate", folder + "/bars.h5", "--metrics", "losses,mig,likelihood", "--with", "mig.samples=100",
            "--with",
            "likelihood.samples=5", datasets: try Bars.catalog())
        try #require(evaluated.status == 0, "\(evaluated.errors)")
        return folder
    }

    @Test func aNameStandsForACheckpointEverywhere() throws {
        let model = try TinyModel()
        let weights = try weights(model)
        #expect(FileManager.default.fileExists(atPath: weights + "/bars.evaluation.json"))
        let list = try zoo(["pretrained"], weights: weights)
        #expect(list.status == 0 && list.lines.count == 2 && list.lines[1].hasPrefix("bars "), "\(list.output)")
        #expect(try zoo(["pretrained", "path", "bars"], weights: weights).output == weights + "/bars.h5\n")
        let picture = model.folder.path + "/p.png"
        for arguments in [
            ["sample", "pretrained:bars", "--output", picture], ["traverse", "pretrained:bars", "--output", picture],
            ["convert", "inspect", "pretrained:bars"], ["convert", "verify", "pretrained:bars"],
            [
                "evaluate", "pretrained:bars", "--metrics", "frechet_distance", "--features=pretrained:bars",
                "--no-store",
            ],
            ["compare", "pretrained:bars"],
        ] {
            let result = try zoo(arguments, weights: weights)
            #expect(result.status == 0, "\(arguments) \(result.errors)")
        }
        let wrong = try zoo(["sample", "pretrained:bras"], weights: weights)
        #expect(wrong.status == 2 && wrong.errors.contains("there is no pretrained model 'bras'; did you mean 'bars'?"))
    }

    @Test func verificationFindsWhatIsNotTheSame() throws {
        let model = try TinyModel()
        let weights = try weights(model)
        let good = try zoo(["pretrained", "verify", "--metrics", "all"], weights: weights)
        #expect(good.status == 0 && good.output.hasPrefix("bars: agrees, digest"), "\(good.output) \(good.errors)")
        let record = weights + "/bars.evaluation.json"
        let text = try String(contentsOfFile: record, encoding: .utf8)
        let changed = text.replacingOccurrences(
            of: #"("name": "loss",\s+"value": )([0-9.]+)"#, with: "$1 1$2", options: .regularExpression)
        #expect(changed != text)
        try changed.write(toFile: record, atomically: true, encoding: .utf8)
        let bad = try zoo(["pretrained", "verify", "bars"], weights: weights)
        #expect(
            bad.status == 1 && bad.output.hasPrefix("bars: differs") && bad.output.contains("loss: "), "\(bad.output)")
    }

    @Test func cardsSayWhatIsKnown() throws {
        let model = try TinyModel()
        let weights = try weights(model)
        let page = model.folder.path + "/card.html"
        #expect(try zoo(["pretrained", "card", "bars", "--output", page], weights: weights).status == 0)
        let html = try model.folder.text("card.html")
        for words in [
            "How it was trained", "Apache-2.0", "likelihood_elbo", "samples 5", "data:image/png;base64,", "sha256",
        ] {
            #expect(html.contains(words), "\(words)")
        }
        let markdown = model.folder.path + "/card.md"
        let result = try zoo(["card", model.run, "--output", markdown], weights: weights)
        #expect(result.status == 0, "\(result.errors)")
        let text = try model.folder.text("card.md")
        #expect(text.hasPrefix("# tiny\n") && text.contains("![Samples](card-samples.png)"))
        #expect(try isPicture(model.folder.path + "/card-samples.png"))
        let wrong = try zoo(["card", model.run, "--output", "card.pdf"], weights: weights)
        #expect(wrong.status == 2 && wrong.errors.contains("written as .html or .md"))
    }
}
