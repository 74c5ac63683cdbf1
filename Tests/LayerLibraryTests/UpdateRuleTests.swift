import LayerLibrary
import TensorCore
import Testing

/// A way to learn, named as in `Golden/layers.json`.
struct UpdateCase: Sendable, CustomTestStringConvertible {
    var name: String
    var rule: UpdateRule

    init(_ name: String, _ method: UpdateRule.Method, clipNorm: Float? = nil, averageDecay: Float? = nil) {
        self.name = name
        rule = UpdateRule(method: method, clipNorm: clipNorm, averageDecay: averageDecay)
    }

    var testDescription: String { name }

    private static let adam = UpdateRule.Method.adam(beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0)

    static let all = [
        UpdateCase("sgd", .sgd(momentum: 0, nesterov: false, weightDecay: 0)),
        UpdateCase("sgd_weight_decay", .sgd(momentum: 0, nesterov: false, weightDecay: 0.125)),
        UpdateCase("momentum", .sgd(momentum: 0.875, nesterov: false, weightDecay: 0)),
        UpdateCase("nesterov", .sgd(momentum: 0.875, nesterov: true, weightDecay: 0.125)),
        UpdateCase("adam", adam),
        UpdateCase("adam_weight_decay", .adam(beta1: 0.875, beta2: 0.96875, epsilon: 0.0625, weightDecay: 0.125)),
        UpdateCase("adamw", .adamW(beta1: 0.875, beta2: 0.96875, epsilon: 0.0625, weightDecay: 0.25)),
        UpdateCase("clipped", .sgd(momentum: 0.5, nesterov: false, weightDecay: 0), clipNorm: 0.125),
        UpdateCase("not_clipped", .sgd(momentum: 0.5, nesterov: false, weightDecay: 0), clipNorm: 1000),
        UpdateCase("averaged", .sgd(momentum: 0, nesterov: false, weightDecay: 0), averageDecay: 0.75),
        UpdateCase("adam_clipped_averaged", adam, clipNorm: 0.125, averageDecay: 0.75),
    ]

    /// The network that learns: smooth, so that rounding cannot flip a unit's side.
    static let network = LayerCase(
        "learning", [2, 4, 4],
        [
            .conv(3, .square(3, stride: 2, padding: 1), .tanh), .plain("flatten", Flatten()),
            .linear(named: "inward", 4, .tanh), .linear(named: "outward", 12, .tanh),
            .plain("reshape", Reshape(shape: [3, 2, 2])),
            .transposed(2, .square(4, stride: 2, padding: 1)),
        ])
    static let stepCount = 3
}

/// Optimisers: the fast engine against the reference engine, and the rules that both obey.
@Suite struct UpdateRuleTests {
    private let engines: [any Engine] = [ReferenceEngine(), CPUEngine()]

    @Test(arguments: UpdateCase.all) func enginesLearnAlike(_ update: UpdateCase) throws {
        let built = try CaseProgram(UpdateCase.network, update: update.rule)
        let compiled = try engines.map { try built.prepared($0) }
        for step in 0..<UpdateCase.stepCount {
            for program in compiled { #expect(program.run(built.stepValues(step: step))) }
            #expect((compiled[0].gradientNorm == nil) == (update.rule.clipNorm == nil))
            expectEqual(
                [compiled[1].gradientNorm ?? 1], [compiled[0].gradientNorm ?? 1], within: 1e-4, "the gradient's norm")
        }
        for parameter in built.program.parameters {
            let name = built.program[parameter].name
            #expect(compiled[0].read(parameter) != built.initialValues(parameter).map { Float($0) })
            expectEqual(compiled[1].read(parameter), compiled[0].read(parameter), within: 1e-4, name)
            for slot in UpdateRule.Slot.allCases {
                let states = compiled.map { $0.readState(slot, of: parameter) }
                #expect((states[0] != nil) == update.rule.slots.contains(slot))
                #expect((states[0] == nil) == (states[1] == nil))
                if let fast = states[1], let reference = states[0] {
                    expectEqual(fast, reference, within: 1e-4, "\(slot.rawValue) of \(name)")
                }
            }
        }
    }

    /// What is updated as soon as its gradient is computed is the same to the last bit as what is updated at the end of a run.
    @Test(arguments: UpdateCase.all) func updatesInPlaceChangeNothing(_ update: UpdateCase) throws {
        let network = LayerCase(
            "panels", [130],
            [.linear(named: "first", 70, .tanh), .linear(named: "second", 33, .tanh), .linear(named: "third", 1)])
        let built = try CaseProgram(network, update: update.rule)
        let atOnce = try built.prepared(CPUEngine())
        let later = try built.prepared(CPUEngine(keepsEverything: true))
        for step in 0..<UpdateCase.stepCount {
            for program in [atOnce, later] { #expect(program.run(built.stepValues(step: step))) }
        }
        for (parameter, gradient) in zip(built.program.parameters, built.program.parameterGradients) {
            let isMatrix = built.program[parameter].shape.rank == 2
            #expect(atOnce.isReadable(gradient) == (!isMatrix || update.rule.clipNorm != nil))
            #expect(later.isReadable(gradient))
            #expect(atOnce.read(parameter).map(\.bitPattern) == later.read(parameter).map(\.bitPattern))
            for slot in update.rule.slots {
                #expect(atOnce.readState(slot, of: parameter) == later.readState(slot, of: parameter))
            }
        }
    }

    /// A run that starts from the parameters and the state of another continues it exactly.
    @Test(arguments: UpdateCase.all) func stateContinuesARun(_ update: UpdateCase) throws {
        let built = try CaseProgram(UpdateCase.network, update: update.rule)
        for engine in engines {
            let (first, second) = (try built.prepared(engine), try built.prepared(engine))
            first.run(built.stepValues(step: 0))
            for parameter in built.program.parameters {
                second.write(first.read(parameter), to: parameter)
                for slot in update.rule.slots {
                    second.writeState(slot, of: parameter, try #require(first.readState(slot, of: parameter)))
                }
            }
            first.run(built.stepValues(step: 1))
            second.run(built.stepValues(step: 1))
            for parameter in built.program.parameters {
                expectEqual(second.read(parameter), first.read(parameter), within: 1e-6, engine.name)
            }
        }
    }

    @Test(arguments: UpdateCase.all) func aLossThatIsNotFiniteChangesNothing(_ update: UpdateCase) throws {
        let built = try CaseProgram(UpdateCase.network, update: update.rule)
        for engine in engines {
            let compiled = try built.prepared(engine)
            compiled.run(built.stepValues(step: 0))
            let parameters = built.program.parameters
            let before = parameters.map { compiled.read($0) }
            let state = parameters.map { id in update.rule.slots.map { compiled.readState($0, of: id) } }
            var target = built.initialValues(built.target).map { Float($0) }
            target[target.count - 1] = .nan
            compiled.write(target, to: built.target)
            #expect(!compiled.run(built.stepValues(step: 1)), "\(engine.name) accepts a loss that is not a number")
            #expect(parameters.map { compiled.read($0) } == before)
            #expect(parameters.map { id in update.rule.slots.map { compiled.readState($0, of: id) } } == state)
        }
    }

    @Test func clippingBoundsTheStep() throws {
        let method = UpdateRule.Method.sgd(momentum: 0, nesterov: false, weightDecay: 0)
        let built = try CaseProgram(UpdateCase.network, update: UpdateRule(method: method, clipNorm: 0.125))
        for engine in engines {
            let compiled = try built.prepared(engine)
            let values = built.stepValues()
            let before = built.program.parameters.flatMap { compiled.read($0) }
            compiled.run(values)
            let after = built.program.parameters.flatMap { compiled.read($0) }
            let length = zip(before, after).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
            #expect(try #require(compiled.gradientNorm) > 0.125)
            #expect(abs(length - 0.125 * values.learningRate) < 1e-5 * length)
        }
    }
}
