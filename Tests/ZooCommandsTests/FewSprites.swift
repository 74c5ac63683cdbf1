import Datasets
import TensorCore

/// The first sprites as a data set, so small that a training run takes a moment.
struct FewSprites: Dataset {
    let info: DatasetInfo
    private let base: any Dataset

    private init() throws {
        base = try DatasetCatalog.builtIn.open("sprites")
        let all = base.info
        info = DatasetInfo(
            name: "few-sprites", title: all.title, summary: all.summary, license: all.license, source: all.source,
            shape: all.shape, isGenerated: true)
    }

    var count: Int { base.count }

    func indices(of split: Split) -> [Int32] {
        switch split {
        case .train: Array(base.indices(of: .train).prefix(64))
        case .test: Array(base.indices(of: .test).prefix(20))
        case .validation: []
        }
    }

    func readImages(_ indices: UnsafeBufferPointer<Int32>, into output: UnsafeMutableBufferPointer<UInt8>) throws {
        try base.readImages(indices, into: output)
    }

    /// A VAE on it, small enough for a test.
    static let definition = """
        format: zoo.model/1
        name: tiny-vae
        family: vae
        summary: For tests
        dataset: few-sprites
        input: [1, 64, 64]
        latent: {size: 2, mean: mean, log_variance: log_variance}
        encoder:
          - pool: {average_pool: 16}
        decoder:
          - fc1: {linear: 16}
          - reshape: [1, 4, 4]
          - up: {upsample: 16, activation: sigmoid}
        objective: {reconstruction: bernoulli, kl: {weight: 1}}
        training: {optimizer: {adam: {learning_rate: 1.0e-2}}, batch_size: 16, epochs: 1}
        """

    /// Runs `zoo` with the built-in data sets and this one, in this process.
    static func zoo(_ arguments: [String]) throws -> CommandResult {
        try ZooCommandsTests.zoo(arguments, datasets: catalog)
    }

    /// Runs `zoo` with the built-in data sets and this one, in this process.
    static func zoo(_ arguments: String...) throws -> CommandResult { try zoo(arguments) }

    /// The built-in data sets and this one.
    static let catalog = {
        do {
            let sprites = try FewSprites()
            return try DatasetCatalog.builtIn.adding(DatasetDescriptor(info: sprites.info, open: { _ in sprites }))
        } catch {
            fatalError("\(error)")
        }
    }()
}
