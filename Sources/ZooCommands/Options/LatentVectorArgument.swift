import ArgumentParser
import ModelKit
import TensorCore

/// A latent vector on the command line: `0.5,-1,2`.
struct LatentVectorArgument: ExpressibleByArgument, Equatable {
    /// `[D]`.
    let values: [Float]

    init?(argument: String) {
        let values = argument.split(separator: ",", omittingEmptySubsequences: false).map { Float($0) }
        guard values.allSatisfy({ $0?.isFinite == true }) else { return nil }
        self.values = values.compactMap(\.self)
    }

    /// The numbers, for a model.
    ///
    /// - Throws: `ZooError` (wrong usage) where the model has another number of dimensions.
    func values(for definition: ModelDefinition) throws -> [Float] {
        guard values.count == definition.latentSize else {
            throw ZooError(
                "a latent vector of \(definition.name) has \(definition.latentSize) numbers, not \(values.count)",
                kind: .usage, code: .mismatch)
        }
        return values
    }
}
