import LayerLibrary
import ObjectiveLibrary
import TensorCore

extension ModelDefinition {
    /// The head of a discrete latent space: a linear layer on vectors, a convolution of 1 × 1 on maps.
    func codeHead(_ code: NamedLayer, on features: Shape) -> NamedLayer {
        guard features.rank == 3, let linear = code.layer as? Linear else { return code }
        let window = Window(kernel: Window.Extent(1))
        return NamedLayer(
            name: code.name,
            layer: Convolution2D(filters: linear.units, window: window, settings: linear.settings),
            activation: code.activation)
    }

    /// Of how many vectors a codebook consists; nil for codes that are real numbers.
    public var codeCount: Int? { codebook?.codes }

    /// The codes that are decoded as draws from N(0, I); nil where these are the codes.
    ///
    /// - Parameter parameter: the values of a parameter by its path.
    /// - Throws: `ZooError` where a parameter is missing.
    public func codes(ofPriorDraws draws: [[Float]], parameter: (String) -> [Float]?) throws -> [[Float]]? {
        for regularizer in objective.regularizers {
            if let codes = try regularizer.codes(ofPriorDraws: draws, parameter: parameter) { return codes }
        }
        return nil
    }

    /// For instance `20 dimensions, Gaussian` or `49 of 512 codes`.
    public var latentWords: String {
        switch latent {
        case .code: "\(latentSize) dimensions, a code"
        case .gaussian where !levels.isEmpty:
            latentSizes.map(String.init).joined(separator: " + ")
                + " dimensions, Gaussians of \(levels.count + 1) levels"
        case .gaussian: "\(latentSize) dimensions, Gaussian"
        case .discrete(let code, let codebook):
            "\(latentSize) of \(codebook.codes) codes, each a vector"
                + ((code.layer as? Linear).map { " of \($0.units) numbers" } ?? "")
        }
    }

    /// The shape of the vectors that an image is encoded as: `[D, H, W]`, or `[D]`.
    ///
    /// - Throws: `ZooError` where the encoder's shapes do not fit, or the model has no codebook.
    public func codeMaps() throws -> Shape {
        guard case .discrete(let code, _) = latent else {
            throw ZooError("\(name) has no codebook", code: .mismatch)
        }
        var builder = GraphBuilder(isTraining: false)
        let images = builder.input("images", shape: input)
        return try builder.scoped("encoder") { builder in
            let features = try encoder.lower(images, into: &builder)
            let head = codeHead(code, on: builder.shape(features))
            let vectors = try head.lower(features, into: &builder)
            return builder.shape(vectors)
        }
    }
}
