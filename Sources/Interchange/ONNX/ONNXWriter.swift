import TensorCore

/// Writes a graph as an ONNX file.
///
/// Source: onnx.proto3 and the operators' documentation of ONNX 1.12: IR version 8, operator set 17.
enum ONNXWriter {
    private typealias Fields = ONNXFields

    /// The bytes of a model file. Weights are stored as raw little-endian f32.
    ///
    /// - Throws: `ZooError` when they are 2 GiB or more, which Protocol Buffers cannot hold.
    static func encode(_ graph: ONNXGraph, metadata: [(name: String, value: String)]) throws -> [UInt8] {
        let byteCount = graph.weights.reduce(0) { $0 + 4 * $1.values.count }
        guard byteCount < 2 << 30 - 1 << 20 else {
            throw ZooError(
                "\(graph.name) has \(byteCount) bytes of weights; an ONNX file holds less than 2 GiB", code: .limit)
        }
        var model = ProtobufWriter()
        model.integer(Fields.Model.irVersion, Fields.irVersion)
        model.text(Fields.Model.producerName, "zoo")
        model.message(Fields.Model.graph) { write(graph, to: &$0) }
        model.message(Fields.Model.operatorSets) {
            $0.text(1, "")
            $0.integer(2, Fields.operatorSet)
        }
        for text in metadata {
            model.message(Fields.Model.metadata) {
                $0.text(1, text.name)
                $0.text(2, text.value)
            }
        }
        return model.bytes
    }

    private static func write(_ graph: ONNXGraph, to writer: inout ProtobufWriter) {
        for node in graph.nodes { writer.message(Fields.Graph.nodes) { write(node, to: &$0) } }
        writer.text(Fields.Graph.name, graph.name)
        for tensor in graph.weights {
            writer.message(Fields.Graph.initializers) { writer in
                for extent in tensor.shape { writer.integer(Fields.Tensor.extents, extent) }
                writer.integer(Fields.Tensor.dataType, Fields.float)
                writer.text(Fields.Tensor.name, tensor.path)
                tensor.values.withUnsafeBytes { writer.bytes(Fields.Tensor.raw, $0) }
            }
        }
        for value in graph.inputs { writer.message(Fields.Graph.inputs) { write(value, to: &$0) } }
        for value in graph.outputs { writer.message(Fields.Graph.outputs) { write(value, to: &$0) } }
    }

    private static func write(_ node: ONNXNode, to writer: inout ProtobufWriter) {
        for input in node.inputs { writer.text(Fields.Node.inputs, input) }
        for output in node.outputs { writer.text(Fields.Node.outputs, output) }
        writer.text(Fields.Node.name, node.name)
        writer.text(Fields.Node.type, node.type)
        for attribute in node.attributes {
            writer.message(Fields.Node.attributes) { writer in
                writer.text(1, attribute.name)
                // The last field says which of the others holds the value.
                switch attribute.value {
                case .float(let value):
                    writer.float(2, value)
                    writer.integer(20, 1)
                case .integer(let value):
                    writer.integer(3, value)
                    writer.integer(20, 2)
                case .text(let value):
                    writer.text(4, value)
                    writer.integer(20, 3)
                case .floats(let values):
                    for value in values { writer.float(7, value) }
                    writer.integer(20, 6)
                case .integers(let values):
                    for value in values { writer.integer(8, value) }
                    writer.integer(20, 7)
                }
            }
        }
    }

    /// A value's name and type: f32, the first axis called N.
    private static func write(_ value: ONNXGraph.Value, to writer: inout ProtobufWriter) {
        writer.text(1, value.name)
        writer.message(2) { type in
            type.message(1) { tensor in
                tensor.integer(1, Fields.float)
                tensor.message(2) { shape in
                    if value.isBatched { shape.message(1) { $0.text(2, "N") } }
                    for extent in value.shape { shape.message(1) { $0.integer(1, extent) } }
                }
            }
        }
    }
}
