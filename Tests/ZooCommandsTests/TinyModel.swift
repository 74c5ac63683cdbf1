import Checkpoints
import Datasets
import Foundation
import ImageFiles
import ModelKit
import Planning
import TensorCore
import Testing
import ZooModels

/// Bars on 8 × 8 pixels: 120 images, 80 for training and 40 for tests, with labels (their width) and two factors.
struct Bars: Dataset {
    static let description = DatasetInfo(
        name: "bars", title: "Bars", summary: "For tests.", license: "none", source: "a formula", shape: [1, 8, 8],
        classNames: ["thin", "middle", "wide"],
        factors: [
            Factor(name: "width", valueNames: ["thin", "middle", "wide"]),
            Factor(name: "place", values: [0, 0.2, 0.4, 0.6, 0.8]),
        ], isGenerated: true)
    /// The same images without labels and factors.
    static let plainDescription = DatasetInfo(
        name: "plain-bars", title: "Bars", summary: "For tests.", license: "none", source: "a formula",
        shape: [1, 8, 8], isGenerated: true)
    /// Images of another size; none of them is ever read.
    static let largeDescription = DatasetInfo(
        name: "large-bars", title: "Bars", summary: "For tests.", license: "none", source: "a formula",
        shape: [1, 9, 8], isGenerated: true)

    let info: DatasetInfo
    let count = 120

    func indices(of split: Split) -> [Int32] {
        switch split {
        case .train: Array(0..<80)
        case .validation: []
        case .test: Array(80..<120)
        }
    }

    func readImages(_ indices: UnsafeBufferPointer<Int32>, into pixels: UnsafeMutableBufferPointer<UInt8>) {
        for (row, index) in indices.enumerated() {
            let (width, place) = (Int(index) % 3, Int(index) / 3 % 5)
            for pixel in 0..<64 {
                let isLit = (place...place + width).contains(pixel % 8)
                pixels[row * 64 + pixel] = isLit ? UInt8(200 + Int(index) % 7 * 5) : 10
            }
        }
    }

    func label(_ index: Int) -> Int? { info.classNames == nil ? nil : index % 3 }
    func factors(_ index: Int) -> [Int]? { info.factors == nil ? nil : [index % 3, index / 3 % 5] }

    static func catalog() throws -> DatasetCatalog {
        try DatasetCatalog([
            DatasetDescriptor(info: description, imageCount: 120) { _ in Bars(info: description) },
            DatasetDescriptor(info: plainDescription, imageCount: 120) { _ in Bars(info: plainDescription) },
            DatasetDescriptor(info: largeDescription, imageCount: 120) { _ in Bars(info: largeDescription) },
        ])
    }
}

/// A trained model of bars, small enough for tests, in a folder of its own.
struct TinyModel {
    let folder: TemporaryFolder
    var run: String { folder.path + "/run" }

    private static func definition(_ latentSize: Int, isVariational: Bool, dataset: String) -> String {
        """
        format: zoo.model/1
        name: tiny
        family: \(isVariational ? "vae" : "autoencoder")
        summary: For tests
        dataset: \(dataset)
        input: [1, 8, 8]
        latent: {size: \(latentSize), \(isVariational ? "mean: mean, log_variance: log_variance" : "code: code")}
        encoder:
          - fc1: {linear: {units: 16}, activation: relu}
        decoder:
          - fc1: {linear: {units: 64}}
          - reshape: [1, 8, 8]
          - conv1: {conv2d: {filters: 1, kernel: 3, padding: 1}, activation: sigmoid}
        objective: {reconstruction: bernoulli\(isVariational ? ", kl: {weight: 1}" : "")}
        training: {optimizer: {adam: {learning_rate: 1.0e-2}}, batch_size: 16, epochs: 1}
        """
    }

    init(latentSize: Int = 3, isVariational: Bool = true, steps: Int = 5, dataset: String = "bars") throws {
        folder = try TemporaryFolder()
        let file = try folder.write(
            Self.definition(latentSize, isVariational: isVariational, dataset: dataset), "tiny.yaml")
        let result = try ZooCommandsTests.zoo(
            "train", file, "--steps", String(steps), "--run-dir", run, "-q", datasets: try Bars.catalog())
        try #require(result.status == 0, "\(result.errors)")
    }

    /// Runs a command on the model.
    func zoo(_ command: String, _ arguments: [String]) throws -> CommandResult {
        try ZooCommandsTests.zoo([command, run] + arguments, datasets: try Bars.catalog())
    }

    /// Runs a command on the model that has to succeed, writing one file of this name; gives its JSON object.
    func json(_ command: String, _ arguments: String..., output: String = "x.png") throws -> [String: Any] {
        let path = folder.path + "/" + output
        let result = try self.zoo(command, arguments + ["--json", "--output", path])
        try #require(result.status == 0, "\(result.errors)")
        #expect(try isPicture(path))
        return try result.object()
    }

    /// The images of the data set.
    var bars: Bars { Bars(info: Bars.description) }

    /// Encoder and decoder, apart from the commands.
    func plan() throws -> InferencePlan {
        let checkpoint = try Checkpoint.read(from: run + "/checkpoints/best.h5")
        let definition = try ModelDefinition(
            text: checkpoint.definition, source: "tiny", registry: try ZooModels.registry())
        return try InferencePlan(
            definition, weights: checkpoint.parameters + checkpoint.buffers, engine: CPUEngine())
    }

    /// A grey picture file of a gradient.
    func picture(_ name: String, width: Int, height: Int) throws -> String {
        let pixels = (0..<width * height).map { UInt8($0 % width * 255 / width) }
        let image = try Image8(width: width, height: height, channels: 1, pixels: pixels)
        let path = folder.path + "/" + name
        try Data(ImageFiles.encodePNG(image)).write(to: URL(fileURLWithPath: path))
        return path
    }
}

/// Whether a file is there and begins like one of its format.
func isPicture(_ path: String) throws -> Bool {
    let data = try Data(contentsOf: URL(fileURLWithPath: path))
    switch path.split(separator: ".").last {
    case "png": return data.starts(with: [0x89, 0x50, 0x4E, 0x47])
    case "gif": return data.starts(with: Array("GIF89a".utf8))
    case "pdf": return data.starts(with: Array("%PDF".utf8))
    default: return String(decoding: data.prefix(200), as: UTF8.self).contains("<svg")
    }
}

/// Rows of numbers of a JSON value.
func rows(_ value: Any?) -> [[Double]] { value as? [[Double]] ?? [] }
