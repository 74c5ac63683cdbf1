import Checkpoints
import FileSupport
import TensorCore

/// What kind of file it is, by its first bytes.
enum FileKind {
    case safetensors, zip, npy, hdf5, onnx

    /// - Parameters:
    ///   - bytes: the file's first ones, or all.
    ///   - end: its last ones, where `bytes` are not all.
    /// - Throws: `ZooError` for pickles, and for what is none of these.
    init(of bytes: [UInt8], end: [UInt8] = [], path: String) throws {
        func names(_ entry: String) -> Bool { Self.contains(entry, bytes) || Self.contains(entry, end) }
        let name = path.lowercased()
        if HDF5Superblock.start(in: bytes) != nil {
            // First, for a user block may begin with anything.
            self = .hdf5
        } else if bytes.starts(with: [0x50, 0x4B]) {
            // torch.save makes a zip archive around a pickle; model.save of Keras 3 one around its configuration.
            // Cut short, it may name neither.
            if names("data.pkl") || (Self.isPickleName(name) && !names(".npy")) {
                throw Self.pickle
            }
            if name.hasSuffix(".keras") || names("model.weights.h5") {
                throw ZooError(
                    "this is an archive of Keras with a description of a model, which is not read",
                    advice: "save its weights with model.save_weights(\"model.weights.h5\") and import that file",
                    code: .unsupported)
            }
            self = .zip
        } else if bytes.starts(with: [0x93] + Array("NUMPY".utf8)) {
            self = .npy
        } else if bytes.count > 8, bytes[8] == UInt8(ascii: "{"), name.hasSuffix(".safetensors") || bytes[7] == 0 {
            self = .safetensors
        } else if let content = ForeignContent(bytes) {
            throw content == .pickle ? Self.pickle : content.refusal
        } else if bytes.first == 0x08 || name.hasSuffix(".onnx") {
            self = .onnx
        } else if Self.isPickleName(name) {
            throw Self.pickle
        } else {
            throw ZooError(
                "this is none of the formats that are read: safetensors, npz, npy, ONNX and the weights of Keras (HDF5)",
                code: .unsupported
            )
        }
    }

    /// Whether files of this name are commonly pickles.
    private static func isPickleName(_ name: String) -> Bool {
        [".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".bin"].contains { name.hasSuffix($0) }
    }

    /// Whether an archive names an entry that ends in `name`.
    private static func contains(_ name: String, _ bytes: [UInt8]) -> Bool {
        guard let first = name.utf8.first else { return false }
        var rest = bytes[...]
        while let index = rest.firstIndex(of: first) {
            rest = rest[index...]
            if rest.starts(with: name.utf8) { return true }
            rest = rest.dropFirst()
        }
        return false
    }

    private static let pickle = ZooError(
        "this is a Python pickle, a program that runs when it is loaded, so it is refused",
        advice:
            "in PyTorch, write safetensors.torch.save_file(model.state_dict(), \"model.safetensors\") and import that",
        code: .unsupported)
}
