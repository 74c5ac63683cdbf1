import Datasets
import LatentTools
import ModelFigures
import ModelKit
import TensorCore

/// The images and latent vectors that all compared models are shown.
public struct SharedInputs {
    /// nil where the data set is not here.
    public var dataset: (any Dataset)?
    /// Numbers of the images to show, spread over the test split (the training split where there is none).
    public var shown: [Int32] = []
    /// Numbers of the images over which the squared error is measured.
    public var measured: [Int32] = []
    public let seed: UInt64
    private let latents: [[Float]]

    /// - Parameters:
    ///   - sampleCount: latent vectors.
    ///   - largestLatent: dimensions of the largest model.
    public init(sampleCount: Int, largestLatent: Int, seed: UInt64) {
        self.seed = seed
        latents = LatentSampler(size: largestLatent, seed: seed).prior(count: sampleCount)
    }

    /// Takes images from a data set.
    public mutating func use(_ dataset: any Dataset, shownCount: Int, measuredCount: Int) {
        let test = dataset.indices(of: .test)
        let images = test.isEmpty ? dataset.indices(of: .train) : test
        self.dataset = dataset
        shown = Pictures.spread(images, count: shownCount)
        measured = Pictures.spread(images, count: measuredCount)
    }

    /// Draws from the prior N(0, I) of `size` dimensions: the beginnings of the same noise whatever the size.
    public func priorLatents(size: Int) -> [[Float]] {
        latents.map { Array($0.prefix(size)) }
    }
}
