import TensorCore

/// The data sets that can be named in commands and definitions: an immutable list.
public struct DatasetCatalog: Sendable {
    /// In the order of listing.
    public let descriptors: [DatasetDescriptor]

    /// - Throws: `ZooError` if two data sets have the same name.
    public init(_ descriptors: [DatasetDescriptor]) throws {
        var names = Set<String>()
        for descriptor in descriptors where !names.insert(descriptor.name).inserted {
            throw ZooError(
                "two data sets have the name '\(descriptor.name)'", advice: "give one of them another name",
                code: .alreadyExists)
        }
        self.descriptors = descriptors
    }

    /// For lists whose names are known to differ.
    init(distinct descriptors: [DatasetDescriptor]) {
        self.descriptors = descriptors
    }

    /// This catalog with one more data set.
    /// - Throws: `ZooError` if its name is taken.
    public func adding(_ descriptor: DatasetDescriptor) throws -> DatasetCatalog {
        try DatasetCatalog(descriptors + [descriptor])
    }

    /// The names, in the order of listing.
    public var names: [String] { descriptors.map(\.name) }

    /// The data set called `name`.
    /// - Throws: `ZooError` with the nearest name if there is none.
    public func descriptor(_ name: String) throws -> DatasetDescriptor {
        if let found = descriptors.first(where: { $0.name == name }) { return found }
        let guess = nearestName(to: name, among: names).map { "Did you mean '\($0)'? " } ?? ""
        throw ZooError(
            "there is no data set '\(name)'", advice: "\(guess)Known are: \(names.joined(separator: ", "))",
            kind: .usage)
    }

    /// Opens the data set called `name`.
    /// - Throws: `ZooError` if there is none, or it is missing or damaged.
    public func open(_ name: String, _ options: DatasetOptions = DatasetOptions()) throws -> any Dataset {
        try descriptor(name).open(options)
    }
}
