import TensorCore
import Testing

/// The fast engine in bfloat16 against itself in f32, which is tested against everything else.
@Suite(.enabled(if: OneDNNEngine.supports(.bf16))) struct BF16Tests {
    /// A product's operands have a relative error of up to 2⁻⁹; a few layers on, so many of these have added up.
    private static let tolerance = 0.02

    @Test(arguments: LayerCases.all) func agreesWithF32(_ layerCase: LayerCase) throws {
        let built = try CaseProgram(layerCase, differentiated: layerCase.isTraining)
        let exact = try built.prepared(OneDNNEngine())
        let coarse = try built.prepared(OneDNNEngine(precision: .bf16))
        let keeping = try built.prepared(OneDNNEngine(precision: .bf16, keepsEverything: true))
        for program in [exact, coarse, keeping] { #expect(program.run(built.stepValues())) }
        for id in built.results + built.program.parameterGradients + built.program.buffers {
            let info = built.program[id]
            let count = info.shape.count * (info.isBatched ? CaseProgram.imageCount : 1)
            for found in [coarse, keeping] {
                expectEqual(
                    Array(found.read(id).prefix(count)), Array(exact.read(id).prefix(count)), within: Self.tolerance,
                    info.name)
            }
        }
    }

    /// What a program compiled for more images does with three of them is what one for three images does.
    @Test(arguments: LayerCases.all) func shortBatchesIgnoreTheRest(_ layerCase: LayerCase) throws {
        let built = try CaseProgram(layerCase, differentiated: layerCase.isTraining)
        let expected = try built.prepared(OneDNNEngine())
        let found = try built.prepared(OneDNNEngine(precision: .bf16), batchSize: 5)
        for program in [expected, found] { #expect(program.run(built.stepValues())) }
        for id in built.program.parameterGradients {
            expectEqual(found.read(id), expected.read(id), within: Self.tolerance, built.program[id].name)
        }
    }
}
