import Testing

@testable import TensorCore

/// The parts of the fast engine's compiler, each by itself.
@Suite struct PlanningPartsTests {
    /// A training step of a small convolutional model with a residual connection.
    private func program() throws -> Program {
        var builder = GraphBuilder(isTraining: true)
        let images = builder.input("images", shape: [1, 8, 8])
        let loss = try builder.scoped("net") { net -> TensorID in
            func parameter(_ name: String, _ shape: Shape) throws -> TensorID {
                try net.parameter(name, shape: shape, initializer: .constant(0.1))
            }
            let first = try net.convolution(
                images, weight: parameter("conv.weight", [4, 1, 3, 3]), bias: parameter("conv.bias", [4]),
                window: Window(kernel: .init(3), stride: .init(2), padding: .init(1)))
            let maps = net.activation(.relu, first)
            let branch = try net.convolution(
                maps, weight: parameter("branch.weight", [4, 4, 3, 3]), bias: nil,
                window: Window(kernel: .init(3), padding: .init(1)))
            let sum = try net.add(maps, net.activation(.tanh, branch))
            let flat = try net.reshape(sum, to: [64])
            let hidden = net.activation(
                .relu,
                try net.linear(flat, weight: parameter("fc1.weight", [32, 64]), bias: parameter("fc1.bias", [32])))
            let dropped = try net.dropout(hidden, rate: 0.5)
            let y = try net.linear(dropped, weight: parameter("fc2.weight", [64, 32]), bias: nil)
            return try net.reconstructionLoss(
                prediction: y, target: images, logSigma: nil,
                loss: ReconstructionLoss(terms: [.init(.bernoulli)], link: .sigmoid))
        }
        try builder.term("loss", loss, weight: .constant(1))
        try builder.differentiate()
        return builder.program
    }

    private let choice = KernelChoice(precision: .f32, convolution: .fast)

    /// Every backward step says what it is the gradient of, and the shapes agree.
    @Test func backwardStepsKnowTheirForwardSteps() throws {
        let program = try program()
        let backward = program.steps.filter { $0.pass != .forward }
        #expect(backward.count == 14)
        for step in backward {
            let gradient = try #require(step.gradient)
            let origin = program.steps[gradient.step]
            #expect(origin.pass == .forward)
            #expect(origin.operation.name == step.operation.name)
            #expect(origin.path == step.path)
            #expect(gradient.inputs.count == step.outputs.count)
            for (output, input) in zip(step.outputs, gradient.inputs) {
                #expect(program[output].shape == program[origin.inputs[input]].shape)
            }
        }
        #expect(program.steps.filter { $0.pass == .forward }.allSatisfy { $0.gradient == nil })
    }

    @Test func fusion() throws {
        let program = try program()
        let fused = Fusion(program, choice, keepsEverything: false).steps
        // Both ReLUs go into what is before them; tanh stays.
        #expect(fused.filter { $0.activation == .relu }.map(\.step.operation.name) == ["conv2d", "linear"])
        let names = fused.filter { $0.step.pass == .forward }.map(\.step.operation.name)
        #expect(names.filter { $0 == "relu" }.isEmpty)
        #expect(names.contains("tanh"))
        // The loss computes its gradient in the same pass.
        #expect(fused.contains { $0.backward?.gradient.map { program.steps[$0.step].path == "net" } == true })
        // Every linear layer and convolution of f32 has a kernel of ours, and whatever is masked has one that masks.
        for step in fused where step.step.matrixOperands != nil { #expect(step.kernel != nil) }
        for step in fused where step.mask != nil && step.step.pass == .backwardData {
            #expect(step.kernel?.masksOutput == true)
        }
        // Nothing is lost: what no step writes any more, no step reads.
        let written = Set(fused.flatMap(\.outputs))
        for step in fused {
            for id in step.inputs where program[id].role == .activation || program[id].role == .gradient {
                #expect(written.contains(id), "\(program[id].name) is read and never written")
            }
        }
        // Where everything is kept, every activation is written.
        let kept = Fusion(program, choice, keepsEverything: true).steps
        let all = Set(kept.flatMap(\.outputs))
        for step in program.steps { for id in step.outputs { #expect(all.contains(id)) } }
    }

    /// The vectors between flattening and a linear layer lie as the maps do, and so do the layer's columns.
    @Test func featureOrders() throws {
        let program = try program()
        let orders = FeatureOrders(program)
        let flat = try #require(
            program.steps.first { $0.operation.name == "reshape" && $0.pass == .forward }?.outputs[0])
        #expect(orders.order(of: flat) == .channelsLast(channels: 4, area: 16))
        let weight = try #require(program.tensor(named: "net.fc1.weight"))
        #expect(orders.columnOrder(of: weight) == .channelsLast(channels: 4, area: 16))
        #expect(orders.rowOrder(of: weight) == .plain)
        let gradient = program.parameterGradients[try #require(program.parameters.firstIndex(of: weight))]
        #expect(orders.columnOrder(of: gradient) == orders.columnOrder(of: weight))
        #expect(orders.order(of: try #require(program.tensor(named: "net.fc1.bias"))) == .plain)
        #expect(FeatureOrder.channelsLast(channels: 2, area: 3).featureAtPlace() == [0, 3, 1, 4, 2, 5])
        #expect(FeatureOrder(of: [1, 4, 4]) == .plain)
    }

    /// In bf16 what only matrix products and element-wise steps touch is bfloat16, one type for each element-wise step.
    @Test func elementTypes() throws {
        let program = try program()
        let steps = Fusion(program, KernelChoice(precision: .bf16, convolution: .fast), keepsEverything: false).steps
        let types = ElementTypes(steps, program, precision: .bf16, aliases: [])
        for step in steps {
            switch step.step.operation {
            case .activation, .add: #expect(Set((step.inputs + step.outputs).map(types.isBF16)).count == 1)
            case .dropout, .reconstruction, .reshape:
                #expect((step.inputs + step.outputs).allSatisfy { !types.isBF16($0) })
            default: break
            }
        }
        for id in program.parameters + program.parameterGradients { #expect(!types.isBF16(id)) }
        let none = ElementTypes(steps, program, precision: .f32, aliases: [])
        #expect(program.tensors.indices.allSatisfy { !none.isBF16(TensorID($0)) })
        #expect(none.stride(of: TensorID(0)) == 4)
    }

    /// Two tensors share bytes only where one is dead before the other is written, or a step writes over its own input.
    @Test(arguments: [true, false]) func memory(keepsEverything: Bool) throws {
        let program = try program()
        let steps = Fusion(program, choice, keepsEverything: keepsEverything).steps
        let plan = MemoryPlan(steps: steps, program: program, aliases: [], keepsEverything: keepsEverything) { id in
            let info = program[id]
            return info.role == .parameter || info.role == .parameterGradient ? nil : info.shape.count * 3 * 4
        }
        func range(_ id: TensorID) -> Range<Int>? {
            plan.offsets[id.index].map { $0..<$0 + program[id].shape.count * 12 }
        }
        var lifetimes: [TensorID: ClosedRange<Int>] = [:]
        for (index, step) in steps.enumerated() {
            for id in step.inputs + step.outputs where range(id) != nil {
                lifetimes[id] = (lifetimes[id]?.lowerBound ?? index)...index
            }
        }
        for id in lifetimes.keys where !(program[id].role == .activation || program[id].role == .gradient) {
            lifetimes[id] = 0...steps.count
        }
        if keepsEverything { for id in lifetimes.keys { lifetimes[id] = 0...steps.count } }
        for (first, life) in lifetimes {
            #expect((range(first)?.upperBound ?? 0) <= plan.byteCount)
            for (second, other) in lifetimes where first.index < second.index && life.overlaps(other) {
                guard let a = range(first), let b = range(second), a.overlaps(b) else { continue }
                // Written over in place: one ends in the step in which the other begins.
                let meet = life.upperBound == other.lowerBound ? other.lowerBound : life.lowerBound
                #expect(
                    life.upperBound == other.lowerBound || other.upperBound == life.lowerBound,
                    "\(program[first].name) and \(program[second].name) share memory")
                #expect(a == b)
                switch steps[meet].step.operation {
                case .activation, .dropout, .add: break
                default: Issue.record("\(steps[meet].step.path) writes over its input")
                }
            }
        }
    }
}
