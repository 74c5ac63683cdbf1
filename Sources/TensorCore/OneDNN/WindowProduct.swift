import CKernels
import COneDNN

/// A pass of a bfloat16 convolution as a matrix product over windows.
///
/// Where the maps are small, oneDNN's passes back through a convolution reach a tenth of the speed of its matrix products.
/// So they become products with the windows of all pixels as rows: gathered before the product for the weights' gradient,
/// added up after it for the data's. Weights lie as maps × kernel height × kernel width × channels.
struct WindowProduct {
    /// Larger maps are convolved: the rows would not fit into the cache.
    private static let largestArea = 64

    let operands: MatrixOperands
    private let weightShape: Shape
    var window: zk_window

    /// nil where the step is not such a pass, or runs better as a convolution.
    init?(_ step: ProgramStep, _ program: Program, _ precision: Precision) {
        guard precision == .bf16, let operands = step.matrixOperands, let window = operands.window,
            operands.pass != .forward
        else { return nil }
        self.operands = operands
        weightShape = program[operands.weights].shape
        let output = program[operands.narrow].shape
        self.window = zk_window(window, input: program[operands.wide].shape, output: output)
        guard output.area <= Self.largestArea, zk_windows_fit(&self.window) else { return nil }
    }

    /// Elements of one row.
    private var rowLength: Int { weightShape.count / weightShape.dimensions[0] }

    private var pixels: Int { Int(window.output_height * window.output_width) }

    /// Bytes of the rows of a batch.
    func rowByteCount(batchSize: Int) -> Int { batchSize * pixels * rowLength * MemoryLayout<UInt16>.stride }

    func rowLayout(batchSize: Int) throws -> DNNLayout {
        try .plain([batchSize * pixels, rowLength], type: ZOO_DNN_BF16)
    }

    func narrowLayout(batchSize: Int) throws -> DNNLayout {
        try .plain([batchSize * pixels, weightShape.dimensions[0]], type: ZOO_DNN_BF16)
    }

    /// Maps × channels × height × width in the order maps × height × width × channels.
    func weightLayout() throws -> DNNLayout {
        let extents = weightShape.dimensions
        return try DNNLayout(
            extents, strides: [rowLength, 1, extents[3] * extents[1], extents[1]])
    }

    /// The same memory as a matrix, maps × row.
    func matrixLayout() throws -> DNNLayout { try .plain([weightShape.dimensions[0], rowLength]) }

    func anyMatrixLayout() throws -> DNNLayout {
        try .any([weightShape.dimensions[0], rowLength], type: ZOO_DNN_BF16)
    }
}

extension StepCompiler {
    /// The matrix product of a pass.
    func windowPrimitive(_ product: WindowProduct) throws -> DNNPrimitive {
        let rows = try product.rowLayout(batchSize: batchSize)
        let narrow = try product.narrowLayout(batchSize: batchSize)
        guard product.operands.pass == .backwardWeights else {
            return try .innerProduct(
                context, pass: ZOO_DNN_BACKWARD_DATA, source: rows, weights: product.anyMatrixLayout(), bias: nil,
                destination: narrow, relu: false)
        }
        return try .innerProduct(
            context, pass: ZOO_DNN_BACKWARD_WEIGHTS, source: rows, weights: product.matrixLayout(),
            bias: product.operands.narrowBias.map { try .plain([program[$0].shape.count]) }, destination: narrow,
            relu: false)
    }

    func windowStep(
        _ index: Int, _ fused: FusedStep, _ product: WindowProduct, _ primitive: DNNPrimitive, _ placement: Placement
    ) throws -> CompiledStep {
        let step = fused.step
        func at(_ id: TensorID) throws -> UnsafeMutablePointer<Float> { try address(id, placement) }
        let operands = product.operands
        let (wide, narrow) = (try at(operands.wide), try at(operands.narrow))
        let wideBias = try operands.wideBias.map(at)
        let wideIsHalf = types.isHalf(operands.wide)
        let wideShape = program[operands.wide].shape
        let rows = placement.arena.floats(at: placement.conversionOffset)
        let rowBytes = (product.rowByteCount(batchSize: batchSize) + 63) / 64 * 64
        let narrowHalf =
            types.isHalf(operands.narrow)
            ? narrow : placement.arena.floats(at: placement.conversionOffset + rowBytes)
        let narrowCount = Int64(program[operands.narrow].shape.count * batchSize)
        let convert: () -> Void = {
            if narrowHalf != narrow { zk_to_half(narrow, narrowHalf, narrowCount) }
        }
        try primitive.bind(ZOO_DNN_SOURCE, rows)
        try primitive.bind(ZOO_DNN_DESTINATION, narrowHalf)
        try primitive.bind(ZOO_DNN_SCRATCHPAD, placement.scratchpad)
        try primitive.bind(
            ZOO_DNN_WEIGHTS,
            placement.packedOffsets[index].map { placement.arena.floats(at: $0) } ?? at(operands.weights))
        if let bias = operands.narrowBias { try primitive.bind(ZOO_DNN_BIAS, at(bias)) }
        var window = product.window
        let images = Int64(batchSize)
        var run: (StepValues) -> Void
        if operands.pass == .backwardWeights {
            run = { _ in
                convert()
                zk_windows(wide, wideIsHalf, rows, images, &window)
                primitive.run()
            }
            if let wideBias {
                let products = run
                let (count, channels) = (Int64(batchSize * wideShape.area), Int64(wideShape.channels))
                run = { values in
                    products(values)
                    zk_column_sums(wide, wideIsHalf, count, channels, wideBias)
                }
            }
        } else {
            let relu = fused.activation == .relu
            let (kind, parameter) = fused.activation.kernel
            let activates = !relu && fused.activation != .identity
            let count = Int64(wideShape.count * batchSize)
            run = { _ in
                convert()
                primitive.run()
                zk_add_windows(rows, wideBias, relu, wide, wideIsHalf, images, &window)
                if activates { zk_activate(kind, parameter, wide, wide, wideIsHalf, count) }
            }
        }
        return CompiledStep(
            path: step.path, operation: step.operation.name, pass: step.pass,
            implementation: "windows, " + primitive.implementation,
            flops: 2 * Double(batchSize * program.multiplyAdds(of: step)),
            byteCount: (fused.inputs + fused.outputs).reduce(0) { $0 + byteCount($1) }, run: run)
    }
}
