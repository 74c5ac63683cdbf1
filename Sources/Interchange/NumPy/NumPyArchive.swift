import Checkpoints
import FileSupport
import TensorCore

/// NumPy's array files: `.npy` (one array) and `.npz` (a zip archive of them).
///
/// Source: NumPy NEP 1. Nothing is unpickled or evaluated.
public enum NumPyArchive {
    /// What stands before the definition in the archive's comment, where NumPy does not look.
    private static let commentStart = "zoo.definition\n"

    /// The bytes of a `.npz` with `tensors` as f32, uncompressed, and the definition in its comment if it fits.
    ///
    /// - Parameter bytes: arrays of bytes.
    /// - Throws: `ZooError` if the archive would be too large.
    public static func encode(
        _ tensors: [NamedTensor], bytes: [(name: String, shape: [Int], values: [UInt8])] = [], definition: String
    ) throws -> [UInt8] {
        let comment = Array((commentStart + definition).utf8)
        return try ZipWriter.encode(
            tensors.map { (name: $0.path + ".npy", contents: encode($0)) }
                + bytes.map { array in
                    (
                        name: array.name + ".npy",
                        contents: array.values.withUnsafeBytes { encode("|u1", array.shape, $0) }
                    )
                },
            comment: comment.count <= 0xFFFF ? comment : [])
    }

    /// The bytes of a `.npy` with f32.
    static func encode(_ tensor: NamedTensor) -> [UInt8] {
        tensor.values.withUnsafeBytes { encode("<f4", tensor.shape, $0) }
    }

    /// The bytes of a `.npy`, the elements at a multiple of 64 bytes.
    private static func encode(_ type: String, _ shape: [Int], _ elements: UnsafeRawBufferPointer) -> [UInt8] {
        let sizes = shape.map(String.init).joined(separator: ", ") + (shape.count == 1 ? "," : "")
        var header = "{'descr': '\(type)', 'fortran_order': False, 'shape': (\(sizes)), }"
        header += String(repeating: " ", count: 63 - (10 + header.utf8.count) % 64) + "\n"
        var bytes: [UInt8] = [0x93] + Array("NUMPY".utf8) + [1, 0]
        bytes.append(little: UInt16(truncatingIfNeeded: header.utf8.count))
        bytes += header.utf8
        bytes += elements
        return bytes
    }

    /// The arrays of a `.npz`, and the definition if the zoo wrote it.
    ///
    /// - Throws: `ZooError` naming the array that is damaged or no plain numbers.
    static func decode(archive bytes: [UInt8]) throws -> (tensors: [ForeignTensor], definition: String?) {
        try decode(archive: MemorySource(bytes))
    }

    /// The arrays of a `.npz`; of those that are not packed only where they are.
    ///
    /// - Throws: `ZooError` as the other.
    static func decode(archive source: some ByteSource) throws -> (tensors: [ForeignTensor], definition: String?) {
        var zip = try ZipReader(source)
        var tensors: [ForeignTensor] = []
        for entry in zip.entries {
            guard entry.name.hasSuffix(".npy"), entry.name.utf8.count > 4 else {
                throw ZooError(
                    "this is a zip archive that holds \"\(entry.name)\", which is no .npy: it is not a file of numpy.savez",
                    advice: "unpack it, and import the file of weights that is in it", code: .unsupported)
            }
            let name = String(entry.name.dropLast(4))
            let contents = try zip.contents(of: entry)
            let tensor = try decode(array: contents.source, contents.range, name: name, budget: &zip.budget)
            try zip.budget.borrow(tensor.floatByteCount ?? 0, for: name)
            tensors.append(tensor)
        }
        let comment = String(validating: zip.comment, as: UTF8.self) ?? ""
        return (tensors, comment.hasPrefix(commentStart) ? String(comment.dropFirst(commentStart.count)) : nil)
    }

    /// The array of a `.npy`.
    ///
    /// - Throws: `ZooError` when it is damaged or no plain numbers.
    static func decode(array bytes: ArraySlice<UInt8>, name: String) throws -> ForeignTensor {
        try decode(array: MemorySource(slice: bytes), name: name)
    }

    /// The array of a `.npy`, or where it is.
    ///
    /// - Throws: `ZooError` as the other.
    static func decode(array source: some ByteSource, name: String) throws -> ForeignTensor {
        var budget = UnpackingBudget(fileByteCount: source.byteCount)
        return try decode(array: source, 0..<source.byteCount, name: name, budget: &budget)
    }

    private static func decode(
        array source: some ByteSource, _ range: Range<Int>, name: String, budget: inout UnpackingBudget
    ) throws -> ForeignTensor {
        var rest = range
        let header = try NumPyHeader(name: name) { count in
            let next = rest.prefix(count)
            rest = next.upperBound..<rest.upperBound
            return try source.bytes(next)
        }
        guard header.shape.count <= ForeignTensor.rankLimit else {
            throw ZooError(
                "\(name) has \(header.shape.count) axes; at most \(ForeignTensor.rankLimit) are read", code: .limit)
        }
        guard let byteCount = header.type.byteCount(of: header.shape), byteCount == rest.count else {
            throw ZooError(
                "\(name) is damaged: \(header.shape) of \(header.type) does not fill the \(rest.count) bytes after its "
                    + "header", code: .damaged)
        }
        if header.isFortranOrder, header.shape.count > 1 {
            try budget.take(byteCount, for: name)
            return ForeignTensor(
                name: name, shape: header.shape, elementType: header.type,
                bytes: rowMajor(try source.slice(rest), header.shape, width: header.type.byteCount)[...])
        }
        return ForeignTensor(name: name, shape: header.shape, elementType: header.type, source: source, range: rest)
    }

    /// The elements, of `width` bytes each and with the first axis varying fastest, in row-major order.
    ///
    /// - Precondition: `bytes` are as many as `shape` needs.
    private static func rowMajor(_ bytes: ArraySlice<UInt8>, _ shape: [Int], width: Int) -> [UInt8] {
        // How far apart neighbours along an axis are.
        var strides: [Int] = []
        for extent in shape { strides.append((strides.last ?? width) * extent) }
        strides = [width] + strides.dropLast()
        var place = [Int](repeating: 0, count: shape.count)
        var start = 0
        return bytes.withUnsafeBufferPointer { source in
            [UInt8](unsafeUninitializedCapacity: source.count) { target, count in
                while count < source.count {
                    for byte in 0..<width { target[count + byte] = source[start + byte] }
                    count += width
                    for axis in shape.indices.reversed() {
                        place[axis] += 1
                        start += strides[axis]
                        if place[axis] < shape[axis] { break }
                        start -= strides[axis] * shape[axis]
                        place[axis] = 0
                    }
                }
            }
        }
    }
}
