import Datasets
import ModelKit
import TensorCore

/// What the commands work with: the registry of models and the catalogue of data sets, those of plug-ins included.
public struct ZooContext: Sendable {
    public var registry: Registry
    public var datasets: DatasetCatalog
    /// The version that `zoo --version` prints and checkpoints record.
    public static let version = "0.1.0"

    public init(registry: Registry, datasets: DatasetCatalog = .builtIn) {
        self.registry = registry
        self.datasets = datasets
    }

    /// What the command that runs was called with: `["train", "conv-vae-mnist"]`.
    @TaskLocal static var arguments: [String] = []

    /// The program to start for what runs in a process of its own.
    @TaskLocal package static var executable = "/proc/self/exe"

    /// The context of the command that runs.
    @TaskLocal package static var current = ZooContext(registry: .builtIn)
}
