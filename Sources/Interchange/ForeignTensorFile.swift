import FileSupport
import TensorCore

extension ForeignFile: TensorFile {
    public var formatName: String { format.rawValue }

    public var entries: [TensorEntry] {
        tensors.map {
            TensorEntry(path: $0.name, shape: $0.shape, elementType: $0.elementTypeName, byteCount: $0.byteCount)
        }
    }

    public func values(at index: Int) throws -> [Float] {
        guard tensors.indices.contains(index) else {
            throw ZooError("\(path) has no tensor number \(index)", code: .invalidValue)
        }
        return try tensors[index].floats()
    }
}
