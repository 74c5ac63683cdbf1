import Datasets
import Glibc
import LatentTools
import Metrics
import ModelKit
import ObjectiveLibrary
import Runs
import TensorCore

/// The importance-weighted bound of the log likelihood.
struct LikelihoodMetric: ModelMetric {
    let name = "likelihood"
    let group = MetricGroup.likelihood
    let summary = "log p(x), bounded by K importance-weighted codes of each image (Burda and others 2016)."
    let needs: Set<MetricNeed> = [.posterior]
    let parameters = [
        MetricParameter("samples", 500, in: 1...10_000_000, "K, codes of each image."),
        MetricParameter("images", 1_000, in: 2...10_000_000, "Images of the split, at random."),
    ]
    let directions: [(score: String, direction: ScoreDirection)] = [
        ("likelihood", .higher), ("likelihood_elbo", .higher), ("likelihood_bits_per_dimension", .lower),
    ]

    func measure(
        _ subject: MetricSubject, _ settings: MetricSettings, _ random: inout RandomNumbers
    ) throws -> Measurement {
        let chosen = random.sample(subject.images.indices, count: settings.whole("images")).sorted()
        let seed = UInt64(random.integer(below: .max))
        let estimator = try ImageLikelihoods(subject.model, samples: settings.whole("samples"), seed: seed)
        let images = try estimator.likelihoods(of: subject.images.dataset, chosen, progress: subject.progress)
        let bounds = images.map(\.bound)
        let bound = bounds.mean
        var numbers = [
            Measurement.Number("likelihood", bound, unit: "nats"),
            .init("likelihood_standard_error", bounds.standardError, unit: "nats"),
            .init("likelihood_elbo", images.map(\.elbo).mean, unit: "nats"),
            .init("likelihood_reconstruction", images.map(\.reconstruction).mean, unit: "nats"),
        ]
        let definition = subject.model.definition
        if definition.objective.distribution?.isDiscrete == true {
            numbers.append(
                .init("likelihood_bits_per_dimension", -bound / (Double(definition.input.count) * log(2)), unit: "bits")
            )
        }
        return Measurement(
            numbers,
            notes: ["a lower bound of log p(x): it rises with the samples and needs as many in every comparison"])
    }
}

/// Mutual information, total correlation and dimension-wise KL.
struct DecompositionMetric: ModelMetric {
    let name = "decomposition"
    let group = MetricGroup.likelihood
    let summary = "The KL divergence taken apart: I(x; z), total correlation, dimension-wise KL (Chen and others 2018)."
    let needs: Set<MetricNeed> = [.posterior]
    let parameters = [
        MetricParameter("images", 10_000, in: 2...1_000_000, "N, images whose posteriors make up the aggregate."),
        MetricParameter("samples", 1_000, in: 1...1_000_000, "Codes that expectations are taken over."),
    ]
    let directions: [(score: String, direction: ScoreDirection)] = [("decomposition_total_correlation", .lower)]

    func measure(
        _ subject: MetricSubject, _ settings: MetricSettings, _ random: inout RandomNumbers
    ) throws -> Measurement {
        let chosen = random.sample(subject.images.indices, count: settings.whole("images")).sorted()
        let codes = try LatentCodes(of: subject.images.dataset, indices: chosen, plan: subject.plan)
        let size = codes.latentSize
        let parts = try ELBODecomposition(
            means: Codes(values: codes.means, size: size), logVariances: Codes(values: codes.logVariances, size: size),
            samples: settings.whole("samples"), &random)
        return Measurement(
            [
                .init("decomposition_mutual_information", parts.mutualInformation, unit: "nats"),
                .init("decomposition_total_correlation", parts.totalCorrelation, unit: "nats"),
                .init("decomposition_dimension_wise_kl", parts.dimensionWiseKL, unit: "nats"),
            ],
            notes: [
                "the mutual information cannot exceed log \(codes.imageCount) = "
                    + "\((parts.limit * 100).rounded() / 100) nats; near that the other two are too large"
            ])
    }
}

/// Latent dimensions that say something of the image.
struct ActiveUnitsMetric: ModelMetric {
    let name = "active_units"
    let group = MetricGroup.likelihood
    let summary = "Dimensions whose mean varies over images by more than 0.01 (Burda and others 2016, section 5.2)."
    let needs: Set<MetricNeed> = [.posterior]
    let parameters = [
        MetricParameter("images", 10_000, in: 2...10_000_000, "Images of the split, at random."),
        MetricParameter("threshold", 0.01, in: 0...1e6, "Variance of the mean above which a dimension is active."),
    ]
    let directions: [(score: String, direction: ScoreDirection)] = [("active_units", .higher)]

    func measure(
        _ subject: MetricSubject, _ settings: MetricSettings, _ random: inout RandomNumbers
    ) throws -> Measurement {
        let images = subject.splitImages
        let codes = try images.codes(of: random.sample(Array(0..<images.count), count: settings.whole("images")))
        let threshold = settings["threshold"]
        return Measurement([.init(name, Double(codes.variances.count { $0 > threshold }))])
    }
}

extension [Double] {
    var mean: Double { reduce(0, +) / Double(Swift.max(1, count)) }

    /// The standard deviation (n − 1) divided by √n.
    var standardError: Double {
        guard count > 1 else { return 0 }
        let mean = mean
        let squares = reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        return (squares / Double(count - 1) / Double(count)).squareRoot()
    }
}
