import Checkpoints
import Datasets
import Figures
import ImageFiles
import ModelKit
import Runs
import TensorCore

/// Several models, shown the same images and the same latent vectors.
public struct Comparison {
    public let models: [ComparedModel]
    public let pictures: [ModelPictures]
    public let inputs: SharedInputs
    public let originals: Image8?
    /// What the models are put in order by; nil for nothing.
    public var ranking: Ranking?

    /// - Parameters:
    ///   - dataset: whose images all models reconstruct; nil for none.
    ///   - sampleCount: draws from the prior.
    ///   - imageCount: images to reconstruct.
    /// - Throws: `ZooError` where images differ in size, so that there is nothing to compare, or a model cannot be run.
    public init(
        _ models: [ComparedModel], dataset: (any Dataset)?, sampleCount: Int, imageCount: Int, seed: UInt64
    ) throws {
        try Self.checkSizes(models)
        var inputs = SharedInputs(
            sampleCount: sampleCount, largestLatent: models.map(\.definition.latentSize).max() ?? 1, seed: seed)
        if let dataset { inputs.use(dataset, shownCount: imageCount, measuredCount: 1000) }
        self.models = models
        self.inputs = inputs
        originals = try ModelPictures.originals(inputs)
        pictures = try models.map { try ModelPictures($0, inputs) }
    }

    /// - Throws: `ZooError` (wrong usage) where the models take images of different sizes.
    public static func checkSizes(_ models: [ComparedModel]) throws {
        guard let first = models.first else { return }
        let others = models.filter { $0.definition.input != first.definition.input }
        guard !others.isEmpty else { return }
        throw ZooError(
            "the models take images of different sizes: "
                + ([first] + others).map { "\($0.label) \($0.definition.input)" }
                .joined(separator: ", "), advice: "compare models of one data set", kind: .usage)
    }

    /// What the losses are means over.
    public var split: String {
        let splits = Set(models.compactMap { $0.history.last?.loss.split }).sorted()
        return splits.isEmpty ? "test" : splits.joined(separator: " or ")
    }

    /// The data sets that the models were trained on.
    public var datasets: [String] { Set(models.compactMap(\.trained.dataset)).sorted() }

    /// What a reader has to know before comparing numbers.
    public var notes: [String] {
        var notes: [String] = []
        let likelihoods = Set(models.map(\.likelihood)).sorted()
        if likelihoods.count > 1 {
            notes.append(
                "The models minimise different likelihoods (\(likelihoods.joined(separator: "; "))). Their losses and "
                    + "reconstruction terms are not comparable numbers. The squared error ½‖x − x̂‖² is the same measure for all."
            )
        }
        let objectives = Set(models.map(\.definition.objective.formula))
        if objectives.count > 1, likelihoods.count == 1 {
            notes.append(
                "The loss is what each model minimised, with its own weight of the KL divergence. Compare reconstruction and "
                    + "KL, which carry no weight.")
        }
        if datasets.count > 1 {
            notes.append(
                "The models were trained on different data sets (\(datasets.joined(separator: ", "))). Images and squared "
                    + "errors are of \(inputs.dataset?.info.name ?? datasets[0]).")
        }
        let steps = Set(models.compactMap { $0.history.last?.step })
        if steps.count > 1 {
            notes.append("The models were trained for different numbers of steps.")
        }
        return notes
    }
}
