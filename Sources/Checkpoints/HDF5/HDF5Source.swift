import FileSupport
import TensorCore

/// The bytes of a file, wherever they are.
package protocol HDF5Source: Sendable {
    /// Length in bytes.
    var byteCount: Int { get }
    /// Copies `range`, which lies inside `0..<byteCount`, to the beginning of `target`.
    func copy(_ range: Range<Int>, to target: UnsafeMutableRawBufferPointer) throws
    /// The bytes of `range`, not copied where they are in memory.
    ///
    /// - Throws: `ZooError` when `range` is not inside the file or cannot be read.
    func slice(_ range: Range<Int>) throws -> ArraySlice<UInt8>
}

extension HDF5Source {
    /// The bytes of `range`.
    ///
    /// - Throws: `ZooError` when `range` is not inside the file or cannot be read.
    package func bytes(_ range: Range<Int>) throws -> [UInt8] {
        try check(range)
        return try [UInt8](unsafeUninitializedCapacity: range.count) { buffer, count in
            try copy(range, to: UnsafeMutableRawBufferPointer(buffer))
            count = range.count
        }
    }

    /// The elements in `range` as values of a trivial type.
    package func elements<Element: BitwiseCopyable>(_ range: Range<Int>, as type: Element.Type) throws -> [Element] {
        try check(range)
        let elementCount = range.count / MemoryLayout<Element>.stride
        return try [Element](unsafeUninitializedCapacity: elementCount) { buffer, count in
            try copy(
                range.lowerBound..<range.lowerBound + elementCount * MemoryLayout<Element>.stride,
                to: UnsafeMutableRawBufferPointer(buffer))
            count = elementCount
        }
    }

    package func slice(_ range: Range<Int>) throws -> ArraySlice<UInt8> { try bytes(range)[...] }

    fileprivate func check(_ range: Range<Int>) throws {
        guard range.lowerBound >= 0, range.upperBound <= byteCount else {
            throw ZooError("bytes \(range) were asked for, and the file has \(byteCount)", code: .invalidValue)
        }
    }
}

/// A file held in memory.
package struct HDF5MemorySource: HDF5Source {
    private let bytes: ArraySlice<UInt8>
    package var byteCount: Int { bytes.count }

    /// The first `byteCount` of `bytes`.
    package init(_ bytes: [UInt8], byteCount: Int? = nil) {
        self.bytes = bytes.prefix(max(0, byteCount ?? bytes.count))
    }

    /// All of `slice`.
    package init(slice: ArraySlice<UInt8>) {
        bytes = slice
    }

    /// All of `bytes` from the superblock on, where a file of another tool begins with a user block.
    package init(withUserBlock bytes: [UInt8]) {
        self.bytes = bytes.dropFirst(HDF5Superblock.start(in: bytes) ?? 0)
    }

    package func copy(_ range: Range<Int>, to target: UnsafeMutableRawBufferPointer) throws {
        bytes.withUnsafeBytes { target.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[range])) }
    }

    package func slice(_ range: Range<Int>) throws -> ArraySlice<UInt8> {
        try check(range)
        return bytes.dropFirst(range.lowerBound).prefix(range.count)
    }
}

/// A file on the disk, of which only what is asked for is read.
package struct HDF5FileSource: HDF5Source {
    private let file: RegularFile
    private let start: Int
    package let byteCount: Int

    /// The first `byteCount` bytes of `file`, or all of them.
    init(_ file: RegularFile, byteCount: Int? = nil) {
        self.file = file
        start = 0
        self.byteCount = min(byteCount ?? file.byteCount, file.byteCount)
    }

    /// All of `file` from `start` on, which lies inside it.
    package init(_ file: RegularFile, from start: Int) {
        self.file = file
        self.start = start
        byteCount = file.byteCount - start
    }

    package func copy(_ range: Range<Int>, to target: UnsafeMutableRawBufferPointer) throws {
        try file.read(
            at: start + range.lowerBound, into: UnsafeMutableRawBufferPointer(rebasing: target[..<range.count]))
    }
}

extension ExtentMap {
    /// Claims `count` bytes at `address` for `subject`, and gives a cursor over them.
    ///
    /// - Throws: `ZooError` when they are not all inside the file, or more was claimed in sum than the file has.
    mutating func cursor(
        _ source: some HDF5Source, at address: Int, count: Int, _ subject: String
    ) throws -> ByteCursor {
        let bytes = try source.bytes(try claim(address, count, subject))
        return ByteCursor(bytes, address: address, format: .hdf5, subject: subject)
    }

    /// Claims `count` bytes at `address`, of which the last four are the checksum of the others, and gives a cursor over
    /// these, behind their signature.
    ///
    /// - Throws: `ZooError` as `cursor`, and when signature or checksum do not match.
    mutating func verifiedCursor(
        _ source: some HDF5Source, at address: Int, count: Int, signature: String, _ subject: String
    ) throws -> ByteCursor {
        var whole = try cursor(source, at: address, count: count, subject)
        var body = try whole.part(count - 4, subject)
        let bytes = try source.bytes(address..<address + count - 4)
        try body.expect(signature, "signature")
        guard try whole.unsigned(bytes: 4, "checksum") == UInt64(HDF5Checksum.lookup3(bytes[...])) else {
            throw body.damaged("the checksum does not match")
        }
        return body
    }
}
