import Datasets
import LatentTools
import Metrics
import ModelKit
import Planning
import Runs
import TensorCore

/// How strange each of some images is to a model: the higher a score, the stranger.
public struct AnomalyScores: Sendable {
    /// What strangeness is measured by.
    public enum Measure: String, Sendable, CaseIterable {
        /// Minus the evidence lower bound, nats.
        case negativeELBO = "negative_elbo"
        /// The mean of −log p(x|z), nats.
        case reconstruction
        /// Minus the importance-weighted bound of log p(x), nats.
        case negativeBound = "negative_bound"
        /// ‖x − x̂‖², x̂ decoded from the mean of the posterior or from the code.
        case squaredError = "squared_error"
    }

    /// An image and its scores.
    public struct Row: Sendable {
        /// The image's number in the data set.
        public let index: Int32
        /// Its class; nil where it has none.
        public let label: Int?
        /// In the order of `measures`.
        public let scores: [Double]
    }

    /// Those that the model has: all of a model with a posterior, the squared error of any.
    public let measures: [Measure]
    public let rows: [Row]

    /// Scores images of a data set.
    ///
    /// - Parameters:
    ///   - samples: codes of each image that its likelihood is estimated from.
    ///   - progress: called with the part that is done, from 0 to 1.
    /// - Throws: `ZooError` where images and model do not fit, or a number is not finite.
    public init(
        _ model: TrainedModel, _ dataset: any Dataset, _ indices: [Int32], samples: Int, seed: UInt64,
        progress: (Double) throws -> Void = { _ in }
    ) throws {
        try model.requireFitting(dataset)
        guard !indices.isEmpty else { throw ZooError("there are no images to score", kind: .usage) }
        let isVariational = model.definition.isVariational
        measures = isVariational ? Measure.allCases : [.squaredError]
        let errors = try Self.squaredErrors(model, dataset, indices) { try progress(isVariational ? 0.1 * $0 : $0) }
        let likelihoods =
            isVariational
            ? try ImageLikelihoods(model, samples: samples, seed: seed).likelihoods(of: dataset, indices) {
                try progress(0.1 + 0.9 * $0)
            } : []
        rows = indices.enumerated().map { place, index in
            let scores =
                isVariational
                ? [-likelihoods[place].elbo, likelihoods[place].reconstruction, -likelihoods[place].bound] : []
            return Row(index: index, label: dataset.label(Int(index)), scores: scores + [errors[place]])
        }
    }

    private static func squaredErrors(
        _ model: TrainedModel, _ dataset: any Dataset, _ indices: [Int32], progress: (Double) throws -> Void
    ) throws -> [Double] {
        let plan = try model.inference(batchSize: 256)
        let size = model.definition.input.count
        var errors: [Double] = []
        for start in stride(from: 0, to: indices.count, by: plan.batchSize) {
            let batch = Array(indices[start..<min(start + plan.batchSize, indices.count)])
            let images = try dataset.tensor(batch)
            let classes = plan.classes(of: batch, in: dataset)
            let decoded = try plan.decode(plan.encode(images, classes: classes).mean, classes: classes).values
            for row in batch.indices {
                errors.append(
                    ImageSimilarity.squaredError(images[row], decoded[row * size..<(row + 1) * size]) * Double(size))
            }
            try progress(Double(start + batch.count) / Double(indices.count))
        }
        return errors
    }

    /// The area under the receiver operating characteristic of each measure, with the images of `normal` classes as negatives.
    ///
    /// - Throws: `ZooError` (wrong usage) where an image has no label, or all are normal or none.
    public func areas(normal: Set<Int>) throws -> [(measure: Measure, area: Double)] {
        let isAnomalous = try labels().map { !normal.contains($0) }
        return try measures.enumerated().map { place, measure in
            guard
                let area = RankStatistics.areaUnderCurve(
                    scores: rows.map { $0.scores[place] }, isPositive: isAnomalous)
            else {
                throw ZooError(
                    isAnomalous.first == true
                        ? "no image is of a normal class"
                        : "all images are of normal classes: there is nothing to tell apart",
                    kind: .usage)
            }
            return (measure, area)
        }
    }

    /// The receiver operating characteristic of a measure: shares of normal images (x) and of others (y) whose score is at least a
    /// threshold, from the highest threshold to the lowest.
    ///
    /// - Throws: as `areas`.
    public func characteristic(_ measure: Measure, normal: Set<Int>) throws -> [(x: Double, y: Double)] {
        guard let place = measures.firstIndex(of: measure) else { return [] }
        let isNormal = try labels().map(normal.contains)
        let (negatives, positives) = (isNormal.count { $0 }, isNormal.count { !$0 })
        guard negatives > 0, positives > 0 else { return [] }
        let order = rows.indices.sorted { rows[$0].scores[place] > rows[$1].scores[place] }
        var points = [(x: 0.0, y: 0.0)]
        var (falseAlarms, found) = (0, 0)
        for (position, row) in order.enumerated() {
            if isNormal[row] { falseAlarms += 1 } else { found += 1 }
            let isLastOfTie =
                position + 1 == order.count
                || rows[order[position + 1]].scores[place] < rows[row].scores[place]
            if isLastOfTie {
                points.append((Double(falseAlarms) / Double(negatives), Double(found) / Double(positives)))
            }
        }
        return points
    }

    private func labels() throws -> [Int] {
        try rows.map { row in
            guard let label = row.label else {
                throw ZooError("image \(row.index) has no label that says whether it is normal", kind: .usage)
            }
            return label
        }
    }
}
