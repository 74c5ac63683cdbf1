import FileSupport
import TensorCore

/// How a dataset is cut into chunks.
struct HDF5ChunkLayout: Sendable {
    /// Extents of a chunk, the bytes of an element last.
    let extents: [Int]
    let index: Index

    /// What says where the chunks are.
    enum Index: Sendable {
        /// A B-tree of version 1.
        case tree
        /// There is one chunk, at the address of the index, of so many bytes where it is filtered.
        case single(byteCount: Int?)
        /// All chunks lie one behind the other.
        case implicit
        case fixedArray
        case extensibleArray
        case treeVersion2
    }
}

/// A dataset in chunks, perhaps compressed, or one that was never written, which has none.
///
/// Source: HDF5 File Format Specification 3.0, sections III.A.1 and IV.A.2.i.
package struct HDF5Chunks: Sendable, Equatable {
    /// Extent per axis of the dataset and of a chunk.
    let shape: [Int]
    let chunkShape: [Int]
    let elementByteCount: Int
    let filters: [HDF5Filter]
    /// The bytes of an element that is in no chunk, all of them; empty for zeros.
    let fillValue: [UInt8]
    /// Where each chunk begins in the dataset, and its bytes in the file.
    private(set) var pieces: [(offset: [Int], range: Range<Int>)] = []

    package static func == (a: HDF5Chunks, b: HDF5Chunks) -> Bool {
        a.shape == b.shape && a.chunkShape == b.chunkShape && a.elementByteCount == b.elementByteCount
            && a.filters == b.filters && a.fillValue == b.fillValue && a.pieces.map(\.range) == b.pieces.map(\.range)
    }

    /// A dataset of which nothing was written.
    init(
        unwritten shape: [Int], _ type: HDF5ElementType, fillValue: [UInt8], _ path: String,
        _ state: inout HDF5ReadingState
    ) throws {
        (self.shape, chunkShape, filters, elementByteCount) = (shape, shape, [], type.byteCount)
        self.fillValue = fillValue
        guard let total = Self.product(shape + [elementByteCount]) else {
            throw ZooError("damaged HDF5 data: \(path) is more than any file can hold", code: .damaged)
        }
        try state.budget.take(total, for: path)
    }

    /// Reads the index at `address` of the chunks of a dataset of which any may be missing, and checks that none is there
    /// twice.
    init(
        _ source: some ByteSource, index address: Int?, _ layout: HDF5ChunkLayout, _ space: HDF5Message.Dataspace,
        _ type: HDF5ElementType, _ filters: [HDF5Filter], fillValue: [UInt8], _ path: String,
        _ state: inout HDF5ReadingState
    ) throws {
        let subject = "the chunks of \(path)"
        chunkShape = Array(layout.extents.dropLast())
        elementByteCount = type.byteCount
        (shape, self.filters, self.fillValue) = (space.shape, filters, fillValue)
        guard chunkShape.count == shape.count, layout.extents.last == elementByteCount else {
            throw ZooError(
                "damaged HDF5 data: \(subject) have the shape \(layout.extents) for \(shape) of \(type)", code: .damaged
            )
        }
        let counts = zip(shape, chunkShape).map { $0 / $1 + ($0 % $1 == 0 ? 0 : 1) }
        let (expected, total) = (Self.product(counts), Self.product(shape + [elementByteCount]))
        guard let expected, let total, let chunkByteCount = Self.product(layout.extents) else {
            throw ZooError("damaged HDF5 data: \(subject) are more than any file can hold", code: .damaged)
        }
        // The dataset will be in memory, and what one chunk is while it passes the filters.
        try state.budget.take(total, for: path)
        let (working, overflow) = chunkByteCount.multipliedReportingOverflow(by: filters.count)
        guard !overflow else {
            throw ZooError("damaged HDF5 data: \(subject) are more than any file can hold", code: .damaged)
        }
        try state.budget.borrow(working, for: subject)
        guard expected > 0, let address else { return }
        switch layout.index {
        case .tree: try visit(source, address, level: nil, subject, &state)
        case .single(let byteCount):
            try add(
                address, byteCount ?? chunkByteCount, at: [Int](repeating: 0, count: shape.count), subject, &state)
        case .implicit: try readImplicit(at: address, chunkByteCount, space.largest, subject, &state)
        case .fixedArray, .extensibleArray:
            var array = try HDF5ChunkArray(
                source, at: address, isFiltered: !filters.isEmpty, chunkByteCount, space.largest, subject)
            if case .fixedArray = layout.index {
                try array.readFixed(into: &self, &state)
            } else {
                try array.readExtensible(into: &self, &state)
            }
        case .treeVersion2: try readTreeVersion2(source, at: address, chunkByteCount, subject, &state)
        }
        guard Set(pieces.map(\.offset)).count == pieces.count else {
            throw ZooError("damaged HDF5 data: one of \(subject) is there twice", code: .damaged)
        }
        guard filters.contains(.deflate) || pieces.allSatisfy({ $0.range.count == chunkByteCount }) else {
            throw ZooError("damaged HDF5 data: one of \(subject) does not have \(chunkByteCount) bytes", code: .damaged)
        }
    }

    private mutating func visit(
        _ source: some ByteSource, _ address: Int, level expected: UInt8?, _ subject: String,
        _ state: inout HDF5ReadingState
    ) throws {
        let node = try HDF5TreeNode(
            source, at: address, kind: 1, keyByteCount: 8 + 8 * (shape.count + 1), level: expected, subject, &state)
        for child in node.children {
            guard node.level == 0 else {
                try visit(source, child.address, level: node.level - 1, subject, &state)
                continue
            }
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
            try add(child.address, byteCount, at: offset, subject, &state)
        }
    }

    /// Notes a chunk of `byteCount` bytes at `address`, which begins at `offset` of the dataset, inside it.
    mutating func add(
        _ address: Int, _ byteCount: Int, at offset: [Int], _ subject: String, _ state: inout HDF5ReadingState
    ) throws {
        guard state.chunksLeft > 0 else {
            throw ZooError(
                "unsupported HDF5 file: it has more than \(state.limits.chunkCount) chunks", code: .unsupported)
        }
        state.chunksLeft -= 1
        pieces.append((offset, try state.extents.claim(address, byteCount, subject)))
    }

    /// The elements of the dataset in row-major order.
    ///
    /// - Throws: `ZooError` when a chunk does not unpack to its size.
    func assembled(from source: some ByteSource) throws -> [UInt8] {
        guard let total = Self.product(shape + [elementByteCount]) else { return [] }
        return try [UInt8](unsafeUninitializedCapacity: total) { buffer, count in
            let bytes = UnsafeMutableRawBufferPointer(buffer)
            bytes.initializeMemory(as: UInt8.self, repeating: 0)
            try assemble(from: source, into: bytes)
            count = total
        }
    }

    /// Writes the elements of the dataset in row-major order.
    ///
    /// - Parameter target: as long as the dataset, all zeros.
    /// - Throws: `ZooError` when a chunk does not unpack to its size.
    func assemble(from source: some ByteSource, into target: UnsafeMutableRawBufferPointer) throws {
        guard let chunkByteCount = Self.product(chunkShape + [elementByteCount]) else { return }
        if fillValue.contains(where: { $0 != 0 }) {
            for start in stride(from: 0, to: target.count, by: elementByteCount) {
                UnsafeMutableRawBufferPointer(rebasing: target[start...]).copyBytes(from: fillValue)
            }
        }
        for piece in pieces {
            var chunk = try source.slice(piece.range)
            for filter in filters.reversed() {
                switch filter {
                case .deflate:
                    chunk = try Inflater.inflate(
                        chunk, to: chunkByteCount, wrapper: .zlib, of: "a chunk of \(chunkShape) elements")[...]
                case .shuffle: chunk = Self.unshuffled(chunk, elementByteCount)[...]
                }
            }
            guard chunk.count == chunkByteCount else {
                throw ZooError("damaged HDF5 data: a chunk is too short", code: .damaged)
            }
            copy(chunk, at: piece.offset, to: target)
        }
    }

    /// Copies the part of `chunk` that lies inside the dataset, row by row.
    private func copy(_ chunk: ArraySlice<UInt8>, at offset: [Int], to target: UnsafeMutableRawBufferPointer) {
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
            let start = from * elementByteCount
            to *= elementByteCount
            chunk.withUnsafeBytes { chunk in
                UnsafeMutableRawBufferPointer(rebasing: target[to..<to + byteCount]).copyMemory(
                    from: UnsafeRawBufferPointer(rebasing: chunk[start..<start + byteCount]))
            }
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

    static func product(_ factors: [Int]) -> Int? {
        factors.reduce(1) { total, factor -> Int? in
            guard let total else { return nil }
            let (product, overflow) = total.multipliedReportingOverflow(by: factor)
            return overflow ? nil : product
        }
    }
}
