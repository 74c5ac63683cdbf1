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

    func readImages(_ indices: UnsafeBufferPointer<Int32>, into output: UnsafeMutableBufferPointer<UInt8>) {
        base.readImages(indices, into: output)
    }

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
