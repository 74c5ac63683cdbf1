import CKernels
import COneDNN

/// The parameters of a program, their gradients and the optimiser's state: blocks of one size in which each parameter has
/// the same offset, so that norms and updates are single passes.
struct ParameterBlock {
    var byteCount: Int
    var parameters: UnsafeMutablePointer<Float>
    var gradients: UnsafeMutablePointer<Float>
    var state: [UpdateRule.Slot: UnsafeMutablePointer<Float>]

    /// What an update by `rule` changes, from this byte offset on.
    func target(at offset: Int, _ rule: UpdateRule, _ update: UnsafePointer<zk_update>) -> zk_target {
        func part(_ slot: UpdateRule.Slot) -> UnsafeMutablePointer<Float>? {
            guard rule.slots.contains(slot) else { return nil }
            return state[slot].map { $0 + offset / MemoryLayout<Float>.stride }
        }
        return zk_target(
            update: update, parameters: parameters + offset / MemoryLayout<Float>.stride,
            first: part(.momentum) ?? part(.firstMoment), second: part(.secondMoment), average: part(.average))
    }
}

/// Where everything lies, once the arena exists.
struct Placement {
    var arena: Arena
    /// Byte offset in the arena per tensor.
    var offsets: [Int?]
    /// Byte offset within the parameter block.
    var blockOffset: [TensorID: Int]
    var block: ParameterBlock
    var updates: FusedUpdates
    /// Byte offset of packed copies of weights, by the place of their first user in the list of fused steps.
    var packedOffsets: [Int: Int]
    /// Byte offset of memory for bfloat16 copies of what a matrix product reads.
    var conversionOffset: Int
    var scratchpad: UnsafeMutablePointer<Float>
    var imageIndices: ImageIndices

    func pointer(_ id: TensorID) -> UnsafeMutablePointer<Float>? {
        offsets[id.index].map { arena.floats(at: $0) }
    }
}

/// Which image of the data set each row of the batch is: 0, 1, … at first.
final class ImageIndices {
    let pointer: UnsafeMutablePointer<Int32>

    init(batchSize: Int) {
        pointer = .allocate(capacity: batchSize)
        for row in 0..<batchSize { pointer[row] = Int32(row) }
    }

    deinit {
        pointer.deallocate()
    }
}

/// Compiles a program in three stages: choose the kernels, which choose the weights' layouts; place all
/// memory; bind and list the kernels.
final class StepCompiler {
    let program: Program
    let batchSize: Int
    let context: DNNContext
    let orders: FeatureOrders
    let precision: Precision
    let types: ElementTypes
    let fused: [FusedStep]
    private(set) var storages: [TensorID: ParameterStorage] = [:]
    /// Of the gradients that are summed to that of a parameter.
    private var partStorages: [TensorID: ParameterStorage] = [:]
    private var primitives: [Int: DNNPrimitive] = [:]
    let keepsEverything: Bool
    /// With how many threads the calling thread computes, now and in every run.
    let threadCount: Int
    let aliases: Set<Int>

    var callsOneDNN: Bool { !primitives.isEmpty }

    init(
        _ program: Program, batchSize: Int, choice: KernelChoice, keepsEverything: Bool, threadCount: Int
    ) throws {
        precondition(batchSize > 0, "a batch has at least one image, not \(batchSize)")
        self.program = program
        self.batchSize = batchSize
        precision = choice.precision
        self.keepsEverything = keepsEverything
        self.threadCount = threadCount
        context = try DNNContext()
        orders = FeatureOrders(program)
        fused = Fusion(program, choice, keepsEverything: keepsEverything).steps
        var aliases = Set<Int>()
        for (index, step) in fused.enumerated() where Self.isAlias(step.step, program, orders) { aliases.insert(index) }
        self.aliases = aliases
        types = ElementTypes(fused, program, precision: precision, aliases: aliases)
        for (index, step) in fused.enumerated() where step.kernel == nil {
            primitives[index] = try makePrimitive(step)
        }
        try chooseStorages()
    }

    /// Whether a reshape moves nothing: the vector has the order of the maps, or both sides have one shape but for
    /// extents of 1.
    private static func isAlias(_ step: ProgramStep, _ program: Program, _ orders: FeatureOrders) -> Bool {
        guard case .reshape = step.operation else { return false }
        func order(_ id: TensorID) -> FeatureOrder {
            let shape = program[id].shape
            return shape.rank == 3 ? FeatureOrder(of: shape) : orders.order(of: id)
        }
        return order(step.inputs[0]) == order(step.outputs[0])
    }

    // MARK: Primitives

    /// The primitive of a linear layer or convolution; nil for other steps. The pass of a transposed convolution is that
    /// of the convolution which it transposes, with source and destination exchanged.
    private func makePrimitive(_ fused: FusedStep) throws -> DNNPrimitive? {
        let step = fused.step
        guard let operands = step.matrixOperands else { return nil }
        let coarse = precision == .bf16 ? ZOO_DNN_BF16 : ZOO_DNN_F32
        /// What the step reads has the precision of the engine, what it writes its own type.
        func layout(_ id: TensorID) throws -> DNNLayout {
            let type = !step.outputs.contains(id) ? coarse : types.isBF16(id) ? ZOO_DNN_BF16 : ZOO_DNN_F32
            return operands.window == nil
                ? try .plain([rowCount(id), program[id].shape.count], type: type)
                : try .channelsLast(batch: rowCount(id), program[id].shape, type: type)
        }
        let (source, destination) = (try layout(operands.wide), try layout(operands.narrow))
        let weights = try DNNLayout.any(
            program[operands.weights].shape.dimensions, type: step.pass == .backwardWeights ? ZOO_DNN_F32 : coarse)
        let bias = try operands.narrowBias.map { try DNNLayout.plain([program[$0].shape.count]) }
        let pass = zoo_dnn_pass(operands.pass)
        let relu = fused.activation == .relu
        guard let window = operands.window else {
            return try .innerProduct(
                context, pass: pass, source: source, weights: weights, bias: bias, destination: destination, relu: relu)
        }
        return try .convolution(
            context, pass: pass, source: source, weights: weights, bias: bias, destination: destination, window: window,
            relu: relu)
    }

    private func chooseStorages() throws {
        var gradientLayouts: [TensorID: WeightLayout] = [:]
        var forwardLayouts: [TensorID: WeightLayout] = [:]
        func use(_ layout: WeightLayout, of weights: TensorID, in layouts: inout [TensorID: WeightLayout]) throws {
            guard layouts[weights].map({ $0.isEqual(to: layout) }) ?? true else {
                throw ZooError(
                    "the weights \(program[weights].name) are used by two operations that store them differently",
                    advice: "give each operation weights of its own", code: .unsupported)
            }
            layouts[weights] = layout
        }
        let parts = gradientParts()
        for (index, fused) in fused.enumerated() {
            let step = fused.step
            let layout =
                fused.kernel?.weightLayout ?? primitives[index]?.layout(of: ZOO_DNN_WEIGHTS).map { .blocked($0) }
            guard let layout else { continue }
            if step.pass == .backwardWeights {
                guard let parameter = parts[step.outputs[0]] else { continue }
                try use(layout, of: parameter, in: &gradientLayouts)
            } else if step.pass == .forward {
                try use(layout, of: step.inputs[1], in: &forwardLayouts)
            }
        }
        for parameter in program.parameters + program.buffers {
            // Without a gradient, the forward pass's layout does, unless it would round the parameter.
            let forwardLayout = forwardLayouts[parameter].flatMap { $0.isFloat ? $0 : nil }
            let shape = program[parameter].shape
            let isMatrix = shape.rank == 2
            storages[parameter] = ParameterStorage(
                shape: shape,
                layout: gradientLayouts[parameter] ?? forwardLayout ?? .rowMajor,
                rowOrder: isMatrix
                    ? orders.rowOrder(of: parameter) : shape.rank == 1 ? orders.order(of: parameter) : .plain,
                columnOrder: isMatrix ? orders.columnOrder(of: parameter) : .plain)
        }
        for (part, parameter) in parts { partStorages[part] = storages[parameter] }
    }

    /// The parameter of each parameter's gradient, and of the gradients that are summed to one.
    private func gradientParts() -> [TensorID: TensorID] {
        var parts = Dictionary(uniqueKeysWithValues: zip(program.parameterGradients, program.parameters))
        for step in program.steps.reversed() {
            guard case .add = step.operation, let parameter = parts[step.outputs[0]] else { continue }
            for input in step.inputs { parts[input] = parameter }
        }
        return parts
    }

    /// Where each element of a tensor lies, in row-major order; nil where it lies in that order. Feature maps are not asked for.
    ///
    /// - Throws: `ZooError` where only oneDNN knows.
    func places(of id: TensorID) throws -> [Int]? {
        do {
            return try (storages[id] ?? partStorages[id])?.places()
        } catch let error as ZooError where error.code == .unsupported {
            throw ZooError(
                "the objective reads \(program[id].name), which this processor keeps in bf16 in a layout of oneDNN's",
                advice: "train the model in f32", code: .unsupported, subject: .tensor(program[id].name))
        }
    }

    // MARK: Memory

    /// The weights a step reads in another layout than they are stored in, and both layouts.
    private func packedWeights(_ index: Int) throws -> (weights: TensorID, from: DNNLayout, to: DNNLayout)? {
        guard let primitive = primitives[index], let operands = fused[index].step.matrixOperands,
            operands.pass != .backwardWeights, let layout = primitive.layout(of: ZOO_DNN_WEIGHTS)
        else { return nil }
        let shape = program[operands.weights].shape
        guard let stored = try (storages[operands.weights]?.layout ?? .rowMajor).described(shape) else {
            throw ZooError("\(program[operands.weights].name) is stored as oneDNN cannot read it", code: .system)
        }
        return layout.isEqual(to: stored) ? nil : (operands.weights, stored, layout)
    }

    func place() throws -> Placement {
        var blockOffset: [TensorID: Int] = [:]
        var blockBytes = 0
        var groupRanges: [Range<Int>] = []
        for group in program.groups {
            let start = blockBytes
            for parameter in group.parameters {
                blockOffset[parameter] = blockBytes
                blockBytes += ((storages[parameter]?.byteCount ?? 0) + 63) / 64 * 64
            }
            groupRanges.append(start..<blockBytes)
        }
        blockBytes = max(64, blockBytes)
        let slots = UpdateRule.Slot.allCases.filter { slot in
            program.groups.contains { $0.update?.slots.contains(slot) ?? false }
        }
        let learns = !program.parameterGradients.isEmpty
        let plan = MemoryPlan(
            steps: fused, program: program, aliases: aliases, keepsEverything: keepsEverything
        ) { [self] id in
            let role = program[id].role
            return role == .parameter || role == .parameterGradient ? nil : byteCount(id)
        }

        let planBase = blockBytes * ((learns ? 2 : 1) + slots.count)
        var next = planBase + plan.byteCount
        var packedOffsets: [Int: Int] = [:]
        for index in fused.indices {
            guard let bytes = try packedWeights(index)?.to.byteCount ?? fused[index].kernel?.packedByteCount
            else { continue }
            packedOffsets[index] = next
            next += (bytes + 63) / 64 * 64
        }
        let conversionOffset = next
        next +=
            fused.indices.map { index in conversions(of: index).reduce(0) { $0 + bf16ByteCount($1) } }.max() ?? 0
        let scratch = primitives.values.map { $0.layout(of: ZOO_DNN_SCRATCHPAD)?.byteCount ?? 0 }.max() ?? 0
        let workspace =
            fused.map { step -> Int in
                guard case .groupNorm = step.step.operation else { return 0 }
                let info = program[step.step.inputs[0]]
                return 2 * info.rows.count(images: batchSize) * info.shape.channels * MemoryLayout<Float>.stride
            }.max() ?? 0
        let kernelBytes =
            fused.compactMap { step in
                step.kernel.map { $0.workspaceByteCount(images: rowCount($0.operands.source), parts: threadCount) }
            }.max() ?? 0
        let scratchOffset = next
        let rowBytes =
            (program.tensors.map { $0.rows.count(images: batchSize) }.max() ?? 1) * MemoryLayout<Float>.stride
        next += max(64, scratch, workspace, kernelBytes, rowBytes)

        let arena = try Arena(byteCount: next)
        var offsets = plan.offsets.map { $0.map { $0 + planBase } }
        for (index, parameter) in program.parameters.enumerated() {
            offsets[parameter.index] = blockOffset[parameter]
            if learns { offsets[program.parameterGradients[index].index] = blockBytes + (blockOffset[parameter] ?? 0) }
        }
        var state: [UpdateRule.Slot: UnsafeMutablePointer<Float>] = [:]
        for (index, slot) in slots.enumerated() { state[slot] = arena.floats(at: blockBytes * (2 + index)) }
        let block = ParameterBlock(
            byteCount: blockBytes, parameters: arena.floats(at: 0),
            gradients: arena.floats(at: learns ? blockBytes : 0), state: state)
        var updated: [TensorID: Range<Int>] = [:]
        for step in fused {
            guard let kernel = step.kernel, let parameter = updatedParameter(of: step, kernel),
                let offset = blockOffset[parameter], let bytes = storages[parameter]?.byteCount
            else { continue }
            updated[parameter] = offset..<offset + (bytes + 63) / 64 * 64
        }
        return Placement(
            arena: arena, offsets: offsets, blockOffset: blockOffset, block: block,
            updates: FusedUpdates(updated, groups: Array(zip(program.groups, groupRanges)), block),
            packedOffsets: packedOffsets, conversionOffset: conversionOffset,
            scratchpad: arena.floats(at: scratchOffset),
            imageIndices: ImageIndices(batchSize: batchSize))
    }

    /// The f32 tensors that a matrix product reads as bfloat16.
    private func conversions(of index: Int) -> [TensorID] {
        let step = fused[index].step
        guard precision == .bf16, primitives[index] != nil, let operands = step.matrixOperands else { return [] }
        return [operands.source, operands.destination].filter { step.inputs.contains($0) && !types.isBF16($0) }
    }

    /// Bytes of a tensor in bfloat16, rounded up to whole cache lines.
    private func bf16ByteCount(_ id: TensorID) -> Int {
        (program[id].elementCount(images: batchSize) * MemoryLayout<UInt16>.stride + 63) / 64 * 64
    }

    // MARK: Kernels

    func compile(_ placement: Placement) throws -> (preparation: [CompiledStep], steps: [CompiledStep]) {
        var preparation: [CompiledStep] = []
        var steps: [CompiledStep] = []
        for (index, step) in fused.enumerated() {
            if let primitive = primitives[index], let operands = step.step.matrixOperands {
                if let (weights, from, to) = try packedWeights(index), let offset = placement.packedOffsets[index] {
                    preparation.append(
                        try reorder(weights, from: from, to: to, placement.arena.floats(at: offset), placement))
                }
                steps.append(try primitiveStep(index, step, operands, primitive, placement))
            } else if let kernel = step.kernel {
                let packed = placement.packedOffsets[index].map { placement.arena.floats(at: $0) }
                if let packed, let bytes = kernel.packedByteCount {
                    preparation.append(try packStep(kernel, packed, byteCount: bytes, placement))
                }
                steps.append(try matrixStep(kernel, step, packed: packed, placement))
            } else if !aliases.contains(index) {
                steps.append(try kernelStep(step, placement))
            }
        }
        return (preparation, steps)
    }

    private func reorder(
        _ weights: TensorID, from stored: DNNLayout, to layout: DNNLayout, _ target: KernelMemory,
        _ placement: Placement
    ) throws -> CompiledStep {
        let primitive = try DNNPrimitive.reorder(context, from: stored, to: layout)
        try primitive.bind(ZOO_DNN_SOURCE, address(weights, placement))
        try primitive.bind(ZOO_DNN_DESTINATION, target)
        try primitive.bind(ZOO_DNN_SCRATCHPAD, placement.scratchpad)
        return CompiledStep(
            path: program[weights].name, operation: "pack weights", pass: .forward,
            implementation: primitive.implementation, flops: 0, byteCount: stored.byteCount + layout.byteCount,
            run: { _ in primitive.run() })
    }

    /// The address of a tensor that the plan has placed.
    func address(_ id: TensorID, _ placement: Placement) throws -> UnsafeMutablePointer<Float> {
        guard let pointer = placement.pointer(id) else {
            throw ZooError("the program uses \(program[id].name) but no step or caller fills it", code: .invalidValue)
        }
        return pointer
    }

    private func primitiveStep(
        _ index: Int, _ fused: FusedStep, _ operands: MatrixOperands, _ primitive: DNNPrimitive,
        _ placement: Placement
    ) throws -> CompiledStep {
        let step = fused.step
        precondition(fused.mask == nil, "oneDNN takes no mask, and Fusion gave \(step.path) one")
        func at(_ id: TensorID) throws -> UnsafeMutablePointer<Float> { try address(id, placement) }
        var converted: [TensorID: UnsafeMutablePointer<Float>] = [:]
        var next = placement.conversionOffset
        for id in conversions(of: index) {
            converted[id] = placement.arena.floats(at: next)
            next += bf16ByteCount(id)
        }
        func operand(_ id: TensorID) throws -> UnsafeMutablePointer<Float> { try converted[id] ?? at(id) }
        try primitive.bind(ZOO_DNN_SOURCE, operand(operands.wide))
        try primitive.bind(ZOO_DNN_DESTINATION, operand(operands.narrow))
        try primitive.bind(ZOO_DNN_SCRATCHPAD, placement.scratchpad)
        try primitive.bind(
            ZOO_DNN_WEIGHTS,
            placement.packedOffsets[index].map { placement.arena.floats(at: $0) } ?? at(operands.weights))
        if let bias = operands.narrowBias { try primitive.bind(ZOO_DNN_BIAS, at(bias)) }
        var run: (StepValues) -> Void = { _ in primitive.run() }
        if operands.isTransposed {
            let shape = program[operands.wide].shape
            let (y, bias) = (try at(operands.wide), try operands.wideBias.map(at))
            let (rows, channels) = (Int64(rowCount(operands.wide) * shape.area), Int64(shape.channels))
            let isBF16 = types.isBF16(operands.wide)
            if step.pass == .forward, bias != nil || fused.activation != .identity {
                let (kind, parameter) = fused.activation.kernel
                run = { _ in
                    primitive.run()
                    zk_bias_activate(kind, parameter, y, bias, isBF16, rows, channels)
                }
            } else if step.pass == .backwardWeights, let bias {
                run = { _ in
                    primitive.run()
                    zk_column_sums(y, isBF16, rows, channels, bias)
                }
            }
        }
        for (id, memory) in converted {
            let (from, count, whole) = (try at(id), Int64(program[id].elementCount(images: batchSize)), run)
            run = { values in
                zk_to_bf16(from, memory, count)
                whole(values)
            }
        }
        return CompiledStep(
            path: step.path, operation: step.operation.name, pass: step.pass, implementation: primitive.implementation,
            flops: 2 * Double(rowCount(operands.wide) * program.multiplyAdds(of: step)),
            byteCount: (step.inputs + step.outputs).reduce(0) { $0 + byteCount($1) }, run: run)
    }

    func byteCount(_ id: TensorID) -> Int {
        partStorages[id]?.byteCount ?? program[id].elementCount(images: batchSize) * types.stride(of: id)
    }

    /// Rows of a tensor in the largest batch.
    func rowCount(_ id: TensorID) -> Int { program[id].rows.count(images: batchSize) }
}

extension zoo_dnn_pass {
    fileprivate init(_ pass: Pass) {
        switch pass {
        case .forward: self = ZOO_DNN_FORWARD
        case .backwardData: self = ZOO_DNN_BACKWARD_DATA
        case .backwardWeights: self = ZOO_DNN_BACKWARD_WEIGHTS
        }
    }
}
