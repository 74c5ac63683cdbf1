import Checkpoints
import FileSupport
import TensorCore

/// The weights in a file of another tool, under that tool's names and in its layouts.
///
/// Meant for files from strangers: nothing a file describes is executed or instantiated, memory stays within four times
/// the file's length and 64 MiB, and whatever is not understood is an error.
public struct ForeignFile: Sendable {
    public let path: String
    public let format: InterchangeFormat
    /// In file order.
    public var tensors: [ForeignTensor]
    /// Texts that came along, by name.
    public var metadata: [String: String] = [:]
    /// How a Keras file names its tensors; nil for other formats.
    package var kerasLayout: KerasReader.Layout?
    /// What was passed over, in sentences.
    public var notes: [String] = []

    /// The model's definition, if the zoo wrote the file.
    public var definition: String? { metadata["zoo.definition"] }

    /// Reads the file `path`, whose format is known by its content.
    ///
    /// - Throws: `ZooError` when it cannot be read, is damaged, or of a kind that is refused.
    public init(path: String) throws {
        do {
            // What is of no known kind is not read whole. HDF5 may begin behind a user block.
            _ = try FileKind(of: try RegularFile(path, limit: .max).start(64 << 10), path: path)
            try self.init(try RegularFile.contents(of: path), path: path)
        } catch let error as ZooError {
            throw ZooError("\(path): \(error.message)", advice: error.advice, kind: error.kind)
        }
    }

    /// Decodes `bytes`, the contents of `path`.
    public init(_ bytes: [UInt8], path: String) throws {
        self.path = path
        switch try FileKind(of: bytes, path: path) {
        case .safetensors:
            format = .safetensors
            let contents = try SafeTensorsReader.decode(bytes)
            (tensors, metadata) = (contents.tensors, contents.metadata)
            notes = contents.unknownFields.map { "the field \($0) is not part of the format and was passed over" }
        case .zip:
            format = .npz
            let contents = try NumPyArchive.decode(archive: bytes)
            tensors = contents.tensors
            metadata["zoo.definition"] = contents.definition
        case .npy:
            format = .npz
            let file = path.split(separator: "/").last.map(String.init) ?? path
            tensors = [
                try NumPyArchive.decode(
                    array: bytes[...], name: file.hasSuffix(".npy") ? String(file.dropLast(4)) : file)
            ]
        case .onnx:
            format = .onnx
            let contents = try ONNXReader.decode(bytes)
            (tensors, metadata) = (contents.tensors, contents.metadata)
        case .hdf5:
            format = .keras
            let contents = try KerasReader.decode(bytes)
            (tensors, notes, kerasLayout) = (contents.tensors, contents.notes, contents.layout)
            metadata["zoo.definition"] = contents.definition
        }
    }
}
