import FileSupport
import TensorCore

/// A string of any length in a global heap.
package struct HDF5HeapReference: Sendable, Equatable {
    let byteCount: Int
    /// Address of the heap.
    let heap: Int
    /// Which of its objects.
    let index: Int
}

/// The global heaps of a file, where strings of any length lie.
///
/// Source: HDF5 File Format Specification 3.0, section III.E.
struct HDF5GlobalHeaps {
    /// Most bytes that all strings together may have: many attributes may name one long string.
    private var bytesLeft = 16 << 20
    private var heaps: [Int: [Int: ArraySlice<UInt8>]] = [:]

    /// Replaces references by the strings they lead to.
    ///
    /// - Throws: `ZooError` when a heap is damaged, or a string not in it.
    mutating func resolve(
        _ value: inout HDF5AttributeValue, _ source: some HDF5Source, _ extents: inout ExtentMap
    ) throws {
        guard case .references(let references, let isScalar) = value else { return }
        var strings: [String] = []
        for reference in references { strings.append(try string(reference, source, &extents)) }
        value = isScalar ? .string(strings.first ?? "") : .strings(strings)
    }

    private mutating func string(
        _ reference: HDF5HeapReference, _ source: some HDF5Source, _ extents: inout ExtentMap
    ) throws -> String {
        guard reference.byteCount > 0 else { return "" }
        if heaps[reference.heap] == nil {
            heaps[reference.heap] = try Self.objects(source, at: reference.heap, &extents)
        }
        guard let object = heaps[reference.heap]?[reference.index], object.count >= reference.byteCount else {
            throw ZooError(
                "Damaged HDF5 data: a string of \(reference.byteCount) bytes is not in the heap at \(reference.heap).")
        }
        guard reference.byteCount <= bytesLeft else {
            throw ZooError("Unsupported HDF5 feature: the strings of its attributes have more than 16 MiB.")
        }
        bytesLeft -= reference.byteCount
        guard let text = String(validating: object.prefix(reference.byteCount).prefix { $0 != 0 }, as: UTF8.self) else {
            throw ZooError("Damaged HDF5 data: a string in the heap at \(reference.heap) is not valid UTF-8.")
        }
        return text
    }

    /// The objects of the heap at `address` by their index.
    private static func objects(
        _ source: some HDF5Source, at address: Int, _ extents: inout ExtentMap
    ) throws -> [Int: ArraySlice<UInt8>] {
        let subject = "a heap of strings"
        let prefix = try source.bytes(try extents.claim(address, 16, subject))
        var cursor = ByteCursor(prefix, address: address, format: .hdf5, subject: subject)
        try cursor.expect("GCOL", "signature")
        try cursor.version("heap version", 1...1)
        _ = try cursor.bytes(3, "reserved")
        let size = try cursor.integer(bytes: 8, "size")
        guard size >= 16 else { throw cursor.damaged("it has \(size) bytes") }
        let bytes = try source.bytes(try extents.claim(address + 16, size - 16, subject))
        var rest = ByteCursor(bytes, address: address + 16, format: .hdf5, subject: subject)
        var objects: [Int: ArraySlice<UInt8>] = [:]
        // Object 0 is the free space at the end.
        while rest.remaining >= 16 {
            let index = try rest.integer(bytes: 2, "index")
            _ = try rest.bytes(6, "number of references")
            let count = try rest.integer(bytes: 8, "size of an object")
            guard index != 0 else { break }
            guard objects[index] == nil, count <= rest.remaining else { throw rest.damaged("object \(index)") }
            objects[index] = try rest.bytes(count, "object")
            _ = try rest.bytes(min((8 - count % 8) % 8, rest.remaining), "fill")
        }
        return objects
    }
}
