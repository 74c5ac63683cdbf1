import Foundation
import TestSupport
import Testing
import Zoo

/// The examples of docs/library.md: here they are compiled and run, and the page has to say the same.
@Suite struct LibraryPageTests {
    @Test func examplesRun() throws {
        try withTemporaryFolder { folder in
            let dataset = try Self.ownData()
            let (run, sweep) = (folder + "/run", folder + "/sweep")
            try Self.train(dataset, run)
            #expect(try RunFolder(path: run).record().status == .interrupted)
            try Self.resume(dataset, run)
            let record = try RunFolder(path: run).record()
            #expect(record.status == .finished)
            #expect(record.steps == 20)
            let picture = folder + "/picture.png"
            let pixels = try dataset.images([0])
            let image = try Image8(width: 64, height: 64, channels: 1, pixels: pixels)
            try Data(ImageFiles.encodePNG(image)).write(to: URL(fileURLWithPath: picture))
            let model = try Self.load(run, picture)
            try Self.evaluate(model, dataset)
            try Self.fail(model)
            try Self.sweep(try Self.ownModel(), dataset, sweep)
            let runs = try #require(try SweepRecord.read(from: sweep)).runs
            #expect(runs.map(\.status) == [.finished, .finished, .finished, .finished])
        }
    }

    /// Each block of the page is in this file, but for white space and commas at the end of lists.
    @Test func pageSaysWhatIsTested() throws {
        func bare(_ text: some StringProtocol) -> String {
            String(text.filter { !$0.isWhitespace }).replacing(",]", with: "]").replacing(",)", with: ")")
        }
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let page = try String(contentsOf: root.appendingPathComponent("docs/library.md"), encoding: .utf8)
        let source = bare(try String(contentsOf: URL(fileURLWithPath: #filePath), encoding: .utf8))
        let blocks = page.split(separator: "```swift\n").dropFirst().compactMap { $0.split(separator: "```").first }
        #expect(blocks.count >= 9)
        for block in blocks { #expect(source.contains(bare(block)), "not in the test: \(block)") }
    }

    private static func load(_ folder: String, _ picture: String) throws -> TrainedModel {
        let model = try TrainedModel(folder)
        let images = try Tensor(imageFiles: [picture], shape: model.definition.input)
        let posterior = try model.encode(images)
        print("μ =", posterior.mean[0])
        let reconstructed = try model.decode(posterior.mean)
        try ImageFiles.encodePNG(reconstructed.pictures()[0]).withUnsafeBytes { print("\($0.count) bytes of PNG") }
        return model
    }

    private static func evaluate(_ model: TrainedModel, _ dataset: any Dataset) throws {
        let samples = try model.sample(count: 16, seed: 7, temperature: 0.8)
        let result = try model.evaluate(on: dataset, split: .test)
        print("\(samples.count) samples; test loss \(result.losses.loss), \(result.activeUnits ?? 0) active units")
    }

    private static func train(_ dataset: any Dataset, _ folder: String) throws {
        let definition = try ModelDefinition.zoo(
            "beta-vae-sprites",
            overrides: [
                DefinitionOverride(path: ["training", "batch_size"], value: "16")
            ])
        let run = try TrainingRun(
            definition, dataset: dataset, settings: .init(folder: folder, seed: 1, stepLimit: 20))
        let end = try run.train(until: run.trainer.state.step >= 10) { event in
            switch event {
            case .step(let step): print("step \(step.step): \(step.current.loss), \(Int(step.secondsLeft)) s left")
            case .epoch(let epoch): print("epoch \(epoch.epoch): \(epoch.train.loss)")
            case .saved(let checkpoint): print("saved \(checkpoint)")
            case .warning(let text), .activity(let text): print(text)
            case .evaluation: break
            }
        }
        print(end == .interrupted ? "stopped" : "done")
    }

    private static func resume(_ dataset: any Dataset, _ folder: String) throws {
        let resumed = try TrainingRun(resuming: folder, dataset: dataset)
        try resumed.train()
        let losses = try RunFolder(path: folder).history().steps.map(\.train.loss)
        print("\(losses.count) losses, the last \(losses.last ?? .nan)")
        try RunOverview(RunFolder(path: folder)).curves.write(to: folder + "/losses.png")
    }

    private static func ownModel() throws -> ModelDefinition {
        let ownModel = try ModelDefinition(
            name: "my-vae", family: "vae", summary: "Three convolutions on sprites.",
            input: [1, 64, 64], latent: .gaussian(size: 6),
            encoder: [
                .layer(
                    "conv1",
                    Convolution2D(filters: 16, window: .init(kernel: .init(4), stride: .init(2), padding: .init(1))),
                    activation: .relu),
                .layer("flatten", Flatten()), .layer("fc1", Linear(units: 64), activation: .relu),
            ],
            decoder: [
                .layer("fc1", Linear(units: 64), activation: .relu),
                .layer("fc2", Linear(units: 4096), activation: .sigmoid),
            ],
            objective: Objective(.bernoulli, beta: 4, warmupSteps: 100),
            training: TrainingSettings(optimizer: .adam, learningRate: 1e-3, batchSize: 16, epochs: 1))
        print(ownModel.text)
        return ownModel
    }

    private static func sweep(_ ownModel: ModelDefinition, _ dataset: any Dataset, _ folder: String) throws {
        let sweep = try Sweep(
            base: ownModel, variations: [VariedField(path: "objective.kl.weight", values: ["1", "4"])], seeds: [0, 1],
            stepLimit: 5, folder: folder, registry: .zoo())
        let record = try sweep.train(registry: .zoo()) { _, _ in dataset }
        for run in record.runs { print(run.label, run.status) }
        let compared = try ComparedModel.all([folder], registry: .zoo()).models
        let comparison = try Comparison(compared, dataset: dataset, sampleCount: 4, imageCount: 4, seed: 0)
        print(comparison.results.rows)
    }

    private static func ownData() throws -> MemoryDataset {
        let dataset = try MemoryDataset(
            name: "noise", shape: [1, 64, 64], pixels: (0..<40 * 4096).map { UInt8(truncatingIfNeeded: $0 &* 31) },
            testCount: 8)
        return dataset
    }

    private static func fail(_ model: TrainedModel) throws {
        do {
            _ = try model.decode(Tensor(rows: [[1, 2, 3]]))
        } catch let error as ZooError where error.code == .mismatch {
            print(error.message)
        }
    }
}
