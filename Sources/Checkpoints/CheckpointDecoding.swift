import TensorCore

// The pieces a checkpoint is decoded from.

extension CheckpointDecoder {
    func group(
        _ name: String, in parent: HDF5Group<HDF5Extent>, _ place: String
    ) throws -> HDF5Group<HDF5Extent> {
        guard case .group(let group) = parent[name] else {
            throw ZooError("the group \"\(name)\" is missing in \(place) of the checkpoint", code: .damaged)
        }
        return group
    }

    func dataset(
        _ name: String, in parent: HDF5Group<HDF5Extent>, _ place: String
    ) throws -> HDF5Dataset<HDF5Extent> {
        guard case .dataset(let dataset) = parent[name] else {
            throw ZooError("the dataset \"\(name)\" is missing in \(place) of the checkpoint", code: .damaged)
        }
        return dataset
    }

    func text(_ name: String, in parent: HDF5Group<HDF5Extent>, _ place: String) throws -> String {
        let dataset = try dataset(name, in: parent, place)
        guard dataset.shape.isEmpty, case .text(let text) = try values(dataset, "\(place)/\(name)") else {
            throw ZooError("\(place)/\(name) is \(dataset.payload.elementType) instead of one text", code: .damaged)
        }
        return text
    }

    /// The elements of `dataset`, compared with its digest if asked for.
    func values(_ dataset: HDF5Dataset<HDF5Extent>, _ path: String) throws -> HDF5Values {
        let values = try dataset.payload.load(from: source)
        guard checksDigests else { return values }
        guard try dataset.attributes.text(Names.Tensor.digest, of: path) == Names.digest(of: values) else {
            throw ZooError("\(path) is damaged: its values do not match their SHA-256", code: .damaged)
        }
        return values
    }

    func tensor(_ path: [String], _ dataset: HDF5Dataset<HDF5Extent>, in place: String) throws -> NamedTensor {
        try tensor(try parameterPath(path, in: place), dataset, in: place)
    }

    /// The path of a tensor whose dataset is at `path` below `place`.
    func parameterPath(_ path: [String], in place: String) throws -> String {
        guard !path.contains(where: { $0.contains(".") }) else {
            throw ZooError("a name in \(path.joined(separator: "/")), in \(place), contains a dot", code: .damaged)
        }
        return path.joined(separator: ".")
    }

    /// The tensor of the path `joined`.
    func tensor(_ joined: String, _ dataset: HDF5Dataset<HDF5Extent>, in place: String) throws -> NamedTensor {
        let elements: [Float]
        switch try values(dataset, joined) {
        case .float16(let values): elements = values.map(Float.init)
        case .float32(let values): elements = values
        default:
            throw ZooError(
                "\(joined), in \(place), holds \(dataset.payload.elementType) instead of f32 or f16", code: .damaged)
        }
        return NamedTensor(path: joined, shape: dataset.shape, values: elements)
    }

    /// The elements by their index, which must run from 0 without a gap.
    func ordered<Element>(_ indexed: [(Int64, Element)], _ what: String) throws -> [Element] {
        let sorted = indexed.sorted { $0.0 < $1.0 }
        guard sorted.map(\.0) == Array(0..<Int64(sorted.count)) else {
            throw ZooError(
                "the order of \(what) is damaged: their indices do not run from 0 to \(sorted.count - 1)",
                code: .damaged)
        }
        return sorted.map(\.1)
    }
}

extension HDF5Group {
    /// All datasets below this group with their paths, in file order.
    package func datasets() -> [(path: [String], dataset: HDF5Dataset<Payload>)] {
        members.flatMap { member -> [(path: [String], dataset: HDF5Dataset<Payload>)] in
            switch member.node {
            case .dataset(let dataset): [([member.name], dataset)]
            case .group(let group): group.datasets().map { ([member.name] + $0.path, $0.dataset) }
            }
        }
    }
}

extension [HDF5Attribute] {
    /// The value of the attribute `name`, if there is one.
    package func value(_ name: String) -> HDF5AttributeValue? {
        first { $0.name == name }?.value
    }

    func text(_ name: String, of place: String) throws -> String {
        guard case .string(let text) = value(name) else {
            throw ZooError("the attribute \"\(name)\" of \(place) is missing or no string", code: .damaged)
        }
        return try HDF5Attribute.unescaped(text, name, of: place)
    }

    func integer(_ name: String, of place: String) throws -> Int64 {
        guard case .integer(let integer) = value(name) else {
            throw ZooError("the attribute \"\(name)\" of \(place) is missing or no integer", code: .damaged)
        }
        return integer
    }

    /// A finite number; nil when there is no such attribute.
    func real(_ name: String, of place: String) throws -> Double? {
        guard let value = value(name) else { return nil }
        guard case .real(let real) = value else {
            throw ZooError("the attribute \"\(name)\" of \(place) is no real number", code: .damaged)
        }
        guard real.isFinite else {
            throw ZooError("the attribute \"\(name)\" of \(place) is \(real), which is not finite", code: .notFinite)
        }
        return real
    }

    /// How many there are of something, or were done.
    func count(_ name: String, of place: String) throws -> Int {
        let integer = try integer(name, of: place)
        guard let count = Int(exactly: integer), TrainingProgress.counts.contains(count) else {
            throw ZooError(
                "the attribute \"\(name)\" of \(place) is \(integer); it must lie in 0…\(TrainingProgress.counts.upperBound)",
                code: .damaged
            )
        }
        return count
    }
}

extension HDF5Attribute {
    static func unescaped(_ text: String, _ name: String, of place: String) throws -> String {
        guard let unescaped = ASCIIText.unescaped(text) else {
            throw ZooError(
                "the attribute \"\(name)\" of \(place) holds an escape that does not end: \(text)", code: .damaged)
        }
        return unescaped
    }
}
