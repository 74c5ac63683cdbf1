import FileSupport
import TensorCore

/// The first 48 bytes of an HDF5 file of superblock version 2 or 3, or the first 96 of version 0.
///
/// Source: HDF5 File Format Specification 3.0, section II.A.
package struct HDF5Superblock {
    /// Length of the structure.
    static let byteCount = 48
    /// Length of the structure in version 0, with the root's entry.
    static let byteCountOfVersion0 = 96
    /// Bytes every HDF5 file begins with.
    static let signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]

    /// Where the superblock begins: at the start of the file, or after a user block of 512, 1024, 2048 … bytes, in which
    /// other tools may have put anything; nil where there is none.
    package static func start(in bytes: [UInt8]) -> Int? {
        var start = 0
        while start < bytes.count {
            if bytes[start...].starts(with: signature) { return start }
            start = max(512, 2 * start)
        }
        return nil
    }

    /// The length of the HDF5 part of the file in bytes.
    package let endOfFile: Int
    /// Where the root group's object header begins.
    package let rootAddress: Int
    /// Length of this file's superblock.
    let byteCount: Int

    /// Reads and checks the superblock of `source`.
    ///
    /// - Throws: `ZooError` when the file is too short, no HDF5, damaged, or of another kind.
    package init(_ source: some ByteSource, profile: HDF5Limits.Profile = .checkpoint) throws {
        guard source.byteCount >= Self.byteCount else {
            throw ZooError(
                "the file has \(source.byteCount) bytes, too few for HDF5, which begins with 48", code: .damaged)
        }
        let bytes = try source.bytes(0..<min(Self.byteCountOfVersion0, source.byteCount))
        guard bytes.starts(with: Self.signature) else {
            throw ZooError("the file is no HDF5: it does not begin with the HDF5 signature", code: .damaged)
        }
        var cursor = ByteCursor(bytes, address: 0, format: .hdf5, subject: "the superblock")
        _ = try cursor.bytes(Self.signature.count, "signature")
        if profile == .foreign, bytes[8] == 0 {
            (endOfFile, rootAddress) = try Self.version0(&cursor, source)
            byteCount = Self.byteCountOfVersion0
            return
        }
        byteCount = Self.byteCount
        let version = try cursor.version("superblock version", 2...3)
        let offsetWidth = try cursor.byte("size of offsets")
        let lengthWidth = try cursor.byte("size of lengths")
        guard offsetWidth == 8, lengthWidth == 8 else {
            throw cursor.unsupported("offsets of \(offsetWidth) and lengths of \(lengthWidth) bytes; 8 and 8 are read")
        }
        let flags = try cursor.byte("consistency flags")
        let base = try cursor.address("base address")
        let extensionAddress = try cursor.address("superblock extension address")
        let endOfFile = try cursor.integer(bytes: 8, "end of file address")
        let rootAddress = try cursor.integer(bytes: 8, "root group address")
        let checksum = try cursor.unsigned(bytes: 4, "checksum")
        guard checksum == UInt64(HDF5Checksum.lookup3(bytes[..<(Self.byteCount - 4)])) else {
            throw cursor.damaged("the checksum does not match")
        }
        guard profile == .foreign || base == 0 else { throw cursor.unsupported("a base address other than 0") }
        // An extension guides writers, or says how messages are shared, which is refused where one is.
        guard profile == .foreign || extensionAddress == nil else { throw cursor.unsupported("a superblock extension") }
        guard version == 2 || flags == 0 else {
            throw cursor.unsupported("a file that a writer left open (consistency flags \(flags))")
        }
        self.endOfFile = try Self.length(endOfFile, base: base, source, cursor)
        self.rootAddress = rootAddress
    }

    /// The length of the HDF5 part of `source`, which begins with the superblock: all addresses but that of the end count
    /// from there.
    private static func length(
        _ endOfFile: Int, base: Int?, _ source: some ByteSource, _ cursor: ByteCursor
    ) throws -> Int {
        guard let base, base <= endOfFile else {
            throw cursor.damaged("the end of the file is before its base address")
        }
        guard endOfFile - base <= source.byteCount else {
            throw ZooError(
                "the file is cut short: its HDF5 part has \(endOfFile - base) bytes, and only \(source.byteCount) are "
                    + "there", code: .damaged)
        }
        return endOfFile - base
    }

    /// The end of the file and the root's address in a superblock of version 0, behind its signature.
    private static func version0(
        _ cursor: inout ByteCursor, _ source: some ByteSource
    ) throws -> (endOfFile: Int, rootAddress: Int) {
        for field in ["superblock", "free space", "root group"] { try cursor.version("\(field) version", 0...0) }
        _ = try cursor.byte("reserved")
        try cursor.version("shared message version", 0...0)
        let widths = Array(try cursor.bytes(2, "sizes of offsets and lengths"))
        guard widths == [8, 8] else {
            throw cursor.unsupported("offsets and lengths of \(widths) bytes; 8 and 8 are read")
        }
        _ = try cursor.bytes(9, "node sizes and flags")
        let base = try cursor.address("base address")
        _ = try cursor.bytes(8, "free space address")
        let endOfFile = try cursor.integer(bytes: 8, "end of file address")
        guard try cursor.address("driver address") == nil else { throw cursor.unsupported("a file driver") }
        _ = try cursor.bytes(8, "name of the root")
        let rootAddress = try cursor.integer(bytes: 8, "root group address")
        _ = try cursor.bytes(24, "cache of the root")
        return (try length(endOfFile, base: base, source, cursor), rootAddress)
    }
}

extension ByteCursor.Format {
    /// Structures of HDF5.
    static let hdf5 = ByteCursor.Format(
        name: "HDF5",
        advice: "What is read of HDF5: docs/checkpoint-format.md, for files of other tools docs/interchange.md.")
}

extension ByteCursor {
    /// An address, or nil for HDF5's undefined address (all bits set).
    mutating func address(_ field: String) throws -> Int? {
        let value = try unsigned(bytes: 8, field)
        if value == .max { return nil }
        guard let integer = Int(exactly: value) else { throw damaged("\(field) is \(value), which is out of range") }
        return integer
    }
}
