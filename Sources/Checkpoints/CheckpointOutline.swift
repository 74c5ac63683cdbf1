import FileSupport
import TensorCore

/// What a checkpoint's file says without the values of its tensors, which are read when they are asked for.
///
/// Only the structure and the texts are read, however large the file is. Each text, and each tensor whose values are asked
/// for, is compared with its own SHA-256; the SHA-256 of the whole file is not compared (`Checkpoint.verify` does).
public struct CheckpointOutline: Sendable {
    /// One tensor of the file.
    public struct Tensor: Sendable {
        /// What it is for.
        public enum Role: Sendable, Equatable {
            case parameter, buffer
            /// State of the optimiser, in the slot of this name.
            case optimizer(String)
        }

        /// For instance `encoder.conv1.weight`.
        public let path: String
        public let role: Role
        /// Extent per axis.
        public let shape: [Int]
        /// SHA-256 of the elements as the file states it, in hexadecimal digits.
        public let digest: String
        fileprivate let dataset: HDF5Dataset<HDF5Extent>

        /// For instance `f32`.
        public var elementType: String { "\(dataset.payload.elementType)" }
        /// Bytes of the elements in the file.
        public var byteCount: Int { dataset.payload.range.count }
    }

    public let path: String
    /// Length of the file in bytes.
    public let byteCount: Int
    public let formatVersion: Int
    /// SHA-256 of the HDF5 part as the file states it, in hexadecimal digits; nil when it states none.
    public let digest: String?
    /// The checkpoint without parameters, buffers and the optimiser's state.
    public let header: Checkpoint
    /// Parameters, buffers and the optimiser's state, each in model order.
    public let tensors: [Tensor]
    private let source: FileSource

    /// Whether training can go on from the file.
    public var isResumable: Bool { header.isResumable }

    /// Reads the outline of the file `path`, which may come from a stranger.
    ///
    /// - Throws: `ZooError` as `Checkpoint.read`, but for damage in tensors.
    public init(path: String) throws {
        self = try Checkpoint.naming(path) { try CheckpointOutline(reading: path) }
    }

    private init(reading path: String) throws {
        let file = try RegularFile(path, limit: HDF5Limits().fileByteCount)
        let end = try CheckpointTrailer.locate(in: FileSource(file))
        let source = FileSource(file, byteCount: end.hdf5ByteCount)
        let root = try HDF5Reader.read(source)
        let decoder = CheckpointDecoder(source: source, root: root, checksDigests: true)
        self.path = path
        self.source = source
        byteCount = file.byteCount
        digest = end.digest.map { SHA256.hexadecimal($0) }
        formatVersion = try CheckpointDecoder<FileSource>.version(of: root)
        header = try decoder.header()
        tensors = try decoder.outline()
    }

    /// The values of a tensor, row-major.
    ///
    /// - Throws: `ZooError` when they cannot be read or do not match their SHA-256.
    public func values(of tensor: Tensor) throws -> [Float] {
        try Checkpoint.naming(path) {
            let decoder = CheckpointDecoder(source: source, root: HDF5Group(), checksDigests: true)
            return try decoder.tensor(tensor.path, tensor.dataset, in: "/").values
        }
    }
}

extension CheckpointOutline: TensorFile {
    public var formatName: String { "checkpoint" }

    public var entries: [TensorEntry] {
        tensors.map { tensor in
            let role =
                switch tensor.role {
                case .parameter: "parameter"
                case .buffer: "buffer"
                case .optimizer(let slot): slot
                }
            return TensorEntry(
                path: tensor.path, role: role, shape: tensor.shape, elementType: tensor.elementType,
                digest: tensor.digest, byteCount: tensor.byteCount)
        }
    }

    public func values(at index: Int) throws -> [Float] {
        guard tensors.indices.contains(index) else {
            throw ZooError("\(path) has no tensor number \(index)", code: .invalidValue)
        }
        return try values(of: tensors[index])
    }
}

extension CheckpointDecoder {
    /// All tensors in model order, their values not read.
    ///
    /// - Throws: `ZooError` naming what is missing or of the wrong type.
    func outline() throws -> [CheckpointOutline.Tensor] {
        var model = root
        model.members.removeAll { $0.name == Names.reserved }
        var parameters: [(Int64, CheckpointOutline.Tensor)] = []
        var buffers: [(Int64, CheckpointOutline.Tensor)] = []
        for (path, dataset) in model.datasets() {
            switch dataset.attributes.value(Names.Tensor.role) {
            case .string(Names.Tensor.parameter): parameters.append(try entry(path, dataset, .parameter, in: "/"))
            case .string(Names.Tensor.buffer): buffers.append(try entry(path, dataset, .buffer, in: "/"))
            default:
                throw ZooError(
                    "\(path.joined(separator: ".")) is marked neither as a parameter nor as a buffer of the model",
                    code: .damaged)
            }
        }
        let weights = try ordered(parameters, "the parameters") + ordered(buffers, "the buffers")
        return try weights + optimizerOutline()
    }

    private func optimizerOutline() throws -> [CheckpointOutline.Tensor] {
        let optimizer = try group(
            Names.State.optimizer, in: try group(Names.reserved, in: root, "/"), "/\(Names.reserved)")
        var slots: [(Int64, [CheckpointOutline.Tensor])] = []
        for member in optimizer.members {
            let place = "/zoo/optimizer/\(member.name)"
            guard case .group(let slot) = member.node else {
                throw ZooError("\(place) is a dataset instead of a group", code: .damaged)
            }
            let tensors = try slot.datasets().map { try entry($0.path, $0.dataset, .optimizer(member.name), in: place) }
            slots.append((try slot.attributes.integer(Names.Tensor.index, of: place), try ordered(tensors, place)))
        }
        return try ordered(slots, "the optimiser's slots").flatMap { $0 }
    }

    private func entry(
        _ path: [String], _ dataset: HDF5Dataset<HDF5Extent>, _ role: CheckpointOutline.Tensor.Role, in place: String
    ) throws -> (Int64, CheckpointOutline.Tensor) {
        let joined = try parameterPath(path, in: place)
        return (
            try dataset.attributes.integer(Names.Tensor.index, of: "\(joined), in \(place),"),
            CheckpointOutline.Tensor(
                path: joined, role: role, shape: dataset.shape,
                digest: try dataset.attributes.text(Names.Tensor.digest, of: joined), dataset: dataset)
        )
    }
}
