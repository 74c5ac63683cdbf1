import ModelKit
import TensorCore

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

extension CompiledModel {
    /// Sums over the images of a batch.
    struct Sums {
        /// Of the model's loss, with the weights of the run.
        var loss = 0.0
        /// With the weights, and the terms, at the end of all schedules.
        var finalLoss = 0.0
        var metrics: MetricValues
    }

    var metricNames: [String] { graph.program.metrics.map(\.name) }

    /// What the last run says of the images of its batch. Allocates nothing.
    ///
    /// - Parameters:
    ///   - names: `metricNames`.
    ///   - final: the numbers of the schedules at their end.
    ///   - buffer: for as many numbers as a batch has rows.
    func sums(
        imageCount: Int, names: [String], scheduled: SIMD16<Float>, final: SIMD16<Float>,
        _ buffer: UnsafeMutableBufferPointer<Float>
    ) -> Sums {
        /// Over the images; a number of the whole batch counts for each of them.
        func sum(_ id: TensorID) -> Double {
            let rows = graph.program[id].rows
            compiled.read(id, into: buffer)
            guard rows != .one else { return Double(buffer[0]) * Double(imageCount) }
            var sum = 0.0
            for row in 0..<rows.count(images: imageCount) { sum += Double(buffer[row]) }
            return sum / Double(rows.count(images: 1))
        }
        var sums = Sums(metrics: MetricValues(names: names))
        for (index, metric) in graph.program.metrics.enumerated() { sums.metrics[index] = sum(metric.value) }
        for term in graph.program.groups[0].terms {
            let value = sum(term.value)
            sums.loss += Double(scheduled[term.weight.index]) * value
            sums.finalLoss += Double(final[term.weight.index]) * (term.finalValue.map(sum) ?? value)
        }
        return sums
    }

    /// Rows of the largest tensor that `sums` reads.
    var sumBufferCount: Int {
        let program = graph.program
        let ids =
            program.metrics.map(\.value) + program.terms.flatMap { [$0.value] + ($0.finalValue.map { [$0] } ?? []) }
        return ids.map { program[$0].rows.count(images: compiled.batchSize) }.max() ?? 1
    }
}
