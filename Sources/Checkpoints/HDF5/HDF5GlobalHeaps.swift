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
    private var heaps: [Int: Heap] = [:]

    /// A heap that was looked at. Its objects take less memory here than in the file.
    private struct Heap {
        struct Object {
            let index: UInt16
            let start: UInt32
            let byteCount: UInt32
        }

        let bytes: [UInt8]
        /// Ordered by their index.
        let objects: [Object]

        subscript(index: Int) -> ArraySlice<UInt8>? {
            var (low, high) = (0, objects.count)
            while low < high {
                let middle = (low + high) / 2
                if Int(objects[middle].index) < index { low = middle + 1 } else { high = middle }
            }
            guard low < objects.count, Int(objects[low].index) == index else { return nil }
            return bytes.dropFirst(Int(objects[low].start)).prefix(Int(objects[low].byteCount))
        }
    }

    /// Replaces references by the strings they lead to.
    ///
    /// - Throws: `ZooError` when a heap is damaged, or a string not in it.
    mutating func resolve(
        _ value: inout HDF5AttributeValue, _ source: some ByteSource, _ extents: inout ExtentMap
    ) throws {
        guard case .references(let references, let isScalar) = value else { return }
        var strings: [String] = []
        for reference in references { strings.append(try string(reference, source, &extents)) }
        value = isScalar ? .string(strings.first ?? "") : .strings(strings)
    }

    private mutating func string(
        _ reference: HDF5HeapReference, _ source: some ByteSource, _ extents: inout ExtentMap
    ) throws -> String {
        guard reference.byteCount > 0 else { return "" }
        if heaps[reference.heap] == nil {
            heaps[reference.heap] = try Self.heap(source, at: reference.heap, &extents)
        }
        guard let object = heaps[reference.heap]?[reference.index], object.count >= reference.byteCount else {
            throw ZooError(
                "damaged HDF5 data: a string of \(reference.byteCount) bytes is not in the heap at \(reference.heap)",
                code: .damaged)
        }
        guard reference.byteCount <= bytesLeft else {
            throw ZooError(
                "unsupported HDF5 feature: the strings of its attributes have more than 16 MiB", code: .unsupported)
        }
        bytesLeft -= reference.byteCount
        guard let text = String(validating: object.prefix(reference.byteCount).prefix { $0 != 0 }, as: UTF8.self) else {
            throw ZooError(
                "damaged HDF5 data: a string in the heap at \(reference.heap) is not valid UTF-8", code: .damaged)
        }
        return text
    }

    private static func heap(_ source: some ByteSource, at address: Int, _ extents: inout ExtentMap) throws -> Heap {
        let subject = "a heap of strings"
        var cursor = try extents.cursor(source, at: address, count: 16, subject)
        try cursor.expect("GCOL", "signature")
        try cursor.version("heap version", 1...1)
        _ = try cursor.bytes(3, "reserved")
        let size = try cursor.integer(bytes: 8, "size")
        guard size >= 16 else { throw cursor.damaged("it has \(size) bytes") }
        let bytes = try source.bytes(try extents.claim(address + 16, size - 16, subject))
        var rest = ByteCursor(bytes, address: address + 16, format: .hdf5, subject: subject)
        var objects: [Heap.Object] = []
        // Object 0 is the free space at the end.
        while rest.remaining >= 16 {
            let index = UInt16(truncatingIfNeeded: try rest.unsigned(bytes: 2, "index"))
            _ = try rest.bytes(6, "number of references")
            let count = try rest.integer(bytes: 8, "size of an object")
            guard index != 0 else { break }
            let object = try rest.bytes(count, "object")
            guard let start = UInt32(exactly: object.startIndex), let byteCount = UInt32(exactly: count) else {
                throw rest.damaged("object \(index) lies at \(object.startIndex)")
            }
            objects.append(Heap.Object(index: index, start: start, byteCount: byteCount))
            _ = try rest.bytes(min((8 - count % 8) % 8, rest.remaining), "fill")
        }
        objects.sort { $0.index < $1.index }
        for (first, second) in zip(objects, objects.dropFirst()) where first.index == second.index {
            throw rest.damaged("object \(first.index) is there twice")
        }
        return Heap(bytes: bytes, objects: objects)
    }
}
