import Glibc

/// log 1/K Σ exp(x_k), fed with x_k a few at a time.
public struct LogMeanExp: Sendable {
    private var largest = -Double.infinity
    private var sum = 0.0
    public private(set) var count = 0

    public init() {}

    public mutating func add(_ value: Double) {
        count += 1
        guard value > -.infinity else { return }
        if value > largest {
            sum = sum * exp(largest - value) + 1
            largest = value
        } else {
            sum += exp(value - largest)
        }
    }

    /// −∞ where there is nothing, or nothing but zeros.
    public var value: Double { sum > 0 ? largest + log(sum / Double(count)) : -.infinity }
}
