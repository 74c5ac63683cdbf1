import FileSupport
import TensorCore

/// A dataset in chunks, perhaps compressed.
///
/// Source: HDF5 File Format Specification 3.0, sections III.A.1 and IV.A.2.i.
package struct HDF5Chunks: Sendable, Equatable {
    /// Extent per axis of the dataset and of a chunk.
    let shape: [Int]
    let chunkShape: [Int]
    let elementByteCount: Int
    let filters: [HDF5Filter]
    /// Where each chunk begins in the dataset, and its bytes in the file.
    private(set) var pieces: [(offset: [Int], range: Range<Int>)] = []

    package static func == (a: HDF5Chunks, b: HDF5Chunks) -> Bool {
        a.shape == b.shape && a.chunkShape == b.chunkShape && a.elementByteCount == b.elementByteCount
            && a.filters == b.filters && a.pieces.map(\.range) == b.pieces.map(\.range)
    }

    /// Reads the index at `index`, and checks that every chunk is there once.
    init(
        _ source: some HDF5Source, index: Int?, _ extents: [Int], _ shape: [Int], _ type: HDF5ElementType,
        _ filters: [HDF5Filter], _ path: String, _ state: inout HDF5ReadingState
    ) throws {
        let subject = "the chunks of \(path)"
        chunkShape = Array(extents.dropLast())
        elementByteCount = type.byteCount
        (self.shape, self.filters) = (shape, filters)
        guard chunkShape.count == shape.count, extents.last == elementByteCount else {
            throw ZooError("Damaged HDF5 data: \(subject) have the shape \(extents) for \(shape) of \(type).")
        }
        let counts = zip(shape, chunkShape).map { $0 / $1 + ($0 % $1 == 0 ? 0 : 1) }
        let (expected, total) = (Self.product(counts), Self.product(shape + [elementByteCount]))
        guard let expected, let total, let chunkByteCount = Self.product(extents) else {
            throw ZooError("Damaged HDF5 data: \(subject) are more than any file can hold.")
        }
        // The dataset will be in memory, and what one chunk is while it passes the filters.
        try state.budget.take(total, for: path)
        let (working, overflow) = chunkByteCount.multipliedReportingOverflow(by: filters.count)
        guard !overflow else { throw ZooError("Damaged HDF5 data: \(subject) are more than any file can hold.") }
        try state.budget.borrow(working, for: subject)
        guard expected > 0 else { return }
        guard let index else { throw ZooError("Unsupported HDF5 feature: \(subject) were never written.") }
        try visit(source, index, level: nil, subject, &state)
        guard pieces.count == expected else {
            throw ZooError("Unsupported HDF5 feature: of \(expected) chunks of \(path), \(pieces.count) are stored.")
        }
        guard Set(pieces.map(\.offset)).count == expected else {
            throw ZooError("Damaged HDF5 data: one of \(subject) is there twice.")
        }
        guard filters.contains(.deflate) || pieces.allSatisfy({ $0.range.count == chunkByteCount }) else {
            throw ZooError("Damaged HDF5 data: one of \(subject) does not have \(chunkByteCount) bytes.")
        }
    }

    private mutating func visit(
        _ source: some HDF5Source, _ address: Int, level expected: UInt8?, _ subject: String,
        _ state: inout HDF5ReadingState
    ) throws {
        let node = try HDF5TreeNode(
            source, at: address, kind: 1, keyByteCount: 8 + 8 * (shape.count + 1), level: expected, subject, &state)
        for child in node.children {
            guard node.level == 0 else {
                try visit(source, child.address, level: node.level - 1, subject, &state)
                continue
            }
            guard state.chunksLeft > 0 else {
                throw ZooError("Unsupported HDF5 file: it has more than \(state.limits.chunkCount) chunks.")
            }
            state.chunksLeft -= 1
            var key = child.key
            let byteCount = try key.integer(bytes: 4, "chunk size")
            guard try key.unsigned(bytes: 4, "filter mask") == 0 else {
                throw key.unsupported("a chunk that skipped a filter")
            }
            var offset: [Int] = []
            for axis in shape.indices {
                let start = try key.integer(bytes: 8, "offset")
                guard start < shape[axis], start % chunkShape[axis] == 0 else {
                    throw key.damaged("a chunk begins at \(start) of \(shape[axis])")
                }
                offset.append(start)
            }
            pieces.append((offset, try state.extents.claim(child.address, byteCount, subject)))
        }
    }

    /// The elements of the dataset in row-major order.
    ///
    /// - Throws: `ZooError` when a chunk does not unpack to its size.
    func assembled(from source: some HDF5Source) throws -> [UInt8] {
        guard let total = Self.product(shape + [elementByteCount]),
            let chunkByteCount = Self.product(chunkShape + [elementByteCount])
        else { return [] }
        var target = [UInt8](repeating: 0, count: total)
        for piece in pieces {
            var chunk = try source.slice(piece.range)
            for filter in filters.reversed() {
                switch filter {
                case .deflate:
                    chunk = try Inflater.inflate(
                        chunk, to: chunkByteCount, wrapper: .zlib, of: "A chunk of \(shape) elements")[...]
                case .shuffle: chunk = Self.unshuffled(chunk, elementByteCount)[...]
                }
            }
            guard chunk.count == chunkByteCount else { throw ZooError("Damaged HDF5 data: a chunk is too short.") }
            copy(chunk, at: piece.offset, to: &target)
        }
        return target
    }

    /// Copies the part of `chunk` that lies inside the dataset, row by row.
    private func copy(_ chunk: ArraySlice<UInt8>, at offset: [Int], to target: inout [UInt8]) {
        let inside = shape.indices.map { min(chunkShape[$0], shape[$0] - offset[$0]) }
        guard let last = inside.last, let rowCount = Self.product(Array(inside.dropLast())) else { return }
        let byteCount = last * elementByteCount
        // Counts through all axes but the last.
        var place = [Int](repeating: 0, count: shape.count)
        for _ in 0..<rowCount {
            var (from, to) = (0, 0)
            for axis in shape.indices {
                from = from * chunkShape[axis] + place[axis]
                to = to * shape[axis] + offset[axis] + place[axis]
            }
            let start = chunk.startIndex + from * elementByteCount
            to *= elementByteCount
            target.replaceSubrange(to..<to + byteCount, with: chunk[start..<start + byteCount])
            for axis in stride(from: shape.count - 2, through: 0, by: -1) {
                place[axis] += 1
                if place[axis] < inside[axis] { break }
                place[axis] = 0
            }
        }
    }

    private static func unshuffled(_ bytes: ArraySlice<UInt8>, _ width: Int) -> [UInt8] {
        let count = bytes.count / width
        return bytes.withUnsafeBufferPointer { source in
            // Bytes that do not fill an element stay at the end, where they are.
            [UInt8](unsafeUninitializedCapacity: source.count) { target, filled in
                _ = target.initialize(from: source)
                for byte in 0..<width {
                    for index in 0..<count { target[index * width + byte] = source[byte * count + index] }
                }
                filled = source.count
            }
        }
    }

    private static func product(_ factors: [Int]) -> Int? {
        factors.reduce(1) { total, factor -> Int? in
            guard let total else { return nil }
            let (product, overflow) = total.multipliedReportingOverflow(by: factor)
            return overflow ? nil : product
        }
    }
}
