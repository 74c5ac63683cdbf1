import Datasets
import Foundation
import Glibc
import ModelKit
import TensorCore
import Testing
import ZooCommands
import ZooModels

/// What a command line did.
struct CommandResult {
    let status: Int32
    /// Standard output.
    let output: String
    /// Standard error.
    let errors: String

    var lines: [String] { output.split(separator: "\n").map(String.init) }

    /// Standard output as one JSON value.
    func json() throws -> Any {
        try JSONSerialization.jsonObject(with: Data(output.utf8), options: [.fragmentsAllowed])
    }

    func object() throws -> [String: Any] {
        try #require(try json() as? [String: Any])
    }
}

/// Runs `zoo` with the built-in models, in this process.
func zoo(_ arguments: String..., datasets: DatasetCatalog = .builtIn) throws -> CommandResult {
    try zoo(arguments, datasets: datasets)
}

/// Runs `zoo` with the built-in models, in this process.
func zoo(
    _ arguments: [String], datasets: DatasetCatalog = .builtIn, recipes: [Recipe]? = nil
) throws -> CommandResult {
    let context = ZooContext(
        registry: try ZooModels.registry(), datasets: datasets, recipes: try recipes ?? ZooModels.recipes())
    let recording = Console.Recording()
    let status = ZooContext.$current.withValue(context) {
        Console.$recording.withValue(recording) { ZooCommand.run(arguments: arguments) }
    }
    return CommandResult(status: status, output: recording.output, errors: recording.errors)
}

/// A folder that is removed with what is in it when the value goes away.
final class TemporaryFolder {
    let path: String

    init() throws {
        var template = Array("/tmp/zoo-commands-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { throw ZooError("mkdtemp failed") }
        path = String(cString: made)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    /// Writes a file and gives its path.
    @discardableResult
    func write(_ text: String, _ name: String) throws -> String {
        let file = "\(path)/\(name)"
        try Data(text.utf8).write(to: URL(fileURLWithPath: file))
        return file
    }

    func text(_ name: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(fileURLWithPath: "\(path)/\(name)")), as: UTF8.self)
    }
}

/// A model with everything that makes a backward pass branch: a residual block, batch and group normalisation, dropout,
/// pooling, upsampling, two likelihoods and a learned deviation.
let branchingDefinition = """
    format: zoo.model/1
    name: branching
    family: test
    summary: A model whose backward pass branches
    input: [2, 4, 4]
    latent: {size: 3, mean: mean, log_variance: log_variance}
    encoder:
      - conv: {conv2d: {filters: 4, kernel: 3, padding: 1}, activation: silu}
      - norm: {group_norm: 2}
      - block:
          residual:
            - inner: {conv2d: {filters: 4, kernel: 3, padding: 1}, activation: relu}
            - normalized: {batch_norm: {}}
      - pool: {max_pool: 2}
      - drop: {dropout: 0.25}
      - flatten
      - fc: {linear: {units: 8}, activation: gelu}
    decoder:
      - fc: {linear: {units: 8}, activation: tanh}
      - reshape: [2, 2, 2]
      - up: {upsample: 2}
      - smooth: {average_pool: {kernel: 3, stride: 1, padding: 1}}
      - conv: {conv_transpose2d: {filters: 2, kernel: 3, padding: 1}, activation: sigmoid}
    objective:
      reconstruction: {bernoulli: 0.5, gaussian_learned_variance: 1}
      kl: {weight: 4}
    training: {optimizer: {adam: {learning_rate: 1.0e-3}}, batch_size: 4, epochs: 1}

    """
