import Datasets
import ModelKit
import ObjectiveLibrary
import TensorCore

/// The classes of the images of a batch, for a model that is conditional on them.
final class ImageClasses {
    private let dataset: any Dataset
    /// The only images whose classes are told; nil for all.
    let labelled: Set<Int32>?
    private let buffer: UnsafeMutableBufferPointer<Int32>

    /// nil for a model that does not ask for classes.
    ///
    /// - Parameter trainedOn: images of which a semi-supervised model is told the classes of some, chosen by `seed` alone; nil to tell those of
    ///   all images.
    /// - Throws: `ZooError` (wrong usage) where the data set has no labels, more than the model has classes, or too few of a class.
    init?(
        _ definition: ModelDefinition, dataset: any Dataset, batchSize: Int, trainedOn: [Int32]? = nil, seed: UInt64 = 0
    ) throws {
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
        if let trainedOn, let images = definition.objective.labelledImages {
            labelled = try Self.chosen(images.count / count, ofEachOf: count, trainedOn, dataset, seed)
        } else {
            labelled = nil
        }
        buffer = .allocate(capacity: batchSize)
    }

    /// So many images of each class, by a permutation of all.
    private static func chosen(
        _ number: Int, ofEachOf classes: Int, _ indices: [Int32], _ dataset: any Dataset, _ seed: UInt64
    ) throws -> Set<Int32> {
        var chosen = Set<Int32>()
        var counts = [Int](repeating: 0, count: classes)
        for position in RandomStream(seed: seed, purpose: .labels).permutation(count: indices.count) {
            let index = indices[Int(position)]
            guard let label = dataset.label(Int(index)), counts[label] < number else { continue }
            counts[label] += 1
            chosen.insert(index)
        }
        if let scarce = counts.firstIndex(where: { $0 < number }) {
            throw ZooError(
                "objective.classifier.labels asks for \(number) training images of each class, and \(dataset.info.name) has "
                    + "\(counts[scarce]) of class \(scarce)", advice: "ask for fewer labels", kind: .usage,
                code: .mismatch,
                subject: .field("objective.classifier.labels"))
        }
        return chosen
    }

    deinit {
        buffer.deallocate()
    }

    /// Of these images; valid until the next call.
    func of(_ indices: UnsafeBufferPointer<Int32>) -> UnsafeBufferPointer<Int32> {
        for (row, index) in indices.enumerated() {
            let isTold = labelled?.contains(index) ?? true
            buffer[row] = isTold ? Int32(dataset.label(Int(index)) ?? 0) : -1
        }
        return UnsafeBufferPointer(rebasing: buffer[..<indices.count])
    }
}
