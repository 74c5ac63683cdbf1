import Checkpoints
import Glibc
import ModelKit
import Planning
import TensorCore
import TextSupport

/// How long a full checkpoint of a model takes to save and to load.
public struct CheckpointTimes: Sendable {
    public let definition: ModelDefinition
    /// Bytes of the file.
    public let byteCount: Int
    public let saving: TimeSample
    public let loading: TimeSample

    /// Saves the model's first weights with the optimiser's state to a file in `folder`, as training does (with fsync, read
    /// back and compared), and loads them, again and again.
    ///
    /// - Parameter seconds: for how long.
    /// - Throws: `ZooError` where the model cannot be compiled or the file cannot be written.
    public init(_ definition: ModelDefinition, seconds: Double = 3, in folder: String = ".") throws {
        self.definition = definition
        let model = try CompiledModel(definition, purpose: .training, batchSize: 1, engine: Computing.engine)
        model.initialize(seed: 0)
        var checkpoint = Checkpoint(
            definition: definition.text, model: definition.name, family: definition.family,
            parameters: model.parameters)
        checkpoint.buffers = model.buffers
        checkpoint.optimizer = model.optimizerState.map { OptimizerSlot(name: $0.slot.rawValue, tensors: $0.tensors) }
        checkpoint.progress = TrainingProgress(epoch: 0, step: 0, seed: 0, optimizerStep: 0)
        checkpoint.provenance = Provenance.ofThisProcess
        let path = "\(folder)/.zoo-bench-\(getpid()).h5"
        defer { unlink(path) }
        let clock = ContinuousClock()
        let end = clock.now + .seconds(seconds)
        var (saves, loads): ([Double], [Double]) = ([], [])
        repeat {
            saves.append(try clock.measure { try checkpoint.write(to: path) }.inSeconds)
            loads.append(try clock.measure { _ = try Checkpoint.read(from: path) }.inSeconds)
        } while clock.now < end
        var status = stat()
        byteCount = stat(path, &status) == 0 ? Int(status.st_size) : 0
        saving = TimeSample(saves)
        loading = TimeSample(loads)
    }
}
