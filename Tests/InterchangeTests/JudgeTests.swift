import Checkpoints
import Foundation
import Interchange
import ModelKit
import Planning
import TensorCore
import TestSupport
import Testing

/// PyTorch, onnxruntime, Keras and Netron on what the zoo writes, and the zoo on what they write. `ZOO_JUDGES` names the
/// Python that has them; tools/setup --judges installs it.
@Suite(.enabled(if: Judge.python != nil)) struct JudgeTests {
    private static let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("tools/reference/interchange.py").path

    /// What the zoo computes: images of bytes in N C H W order and latent vectors, and what they become.
    private static func values(_ definition: ModelDefinition, _ weights: [NamedTensor]) throws -> [NamedTensor] {
        let plan = try InferencePlan(definition, weights: weights, engine: CPUEngine())
        var numbers = SplitMix64(state: 3)
        let count = 5
        let shape = definition.input
        let pixels = (0..<count * shape.count).map { _ in UInt8.random(in: 0...255, using: &numbers) }
        let codes = try plan.encode(pixels)
        var latents: [[Float]] = []
        for _ in 0..<count {
            latents.append((0..<definition.latentSize).map { _ in Float.random(in: -2...2, using: &numbers) })
        }
        var images = [Float](repeating: 0, count: pixels.count)
        for (image, place, channel, index) in Self.places(shape, count) {
            images[(image * shape.channels + channel) * shape.area + place] = Float(pixels[index]) / 255
        }
        func tensor(_ name: String, _ rest: [Int], _ values: [Float]) -> NamedTensor {
            NamedTensor(path: name, shape: [count] + rest, values: values)
        }
        var tensors = [
            tensor("images", shape.dimensions, images),
            tensor("latent", [definition.latentSize], latents.flatMap { $0 }),
            tensor("mean", [definition.latentSize], codes.mean.flatMap { $0 }),
            tensor("reconstruction", shape.dimensions, try plan.decode(latents).flatMap { $0 }),
        ]
        if definition.isVariational {
            tensors.append(tensor("log_variance", [definition.latentSize], codes.logVariance.flatMap { $0 }))
        }
        return tensors
    }

    /// For every pixel of `count` images its image, place, channel and index in H W C order.
    private static func places(
        _ shape: Shape, _ count: Int
    ) -> [(image: Int, place: Int, channel: Int, index: Int)] {
        (0..<count * shape.count).map { index in
            let image = index / shape.count
            let rest = index % shape.count
            return (image, rest / shape.channels, rest % shape.channels, index)
        }
    }

    /// Writes an export and the zoo's values, and lets a judge compare.
    private func judge(_ name: String, _ format: InterchangeFormat, _ command: String) throws {
        let definition = try Samples.definition(named: name)
        let checkpoint = try Samples.checkpoint(definition)
        try withTemporaryFolder { folder in
            var arguments = [Self.script, command]
            for file in try checkpoint.exported(to: format, definition: definition) {
                arguments.append("\(folder)/\(file.part ?? "model").\(format.fileExtension)")
                try Data(file.bytes).write(to: URL(fileURLWithPath: arguments[arguments.count - 1]))
            }
            if format == .keras || format == .safetensors {
                arguments.append("\(folder)/definition.yaml")
                try Data(definition.text.utf8).write(to: URL(fileURLWithPath: arguments[arguments.count - 1]))
            }
            arguments.append("\(folder)/values.safetensors")
            let values = SafeTensorsWriter.encode(try Self.values(definition, checkpoint.weights), metadata: [])
            try Data(values).write(to: URL(fileURLWithPath: arguments[arguments.count - 1]))
            let output = try Judge.run(Judge.python, arguments)
            #expect(output.contains("reconstruction"), "\(output)")
        }
    }

    /// The first three are classes as one would write them by hand, the others made of the definition's layers.
    static let inPyTorch = [
        "conv-vae-mnist", "mlp-vae-mnist", "conv-vae-cifar", "conv-autoencoder-cifar", "worked-autoencoder",
        "every-layer",
    ]

    @Test(arguments: inPyTorch)
    func theClassInPyTorchLoadsTheExportStrictly(_ name: String) throws {
        try judge(name, .safetensors, "check-pytorch")
    }

    @Test(arguments: [
        "conv-vae-mnist", "mlp-vae-cifar", "conv-autoencoder-cifar", "worked-vae", "every-layer", "learned-variance",
    ])
    func onnxruntimeComputesTheSame(_ name: String) throws {
        try judge(name, .onnx, "check-onnx")
    }

    @Test(arguments: ["conv-vae-mnist", "mlp-vae-cifar", "conv-autoencoder-cifar", "worked-vae", "every-layer"])
    func kerasComputesTheSame(_ name: String) throws {
        try judge(name, .keras, "check-keras")
    }

    /// Imports files and compares what the zoo computes with what their maker says.
    private func compare(_ paths: [String], _ values: String, _ name: String) throws {
        let definition = try Samples.definition(named: name)
        let files = try paths.map { try ForeignFile(path: $0) }
        let weights = try WeightAssignment(files, to: definition)
        let plan = try InferencePlan(definition, weights: weights.parameters + weights.buffers, engine: CPUEngine())
        var expected: [String: [Float]] = [:]
        for tensor in try ForeignFile(path: values).tensors { expected[tensor.name] = try tensor.floats() }
        let images = try #require(expected["images"])
        let shape = definition.input
        var pixels = [UInt8](repeating: 0, count: images.count)
        for (image, place, channel, index) in Self.places(shape, images.count / shape.count) {
            let value = images[(image * shape.channels + channel) * shape.area + place] * 255
            pixels[index] = UInt8(value.rounded())
        }
        let latent = try #require(expected["latent"])
        let size = definition.latentSize
        let codes = try plan.encode(pixels)
        let pictures = try plan.decode((0..<latent.count / size).map { Array(latent[$0 * size..<($0 + 1) * size]) })
        for (name, found) in [("mean", codes.mean), ("log_variance", codes.logVariance), ("reconstruction", pictures)] {
            guard let values = expected[name] else { continue }
            let found = found.flatMap { $0 }
            try #require(found.count == values.count)
            let scale: Float = values.reduce(1) { max($0, abs($1)) }
            let deviation: Float = zip(found, values).reduce(0) { max($0, abs($1.0 - $1.1)) }
            #expect(deviation / scale < 1e-5, "\(name) deviates by \(deviation)")
        }
    }

    @Test(arguments: inPyTorch)
    func aStateDictionaryOfPyTorchComputesTheSame(_ name: String) throws {
        try withTemporaryFolder { folder in
            let (model, values) = ("\(folder)/model.safetensors", "\(folder)/values.safetensors")
            let definition = "\(folder)/definition.yaml"
            try Data(try Samples.definition(named: name).text.utf8).write(to: URL(fileURLWithPath: definition))
            _ = try Judge.run(Judge.python, [Self.script, "make-pytorch", model, definition, values])
            try compare([model], values, name)
        }
    }

    @Test(arguments: ["conv-vae-mnist", "mlp-vae-cifar", "every-layer"])
    func weightsOfKerasComputeTheSame(_ name: String) throws {
        try withTemporaryFolder { folder in
            let files = ["model.weights.h5", "encoder.h5", "decoder.h5"].map { "\(folder)/\($0)" }
            let (definition, values) = ("\(folder)/definition.yaml", "\(folder)/values.safetensors")
            try Data(try Samples.definition(named: name).text.utf8).write(to: URL(fileURLWithPath: definition))
            _ = try Judge.run(Judge.python, [Self.script, "make-keras"] + files + [definition, values])
            try compare([files[0]], values, name)
            try compare([files[1], files[2]], values, name)
        }
    }

    /// Netron is JavaScript; the Python package carries it.
    @Test(.enabled(if: JudgeTests.node != nil))
    func netronShowsTheLayersOfACheckpoint() throws {
        let definition = try Samples.definition(named: "conv-vae-mnist")
        try withTemporaryFolder { folder in
            try Samples.checkpoint(definition).write(to: "\(folder)/a.h5")
            let package = try Judge.run(
                Judge.python, ["-c", "import netron, os; print(os.path.dirname(netron.__file__), end='')"])
            let script = Self.script.replacingOccurrences(of: "interchange.py", with: "netron.mjs")
            let output = try Judge.run(Self.node, [script, package, "\(folder)/a.h5"])
            #expect(
                output.split(separator: "\n").map(String.init) == [
                    "encoder/conv1 [32,1,3,3] [32]", "encoder/conv2 [64,32,3,3] [64]", "encoder/fc1 [256,3136] [256]",
                    "encoder/fc2_mean [20,256] [20]", "encoder/fc2_logvar [20,256] [20]", "decoder/fc1 [256,20] [256]",
                    "decoder/fc2 [3136,256] [3136]", "decoder/conv1 [64,32,3,3] [32]", "decoder/conv2 [32,1,3,3] [1]",
                ])
        }
    }

    /// Node, where it is in the path.
    static let node = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        .map { "\($0)/node" }.first { FileManager.default.isExecutableFile(atPath: $0) }
}
