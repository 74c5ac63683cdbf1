import ModelKit
import Planning
import TensorCore
import TestSupport

/// Two training steps of a random model, from its definition to its new parameters; the second on fewer images now and then.
struct ArchitectureCase: SweepCase {
    /// Multiply-adds of a batch's forward pass, elements of its tensors, and parameters, which the reference engine bears.
    private static let mostMultiplyAdds = 5_000_000
    private static let mostElements = 1_000_000
    private static let mostParameters = 300_000

    private let definition: ModelDefinition
    private let batchSize: Int
    private let imageCounts: [Int]

    /// Writes architectures until one is small enough.
    ///
    /// - Throws: `ZooError` where a definition that was written is not valid.
    init(_ choices: inout RandomChoices) throws {
        while true {
            var architecture = RandomArchitecture(choices)
            let text: String
            (text, choices) = architecture.definition()
            let definition: ModelDefinition
            do {
                definition = try ModelDefinition(text: text, source: text, registry: .builtIn)
            } catch let error as DefinitionError where error.problems.allSatisfy({ $0.message.contains("more than") }) {
                // Larger than any model may be.
                continue
            }
            let program = try ModelGraph(definition, purpose: .training).program
            let elements = program.tensors.reduce(0) { $0 + ($1.isBatched ? $1.shape.count : 0) }
            let parameters = program.parameters.reduce(0) { $0 + program[$1].shape.count }
            guard program.multiplyAddsPerImage <= Self.mostMultiplyAdds, elements <= Self.mostElements,
                parameters <= Self.mostParameters
            else { continue }
            self.definition = definition
            // The gradient of batch normalisation over few values is the difference of numbers hundreds of times larger.
            let fewest = text.contains("batch_norm") ? 8 : 1
            let bearable = min(
                Self.mostMultiplyAdds / max(1, program.multiplyAddsPerImage), Self.mostElements / max(1, elements))
            batchSize = max(fewest, min(choices.batch(), bearable))
            imageCounts = [batchSize, choices.chance(0.7) ? batchSize : choices.integer(fewest...batchSize)]
            break
        }
    }

    var description: String { "batches of \(imageCounts) in a program for \(batchSize):\n\(definition.text)" }

    func outcome(of engine: any Engine, data: UInt64) throws -> [SweepTensor] {
        let plan = try TrainingPlan(definition, batchSize: batchSize, engine: engine)
        let (graph, compiled) = (plan.model.graph, plan.model.compiled)
        plan.model.initialize(seed: data)
        var numbers = SplitMix64(state: data &+ 1)
        var tensors: [SweepTensor] = []
        for (step, imageCount) in imageCounts.enumerated() {
            let pixels = (0..<imageCount * definition.input.count).map { _ in UInt8.random(in: 0...255, using: &numbers)
            }
            let indices = (0..<imageCount).map { Int32(7 * $0 + step) }
            pixels.withUnsafeBufferPointer { pixels in
                indices.withUnsafeBufferPointer { indices in
                    _ = plan.step(
                        on: .bytes(pixels), imageIndices: indices, step: step, seed: data,
                        learningRate: definition.training.learningRate)
                }
            }
            func add(_ ids: [TensorID], _ group: SweepTensor.Group) {
                for id in ids where compiled.isReadable(id) {
                    let info = graph.program[id]
                    let values = compiled.read(id)
                    tensors.append(
                        SweepTensor(
                            name: "\(info.name) after step \(step)", group: group,
                            values: info.isBatched ? Array(values.prefix(imageCount * info.shape.count)) : values))
                }
            }
            add([graph.reconstructionLoss, graph.kl].compactMap { $0 }, .loss)
            add(graph.program.parameterGradients, .gradient)
            add(graph.program.parameters, .parameter)
            add(graph.program.buffers, .buffer)
        }
        return tensors
    }
}
