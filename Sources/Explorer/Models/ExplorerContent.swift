import ModelKit
import Runs
import TensorCore

/// What is explored: trained models, and runs in their folders, which may still be training.
public struct ExplorerContent: Sendable {
    /// The models, the one that is shown first at the beginning.
    public var models: [ExploredModel]
    /// The folders of runs whose curves and pictures are shown.
    public var runs: [RunFolder]
    /// How commands that the page shows begin: the program, as it was called.
    public var program: String
    /// What such commands end with: options that say where data is.
    public var dataArguments: [String]

    public init(
        models: [ExploredModel], runs: [RunFolder] = [], program: String = "zoo", dataArguments: [String] = []
    ) {
        self.models = models
        self.runs = runs
        self.program = program
        self.dataArguments = dataArguments
    }
}
