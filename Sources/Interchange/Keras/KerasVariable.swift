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

    /// Calls `body` for each element in Keras' order with its place in the zoo's.
    private func forEachPlace(_ body: (Int) -> Void) {
        switch layout {
        case .vector(let order):
            let count = shape.reduce(1, *)
            if let features = order.featureAtPlace() { features.forEach(body) } else { (0..<count).forEach(body) }
        case .dense(let rows, let columns):
            let (outputs, inputs) = (shape[0], shape[1])
            let rowAt = rows.featureAtPlace() ?? Array(0..<outputs)
            for column in columns.featureAtPlace() ?? Array(0..<inputs) {
                for row in rowAt { body(row * inputs + column) }
            }
        case .kernel:
            let (a, b, area) = (shape[0], shape[1], shape[2] * shape[3])
            for position in 0..<area {
                for second in 0..<b {
                    for first in 0..<a { body((first * b + second) * area + position) }
                }
            }
        }
    }

    /// The zoo's elements in Keras' order.
    func kerasValues(_ values: [Float]) -> [Float] {
        var result: [Float] = []
        result.reserveCapacity(values.count)
        forEachPlace { result.append(values[$0]) }
        return result
    }

    /// Keras' tensor under the zoo's path, shape and order.
    ///
    /// - Precondition: it has the shape `kerasShape`.
    /// - Throws: `ZooError` when its elements cannot be read.
    func zooTensor(_ tensor: ForeignTensor) throws -> ForeignTensor {
        let width = tensor.elementType.byteCount
        let stored = try tensor.bytes()
        var bytes = [UInt8](repeating: 0, count: stored.count)
        var source = stored.startIndex
        forEachPlace { place in
            for byte in 0..<width { bytes[place * width + byte] = stored[source + byte] }
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
