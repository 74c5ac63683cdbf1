import TensorCore

/// The bytes of a file, wherever they are.
package protocol ByteSource: Sendable {
    /// Length in bytes.
    var byteCount: Int { get }
    /// Copies `range`, which lies inside `0..<byteCount`, to the beginning of `target`.
    func copy(_ range: Range<Int>, to target: UnsafeMutableRawBufferPointer) throws
    /// The bytes of `range`, not copied where they are in memory.
    ///
    /// - Throws: `ZooError` when `range` is not inside the file or cannot be read.
    func slice(_ range: Range<Int>) throws -> ArraySlice<UInt8>
}

extension ByteSource {
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
package struct MemorySource: ByteSource {
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

    package func copy(_ range: Range<Int>, to target: UnsafeMutableRawBufferPointer) throws {
        bytes.withUnsafeBytes { target.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[range])) }
    }

    package func slice(_ range: Range<Int>) throws -> ArraySlice<UInt8> {
        try check(range)
        return bytes.dropFirst(range.lowerBound).prefix(range.count)
    }
}

/// A file on the disk, of which only what is asked for is read.
package struct FileSource: ByteSource {
    private let file: RegularFile
    private let start: Int
    package let byteCount: Int

    /// The first `byteCount` bytes of `file`, or all of them.
    package init(_ file: RegularFile, byteCount: Int? = nil) {
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
