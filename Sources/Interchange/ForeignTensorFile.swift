import FileSupport
import TensorCore

extension ForeignFile: TensorFile {
    package var formatName: String { format.rawValue }

    package var entries: [TensorEntry] {
        tensors.map {
            TensorEntry(path: $0.name, shape: $0.shape, elementType: $0.elementTypeName, byteCount: $0.bytes.count)
        }
    }

    package func values(at index: Int) throws -> [Float] {
        guard tensors.indices.contains(index) else { throw ZooError("\(path) has no tensor number \(index).") }
        return try tensors[index].floats()
    }
}
