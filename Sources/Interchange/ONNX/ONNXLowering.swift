import ModelKit
import TensorCore

/// Turns the program of an encoder or decoder into a graph of ONNX operators.
struct ONNXLowering {
    private let program: Program
    private var graph: ONNXGraph
    private var values: [TensorID: String] = [:]
    private var nodeNames: Set<String> = []

    /// The graph of a model's encoder: `images` to `mean` and `log_variance`, or to `code` for a plain autoencoder.
    ///
    /// - Throws: `ZooError` naming a layer that ONNX has no operator for.
    static func encoder(of definition: ModelDefinition, weights: [NamedTensor]) throws -> ONNXGraph {
        let graph = try ModelGraph(definition, purpose: .encoding)
        let outputs = [
            (graph.mean, graph.logVariance == nil ? "code" : "mean"), (graph.logVariance, "log_variance"),
        ]
        return try lower(
            graph, "\(definition.name).encoder", input: (graph.images, "images"), outputs: outputs, weights)
    }

    /// The graph of a model's decoder: `latent` to `reconstruction`, and `log_sigma` if the likelihood learns it.
    static func decoder(of definition: ModelDefinition, weights: [NamedTensor]) throws -> ONNXGraph {
        let decoding = try ModelGraph(definition, purpose: .decoding)
        var graph = try lower(
            decoding, "\(definition.name).decoder", input: (decoding.latent, "latent"),
            outputs: [(decoding.reconstruction, "reconstruction")], weights)
        // What belongs to the likelihood and to neither network: the deviation of the decoder's distribution.
        let training = try ModelGraph(definition, purpose: .training).program
        for id in training.parameters where training[id].name.hasPrefix("objective.") {
            let path = training[id].name
            guard let weight = weights.first(where: { $0.path == path }) else { continue }
            let name = String(path.dropFirst("objective.".count))
            graph.weights.append(weight)
            graph.nodes.append(ONNXNode(type: "Identity", name: path, inputs: [path], outputs: [name]))
            graph.outputs.append(ONNXGraph.Value(name: name, shape: weight.shape, isBatched: false))
        }
        return graph
    }

    private static func lower(
        _ model: ModelGraph, _ name: String, input: (id: TensorID?, name: String),
        outputs: [(id: TensorID?, name: String)], _ weights: [NamedTensor]
    ) throws -> ONNXGraph {
        var lowering = ONNXLowering(program: model.program, graph: ONNXGraph(name: name))
        if let id = input.id {
            lowering.values[id] = input.name
            lowering.graph.inputs = [ONNXGraph.Value(name: input.name, shape: model.program[id].shape.dimensions)]
        }
        let paths = (model.program.parameters + model.program.buffers).map { model.program[$0].name }
        let byPath = Dictionary(uniqueKeysWithValues: weights.map { ($0.path, $0) })
        lowering.graph.weights = try paths.map { path in
            guard let weight = byPath[path] else {
                throw ZooError("\(path) is missing in the checkpoint", code: .notFound)
            }
            return weight
        }
        for id in model.program.parameters + model.program.buffers { lowering.values[id] = model.program[id].name }
        for step in model.program.steps { try lowering.append(step) }
        for output in outputs {
            guard let id = output.id, let value = lowering.values[id] else { continue }
            lowering.graph.nodes.append(
                ONNXNode(type: "Identity", name: output.name, inputs: [value], outputs: [output.name]))
            lowering.graph.outputs.append(
                ONNXGraph.Value(name: output.name, shape: model.program[id].shape.dimensions))
        }
        return lowering.graph
    }

    private init(program: Program, graph: ONNXGraph) {
        self.program = program
        self.graph = graph
    }

    /// Appends a node; its one output is named after it.
    private mutating func node(
        _ type: String, _ path: String, _ inputs: [String],
        _ attributes: [(name: String, value: ONNXNode.Attribute)] = []
    ) -> String {
        var name = "\(path).\(type.lowercased())"
        var count = 1
        while !nodeNames.insert(name).inserted {
            count += 1
            name = "\(path).\(type.lowercased())_\(count)"
        }
        let output = "\(name).output"
        graph.nodes.append(
            ONNXNode(type: type, name: name, inputs: inputs, outputs: [output], attributes: attributes))
        return output
    }

    private mutating func constant(_ path: String, _ integers: [Int]) -> String {
        node("Constant", path, [], [("value_ints", .integers(integers))])
    }

    private mutating func constant(_ path: String, _ floats: [Float]) -> String {
        node("Constant", path, [], [("value_floats", .floats(floats))])
    }

    /// The value under another shape; the axis N stays.
    private mutating func reshape(_ path: String, _ value: String, to shape: [Int]) -> String {
        node("Reshape", path, [value, constant(path, [0] + shape)])
    }

    private mutating func append(_ step: ProgramStep) throws {
        let path = step.path.isEmpty ? step.operation.definitionName : step.path
        // Operations of plug-ins may have any number of either.
        guard let output = step.outputs.first, let input = step.inputs.first else {
            throw Self.inexpressible(path, step.operation)
        }
        let inputs = step.inputs.map { values[$0] ?? "" }
        let shape = program[input].shape
        switch step.operation {
        case .linear:
            values[output] = node("Gemm", path, inputs, [("transB", .integer(1))])
        case .convolution(let window):
            values[output] = node("Conv", path, inputs, Self.attributes(window))
        case .transposedConvolution(let window):
            let padding = window.outputPadding
            values[output] = node(
                "ConvTranspose", path, inputs,
                Self.attributes(window) + [("output_padding", .integers([padding.height, padding.width]))])
        case .activation(let activation):
            values[output] = append(activation, path, inputs[0])
        case .batchNorm(let epsilon, _, _):
            values[output] = node("BatchNormalization", path, inputs, [("epsilon", .float(epsilon))])
        case .groupNorm(let groups, let epsilon):
            values[output] = groupNorm(path, inputs, shape, groups: groups, epsilon: epsilon)
        case .dropout:
            values[output] = inputs[0]
        case .reshape:
            values[output] = reshape(path, inputs[0], to: program[output].shape.dimensions)
        case .upsampleNearest(let factor):
            let scales = constant(path, [1, 1, Float(factor.height), Float(factor.width)])
            values[output] = node(
                "Resize", path, [inputs[0], "", scales],
                [
                    ("mode", .text("nearest")), ("coordinate_transformation_mode", .text("asymmetric")),
                    ("nearest_mode", .text("floor")),
                ])
        case .maxPool(let window):
            values[output] = node("MaxPool", path, inputs, Self.attributes(window))
        case .averagePool(let window):
            values[output] = node(
                "AveragePool", path, inputs, Self.attributes(window) + [("count_include_pad", .integer(1))])
        case .add:
            values[output] = node("Add", path, inputs)
        case .gaussianLatent, .reconstruction, .lossGradient, .custom, .vectorQuantization, .codebookUpdate, .crop,
            .gate:
            throw Self.inexpressible(path, step.operation)
        }
    }

    private static func inexpressible(_ path: String, _ operation: Operation) -> ZooError {
        ZooError(
            "\(path) cannot be written as ONNX: there is no operator for \(operation.definitionName)",
            advice: "export to safetensors or npz, which hold the weights alone", code: .unsupported)
    }

    private static func attributes(_ window: Window) -> [(name: String, value: ONNXNode.Attribute)] {
        let (kernel, stride, padding) = (window.kernel, window.stride, window.padding)
        return [
            ("kernel_shape", .integers([kernel.height, kernel.width])),
            ("strides", .integers([stride.height, stride.width])),
            ("pads", .integers([padding.height, padding.width, padding.height, padding.width])),
        ]
    }

    private mutating func append(_ activation: Activation, _ path: String, _ x: String) -> String {
        switch activation {
        case .identity: return x
        case .relu: return node("Relu", path, [x])
        case .leakyReLU(let slope): return node("LeakyRelu", path, [x], [("alpha", .float(slope))])
        case .elu(let alpha): return node("Elu", path, [x], [("alpha", .float(alpha))])
        case .tanh: return node("Tanh", path, [x])
        case .sigmoid: return node("Sigmoid", path, [x])
        case .softplus: return node("Softplus", path, [x])
        case .silu: return node("Mul", path, [x, node("Sigmoid", path, [x])])
        case .gelu:
            // x·Φ(x) = ½·x·(1 + erf(x/√2)); the operator Gelu came with set 20.
            let erf = node("Erf", path, [node("Mul", path, [x, constant(path, [Float(0.5).squareRoot()])])])
            let twice = node("Add", path, [erf, constant(path, [Float(1)])])
            return node("Mul", path, [node("Mul", path, [x, twice]), constant(path, [Float(0.5)])])
        }
    }

    /// Statistics per image and group: instance normalisation of the groups as channels, then scale and shift per
    /// channel. The operator GroupNormalization came with set 18.
    private mutating func groupNorm(
        _ path: String, _ inputs: [String], _ shape: Shape, groups: Int, epsilon: Float
    ) -> String {
        let grouped = reshape(path, inputs[0], to: [groups, -1])
        let ones = constant(path, [Float](repeating: 1, count: groups))
        let zeros = constant(path, [Float](repeating: 0, count: groups))
        let normalized = node("InstanceNormalization", path, [grouped, ones, zeros], [("epsilon", .float(epsilon))])
        let restored = reshape(path, normalized, to: shape.dimensions)
        let perChannel = [1, shape.channels] + [Int](repeating: 1, count: shape.rank - 1)
        let scale = node("Reshape", path, [inputs[1], constant(path, perChannel)])
        let shift = node("Reshape", path, [inputs[2], constant(path, perChannel)])
        return node("Add", path, [node("Mul", path, [restored, scale]), shift])
    }
}
