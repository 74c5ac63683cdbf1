import Checkpoints
import Datasets
import Glibc
import ModelFigures
import ModelKit
import Planning
import TensorCore
import TextSupport
import Training

/// A trained model: a checkpoint with its definition read, and what its run recorded.
public struct TrainedModel {
    /// The checkpoint's file.
    public let path: String
    /// What a command takes for it: `pretrained:NAME` for a model that comes with the program, else the checkpoint's file.
    public let source: String
    public let checkpoint: Checkpoint
    public let definition: ModelDefinition
    /// The losses of the run, as far as this checkpoint knows them.
    public let history: MetricsHistory
    /// Newer checkpoints of the run that cannot be read, and why.
    public let notes: [String]
    /// Of a conditional model, the class of every image for which none is given; nil to have one given.
    public var imageClass: Int?
    let cache = Cache()

    /// Reads a checkpoint.
    ///
    /// - Parameters:
    ///   - path: a checkpoint's file, or a run's folder, of which it is the newest that can be read.
    ///   - registry: what the definition may name.
    /// - Throws: `ZooError` or `DefinitionError` where there is no checkpoint or it cannot be read.
    public init(_ path: String, registry: Registry) throws {
        let found = try CheckpointSource(path).newest()
        self.path = found.path
        source = registry.pretrained.argument(ofFile: found.path) ?? found.path
        checkpoint = found.checkpoint
        notes = found.rejected.map { "passed over: \($0.reason)" }
        definition = try checkpoint.definition(registry, source: found.path)
        history = MetricsHistory(checkpoint.metrics)
    }

    /// A model that has not been trained, with its random first weights.
    ///
    /// - Throws: `ZooError` where the model has no weights that memory could hold.
    public init(untrained definition: ModelDefinition, seed: UInt64 = 0) throws {
        let graph = try ModelGraph(definition, purpose: .evaluation)
        self.init(
            definition,
            weights: graph.initialParameters(seed: seed) + graph.initialBuffers)
    }

    /// A model with these weights, under the paths that its definition gives them.
    public init(_ definition: ModelDefinition, weights: [NamedTensor]) {
        path = definition.name
        source = definition.name
        checkpoint = Checkpoint(
            definition: definition.text, model: definition.name, family: definition.family, parameters: weights)
        self.definition = definition
        history = MetricsHistory("")
        notes = []
    }

    /// The encoder and the decoder, compiled: the averaged weights where the run kept an average, else the last.
    ///
    /// - Parameter batchSize: images that are computed at a time.
    /// - Throws: `ZooError` where a weight is missing, of another shape or not finite.
    public func inference(batchSize: Int = 64) throws -> InferencePlan {
        let plan = try loading {
            try InferencePlan(definition, weights: checkpoint.inferenceWeights, batchSize: batchSize)
        }
        plan.imageClass = imageClass
        return plan
    }

    /// What `load` makes of its weights; what is wrong with them is said of its file.
    package func loading<Result>(_ load: () throws -> Result) throws -> Result {
        do {
            return try load()
        } catch let error as ZooError {
            throw error.at(path)
        }
    }

    /// The learned images that its prior is made of, K rows in C H W order, from 0 to 1; none for a prior N(0, I).
    public var pseudoInputs: [[Float]] {
        guard let tensor = checkpoint.inferenceWeights.first(where: { $0.path == "objective.pseudo_inputs" }),
            tensor.shape.count == 2
        else { return [] }
        let size = tensor.shape[1]
        return (0..<tensor.shape[0]).map { tensor.values[$0 * size..<($0 + 1) * size].map { min(1, max(0, $0)) } }
    }

    /// The data set it was trained on; nil where nobody knows.
    public var dataset: String? { checkpoint.dataset ?? definition.dataset }

    /// What is known of the data it was trained on; nil where nobody knows.
    public var trainingData: TrainingData? {
        dataset.map { name in
            var data = checkpoint.trainingData ?? TrainingData(name: name, scaling: checkpoint.scaling)
            data.name = name
            return data
        }
    }

    /// How the pictures became images that it was trained on; nil where they came as images.
    public var preparation: ImagePreparation? {
        trainingData?.preparation.flatMap { ImagePreparation($0, shape: definition.input) }
    }

    /// The images of a split, divided as in its run.
    ///
    /// - Throws: `ZooError` (wrong usage) where they are of another shape than the model takes, or there are none.
    public func images(of dataset: any Dataset, split: Split) throws -> SplitImages {
        try requireFitting(dataset)
        return try SplitImages(
            dataset, split: split,
            validationCount: checkpoint.validationCount
                ?? definition.training.validationCount(of: dataset.indices(of: .train).count),
            seed: checkpoint.progress?.seed ?? 0)
    }

    /// - Throws: `ZooError` (wrong usage) where images are of another shape than the model takes.
    public func requireFitting(_ dataset: any Dataset) throws {
        guard dataset.info.shape == definition.input.dimensions else {
            throw ZooError(
                "the images of \(dataset.info.name) are \(dataset.info.shape), but the model takes \(definition.input)",
                kind: .usage, code: .mismatch, subject: .field("input"))
        }
    }

    /// Its pictures.
    ///
    /// - Throws: `ZooError` for a model whose inputs are vectors.
    public func pictures() throws -> Pictures { try Pictures(inference(), scaling: checkpoint.scaling) }

    /// What draws it, whether it works on images or on vectors.
    public func drawing() throws -> ModelDrawing { try ModelDrawing(inference(), scaling: checkpoint.scaling) }
}

/// Where a checkpoint is to be found: a file, or a run's folder.
public struct CheckpointSource {
    public let path: String

    public init(_ path: String) {
        self.path = path
    }

    /// Whether it is a folder, and so a run's.
    public var isFolder: Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// The checkpoint, of a run its newest that can be read.
    ///
    /// - Throws: `ZooError` where there is none or it cannot be read.
    public func newest() throws -> CheckpointFolder.Newest {
        if isFolder { return try RunFolder(path: path).newestCheckpoint() }
        return CheckpointFolder.Newest(path: path, checkpoint: try Checkpoint.read(from: path), rejected: [])
    }

    /// The file, or all checkpoints of a run.
    ///
    /// - Throws: `ZooError` for a folder without checkpoints.
    public func files() throws -> [String] {
        guard isFolder else { return [path] }
        try RunFolder(path: path).requireRun()
        let folder = RunFolder(path: path).checkpoints
        try folder.requireReadable()
        let best = access(folder.best, F_OK) == 0 ? [folder.best] : []
        let files = folder.entries.map(\.path) + best
        guard !files.isEmpty else {
            throw ZooError("\(path) has no checkpoints", kind: .usage, code: .notFound, subject: .path(path))
        }
        return files
    }
}

extension TrainedModel {
    /// Words for a figure of this model. `details` say what was chosen: data set, split, seed, settings.
    public func words(_ title: String, _ details: [String] = []) -> FigureWords {
        FigureWords(title: title, subtitle: subtitle, footer: FigureWords.line(details + provenance))
    }

    public var subtitle: String {
        FigureWords.subtitle(
            definition, dataset: dataset, loss: history.last.map { ($0.loss.split, $0.loss.means.loss) })
    }

    /// `runs/conv/checkpoints/best.h5` and `epoch 10, step 4,690`.
    public var provenance: [String] {
        guard let progress = checkpoint.progress else { return [source] }
        let epochs = progress.epoch > 0 ? "epoch \(progress.epoch), " : ""
        return [source, "\(epochs)step \(Formatting.grouped(progress.step))"]
    }
}
