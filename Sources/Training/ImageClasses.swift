import Datasets
import ModelKit
import TensorCore

/// The classes of the images of a batch, for a model that is conditional on them.
final class ImageClasses {
    private let dataset: any Dataset
    private let buffer: UnsafeMutableBufferPointer<Int32>

    /// nil for a model that does not ask for classes.
    ///
    /// - Throws: `ZooError` (wrong usage) where the data set has no labels, or more than the model has classes.
    init?(_ definition: ModelDefinition, dataset: any Dataset, batchSize: Int) throws {
        guard let count = definition.classCount else { return nil }
        guard let names = dataset.info.classNames else {
            throw ZooError(
                "\(definition.name) is conditional on the class of an image, and the images of \(dataset.info.name) have no labels",
                advice: "choose a data set with labels", kind: .usage, code: .mismatch)
        }
        guard names.count <= count else {
            throw ZooError(
                "\(definition.name) is conditional on \(count) classes, and \(dataset.info.name) has \(names.count)",
                advice: "give the layers `condition` as many classes", kind: .usage, code: .mismatch)
        }
        self.dataset = dataset
        buffer = .allocate(capacity: batchSize)
    }

    deinit {
        buffer.deallocate()
    }

    /// Of these images; valid until the next call.
    func of(_ indices: UnsafeBufferPointer<Int32>) -> UnsafeBufferPointer<Int32> {
        for (row, index) in indices.enumerated() { buffer[row] = Int32(dataset.label(Int(index)) ?? 0) }
        return UnsafeBufferPointer(rebasing: buffer[..<indices.count])
    }
}
