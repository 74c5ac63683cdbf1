import LayerLibrary
import TensorCore
import Testing

/// The fast engine against the reference engine.
@Suite struct EngineAgreementTests {
    private static let tolerance = 1e-4

    /// The fast engine has no gradients in evaluation mode, where nothing learns.
    private func program(_ layerCase: LayerCase, update: UpdateRule? = nil) throws -> CaseProgram {
        try CaseProgram(layerCase, differentiated: layerCase.isTraining, update: update)
    }

    private func expectAgreement(
        _ found: any CompiledProgram, _ expected: any CompiledProgram, _ built: CaseProgram, keepsEverything: Bool
    ) {
        var ids = built.results + built.program.parameterGradients + built.program.buffers
        if keepsEverything, let gradient = built.inputGradient { ids.append(gradient) }
        for id in ids {
            let info = built.program[id]
            let count = info.shape.count * (info.isBatched ? CaseProgram.imageCount : 1)
            expectEqual(
                Array(found.read(id).prefix(count)), Array(expected.read(id).prefix(count)), within: Self.tolerance,
                info.name)
        }
    }

    @Test(arguments: LayerCases.all + LayerCases.phases + LayerCases.tiles + LayerCases.faultyInOneDNN, [false, true])
    func enginesAgree(_ layerCase: LayerCase, keepsEverything: Bool) throws {
        let built = try program(layerCase)
        let reference = try built.prepared(ReferenceEngine())
        let fast = try built.prepared(CPUEngine(keepsEverything: keepsEverything))
        #expect(reference.run(built.stepValues()))
        #expect(fast.run(built.stepValues()))
        expectAgreement(fast, reference, built, keepsEverything: keepsEverything)
    }

    @Test(arguments: LayerCases.phases) func directConvolutionsAgree(_ layerCase: LayerCase) throws {
        let built = try program(layerCase)
        let reference = try built.prepared(ReferenceEngine())
        let fast = try built.prepared(CPUEngine(convolution: .direct))
        #expect(reference.run(built.stepValues()))
        #expect(fast.run(built.stepValues()))
        expectAgreement(fast, reference, built, keepsEverything: false)
        let kernels = fast.profile(built.stepValues()).filter { $0.flops > 0 }
        #expect(!kernels.isEmpty && kernels.allSatisfy { $0.implementation == "direct kernel" })
    }

    /// What a program compiled for more images does with three of them is what one for three images does.
    @Test(arguments: LayerCases.all + LayerCases.phases) func shortBatchesIgnoreTheRest(_ layerCase: LayerCase) throws {
        let built = try program(layerCase)
        let expected = try built.prepared(ReferenceEngine())
        #expect(expected.run(built.stepValues()))
        for engine in [ReferenceEngine(), CPUEngine(keepsEverything: true), CPUEngine()] as [any Engine] {
            let found = try built.prepared(engine, batchSize: 5)
            #expect(found.run(built.stepValues()))
            expectAgreement(found, expected, built, keepsEverything: (engine as? CPUEngine)?.keepsEverything ?? true)
        }
    }

    /// Warm runs overwrite nothing that the next run needs.
    @Test(arguments: LayerCases.all, Precision.allCases.filter(CPUEngine.supports))
    func aSecondRunGivesTheSame(_ layerCase: LayerCase, _ precision: Precision) throws {
        let built = try program(layerCase)
        let fast = try built.prepared(CPUEngine(precision: precision))
        fast.run(built.stepValues())
        let first = (built.results + built.program.parameterGradients).map { fast.read($0) }
        fast.run(built.stepValues())
        let second = (built.results + built.program.parameterGradients).map { fast.read($0) }
        #expect(first == second)
    }
}
