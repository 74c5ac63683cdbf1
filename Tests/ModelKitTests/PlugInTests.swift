import ExamplePlugIn
import Foundation
import LayerLibrary
import ModelKit
import TensorCore
import Testing
import ZooModels

/// `Examples/PlugIn`: a layer, a likelihood, a regulariser and a model from outside.
@Suite struct PlugInTests {
    private func registry() throws -> Registry { try ExamplePlugIn.extend(ZooModels.registry()) }

    private func definition() throws -> ModelDefinition {
        let registry = try registry()
        let source = try registry.model("scaled-vae-mnist")
        #expect(source.origin == .plugIn)
        return try read(source.text, source: source.label, registry: registry)
    }

    @Test func registersItsParts() throws {
        let definition = try definition()
        let graph = try ModelGraph(definition, purpose: .training)
        let names = graph.program.parameters.map { graph.program[$0].name }
        #expect(names.contains("encoder.scale1.scale") && names.contains("decoder.scale2.scale"))
        #expect(graph.rows.first { $0.path == "encoder.scale1" }?.outputShape == [8, 7, 7])
        // 8·16 + 8, 8; 2·(392·8 + 8); 8·64 + 64, 64; 64·784 + 784.
        #expect(graph.parameterCount == 136 + 8 + 2 * 3_144 + 576 + 64 + 50_960)
        #expect(
            graph.initialParameters(seed: 0).first { $0.path == "encoder.scale1.scale" }?.values
                == Array(repeating: 0.5, count: 8))
        #expect(definition.objective.terms.map(\.name) == ["pseudo_huber"])
        // Without the plug-in the definition names things that do not exist.
        #expect(problems(in: definition.text).contains { $0.contains("unknown likelihood pseudo_huber") })
        #expect(try registry().layers.count == Registry.builtIn.layers.count + 1)
        #expect(DefinitionSchema.json(registry: try registry()).contains("\"layer.channel_scale\""))
        #expect(throws: ZooError.self) { try ExamplePlugIn.extend(registry()) }
    }

    @Test func itsModelLearns() throws {
        let graph = try ModelGraph(definition(), purpose: .training)
        let batch = 4
        let program = try CPUEngine().compile(graph.program, batchSize: batch)
        for (id, parameter) in zip(graph.program.parameters, graph.initialParameters(seed: 1)) {
            program.write(parameter.values, to: id)
        }
        var dice = Dice(seed: 2)
        program.write((0..<batch * 784).map { _ in Float(dice.roll(2)) }, to: try #require(graph.images))
        program.write([Float](repeating: 0, count: batch * 8), to: try #require(graph.noises.first))
        let loss = try #require(graph.reconstructionLoss)
        var losses: [Float] = []
        for step in 0..<20 {
            #expect(
                program.run(
                    StepValues(
                        imageCount: batch, step: UInt32(step), updateCount: step, learningRate: 3e-3)))
            losses.append(program.read(loss).reduce(0, +) / Float(batch))
        }
        #expect(losses[19] < 0.95 * losses[0], "\(losses)")
        let scale = try #require(graph.program.tensor(named: "encoder.scale1.scale"))
        #expect(program.read(scale).contains { $0 != 0.5 })
    }

    /// The layer's derivative against central differences, through the same generic code that the engines call.
    @Test func itsLayerHasTheRightDerivative() throws {
        let graph = try ModelGraph(definition(), purpose: .encoding)
        try check(#require(graph.program.steps.first { $0.path == "encoder.scale1" }), in: graph.program, images: 2)
    }

    /// The same of the regulariser, which sees the whole batch.
    @Test func itsRegularizerHasTheRightDerivative() throws {
        let graph = try ModelGraph(definition(), purpose: .evaluation)
        try check(
            #require(graph.program.steps.first { $0.path == "objective" && $0.operation.name == "moment_distance" }),
            in: graph.program, images: 3)
        #expect(graph.program.metrics.map(\.name) == ["reconstruction", "kl", "moment_matching"])
    }

    private func check(_ step: ProgramStep, in program: Program, images: Int) throws {
        guard case .custom(let operation) = step.operation else {
            Issue.record("\(step.path) is \(step.operation.name)")
            return
        }
        var dice = Dice(seed: 3)
        func values(_ id: TensorID) -> [Double] {
            (0..<program[id].elementCount(images: images)).map { _ in Double(dice.roll(2001) - 1000) / 1000 }
        }
        var inputs = step.inputs.map(values)
        let weights = values(step.outputs[0])
        let types = step.inputs.map { program.type(of: $0) }
        let type = program.type(of: step.outputs[0])
        func loss() -> Double {
            let output = UnsafeMutableBufferPointer<Double>.allocate(capacity: weights.count)
            defer { output.deallocate() }
            output.update(repeating: 0)
            withBuffers(inputs) {
                operation.forward(
                    OperationTensors(
                        inputTypes: types, outputType: type, inputs: $0, output: output,
                        values: StepValues(imageCount: images)))
            }
            return zip(output, weights).reduce(0) { $0 + $1.0 * $1.1 }
        }
        let gradients = inputs.map { UnsafeMutableBufferPointer<Double>.allocate(capacity: $0.count) }
        defer { for gradient in gradients { gradient.deallocate() } }
        for gradient in gradients { gradient.update(repeating: 0) }
        withBuffers(inputs + [weights]) {
            operation.backward(
                OperationTensors(
                    inputTypes: types, outputType: type, inputs: Array($0.dropLast()), outputGradient: $0.last,
                    inputGradients: gradients, values: StepValues(imageCount: images)))
        }
        for (input, gradient) in gradients.enumerated() {
            for element in [0, gradient.count / 2, gradient.count - 1] {
                let value = inputs[input][element]
                inputs[input][element] = value + 1e-5
                let above = loss()
                inputs[input][element] = value - 1e-5
                let below = loss()
                inputs[input][element] = value
                #expect(abs((above - below) / 2e-5 - gradient[element]) < 1e-6)
            }
        }
    }

    private func withBuffers(_ arrays: [[Double]], _ body: ([UnsafeBufferPointer<Double>]) -> Void) {
        func descend(_ index: Int, _ buffers: [UnsafeBufferPointer<Double>]) {
            guard index < arrays.count else { return body(buffers) }
            arrays[index].withUnsafeBufferPointer { descend(index + 1, buffers + [$0]) }
        }
        descend(0, [])
    }

    @Test func itsLikelihoodHasTheRightDerivative() throws {
        let likelihood = try #require(try registry().likelihood("pseudo_huber")).likelihood
        guard case .custom(let loss) = likelihood else {
            Issue.record("not a plug-in's likelihood")
            return
        }
        // δ = 0.1: at a difference of 0.1 the loss is 0.01·(√2 − 1) and its derivative 0.1/√2.
        let (value, derivative) = loss.valueAndDerivative(prediction: 0.6, target: 0.5)
        #expect(abs(value - 0.01 * (2.0.squareRoot() - 1)) < 1e-12)
        #expect(abs(derivative - 0.1 / 2.0.squareRoot()) < 1e-12)
        for prediction in [-0.3, 0.2, 0.5, 0.9] {
            let above = loss.valueAndDerivative(prediction: prediction + 1e-6, target: 0.5).value
            let below = loss.valueAndDerivative(prediction: prediction - 1e-6, target: 0.5).value
            let exact = loss.valueAndDerivative(prediction: prediction, target: 0.5).derivative
            #expect(abs((above - below) / 2e-6 - exact) < 1e-8)
        }
    }
}
