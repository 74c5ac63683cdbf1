import ModelKit
import TensorCore

/// A graph of a model, compiled, with the way in and out for its parameters.
public final class CompiledModel {
    public let graph: ModelGraph
    public let compiled: any CompiledProgram
    let definition: ModelDefinition
    let purpose: ModelGraph.Purpose

    /// - Throws: `ZooError` where the engine cannot run the model.
    public init(
        _ definition: ModelDefinition, purpose: ModelGraph.Purpose, batchSize: Int, engine: any Engine
    ) throws {
        self.definition = definition
        self.purpose = purpose
        graph = try ModelGraph(definition, purpose: purpose)
        compiled = try engine.compile(graph.program, batchSize: batchSize)
    }

    /// All parameters in PyTorch's layout, in the order of the definition.
    public var parameters: [NamedTensor] { graph.program.parameters.map { tensor($0) } }

    /// All buffers (running statistics), in the order of the definition.
    public var buffers: [NamedTensor] { graph.program.buffers.map { tensor($0) } }

    /// What evaluation uses: the moving average of the parameters where the definition asks for one (`average_decay`), else
    /// the parameters; and the running statistics.
    public var inferenceWeights: [NamedTensor] {
        guard graph.program.update?.averageDecay != nil else { return parameters + buffers }
        let averages = graph.program.parameters.map { id in
            var average = tensor(id)
            average.values = compiled.readState(.average, of: id) ?? average.values
            return average
        }
        return averages + buffers
    }

    private func tensor(_ id: TensorID) -> NamedTensor {
        let info = graph.program[id]
        return NamedTensor(path: info.name, shape: info.shape.dimensions, values: compiled.read(id))
    }

    /// The slots that any group of parameters has.
    private var slots: [UpdateRule.Slot] {
        UpdateRule.Slot.allCases.filter { slot in
            graph.program.groups.contains { $0.update?.slots.contains(slot) ?? false }
        }
    }

    /// The parameters whose group has a slot, in the order of the definition.
    private func parameters(with slot: UpdateRule.Slot) -> [TensorID] {
        graph.program.groups.filter { $0.update?.slots.contains(slot) ?? false }.flatMap(\.parameters)
    }

    /// The optimiser's state, one list of tensors per slot, under the parameters' paths.
    public var optimizerState: [(slot: UpdateRule.Slot, tensors: [NamedTensor])] {
        slots.map { slot in
            let tensors = parameters(with: slot).map { id in
                NamedTensor(
                    path: graph.program[id].name, shape: graph.program[id].shape.dimensions,
                    values: compiled.readState(slot, of: id) ?? [])
            }
            return (slot, tensors)
        }
    }

    /// Restores the optimiser's state.
    ///
    /// - Throws: `ZooError` where a slot or tensor is missing, has another shape, or is not finite.
    public func loadOptimizerState(_ state: [(slot: UpdateRule.Slot, tensors: [NamedTensor])]) throws {
        for slot in slots {
            guard let tensors = state.first(where: { $0.slot == slot })?.tensors else {
                throw ZooError("the optimiser's state \(slot.rawValue) is missing", code: .mismatch)
            }
            let byPath = Dictionary(tensors.map { ($0.path, $0) }) { first, _ in first }
            for id in parameters(with: slot) {
                let info = graph.program[id]
                guard let tensor = byPath[info.name], tensor.shape == info.shape.dimensions else {
                    throw ZooError(
                        "the optimiser's state \(slot.rawValue) of \(info.name) is missing or has not the shape \(info.shape)",
                        code: .mismatch
                    )
                }
                guard tensor.values.allSatisfy(\.isFinite) else {
                    throw ZooError(
                        "the optimiser's state \(slot.rawValue) of \(info.name) holds values that are not finite",
                        code: .notFinite)
                }
                compiled.writeState(slot, of: id, tensor.values)
            }
        }
    }

    /// Gives parameters and buffers their first values.
    public func initialize(seed: UInt64) {
        for (id, tensor) in zip(graph.program.parameters, graph.initialParameters(seed: seed)) {
            compiled.write(tensor.values, to: id)
        }
        for (id, tensor) in zip(graph.program.buffers, graph.initialBuffers) { compiled.write(tensor.values, to: id) }
    }
}
