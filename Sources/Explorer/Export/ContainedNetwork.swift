import ModelKit
import ObjectiveLibrary
import TensorCore
import TextSupport

/// An encoder or decoder as a page runs it: the steps of its program, and where its weights are.
struct ContainedNetwork {
    let json: JSONValue

    /// - Parameters:
    ///   - purpose: encoding or decoding.
    ///   - weights: takes the weights.
    /// - Throws: `ZooError` for an operation that pages do not have, and for weights that are missing or too large for 16 bits.
    init(
        _ definition: ModelDefinition, purpose: ModelGraph.Purpose, of model: [NamedTensor],
        into weights: inout HalfPrecisionWeights
    ) throws {
        let graph = try ModelGraph(definition, purpose: purpose)
        let program = graph.program
        let byPath = Dictionary(model.map { ($0.path, $0) }) { first, _ in first }
        let parameters = try (program.parameters + program.buffers).map { id -> JSONValue in
            guard let tensor = byPath[program[id].name], tensor.values.count == program[id].shape.count else {
                throw ZooError("\(definition.name) has no weights \(program[id].name)", code: .notFound)
            }
            let offset = try weights.append(tensor)
            return .object([
                ("tensor", .integer(id.index)), ("offset", .integer(offset)), ("count", .integer(tensor.values.count)),
            ])
        }
        func identifiers(_ tensors: [(String, TensorID?)]) -> JSONValue {
            .object(tensors.compactMap { name, id in id.map { (name, .integer($0.index)) } })
        }
        json = .object([
            ("shapes", .array(program.tensors.map { .array($0.shape.dimensions.map { .integer($0) }) })),
            ("parameters", .array(parameters)),
            (
                "inputs",
                identifiers([
                    ("image", graph.images), ("latent", purpose == .decoding ? graph.latent : nil),
                    ("imageClass", program.imageClass),
                ])
            ),
            (
                "outputs",
                identifiers([
                    ("mean", graph.mean), ("logVariance", graph.logVariance), ("image", graph.reconstruction),
                ])
            ),
            ("steps", .array(try program.steps.map { try Self.json($0, definition) })),
        ])
    }

    /// Operations with code of their own that pages have, too.
    private static let customOperations: Set = [
        "append_class", "continuous_bernoulli_mean", "first_maps", "joined_vectors", "logistic_mixture_mean",
        "precision_weighted_log_variance", "precision_weighted_mean", "rescaled",
    ]

    private static func json(_ step: ProgramStep, _ definition: ModelDefinition) throws -> JSONValue {
        var name = step.operation.name
        let fields: [(String, JSONValue)]
        switch step.operation {
        case .linear, .reshape, .add: fields = []
        case .convolution(let window), .transposedConvolution(let window), .maxPool(let window),
            .averagePool(let window):
            fields = [
                ("kernel", pair(window.kernel)), ("stride", pair(window.stride)), ("padding", pair(window.padding)),
            ]
        case .activation(let activation):
            name = "activation"
            fields = self.fields(of: activation)
        case .batchNorm(let epsilon, _, false): fields = [("epsilon", .number(Double(epsilon)))]
        case .groupNorm(let groups, let epsilon):
            fields = [("groups", .integer(groups)), ("epsilon", .number(Double(epsilon)))]
        case .upsampleNearest(let factor): fields = [("factor", pair(factor))]
        case .custom(let part as VectorPart): fields = [("first", .integer(part.part.lowerBound))]
        case .custom(let operation) where customOperations.contains(operation.name): fields = []
        case .batchNorm, .dropout, .gaussianLatent, .reconstruction, .lossGradient, .custom, .vectorQuantization,
            .codebookUpdate, .crop, .gate:
            throw ZooError(
                "\(definition.name) cannot run in a page: \(step.path) computes \(name), which pages do not have",
                kind: .usage, code: .unsupported)
        }
        return .object(
            [
                ("operation", .string(name)), ("inputs", .array(step.inputs.map { .integer($0.index) })),
                ("output", .integer(step.outputs[0].index)),
            ] + fields)
    }

    private static func pair(_ extent: Window.Extent) -> JSONValue {
        .array([.integer(extent.height), .integer(extent.width)])
    }

    private static func fields(of activation: Activation) -> [(String, JSONValue)] {
        func named(_ name: String, _ parameter: Float? = nil) -> [(String, JSONValue)] {
            [("function", .string(name)), ("parameter", JSONValue(parameter.map(Double.init)))]
        }
        return switch activation {
        case .identity: named("identity")
        case .relu: named("relu")
        case .leakyReLU(let slope): named("leaky_relu", slope)
        case .elu(let alpha): named("elu", alpha)
        case .gelu: named("gelu")
        case .silu: named("silu")
        case .tanh: named("tanh")
        case .sigmoid: named("sigmoid")
        case .softplus: named("softplus")
        }
    }
}

/// Weights in half precision (IEEE 754 binary16), two bytes each, the lower first.
struct HalfPrecisionWeights {
    private(set) var bytes: [UInt8] = []

    /// Adds the values of a tensor; returns how many numbers are before them.
    ///
    /// - Throws: `ZooError` for a value that is not finite in 16 bits.
    mutating func append(_ tensor: NamedTensor) throws -> Int {
        let offset = bytes.count / 2
        bytes.reserveCapacity(bytes.count + 2 * tensor.values.count)
        for value in tensor.values {
            let half = Float16(value)
            guard half.isFinite else {
                throw ZooError(
                    "\(tensor.path) holds \(value), which half precision has no number for", code: .unsupported,
                    subject: .tensor(tensor.path))
            }
            bytes.append(UInt8(truncatingIfNeeded: half.bitPattern))
            bytes.append(UInt8(truncatingIfNeeded: half.bitPattern >> 8))
        }
        return offset
    }
}
