import Checkpoints
import FileSupport
import Glibc
import TensorCore

/// Weights beside an ONNX file, as PyTorch writes them: `model.onnx.data`. Only files of the same folder are opened, never links; each
/// byte belongs to one tensor, so that a small file cannot ask for much.
struct ONNXOutsideData {
    /// Where the ONNX file is.
    let folder: String
    private var files: [String: (source: FileSource, extents: ExtentMap)] = [:]

    init(folder: String) {
        self.folder = folder
    }

    private static let advice =
        "put the file beside the model, or write one file: torch.onnx.export(…, external_data=False), or of a model that is "
        + "loaded onnx.save(model, path, save_as_external_data=False)"

    /// The elements of a tensor.
    ///
    /// - Parameters:
    ///   - fields: `location`, and perhaps `offset` and `length`, as the file has them.
    /// - Throws: `ZooError` for a name that is no file of the folder, a link, and places outside the file or of another length.
    mutating func tensor(
        _ name: String, shape: [Int], type: StoredElementType, byteCount: Int, _ fields: [String: String]
    ) throws -> ForeignTensor {
        let location = fields["location"] ?? ""
        func number(_ field: String, otherwise: Int) throws -> Int {
            guard let text = fields[field] else { return otherwise }
            guard let number = Int(text), number >= 0 else {
                throw ZooError(
                    "damaged ONNX data: the \(field) of the tensor \"\(name)\" is '\(text.prefix(40))'", code: .damaged)
            }
            return number
        }
        let offset = try number("offset", otherwise: 0)
        let length = try number("length", otherwise: byteCount)
        guard length == byteCount else {
            throw ZooError(
                "damaged ONNX data: \"\(name)\" has \(shape) of \(type), \(byteCount) bytes, and '\(location)' has \(length) "
                    + "for it", code: .damaged)
        }
        var file = try files[location] ?? open(location, name)
        let range = try file.extents.claim(offset, byteCount, "\"\(name)\" in '\(location)'")
        files[location] = file
        return ForeignTensor(name: name, shape: shape, elementType: type, source: file.source, range: range)
    }

    /// - Throws: `ZooError` where two tensors share bytes.
    func checkDisjoint() throws {
        for file in files.values { try file.extents.checkDisjoint() }
    }

    private func open(_ location: String, _ name: String) throws -> (source: FileSource, extents: ExtentMap) {
        guard !location.isEmpty, location != ".", location != "..", location.utf8.count <= 255,
            !location.utf8.contains(UInt8(ascii: "/")), !location.utf8.contains(0)
        else {
            throw ZooError(
                "the tensor \"\(name)\" lies in '\(location.prefix(80))', which is no file of the model's own folder, so it is refused",
                advice: Self.advice, code: .unsupported)
        }
        let path = "\(folder)/\(location)"
        var status = stat()
        guard lstat(path, &status) == 0 else {
            throw ZooError(
                "the tensor \"\(name)\" lies in '\(location)', which is not beside the model", advice: Self.advice,
                code: .notFound)
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw ZooError(
                "the tensor \"\(name)\" lies in '\(location)', which is no regular file but a link, folder or device, so it is refused",
                advice: Self.advice, code: .unsupported)
        }
        let file = try RegularFile(path, limit: HDF5Limits().fileByteCount)
        return (FileSource(file, from: 0), ExtentMap(byteCount: file.byteCount, format: "ONNX"))
    }
}
