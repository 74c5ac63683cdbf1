import LayerLibrary
import ObjectiveLibrary
import TensorCore
import Testing

/// A small network with a loss, named as in `Golden/layers.json` and `tools/reference/layers.py`.
struct LayerCase: Sendable, CustomTestStringConvertible {
    /// The sampling between encoder and decoder of a case with a latent variable.
    struct Latent: Sendable {
        var size: Int
        var regularizer: any Regularizer
        var decoder: [NamedLayer]
    }

    var name: String
    /// The shape of one image of the input.
    var input: Shape
    var layers: [NamedLayer]
    var isTraining = true
    var latent: Latent?
    var loss = ReconstructionLoss(terms: [.init(.gaussian)], link: .identity)

    init(_ name: String, _ input: Shape, _ layers: [NamedLayer]) {
        self.name = name
        self.input = input
        self.layers = layers
    }

    /// The loss alone, on the input as prediction.
    init(_ name: String, _ link: ReconstructionLoss.Link, _ terms: [ReconstructionLoss.Term]) {
        self.init(name, [2, 3, 3], [])
        loss = ReconstructionLoss(terms: terms, link: link)
    }

    init(_ name: String, _ regularizer: any Regularizer) {
        self.init(name, [6], [.linear(named: "hidden", 5, .tanh)])
        latent = Latent(size: 4, regularizer: regularizer, decoder: [.linear(named: "decoder", 3)])
    }

    /// The same with running statistics and without dropout.
    func inEvaluation() -> LayerCase {
        var copy = self
        copy.name += "_evaluation"
        copy.isTraining = false
        return copy
    }

    var testDescription: String { name }

    /// The kinds of its layers, those inside residual layers included.
    var kinds: Set<String> {
        func kinds(_ layers: [NamedLayer]) -> Set<String> {
            layers.reduce(into: []) { found, layer in
                found.insert(layer.kind)
                if let residual = layer.layer as? Residual { found.formUnion(kinds(residual.layers)) }
            }
        }
        return kinds(layers + (latent?.decoder ?? []))
    }
}

extension NamedLayer {
    static func linear(
        named name: String = "linear", _ units: Int, _ activation: Activation = .identity, bias: Bool = true
    ) -> NamedLayer {
        NamedLayer(
            name: name, layer: Linear(units: units, settings: WeightSettings(hasBias: bias)),
            activation: .builtIn(activation))
    }

    static func conv(
        named name: String = "conv", _ filters: Int, _ window: Window, _ activation: Activation = .identity,
        bias: Bool = true
    ) -> NamedLayer {
        NamedLayer(
            name: name,
            layer: Convolution2D(filters: filters, window: window, settings: WeightSettings(hasBias: bias)),
            activation: .builtIn(activation))
    }

    static func transposed(
        named name: String = "transposed", _ filters: Int, _ window: Window, _ activation: Activation = .identity,
        bias: Bool = true
    ) -> NamedLayer {
        NamedLayer(
            name: name,
            layer: TransposedConvolution2D(filters: filters, window: window, settings: WeightSettings(hasBias: bias)),
            activation: .builtIn(activation))
    }

    /// A layer without anything to choose but its configuration, named after its kind.
    static func plain(_ kind: String, _ layer: any Layer, _ activation: Activation = .identity) -> NamedLayer {
        NamedLayer(name: kind, layer: layer, activation: .builtIn(activation))
    }
}

extension Window {
    /// A square window.
    static func square(_ kernel: Int, stride: Int = 1, padding: Int = 0, outputPadding: Int = 0) -> Window {
        Window(
            kernel: Extent(kernel), stride: Extent(stride), padding: Extent(padding),
            outputPadding: Extent(outputPadding))
    }
}
