import Checkpoints
import ModelKit
import Runs

extension CheckpointSource {
    /// The newest checkpoint; warns of newer files that cannot be read.
    func newestWithWarnings() throws -> CheckpointFolder.Newest {
        let newest = try newest()
        for rejection in newest.rejected { Console.warn("passed over: \(rejection.reason)") }
        return newest
    }
}

extension TrainedModel {
    /// The model that an argument names; warns of newer checkpoints that cannot be read.
    init(argument: String, registry: Registry) throws {
        try self.init(argument, registry: registry)
        for note in notes { Console.warn(note) }
    }
}
