import FileSupport
import TensorCore

// Indexes of the newest format.
extension HDF5Chunks {
    /// Where the chunk of this number begins, counted in row-major order over chunks for a dataset as large as it may
    /// grow, the axis that has no limit before all others; nil outside the dataset as it is.
    func offset(_ number: Int, _ largest: [Int], _ subject: String) throws -> [Int]? {
        var offset = [Int](repeating: 0, count: shape.count)
        var rest = number
        var isInside = true
        func place(_ index: Int, on axis: Int) {
            let (start, overflow) = index.multipliedReportingOverflow(by: chunkShape[axis])
            offset[axis] = start
            if overflow || start >= shape[axis] { isInside = false }
        }
        let endless = largest.firstIndex(of: .max)
        for axis in shape.indices.reversed() where axis != endless {
            guard largest[axis] < Int.max, largest[axis] > 0 else {
                throw ZooError("damaged HDF5 data: \(subject) are counted along two axes without limit", code: .damaged)
            }
            let count = (largest[axis] - 1) / chunkShape[axis] + 1
            place(rest % count, on: axis)
            rest /= count
        }
        if let endless {
            place(rest, on: endless)
        } else if rest > 0 {
            throw ZooError("damaged HDF5 data: \(subject) are more than the dataset has", code: .damaged)
        }
        return isInside ? offset : nil
    }

    mutating func readImplicit(
        at address: Int, _ chunkByteCount: Int, _ largest: [Int], _ subject: String, _ state: inout HDF5ReadingState
    ) throws {
        let counts = zip(largest, chunkShape).map { max(0, $0 - 1) / $1 + 1 }
        guard let count = Self.product(counts) else {
            throw ZooError("damaged HDF5 data: \(subject) are more than any file can hold", code: .damaged)
        }
        var next = address
        for number in 0..<count {
            if let offset = try offset(number, largest, subject) {
                try add(next, chunkByteCount, at: offset, subject, &state)
            } else {
                _ = try state.extents.claim(next, chunkByteCount, subject)
            }
            // It was claimed, so it ends inside the file.
            next += chunkByteCount
        }
    }

    /// An entry of an index: where a chunk is, and how long where it is filtered; nil if it was not written.
    func entry(
        _ cursor: inout ByteCursor, byteCount: Int, _ chunkByteCount: Int
    ) throws -> (address: Int, byteCount: Int)? {
        let address = try cursor.address("chunk address")
        var count = chunkByteCount
        if byteCount > 8 {
            count = try cursor.integer(bytes: byteCount - 12, "chunk size")
            guard try cursor.unsigned(bytes: 4, "filter mask") == 0 || address == nil else {
                throw cursor.unsupported("a chunk that skipped a filter")
            }
        }
        return address.map { ($0, count) }
    }

    mutating func readTreeVersion2(
        _ source: some ByteSource, at address: Int, _ chunkByteCount: Int, _ subject: String,
        _ state: inout HDF5ReadingState
    ) throws {
        let tree = try HDF5TreeVersion2(source, at: address, kind: filters.isEmpty ? 10 : 11, subject, &state)
        let entryByteCount = tree.recordByteCount - 8 * shape.count
        guard filters.isEmpty ? entryByteCount == 8 : (13...20).contains(entryByteCount) else {
            throw ZooError(
                "damaged HDF5 data: the tree of \(subject) has records of \(tree.recordByteCount) bytes", code: .damaged
            )
        }
        var chunks = self
        try tree.forEachRecord(source, &state) { record, state in
            guard let (start, byteCount) = try entry(&record, byteCount: entryByteCount, chunkByteCount) else {
                throw record.damaged("a chunk that is nowhere")
            }
            var offset: [Int] = []
            for axis in shape.indices {
                let (first, overflow) = try record.integer(bytes: 8, "offset")
                    .multipliedReportingOverflow(by: chunkShape[axis])
                guard !overflow, first < shape[axis] else { throw record.damaged("a chunk outside the dataset") }
                offset.append(first)
            }
            try chunks.add(start, byteCount, at: offset, subject, &state)
        }
        self = chunks
    }
}
