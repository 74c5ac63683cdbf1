import ModelKit
import TensorCore

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
            let metric = graph.program.metrics.firstIndex { $0.value == term.value }
            let value = metric.map { sums.metrics[$0] } ?? sum(term.value)
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
