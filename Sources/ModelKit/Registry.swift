import LayerLibrary
import ObjectiveLibrary
import TensorCore

/// A reconstruction likelihood as definitions know it.
public struct LikelihoodDescriptor: Sendable {
    public var name: String
    public var summary: String
    public var likelihood: Likelihood

    public init(name: String, summary: String, likelihood: Likelihood) {
        self.name = name
        self.summary = summary
        self.likelihood = likelihood
    }
}

/// A definition's text and where it comes from.
public struct ModelSource: Sendable {
    public enum Origin: Sendable, Equatable {
        case builtIn
        case plugIn
        case file(String)
    }

    public var name: String
    public var text: String
    public var origin: Origin

    public init(name: String, text: String, origin: Origin) {
        self.name = name
        self.text = text
        self.origin = origin
    }

    /// What problems are reported against: the file, or the model's name.
    public var label: String {
        if case .file(let path) = origin { path } else { name }
    }
}

/// Everything a definition may name: layers, activations, likelihoods, regularisers, and the models themselves.
///
/// An immutable value: `adding` returns a larger one and refuses duplicates.
public struct Registry: Sendable {
    public private(set) var layers: [LayerDescriptor]
    public private(set) var activations: [ActivationDescriptor]
    public private(set) var likelihoods: [LikelihoodDescriptor]
    public private(set) var distributions: [DistributionDescriptor]
    public private(set) var regularizers: [RegularizerDescriptor]
    public private(set) var models: [ModelSource]
    /// The trained models that come with the program.
    public private(set) var pretrained = PretrainedModels.none

    /// The layers, activations, likelihoods and regularisers of the zoo, and no models.
    public static let builtIn = Registry(
        layers: builtInLayers, activations: builtInActivations, likelihoods: builtInLikelihoods,
        distributions: builtInDistributions, regularizers: builtInRegularizers, models: [])

    private init(
        layers: [LayerDescriptor], activations: [ActivationDescriptor], likelihoods: [LikelihoodDescriptor],
        distributions: [DistributionDescriptor], regularizers: [RegularizerDescriptor], models: [ModelSource]
    ) {
        self.layers = layers
        self.activations = activations
        self.likelihoods = likelihoods
        self.distributions = distributions
        self.regularizers = regularizers
        self.models = models
    }

    /// The registry with more in it, sorted by name.
    ///
    /// - Throws: `ZooError` for a name that is taken.
    public func adding(
        layers: [LayerDescriptor] = [], activations: [ActivationDescriptor] = [],
        likelihoods: [LikelihoodDescriptor] = [], distributions: [DistributionDescriptor] = [],
        regularizers: [RegularizerDescriptor] = [], models: [ModelSource] = []
    ) throws -> Registry {
        let names = (self.likelihoods + likelihoods).map(\.name)
        if let taken = (self.distributions + distributions).first(where: { names.contains($0.name) }) {
            throw ZooError(
                "the likelihood \(taken.name) is registered twice", advice: "give one of them another name",
                code: .alreadyExists)
        }
        var registry = Registry(
            layers: try merged(self.layers, layers, "layer", \.kind),
            activations: try merged(self.activations, activations, "activation", \.name),
            likelihoods: try merged(self.likelihoods, likelihoods, "likelihood", \.name),
            distributions: try merged(self.distributions, distributions, "distribution", \.name),
            regularizers: try merged(self.regularizers, regularizers, "regulariser", \.kind),
            models: try merged(self.models, models, "model", \.name))
        registry.pretrained = pretrained
        return registry
    }

    /// The registry with these trained models in place of those that it had.
    public func with(pretrained: PretrainedModels) -> Registry {
        var registry = self
        registry.pretrained = pretrained
        return registry
    }

    public func layer(_ kind: String) -> LayerDescriptor? { layers.first { $0.kind == kind } }
    public func activation(_ name: String) -> ActivationDescriptor? { activations.first { $0.name == name } }
    public func likelihood(_ name: String) -> LikelihoodDescriptor? { likelihoods.first { $0.name == name } }

    public func distribution(_ name: String) -> DistributionDescriptor? { distributions.first { $0.name == name } }
    public func regularizer(_ kind: String) -> RegularizerDescriptor? { regularizers.first { $0.kind == kind } }

    /// The model of this name.
    ///
    /// - Throws: `ZooError` (wrong usage) with the nearest known name.
    public func model(_ name: String) throws -> ModelSource {
        if let model = models.first(where: { $0.name == name }) { return model }
        let names = models.map(\.name)
        let near = nearestName(to: name, among: names).map { "did you mean \($0)?" }
        throw ZooError(
            "there is no model called \(name)", advice: near ?? "there are \(names.joined(separator: ", "))",
            kind: .usage)
    }

    private func merged<Item>(
        _ old: [Item], _ new: [Item], _ what: String, _ name: (Item) -> String
    ) throws -> [Item] {
        var all = old
        for item in new {
            guard !all.contains(where: { name($0) == name(item) }) else {
                throw ZooError(
                    "the \(what) \(name(item)) is registered twice", advice: "give one of them another name",
                    code: .alreadyExists)
            }
            all.append(item)
        }
        return all.sorted { name($0) < name($1) }
    }
}

/// The likelihoods that definitions can use without plug-ins, sorted by name.
public let builtInLikelihoods: [LikelihoodDescriptor] = [
    LikelihoodDescriptor(
        name: "bernoulli", summary: "Binary cross-entropy, from logits, summed over pixels.", likelihood: .bernoulli),
    LikelihoodDescriptor(
        name: "gaussian", summary: "½‖x − x̂‖²: unit variance, constant dropped.", likelihood: .gaussian),
    LikelihoodDescriptor(
        name: "gaussian_learned_variance", summary: "½‖x − x̂‖²/σ² + D·log σ with one learned σ, constant dropped.",
        likelihood: .gaussianLearnedVariance),
    LikelihoodDescriptor(
        name: "laplace", summary: "Σ|x − x̂|: unit scale, constant dropped.", likelihood: .laplace),
]
