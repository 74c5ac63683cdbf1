import TensorCore

/// The images of one split of a data set, to choose from.
public struct SplitImages: Sendable {
    public let dataset: any Dataset
    public let split: Split
    /// The images of the split, as numbers in the data set.
    public let indices: [Int32]

    /// The images of `split`, divided as for a run with these settings.
    ///
    /// - Throws: `ZooError` if the split is empty.
    public init(_ dataset: any Dataset, split: Split, validationCount: Int, seed: UInt64) throws {
        self.dataset = dataset
        self.split = split
        indices = try DataSplits(of: dataset, validationCount: validationCount, seed: seed)[split]
        guard !indices.isEmpty else {
            throw ZooError(
                "\(dataset.info.name) has no \(split.rawValue) images", advice: "choose another split", kind: .usage)
        }
    }

    /// For figures: `mnist, test images`.
    public var description: String { "\(dataset.info.name), \(split.rawValue) images" }

    /// The image that a reference names.
    ///
    /// - Parameter number: which image of a class, from 0, in an order that `seed` decides.
    /// - Throws: `ZooError` of kind `usage` if there is none.
    public func image(_ reference: ImageReference, number: Int = 0, seed: UInt64) throws -> ChosenImage {
        switch reference {
        case .index(let index): return try image(index)
        case .label(let name):
            let members = try self.indices(ofClass: name)
            let order = RandomStream(seed: seed, purpose: .sampling, step: 1).permutation(count: members.count)
            return try image(Int(members[Int(order[number % order.count])]))
        case .file(let path):
            return try ChosenImage(file: path, shape: Shape(dataset.info.shape), resizing: false)
        }
    }

    /// The image of a number.
    /// - Throws: `ZooError` of kind `usage` if there is none.
    public func image(_ index: Int) throws -> ChosenImage {
        guard (0..<dataset.count).contains(index) else {
            throw ZooError(
                "there is no image \(index): \(dataset.info.name) has images 0 to \(dataset.count - 1)", kind: .usage)
        }
        return ChosenImage(
            tensor: try dataset.tensor([Int32(index)]), name: "image \(index)\(label(index).map { " (\($0))" } ?? "")",
            index: index, label: dataset.label(index))
    }

    /// The name of an image's class; nil if the data set has none.
    public func label(_ index: Int) -> String? {
        guard let label = dataset.label(index) else { return nil }
        guard let names = dataset.info.classNames, names.indices.contains(label) else { return String(label) }
        return names[label]
    }

    /// The images of the split that belong to a class, given by name or number.
    /// - Throws: `ZooError` of kind `usage` for a data set without labels, or a class that it does not have.
    public func indices(ofClass name: String) throws -> [Int32] {
        let label = try dataset.info.label(named: name)
        let members = indices.filter { dataset.label(Int($0)) == label }
        guard !members.isEmpty else {
            throw ZooError(
                "none of the \(split.rawValue) images of \(dataset.info.name) is of class '\(name)'",
                advice: "choose another split", kind: .usage)
        }
        return members
    }
}

extension DatasetInfo {
    /// The number of a class that is given by name or number.
    ///
    /// - Throws: `ZooError` (wrong usage) for data without labels, or a class that there is not.
    public func label(named text: String) throws -> Int {
        guard let names = classNames else {
            throw ZooError(
                "\(name) has no labels, so there is no class '\(text)'",
                advice: "name images by their numbers instead", kind: .usage, code: .notFound)
        }
        guard let label = names.firstIndex(of: text) ?? Int(text), names.indices.contains(label) else {
            let nearest = nearestName(to: text, among: names).map { "; did you mean '\($0)'?" } ?? ""
            throw ZooError(
                "\(name) has no class '\(text)'\(nearest)", advice: "its classes are \(names.joined(separator: ", "))",
                kind: .usage, code: .notFound)
        }
        return label
    }
}
