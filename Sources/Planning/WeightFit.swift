import ModelKit
import TensorCore

/// How far tensors fit the parameters and buffers of a model.
public struct WeightFit: Sendable {
    /// A tensor of another shape than the model's.
    public struct Misfit: Sendable, Equatable {
        public var path: String
        /// The model's shape.
        public var expected: [Int]
        public var found: [Int]
    }

    /// Those that fit, in the model's order.
    public var fitting: [NamedTensor] = []
    /// Paths of the model for which there is no tensor.
    public var missing: [String] = []
    /// Tensors that the model has no place for.
    public var unused: [String] = []
    public var misshapen: [Misfit] = []
    /// Tensors of the right shape with values that are not finite.
    public var nonFinite: [String] = []

    /// Number of the model's tensors.
    public var tensorCount: Int { fitting.count + missing.count + misshapen.count + nonFinite.count }

    /// Whether every tensor of the model is there; more may be.
    public var isComplete: Bool { missing.isEmpty && misshapen.isEmpty && nonFinite.isEmpty }

    /// What keeps the model from being filled, one entry per tensor.
    public var problems: [String] {
        misshapen.map { "\($0.path): expected shape \($0.expected), found \($0.found)" }
            + missing.map { "\($0): missing" } + nonFinite.map { "\($0): holds values that are not finite" }
    }
}

extension CompiledModel {
    /// Compares tensors with the model's parameters and buffers.
    public func fit(_ tensors: [NamedTensor]) -> WeightFit {
        var byPath = Dictionary(tensors.map { ($0.path, $0) }) { first, _ in first }
        var fit = WeightFit()
        for id in graph.program.parameters + graph.program.buffers {
            let info = graph.program[id]
            guard let tensor = byPath.removeValue(forKey: info.name) else {
                fit.missing.append(info.name)
                continue
            }
            guard tensor.shape == info.shape.dimensions else {
                fit.misshapen.append(
                    WeightFit.Misfit(path: info.name, expected: info.shape.dimensions, found: tensor.shape))
                continue
            }
            guard tensor.values.allSatisfy(\.isFinite) else {
                fit.nonFinite.append(info.name)
                continue
            }
            fit.fitting.append(tensor)
        }
        fit.unused = tensors.map(\.path).filter { byPath[$0] != nil }
        return fit
    }

    /// Fills parameters and buffers from tensors with their paths. Tensors that the graph does not have are ignored, for a
    /// decoder takes its share of a whole model's tensors.
    ///
    /// - Throws: `ZooError` that lists everything missing, of another shape or not finite.
    public func load(_ tensors: [NamedTensor]) throws {
        let fit = fit(tensors)
        guard fit.isComplete else {
            throw ZooError("the weights cannot be used: " + fit.problems.joined(separator: "; "), code: .mismatch)
        }
        write(fit)
    }

    /// Fills those parameters and buffers for which there is a tensor of their shape, and leaves the others.
    public func write(_ fit: WeightFit) {
        let byPath = Dictionary(fit.fitting.map { ($0.path, $0.values) }) { first, _ in first }
        for id in graph.program.parameters + graph.program.buffers {
            if let values = byPath[graph.program[id].name] { compiled.write(values, to: id) }
        }
    }
}
