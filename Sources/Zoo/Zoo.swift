// One import for everything that the zoo can do without a command line.

@_exported import Checkpoints
@_exported import Datasets
@_exported import Figures
@_exported import ImageFiles
@_exported import Interchange
@_exported import LatentTools
@_exported import LayerLibrary
@_exported import Metrics
@_exported import ModelCards
@_exported import ModelComparison
@_exported import ModelFigures
@_exported import ModelKit
@_exported import ModelMetrics
@_exported import NumberFiles
@_exported import ObjectiveLibrary
@_exported import Planning
@_exported import Runs
@_exported import TensorCore
@_exported import Tracing
@_exported import Training
@_exported import WeightFiles
@_exported import ZooModels

extension Registry {
    /// The zoo's layers, activations, likelihoods and models.
    ///
    /// - Throws: `ZooError` for a name that is taken, which none is.
    public static func zoo() throws -> Registry { try ZooModels.registry() }

    /// The definition of a model of the registry.
    ///
    /// - Parameters:
    ///   - name: for instance `conv-vae-mnist`.
    ///   - overrides: changes of its fields, applied in order.
    /// - Throws: `ZooError` with the nearest name where there is none, `DefinitionError` where the result is no model.
    public func definition(_ name: String, overrides: [DefinitionOverride] = []) throws -> ModelDefinition {
        let source = try model(name)
        return try ModelDefinition(text: source.text, source: source.label, overrides: overrides, registry: self)
    }
}

extension TrainedModel {
    /// A trained model that comes with the zoo, for instance `mlp-vae-mnist`.
    ///
    /// - Throws: `ZooError` with the nearest name where there is none.
    public static func pretrained(_ name: String) throws -> TrainedModel {
        try TrainedModel(try ZooModels.pretrained.path(name), registry: try Registry.zoo())
    }
}

extension ModelDefinition {
    /// A model of the zoo, for instance `conv-vae-mnist`.
    ///
    /// - Throws: `ZooError` with the nearest name where there is none, `DefinitionError` where an override makes it no model.
    public static func zoo(_ name: String, overrides: [DefinitionOverride] = []) throws -> ModelDefinition {
        try Registry.zoo().definition(name, overrides: overrides)
    }

    /// A definition file.
    ///
    /// - Throws: `ZooError` where it cannot be read, `DefinitionError` with all that is wrong with it.
    public init(file path: String, overrides: [DefinitionOverride] = [], registry: Registry? = nil) throws {
        try self.init(
            text: try ModelFolders.read(file: path).text, source: path, overrides: overrides,
            registry: registry ?? Registry.zoo())
    }

    /// The data set that the model is meant for.
    ///
    /// - Throws: `ZooError` where it names none, or its files are not on this machine.
    public func openDataset(_ options: DatasetOptions = DatasetOptions()) throws -> any Dataset {
        guard let dataset else {
            throw ZooError("\(name) names no data set", kind: .usage, code: .notFound, subject: .field("dataset"))
        }
        return try DatasetCatalog.builtIn.open(dataset, options)
    }
}

extension TrainedModel {
    /// A model with its weights.
    ///
    /// - Parameter path: a checkpoint, a run's folder (its newest checkpoint), or a definition file (`….yaml`) or name, of
    ///   which the weights are random.
    /// - Throws: `ZooError` or `DefinitionError` where there is none or it cannot be read.
    public init(_ path: String) throws {
        let registry = try Registry.zoo()
        if path.hasSuffix(".yaml") || path.hasSuffix(".yml") {
            try self.init(untrained: ModelDefinition(file: path, registry: registry))
        } else if registry.models.contains(where: { $0.name == path }) {
            try self.init(untrained: registry.definition(path))
        } else {
            try self.init(path, registry: registry)
        }
    }
}

extension TrainingRun {
    /// A run that was begun before, as if it had not been interrupted.
    ///
    /// - Parameters:
    ///   - path: a run's folder; of a checkpoint's file, the run goes on in a new folder.
    ///   - dataset: the data it was trained on; nil to open the data set that it names.
    ///   - overrides: what is to change in the definition: `training.epochs`.
    ///   - stepLimit: the steps to make in all; nil for as many as were asked for at first.
    ///   - settings: `folder`, `seed` and `stepLimit` are of no account.
    ///   - registry: what the definition may name; nil for the zoo's.
    /// - Throws: `ZooError` where there is no checkpoint, somebody trains there, or the data are others than they were.
    public convenience init(
        resuming path: String, dataset: (any Dataset)? = nil, overrides: [DefinitionOverride] = [],
        stepLimit: Int? = nil, settings: Settings = Settings(), registry: Registry? = nil
    ) throws {
        let resumption = try Resumption(
            path, overrides: overrides, stepLimit: stepLimit, registry: try registry ?? Registry.zoo()
        ) { definition, trainedOn in
            if let dataset { return dataset }
            return try DataSelection().choice(for: definition, trainedOn: trainedOn, in: .builtIn).open()
        }
        try self.init(resumption, settings: settings)
    }
}
