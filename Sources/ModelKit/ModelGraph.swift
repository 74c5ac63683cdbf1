import LayerLibrary
import TensorCore

/// The programs of a model: what it computes, before any memory or batch size.
public struct ModelGraph: Sendable {
    public let program: Program
    /// The first values of each parameter and buffer, in the program's order.
    public let initializers: [Initializer]
    public let bufferValues: [Float]
    public let rows: [LayerRow]

    /// Images `[C, H, W]`, scaled to 0…1; nil in a decoder.
    public private(set) var images: TensorID?
    /// ε of each latent, in the order in which they lie in z: `[D]` of a single one; none where nothing is sampled.
    public private(set) var noises: [TensorID]
    /// μ `[D]`, or the code of a plain autoencoder, or the numbers of a codebook's vectors; nil in a decoder.
    public private(set) var mean: TensorID?
    /// log σ² `[D]`; nil in a plain autoencoder.
    public private(set) var logVariance: TensorID?
    /// z `[D]`: what the decoder gets; an input in a decoder.
    public private(set) var latent: TensorID?
    /// What the decoder gives, before the link: logits if `link` is the sigmoid.
    public private(set) var prediction: TensorID?
    /// x̂ in 0…1, only in decoders.
    public private(set) var reconstruction: TensorID?
    /// Nats per image, batched `[]`.
    public private(set) var reconstructionLoss: TensorID?
    public private(set) var kl: TensorID?
    /// Batch means `[D]`.
    public private(set) var klPerDimension: TensorID?
    /// log p(x|z) + log p(z) − log q(z|x), `[]` of each code; only in graphs for the likelihood.
    public private(set) var logWeights: TensorID?
    /// Of each code given those before it, `[K, H, W]`; only in graphs of the prior of codes.
    public private(set) var codeLogits: TensorID?

    /// A layer as `zoo show` lists it.
    public struct LayerRow: Sendable {
        public var path: String
        public var kind: String
        /// As in definitions; nil for none.
        public var activation: String?
        public var outputShape: Shape
        public var parameterCount: Int
        public var multiplyAdds: Int
    }

    /// Whether batch normalisation takes its statistics over one value per image, so that one image alone has no variance.
    public var normalizesSingleValues: Bool {
        program.steps.contains { step in
            guard case .batchNorm = step.operation, let shape = step.inputs.first.map({ program[$0].shape }) else {
                return false
            }
            return shape.count == shape.channels
        }
    }

    /// What a graph is for.
    public enum Purpose: Sendable, Equatable {
        /// Losses and gradients, layers in training mode.
        case training
        /// Losses, layers in evaluation mode.
        case evaluation
        /// The likelihood of images under several codes each, drawn from their posteriors, layers in evaluation mode.
        case likelihood(samples: Int)
        /// Images to μ and log σ² (or the code), layers in evaluation mode.
        case encoding
        /// z to images, layers in evaluation mode.
        case decoding
        /// Codes of a codebook to the logits of each, given those before it.
        case codePrior
    }

    /// The most parameters of a model. A few words of a stranger's file can ask for any number; weights, two moments and an
    /// average of so many are half of the largest checkpoint that is read.
    public static let parameterLimit = 1 << 27

    /// - Throws: `ZooError` where shapes do not fit, or there are more than `parameterLimit` parameters.
    public init(_ definition: ModelDefinition, purpose: Purpose) throws {
        var builder = GraphBuilder(isTraining: purpose == .training)
        var assembly = GraphAssembly(definition)
        try assembly.build(&builder, purpose)
        if purpose == .training {
            try builder.differentiate()
            for index in builder.program.groups.indices where builder.program.groups[index].update == nil {
                builder.program.groups[index].update = definition.training.update
            }
        }
        program = builder.program
        // Codebooks that follow averages are buffers.
        let parameterCount = (builder.program.parameters + builder.program.buffers).reduce(0) {
            $0 + builder.program[$1].shape.count
        }
        guard parameterCount <= Self.parameterLimit else {
            throw ZooError(
                "the model has \(parameterCount) parameters, more than the \(Self.parameterLimit) that are supported",
                advice: "make the widest layers narrower", code: .limit)
        }
        initializers = builder.initializers
        bufferValues = builder.bufferValues
        rows = assembly.rows
        images = assembly.images
        noises = assembly.noises
        mean = assembly.mean
        logVariance = assembly.logVariance
        latent = assembly.latent
        prediction = assembly.prediction
        reconstruction = assembly.reconstruction
        reconstructionLoss = assembly.reconstructionLoss
        kl = assembly.kl
        klPerDimension = assembly.klPerDimension
        logWeights = assembly.logWeights
        codeLogits = assembly.codeLogits
    }

    /// First values of all parameters, in order.
    public func initialParameters(seed: UInt64) -> [NamedTensor] {
        program.parameters.enumerated().map { index, id in
            let info = program[id]
            return NamedTensor(
                path: info.name, shape: info.shape.dimensions,
                values: initializers[index].values(count: info.shape.count, seed: seed, parameter: index))
        }
    }

    /// First values of all buffers, in order.
    public var initialBuffers: [NamedTensor] {
        program.buffers.enumerated().map { index, id in
            let info = program[id]
            return NamedTensor(
                path: info.name, shape: info.shape.dimensions,
                values: [Float](repeating: bufferValues[index], count: info.shape.count))
        }
    }

    public var parameterCount: Int { program.parameters.reduce(0) { $0 + program[$1].shape.count } }

    /// What does not fit in a model whose definition reads well: shapes, per part.
    static func problems(of definition: ModelDefinition) -> [(path: String, message: String)] {
        do {
            _ = try ModelGraph(definition, purpose: .training)
            return []
        } catch {
            let errors = [ModelGraph.Purpose.encoding, .decoding].compactMap { part -> (any Error)? in
                do {
                    _ = try ModelGraph(definition, purpose: part)
                    return nil
                } catch {
                    return error
                }
            }
            let problems = errors.map(problem)
            // What is too large in one place is so in each part that has it, and in the whole.
            let isOfAll = errors.allSatisfy { ($0 as? ZooError)?.code == .limit } && Set(problems.map(\.0)).count <= 1
            return isOfAll ? [problem(error)] : problems
        }
    }

    /// Where a part of the model is wrong, and what is.
    private static func problem(_ error: any Error) -> (String, String) {
        let path: String? =
            switch (error as? ZooError)?.subject {
            case .layer(let path), .tensor(let path), .field(let path): path
            case .path, .step, nil: nil
            }
        let message = "\(error)"
        guard let path, ["encoder", "decoder", "objective", "codebook", "prior"].contains(where: path.hasPrefix),
            message.hasPrefix(path)
        else {
            return ("", message)
        }
        return (path, String(message.dropFirst(path.count).drop { $0 == ":" || $0 == " " }))
    }
}
