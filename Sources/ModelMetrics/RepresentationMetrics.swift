import Datasets
import LatentTools
import Metrics
import Planning
import Runs
import TensorCore

extension MetricSubject {
    /// Codes and labels of images.
    ///
    /// - Throws: `ZooError` (wrong usage) where an image has no label.
    fileprivate func labelledCodes(_ indices: [Int32]) throws -> (codes: Codes, labels: [Int]) {
        let dataset = images.dataset
        let labels = try indices.map { index in
            guard let label = dataset.label(Int(index)) else {
                throw ZooError("image \(index) of \(dataset.info.name) has no label", kind: .usage, code: .mismatch)
            }
            return label
        }
        let codes = try LatentCodes(of: dataset, indices: indices, plan: plan)
        return (Codes(values: codes.means, size: codes.latentSize), labels)
    }

    /// Training images to learn from, and images of the split to test on.
    fileprivate func labelledSplits(
        _ settings: MetricSettings, _ random: inout RandomNumbers
    ) throws -> (train: (codes: Codes, labels: [Int]), test: (codes: Codes, labels: [Int])) {
        let training = try model.images(of: images.dataset, split: .train)
        let train = random.sample(training.indices, count: settings.whole("training_images")).sorted()
        let test = random.sample(images.indices, count: settings.whole("test_images")).sorted()
        let first = try labelledCodes(train)
        try progress(0.4)
        let second = try labelledCodes(test)
        try progress(0.5)
        return (first, second)
    }
}

private let probeImages = [
    MetricParameter("training_images", 10_000, in: 2...10_000_000, "Training images that are learned from, at random."),
    MetricParameter("test_images", 10_000, in: 1...10_000_000, "Images of the split that are tested, at random."),
]

/// The accuracy of a linear classifier of the codes.
struct LinearProbeMetric: ModelMetric {
    let name = "linear_probe"
    let group = MetricGroup.representation
    let summary = "The accuracy of a logistic regression of labels on standardised codes."
    let needs: Set<MetricNeed> = [.labels, .continuousCodes]
    let parameters = probeImages + [MetricParameter("cost", 1.0, in: 1e-6...1e6, "C of the regression.")]
    let directions: [(score: String, direction: ScoreDirection)] = [("linear_probe", .higher)]

    func measure(
        _ subject: MetricSubject, _ settings: MetricSettings, _ random: inout RandomNumbers
    ) throws -> Measurement {
        let (train, test) = try subject.labelledSplits(settings, &random)
        let accuracy = try Probes.linear(
            train.codes, train.labels, test.codes, test.labels, cost: settings["cost"])
        return Measurement([.init(name, accuracy)])
    }
}

/// The accuracy of the nearest neighbours of the codes.
struct NearestNeighbourMetric: ModelMetric {
    let name = "nearest_neighbours"
    let group = MetricGroup.representation
    let summary = "The accuracy of the majority of the k nearest training codes."
    let needs: Set<MetricNeed> = [.labels, .continuousCodes]
    let parameters = probeImages + [MetricParameter("neighbours", 5, in: 1...10_000, "k.")]
    let directions: [(score: String, direction: ScoreDirection)] = [("nearest_neighbours", .higher)]

    func measure(
        _ subject: MetricSubject, _ settings: MetricSettings, _ random: inout RandomNumbers
    ) throws -> Measurement {
        let (train, test) = try subject.labelledSplits(settings, &random)
        let accuracy = try Probes.nearestNeighbours(
            train.codes, train.labels, test.codes, test.labels, neighbours: settings.whole("neighbours"))
        return Measurement([.init(name, accuracy)])
    }
}

/// The purity of clusters of the codes.
struct ClusterMetric: ModelMetric {
    let name = "cluster_purity"
    let group = MetricGroup.representation
    let summary = "The share of images with the most frequent label of their k-means cluster."
    let needs: Set<MetricNeed> = [.labels, .continuousCodes]
    let parameters = [
        MetricParameter("images", 5_000, in: 2...1_000_000, "Images of the split, at random."),
        MetricParameter("clusters", 0, in: 0...10_000, "Clusters; 0 for as many as there are classes."),
        MetricParameter("restarts", 10, in: 1...1_000, "Runs of k-means, of which the best counts."),
    ]
    let directions: [(score: String, direction: ScoreDirection)] = [("cluster_purity", .higher)]

    func measure(
        _ subject: MetricSubject, _ settings: MetricSettings, _ random: inout RandomNumbers
    ) throws -> Measurement {
        let chosen = random.sample(subject.images.indices, count: settings.whole("images")).sorted()
        let (codes, labels) = try subject.labelledCodes(chosen)
        let classes = subject.images.dataset.info.classNames?.count ?? Set(labels).count
        let clusters = settings.whole("clusters") == 0 ? classes : settings.whole("clusters")
        let means = try KMeans(codes, clusters: clusters, restarts: settings.whole("restarts"), &random)
        return Measurement([.init(name, means.purity(labels))])
    }
}

/// How each dimension goes with each attribute.
struct AttributeCorrelationMetric: ModelMetric {
    let name = "attribute_correlation"
    let group = MetricGroup.representation
    let summary = "Spearman's correlation of dimensions with ordered factors, the correlation ratio with classes."
    let needs: Set<MetricNeed> = [.factors, .continuousCodes]
    let parameters = [MetricParameter("images", 10_000, in: 2...10_000_000, "Images, at random.")]
    let directions: [(score: String, direction: ScoreDirection)] = [("attribute_correlation", .higher)]

    func measure(
        _ subject: MetricSubject, _ settings: MetricSettings, _ random: inout RandomNumbers
    ) throws -> Measurement {
        let images = try subject.factorImages()
        let chosen = random.sample(Array(0..<images.count), count: settings.whole("images")).sorted()
        let codes = try images.codes(of: chosen)
        let columns = (0..<codes.size).map { codes.column($0) }
        let known = subject.images.dataset.info.factors ?? []
        let table = images.factors.map { factor in
            let drawn = KnownFactor(
                name: factor.name, count: factor.count, positions: chosen.map { factor.positions[$0] })
            let isOrdered = known.first { $0.name == factor.name }?.values != nil
            return columns.map {
                isOrdered ? AttributeCorrelation.ranked($0, drawn) : AttributeCorrelation.ratio($0, drawn)
            }
        }
        let best = table.map { row in row.map(abs).max() ?? 0 }
        return Measurement(
            [.init(name, best.mean)],
            table: MetricReport.Table(
                title: "correlation", rows: images.factors.map(\.name), columns: (0..<codes.size).map { "z\($0)" },
                values: table),
            notes: ["the number is the mean over attributes of the largest absolute correlation"])
    }
}
