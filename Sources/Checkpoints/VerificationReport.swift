import FileSupport
import TensorCore

/// What is whole and what is damaged in the file of a checkpoint.
public struct VerificationReport: Sendable, Equatable {
    /// How the digest of the whole file came out.
    public enum FileDigest: String, Sendable {
        /// All bytes match it.
        case verified
        /// Some bytes do not.
        case mismatch
        /// The file has none.
        case missing
    }

    /// One dataset of the file.
    public struct Dataset: Sendable, Equatable {
        /// Its path in the file, for instance `encoder/conv1/weight`.
        public var path: String
        /// Extent per axis.
        public var shape: [Int]
        /// Its element type, for instance `f32`.
        public var elementType: String
        /// SHA-256 of its elements as they are now, in hexadecimal digits.
        public var digest: String
        /// Whether that is the digest stored with it.
        public var isIntact: Bool
    }

    public var path: String
    /// Length of the file in bytes.
    public var byteCount: Int
    public var formatVersion: Int
    public var fileDigest: FileDigest
    /// SHA-256 of the HDF5 part as it is now, in hexadecimal digits.
    public var digest: String
    /// All datasets in file order: parameters, buffers, optimiser state, texts and statistics.
    public var datasets: [Dataset]

    /// Whether everything matches.
    public var isIntact: Bool {
        fileDigest == .verified && datasets.allSatisfy(\.isIntact)
    }

    /// What is wrong, a sentence each; empty when everything matches.
    public var problems: [String] {
        var problems: [String] = []
        switch fileDigest {
        case .verified: break
        case .missing: problems.append("the 40 bytes with the SHA-256 of the file are missing at its end")
        case .mismatch: problems.append("the SHA-256 of the file does not match its bytes")
        }
        let damaged = datasets.filter { !$0.isIntact }
        problems += damaged.map { "\($0.path) does not match its SHA-256" }
        if fileDigest == .mismatch, damaged.isEmpty {
            problems.append("every tensor and text matches its own SHA-256, so the damage is elsewhere")
        }
        return problems
    }

    init(path: String, bytes: [UInt8]) throws {
        let trailer = try CheckpointTrailer(of: bytes)
        let source = MemorySource(bytes, byteCount: trailer.hdf5ByteCount)
        let root = try HDF5Reader.read(source)
        formatVersion = try CheckpointDecoder<MemorySource>.version(of: root)
        // A whole file must also be a checkpoint that can be loaded.
        if trailer.state == .verified {
            _ = try CheckpointDecoder(source: source, root: root, checksDigests: false).checkpoint()
        }
        self.path = path
        byteCount = bytes.count
        fileDigest =
            switch trailer.state {
            case .verified: .verified
            case .mismatch: .mismatch
            case .missing: .missing
            }
        digest = SHA256.hexadecimal(
            bytes.withUnsafeBytes {
                SHA256.digest(UnsafeRawBufferPointer(rebasing: $0[..<trailer.hdf5ByteCount]))
            })
        datasets = root.verifiedDatasets(source)
    }
}

extension HDF5Group<HDF5Extent> {
    /// All datasets with what their digests say.
    func verifiedDatasets(_ source: MemorySource) -> [VerificationReport.Dataset] {
        datasets().map { path, dataset in
            let path = path.joined(separator: "/")
            let digest = (try? source.bytes(dataset.payload.range)).map { SHA256.hexadecimal(SHA256.digest($0)) }
            let stored = try? dataset.attributes.text(CheckpointLayout.Tensor.digest, of: path)
            return VerificationReport.Dataset(
                path: path, shape: dataset.shape, elementType: "\(dataset.payload.elementType)",
                digest: digest ?? "", isIntact: digest != nil && digest == stored)
        }
    }
}
