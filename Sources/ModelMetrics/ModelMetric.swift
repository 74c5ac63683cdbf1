import Metrics
import TensorCore
import TextSupport

/// A metric of trained models: what it needs, which settings it has, and how its numbers are computed.
public protocol ModelMetric: Sendable {
    /// In snake case, for instance `mig`.
    var name: String { get }
    var group: MetricGroup { get }
    /// One sentence.
    var summary: String { get }
    /// What a model and a data set must have.
    var needs: Set<MetricNeed> { get }
    /// The settings of its protocol, with the published values as defaults.
    var parameters: [MetricParameter] { get }
    /// The scores that rank models, and whether a higher or a lower number is better; none where neither is.
    var directions: [(score: String, direction: ScoreDirection)] { get }
    /// Whether it draws at random, so that repetitions differ.
    var isRandom: Bool { get }

    /// Computes it once.
    ///
    /// - Throws: `ZooError` where model, data and settings do not allow it, or a number is not finite.
    func measure(
        _ subject: MetricSubject, _ settings: MetricSettings, _ random: inout RandomNumbers
    ) throws -> Measurement
}

extension ModelMetric {
    public var isRandom: Bool { true }
}

/// What one computation of a metric gives.
public struct Measurement: Sendable {
    public struct Number: Sendable {
        public let name: String
        public let value: Double
        public let unit: String?

        public init(_ name: String, _ value: Double, unit: String? = nil) {
            self.name = name
            self.value = value
            self.unit = unit
        }
    }

    public let numbers: [Number]
    public let table: MetricReport.Table?
    /// What a reader of the numbers should know, a sentence each.
    public let notes: [String]

    public init(_ numbers: [Number], table: MetricReport.Table? = nil, notes: [String] = []) {
        self.numbers = numbers
        self.table = table
        self.notes = notes
    }
}

/// What metrics are about.
public enum MetricGroup: String, Sendable, CaseIterable {
    case likelihood
    case reconstruction
    case generation
    case representation
    case disentanglement
}

/// What a metric needs of a model or of a data set.
public enum MetricNeed: Sendable, CaseIterable {
    /// Factors of variation, or labels in their place.
    case factors
    /// At least two factors of variation.
    case severalFactors
    /// Labels.
    case labels
    /// A posterior with a variance.
    case posterior
    /// Codes that are real numbers, and not the numbers of a codebook's vectors.
    case continuousCodes

    /// A model whose codes are the features that images are compared by.
    case features

    /// For messages: what is missing.
    var words: String {
        switch self {
        case .factors: "a data set with factors of variation or labels"
        case .severalFactors: "a data set with at least two factors of variation"
        case .labels: "a data set with labels"
        case .posterior: "a model with a posterior"
        case .continuousCodes: "a model whose codes are real numbers, not those of a codebook"
        case .features: "a trained model whose codes are the features"
        }
    }
}

/// A number that a metric's protocol fixes.
public struct MetricParameter: Sendable {
    /// In snake case, for instance `training_samples`.
    public let name: String
    public let summary: String
    public let usual: Double
    public let range: ClosedRange<Double>
    public let isWhole: Bool

    /// A whole number.
    public init(_ name: String, _ usual: Int, in range: ClosedRange<Int>, _ summary: String) {
        self.name = name
        self.summary = summary
        self.usual = Double(usual)
        self.range = Double(range.lowerBound)...Double(range.upperBound)
        isWhole = true
    }

    /// A real number.
    public init(_ name: String, _ usual: Double, in range: ClosedRange<Double>, _ summary: String) {
        self.name = name
        self.summary = summary
        self.usual = usual
        self.range = range
        isWhole = false
    }
}

/// The values of a metric's parameters.
public struct MetricSettings: Sendable {
    private let values: [String: Double]
    private let parameters: [MetricParameter]

    /// - Parameter chosen: values other than the usual ones, by the parameter's name.
    /// - Throws: `ZooError` (wrong usage) that lists every unknown name and every value out of range.
    public init(of metric: any ModelMetric, chosen: [String: Double] = [:]) throws {
        parameters = metric.parameters
        var values: [String: Double] = [:]
        for parameter in parameters { values[parameter.name] = parameter.usual }
        var faults: [String] = []
        for (name, value) in chosen.sorted(by: { $0.key < $1.key }) {
            guard let parameter = parameters.first(where: { $0.name == name }) else {
                let known = parameters.map(\.name)
                faults.append(
                    "\(metric.name) has no parameter '\(name)'"
                        + (known.isEmpty ? "" : ": it has \(known.joined(separator: ", "))"))
                continue
            }
            if !parameter.range.contains(value) || parameter.isWhole && value != value.rounded() {
                let bounds =
                    parameter.isWhole
                    ? "a whole number from \(Int(parameter.range.lowerBound)) to \(Int(parameter.range.upperBound))"
                    : "from \(parameter.range.lowerBound) to \(parameter.range.upperBound)"
                faults.append("\(metric.name).\(name) is \(bounds), not \(value)")
            }
            values[name] = value
        }
        guard faults.isEmpty else { throw ZooError(faults.joined(separator: "; "), kind: .usage) }
        self.values = values
    }

    /// - Precondition: the metric has a parameter of this name.
    public subscript(name: String) -> Double {
        guard let value = values[name] else { preconditionFailure("no parameter '\(name)'") }
        return value
    }

    /// The value of a whole number.
    ///
    /// - Precondition: the metric has a parameter of this name.
    public func whole(_ name: String) -> Int { Int(self[name]) }

    /// For the report, in the order in which the metric declares them.
    public var reported: [MetricReport.Parameter] {
        parameters.map { parameter in
            let value = self[parameter.name]
            return MetricReport.Parameter(parameter.name, parameter.isWhole ? .integer(Int(value)) : .number(value))
        }
    }
}
