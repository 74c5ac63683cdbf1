import FileSupport
import TensorCore

/// A B-tree of version 2: records of one length. Only in files of other tools.
///
/// Source: HDF5 File Format Specification 3.0, section III.A.2.
struct HDF5TreeVersion2 {
    let recordByteCount: Int
    private let subject: String
    private let kind: UInt8
    private let nodeByteCount: Int
    /// Bytes of the numbers of records in a node, and of those below a node of each depth.
    private let countByteCount: Int
    private let totalByteCounts: [Int]
    private let root: (address: Int, count: Int)?

    /// Reads the header at `address` of a tree with records of type `kind`.
    init(
        _ source: some ByteSource, at address: Int, kind: UInt8, _ subject: String, _ state: inout HDF5ReadingState
    ) throws {
        (self.subject, self.kind) = ("the tree of \(subject)", kind)
        var cursor = try state.extents.verifiedCursor(source, at: address, count: 38, signature: "BTHD", self.subject)
        try cursor.version("tree version", 0...0)
        try cursor.version("type of records", kind...kind)
        nodeByteCount = try cursor.integer(bytes: 4, "length of a node")
        recordByteCount = try cursor.integer(bytes: 2, "length of a record")
        let depth = try cursor.integer(bytes: 2, "depth")
        _ = try cursor.bytes(2, "percentages")
        let address = try cursor.address("root")
        let count = try cursor.integer(bytes: 2, "records in the root")
        guard recordByteCount > 0, nodeByteCount >= 10 + recordByteCount, depth <= 16 else {
            throw cursor.damaged("nodes of \(nodeByteCount) bytes, records of \(recordByteCount), \(depth) levels")
        }
        root = address.map { ($0, count) }

        // How many records fit decides how many bytes the numbers have.
        func byteCount(upTo limit: Int) -> Int { (Int.bitWidth - 1 - limit.leadingZeroBitCount) / 8 + 1 }
        var total = (nodeByteCount - 10) / recordByteCount
        countByteCount = byteCount(upTo: total)
        var totalByteCounts = [0]
        for level in stride(from: 1, through: depth, by: 1) {
            let pointer = 8 + countByteCount + totalByteCounts[level - 1]
            let limit = (nodeByteCount - 10 - pointer) / (recordByteCount + pointer)
            let (product, overflow) = total.multipliedReportingOverflow(by: limit + 1)
            let (sum, more) = product.addingReportingOverflow(limit)
            guard limit > 0, !overflow, !more else { throw cursor.damaged("a tree of \(depth) levels") }
            total = sum
            totalByteCounts.append(byteCount(upTo: total))
        }
        self.totalByteCounts = totalByteCounts
    }

    /// Calls `body` for each record, in order.
    func forEachRecord(
        _ source: some ByteSource, _ state: inout HDF5ReadingState,
        _ body: (inout ByteCursor, inout HDF5ReadingState) throws -> Void
    ) throws {
        guard let root else { return }
        try visit(source, root.address, count: root.count, depth: totalByteCounts.count - 1, &state, body)
    }

    private func visit(
        _ source: some ByteSource, _ address: Int, count: Int, depth: Int, _ state: inout HDF5ReadingState,
        _ body: (inout ByteCursor, inout HDF5ReadingState) throws -> Void
    ) throws {
        let pointerByteCount = 8 + countByteCount + (depth > 0 ? totalByteCounts[depth - 1] : 0)
        // `count` has at most 8 bytes in the file, but two in the header and no more than a node's length takes below.
        let (used, overflow) = count.multipliedReportingOverflow(by: recordByteCount)
        let (pointers, more) =
            depth == 0 ? (0, false) : pointerByteCount.multipliedReportingOverflow(by: count &+ 1)
        guard !overflow, !more, used <= nodeByteCount - 10, pointers <= nodeByteCount - 10 - used else {
            throw ZooError(
                "damaged HDF5 data: a node of \(subject) at byte \(address) has \(count) records", code: .damaged)
        }
        // The checksum follows what is used; the rest of the node is free.
        let end = 10 + used + pointers
        var cursor = try state.extents.verifiedCursor(
            source, at: address, count: end, signature: depth == 0 ? "BTLF" : "BTIN", subject)
        _ = try state.extents.claim(address + end, nodeByteCount - end, subject)
        try cursor.version("node version", 0...0)
        try cursor.version("type of records", kind...kind)
        var records = try cursor.part(used, subject)
        for index in 0...count {
            if depth > 0 {
                guard let child = try cursor.address("child") else { throw cursor.damaged("a child that is nowhere") }
                let childCount = try cursor.integer(bytes: countByteCount, "records of a child")
                _ = try cursor.bytes(totalByteCounts[depth - 1], "records below a child")
                try visit(source, child, count: childCount, depth: depth - 1, &state, body)
            }
            guard index < count else { break }
            var record = try records.part(recordByteCount, subject)
            try body(&record, &state)
        }
    }
}
