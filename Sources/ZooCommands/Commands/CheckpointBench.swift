import Checkpoints
import FileSupport
import Glibc
import ModelKit
import Planning
import Runs
import TensorCore
import TextSupport

/// How long a full checkpoint of a model takes to save and to load.
struct CheckpointMeasurement {
    private let definition: ModelDefinition
    private let byteCount: Int
    private let saveSeconds: [Double]
    private let loadSeconds: [Double]

    /// Saves the model's first weights with the optimiser's state to a file in `folder`, as training does (with fsync, read
    /// back and compared), and loads them, again and again.
    ///
    /// - Throws: `ZooError` where the model cannot be compiled or the file cannot be written.
    init(_ definition: ModelDefinition, seconds: Double, in folder: String) throws {
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
        saveSeconds = saves.sorted()
        loadSeconds = loads.sorted()
    }

    static let headings: [(String, Table.Alignment)] = [
        ("MODEL", .left), ("SIZE", .right), ("SAVE MS", .right), ("10%–90%", .right), ("LOAD MS", .right),
        ("10%–90%", .right),
    ]

    var cells: [String] {
        [definition.name, Formatting.bytes(byteCount)] + Self.cells(saveSeconds) + Self.cells(loadSeconds)
    }

    /// Median and range in milliseconds.
    private static func cells(_ seconds: [Double]) -> [String] {
        func milliseconds(_ share: Int) -> String {
            Formatting.decimals(seconds[seconds.count * share / 10] * 1000, 1)
        }
        return [milliseconds(5), "\(milliseconds(1))–\(milliseconds(9))"]
    }

    var json: JSONValue {
        .object([
            ("model", .string(definition.name)), ("bytes", .integer(byteCount)),
            ("save_seconds", .number(saveSeconds[saveSeconds.count / 2])),
            ("load_seconds", .number(loadSeconds[loadSeconds.count / 2])), ("count", .integer(saveSeconds.count)),
        ])
    }
}
