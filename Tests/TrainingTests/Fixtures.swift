import Datasets
import ModelKit
import TensorCore
import TestSupport
import Training

/// A small data set of smooth patterns, made by a formula: 96 training and 20 test images of 1 × 8 × 8.
struct Patterns: Dataset {
    let info = DatasetInfo(
        name: "patterns", title: "Patterns", summary: "Waves.", license: "none", source: "a formula", shape: [1, 8, 8],
        isGenerated: true)
    let count = 116

    func indices(of split: Split) -> [Int32] {
        switch split {
        case .train: Array(0..<96)
        case .validation: []
        case .test: Array(96..<116)
        }
    }

    func readImages(_ indices: UnsafeBufferPointer<Int32>, into pixels: UnsafeMutableBufferPointer<UInt8>) {
        for (row, index) in indices.enumerated() {
            let (a, b) = (Int(index) % 7, Int(index) % 5)
            for place in 0..<64 {
                let isLit = (place / 8 + a) % 4 < 2 && (place % 8 + b) % 3 < 2
                pixels[row * 64 + place] = isLit ? 230 : 20
            }
        }
    }
}

/// The training images of the patterns alone.
struct TrainingOnly: Dataset {
    private let patterns = Patterns()
    var info: DatasetInfo { patterns.info }
    let count = 96

    func indices(of split: Split) -> [Int32] { split == .train ? patterns.indices(of: .train) : [] }

    func readImages(_ indices: UnsafeBufferPointer<Int32>, into pixels: UnsafeMutableBufferPointer<UInt8>) {
        patterns.readImages(indices, into: pixels)
    }
}

enum Fixtures {
    /// A small convolutional VAE with batch normalisation and dropout, so that every kind of state takes part.
    static let model = """
        format: zoo.model/1
        name: small-vae
        family: vae
        summary: For tests
        input: [1, 8, 8]
        latent: {size: 3, mean: mean, log_variance: log_variance}
        encoder:
          - conv1: {conv2d: {filters: 4, kernel: 3, stride: 2, padding: 1}}
          - norm1: {batch_norm: {}, activation: relu}
          - dropout: 0.1
        decoder:
          - fc1: {linear: 64, activation: relu}
          - reshape: [4, 4, 4]
          - conv1: {conv_transpose2d: {filters: 1, kernel: 4, stride: 2, padding: 1}, activation: sigmoid}
        objective: {reconstruction: bernoulli, kl: {weight: 1}}
        training: {optimizer: {adam: {learning_rate: 1.0e-2}}, batch_size: 10, epochs: 4}
        """

    static func definition(_ overrides: String...) throws -> ModelDefinition {
        try ModelDefinition(
            text: model, source: "small-vae", overrides: overrides.map { DefinitionOverride($0) },
            registry: .builtIn)
    }

    static func trainer(
        _ definition: ModelDefinition, seed: UInt64 = 7, steps: Int? = nil, engine: any Engine = CPUEngine()
    ) throws -> Trainer {
        try Trainer(definition, dataset: Patterns(), seed: seed, stepLimit: steps, engine: engine)
    }
}
