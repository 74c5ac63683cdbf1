import ModelKit
import TensorCore
import TextSupport

extension ModelTrace.Tensor {
    /// Tensors up to this size are shown with all their numbers.
    private static let fullSize = 16

    /// The numbers, nested as the shape is; for large tensors the shape, extremes, mean and L2 norm.
    public var text: String {
        guard values.count <= Self.fullSize else {
            let statistics = TensorStatistics(values)
            return "\(shape)  min \(Formatting.significant(statistics.minimum, 4))  "
                + "max \(Formatting.significant(statistics.maximum, 4))  "
                + "mean \(Formatting.significant(statistics.mean, 4))  "
                + "norm \(Formatting.significant(statistics.norm, 4))"
        }
        return Self.nested(values[...], shape[...])
    }

    private static func nested(_ values: ArraySlice<Double>, _ shape: ArraySlice<Int>) -> String {
        guard let extent = shape.first else { return values.first.map { Formatting.significant($0) } ?? "" }
        let size = values.count / max(1, extent)
        let parts = (0..<extent).map { row in
            nested(
                values[(values.startIndex + row * size)..<(values.startIndex + (row + 1) * size)], shape.dropFirst())
        }
        return "[\(parts.joined(separator: ", "))]"
    }

    /// Name, shape and numbers; for large tensors extremes, mean and L2 norm in place of the numbers.
    public var json: JSONValue {
        var fields: [(String, JSONValue)] = name.isEmpty ? [] : [("name", .string(name))]
        fields.append(("shape", .array(shape.map { .integer($0) })))
        if values.count <= Self.fullSize {
            fields.append(("values", .array(values.map { .number($0) })))
        } else {
            let statistics = TensorStatistics(values)
            fields += [
                ("min", .number(statistics.minimum)), ("max", .number(statistics.maximum)),
                ("mean", .number(statistics.mean)), ("norm", .number(statistics.norm)),
            ]
        }
        return .object(fields)
    }
}

/// What stands for a tensor that is too large to be shown.
private struct TensorStatistics {
    let minimum: Double
    let maximum: Double
    let mean: Double
    /// L2.
    let norm: Double

    init(_ values: [Double]) {
        minimum = values.min() ?? 0
        maximum = values.max() ?? 0
        mean = values.reduce(0, +) / Double(max(1, values.count))
        norm = values.reduce(0) { $0 + $1 * $1 }.squareRoot()
    }
}

extension ModelTrace {
    /// The trace as lines to be followed by hand.
    public var lines: [String] {
        var lines = header + ["", "FORWARD"]
        var number = 0
        for step in forward {
            number += 1
            lines += ["", title(step, number)] + body(step)
        }
        lines += ["", "LOSS, in nats", ""] + losses + ["", "BACKWARD, the gradients of L"]
        for step in backward {
            number += 1
            lines += ["", title(step, number)] + body(step)
        }
        lines += ["", "GRADIENTS OF THE PARAMETERS", ""]
        let width = parameterGradients.map(\.name.count).max() ?? 0
        return lines + parameterGradients.map { "  ∂L/∂\(padded($0.name, width))  \($0.text)" }
    }

    private var header: [String] {
        let image = Tensor(name: "input", shape: definition.input.dimensions, values: input.image)
        var lines = ["\(definition.name): \(definition.summary)", "", "  input   \(image.text)"]
        if let target = input.target {
            lines.append("  target  \(Tensor(name: "target", shape: definition.input.dimensions, values: target).text)")
        } else {
            lines.append("  target  the input")
        }
        if !input.noise.isEmpty {
            lines.append("  noise   \(Tensor(name: "noise", shape: [input.noise.count], values: input.noise).text)")
        }
        lines.append("  loss    L = \(definition.objective.formula)")
        if usesBatchStatistics { lines.append("  note    batch statistics are those of this one image") }
        return lines
    }

    private var losses: [String] {
        var rows = [("reconstruction", reconstruction)]
        if let kl {
            rows.append(("KL", kl))
            if regularizer != kl { rows.append(("KL, as weighted", regularizer)) }
        }
        rows.append(("L", loss))
        return rows.map { "  \(padded($0, 15))  \(Formatting.significant($1))" }
    }

    private func title(_ step: Step, _ number: Int) -> String {
        let digits = String(number)
        let place = step.path.isEmpty || step.path == step.operation ? "" : "\(step.path)  "
        return "\(String(repeating: " ", count: max(0, 3 - digits.count)))\(digits)  \(place)\(step.operation)"
    }

    private func body(_ step: Step) -> [String] {
        let rows =
            step.inputs.map { (" ", $0) } + step.intermediates.map { (" ", $0) } + step.outputs.map { ("→", $0) }
        let symbolWidth = rows.map(\.1.symbol.count).max() ?? 0
        let nameWidth = rows.map(\.1.tensor.name.count).max() ?? 0
        return step.formulas.map { "     \($0)" }
            + rows.map { mark, term in
                "     \(mark) \(padded(term.symbol, symbolWidth))  \(padded(term.tensor.name, nameWidth))  \(term.tensor.text)"
            }
    }

    private func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    /// The trace as one object; large tensors as shape, extremes, mean and L2 norm.
    public var json: JSONValue {
        func terms(_ terms: [Term]) -> JSONValue {
            .array(
                terms.map { term in
                    guard case .object(let fields) = term.tensor.json else { return .null }
                    return .object([("symbol", .string(term.symbol))] + fields)
                })
        }
        func steps(_ steps: [Step]) -> JSONValue {
            .array(
                steps.map { step in
                    [
                        "path": step.path, "operation": step.operation, "formulas": step.formulas,
                        "inputs": terms(step.inputs), "intermediates": terms(step.intermediates),
                        "outputs": terms(step.outputs),
                    ] as JSONValue
                })
        }
        let image = Tensor(name: "", shape: definition.input.dimensions, values: input.image)
        let target = Tensor(name: "", shape: definition.input.dimensions, values: input.target ?? input.image)
        return [
            "model": definition.name, "objective": definition.objective.formula, "input": image.json,
            "target": target.json,
            "noise": input.noise.isEmpty
                ? JSONValue.null : Tensor(name: "", shape: [input.noise.count], values: input.noise).json,
            "forward": steps(forward),
            "loss": ["loss": loss, "reconstruction": reconstruction, "kl": kl, "regularizer": regularizer] as JSONValue,
            "backward": steps(backward), "gradients": parameterGradients.map(\.json),
        ]
    }
}
