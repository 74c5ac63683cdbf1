import TensorCore

/// Checks that a tree keeps the limits, before any of it is written.
struct HDF5TreeCheck {
    private let limits: HDF5Limits
    private var objectCount = 0
    private var attributeCount = 0
    private var stringCount = 0
    /// About how long the file will be, in bytes.
    private(set) var estimatedByteCount = 4_096

    init(limits: HDF5Limits) {
        self.limits = limits
    }

    /// Checks `group` and everything below it.
    ///
    /// - Throws: `ZooError` naming the object and the limit.
    mutating func visit(_ group: HDF5Group<HDF5Values>, path: String, depth: Int) throws {
        guard depth <= limits.depth else {
            throw ZooError(
                "the name \(path) is nested \(depth) levels deep; at most \(limits.depth) can be stored", code: .limit)
        }
        try count(group.attributes, path)
        for member in group.members {
            try limits.checkName(member.name)
            let memberPath = path == "/" ? "/\(member.name)" : "\(path)/\(member.name)"
            switch member.node {
            case .group(let inner): try visit(inner, path: memberPath, depth: depth + 1)
            case .dataset(let dataset): try visit(dataset, path: memberPath)
            }
        }
    }

    private mutating func visit(_ dataset: HDF5Dataset<HDF5Values>, path: String) throws {
        try count(dataset.attributes, path)
        guard dataset.shape.count <= limits.rank, dataset.shape.allSatisfy({ $0 >= 0 }) else {
            throw ZooError(
                "\(path) has the shape \(dataset.shape); at most \(limits.rank) axes can be stored", code: .limit)
        }
        let expected = dataset.shape.reduce((1, false)) { total, extent in
            let (product, overflow) = total.0.multipliedReportingOverflow(by: extent)
            return (product, total.1 || overflow)
        }
        guard expected == (dataset.payload.count, false) else {
            throw ZooError(
                "\(path): \(dataset.payload.count) values do not fill the shape \(dataset.shape)", code: .mismatch)
        }
        if case .text(let text) = dataset.payload, text.utf8.contains(0) {
            throw ZooError(
                "\(path) contains a NUL character, which a checkpoint cannot hold in a text", code: .unsupported)
        }
        estimatedByteCount += dataset.payload.count * dataset.payload.elementType.byteCount
    }

    private mutating func count(_ attributes: [HDF5Attribute], _ path: String) throws {
        objectCount += 1
        attributeCount += attributes.count
        estimatedByteCount += 512
        for attribute in attributes {
            try limits.checkName(attribute.name)
            let encoded = attribute.value.encoded
            guard encoded.bytes.count <= limits.attributeByteCount else {
                throw ZooError(
                    "the attribute \(attribute.name) of \(path) takes \(encoded.bytes.count) bytes; at most "
                        + "\(limits.attributeByteCount) can be stored", code: .limit)
            }
            guard case .string = encoded.elementType else { continue }
            stringCount += encoded.shape.first ?? 1
            guard encoded.isText else {
                throw ZooError(
                    "the attribute \(attribute.name) of \(path) is not printable ASCII text", code: .unsupported)
            }
        }
        guard objectCount <= limits.objectCount, attributeCount <= limits.attributeCount,
            stringCount <= limits.stringCount
        else {
            throw ZooError(
                "the checkpoint has at least \(objectCount) groups and tensors, \(attributeCount) attributes and "
                    + "\(stringCount) strings in them; at most \(limits.objectCount), \(limits.attributeCount) and "
                    + "\(limits.stringCount) can be stored", code: .limit)
        }
    }
}

extension HDF5AttributeValue {
    /// The value as it is handed to libhdf5.
    struct Encoded {
        var elementType: HDF5ElementType
        /// Empty for one value.
        var shape: [Int]
        var bytes: [UInt8]
        /// False when a string holds NUL or something else than ASCII.
        var isText = true
    }

    /// The value in the byte order of this machine.
    var encoded: Encoded {
        switch self {
        case .string(let string): Self.encode([string], shape: [])
        case .strings(let strings): Self.encode(strings, shape: [strings.count])
        case .integer(let value): Encoded(elementType: .int64, shape: [], bytes: withUnsafeBytes(of: value, Array.init))
        case .unsigned(let value):
            Encoded(elementType: .uint64, shape: [], bytes: withUnsafeBytes(of: value, Array.init))
        case .references, .unread: Encoded(elementType: .uint8, shape: [0], bytes: [])
        case .real(let value): Encoded(elementType: .float64, shape: [], bytes: withUnsafeBytes(of: value, Array.init))
        }
    }

    private static func encode(_ strings: [String], shape: [Int]) -> Encoded {
        let width = max(1, strings.map(\.utf8.count).max() ?? 1)
        var bytes: [UInt8] = []
        for string in strings {
            bytes += string.utf8
            bytes += [UInt8](repeating: 0, count: width - string.utf8.count)
        }
        let isText = strings.allSatisfy { $0.utf8.allSatisfy { $0 > 0 && $0 < 0x80 } }
        return Encoded(elementType: .string(byteCount: width), shape: shape, bytes: bytes, isText: isText)
    }
}
