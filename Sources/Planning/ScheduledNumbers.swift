import TensorCore

/// Numbers that change with the training step, under the names that records have for them: `kl_weight`, `kl_capacity`.
public struct ScheduledNumbers: Sendable, Equatable {
    private let names: [String?]
    private let numbers: SIMD16<Float>

    public init(_ program: Program, step: Int) {
        names = program.scheduleNames
        numbers = program.scheduledNumbers(step: step)
    }

    public var named: [(name: String, value: Float)] {
        names.enumerated().compactMap { index, name in name.map { ($0, numbers[index]) } }
    }

    /// nil where there is none of this name.
    public subscript(name: String) -> Float? { names.firstIndex(of: name).map { numbers[$0] } }
}
