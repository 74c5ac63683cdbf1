import LayerLibrary
import TensorCore
import Testing

/// What the number of threads does to results: nothing once a program is compiled, and nothing at all in our own kernels but for the
/// order in which the gradient of a tile convolution's weights is summed.
@Suite struct ThreadTests {
    private static let precisions = Precision.allCases.filter(CPUEngine.supports)

    private func outcome(_ compiled: any CompiledProgram, _ built: CaseProgram) -> [[UInt32]] {
        (built.results + built.program.parameterGradients).map { compiled.read($0).map(\.bitPattern) }
    }

    /// oneDNN runs a primitive rightly only with the number of threads that it was made for.
    @Test(arguments: LayerCases.matrix, precisions)
    func aProgramKeepsItsThreads(_ layerCase: LayerCase, _ precision: Precision) throws {
        let built = try CaseProgram(layerCase)
        let compiled = try withThreads(2) { try built.prepared(CPUEngine(precision: precision)) }
        let expected = withThreads(2) {
            compiled.run(built.stepValues())
            return outcome(compiled, built)
        }
        for count in [1, 4] {
            let found = withThreads(count) {
                compiled.run(built.stepValues())
                return outcome(compiled, built)
            }
            #expect(found == expected, "run with \(count) threads")
        }
    }

    /// Where the thread that runs a program has another number of threads than the one that compiled it.
    @Test func theCallersSettingReturns() throws {
        var builder = GraphBuilder(isTraining: false)
        let input = builder.input("x", shape: [1])
        builder.keep(try builder.custom(ThreadCounting(), [input]), as: "threads")
        let compiled = try withThreads(3) { try CPUEngine().compile(builder.program, batchSize: 1) }
        // Fewer where OMP_THREAD_LIMIT says so.
        let expected = withThreads(3) { [Float(CPUEngine.threadCount)] }
        let threads = try #require(builder.program.tensor(named: "threads"))
        withThreads(2) {
            let before = CPUEngine.threadCount
            #expect(compiled.run(StepValues(imageCount: 1)))
            #expect(compiled.read(threads) == expected)
            #expect(CPUEngine.threadCount == before)
            _ = compiled.profile(StepValues(imageCount: 1))
            #expect(compiled.read(threads) == expected)
            #expect(CPUEngine.threadCount == before)
        }
    }

    /// Networks whose matrix products are all done by the kernels between images and maps: nine taps, more than one vector
    /// of them, with remainders of each size, and maps that fill one and more than one vector.
    private static let imageCases = [
        (channels: 1, maps: 16, kernel: 3), (channels: 3, maps: 32, kernel: 4), (channels: 1, maps: 48, kernel: 5),
        (channels: 3, maps: 16, kernel: 3), (channels: 2, maps: 32, kernel: 3),
    ].map { channels, maps, kernel in
        LayerCase(
            "image_\(channels)_\(maps)_\(kernel)", [channels, 9, 11],
            [
                .conv(named: "first", maps, .square(kernel, stride: 2, padding: 1), .relu),
                .transposed(named: "second", channels, .square(kernel, stride: 2, padding: 1)),
            ])
    }

    /// Whatever computes in f32: fewer and more threads than images, and more than there is work for.
    @Test(arguments: LayerCases.matrix + LayerCases.phases + LayerCases.tiles + LayerCases.faultyInOneDNN)
    func f32GivesTheSameWithAnyThreads(_ layerCase: LayerCase) throws {
        let built = try CaseProgram(layerCase)
        let outcomes = try [1, 2, 3, 20].map { count in
            try withThreads(count) {
                let compiled = try built.prepared(CPUEngine(), batchSize: 18)
                compiled.run(built.stepValues(imageCount: 18))
                return outcome(compiled, built)
            }
        }
        for found in outcomes.dropFirst() { #expect(found == outcomes[0]) }
    }

    @Test(arguments: LayerCases.phases) func phasesTakeTheirKernels(_ layerCase: LayerCase) throws {
        let built = try CaseProgram(layerCase)
        let compiled = try built.prepared(CPUEngine())
        let kernels = compiled.profile(built.stepValues()).filter { $0.flops > 0 }
        #expect(!kernels.isEmpty && kernels.allSatisfy { $0.implementation == "winograd kernel" })
    }

    /// Fewer and more threads than images, and more than the sums of a weights' gradient are split into.
    @Test(arguments: imageCases, precisions)
    func imageKernelsGiveTheSameWithAnyThreads(_ layerCase: LayerCase, _ precision: Precision) throws {
        let built = try CaseProgram(layerCase)
        for batchSize in [CaseProgram.imageCount, 18] {
            let outcomes = try [1, 2, 3, 20].map { count in
                try withThreads(count) {
                    let compiled = try built.prepared(CPUEngine(precision: precision), batchSize: batchSize)
                    compiled.run(built.stepValues(imageCount: batchSize))
                    let kernels = compiled.profile(built.stepValues(imageCount: batchSize)).filter { $0.flops > 0 }
                    #expect(kernels.count == 6 && kernels.allSatisfy { $0.implementation == "image kernel" })
                    return outcome(compiled, built)
                }
            }
            for found in outcomes.dropFirst() { #expect(found == outcomes[0]) }
        }
    }
}

/// Fewer and more threads than images, and more than there is work for.
@Suite(.enabled(if: CPUEngine.supports(.bf16) && CPUEngine.instructionSet.contains("amx")))
struct TileThreadTests {
    @Test(arguments: LayerCases.tiles) func tileKernelsAgreeWithAnyThreads(_ layerCase: LayerCase) throws {
        let built = try CaseProgram(layerCase)
        let (values, batchSize) = (built.stepValues(), 5)
        let programs = try [1, 2, 3, 20].map { count in
            try withThreads(count) {
                let compiled = try built.prepared(CPUEngine(precision: .bf16), batchSize: batchSize)
                compiled.run(values)
                let kernels = compiled.profile(values).filter { $0.flops > 0 }
                #expect(!kernels.isEmpty && kernels.allSatisfy { $0.implementation == "tile kernel" })
                return compiled
            }
        }
        for program in programs.dropFirst() {
            for id in built.results {
                #expect(program.read(id) == programs[0].read(id), "\(built.program[id].name)")
            }
            for id in built.program.parameterGradients {
                expectEqual(program.read(id), programs[0].read(id), within: 1e-5, built.program[id].name)
            }
        }
    }
}

/// With so many threads on the thread that calls.
func withThreads<Result>(_ count: Int, _ body: () throws -> Result) rethrows -> Result {
    let before = CPUEngine.threadCount
    defer { CPUEngine.threadCount = before }
    CPUEngine.threadCount = count
    return try body()
}

/// y = the number of threads that compute.
private struct ThreadCounting: CustomOperation {
    var name: String { "thread_counting" }

    func output(_ inputs: [TensorType]) throws -> TensorType { inputs[0] }

    func forward<Element: RealNumber>(_ tensors: OperationTensors<Element>) {
        for i in 0..<tensors.imageCount { tensors.output[i] = Element(CPUEngine.threadCount) }
    }

    func backward<Element: RealNumber>(_ tensors: OperationTensors<Element>) {}
}
