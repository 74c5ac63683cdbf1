import TensorCore
import TextSupport

/// What the description of a model in a Keras file (the attribute `model_config`) says of its layers. Nothing is made of it.
struct KerasDescription {
    /// The layers with padding `same` and a stride that pad more on one side than on the other, as `conv2d_1 (Conv2D, kernel 3,
    /// stride 2)`.
    private(set) var unevenlyPadded: [String] = []

    /// - Parameter text: JSON. What is no description says nothing.
    init(_ text: String) {
        guard let root = try? JSONValue(parsing: text) else { return }
        visit(root, depth: 0)
    }

    /// A model may be a layer of another.
    private mutating func visit(_ value: JSONValue, depth: Int) {
        guard depth < 32 else { return }
        if let kind = value["class_name"]?.stringValue, let config = value["config"] {
            note(kind, config)
            visit(config, depth: depth + 1)
        }
        for layer in value["layers"]?.arrayValue ?? [] { visit(layer, depth: depth + 1) }
        if let inner = value["layer"] { visit(inner, depth: depth + 1) }
    }

    /// Keras pads so that the output has ⌈n/s⌉ rows: of inputs that the stride divides k − s rows in all, the odd one below
    /// (TensorFlow's guide "Padding", SAME).
    private mutating func note(_ kind: String, _ config: JSONValue) {
        guard config["padding"]?.stringValue == "same" else { return }
        let kernels = Self.sizes(config["kernel_size"] ?? config["pool_size"])
        let strides = Self.sizes(config["strides"])
        for (kernel, stride) in zip(kernels, strides) where stride > 1 && kernel > stride {
            guard !(kernel - stride).isMultiple(of: 2) else { continue }
            let name = config["name"]?.stringValue ?? kind
            unevenlyPadded.append("\(name) (\(kind), kernel \(kernel), stride \(stride))")
            return
        }
    }

    private static func sizes(_ value: JSONValue?) -> [Int] {
        (value?.arrayValue ?? []).compactMap(\.countValue)
    }
}
