import TensorCore
import TextSupport

extension MetricReport {
    /// As it is stored and printed: `schemas/evaluation.schema.json`.
    public var json: JSONValue {
        [
            "metric": metric, "version": version,
            "parameters": JSONValue.object(parameters.map { ($0.name, $0.value) }),
            "scores": scores.map { score in
                [
                    "name": score.name, "value": score.value, "standard_deviation": score.standardDeviation,
                    "unit": score.unit,
                ] as JSONValue
            },
            "table": table.map { table in
                [
                    "title": table.title, "rows": table.rows, "columns": table.columns,
                    "values": table.values.map { JSONValue($0) },
                ] as JSONValue
            }, "notes": notes,
        ]
    }

    /// What `json` made.
    ///
    /// - Throws: `ZooError` naming the field that is missing or of another type.
    public init(json: JSONValue) throws {
        func require<Value>(_ value: Value?, _ field: String) throws -> Value {
            guard let value else {
                throw ZooError("a metric's '\(field)' is missing or of another type", code: .damaged)
            }
            return value
        }
        let metric = try require(json["metric"]?.stringValue, "metric")
        guard case .object(let fields)? = json["parameters"] else {
            throw ZooError("the parameters of '\(metric)' are missing or of another type", code: .damaged)
        }
        let scores = try require(json["scores"]?.arrayValue, "scores").map { score in
            Score(
                try require(score["name"]?.stringValue, "name"), try require(score["value"]?.numberValue, "value"),
                standardDeviation: score["standard_deviation"]?.numberValue.flatMap { $0.isFinite ? $0 : nil },
                unit: score["unit"]?.stringValue)
        }
        self.init(
            metric: metric, version: try require(json["version"]?.countValue, "version"),
            parameters: fields.map { Parameter($0.0, $0.1) }, scores: scores,
            table: try json["table"].flatMap(Self.table),
            notes: (json["notes"]?.arrayValue ?? []).compactMap(\.stringValue))
    }

    private static func table(_ json: JSONValue) throws -> Table? {
        guard case .object = json else { return nil }
        func strings(_ field: String) -> [String] { (json[field]?.arrayValue ?? []).compactMap(\.stringValue) }
        let (rows, columns) = (strings("rows"), strings("columns"))
        let values = (json["values"]?.arrayValue ?? []).map { ($0.arrayValue ?? []).compactMap(\.numberValue) }
        guard values.count == rows.count, values.allSatisfy({ $0.count == columns.count }) else {
            throw ZooError("a metric's table is not \(rows.count) x \(columns.count)", code: .damaged)
        }
        return Table(title: json["title"]?.stringValue ?? "", rows: rows, columns: columns, values: values)
    }
}
