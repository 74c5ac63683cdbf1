import ModelKit
import TensorCore

// Numbers that are not finite: no result is made of them.

extension CompiledModel {
    /// The first parameter or buffer that is not finite.
    public var firstNonFiniteWeight: String? {
        (graph.program.parameters + graph.program.buffers)
            .first { !compiled.read($0).allSatisfy(\.isFinite) }.map { graph.program[$0].name }
    }

    /// The first tensor of the program that is not finite after a run of `imageCount` images, and the operation that gave it.
    /// The engine must keep every tensor (`Engine.keepingEverything`).
    public func firstNonFiniteOutput(imageCount: Int) -> String? {
        let program = graph.program
        for step in program.steps {
            let culprit = step.outputs.first { id in
                let info = program[id]
                return !compiled.read(id).prefix(info.elementCount(images: imageCount)).allSatisfy(\.isFinite)
            }
            if let culprit { return "\(program[culprit].name) (\(step.operation.name))" }
        }
        return nil
    }

    /// Runs a batch of which a result was not finite again where every tensor is kept, and says which is the first.
    ///
    /// - Parameter fill: gives a model the batch.
    func nonFiniteResult(
        imageCount: Int, _ values: StepValues, engine: any Engine, fill: (CompiledModel) -> Void
    ) throws -> ZooError {
        let watched = try CompiledModel(
            definition, purpose: purpose, batchSize: compiled.batchSize, engine: engine.keepingEverything)
        watched.write(watched.fit(parameters + buffers))
        fill(watched)
        watched.compiled.run(values)
        return ZooError(
            "what \(definition.name) makes of these numbers is not finite; "
                + (watched.firstNonFiniteOutput(imageCount: imageCount).map {
                    "the first tensor that is not finite is \($0)"
                } ?? "run again with all tensors kept, the same batch gives finite numbers only"),
            advice: "look at the range of each weight: training that diverges leaves some that are too large",
            code: .notFinite)
    }
}
