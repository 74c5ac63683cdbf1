import LatentTools
import Metrics
import TensorCore

/// The draws of most protocols of Locatello and others 2019, appendix C.
private enum Draws {
    static let training = MetricParameter(
        "training_samples", 10_000, in: 10...10_000_000, "Images or observations that are learned from.")
    static let test = MetricParameter(
        "test_samples", 5_000, in: 10...10_000_000, "Images or observations that the score is taken over.")
    static let samples = MetricParameter("samples", 10_000, in: 10...10_000_000, "Images that are drawn.")
    static let bins = MetricParameter(
        "bins", MutualInformation.binCount, in: 2...10_000, "Bins of one width that a dimension is cut into.")
}

extension EncodedImages {
    /// Numbers for each factor and dimension.
    fileprivate func table(_ title: String, _ values: [[Double]]) -> MetricReport.Table {
        MetricReport.Table(
            title: title, rows: factors.map(\.name), columns: (0..<latentSize).map { "z\($0)" }, values: values)
    }
}

/// The accuracy of a linear classifier of the factor that pairs of images share.
struct BetaVAEScoreMetric: ModelMetric {
    let name = "beta_vae_score"
    let group = MetricGroup.disentanglement
    let summary = "How well a linear classifier tells which factor pairs of images share (Higgins and others 2017)."
    let needs: Set<MetricNeed> = [.severalFactors, .continuousCodes]
    let parameters = [
        Draws.training, Draws.test, MetricParameter("batch_size", 64, in: 1...10_000, "Pairs of an observation."),
    ]
    let directions: [(score: String, direction: ScoreDirection)] = [("beta_vae_score", .higher)]

    func measure(
        _ subject: MetricSubject, _ settings: MetricSettings, _ random: inout RandomNumbers
    ) throws -> Measurement {
        var score = BetaVAEScore()
        score.trainingObservations = settings.whole("training_samples")
        score.testObservations = settings.whole("test_samples")
        score.pairsPerObservation = settings.whole("batch_size")
        let result = try score.result(subject.factorImages(), &random)
        return Measurement([.init(name, result.test), .init("beta_vae_score_training", result.training)])
    }
}

/// The accuracy of a majority vote of the dimensions that vary least.
struct FactorVAEScoreMetric: ModelMetric {
    let name = "factor_vae_score"
    let group = MetricGroup.disentanglement
    let summary = "How well the dimension that varies least tells which factor is held fixed (Kim and Mnih 2018)."
    let needs: Set<MetricNeed> = [.severalFactors, .continuousCodes]
    let parameters = [
        Draws.training, Draws.test, MetricParameter("batch_size", 64, in: 2...10_000, "Images of an observation."),
        MetricParameter(
            "variance_samples", 10_000, in: 10...10_000_000, "Images that a dimension's variance is taken over."),
        MetricParameter(
            "smallest_deviation", 0.0, in: 0...1e6, "Dimensions with a smaller standard deviation are left out."),
    ]
    let directions: [(score: String, direction: ScoreDirection)] = [("factor_vae_score", .higher)]

    func measure(
        _ subject: MetricSubject, _ settings: MetricSettings, _ random: inout RandomNumbers
    ) throws -> Measurement {
        var score = FactorVAEScore()
        score.trainingObservations = settings.whole("training_samples")
        score.testObservations = settings.whole("test_samples")
        score.imagesPerObservation = settings.whole("batch_size")
        score.varianceSamples = settings.whole("variance_samples")
        score.smallestDeviation = settings["smallest_deviation"]
        let images = try subject.factorImages()
        let result = try score.result(images, &random)
        return Measurement(
            [.init(name, result.test), .init("factor_vae_score_training", result.training)],
            table: images.table("votes of dimensions for the factor held fixed", result.votes))
    }
}

/// The mutual information gap.
struct MIGMetric: ModelMetric {
    let name = "mig"
    let group = MetricGroup.disentanglement
    let summary = "How much more the best dimension knows of a factor than the second (Chen and others 2018)."
    let needs: Set<MetricNeed> = [.factors, .continuousCodes]
    let parameters = [Draws.samples, Draws.bins]
    let directions: [(score: String, direction: ScoreDirection)] = [("mig", .higher)]

    func measure(
        _ subject: MetricSubject, _ settings: MetricSettings, _ random: inout RandomNumbers
    ) throws -> Measurement {
        var gap = MutualInformationGap()
        gap.samples = settings.whole("samples")
        gap.bins = settings.whole("bins")
        let images = try subject.factorImages()
        let result = try gap.result(images, &random)
        return Measurement(
            [.init(name, result.gap)], table: images.table("mutual information, nats", result.information))
    }
}

/// The gap of single dimensions as predictors.
struct SAPMetric: ModelMetric {
    let name = "sap"
    let group = MetricGroup.disentanglement
    let summary = "How much better the best dimension predicts a factor than the second (Kumar and others 2018)."
    let needs: Set<MetricNeed> = [.factors, .continuousCodes]
    let parameters = [
        Draws.training, Draws.test,
        MetricParameter("cost", 0.01, in: 1e-6...1e6, "C of the linear support vector machines."),
    ]
    let directions: [(score: String, direction: ScoreDirection)] = [("sap", .higher)]

    func measure(
        _ subject: MetricSubject, _ settings: MetricSettings, _ random: inout RandomNumbers
    ) throws -> Measurement {
        var score = SeparatedAttributePredictability()
        score.trainingSamples = settings.whole("training_samples")
        score.testSamples = settings.whole("test_samples")
        score.cost = settings["cost"]
        let images = try subject.factorImages()
        let result = try score.result(images, &random)
        return Measurement(
            [.init(name, result.score)], table: images.table("accuracy of one dimension alone", result.accuracies))
    }
}

/// Disentanglement, completeness, informativeness.
struct DCIMetric: ModelMetric {
    let name = "dci"
    let group = MetricGroup.disentanglement
    let summary = "Disentanglement, completeness, informativeness by boosted trees (Eastwood and Williams 2018)."
    let needs: Set<MetricNeed> = [.factors, .continuousCodes]
    let parameters = [
        Draws.training, Draws.test, MetricParameter("rounds", 100, in: 1...10_000, "Rounds of boosting."),
    ]
    let directions: [(score: String, direction: ScoreDirection)] = [
        ("dci_disentanglement", .higher), ("dci_completeness", .higher), ("dci_informativeness", .higher),
    ]

    func measure(
        _ subject: MetricSubject, _ settings: MetricSettings, _ random: inout RandomNumbers
    ) throws -> Measurement {
        var dci = DCI()
        dci.trainingSamples = settings.whole("training_samples")
        dci.testSamples = settings.whole("test_samples")
        dci.rounds = settings.whole("rounds")
        let images = try subject.factorImages()
        let result = try dci.result(images, &random)
        // A dimension that matters for the only factor there is matters for one only: that would be 1 whatever the codes are.
        let disentanglement =
            images.factors.count > 1 ? [Measurement.Number("dci_disentanglement", result.disentanglement)] : []
        return Measurement(
            disentanglement + [
                .init("dci_completeness", result.completeness),
                .init("dci_informativeness", result.informativeness),
                .init("dci_informativeness_training", result.informativenessTraining),
            ], table: images.table("importance", result.importances))
    }
}

/// Modularity and explicitness.
struct ModularityMetric: ModelMetric {
    let name = "modularity"
    let group = MetricGroup.disentanglement
    let summary = "How far a dimension knows of one factor only, and how linear that is (Ridgeway and Mozer 2018)."
    let needs: Set<MetricNeed> = [.severalFactors, .continuousCodes]
    let parameters = [Draws.training, Draws.test, Draws.bins]
    let directions: [(score: String, direction: ScoreDirection)] = [("modularity", .higher), ("explicitness", .higher)]

    func measure(
        _ subject: MetricSubject, _ settings: MetricSettings, _ random: inout RandomNumbers
    ) throws -> Measurement {
        var modularity = Modularity()
        modularity.samples = settings.whole("training_samples")
        modularity.bins = settings.whole("bins")
        var explicitness = Explicitness()
        explicitness.trainingSamples = settings.whole("training_samples")
        explicitness.testSamples = settings.whole("test_samples")
        let images = try subject.factorImages()
        let first = try modularity.result(images, &random)
        let second = try explicitness.result(images, &random)
        return Measurement(
            [
                .init("modularity", first.modularity), .init("explicitness", second.test),
                .init("explicitness_training", second.training),
            ], table: images.table("mutual information, nats", first.information))
    }
}

/// Interventional robustness.
struct IRSMetric: ModelMetric {
    let name = "irs"
    let group = MetricGroup.disentanglement
    let summary = "How little a dimension moves while its factor is held fixed (Suter and others 2019)."
    let needs: Set<MetricNeed> = [.factors, .continuousCodes]
    let parameters = [
        Draws.samples, MetricParameter("quantile", 0.99, in: 0...1, "Of the deviations, in place of their largest."),
    ]
    let directions: [(score: String, direction: ScoreDirection)] = [("irs", .higher)]

    func measure(
        _ subject: MetricSubject, _ settings: MetricSettings, _ random: inout RandomNumbers
    ) throws -> Measurement {
        var robustness = InterventionalRobustness()
        robustness.samples = settings.whole("samples")
        robustness.quantile = settings["quantile"]
        let images = try subject.factorImages()
        let result = try robustness.result(images, &random)
        return Measurement(
            [.init(name, result.score)], table: images.table("interventional robustness", result.robustness))
    }
}
