import Datasets
import ModelKit
import TensorCore

/// What the commands work with: the registry of models, the catalogue of data sets and the recipes, those of plug-ins included.
public struct ZooContext: Sendable {
    public var registry: Registry
    public var datasets: DatasetCatalog
    public var recipes: [Recipe]

    public init(registry: Registry, datasets: DatasetCatalog = .builtIn, recipes: [Recipe] = []) {
        self.registry = registry
        self.datasets = datasets
        self.recipes = recipes
    }

    /// The trained models that come with the program.
    var pretrained: PretrainedModels { registry.pretrained }

    /// What the command that runs was called with: `["train", "conv-vae-mnist"]`.
    @TaskLocal static var arguments: [String] = []

    /// The program to start for what runs in a process of its own.
    @TaskLocal package static var executable = "/proc/self/exe"

    /// The context of the command that runs.
    @TaskLocal package static var current = ZooContext(registry: .builtIn)
}
