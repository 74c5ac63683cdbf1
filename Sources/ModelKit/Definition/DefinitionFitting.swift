import LayerLibrary
import TensorCore

extension ModelDefinition {
    /// The changes with which the model takes images or vectors of another shape: its input, and the size of the layer that
    /// ends its decoder.
    ///
    /// - Returns: nothing for a model that takes them already, and nil where the change is not of this kind.
    public func overrides(fitting shape: [Int]) -> [DefinitionOverride]? {
        guard shape != input.dimensions else { return [] }
        guard shape.count == input.rank, let last = decoder.last(where: { $0.layer is any FinalLayer }),
            let layer = last.layer as? any FinalLayer
        else { return nil }
        let (before, after) = layer.isPerPixel ? (input.channels, shape[0]) : (input.count, shape.reduce(1, *))
        // Distributions have several parameters for each number.
        guard layer.outputCount.isMultiple(of: before) else { return nil }
        return [
            DefinitionOverride(path: ["input"], value: "[\(shape.map(String.init).joined(separator: ", "))]"),
            DefinitionOverride(
                path: ["decoder", last.name, last.kind, layer.countField],
                value: "\(layer.outputCount / before * after)"),
        ]
    }

    /// What is allowed and rarely meant.
    public var warnings: [DefinitionWarning] {
        guard let last = decoder.last, let name = objective.terms.first(where: { $0.name == "bernoulli" })?.name,
            case .builtIn(let activation) = (last.layer as? ActivationLayer)?.function ?? last.activation
        else { return [] }
        let range: String
        switch activation {
        case .tanh: range = "sigmoid(−1) = 0.27 to sigmoid(1) = 0.73"
        case .relu, .softplus: range = "sigmoid(0) = 0.5 to 1"
        case .identity, .leakyReLU, .elu, .gelu, .silu, .sigmoid: return []
        }
        return [
            DefinitionWarning(
                path: "decoder.\(last.name)",
                message:
                    "ends in \(ActivationFunction.builtIn(activation).name ?? ""), and \(name) takes that for logits: "
                    + "probabilities can only be from \(range); end the decoder in sigmoid, or in no activation")
        ]
    }
}

/// Something in a definition that is allowed and rarely meant.
public struct DefinitionWarning: Sendable, Equatable, CustomStringConvertible {
    /// For instance `decoder.fc2`.
    public let path: String
    public let message: String

    public var description: String { "\(path): \(message)" }
}

/// A layer that may end a decoder.
private protocol FinalLayer {
    /// Units or filters.
    var outputCount: Int { get }
    /// What definitions call their number.
    var countField: String { get }
    /// Whether they are numbers of each pixel.
    var isPerPixel: Bool { get }
}

extension Linear: FinalLayer {
    fileprivate var outputCount: Int { units }
    fileprivate var countField: String { "units" }
    fileprivate var isPerPixel: Bool { false }
}

extension Convolution2D: FinalLayer {
    fileprivate var outputCount: Int { filters }
    fileprivate var countField: String { "filters" }
    fileprivate var isPerPixel: Bool { true }
}

extension TransposedConvolution2D: FinalLayer {
    fileprivate var outputCount: Int { filters }
    fileprivate var countField: String { "filters" }
    fileprivate var isPerPixel: Bool { true }
}

/// Changes of one field of one transposed convolution with which a decoder ends in the shape of the images.
enum DecoderSuggestion {
    /// The most that an error proposes.
    private static let most = 3

    /// For instance `decoder.conv2: output_padding 0`, the changes nearest to the end first; none where no single change will do.
    static func all(_ layers: [NamedLayer], latentSize: Int, image: Shape) -> [String] {
        var found: [String] = []
        for (index, layer) in layers.enumerated().reversed() {
            guard let convolution = layer.layer as? TransposedConvolution2D else { continue }
            for (field, value, window) in variants(of: convolution.window) where found.count < most {
                var changed = convolution
                changed.window = window
                var trial = layers
                trial[index].layer = changed
                if shape(of: trial, latentSize: latentSize) == image {
                    found.append("decoder.\(layer.name): \(field) \(value)")
                }
            }
        }
        return found
    }

    private static func variants(of window: Window) -> [(field: String, value: Int, window: Window)] {
        func variant(_ field: String, _ value: Int, _ path: WritableKeyPath<Window, Window.Extent>) -> (
            String, Int, Window
        )? {
            var changed = window
            changed[keyPath: path] = Window.Extent(value)
            return changed == window ? nil : (field, value, changed)
        }
        let stride = max(window.stride.height, window.stride.width)
        return (0..<max(1, stride)).compactMap { variant("output_padding", $0, \.outputPadding) }
            + (0...3).compactMap { variant("padding", $0, \.padding) }
            + (1...7).compactMap { variant("kernel", $0, \.kernel) }
            + (1...4).compactMap { variant("stride", $0, \.stride) }
    }

    /// nil where the layers do not fit each other.
    private static func shape(of layers: [NamedLayer], latentSize: Int) -> Shape? {
        var builder = GraphBuilder(isTraining: false)
        let latent = builder.input("latent", shape: [latentSize])
        return (try? layers.lower(latent, into: &builder)).map { builder.shape($0) }
    }
}
