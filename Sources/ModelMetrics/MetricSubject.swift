import Datasets
import LatentTools
import Metrics
import ModelKit
import Planning
import Runs
import TensorCore

/// What is evaluated: a trained model, the images of a split, and the seed of everything that is drawn.
public final class MetricSubject {
    public let model: TrainedModel
    public let images: SplitImages
    public let seed: UInt64
    /// Factors that are left out, by name.
    public let withoutFactors: [String]
    /// The model whose codes are the features that images are compared by.
    public let features: TrainedModel?
    /// Where generated images come from.
    public let region: LatentRegion
    /// The encoder and the decoder, compiled once for all metrics.
    public let plan: InferencePlan
    /// Told the part that is done of the metric that is being computed, from 0 to 1.
    public var progress: (Double) throws -> Void = { _ in }
    private var encoded: EncodedDataset?
    private var labelled: EncodedDataset?

    /// - Throws: `ZooError` where the weights do not fit, or (wrong usage) where a factor to leave out does not exist.
    public init(
        model: TrainedModel, images: SplitImages, seed: UInt64 = 0, withoutFactors: [String] = [],
        features: TrainedModel? = nil, region: LatentRegion = .prior
    ) throws {
        self.model = model
        self.images = images
        self.seed = seed
        self.withoutFactors = withoutFactors
        self.features = features
        self.region = region
        plan = try model.inference(batchSize: 256)
        let known = images.dataset.info.factors?.map(\.name) ?? []
        if let wrong = withoutFactors.first(where: { !known.contains($0) }) {
            throw ZooError(
                "\(images.dataset.info.name) has no factor '\(wrong)'"
                    + (known.isEmpty ? "" : ": it has \(known.joined(separator: ", "))"), kind: .usage, code: .notFound)
        }
        if let features { try features.requireFitting(images.dataset) }
    }

    /// Where generated images come from, for a report.
    var regionNote: String {
        let source = RegionSource(
            model.definition, plan: plan, images: images, pseudoInputs: model.pseudoInputs, seed: seed)
        return "generated: codes from the \(source.name(of: region))"
    }

    /// The factors of the data set that vary and are not left out.
    private var variedFactors: [Factor] {
        (images.dataset.info.factors ?? []).filter { $0.count > 1 && !withoutFactors.contains($0.name) }
    }

    /// Whether model and data have what a metric needs.
    public func has(_ need: MetricNeed) -> Bool {
        let info = images.dataset.info
        return switch need {
        case .factors: !variedFactors.isEmpty || info.factors == nil && has(.labels)
        case .severalFactors: variedFactors.count > 1
        case .labels:
            (info.classNames?.count ?? 0) > 1 && images.indices.contains { images.dataset.label(Int($0)) != nil }
        case .posterior: model.definition.isVariational
        case .continuousCodes: model.definition.codeCount == nil
        case .features: features.map { $0.definition.codeCount == nil } ?? false
        }
    }

    /// The images whose factors are known, with their codes: all images of a data set that knows its factors, as the published
    /// protocols draw from all; else the images of the split, with their labels.
    ///
    /// - Throws: `ZooError` (wrong usage) where nothing is known of the images.
    public func factorImages() throws -> some EncodedImages {
        if let encoded { return encoded }
        let dataset = images.dataset
        let indices = dataset.info.factors == nil ? images.indices : (0..<dataset.count).map(Int32.init)
        let factors = KnownFactor.all(of: dataset, indices: indices).filter { !withoutFactors.contains($0.name) }
        guard !factors.isEmpty else {
            throw ZooError(
                "nothing is known of the images of \(dataset.info.name): it has neither factors nor labels",
                kind: .usage,
                code: .mismatch)
        }
        let found = EncodedDataset(self, indices: indices, factors: factors)
        encoded = found
        return found
    }

    /// The images of the split, with their codes.
    public var splitImages: some EncodedImages {
        if let labelled { return labelled }
        let found = EncodedDataset(
            self, indices: images.indices, factors: KnownFactor.all(of: images.dataset, indices: images.indices))
        labelled = found
        return found
    }
}

/// Images of a data set, encoded when they are asked for, each once.
private final class EncodedDataset: EncodedImages {
    private unowned let subject: MetricSubject
    private let indices: [Int32]
    let factors: [KnownFactor]
    /// N × D; meaningless where `isKnown` is false.
    private var values: [Float]
    private var isKnown: [Bool]

    init(_ subject: MetricSubject, indices: [Int32], factors: [KnownFactor]) {
        self.subject = subject
        self.indices = indices
        self.factors = factors
        values = [Float](repeating: 0, count: indices.count * subject.model.definition.latentSize)
        isKnown = [Bool](repeating: false, count: indices.count)
    }

    var count: Int { indices.count }
    var latentSize: Int { subject.model.definition.latentSize }

    func codes(of images: [Int]) throws -> Codes {
        try prepare(images)
        let size = latentSize
        let rows = [Float](unsafeUninitializedCapacity: images.count * size) { buffer, count in
            for image in images {
                for place in image * size..<(image + 1) * size {
                    buffer[count] = values[place]
                    count += 1
                }
            }
        }
        return Codes(values: rows, size: size)
    }

    func prepare(_ images: [Int]) throws {
        var missing: [Int] = []
        for image in images where !isKnown[image] {
            isKnown[image] = true
            missing.append(image)
        }
        guard !missing.isEmpty else { return }
        // In the data set's order, so that files are read forwards.
        missing.sort()
        let (plan, dataset, size) = (subject.plan, subject.images.dataset, latentSize)
        for start in stride(from: 0, to: missing.count, by: 16 * plan.batchSize) {
            let batch = missing[start..<min(start + 16 * plan.batchSize, missing.count)]
            let numbers = batch.map { indices[$0] }
            let means = try plan.encode(
                dataset.tensor(numbers), classes: plan.classes(of: numbers, in: dataset)
            ).mean.values
            for (row, image) in batch.enumerated() {
                for d in 0..<size { values[image * size + d] = means[row * size + d] }
            }
            try subject.progress(Double(start + batch.count) / Double(missing.count))
        }
    }
}
