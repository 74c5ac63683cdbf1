import Datasets
import ModelKit
import Planning
import TensorCore

/// Where a model's encoder puts the images of a data set: μ and log σ² of each image, or the code of a plain autoencoder.
public struct LatentCodes: Sendable {
    /// The images' numbers in the data set, N.
    public let imageIndices: [Int32]
    /// D.
    public let latentSize: Int
    /// μ, or the code, N × D row-major.
    public let means: [Float]
    /// log σ², N × D row-major; empty for a plain autoencoder.
    public let logVariances: [Float]

    /// N.
    public var imageCount: Int { imageIndices.count }
    public var isVariational: Bool { !logVariances.isEmpty }

    /// Codes that are known.
    ///
    /// - Throws: `ZooError` where the numbers of values do not fit N and D.
    public init(imageIndices: [Int32], latentSize: Int, means: [Float], logVariances: [Float] = []) throws {
        let (count, overflow) = imageIndices.count.multipliedReportingOverflow(by: latentSize)
        guard latentSize > 0, !overflow, means.count == count, [0, count].contains(logVariances.count) else {
            throw ZooError(
                "\(means.count) means and \(logVariances.count) log variances do not fit \(imageIndices.count) images "
                    + "with \(latentSize) latent dimensions", code: .mismatch)
        }
        self.imageIndices = imageIndices
        self.latentSize = latentSize
        self.means = means
        self.logVariances = logVariances
    }

    /// Runs the encoder over images of a data set, a batch of the plan at a time.
    ///
    /// - Parameter progress: called with images done.
    /// - Throws: `ZooError` where there are no images or they have another shape than the model takes, or
    ///   naming the first tensor that is not finite, where a code is not.
    public init(
        of dataset: any Dataset, indices: [Int32], plan: InferencePlan, progress: (Int) -> Void = { _ in }
    ) throws {
        guard dataset.info.shape == plan.definition.input.dimensions else {
            throw ZooError(
                "the images of \(dataset.info.name) are \(dataset.info.shape), but the model takes "
                    + "\(plan.definition.input)", kind: .usage)
        }
        guard !indices.isEmpty else { throw ZooError("there are no images to encode", kind: .usage) }
        var means: [Float] = []
        var logVariances: [Float] = []
        means.reserveCapacity(indices.count * plan.definition.latentSize)
        for start in stride(from: 0, to: indices.count, by: plan.batchSize) {
            let batch = Array(indices[start..<min(start + plan.batchSize, indices.count)])
            let codes = try plan.encode(dataset.tensor(batch), classes: plan.classes(of: batch, in: dataset))
            means += codes.mean.values
            logVariances += codes.logVariance?.values ?? []
            progress(start + batch.count)
        }
        try self.init(
            imageIndices: indices, latentSize: plan.definition.latentSize, means: means, logVariances: logVariances)
    }

    /// The values of one dimension of μ, `[N]`.
    public func values(of dimension: Int) -> [Float] {
        stride(from: dimension, to: means.count, by: latentSize).map { means[$0] }
    }
}

extension InferencePlan {
    /// The classes of images of a data set, for a model that is conditional on them: nil for one that is not, and where the data set
    /// does not have them.
    public func classes(of indices: [Int32], in dataset: any Dataset) -> [Int]? {
        guard definition.classCount != nil, imageClass == nil else { return nil }
        let labels = indices.compactMap { dataset.label(Int($0)) }
        return labels.count == indices.count ? labels : nil
    }
}
