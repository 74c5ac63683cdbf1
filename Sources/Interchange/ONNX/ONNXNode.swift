import TensorCore

/// One operation of an ONNX graph.
struct ONNXNode {
    enum Attribute {
        case float(Float)
        case integer(Int)
        case text(String)
        case integers([Int])
        case floats([Float])
    }

    /// The operator, for instance `Conv`.
    var type: String
    /// The path of the layer, for instance `encoder.conv1`; unique in the graph.
    var name: String
    /// Names of values; empty for an optional one that is not there.
    var inputs: [String]
    var outputs: [String]
    var attributes: [(name: String, value: Attribute)] = []
}

/// A graph of ONNX: nodes in the order in which they run, weights, and what goes in and out.
struct ONNXGraph {
    /// A batched value: `[N]` and the extents of one image.
    struct Value {
        var name: String
        var shape: [Int]
        /// False for a value without the axis N.
        var isBatched = true
    }

    var name: String
    var nodes: [ONNXNode] = []
    var weights: [NamedTensor] = []
    var inputs: [Value] = []
    var outputs: [Value] = []
}

/// Field numbers of ONNX messages (onnx.proto3, ONNX 1.12), and the values written.
enum ONNXFields {
    /// Of the format's version 8, which goes with operator set 17.
    static let irVersion = 8
    static let operatorSet = 17
    /// `TensorProto.DataType`.
    static let float = 1

    enum Model {
        static let irVersion: UInt64 = 1
        static let producerName: UInt64 = 2
        static let graph: UInt64 = 7
        static let operatorSets: UInt64 = 8
        static let metadata: UInt64 = 14
    }

    enum Graph {
        static let nodes: UInt64 = 1
        static let name: UInt64 = 2
        static let initializers: UInt64 = 5
        static let inputs: UInt64 = 11
        static let outputs: UInt64 = 12
        static let sparseInitializers: UInt64 = 15
    }

    enum Node {
        static let inputs: UInt64 = 1
        static let outputs: UInt64 = 2
        static let name: UInt64 = 3
        static let type: UInt64 = 4
        static let attributes: UInt64 = 5
    }

    enum Tensor {
        static let extents: UInt64 = 1
        static let dataType: UInt64 = 2
        static let segment: UInt64 = 3
        static let floats: UInt64 = 4
        static let int32s: UInt64 = 5
        static let strings: UInt64 = 6
        static let int64s: UInt64 = 7
        static let name: UInt64 = 8
        static let raw: UInt64 = 9
        static let doubles: UInt64 = 10
        static let uint64s: UInt64 = 11
        static let external: UInt64 = 13
        static let location: UInt64 = 14
    }
}
