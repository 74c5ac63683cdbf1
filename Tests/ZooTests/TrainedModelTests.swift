import FileSupport
import Glibc
import TestSupport
import Testing
import Zoo

/// What is looked at is what the definition asks for: the average of the weights, the run's noise, the run's splits.
@Suite struct TrainedModelTests {
    private static func dataset() throws -> MemoryDataset {
        try MemoryDataset(
            name: "stripes", shape: [1, 4, 4],
            pixels: (0..<60 * 16).map { place -> UInt8 in
                let isStripe = place / 16 % 4 == place % 4
                return isStripe ? 200 : UInt8(place * 13 % 50)
            }, testCount: 10)
    }

    private static func definition(_ training: TrainingSettings) throws -> ModelDefinition {
        try ModelDefinition(
            name: "small", family: "vae", summary: "For tests.", input: [1, 4, 4], latent: .gaussian(size: 2),
            encoder: [.layer("fc", Linear(units: 8), activation: .relu)],
            decoder: [.layer("fc", Linear(units: 16), activation: .sigmoid)], objective: Objective(.bernoulli, beta: 1),
            training: training)
    }

    @Test func theAverageIsWhatCounts() throws {
        try withTemporaryFolder { folder in
            let dataset = try Self.dataset()
            let definition = try Self.definition(
                TrainingSettings(learningRate: 0.05, averageDecay: 0.9, batchSize: 10, epochs: 2))
            var last: EpochRecord?
            let run = try TrainingRun(
                definition, dataset: dataset, settings: .init(folder: folder + "/run", seed: 3, drawsPictures: false))
            try run.train { if case .epoch(let epoch) = $0 { last = epoch } }
            let model = try TrainedModel(folder + "/run")
            let average = try #require(model.checkpoint.optimizer.first { $0.name == "average" }).tensors
            #expect(average != model.checkpoint.parameters)
            #expect(model.checkpoint.inferenceWeights == average)
            #expect(model.checkpoint.slimmed().parameters == average)
            #expect(model.checkpoint.slimmed().provenance["weights"] == "moving average of the parameters")
            // Independent of plans: the decoder's two matrices by hand.
            let images = try Tensor(dataset, 50..<60)
            func tensor(_ path: String) throws -> NamedTensor { try #require(average.first { $0.path == path }) }
            let (weight, bias) = (try tensor("decoder.fc.weight"), try tensor("decoder.fc.bias"))
            let code = try model.encode(images).mean[0]
            let decoded = try model.decode(Tensor(rows: [Array(code)]))
            for output in 0..<16 {
                let a = zip(weight.values[output * 2..<output * 2 + 2], code).reduce(bias.values[output]) {
                    $0 + $1.0 * $1.1
                }
                #expect(abs(decoded.values[output] - 1 / (1 + exponential(-a))) < 1e-5)
            }
            // The losses that the run recorded are those of the average, with the run's noise.
            let evaluation = try model.evaluate(on: dataset)
            #expect(abs(evaluation.losses.loss - (try #require(last?.test)).loss) < 1e-4)
            #expect(try model.evaluate(on: dataset, seed: 4).losses.loss != evaluation.losses.loss)
            let exported = try model.checkpoint.exported(to: .safetensors, definition: definition)[0].bytes
            let path = folder + "/x.safetensors"
            try write(exported, path)
            let read = try ForeignFile(path: path)
            let index = try #require(read.tensors.firstIndex { $0.name == "decoder.fc.weight" })
            #expect(try read.values(at: index) == weight.values)
        }
    }

    /// With patience a tenth of the training images decides, and the checkpoint knows which.
    @Test func earlyStoppingNeverLooksAtTestImages() throws {
        try withTemporaryFolder { folder in
            let dataset = try Self.dataset()
            let definition = try Self.definition(
                TrainingSettings(optimizer: .sgd, learningRate: 1e-30, batchSize: 10, epochs: 50, patience: 2))
            let run = try TrainingRun(
                definition, dataset: dataset, settings: .init(folder: folder + "/run", drawsPictures: false))
            #expect(run.trainer.splits.validation.count == 5)
            #expect(run.trainer.splits.train.count == 45)
            #expect(try run.train() == .stoppedEarly(epoch: 3))
            let model = try TrainedModel(folder + "/run")
            #expect(try model.images(of: dataset, split: .validation).indices == run.trainer.splits.validation)
            #expect(model.checkpoint.provenance["monitored"] == "validation")
            // A run that was begun when none were kept goes on without.
            var old = model.checkpoint
            old.provenance["splits"] = "50 train, 0 validation, 10 test"
            old.provenance["monitored"] = nil
            try old.write(to: folder + "/old.h5")
            let error = #expect(throws: ZooError.self) { try TrainingRun(resuming: folder + "/none") }
            #expect(error?.code == .notFound)
            let resumption = try Resumption(
                folder + "/old.h5", registry: .zoo(), writes: false, openDataset: { _, _ in dataset })
            #expect(resumption.trainer.splits.validation.isEmpty)
            #expect(resumption.trainer.state.bestLoss == nil)
        }
    }

    /// Where a limit of steps has ended within an epoch, patience and the best go on as in the run that was not stopped.
    @Test func patienceDoesNotDependOnWhereARunWasStopped() throws {
        try withTemporaryFolder { folder in
            let dataset = try Self.dataset()
            let definition = try Self.definition(
                TrainingSettings(optimizer: .sgd, learningRate: 1e-30, batchSize: 20, epochs: 50, patience: 1))
            func settings(_ name: String, _ steps: Int) -> TrainingRun.Settings {
                .init(folder: folder + "/" + name, stepLimit: steps, drawsPictures: false)
            }
            let whole = try TrainingRun(definition, dataset: dataset, settings: settings("whole", 20))
            #expect(try whole.train() == .stoppedEarly(epoch: 2))
            do {
                let first = try TrainingRun(definition, dataset: dataset, settings: settings("parts", 2))
                #expect(try first.train() == .finished)
                #expect(first.trainer.state.bestLoss == nil)
            }
            let rest = try TrainingRun(resuming: folder + "/parts", dataset: dataset, stepLimit: 20)
            #expect(try rest.train() == .stoppedEarly(epoch: 2))
            #expect(rest.trainer.state == whole.trainer.state)
            #expect(rest.trainer.plan.model.parameters == whole.trainer.plan.model.parameters)
        }
    }

    /// A picture that somebody has damaged is left out of the animation, and the run ends well.
    @Test func damagedPicturesAreLeftOut() throws {
        try withTemporaryFolder { folder in
            let definition = try Self.definition(TrainingSettings(batchSize: 10, epochs: 3))
            let run = try TrainingRun(definition, dataset: Self.dataset(), settings: .init(folder: folder + "/run"))
            var warnings: [String] = []
            try run.train { event in
                if case .epoch(let epoch) = event, epoch.epoch == 2 {
                    try write(Array("junk".utf8), folder + "/run/pictures/samples-epoch-0001.png")
                }
                if case .warning(let text) = event { warnings.append(text) }
            }
            #expect(warnings.contains { $0.contains("samples-epoch-0001.png") })
            #expect(run.record.status == .finished)
            #expect(try FolderListing.names(in: folder + "/run").contains("training.gif"))
        }
    }

    /// Devices and pipes are not replaced by files.
    @Test func devicesAreNoOutput() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/pipe"
            #expect(mkfifo(path, 0o600) == 0)
            let error = #expect(throws: ZooError.self) { try AtomicFile.write([1], to: path) }
            #expect(error?.code == .alreadyExists)
            #expect(error?.message.contains("is left as it is") == true)
        }
    }

    @Test func aRunCanBeCancelled() async throws {
        let steps = try await Task { () throws -> Int in
            try withTemporaryFolder { folder in
                let run = try TrainingRun(
                    Self.definition(TrainingSettings(batchSize: 10, epochs: 1000)), dataset: Self.dataset(),
                    settings: .init(folder: folder + "/run", drawsPictures: false))
                let end = try run.train { event in
                    if case .step(let step) = event, step.step == 3 { withUnsafeCurrentTask { $0?.cancel() } }
                }
                #expect(end == .interrupted)
                return run.trainer.state.step
            }
        }.value
        #expect(steps == 3)
    }

    @Test func whatIsWrongWithTheFolderIsAValue() throws {
        try withTemporaryFolder { folder in
            let definition = try Self.definition(TrainingSettings(batchSize: 10, epochs: 1))
            let dataset = try Self.dataset()
            let settings = TrainingRun.Settings(folder: folder + "/run", drawsPictures: false)
            let run = try TrainingRun(definition, dataset: dataset, settings: settings)
            let used = #expect(throws: ZooError.self) {
                try TrainingRun(definition, dataset: dataset, settings: settings)
            }
            #expect(used?.code == .inUse)
            #expect(used?.subject == .path(folder + "/run"))
            withExtendedLifetime(run) {}
        }
    }
}

private func exponential(_ x: Float) -> Float {
    var (sum, term) = (1.0, 1.0)
    for n in 1..<60 {
        term *= Double(x) / Double(n)
        sum += term
    }
    return Float(sum)
}

private func write(_ bytes: [UInt8], _ path: String) throws {
    try AtomicFile.write(bytes, to: path)
}
