import Checkpoints
import Datasets
import LatentTools
import Metrics
import ModelKit
import Planning
import Runs
import TensorCore

extension MetricSubject {
    /// The features of images of the split and of as many generated ones: codes of the model that is used for features.
    ///
    /// - Throws: `ZooError` (wrong usage) where there is none.
    func comparedFeatures(_ count: Int, _ random: inout RandomNumbers) throws -> (real: Codes, generated: Codes) {
        guard let features else {
            throw ZooError(
                "generated images are compared by the features of a trained model: none is given", kind: .usage)
        }
        let extractor = try features.inference(batchSize: plan.batchSize)
        let chosen = random.sample(images.indices, count: count).sorted()
        var source = RegionSource(
            model.definition, plan: plan, images: images, pseudoInputs: model.pseudoInputs,
            seed: UInt64(random.integer(below: .max)))
        let latents = try source.draw(region, count: count)
        var (real, generated): ([Float], [Float]) = ([], [])
        for start in stride(from: 0, to: chosen.count, by: plan.batchSize) {
            let batch = Array(chosen[start..<min(start + plan.batchSize, chosen.count)])
            real += try extractor.encode(
                images.dataset.tensor(batch), classes: extractor.classes(of: batch, in: images.dataset)
            ).mean.values
            try progress(0.5 * Double(start + batch.count) / Double(chosen.count))
        }
        for start in stride(from: 0, to: count, by: plan.batchSize) {
            let range = start..<min(start + plan.batchSize, count)
            // Of a conditional model, all classes alike, unless one was chosen.
            let classes = model.definition.classCount.map { classes in
                range.map { plan.imageClass ?? $0 % classes }
            }
            let decoded = try plan.decode(Tensor(rows: Array(latents[range])), classes: classes)
            // Images of bytes are from 0 to 1.
            let isBounded = model.checkpoint.scaling == nil
            let images = isBounded ? decoded.rows.map { $0.map { min(1, max(0, $0)) } } : decoded.rows
            let extracted = try extractor.encode(
                images, classes: extractor.definition.classCount == nil ? nil : classes)
            generated += extracted.mean.flatMap(\.self)
            try progress(0.5 + 0.5 * Double(range.upperBound) / Double(count))
        }
        let size = features.definition.latentSize
        return (Codes(values: real, size: size), Codes(values: generated, size: size))
    }

    /// What the features are, for a report.
    var featureNote: String {
        guard let features else { return "" }
        return "features: the code of \(features.definition.name) (\(features.definition.latentSize) numbers)"
    }
}

private let imageCount = MetricParameter(
    "images", 5_000, in: 2...1_000_000, "Images of the split, and generated ones, that are compared.")

/// The Fréchet distance between features of real and generated images.
struct FrechetDistanceMetric: ModelMetric {
    let name = "frechet_distance"
    let group = MetricGroup.generation
    let summary = "The distance of two Gaussians fitted to features of real and of generated images."
    let needs: Set<MetricNeed> = [.features]
    let parameters = [imageCount]
    let directions: [(score: String, direction: ScoreDirection)] = [("frechet_distance", .lower)]

    func measure(
        _ subject: MetricSubject, _ settings: MetricSettings, _ random: inout RandomNumbers
    ) throws -> Measurement {
        let (real, generated) = try subject.comparedFeatures(settings.whole("images"), &random)
        return Measurement(
            [.init(name, try FrechetDistance.between(real, generated))],
            notes: [subject.featureNote + "; not FID, which is over features of Inception", subject.regionNote])
    }
}

/// The kernel distance between features of real and generated images.
struct KernelDistanceMetric: ModelMetric {
    let name = "kernel_distance"
    let group = MetricGroup.generation
    let summary =
        "The maximum mean discrepancy of features of real and of generated images (Bińkowski and others 2018)."
    let needs: Set<MetricNeed> = [.features]
    let parameters = [
        imageCount, MetricParameter("subset_size", 1_000, in: 2...100_000, "Images of each kind in a subset."),
        MetricParameter("subsets", 100, in: 1...10_000, "Subsets that are averaged."),
    ]
    let directions: [(score: String, direction: ScoreDirection)] = [("kernel_distance", .lower)]

    func measure(
        _ subject: MetricSubject, _ settings: MetricSettings, _ random: inout RandomNumbers
    ) throws -> Measurement {
        let (real, generated) = try subject.comparedFeatures(settings.whole("images"), &random)
        var distance = KernelDistance()
        distance.subsetSize = settings.whole("subset_size")
        distance.subsets = settings.whole("subsets")
        let estimates = try distance.estimates(real, generated, &random)
        return Measurement(
            [.init(name, estimates.mean), .init("kernel_distance_standard_error", estimates.standardError)],
            notes: [subject.featureNote + "; not KID, which is over features of Inception", subject.regionNote])
    }
}

/// Precision, recall, density and coverage.
struct NeighbourhoodMetric: ModelMetric {
    let name = "neighbourhoods"
    let group = MetricGroup.generation
    let summary = "Precision and recall (Kynkäänniemi and others 2019), density and coverage (Naeem and others 2020)."
    let needs: Set<MetricNeed> = [.features]
    let parameters = [
        imageCount, MetricParameter("manifold_neighbours", 3, in: 1...1_000, "k of precision and recall."),
        MetricParameter("density_neighbours", 5, in: 1...1_000, "k of density and coverage."),
    ]
    let directions: [(score: String, direction: ScoreDirection)] = [
        ("precision", .higher), ("recall", .higher), ("density", .higher), ("coverage", .higher),
    ]

    func measure(
        _ subject: MetricSubject, _ settings: MetricSettings, _ random: inout RandomNumbers
    ) throws -> Measurement {
        let (real, generated) = try subject.comparedFeatures(settings.whole("images"), &random)
        let scores = try NeighbourhoodScores(
            real: real, generated: generated, manifoldNeighbours: settings.whole("manifold_neighbours"),
            densityNeighbours: settings.whole("density_neighbours"))
        return Measurement(
            [
                .init("precision", scores.precision), .init("recall", scores.recall), .init("density", scores.density),
                .init("coverage", scores.coverage),
            ], notes: [subject.featureNote, subject.regionNote])
    }
}
