import Checkpoints
import FileSupport
import TensorCore

/// The weights in a file of another tool, under that tool's names and in its layouts.
///
/// Meant for files from strangers: nothing a file describes is executed or instantiated, memory stays within four times
/// the file's length and 64 MiB, and whatever is not understood is an error. Of a file on the disk, tensors that are
/// stored in one piece are read when they are asked for; only ONNX, whose tensors can be found no other way, is read whole.
/// Weights that ONNX keeps in other files are read where these are regular files of the same folder.
public struct ForeignFile: Sendable {
    public let path: String
    public let format: InterchangeFormat
    /// In file order.
    public var tensors: [ForeignTensor]
    /// Texts that came along, by name.
    public var metadata: [String: String] = [:]
    /// How a Keras file names its tensors; nil for other formats.
    package var kerasLayout: KerasReader.Layout?
    /// The layers of a Keras model that pad more on one side than on the other, which no model of the zoo does.
    package var unevenlyPadded: [String] = []
    /// What was passed over, in sentences.
    public var notes: [String] = []

    /// The model's definition, if the zoo wrote the file.
    public var definition: String? { metadata["zoo.definition"] }

    /// Reads the file `path`, whose format is known by its content.
    ///
    /// - Throws: `ZooError` when it cannot be read, is damaged, or of a kind that is refused.
    public init(path: String) throws {
        do {
            let file = try RegularFile(path, limit: .max)
            // HDF5 may begin behind a user block; zip has its directory at the end.
            let start = try file.start(Self.searchedByteCount)
            let kind = try FileKind(of: start, end: try file.end(Self.searchedByteCount), path: path)
            guard file.byteCount <= HDF5Limits().fileByteCount else {
                throw ZooError(
                    "the file has \(file.byteCount) bytes; at most \(HDF5Limits().fileByteCount) are read", code: .limit
                )
            }
            let superblock = kind == .hdf5 ? HDF5Superblock.start(in: start) : nil
            let folder = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
            try self.init(
                FileSource(file, from: superblock ?? 0), kind, path: path, outside: ONNXOutsideData(folder: folder))
        } catch let error as ZooError {
            throw error.at(path)
        }
    }

    /// Bytes at both ends of a file by which its kind is told.
    private static let searchedByteCount = 64 << 10

    /// Decodes `bytes`, the contents of `path`.
    public init(_ bytes: [UInt8], path: String) throws {
        let kind = try FileKind(of: bytes, path: path)
        try self.init(
            kind == .hdf5 ? MemorySource(withUserBlock: bytes) : MemorySource(bytes), kind, path: path)
    }

    /// Decodes what is in `source`, which begins with what tells its kind.
    ///
    /// - Parameter outside: the files beside that of an ONNX model; nil for none.
    private init(
        _ source: some ByteSource, _ kind: FileKind, path: String, outside: ONNXOutsideData? = nil
    ) throws {
        self.path = path
        switch kind {
        case .safetensors:
            format = .safetensors
            let contents = try SafeTensorsReader.decode(source)
            (tensors, metadata) = (contents.tensors, contents.metadata)
            notes = contents.unknownFields.map { "the field \($0) is not part of the format and was passed over" }
        case .zip:
            format = .npz
            let contents = try NumPyArchive.decode(archive: source)
            tensors = contents.tensors
            metadata["zoo.definition"] = contents.definition
        case .npy:
            format = .npz
            let file = path.split(separator: "/").last.map(String.init) ?? path
            tensors = [
                try NumPyArchive.decode(
                    array: source, name: file.hasSuffix(".npy") ? String(file.dropLast(4)) : file)
            ]
        case .onnx:
            format = .onnx
            try ONNXReader.check(byteCount: source.byteCount)
            let contents = try ONNXReader.decode(try source.slice(0..<source.byteCount), outside: outside)
            (tensors, metadata) = (contents.tensors, contents.metadata)
        case .hdf5:
            format = .keras
            let contents = try KerasReader.decode(source)
            (tensors, notes, kerasLayout) = (contents.tensors, contents.notes, contents.layout)
            unevenlyPadded = contents.unevenlyPadded
            metadata["zoo.definition"] = contents.definition
        }
    }
}
