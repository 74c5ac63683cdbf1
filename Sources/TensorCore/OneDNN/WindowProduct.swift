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

    /// The side that the windows slide over.
    let wide: TensorID
    /// The side with one pixel per window.
    let narrow: TensorID
    private let weightShape: Shape
    var window: zk_window

    /// nil where the step is not such a pass, or runs better as a convolution.
    init?(_ step: ProgramStep, _ program: Program, _ precision: Precision) {
        guard precision == .bf16 else { return nil }
        let (isTransposed, window): (Bool, Window)
        switch step.operation {
        case .convolution(let value): (isTransposed, window) = (false, value)
        case .transposedConvolution(let value): (isTransposed, window) = (true, value)
        default: return nil
        }
        let weights: TensorID
        switch (step.pass, isTransposed) {
        case (.forward, true), (.backwardData, false):
            (narrow, wide, weights) = (step.inputs[0], step.outputs[0], step.inputs[1])
        case (.backwardWeights, false): (narrow, wide, weights) = (step.inputs[1], step.inputs[0], step.outputs[0])
        case (.backwardWeights, true): (narrow, wide, weights) = (step.inputs[0], step.inputs[1], step.outputs[0])
        default: return nil
        }
        weightShape = program[weights].shape
        let (input, output) = (program[wide].shape, program[narrow].shape)
        self.window = zk_window(
            channels: Int64(input.channels), input_height: Int64(input.height), input_width: Int64(input.width),
            output_height: Int64(output.height), output_width: Int64(output.width),
            kernel: (Int64(window.kernel.height), Int64(window.kernel.width)),
            stride: (Int64(window.stride.height), Int64(window.stride.width)),
            padding: (Int64(window.padding.height), Int64(window.padding.width)))
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
    func windowPrimitive(_ product: WindowProduct, _ step: ProgramStep) throws -> DNNPrimitive {
        let rows = try product.rowLayout(batchSize: batchSize)
        let narrow = try product.narrowLayout(batchSize: batchSize)
        guard step.pass == .backwardWeights else {
            return try .innerProduct(
                context, pass: ZOO_DNN_BACKWARD_DATA, source: rows, weights: product.anyMatrixLayout(), bias: nil,
                destination: narrow, relu: false)
        }
        let bias = narrowBias(step, product)
        return try .innerProduct(
            context, pass: ZOO_DNN_BACKWARD_WEIGHTS, source: rows, weights: product.matrixLayout(),
            bias: bias.map { try .plain([program[$0].shape.count]) }, destination: narrow, relu: false)
    }

    /// The gradient of a bias that belongs to the narrow side, which the product gives too.
    private func narrowBias(_ step: ProgramStep, _ product: WindowProduct) -> TensorID? {
        guard case .convolution = step.operation, step.outputs.count > 1 else { return nil }
        return step.outputs[1]
    }

    func windowStep(
        _ index: Int, _ fused: FusedStep, _ product: WindowProduct, _ primitive: DNNPrimitive, _ placement: Placement
    ) throws -> CompiledStep {
        let step = fused.step
        func at(_ id: TensorID) throws -> UnsafeMutablePointer<Float> { try address(id, placement) }
        let (wide, narrow) = (try at(product.wide), try at(product.narrow))
        let wideIsHalf = types.isHalf(product.wide)
        let rows = placement.arena.floats(at: placement.conversionOffset)
        let rowBytes = (product.rowByteCount(batchSize: batchSize) + 63) / 64 * 64
        let narrowHalf =
            types.isHalf(product.narrow)
            ? narrow : placement.arena.floats(at: placement.conversionOffset + rowBytes)
        let narrowCount = Int64(program[product.narrow].shape.count * batchSize)
        let convert: () -> Void = {
            if narrowHalf != narrow { zk_to_half(narrow, narrowHalf, narrowCount) }
        }
        try primitive.bind(ZOO_DNN_SOURCE, rows)
        try primitive.bind(ZOO_DNN_DESTINATION, narrowHalf)
        try primitive.bind(ZOO_DNN_SCRATCHPAD, placement.scratchpad)
        let weights = step.pass == .backwardWeights ? step.outputs[0] : step.inputs[1]
        try primitive.bind(
            ZOO_DNN_WEIGHTS, placement.packedOffsets[index].map { placement.arena.floats(at: $0) } ?? at(weights))
        var window = product.window
        let images = Int64(batchSize)
        var run: (StepValues) -> Void
        if step.pass == .backwardWeights {
            if let bias = narrowBias(step, product) { try primitive.bind(ZOO_DNN_BIAS, at(bias)) }
            run = { _ in
                convert()
                zk_windows(wide, wideIsHalf, rows, images, &window)
                primitive.run()
            }
            if case .transposedConvolution = step.operation, step.outputs.count > 1 {
                let (products, dBias) = (run, try at(step.outputs[1]))
                let shape = program[product.wide].shape
                let (count, channels) = (Int64(batchSize * shape.area), Int64(shape.channels))
                run = { values in
                    products(values)
                    zk_column_sums(wide, wideIsHalf, count, channels, dBias)
                }
            }
        } else {
            let bias = step.pass == .forward && step.inputs.count > 2 ? try at(step.inputs[2]) : nil
            let relu = fused.activation == .relu
            let (kind, parameter) = fused.activation.kernel
            let activates = !relu && fused.activation != .identity
            let count = Int64(program[product.wide].shape.count * batchSize)
            run = { _ in
                convert()
                primitive.run()
                zk_add_windows(rows, bias, relu, wide, wideIsHalf, images, &window)
                if activates { zk_activate(kind, parameter, wide, wide, wideIsHalf, count) }
            }
        }
        return CompiledStep(
            path: step.path, operation: step.operation.name, pass: step.pass,
            implementation: "windows, " + primitive.implementation,
            flops: 2 * Double(batchSize * program.matrixMultiplyAdds(of: step)),
            byteCount: (fused.inputs + fused.outputs).reduce(0) { $0 + byteCount($1) }, run: run)
    }
}
