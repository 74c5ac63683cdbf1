import TensorCore
import TextSupport

/// What `metrics.jsonl` says, read back.
public struct MetricsHistory {
    /// The epochs that can be read, in order.
    public private(set) var epochs: [EpochSummary] = []
    /// The losses between, in order.
    public private(set) var steps: [StepSummary] = []
    /// What is wrong with the first line that cannot be read; nil if all can.
    public private(set) var problem: ZooError?

    /// The last epoch; nil if there is none that can be read.
    public var last: EpochSummary? { epochs.last }

    /// - Parameter text: JSON Lines.
    public init(_ text: String) {
        var rest = text[...]
        var index = 0
        while let end = rest.isEmpty ? nil : rest.utf8.firstIndex(of: UInt8(ascii: "\n")) ?? rest.endIndex {
            let line = rest[..<end]
            rest = rest[end...].dropFirst()
            index += 1
            guard !line.isEmpty else { continue }
            do {
                let json = try JSONValue(parsing: String(line))
                if json["epoch"] == nil {
                    steps.append(try StepSummary(json: json))
                } else {
                    epochs.append(try EpochSummary(json: json))
                }
            } catch {
                let message = (error as? ZooError)?.message ?? "\(error)"
                problem = problem ?? ZooError("line \(index) of the metrics: \(message)", code: .damaged)
            }
        }
    }
}
