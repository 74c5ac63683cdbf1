import CKernels
import COneDNN

/// One step of a compiled program: what to call, and what to call it in a profile.
struct CompiledStep {
    let path: String
    let operation: String
    let pass: Pass
    let implementation: String
    /// Floating-point operations for a whole batch: twice the multiply-adds.
    let flops: Double
    /// Bytes read and written, for steps that are limited by memory.
    let byteCount: Int
    /// Whether it updates weights, which must not happen where a loss is not finite.
    var updatesWeights = false
    let run: (StepValues) -> Void
}

/// A program compiled by `CPUEngine`.
///
/// All memory is one arena: parameters, their gradients and the optimiser's state as contiguous blocks with the same
/// offsets, then inputs, results and activations at offsets of a `MemoryPlan`, then oneDNN's scratchpad. After
/// compilation, `run` allocates nothing of its own.
final class CPUProgram: CompiledProgram {
    let program: Program
    let batchSize: Int
    /// oneDNN plans how threads share the work when a primitive is made, and runs it rightly with that many only.
    private let threadCount: Int32
    private let callsOneDNN: Bool
    let context: DNNContext
    let orders: FeatureOrders
    private let types: ElementTypes
    let arena: Arena
    private let offsets: [Int?]
    private let storages: [TensorID: ParameterStorage]
    private let blockOffset: [TensorID: Int]
    private let block: ParameterBlock
    private let updates: FusedUpdates
    private let preparation: [CompiledStep]
    private let steps: [CompiledStep]
    /// The terms of all losses.
    private let terms: [(memory: UnsafeMutablePointer<Float>, rows: Rows)]
    private let imageIndices: ImageIndices
    private var parametersChanged = true
    private(set) var gradientNorm: Float?

    init(_ program: Program, batchSize: Int, choice: KernelChoice, keepsEverything: Bool) throws {
        threadCount = Int32(clamping: CPUEngine.threadCount)
        let settings = zk_begin_run(threadCount, choice.precision == .bf16)
        defer { zk_end_run(settings) }
        let compiler = try StepCompiler(
            program, batchSize: batchSize, choice: choice, keepsEverything: keepsEverything,
            threadCount: Int(threadCount))
        self.program = program
        self.batchSize = batchSize
        callsOneDNN = compiler.callsOneDNN
        context = compiler.context
        orders = compiler.orders
        types = compiler.types
        storages = compiler.storages
        let placed = try compiler.place()
        arena = placed.arena
        offsets = placed.offsets
        blockOffset = placed.blockOffset
        block = placed.block
        updates = placed.updates
        imageIndices = placed.imageIndices
        let compiled = try compiler.compile(placed)
        preparation = compiled.preparation
        steps = compiled.steps
        terms = program.terms.compactMap { term in
            placed.pointer(term.value).map { ($0, program[term.value].rows) }
        }
    }

    var memoryByteCount: Int { arena.byteCount }

    /// Reorders of weights before each run; nothing is ever reordered between layers.
    var weightReorderCount: Int { preparation.count }

    // MARK: Running

    @discardableResult
    func run(_ values: StepValues) -> Bool {
        run(values) { _, body in body() }
    }

    /// Runs all steps, each and the update within `measure`.
    private func run(_ values: StepValues, measure: (CompiledStep, () -> Void) -> Void) -> Bool {
        let settings = beginRun(values)
        defer { zk_end_run(settings) }
        let values = values.scheduled(by: program)
        if parametersChanged { for step in preparation { measure(step) { step.run(values) } } }
        parametersChanged = false
        updates.prepare(values)
        for step in steps {
            // The losses are known before anything is learned from them.
            if step.updatesWeights, !parametersChanged {
                guard termsAreFinite(values.imageCount) else { return false }
                parametersChanged = true
            }
            measure(step) { step.run(values) }
        }
        guard termsAreFinite(values.imageCount) else { return false }
        guard !updates.groups.isEmpty else { return true }
        var isMade = false
        let byteCount = updates.groups.reduce(0) { sum, group in
            sum + group.remaining.reduce(0) { $0 + $1.count } * (3 + 2 * group.rule.slots.count)
        }
        measure(
            CompiledStep(
                path: "parameters", operation: "update", pass: .forward, implementation: "kernel", flops: 0,
                byteCount: byteCount, run: { _ in })
        ) { isMade = finishUpdate() }
        return isMade
    }

    func profile(_ values: StepValues) -> [StepProfile] {
        let clock = ContinuousClock()
        var profiles: [StepProfile] = []
        _ = run(values) { step, body in
            let duration = clock.measure(body).components
            profiles.append(
                StepProfile(
                    path: step.path, operation: step.operation, pass: step.pass, implementation: step.implementation,
                    flops: step.flops, byteCount: step.byteCount,
                    seconds: Double(duration.seconds) + Double(duration.attoseconds) * 1e-18))
        }
        return profiles
    }

    /// Checks the number of images, and gives the calling thread the settings for a run.
    private func beginRun(_ values: StepValues) -> zk_thread_settings {
        precondition(
            values.imageCount > 0 && values.imageCount <= batchSize,
            "\(values.imageCount) images in a program for batches of 1 to \(batchSize)")
        return zk_begin_run(threadCount, callsOneDNN)
    }

    private func termsAreFinite(_ imageCount: Int) -> Bool {
        for term in terms {
            for row in 0..<term.rows.count(images: imageCount) where !term.memory[row].isFinite { return false }
        }
        return true
    }

    /// Updates the parameters that no step has updated, unless a gradient is to be clipped and its norm is not finite.
    ///
    /// - Returns: whether it did.
    private func finishUpdate() -> Bool {
        let stride = MemoryLayout<Float>.stride
        for (index, group) in updates.groups.enumerated() {
            guard let limit = group.rule.clipNorm else { continue }
            let norm = norm(of: block.gradients + group.range.lowerBound / stride, count: group.range.count / stride)
            if index == 0 { gradientNorm = Float(norm) }
            guard norm.isFinite else { return false }
            if norm > Double(limit) { group.update.pointee.gradient_scale = Float(Double(limit) / norm) }
        }
        for group in updates.groups {
            for range in group.remaining {
                var target = block.target(at: range.lowerBound, group.rule, group.update)
                zk_update_parameters(
                    &target, block.gradients + range.lowerBound / stride, Int64(range.count / stride))
            }
        }
        parametersChanged = true
        return true
    }

    /// The L2 norm. The kernel's squares overflow beyond 1.8e19; then it is computed again, slower, in double precision.
    private func norm(of gradients: UnsafePointer<Float>, count: Int) -> Double {
        let norm = zk_norm(gradients, Int64(count))
        guard !norm.isFinite else { return norm }
        var squares = 0.0
        for index in 0..<count { squares += Double(gradients[index]) * Double(gradients[index]) }
        return squares.squareRoot()
    }

    // MARK: Reading and writing

    func write(_ values: [Float], to id: TensorID) {
        let info = program[id]
        guard let memory = pointer(id) else { preconditionFailure("\(info.name) has no memory of its own") }
        if let storage = storages[id] {
            precondition(values.count == info.shape.count, "\(info.name): \(values.count) values for \(info.shape)")
            pack(values, storage, memory)
            parametersChanged = true
            if hasState(.average, of: id), let average = block.state[.average], let offset = blockOffset[id] {
                pack(values, storage, average + offset / MemoryLayout<Float>.stride)
            }
            return
        }
        let rows = info.isBatched ? values.count / max(1, info.shape.count) : 1
        precondition(!types.isBF16(id), "\(info.name) lives only within a run")
        precondition(
            values.count == rows * info.shape.count && rows <= info.rows.count(images: batchSize),
            "\(info.name): \(values.count) values for batches of \(batchSize) × \(info.shape)")
        values.withUnsafeBufferPointer { toMemory($0, memory, id, rows: rows) }
    }

    func read(_ id: TensorID) -> [Float] {
        let info = program[id]
        precondition(
            isReadable(id), "\(info.name) is not stored: the weights are updated with it; compile to keep everything")
        guard let memory = pointer(id) else { preconditionFailure("\(info.name) has no memory of its own") }
        if let storage = storages[id] ?? gradientStorage(id) { return unpack(storage, memory) }
        return fromMemory(memory, id, rows: info.rows.count(images: batchSize))
    }

    func read(_ id: TensorID, into buffer: UnsafeMutableBufferPointer<Float>) {
        guard storages[id] == nil, gradientStorage(id) == nil, transposition(id) == nil, !types.isBF16(id),
            let memory = pointer(id),
            let base = buffer.baseAddress
        else {
            for (index, value) in read(id).prefix(buffer.count).enumerated() { buffer[index] = value }
            return
        }
        let count = program[id].elementCount(images: batchSize)
        base.update(from: memory, count: min(count, buffer.count))
    }

    func writeImages(_ images: ImageBatch, to id: TensorID) {
        let info = program[id]
        precondition(
            images.sampleCount <= batchSize * info.shape.count,
            "\(images.sampleCount) samples for batches of \(batchSize) × \(info.shape)")
        guard let memory = pointer(id) else { return }
        switch images {
        case .bytes(let bytes):
            if let base = bytes.baseAddress { zk_scale_pixels(base, memory, Int64(bytes.count)) }
        case .numbers(let numbers):
            toMemory(numbers, memory, id, rows: numbers.count / max(1, info.shape.count))
        }
    }

    func writeNoise(_ stream: RandomStream, imageIndices: UnsafeBufferPointer<Int32>, to id: TensorID) {
        guard let memory = pointer(id), let indices = imageIndices.baseAddress else { return }
        precondition(imageIndices.count <= batchSize, "\(imageIndices.count) images for batches of \(batchSize)")
        var cStream = zk_stream(stream)
        zk_normal(
            &cStream, UInt32(program.firstNoiseElement(of: id) >> 48), indices, memory, Int64(imageIndices.count),
            Int64(program[id].elementCount(images: 1)))
    }

    func writeClasses(_ classes: UnsafeBufferPointer<Int32>, to id: TensorID) {
        guard let memory = pointer(id) else { return }
        let count = program[id].shape.count
        precondition(classes.count <= batchSize, "\(classes.count) images for batches of \(batchSize)")
        for (row, chosen) in classes.enumerated() {
            for index in 0..<count { memory[row * count + index] = index == Int(chosen) ? 1 : 0 }
        }
    }

    func setImageIndices(_ indices: UnsafeBufferPointer<Int32>) {
        precondition(indices.count <= batchSize, "\(indices.count) images for batches of \(batchSize)")
        for (row, index) in indices.enumerated() { imageIndices.pointer[row] = index }
    }

    func readState(_ slot: UpdateRule.Slot, of parameter: TensorID) -> [Float]? {
        guard hasState(slot, of: parameter), let state = block.state[slot], let offset = blockOffset[parameter],
            let storage = storages[parameter]
        else {
            return nil
        }
        return unpack(storage, state + offset / MemoryLayout<Float>.stride)
    }

    func writeState(_ slot: UpdateRule.Slot, of parameter: TensorID, _ values: [Float]) {
        guard hasState(slot, of: parameter), let state = block.state[slot], let offset = blockOffset[parameter],
            let storage = storages[parameter]
        else {
            preconditionFailure("\(program[parameter].name) has no optimiser state \(slot.rawValue)")
        }
        pack(values, storage, state + offset / MemoryLayout<Float>.stride)
    }

    private func hasState(_ slot: UpdateRule.Slot, of parameter: TensorID) -> Bool {
        program.group(of: parameter)?.update?.slots.contains(slot) ?? false
    }

    private func pointer(_ id: TensorID) -> UnsafeMutablePointer<Float>? {
        offsets[id.index].map { arena.floats(at: $0) }
    }

    func isReadable(_ gradient: TensorID) -> Bool {
        program.parameterGradients.firstIndex(of: gradient).map { !updates.contains(program.parameters[$0]) } ?? true
    }

    private func gradientStorage(_ id: TensorID) -> ParameterStorage? {
        guard program[id].role == .parameterGradient else { return nil }
        return program.parameterGradients.firstIndex(of: id).flatMap { storages[program.parameters[$0]] }
    }

    private func pack(_ values: [Float], _ storage: ParameterStorage, _ memory: UnsafeMutablePointer<Float>) {
        do {
            try storage.pack(values, into: memory, context: context)
        } catch {
            preconditionFailure("\(error)")  // the same reorder was made at compile time
        }
    }

    private func unpack(_ storage: ParameterStorage, _ memory: UnsafeMutablePointer<Float>) -> [Float] {
        do {
            return try storage.unpack(memory, context: context)
        } catch {
            preconditionFailure("\(error)")  // the same reorder was made at compile time
        }
    }

    /// (C, area) by which a tensor's memory is transposed against N C H W; nil if it is not.
    private func transposition(_ id: TensorID) -> (channels: Int, area: Int)? {
        let shape = program[id].shape
        if shape.rank == 3 { return (shape.channels, shape.area) }
        if shape.rank == 1, case .channelsLast(let channels, let area) = orders.order(of: id) {
            return (channels, area)
        }
        return nil
    }

    private func toMemory(
        _ values: UnsafeBufferPointer<Float>, _ memory: UnsafeMutablePointer<Float>, _ id: TensorID, rows: Int
    ) {
        guard let base = values.baseAddress else { return }
        if let (channels, area) = transposition(id) {
            zk_channels_last(base, memory, Int64(rows), Int64(channels), Int64(area))
        } else {
            memory.update(from: base, count: values.count)
        }
    }

    private func fromMemory(_ memory: UnsafeMutablePointer<Float>, _ id: TensorID, rows: Int) -> [Float] {
        let count = rows * program[id].shape.count
        if types.isBF16(id) {
            var values = [Float](repeating: 0, count: count)
            zk_from_bf16(memory, &values, Int64(count))
            guard let (channels, area) = transposition(id) else { return values }
            var result = values
            zk_channels_first(&values, &result, Int64(rows), Int64(channels), Int64(area))
            return result
        }
        return [Float](unsafeUninitializedCapacity: count) { buffer, filled in
            guard let base = buffer.baseAddress else { return }
            if let (channels, area) = transposition(id) {
                zk_channels_first(memory, base, Int64(rows), Int64(channels), Int64(area))
            } else {
                base.update(from: memory, count: count)
            }
            filled = count
        }
    }
}
