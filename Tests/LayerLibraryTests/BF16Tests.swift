import TensorCore
import Testing

/// The fast engine in bfloat16 against itself in f32, which is tested against everything else.
///
/// How far the two may differ depends on the network: where a loss or a derivative is the small difference of large numbers,
/// rounding shows. The measure is what happens in f32 when nothing but the parameters is rounded to bfloat16; the engine rounds
/// activations and gradients too, layer by layer.
@Suite(.enabled(if: CPUEngine.supports(.bf16))) struct BF16Tests {
    private static let factor = 6.0
    /// Ten roundings.
    private static let leastTolerance = 0.02
    private static let kinkFactor = 3.0

    private func rounded(_ value: Float) -> Float {
        let bits = value.bitPattern
        return Float(bitPattern: (bits + 0x7fff + (bits >> 16 & 1)) & 0xffff_0000)
    }

    private func roundParameters(of program: any CompiledProgram) {
        for id in program.program.parameters { program.write(program.read(id).map(rounded), to: id) }
    }

    /// How far gradients may differ because rounding has put elements on the other side of zero, where the derivative of some
    /// activations jumps: of the elements of an activation that are not zero, the share that this happened to.
    private func kinks(_ exact: any CompiledProgram, _ coarse: any CompiledProgram, imageCount: Int) -> Double {
        var most = 0.0
        for step in exact.program.steps {
            guard case .activation(let function) = step.operation, function.hasKink, step.pass == .forward else {
                continue
            }
            let count = imageCount * exact.program[step.outputs[0]].shape.count
            let pairs = zip(exact.read(step.outputs[0]).prefix(count), coarse.read(step.outputs[0]).prefix(count))
            let crossed = pairs.filter { ($0 > 0) != ($1 > 0) }.count
            most = max(most, Double(crossed) / Double(max(1, pairs.filter { $0.0 != 0 }.count)))
        }
        return most
    }

    /// Full, and with rows to spare.
    @Test(arguments: LayerCases.all + LayerCases.tiles, [3, 5])
    func agreesWithF32(_ layerCase: LayerCase, batchSize: Int) throws {
        try expectAgreement(layerCase, imageCount: CaseProgram.imageCount, batchSize: batchSize)
    }

    /// So many images that products need several blocks of them, the last of which is not full, and that the weights' gradient of a
    /// convolution is a sum over groups of different sizes.
    @Test(arguments: LayerCases.matrix + LayerCases.tiles)
    func manyImagesAgreeWithF32(_ layerCase: LayerCase) throws {
        try withThreads(2) { try expectAgreement(layerCase, imageCount: 147, batchSize: 149) }
    }

    private func expectAgreement(_ layerCase: LayerCase, imageCount: Int, batchSize: Int) throws {
        let built = try CaseProgram(layerCase, differentiated: layerCase.isTraining)
        func prepared(_ precision: Precision, keepsEverything: Bool) throws -> any CompiledProgram {
            try built.prepared(
                CPUEngine(precision: precision, keepsEverything: keepsEverything), batchSize: batchSize)
        }
        let exact = try prepared(.f32, keepsEverything: true)
        let yardstick = try prepared(.f32, keepsEverything: false)
        roundParameters(of: yardstick)
        let coarse = try prepared(.bf16, keepsEverything: false)
        let keeping = try prepared(.bf16, keepsEverything: true)
        let stepValues = built.stepValues(imageCount: imageCount)
        for program in [exact, yardstick, coarse, keeping] { #expect(program.run(stepValues)) }
        let kinks = self.kinks(exact, keeping, imageCount: imageCount)
        for id in built.results + built.program.parameterGradients {
            let info = built.program[id]
            func values(_ program: any CompiledProgram) -> [Float] {
                Array(program.read(id).prefix(info.shape.count * (info.isBatched ? imageCount : 1)))
            }
            let expected = values(exact)
            var tolerance = max(Self.leastTolerance, Self.factor * deviation(values(yardstick), expected))
            if info.role == .parameterGradient { tolerance += Self.kinkFactor * kinks.squareRoot() }
            for program in [coarse, keeping] {
                let found = values(program)
                let deviation = deviation(found, expected)
                guard !(deviation <= tolerance) else { continue }
                program.run(stepValues)
                let again = values(program)
                let steps = program.profile(stepValues).filter { $0.flops > 0 }
                Issue.record(
                    """
                    \(info.name) deviates by \(deviation), more than \(tolerance): \(differences(found, expected))
                    run again: \(again == found ? "the same" : "other numbers, \(differences(again, expected))")
                    \(CPUEngine.threadCount) threads, \(CPUEngine.instructionSet), keeps everything: \(program === keeping)
                    \(steps.map { "\($0.path) \($0.pass): \($0.implementation)" }.joined(separator: "; "))
                    """)
            }
        }
    }

    /// What tells a wrong kernel from wrong memory: how many elements differ, and how the worst does.
    private func differences(_ found: [Float], _ expected: [Float]) -> String {
        let scale = expected.map(abs).max() ?? 0
        let errors = zip(found, expected).map { abs($0 - $1) }
        let wrong = errors.indices.filter { !(errors[$0] <= 0.05 * scale) }
        let worst = errors.indices.max { errors[$0] < errors[$1] } ?? 0
        return "\(wrong.count) of \(found.count) elements by more than 5 % of the largest, from number "
            + "\(wrong.first ?? 0) to \(wrong.last ?? 0); not finite: \(found.filter { !$0.isFinite }.count); the worst is "
            + "number \(worst), \(found[worst]) in place of \(expected[worst])"
    }

    /// The share of elements beyond a kink is small enough that the test above still means something.
    @Test func fewCasesCrossAKink() throws {
        var crossing: [String: Double] = [:]
        for layerCase in LayerCases.all where layerCase.isTraining {
            let built = try CaseProgram(layerCase)
            let exact = try built.prepared(CPUEngine(keepsEverything: true))
            let coarse = try built.prepared(CPUEngine(precision: .bf16, keepsEverything: true))
            for program in [exact, coarse] { #expect(program.run(built.stepValues())) }
            let share = kinks(exact, coarse, imageCount: CaseProgram.imageCount)
            if share > 0 { crossing[layerCase.name] = share }
        }
        #expect(crossing.count <= 6 && crossing.values.allSatisfy { $0 <= 0.02 }, "\(crossing)")
    }

    /// Parameters are f32, whether or not they have a gradient.
    @Test(arguments: LayerCases.matrix + LayerCases.tiles, [false, true])
    func parametersAreNotRounded(_ layerCase: LayerCase, learns: Bool) throws {
        let built = try CaseProgram(layerCase, differentiated: learns)
        let compiled = try built.prepared(CPUEngine(precision: .bf16))
        compiled.run(built.stepValues())
        for id in built.program.parameters {
            let written = built.initialValues(id).map { Float($0) }
            #expect(compiled.read(id) == written, "\(built.program[id].name)")
        }
    }
}

extension Activation {
    /// Whether its derivative jumps at zero.
    fileprivate var hasKink: Bool {
        switch self {
        case .relu, .leakyReLU: true
        case .elu(let alpha): alpha != 1
        default: false
        }
    }
}
