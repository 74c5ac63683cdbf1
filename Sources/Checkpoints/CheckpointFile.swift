import FileSupport
import TensorCore

extension Checkpoint {
    /// The bytes of the checkpoint's file: HDF5 and the digest after it. The same state gives the same bytes.
    ///
    /// - Parameter halfPrecision: whether parameters and buffers are stored in 16 bits each, rounded to the nearest.
    /// - Throws: `ZooError` when something cannot be stored; the message names it.
    public func encoded(halfPrecision: Bool = false) throws -> [UInt8] {
        var bytes = try HDF5Writer.image(of: try CheckpointEncoder.tree(of: self, halfPrecision: halfPrecision))
        // What our own reader refuses must not be saved.
        _ = try HDF5Reader.read(MemorySource(bytes))
        CheckpointTrailer.append(to: &bytes)
        return bytes
    }

    /// Writes the checkpoint to the file `path`, atomically: whatever happens, the file is either the old or the new
    /// one, whole.
    ///
    /// - Throws: `ZooError` when something cannot be stored or written; the old file is then unchanged.
    public func write(to path: String) throws {
        try AtomicFile.write(try encoded(), to: path)
    }

    /// Reads the checkpoint in the file `path`, which may come from a stranger.
    ///
    /// - Parameter acceptsUnverified: Whether to read a file without its trailing digest, as other HDF5 tools leave it
    ///   when they change a file. Each tensor must still match its own digest.
    /// - Throws: `ZooError` when the file cannot be read, is damaged, of a newer format version, or not a checkpoint.
    public static func read(from path: String, acceptsUnverified: Bool = false) throws -> Checkpoint {
        try naming(path) {
            try Checkpoint(encoded: try contents(of: path), acceptsUnverified: acceptsUnverified)
        }
    }

    /// Decodes the bytes of a checkpoint's file.
    ///
    /// - Throws: `ZooError` as `read(from:acceptsUnverified:)`.
    public init(encoded bytes: [UInt8], acceptsUnverified: Bool = false) throws {
        let trailer = try CheckpointTrailer(of: bytes)
        if trailer.state == .missing, !acceptsUnverified {
            throw ZooError(
                "the checkpoint cannot be verified: the 40 bytes with its SHA-256 are missing at the end",
                advice: "another HDF5 tool may have changed the file. Read it as unverified only if you trust it",
                code: .damaged)
        }
        let source = MemorySource(bytes, byteCount: trailer.hdf5ByteCount)
        guard trailer.state != .mismatch else { throw Self.damage(in: source) }
        let root = try HDF5Reader.read(source)
        self = try CheckpointDecoder(source: source, root: root, checksDigests: trailer.state == .missing)
            .checkpoint()
    }

    /// Looks at the file `path` part by part and reports what is whole and what is damaged.
    ///
    /// - Throws: `ZooError` when the file cannot be read, or so much is damaged that its parts cannot be told.
    public static func verify(path: String) throws -> VerificationReport {
        try naming(path) {
            try VerificationReport(path: path, bytes: try contents(of: path))
        }
    }

    /// All bytes of a checkpoint's file, of which the ends are looked at first: a file that is as long as no checkpoint can be
    /// is not read.
    package static func contents(of path: String) throws -> [UInt8] {
        let file = try RegularFile(path, limit: HDF5Limits().fileByteCount)
        _ = try CheckpointTrailer.locate(in: FileSource(file))
        return try file.contents()
    }

    /// Says which part of a file is damaged that does not match its digest.
    private static func damage(in source: MemorySource) -> ZooError {
        let found: String
        do {
            let root = try HDF5Reader.read(source)
            let damaged = root.verifiedDatasets(source).filter { !$0.isIntact }.map(\.path)
            found =
                damaged.isEmpty
                ? "every tensor matches its own digest, so the damage is elsewhere"
                : "damaged are \(damaged.prefix(8).joined(separator: ", "))"
                    + (damaged.count > 8 ? " and \(damaged.count - 8) more" : "")
        } catch let error as ZooError {
            found = error.message
        } catch {
            found = "\(error)"
        }
        return ZooError(
            "the checkpoint is damaged: its bytes do not match its SHA-256; \(found)",
            advice: "take an older checkpoint, or copy the file again from where it came", code: .damaged)
    }

    static func naming<Result>(_ path: String, _ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let error as ZooError {
            throw CheckpointOrigin.explained(error, path)
        }
    }
}

/// The last 40 bytes of a checkpoint: 8 that name them, and the SHA-256 of all bytes before.
package struct CheckpointTrailer {
    static let magic = Array("zooSHA2\n".utf8)
    package static let byteCount = 40

    enum State {
        case verified, mismatch, missing
    }

    let state: State
    /// Length of the HDF5 part in bytes.
    let hdf5ByteCount: Int
    /// The digest in the file.
    let digest: [UInt8]?

    /// Looks for the trailer of a file, and compares the digest in it.
    ///
    /// - Throws: `ZooError` when the file is no HDF5, is cut short, or has something else at its end.
    init(of bytes: [UInt8]) throws {
        let (hdf5ByteCount, digest) = try Self.locate(in: MemorySource(bytes))
        self.hdf5ByteCount = hdf5ByteCount
        self.digest = digest
        guard let digest else {
            state = .missing
            return
        }
        let actual = bytes.withUnsafeBytes {
            SHA256.digest(UnsafeRawBufferPointer(rebasing: $0[..<hdf5ByteCount]))
        }
        state = actual == digest ? .verified : .mismatch
    }

    /// Where the HDF5 part of a file ends, and the digest after it, if there is one. Nothing is compared.
    ///
    /// - Throws: `ZooError` as `init(of:)`.
    static func locate(in source: some ByteSource) throws -> (hdf5ByteCount: Int, digest: [UInt8]?) {
        let hdf5ByteCount = try HDF5Superblock(source).endOfFile
        let restCount = source.byteCount - hdf5ByteCount
        guard restCount > 0 else { return (hdf5ByteCount, nil) }
        let rest = try source.bytes(hdf5ByteCount..<hdf5ByteCount + min(restCount, byteCount))
        guard restCount == byteCount, rest.starts(with: magic) else {
            throw ZooError(
                "the end of the checkpoint is damaged: \(restCount) bytes follow its \(hdf5ByteCount) bytes of HDF5, "
                    + "instead of the 40 bytes with its SHA-256", code: .damaged)
        }
        return (hdf5ByteCount, Array(rest.dropFirst(magic.count)))
    }

    /// Appends the trailer of `bytes`.
    package static func append(to bytes: inout [UInt8]) {
        let digest = SHA256.digest(bytes)
        bytes += magic
        bytes += digest
    }
}
