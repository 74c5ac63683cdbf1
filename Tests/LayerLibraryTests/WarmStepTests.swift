import CAllocationCounter
import ModelKit
import TensorCore
import Testing

/// What a compiled training step costs besides arithmetic: nothing.
@Suite struct WarmStepTests {
    #if DEBUG
        private static let isOptimized = false
    #else
        private static let isOptimized = true
    #endif

    /// After the first runs, running and updating make no heap allocation of ours.
    @Test(
        .enabled(if: isOptimized, "Swift without optimisation allocates where an optimised build does not: -c release"),
        arguments: [
            "conv-vae-mnist", "mlp-vae-mnist", "beta-vae-dsprites", "beta-tcvae-sprites", "factor-vae-sprites",
            "dip-vae-ii-sprites", "info-vae-mnist", "iwae-mnist", "mlp-vae-mnist-continuous", "conv-vae-cifar-mixture",
            "piwae-mnist", "contractive-autoencoder-mnist", "vq-vae-mnist", "planar-flow-vae-mnist", "ladder-vae-mnist",
            "m2-mnist",
        ],
        Precision.allCases.filter(CPUEngine.supports)
    ) func warmStepsAllocateNothing(_ model: String, _ precision: Precision) throws {
        let graph = try trainingGraph(of: model)
        // Enough images that kernels share their work among threads.
        let imageCount = 32
        let compiled: any CompiledProgram
        do {
            compiled = try CPUEngine(precision: precision).compile(graph.program, batchSize: imageCount)
        } catch let error as ZooError where error.code == .unsupported && precision == .bf16 {
            // Its term reads a layer's weights, whose layout is known in bf16 only where tile registers are.
            #expect(model == "contractive-autoencoder-mnist", "\(error)")
            return
        }
        let images = try #require(graph.images)
        var values = StepValues(imageCount: imageCount)
        let imageIndices = (0..<Int32(imageCount)).map { 3 * $0 + 1 }
        let pixels = [UInt8](repeating: 100, count: imageCount * graph.program[images].shape.count)
        initialize(compiled, graph)

        /// The calls of a trainer for one step.
        func step(_ number: Int) -> Bool {
            values.step = UInt32(number)
            values.updateCount = number
            let stream = RandomStream(seed: 1, purpose: .latentNoise, step: values.step)
            imageIndices.withUnsafeBufferPointer { indices in
                compiled.setImageIndices(indices)
                for noise in graph.program.noises {
                    compiled.writeNoise(stream, imageIndices: indices, to: noise.tensor)
                }
            }
            pixels.withUnsafeBufferPointer { compiled.writeImages(.bytes($0), to: images) }
            return compiled.run(values)
        }
        #expect(step(0) && step(1))
        var isFinite = true
        allocation_counter_start()
        for number in 2..<12 { isFinite = step(number) && isFinite }
        let count = allocation_counter_stop()
        #expect(isFinite)
        #expect(count == 0, "\(count) allocations in ten steps, the first by \(firstCaller())")
    }

    /// The counter of the test above sees what Swift allocates.
    @Test func counterCountsAllocations() {
        let size = 1000 * CPUEngine.threadCount
        allocation_counter_start()
        let array = [Int](repeating: size, count: size)
        let count = allocation_counter_stop()
        #expect(array.last == size)
        #expect(count == 1, "the first by \(firstCaller())")
        #expect(firstCaller().hasPrefix("libswiftCore"))
    }

    private func firstCaller() -> String { String(cString: allocation_counter_first_caller()) }

    /// Between two layers nothing is copied: a reshape is the same memory under another shape, and the only reorders are
    /// of weights.
    @Test(arguments: [
        "mlp-vae-mnist", "conv-vae-mnist", "conv-vae-cifar", "beta-vae-dsprites",
    ]) func nothingIsReorderedBetweenLayers(_ model: String) throws {
        let graph = try trainingGraph(of: model)
        let program = graph.program
        let compiled = try CPUEngine().compile(program, batchSize: 4)
        initialize(compiled, graph)
        // The first run packs weights, too.
        let profile = compiled.profile(StepValues(imageCount: 4))
        let weights = Set(program.parameters.filter { program[$0].shape.rank >= 2 }.map { program[$0].name })
        let packed = profile.filter { $0.operation == "pack weights" }
        #expect(packed.allSatisfy { weights.contains($0.path) })
        let rest = profile.filter { $0.operation != "pack weights" }
        #expect(rest.contains { $0.operation == "linear" && $0.pass == .backwardWeights }, "the profile is empty")
        let copies = rest.filter { $0.operation == "reshape" || $0.implementation.contains("reorder") }
        #expect(copies.isEmpty, "copies in \(copies.map(\.path))")
        // Every step is one of the program's, and activations and reshapes make them fewer.
        let operations = Set(program.steps.map(\.operation.name)).union(["update"])
        #expect(rest.allSatisfy { operations.contains($0.operation) })
        #expect(rest.count < program.steps.count)
    }

    private func initialize(_ compiled: any CompiledProgram, _ graph: ModelGraph) {
        for (id, tensor) in zip(graph.program.parameters, graph.initialParameters(seed: 1)) {
            compiled.write(tensor.values, to: id)
        }
    }
}
