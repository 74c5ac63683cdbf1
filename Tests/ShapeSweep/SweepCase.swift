import TensorCore

/// What both engines compute and must agree on.
protocol SweepCase: CustomStringConvertible {
    /// Computes it.
    ///
    /// - Parameter data: the number of the random inputs and parameters; the same number gives the same values.
    /// - Throws: `ZooError` where the engine cannot run it.
    func outcome(of engine: any Engine, data: UInt64) throws -> [SweepTensor]
}

/// A tensor that a case computes.
struct SweepTensor {
    /// Tensors whose elements are of comparable size.
    enum Group: Hashable {
        case loss, gradient, parameter, buffer
    }

    var name: String
    var group: Group
    var values: [Float]
}

/// What the cases of a sweep are.
package enum SweepKind: String, CaseIterable, Sendable {
    /// One linear layer, its three passes.
    case linear
    /// One convolution, its three passes.
    case convolution
    /// One transposed convolution, its three passes.
    case transposed
    /// Two training steps of a whole model.
    case architecture
    /// What a sweep has to notice: a crash, wrong numbers, numbers that change.
    case broken

    /// The kinds that must be without faults.
    package static var sound: [SweepKind] { allCases.filter { $0 != .broken } }

    /// Case number `index` of the sweep that `seed` names.
    ///
    /// - Throws: `ZooError` where the generator makes something that is not valid.
    func makeCase(seed: UInt64, index: Int) throws -> any SweepCase {
        var choices = RandomChoices(seed: seed, index: index)
        switch self {
        case .linear: return MatrixCase(linear: &choices)
        case .convolution: return MatrixCase(convolution: &choices, isTransposed: false)
        case .transposed: return MatrixCase(convolution: &choices, isTransposed: true)
        case .architecture: return try ArchitectureCase(&choices)
        case .broken: return BrokenCase(index: index)
        }
    }
}
