import FileSupport
import TensorCore

extension MemorySource {
    /// All of `bytes` from the superblock on, where a file of another tool begins with a user block.
    package init(withUserBlock bytes: [UInt8]) {
        self.init(slice: bytes.dropFirst(HDF5Superblock.start(in: bytes) ?? 0))
    }
}

extension ExtentMap {
    /// Claims `count` bytes at `address` for `subject`, and gives a cursor over them.
    ///
    /// - Throws: `ZooError` when they are not all inside the file, or more was claimed in sum than the file has.
    mutating func cursor(
        _ source: some ByteSource, at address: Int, count: Int, _ subject: String
    ) throws -> ByteCursor {
        let bytes = try source.bytes(try claim(address, count, subject))
        return ByteCursor(bytes, address: address, format: .hdf5, subject: subject)
    }

    /// Claims `count` bytes at `address`, of which the last four are the checksum of the others, and gives a cursor over
    /// these, behind their signature.
    ///
    /// - Throws: `ZooError` as `cursor`, and when signature or checksum do not match.
    mutating func verifiedCursor(
        _ source: some ByteSource, at address: Int, count: Int, signature: String, _ subject: String
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
