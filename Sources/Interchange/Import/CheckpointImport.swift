import Checkpoints
import ModelKit
import TensorCore

extension Checkpoint {
    /// A checkpoint of imported weights, without the state of training.
    ///
    /// - Parameters:
    ///   - weights: the weights in the places of the model.
    ///   - files: where they come from.
    ///   - provenance: what else is known about the making of the file.
    public init(
        _ weights: WeightAssignment, definition: ModelDefinition, from files: [ForeignFile],
        provenance: [String: String]
    ) {
        self.init(
            definition: definition.text, model: definition.name, family: definition.family,
            parameters: weights.parameters)
        buffers = weights.buffers
        dataset = files.lazy.compactMap { $0.metadata["zoo.dataset"] }.first ?? definition.dataset
        self.provenance = provenance
        let names = files.map { $0.path.split(separator: "/").last.map(String.init) ?? $0.path }
        self.provenance["imported_from"] = names.joined(separator: ", ")
        self.provenance["imported_format"] = files.first?.format.rawValue ?? ""
        if !weights.differences.isEmpty {
            self.provenance["import_differences"] = weights.differences.map(\.message).joined(separator: "\n")
        }
    }
}
