import LayerLibrary
import ObjectiveLibrary
import TensorCore

/// Builds the parts of a model into one program.
struct GraphAssembly {
    let definition: ModelDefinition
    private let decoderLayers: [NamedLayer]
    private let link: ReconstructionLoss.Link
    private(set) var rows: [ModelGraph.LayerRow] = []
    private(set) var images: TensorID?
    private(set) var noises: [TensorID] = []
    private(set) var mean: TensorID?
    private(set) var logVariance: TensorID?
    private(set) var latent: TensorID?
    private(set) var prediction: TensorID?
    private(set) var reconstruction: TensorID?
    private(set) var reconstructionLoss: TensorID?
    private(set) var kl: TensorID?
    private(set) var klPerDimension: TensorID?
    private(set) var logWeights: TensorID?
    private(set) var codeLogits: TensorID?
    /// What the encoder says of each latent, the lowest first: μ and log σ²; none of a code.
    private var estimates: [(mean: TensorID, logVariance: TensorID)] = []
    /// Of several latents, the value of the lowest; nil until they are drawn.
    private var lowest: TensorID?
    /// KL divergences of several latents, the lowest first.
    private var divergences: [TensorID] = []
    private var classes: ModelTensors.Classes?
    private var codes: ModelTensors.Codes?
    private var codebookAverages: (sizes: TensorID, sums: TensorID)?

    init(_ definition: ModelDefinition) {
        self.definition = definition
        var layers = definition.decoder
        let isBernoulli = definition.objective.terms.contains {
            if case .bernoulli = $0.likelihood { true } else { false }
        }
        var link = isBernoulli ? ReconstructionLoss.Link.sigmoid : .identity
        // Losses are computed from the pre-activation of a final sigmoid.
        if let last = layers.last {
            if !(definition.objective.distribution?.takesLogits ?? true) {
                // A sigmoid would be part of what gives the parameters.
            } else if case .builtIn(.sigmoid) = last.activation {
                link = .sigmoid
                layers[layers.count - 1].activation = .identity
            } else if let activation = last.layer as? ActivationLayer, case .builtIn(.sigmoid) = activation.function {
                link = .sigmoid
                layers.removeLast()
            }
        }
        decoderLayers = layers
        self.link = link
    }

    mutating func build(_ builder: inout GraphBuilder, _ purpose: ModelGraph.Purpose) throws {
        switch purpose {
        case .encoding:
            try encode(&builder)
            if !definition.levels.isEmpty { try descend(&builder, count: nil) }
        case .decoding:
            let given = builder.input("latent", shape: [definition.latentSize])
            latent = given
            try look(up: given, &builder)
            try decode(&builder)
            latent = given
            if let prediction, let distribution = definition.objective.distribution {
                let image = try distribution.mean(
                    parameters(prediction, of: distribution, &builder), image: definition.input, into: &builder)
                let shaped = try builder.reshape(image, to: definition.input)
                builder.keep(shaped, as: "reconstruction")
                reconstruction = shaped
            } else if let prediction {
                let image = link == .sigmoid ? builder.activation(.sigmoid, prediction) : prediction
                let shaped = try builder.reshape(image, to: definition.input)
                builder.keep(shaped, as: "reconstruction")
                reconstruction = shaped
            }
        case .training, .evaluation:
            try classify(&builder)
            try encode(&builder)
            try sample(&builder, count: definition.objective.regularizers.map(\.samples).max() ?? 1)
            try decode(&builder)
            try loss(&builder)
        case .codePrior:
            let given = builder.input("latent", shape: [definition.latentSize])
            try look(up: given, &builder)
            guard let vectors = latent, let codes = definition.codeCount else { return }
            latent = given
            codeLogits = try builder.scoped("objective") { builder in
                for regularizer in definition.objective.regularizers {
                    if let logits = try regularizer.codeLogits(vectors, codes: codes, into: &builder) { return logits }
                }
                throw ZooError("\(definition.name) has no prior over its codes", code: .mismatch)
            }
            if let codeLogits { builder.keep(codeLogits, as: "code_logits") }
        case .likelihood(let samples):
            try encode(&builder)
            try sample(&builder, count: samples)
            try decode(&builder)
            try builder.scoped("objective") { builder in
                try inDecoderGroup(&builder) { try $0.reconstruct(&$1) }
                try weigh(&builder)
            }
        }
    }

    /// Where the class of few images is known, all that follows is computed for each class.
    private mutating func classify(_ builder: inout GraphBuilder) throws {
        guard let count = definition.classCount else { return }
        let images = builder.input("images", shape: definition.input)
        self.images = images
        for regularizer in definition.objective.regularizers {
            guard let logits = try regularizer.classLogits(images, classes: count, into: &builder) else { continue }
            let labels = try builder.imageClass(count: count)
            try builder.scoped("classes") { builder in
                let labelled = builder.isTraining ? regularizer.labelledImages : nil
                let shares = try builder.custom(ClassShares(labelled), [logits, labels])
                classes = ModelTensors.Classes(logits: logits, labels: labels, shares: shares)
                builder.setImageClass(try builder.custom(EveryClass(), [labels]))
            }
        }
    }

    /// What is computed for each class, in the mean over the classes; other tensors as they are.
    private func meanOverClasses(_ tensor: TensorID, _ builder: inout GraphBuilder) throws -> TensorID {
        guard let classes, builder.program[tensor].rows != .images else { return tensor }
        return try builder.custom(ClassMean(), [tensor, classes.shares])
    }

    private mutating func encode(_ builder: inout GraphBuilder) throws {
        let images = images ?? builder.input("images", shape: definition.input)
        self.images = images
        var heads: [TensorID] = []
        try builder.scoped("encoder") { builder in
            let features = try lower(definition.encoder, images, &builder)
            switch definition.latent {
            case .code(let code):
                heads = [try lower([code], features, &builder)]
            case .gaussian(let mean, let logVariance):
                heads = [try lower([mean], features, &builder), try lower([logVariance], features, &builder)]
                estimates = [(heads[0], heads[1])]
                var features = features
                for level in definition.levels {
                    features = try lower(level.encoder, features, &builder)
                    estimates.append(
                        (
                            try lower([level.mean], features, &builder),
                            try lower([level.logVariance], features, &builder)
                        ))
                }
            case .discrete(let code, _):
                let head = definition.codeHead(code, on: builder.shape(features))
                heads = [try lower([head], features, &builder)]
            }
        }
        if case .discrete(_, let codebook) = definition.latent {
            let vectors = heads[0]
            let tensors = try self.codebook(codebook, size: builder.shape(vectors).channels, &builder)
            let nearest = try builder.scoped("codebook") {
                try $0.vectorQuantization(vectors, codebook: tensors.vectors)
            }
            codes = ModelTensors.Codes(encoded: vectors, indices: nearest.indices, codebook: tensors.vectors)
            codebookAverages = tensors.averages
            latent = nearest.vectors
            heads = [nearest.indices]
        }
        // What several latents are is known from the top down.
        guard definition.levels.isEmpty else { return }
        mean = heads[0]
        builder.keep(heads[0], as: definition.codebook == nil ? "mean" : "codes")
        if heads.count > 1 {
            logVariance = heads[1]
            builder.keep(heads[1], as: "log_variance")
        }
    }

    /// The codebook; a parameter where a term teaches it.
    private func codebook(
        _ codebook: Codebook, size: Int, _ builder: inout GraphBuilder
    ) throws -> Codebook.Tensors {
        let isLearned = definition.objective.regularizers.contains(where: \.learnsCodebook)
        return try codebook.tensors(size: size, isLearned: isLearned, into: &builder)
    }

    /// Of a discrete latent space: the vectors that given codes stand for are what is decoded.
    private mutating func look(up given: TensorID, _ builder: inout GraphBuilder) throws {
        guard let codebook = definition.codebook else { return }
        let shape = try definition.codeMaps()
        let tensors = try self.codebook(codebook, size: shape.channels, &builder)
        latent = try builder.scoped("codebook") {
            try $0.custom(CodebookVectors(shape: shape), [given, tensors.vectors])
        }
    }

    private mutating func sample(_ builder: inout GraphBuilder, count: Int) throws {
        guard definition.levels.isEmpty else { return try descend(&builder, count: count) }
        guard let mean, let logVariance else {
            latent = latent ?? mean
            return
        }
        let noise = builder.noise(
            "noise", shape: [definition.latentSize],
            rows: .perImage(count * builder.program[mean].rows.count(images: 1)), isPosterior: true)
        noises = [noise]
        let sampled = try builder.scoped("latent") {
            try $0.gaussianLatent(mean: mean, logVariance: logVariance, noise: noise)
        }
        latent = sampled.z
        kl = try meanOverClasses(sampled.kl, &builder)
        var klPerDimension = sampled.klPerDimension
        if let classes, builder.program[mean].rows != .images {
            klPerDimension = try builder.custom(ClassMeanKL(), [mean, logVariance, classes.shares])
            let expected = (try meanOverClasses(mean, &builder), try meanOverClasses(logVariance, &builder))
            builder.keep(expected.0, as: "expected_mean")
            builder.keep(expected.1, as: "expected_log_variance")
            (self.mean, self.logVariance) = expected
        }
        builder.keep(klPerDimension, as: "kl_per_dimension")
        self.klPerDimension = klPerDimension
    }

    /// From the uppermost latent to the lowest: what is known of each from the encoder and from its prior, which the one above gives. The
    /// uppermost has the prior N(0, I). A latent z below is written as u = (z − m)/s with the mean and deviation of its prior, so that all
    /// that is encoded and decoded follows N(0, I), too.
    ///
    /// - Parameter count: draws for each image; nil for means in place of draws.
    private mutating func descend(_ builder: inout GraphBuilder, count: Int?) throws {
        var parts: [(mean: TensorID, logVariance: TensorID, drawn: TensorID, klPerDimension: TensorID?)] = []
        for index in estimates.indices.reversed() {
            var (mean, logVariance) = estimates[index]
            var prior: (mean: TensorID, logVariance: TensorID)?
            if let above = lowest {
                let given = try self.prior(of: index, above, &builder)
                let inputs = [mean, logVariance, given.mean, given.logVariance]
                (mean, logVariance) = try builder.scoped("latent\(index + 1)") {
                    (
                        try $0.custom(PrecisionWeighted(.mean), inputs),
                        try $0.custom(PrecisionWeighted(.logVariance), inputs)
                    )
                }
                prior = given
            }
            try builder.scoped("latent\(index + 1)") { builder in
                var (drawn, klPerDimension): (TensorID, TensorID?) = (mean, nil)
                if let count {
                    let noise = builder.noise(
                        "noise\(index + 1)", shape: builder.shape(mean), rows: .perImage(count),
                        isPosterior: index == 0)
                    noises.append(noise)
                    let sampled = try builder.gaussianLatent(mean: mean, logVariance: logVariance, noise: noise)
                    (drawn, klPerDimension) = (sampled.z, sampled.klPerDimension)
                    divergences.insert(sampled.kl, at: 0)
                }
                parts.append((mean, logVariance, drawn, klPerDimension))
                guard index > 0 || count != nil else { return }
                lowest = try prior.map { try builder.custom(Rescaled(), [drawn, $0.mean, $0.logVariance]) } ?? drawn
            }
        }
        try builder.scoped("latent") { builder in
            func joined(_ tensors: [TensorID]) throws -> TensorID { try builder.custom(JoinedVectors(), tensors) }
            let (mean, logVariance) = (try joined(parts.map(\.mean)), try joined(parts.map(\.logVariance)))
            builder.keep(mean, as: "mean")
            builder.keep(logVariance, as: "log_variance")
            (self.mean, self.logVariance) = (mean, logVariance)
            guard count != nil else { return }
            latent = try joined(parts.map(\.drawn))
            let klPerDimension = try joined(parts.compactMap(\.klPerDimension))
            builder.keep(klPerDimension, as: "kl_per_dimension")
            self.klPerDimension = klPerDimension
            kl = try builder.custom(
                WeightedSum([Float](repeating: 1, count: divergences.count)), divergences)
        }
    }

    /// The mean and log variance of a latent's prior, given a value of the latent above it.
    private mutating func prior(
        of index: Int, _ above: TensorID, _ builder: inout GraphBuilder
    ) throws -> (mean: TensorID, logVariance: TensorID) {
        let size = definition.latentSizes[index]
        return try builder.atRoot { builder in
            try builder.scoped("prior\(index + 1)") { builder in
                let features = try lower(definition.levels[index].prior, above, &builder)
                return (
                    try lower([.layer("mean", Linear(units: size))], features, &builder),
                    try lower([.layer("log_variance", Linear(units: size))], features, &builder)
                )
            }
        }
    }

    /// What the decoder gets for a code of several latents: the value of the lowest.
    private mutating func lowestValue(of code: TensorID, _ builder: inout GraphBuilder) throws -> TensorID {
        if code == latent, let lowest { return lowest }
        let listed = estimates.isEmpty ? nil : rows
        var (first, value): (Int, TensorID?) = (0, nil)
        for (index, size) in definition.latentSizes.enumerated().reversed() {
            let part = try builder.custom(VectorPart(first..<first + size), [code])
            first += size
            value =
                try value.map { above in
                    let prior = try builder.sharing { try self.prior(of: index, above, &$0) }
                    return try builder.custom(Rescaled(), [part, prior.mean, prior.logVariance])
                } ?? part
        }
        if let listed { rows = listed }
        return value ?? code
    }

    /// Runs `body` where parameters are the decoder's.
    private mutating func inDecoderGroup(
        _ builder: inout GraphBuilder, _ body: (inout GraphAssembly, inout GraphBuilder) throws -> Void
    ) throws {
        guard let group = definition.objective.regularizers.lazy.compactMap(\.decoderGroup).first else {
            return try body(&self, &builder)
        }
        try builder.group(group) { try body(&self, &$0) }
    }

    private mutating func decode(_ builder: inout GraphBuilder) throws {
        try inDecoderGroup(&builder) { try $0.lowerDecoder(&$1) }
    }

    private mutating func lowerDecoder(_ builder: inout GraphBuilder) throws {
        guard let latent else { return }
        var code = try definition.objective.regularizers.reduce(latent) { try $1.decoded($0, into: &builder) }
        if !definition.levels.isEmpty { code = try lowestValue(of: code, &builder) }
        try builder.scoped("decoder") { builder in
            let output = try lower(decoderLayers, code, &builder)
            listLink(builder.shape(output))
            prediction = output
            if let distribution = definition.objective.distribution {
                _ = try parameters(output, of: distribution, &builder)
                return
            }
            guard builder.shape(output).count == definition.input.count else {
                let changes = DecoderSuggestion.all(
                    decoderLayers, latentSize: builder.shape(code).count, image: definition.input)
                throw ZooError(
                    "decoder (the whole): gives \(builder.shape(output)), but the images are \(definition.input)",
                    advice: changes.isEmpty
                        ? "make the last layers end in the input's shape"
                        : "one of these changes makes it fit: \(changes.joined(separator: "; "))",
                    code: .mismatch, subject: .layer("decoder"))
            }
        }
    }

    /// What the decoder gives, as the parameters of a distribution.
    private func parameters(
        _ prediction: TensorID, of distribution: any PixelDistribution, _ builder: inout GraphBuilder
    ) throws -> TensorID {
        let shape = try distribution.parameterShape(for: definition.input)
        guard builder.shape(prediction).count == shape.count else {
            throw ZooError(
                "decoder (the whole): gives \(builder.shape(prediction)), but \(distribution.name) of images \(definition.input) "
                    + "has parameters \(shape)",
                advice: "make the last layers end in that shape", code: .mismatch, subject: .layer("decoder"))
        }
        return try builder.reshape(prediction, to: shape)
    }

    /// Lists the final sigmoid, which the losses contain.
    private mutating func listLink(_ shape: Shape) {
        guard let last = definition.decoder.last, link == .sigmoid else { return }
        if decoderLayers.count == definition.decoder.count {
            rows[rows.count - 1].activation = last.activation.name
        } else {
            rows.append(
                ModelGraph.LayerRow(
                    path: "decoder." + last.name, kind: last.kind,
                    activation: ActivationFunction.builtIn(.sigmoid).name,
                    outputShape: shape, parameterCount: 0, multiplyAdds: 0))
        }
    }

    /// The reconstruction loss of each code, and the prediction in the shape in which it is compared.
    private mutating func reconstruct(_ builder: inout GraphBuilder) throws {
        guard let images, let prediction else { return }
        if let distribution = definition.objective.distribution {
            let parameters = try parameters(prediction, of: distribution, &builder)
            reconstructionLoss = try distribution.loss(parameters, images: images, into: &builder)
            self.prediction = parameters
            return
        }
        let terms = definition.objective.terms.map { ReconstructionLoss.Term($0.likelihood, weight: $0.weight) }
        let loss = ReconstructionLoss(terms: terms, link: link)
        let logSigma =
            loss.learnsVariance ? try builder.parameter("log_sigma", shape: [], initializer: .constant(0)) : nil
        let shaped = try builder.reshape(prediction, to: definition.input)
        reconstructionLoss = try builder.reconstructionLoss(
            prediction: shaped, target: images, logSigma: logSigma, loss: loss)
        self.prediction = shaped
    }

    private mutating func loss(_ builder: inout GraphBuilder) throws {
        try builder.scoped("objective") { builder in
            try inDecoderGroup(&builder) { try $0.reconstruct(&$1) }
            reconstructionLoss = try reconstructionLoss.map { try meanOverClasses($0, &builder) }
            guard let perImage = reconstructionLoss else { return }
            if definition.objective.regularizers.contains(where: \.replacesReconstruction) {
                try builder.metric("reconstruction", perImage)
            } else {
                try builder.term("reconstruction", perImage, weight: .constant(1))
            }
            if let kl { try builder.metric("kl", kl) }
            for (index, divergence) in divergences.enumerated() {
                try builder.metric("kl_level\(index + 1)", divergence)
            }
            if definition.objective.distribution?.isDiscrete == true, let kl,
                builder.program.type(of: kl) == builder.program.type(of: perImage)
            {
                try builder.metric(
                    "bits_per_dimension", Self.bitsPerDimension(perImage, kl, of: definition.input, &builder))
            }
            if let codes, let codebook = definition.codebook {
                try builder.metric("perplexity", builder.custom(CodePerplexity(codes: codebook.codes), [codes.indices]))
            }
            try regularize(&builder)
        }
        if builder.isTraining, let codes, let averages = codebookAverages, let codebook = definition.codebook {
            builder.scoped("codebook") {
                $0.updateCodebook(
                    codes.codebook, sizes: averages.sizes, sums: averages.sums, from: codes.encoded,
                    indices: codes.indices, decay: codebook.decay, smoothing: codebook.smoothing,
                    revival: codebook.revival)
            }
        }
        if let prediction { builder.keep(prediction, as: "prediction") }
    }

    /// log p(x|z) + log p(z) − log q(z|x) of each code.
    private mutating func weigh(_ builder: inout GraphBuilder) throws {
        guard let model = tensors, let posterior = model.posterior, let reconstructionLoss else {
            throw ZooError("\(definition.name) has no posterior to draw codes from", code: .mismatch)
        }
        let priors = try definition.objective.regularizers.compactMap { try $0.logPrior(model, into: &builder) }
        let weights = try ImportanceWeighting.logWeights(model, posterior, prior: priors.first, into: &builder)
        builder.keep(weights, as: "log_weights")
        builder.keep(reconstructionLoss, as: "reconstruction_loss")
        logWeights = weights
    }

    /// The evidence lower bound in bits for each of the D numbers of an image.
    private static func bitsPerDimension(
        _ reconstruction: TensorID, _ kl: TensorID, of image: Shape, _ builder: inout GraphBuilder
    ) throws -> TensorID {
        let share = 1 / (Float(image.count) * 0.693_147_18)
        return try builder.custom(WeightedSum([share, share]), [reconstruction, kl])
    }

    private func regularize(_ builder: inout GraphBuilder) throws {
        guard let model = tensors else { return }
        for regularizer in definition.objective.regularizers { try regularizer.lower(model, into: &builder) }
    }

    /// What regularisers build on; nil before there is a reconstruction loss.
    private var tensors: ModelTensors? {
        guard let images, let latent, let reconstructionLoss else { return nil }
        var posterior: ModelTensors.Posterior?
        if let mean, let logVariance, let kl, let klPerDimension {
            posterior = ModelTensors.Posterior(
                mean: mean, logVariance: logVariance, kl: kl, klPerDimension: klPerDimension)
        }
        return ModelTensors(
            images: images, code: latent, reconstruction: reconstructionLoss, posterior: posterior, codes: codes,
            classes: classes
        ) { [definition] images, builder in
            guard case .gaussian(let mean, let logVariance) = definition.latent else {
                throw ZooError("\(definition.name) has no posterior", code: .mismatch)
            }
            return try builder.atRoot { builder in
                try builder.scoped("encoder") { builder in
                    try builder.sharing { builder in
                        let features = try definition.encoder.lower(images, into: &builder)
                        return (
                            try mean.lower(features, into: &builder), try logVariance.lower(features, into: &builder)
                        )
                    }
                }
            }
        }
    }

    private mutating func lower(
        _ layers: [NamedLayer], _ x: TensorID, _ builder: inout GraphBuilder
    ) throws -> TensorID {
        var x = x
        for layer in layers {
            let parameters = builder.program.parameters.count
            let steps = builder.program.steps.count
            x = try layer.lower(x, into: &builder)
            let program = builder.program
            rows.append(
                ModelGraph.LayerRow(
                    path: (builder.path.isEmpty ? "" : builder.path + ".") + layer.name, kind: layer.kind,
                    activation: layer.activation.name ?? (layer.layer as? ActivationLayer)?.function.name,
                    outputShape: program[x].shape,
                    parameterCount: program.parameters[parameters...].reduce(0) { $0 + program[$1].shape.count },
                    multiplyAdds: program.steps[steps...].reduce(0) { $0 + program.multiplyAdds(of: $1) }))
        }
        return x
    }
}
