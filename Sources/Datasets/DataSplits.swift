import TensorCore

/// The training, validation and test images of a data set, as lists of indices.
public struct DataSplits: Sendable, Equatable {
    public let train: [Int32]
    public let validation: [Int32]
    public let test: [Int32]

    /// The splits of `dataset`.
    ///
    /// Where the publisher has a validation set, that is used. Otherwise `validationCount` images are taken from the
    /// training images, chosen by `seed` alone (random stream `split`); both lists keep the publisher's order.
    /// - Parameter onlyClass: the class that training and validation images are of; nil for all. Test images are of all classes.
    /// - Throws: `ZooError` if `validationCount` is negative or leaves no training image, or there is no image of the class.
    public init(of dataset: any Dataset, validationCount: Int, seed: UInt64, onlyClass: Int? = nil) throws {
        let published = try Self.images(dataset, .train, ofClass: onlyClass)
        let publishedValidation = try Self.images(dataset, .validation, ofClass: onlyClass)
        test = dataset.indices(of: .test)
        guard validationCount >= 0 else {
            throw ZooError(
                "the number of validation images is \(validationCount); it cannot be negative", kind: .usage)
        }
        if !publishedValidation.isEmpty || validationCount == 0 {
            train = published
            validation = publishedValidation
            return
        }
        guard validationCount < published.count else {
            throw ZooError(
                "cannot take \(validationCount) validation images from the \(published.count) training images of "
                    + "'\(dataset.info.name)': at least 1 must remain for training",
                advice: "ask for fewer than \(published.count) validation images", kind: .usage)
        }
        let order = RandomStream(seed: seed, purpose: .split).permutation(count: published.count)
        var isValidation = [Bool](repeating: false, count: published.count)
        for position in order.prefix(validationCount) { isValidation[Int(position)] = true }
        train = published.indices.filter { !isValidation[$0] }.map { published[$0] }
        validation = published.indices.filter { isValidation[$0] }.map { published[$0] }
    }

    /// The images of a split that are of a class.
    private static func images(_ dataset: any Dataset, _ split: Split, ofClass label: Int?) throws -> [Int32] {
        let all = dataset.indices(of: split)
        guard let label, !all.isEmpty else { return all }
        guard let names = dataset.info.classNames else {
            throw ZooError(
                "\(dataset.info.name) has no labels, so there is no class \(label) to train on", kind: .usage,
                code: .mismatch, subject: .field("training.only_class"))
        }
        let members = all.filter { dataset.label(Int($0)) == label }
        guard !members.isEmpty else {
            throw ZooError(
                "no \(split.rawValue) image of \(dataset.info.name) is of class \(label)",
                advice: "its classes are "
                    + names.enumerated().map { "\($0) (\($1))" }.prefix(20).joined(separator: ", "), kind: .usage,
                code: .mismatch, subject: .field("training.only_class"))
        }
        return members
    }

    /// The images of one split.
    public subscript(split: Split) -> [Int32] {
        switch split {
        case .train: train
        case .validation: validation
        case .test: test
        }
    }

    /// For data sets without a published split: `testCount` of `count` images, chosen by a fixed permutation
    /// (seed 0, random stream `split`), are test images, and the rest are training images. Both lists ascend.
    static func fixed(count: Int, testCount: Int) -> (train: [Int32], test: [Int32]) {
        let order = RandomStream(seed: 0, purpose: .split).permutation(count: count)
        var isTest = [Bool](repeating: false, count: count)
        for index in order.prefix(testCount) { isTest[Int(index)] = true }
        var train: [Int32] = []
        var test: [Int32] = []
        train.reserveCapacity(count - testCount)
        for index in 0..<count {
            if isTest[index] { test.append(Int32(index)) } else { train.append(Int32(index)) }
        }
        return (train, test)
    }
}
