import Datasets
import ModelKit
import Planning
import TensorCore
import TextSupport

/// Draws from regions of a model's latent space. Images of the data set are encoded only where a region needs them.
public struct RegionSource {
    public let definition: ModelDefinition
    public let plan: InferencePlan
    /// Where regions that need images take them from; nil if none does.
    public let images: SplitImages?
    public let sampler: LatentSampler
    private var codes: LatentCodes?
    /// What the prior of the model is made of, K images in C H W order; none for the prior N(0, I).
    private let pseudoInputs: [[Float]]

    public init(
        _ definition: ModelDefinition, plan: InferencePlan, images: SplitImages?, pseudoInputs: [[Float]] = [],
        seed: UInt64, temperature: Float = 1
    ) {
        self.definition = definition
        self.pseudoInputs = pseudoInputs
        self.plan = plan
        self.images = images
        sampler = LatentSampler(size: definition.latentSize, seed: seed, temperature: temperature)
    }

    /// `count` latent vectors from a region.
    ///
    /// - Throws: `ZooError` of kind `usage` for a region that the model or the data set does not have.
    public mutating func draw(_ region: LatentRegion, count: Int) throws -> [[Float]] {
        guard sampler.temperature == 1 || region.hasDeviation else {
            throw ZooError("\(name(of: region)) has no deviation that a temperature could change", kind: .usage)
        }
        if region != .prior { try definition.requireContinuousCodes(for: "region but its prior") }
        switch region {
        case .prior where !pseudoInputs.isEmpty:
            let codes = try plan.encode(pseudoInputs)
            return sampler.posterior(
                means: codes.mean.flatMap(\.self), logVariances: codes.logVariance.flatMap(\.self), count: count)
        case .prior:
            if let codes = try plan.codes(ofPriorDraws: sampler.prior(count: count)) { return codes }
            try definition.requirePrior("to draw from", advice: Self.instead)
            return try plan.priorDraws(sampler, count: count)
        case .aggregate:
            let statistics = LatentStatistics(try encoded(), split: split, dataset: nil)
            return sampler.gaussian(mean: statistics.meanOfMean, covariance: statistics.covariance, count: count)
        case .mixture(let components):
            let mixture = try GaussianMixture(
                fittedTo: try encoded().means, size: definition.latentSize, components: components,
                seed: sampler.seed)
            return mixture.draws(count: count, seed: sampler.seed, temperature: sampler.temperature)
        case .posterior:
            return try drawPosterior(try encoded(), count: count)
        case .shell(let radius): return sampler.shell(radius: radius, count: count)
        case .box(let range): return sampler.box(range, count: count)
        case .near(let index, let deviation):
            let image = try source().image(index)
            takeClass(image.label)
            let mean = try plan.encode(image.tensor).mean.rows.first ?? []
            return sampler.around(mean, deviation: deviation, count: count)
        case .label(let label):
            let images = try source()
            let members = try images.indices(ofClass: label)
            takeClass(members.first.flatMap { images.dataset.label(Int($0)) })
            let codes = try LatentCodes(of: images.dataset, indices: members, plan: plan)
            return try drawPosterior(codes, count: count)
        }
    }

    /// The region in words: `prior N(0, I)`.
    public func name(of region: LatentRegion) -> String {
        func number(_ value: Double) -> String { Formatting.minus(Formatting.significant(value, 3)) }
        switch region {
        case .prior:
            let deviation = Double(sampler.temperature)
            if definition.codeCount != nil {
                return "prior of its codes" + (deviation == 1 ? "" : ", temperature \(number(deviation))")
            }
            if !pseudoInputs.isEmpty { return "prior, the posteriors of \(pseudoInputs.count) pseudo-inputs" }
            return deviation == 1 ? "prior N(0, I)" : "prior, temperature \(number(deviation))"
        case .aggregate: return "aggregate posterior (Gaussian)"
        case .mixture(let components): return "mixture of \(components) Gaussians fitted to \(split) images"
        case .posterior: return "posteriors of \(split) images"
        case .shell(let radius): return "shell ‖z‖ = \(number(radius))"
        case .box(let range): return "box \(Formatting.range(range))"
        case .near(let index, let deviation): return "near image \(index), σ = \(number(deviation))"
        case .label(let label): return "posterior of class \(label)"
        }
    }

    /// What there is without prior and posterior.
    private static let instead =
        "draw from the regions mixture:10 or aggregate, Gaussians fitted to its codes, or around an image with near:INDEX:SIGMA"

    private var split: String { images?.split.rawValue ?? "test" }

    private func source() throws -> SplitImages {
        guard let images else { throw ZooError("this region needs images of a data set", kind: .usage) }
        return images
    }

    /// Of a conditional model: decodes from now on as the class of an image, unless a class was chosen.
    private func takeClass(_ label: Int?) {
        if definition.classCount != nil, plan.imageClass == nil { plan.imageClass = label }
    }

    /// The codes of all images of the split, encoded once.
    private mutating func encoded() throws -> LatentCodes {
        if let codes { return codes }
        let images = try source()
        let codes = try LatentCodes(of: images.dataset, indices: images.indices, plan: plan)
        self.codes = codes
        return codes
    }

    private func drawPosterior(_ codes: LatentCodes, count: Int) throws -> [[Float]] {
        guard codes.isVariational else {
            throw ZooError(
                "\(definition.name) is a plain autoencoder: it has no posterior to draw from",
                advice: Self.instead, kind: .usage)
        }
        return sampler.posterior(means: codes.means, logVariances: codes.logVariances, count: count)
    }
}
