import Foundation
import ModelKit
import TensorCore
import TestSupport
import ZooModels

/// The folder that holds `zoo`, `schemas`, `docs` and `tools`.
let packageFolder = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

/// The text of a built-in definition.
func text(of model: String) throws -> String {
    try ZooModels.registry().model(model).text
}

/// Reads a definition with everything that is built in.
func read(
    _ text: String, source: String = "model.yaml", set overrides: [String] = [], registry: Registry = .builtIn
) throws -> ModelDefinition {
    try ModelDefinition(
        text: text, source: source, overrides: overrides.map { DefinitionOverride($0) },
        registry: registry)
}

/// What is wrong with a definition, one line for each problem.
func problems(in text: String, set overrides: [String] = []) -> [String] {
    do {
        _ = try read(text, set: overrides)
        return []
    } catch let error as DefinitionError {
        return error.problems.map(\.description)
    } catch {
        return ["\(error)"]
    }
}

/// A small definition to change: twelve lines.
let smallDefinition = """
    format: zoo.model/1
    name: small
    family: vae
    summary: A small model
    input: [1, 8, 8]
    latent: {size: 2, mean: mean, log_variance: log_variance}
    encoder:
      - conv1: {conv2d: {filters: 4, kernel: 4, stride: 2, padding: 1}, activation: relu}
    decoder:
      - fc1: {linear: {units: 64}, activation: sigmoid}
    objective: {reconstruction: bernoulli, kl: {weight: 1}}
    training: {optimizer: {adam: {learning_rate: 1.0e-3}}, batch_size: 4, epochs: 2}
    """

/// The small definition with one of its parts written differently.
func small(_ old: String, _ new: String) -> String {
    smallDefinition.replacingOccurrences(of: old, with: new)
}

/// The whole tests' source of random numbers.
struct Dice {
    private let stream: RandomStream
    private var count: UInt64 = 0

    init(seed: UInt64) {
        stream = RandomStream(seed: seed, purpose: .initialization)
    }

    /// A number from 0 to `bound` − 1.
    mutating func roll(_ bound: Int) -> Int {
        defer { count += 1 }
        return stream.integer(count, below: max(1, bound))
    }
}
