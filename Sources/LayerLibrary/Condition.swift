import TensorCore

/// Appends the class of the image to what flows: one number for each class, 1 for the image's own and 0 for the others (Sohn, Lee and
/// Yan 2015). A vector `[D]` becomes `[D + classes]`, maps `[C, H, W]` become `[C + classes, H, W]`.
public struct Condition: Layer {
    /// How many classes there are.
    public var classes: Int

    public init(classes: Int) {
        self.classes = classes
    }

    public var kind: String { "condition" }
    public var fields: [String: FieldValue] { ["classes": .integer(classes)] }

    public func lower(_ x: TensorID, into builder: inout GraphBuilder) throws -> TensorID {
        let rows = builder.program.type(of: x).rows
        if case .fixed = rows {
            throw ZooError(
                "\(builder.path) (condition): \(rows.mismatchWithImages)", code: .mismatch,
                subject: .layer(builder.path))
        }
        return try builder.custom(AppendedClass(classes: classes), [x, builder.imageClass(count: classes)])
    }
}

extension Sequence where Element == NamedLayer {
    /// The classes of the first `Condition`, those inside residual layers included; nil without one.
    public var classCount: Int? {
        for layer in self {
            if let condition = layer.layer as? Condition { return condition.classes }
            if let inside = (layer.layer as? Residual)?.layers.classCount { return inside }
        }
        return nil
    }
}

/// `[C, …]` and `[K]` → `[C + K, …]`: K more maps, each of one number.
private struct AppendedClass: CustomOperation {
    let classes: Int

    var name: String { "append_class" }
    var definitionName: String { "condition" }
    var formula: String? { "y = x1, then x2 on every place" }

    func output(_ inputs: [TensorType]) throws -> TensorType {
        guard inputs.count == 2, inputs[1].shape == [classes], inputs[0].shape.rank > 0,
            inputs[0].rows != .one,
            inputs[0].rows.isMultiple(of: inputs[1].rows) || inputs[1].rows.isMultiple(of: inputs[0].rows)
        else { throw ZooError("condition: needs a vector or maps of each image", code: .mismatch) }
        let shape = inputs[0].shape
        let rows = inputs[0].rows.isMultiple(of: inputs[1].rows) ? inputs[0].rows : inputs[1].rows
        return TensorType(Shape([shape.channels + classes] + shape.dimensions.dropFirst()), rows)
    }

    func forward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        let (size, area) = (t.rowSize(0), t.inputTypes[0].shape.area)
        let repeats = (t.repeats(0), t.repeats(1))
        let whole = size + classes * area
        for row in 0..<t.outputRowCount {
            for i in 0..<size { t.output[row * whole + i] = t.inputs[0][row / repeats.0 * size + i] }
            for k in 0..<classes {
                let value = t.inputs[1][row / repeats.1 * classes + k]
                for p in 0..<area { t.output[row * whole + size + k * area + p] = value }
            }
        }
    }

    func backward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        guard let gradient = t.inputGradients[0] else { return }
        let size = t.rowSize(0)
        let whole = size + classes * t.inputTypes[0].shape.area
        let repeats = t.repeats(0)
        for row in 0..<t.outputRowCount {
            for i in 0..<size { gradient[row / repeats * size + i] += t.outputGradient[row * whole + i] }
        }
    }
}
