import FileSupport
import TensorCore

/// A variable of a Keras layer: which tensor of the zoo it is, and how its elements are ordered.
///
/// Keras works on N H W C: kernels are `[kh, kw, in, out]`, of transposed convolutions `[kh, kw, out, in]`, of dense layers
/// `[in, out]`; where maps are flattened or made from a vector, features come in H W C order.
struct KerasVariable {
    /// The zoo's path, for instance `encoder.conv1.weight`.
    let path: String
    /// Extents as the zoo stores them.
    let shape: [Int]
    let layout: Layout
    /// Whether training changes it: not so the running statistics.
    var isTrainable = true

    enum Layout {
        /// Of a bias or a normalisation: `[C]`, in the order of the features it belongs to.
        case vector(FeatureOrder)
        /// `[out, in]` in the zoo, `[in, out]` in Keras.
        case dense(rows: FeatureOrder, columns: FeatureOrder)
        /// `[a, b, kh, kw]` in the zoo, `[kh, kw, b, a]` in Keras: of both kinds of convolution.
        case kernel
    }

    /// Extents as Keras stores them.
    var kerasShape: [Int] {
        switch layout {
        case .vector: shape
        case .dense, .kernel:
            shape.count == 4 ? [shape[2], shape[3], shape[1], shape[0]] : Array(shape.reversed())
        }
    }

    /// For each element in Keras' order, its place in the zoo's.
    private var places: [Int] {
        switch layout {
        case .vector(let order): return order.featureAtPlace() ?? Array(0..<shape.reduce(1, *))
        case .dense(let rows, let columns):
            let (outputs, inputs) = (shape[0], shape[1])
            let rowAt = rows.featureAtPlace() ?? Array(0..<outputs)
            let columnAt = columns.featureAtPlace() ?? Array(0..<inputs)
            return columnAt.flatMap { column in rowAt.map { $0 * inputs + column } }
        case .kernel:
            let (a, b, area) = (shape[0], shape[1], shape[2] * shape[3])
            return (0..<area).flatMap { position in
                (0..<b).flatMap { second in (0..<a).map { ($0 * b + second) * area + position } }
            }
        }
    }

    /// The zoo's elements in Keras' order.
    func kerasValues(_ values: [Float]) -> [Float] {
        places.map { values[$0] }
    }

    /// Keras' tensor under the zoo's path, shape and order.
    ///
    /// - Precondition: it has the shape `kerasShape`.
    func zooTensor(_ tensor: ForeignTensor) -> ForeignTensor {
        let width = tensor.elementType.byteCount
        var bytes = [UInt8](repeating: 0, count: tensor.bytes.count)
        var source = tensor.bytes.startIndex
        for place in places {
            for byte in 0..<width { bytes[place * width + byte] = tensor.bytes[source + byte] }
            source += width
        }
        return ForeignTensor(name: path, shape: shape, elementType: tensor.elementType, bytes: bytes[...])
    }
}

/// A Keras layer with weights.
struct KerasLayer {
    /// The class, as file names spell it: `conv2d_transpose`.
    let kind: String
    /// The zoo's path, for instance `encoder.conv1`.
    let path: String
    let variables: [KerasVariable]
}
