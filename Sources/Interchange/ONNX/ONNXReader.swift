import FileSupport
import TensorCore

/// Reads the weights of an ONNX file from strangers: initializers. Graphs are neither looked at nor run.
///
/// Source: onnx.proto3, ONNX 1.12. Weights outside the file (`data_location` EXTERNAL) are read from regular files of the same folder.
package enum ONNXReader {
    private typealias Fields = ONNXFields

    /// Largest file in bytes: Protocol Buffers end at 2 GiB.
    package static let fileLimit = 2 << 30 - 1
    /// Most initializers and texts.
    package static let itemLimit = 65_536

    /// What a file holds.
    package struct Contents {
        package var tensors: [ForeignTensor] = []
        package var metadata: [String: String] = [:]
    }

    /// Reads the bytes of a file.
    ///
    /// - Throws: `ZooError` naming what is damaged or refused.
    package static func decode(_ bytes: [UInt8]) throws -> Contents { try decode(bytes[...]) }

    /// - Throws: `ZooError` for a file that is too long.
    static func check(byteCount: Int) throws {
        guard byteCount <= fileLimit else {
            throw ZooError("the file has \(byteCount) bytes; ONNX files have less than 2 GiB", code: .limit)
        }
    }

    /// Reads the bytes of a file.
    ///
    /// - Parameter outside: the files beside it; nil for none.
    /// - Throws: `ZooError` as `decode`.
    static func decode(_ bytes: ArraySlice<UInt8>, outside: ONNXOutsideData? = nil) throws -> Contents {
        var outside = outside
        try check(byteCount: bytes.count)
        var contents = Contents()
        var version: Int?
        var graphs = 0
        var budget = UnpackingBudget(fileByteCount: bytes.count)
        var reader = ProtobufReader(bytes, subject: "the model")
        while let (field, value) = try reader.next() {
            switch field {
            case Fields.Model.irVersion: version = try reader.integer(value, "the version")
            case Fields.Model.graph:
                graphs += 1
                guard graphs == 1 else { throw reader.damaged("a second graph") }
                try readGraph(try reader.bytes(value, "the graph"), &contents, &budget, &outside)
            case Fields.Model.metadata:
                guard contents.metadata.count < itemLimit else { throw reader.damaged("too many texts") }
                let (name, text) = try ProtobufReader.texts(try reader.bytes(value, "a text"), subject: "a text")
                guard contents.metadata.updateValue(text, forKey: name) == nil else {
                    throw reader.damaged("the text \"\(name)\" is there twice")
                }
            default: break
            }
        }
        guard let version, (3...64).contains(version), graphs == 1 else {
            throw ZooError(
                "the file is no ONNX model: it has \(graphs) graphs and the version \(version ?? 0)", code: .damaged)
        }
        try checkUnique(contents.tensors)
        try outside?.checkDisjoint()
        return contents
    }

    private static func readGraph(
        _ bytes: ArraySlice<UInt8>, _ contents: inout Contents, _ budget: inout UnpackingBudget,
        _ outside: inout ONNXOutsideData?
    ) throws {
        var reader = ProtobufReader(bytes, subject: "the graph")
        while let (field, value) = try reader.next() {
            switch field {
            case Fields.Graph.initializers:
                guard contents.tensors.count < itemLimit else { throw reader.damaged("more than \(itemLimit) tensors") }
                let tensor = try ONNXTensor(try reader.bytes(value, "a tensor")).tensor(budget: &budget, &outside)
                try budget.borrow(tensor.floatByteCount ?? 0, for: tensor.name)
                contents.tensors.append(tensor)
            case Fields.Graph.sparseInitializers:
                throw ZooError("unsupported ONNX feature: the graph has sparse weights", code: .unsupported)
            default: break
            }
        }
    }

    private static func checkUnique(_ tensors: [ForeignTensor]) throws {
        var names: Set<String> = []
        for tensor in tensors where !names.insert(tensor.name).inserted {
            throw ZooError("damaged ONNX data: two tensors are called \"\(tensor.name)\"", code: .damaged)
        }
    }
}
