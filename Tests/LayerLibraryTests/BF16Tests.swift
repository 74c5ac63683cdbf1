import TensorCore
import Testing

/// The fast engine in bfloat16 against itself in f32, which is tested against everything else.
///
/// How far the two may differ depends on the network: where a loss or a derivative is the small difference of large numbers,
/// rounding shows. The measure is what happens in f32 when nothing but the parameters is rounded to bfloat16; the engine rounds
/// activations and gradients too, layer by layer.
@Suite(.enabled(if: OneDNNEngine.supports(.bf16))) struct BF16Tests {
    private static let factor = 6.0
    /// Ten roundings.
    private static let leastTolerance = 0.02

    private func rounded(_ value: Float) -> Float {
        let bits = value.bitPattern
        return Float(bitPattern: (bits + 0x7fff + (bits >> 16 & 1)) & 0xffff_0000)
    }

    private func roundParameters(of program: any CompiledProgram) {
        for id in program.program.parameters { program.write(program.read(id).map(rounded), to: id) }
    }

    /// Whether rounding has put an element on the other side of zero, where the derivative of some activations jumps: then
    /// gradients differ by more than rounding.
    private func crossesKink(_ exact: any CompiledProgram, _ coarse: any CompiledProgram) -> Bool {
        exact.program.steps.contains { step in
            guard case .activation = step.operation, step.pass == .forward else { return false }
            let (first, second) = (exact.read(step.outputs[0]), coarse.read(step.outputs[0]))
            return zip(first, second).contains { ($0 > 0) != ($1 > 0) }
        }
    }

    @Test(arguments: LayerCases.all + LayerCases.tiles, [3, 5])
    func agreesWithF32(_ layerCase: LayerCase, batchSize: Int) throws {
        let built = try CaseProgram(layerCase, differentiated: layerCase.isTraining)
        let exact = try built.prepared(OneDNNEngine())
        let yardstick = try built.prepared(OneDNNEngine())
        roundParameters(of: yardstick)
        let coarse = try built.prepared(OneDNNEngine(precision: .bf16), batchSize: batchSize)
        let keeping = try built.prepared(
            OneDNNEngine(precision: .bf16, keepsEverything: true), batchSize: batchSize)
        for program in [exact, yardstick, coarse, keeping] { #expect(program.run(built.stepValues())) }
        let watched = try built.prepared(OneDNNEngine(keepsEverything: true))
        #expect(watched.run(built.stepValues()))
        let gradients = crossesKink(watched, keeping) ? [] : built.program.parameterGradients
        for id in built.results + gradients {
            let info = built.program[id]
            let count = info.shape.count * (info.isBatched ? CaseProgram.imageCount : 1)
            func values(_ program: any CompiledProgram) -> [Float] { Array(program.read(id).prefix(count)) }
            let scale = deviation(values(yardstick), values(exact))
            for found in [coarse, keeping] {
                expectEqual(
                    values(found), values(exact), within: max(Self.leastTolerance, Self.factor * scale), info.name)
            }
        }
    }
}
