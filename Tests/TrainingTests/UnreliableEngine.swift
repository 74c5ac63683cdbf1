import TensorCore

/// An engine whose programs say after each run that something was not finite, unless they are watched.
struct UnreliableEngine: Engine {
    var name: String { "unreliable" }
    var keepingEverything: any Engine { CPUEngine(keepsEverything: true) }

    func compile(_ program: Program, batchSize: Int) throws -> any CompiledProgram {
        UnreliableProgram(try CPUEngine().compile(program, batchSize: batchSize))
    }
}

private final class UnreliableProgram: CompiledProgram {
    private let base: any CompiledProgram

    init(_ base: any CompiledProgram) {
        self.base = base
    }

    var program: Program { base.program }
    var batchSize: Int { base.batchSize }
    var memoryByteCount: Int { base.memoryByteCount }
    var gradientNorm: Float? { base.gradientNorm }

    func run(_ values: StepValues) -> Bool {
        base.run(values)
        return false
    }

    func write(_ values: [Float], to id: TensorID) { base.write(values, to: id) }

    func read(_ id: TensorID) -> [Float] { base.read(id) }

    func writeImages(_ images: ImageBatch, to id: TensorID) { base.writeImages(images, to: id) }

    func writeNoise(_ stream: RandomStream, imageIndices: UnsafeBufferPointer<Int32>, to id: TensorID) {
        base.writeNoise(stream, imageIndices: imageIndices, to: id)
    }

    func writeClasses(_ classes: UnsafeBufferPointer<Int32>, to id: TensorID) { base.writeClasses(classes, to: id) }
    func setImageIndices(_ indices: UnsafeBufferPointer<Int32>) { base.setImageIndices(indices) }

    func readState(_ slot: UpdateRule.Slot, of parameter: TensorID) -> [Float]? { base.readState(slot, of: parameter) }

    func writeState(_ slot: UpdateRule.Slot, of parameter: TensorID, _ values: [Float]) {
        base.writeState(slot, of: parameter, values)
    }
}
