import TextSupport

/// What one metric says of a model: its numbers, how they were computed, and a table where it has one.
public struct MetricReport: Sendable {
    /// A number, with its spread where it was taken several times.
    public struct Score: Sendable, Equatable {
        /// In snake case, for instance `mig` or `dci_completeness`; unique among all metrics.
        public let name: String
        /// The mean over repetitions.
        public let value: Double
        /// Over the repetitions, with n − 1 in the denominator; nil for one.
        public let standardDeviation: Double?
        /// For instance `nats`, `bits/dim` or `%`; nil for a pure number.
        public let unit: String?

        public init(_ name: String, _ value: Double, standardDeviation: Double? = nil, unit: String? = nil) {
            self.name = name
            self.value = value
            self.standardDeviation = standardDeviation
            self.unit = unit
        }

        /// The mean and the spread of repetitions.
        ///
        /// - Precondition: there is at least one.
        public init(_ name: String, repetitions values: [Double], unit: String? = nil) {
            precondition(!values.isEmpty, "\(name) was never computed")
            let mean = values.reduce(0, +) / Double(values.count)
            let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
            self.init(
                name, mean,
                standardDeviation: values.count > 1 ? (squares / Double(values.count - 1)).squareRoot() : nil,
                unit: unit)
        }
    }

    /// Numbers for pairs, for instance of a factor (rows) and a latent dimension (columns).
    public struct Table: Sendable, Equatable {
        /// What a number is, for instance `mutual information, nats`.
        public let title: String
        public let rows: [String]
        public let columns: [String]
        /// A row of numbers for each of `rows`.
        public let values: [[Double]]

        /// - Precondition: there is a row for each name, and in it a number for each column.
        public init(title: String, rows: [String], columns: [String], values: [[Double]]) {
            precondition(
                values.count == rows.count && values.allSatisfy { $0.count == columns.count },
                "the numbers of '\(title)' are not \(rows.count) x \(columns.count)")
            self.title = title
            self.rows = rows
            self.columns = columns
            self.values = values
        }
    }

    /// A setting of the protocol, by the name of its option.
    public struct Parameter: Sendable {
        public let name: String
        public let value: JSONValue

        public init(_ name: String, _ value: JSONValue) {
            self.name = name
            self.value = value
        }
    }

    /// For instance `mig`.
    public let metric: String
    /// Of the protocol: two reports may be compared where it and the parameters are the same.
    public let version: Int
    public let parameters: [Parameter]
    public let scores: [Score]
    public let table: Table?
    /// What a reader of the numbers should know, a sentence each.
    public let notes: [String]

    public init(
        metric: String, version: Int = 1, parameters: [Parameter] = [], scores: [Score], table: Table? = nil,
        notes: [String] = []
    ) {
        self.metric = metric
        self.version = version
        self.parameters = parameters
        self.scores = scores
        self.table = table
        self.notes = notes
    }

    /// The score of a name; nil where there is none.
    public subscript(name: String) -> Double? { scores.first { $0.name == name }?.value }
}
