/// Named numbers in order: what is reported of a batch, an epoch or a model.
public struct MetricValues: Sendable, Equatable {
    /// In snake case, for instance `reconstruction`, `kl`, `total_correlation`.
    public let names: [String]
    private var storage = SIMD16<Double>()

    /// Zeros.
    ///
    /// - Precondition: there are at most sixteen.
    public init(names: [String]) {
        precondition(names.count <= SIMD16<Double>.scalarCount, "\(names.count) metrics are too many")
        self.names = names
    }

    /// - Precondition: there are at most sixteen.
    public init(_ values: [(name: String, value: Double)]) {
        self.init(names: values.map(\.name))
        for (index, value) in values.enumerated() { storage[index] = value.value }
    }

    public subscript(index: Int) -> Double {
        get { storage[index] }
        set { storage[index] = newValue }
    }

    /// nil where there is none of this name.
    public subscript(name: String) -> Double? { names.firstIndex(of: name).map { storage[$0] } }

    public var values: [(name: String, value: Double)] { names.enumerated().map { ($1, storage[$0]) } }

    public var isFinite: Bool { names.indices.allSatisfy { storage[$0].isFinite } }

    /// - Precondition: both have the same names.
    public static func += (sum: inout MetricValues, other: MetricValues) { sum.storage += other.storage }

    /// Each divided by `count`.
    public func divided(by count: Double) -> MetricValues {
        var result = self
        result.storage /= count
        return result
    }

    /// Each times `factor`.
    public func scaled(by factor: Double) -> MetricValues {
        var result = self
        result.storage *= factor
        return result
    }
}
