import TensorCore

/// The parts of a file that are spoken for. No two structures may share a byte.
package struct ExtentMap {
    /// Length of the file.
    package let byteCount: Int
    private let format: String
    private var total = 0
    private var extents: [(range: Range<Int>, subject: String)] = []

    /// A map of a file of `byteCount` bytes with nothing claimed; messages call it a file of `format`.
    package init(byteCount: Int, format: String) {
        self.byteCount = byteCount
        self.format = format
    }

    /// Claims `count` bytes at `address` for `subject`.
    ///
    /// - Throws: `ZooError` when they are not all inside the file, or more was claimed in sum than the file has.
    package mutating func claim(_ address: Int, _ count: Int, _ subject: String) throws -> Range<Int> {
        let (end, overflow) = address.addingReportingOverflow(count)
        guard address >= 0, count >= 0, !overflow, end <= byteCount else {
            throw ZooError(
                "damaged \(format) data: \(subject) claims \(count) bytes at \(address), outside the \(byteCount) bytes "
                    + "of the file", code: .damaged)
        }
        guard count > 0 else { return address..<end }
        // Neither can overflow: both are at most `byteCount`.
        guard count <= byteCount - total else {
            throw ZooError(
                "damaged \(format) data: with \(subject), its parts together claim more than the \(byteCount) bytes of the "
                    + "file", code: .damaged)
        }
        total += count
        extents.append((address..<end, subject))
        return address..<end
    }

    /// Checks that no two claims overlap.
    package func checkDisjoint() throws {
        let sorted = extents.sorted { $0.range.lowerBound < $1.range.lowerBound }
        for (first, second) in zip(sorted, sorted.dropFirst())
        where second.range.lowerBound < first.range.upperBound {
            throw ZooError(
                "damaged \(format) data: \(second.subject) begins at byte \(second.range.lowerBound), inside "
                    + "\(first.subject), which ends at \(first.range.upperBound)", code: .damaged)
        }
    }
}
