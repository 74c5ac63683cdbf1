import Glibc

/// Round values along an axis, with their labels.
package struct AxisTicks: Equatable {
    package struct Tick: Equatable {
        package let value: Double
        package let label: String
    }

    package let ticks: [Tick]

    /// Multiples of 1, 2 or 5 times a power of ten inside `range`, at most `count` and usually more than half of that.
    /// With `isWhole`, only whole numbers.
    package static func linear(in range: ClosedRange<Double>, atMost count: Int, isWhole: Bool = false) -> AxisTicks {
        let step = Step(span: range.upperBound - range.lowerBound, atMost: count, isWhole: isWhole)
        let first = (range.lowerBound / step.value - 1e-9).rounded(.up)
        let last = (range.upperBound / step.value + 1e-9).rounded(.down)
        guard first <= last, abs(first) < 1e15, abs(last) < 1e15 else { return AxisTicks(ticks: []) }
        return AxisTicks(
            ticks: (Int(first)...Int(last)).map { multiple in
                Tick(value: Double(multiple) * step.value, label: step.label(multiple: multiple))
            })
    }

    /// `range` widened to the multiples of the step that `linear` would take.
    package static func widened(_ range: ClosedRange<Double>, atMost count: Int) -> ClosedRange<Double> {
        let step = Step(span: range.upperBound - range.lowerBound, atMost: count, isWhole: false).value
        return
            ((range.lowerBound / step + 1e-9).rounded(.down) * step)...((range.upperBound / step - 1e-9)
            .rounded(.up) * step)
    }

    /// Powers of ten inside `range` (of values above 0), with their multiples by 2 and 5 if there are few.
    package static func logarithmic(in range: ClosedRange<Double>, atMost count: Int) -> AxisTicks {
        let first = Int(log10(range.lowerBound).rounded(.down))
        let last = Int(log10(range.upperBound).rounded(.up))
        let decades = last - first
        if log10(range.upperBound) - log10(range.lowerBound) <= 1 {
            let fine = linear(in: range, atMost: count)
            if fine.ticks.count >= 3 { return AxisTicks(ticks: fine.ticks.filter { $0.value > 0 }) }
        }
        let every = max(1, (decades + count - 1) / count)
        let factors = decades * 3 <= count ? [1, 2, 5] : [1]
        var ticks: [Tick] = []
        for exponent in stride(from: first, through: last, by: every) {
            for factor in factors {
                let step = Step(factor: factor, exponent: exponent)
                if step.value >= range.lowerBound * (1 - 1e-9), step.value <= range.upperBound * (1 + 1e-9) {
                    ticks.append(Tick(value: step.value, label: step.label(multiple: 1)))
                }
            }
        }
        return AxisTicks(ticks: ticks)
    }
}

/// The distance of two ticks: `factor` (1, 2 or 5) times ten to the power of `exponent`.
private struct Step {
    let factor: Int
    let exponent: Int

    var value: Double { Double(factor) * pow(10, Double(exponent)) }

    init(factor: Int, exponent: Int) {
        self.factor = factor
        self.exponent = exponent
    }

    /// The smallest step that is taken at most `count` - 1 times in `span`.
    init(span: Double, atMost count: Int, isWhole: Bool) {
        let rough = max(span, 1e-290) / Double(max(count - 1, 1))
        var exponent = Int(log10(rough).rounded(.down))
        if isWhole, exponent < 0 {
            self.init(factor: 1, exponent: 0)
            return
        }
        let mantissa = rough / pow(10, Double(exponent))
        let factor: Int
        switch mantissa {
        case ...1.000_000_1: factor = 1
        case ...2.000_000_1: factor = 2
        case ...5.000_000_1: factor = 5
        default:
            factor = 1
            exponent += 1
        }
        self.init(factor: factor, exponent: exponent)
    }

    /// The label of `multiple` steps: exact decimal digits, or a power of ten where those would be many.
    func label(multiple: Int) -> String {
        let digits = multiple * factor
        if digits == 0 { return "0" }
        let sign = digits < 0 ? "−" : ""
        let magnitude = String(digits.magnitude)
        let leading = magnitude.count + exponent
        guard leading <= 6, exponent >= -5 else { return sign + scientific(magnitude) }
        if exponent >= 0 {
            return sign + grouped(magnitude + String(repeating: "0", count: exponent))
        }
        let padded = String(repeating: "0", count: max(0, -exponent + 1 - magnitude.count)) + magnitude
        return sign + grouped(String(padded.dropLast(-exponent))) + "." + padded.suffix(-exponent)
    }

    private func scientific(_ magnitude: String) -> String {
        var significant = magnitude[...]
        while significant.count > 1, significant.hasSuffix("0") { significant = significant.dropLast() }
        let power = exponent + magnitude.count - 1
        let fraction = significant.dropFirst()
        let superscripts = Array("⁰¹²³⁴⁵⁶⁷⁸⁹")
        let raised = String(power.magnitude).compactMap(\.wholeNumberValue).map { superscripts[$0] }
        let mantissa = significant.prefix(1) + (fraction.isEmpty ? "" : "." + fraction)
        return (mantissa == "1" ? "" : mantissa + "·") + "10" + (power < 0 ? "⁻" : "") + String(raised)
    }

    /// Whole digits with a comma before each group of three, from five digits on.
    private func grouped(_ whole: String) -> String {
        guard whole.count > 4 else { return whole }
        var result = ""
        for (index, digit) in whole.enumerated() {
            if index > 0, (whole.count - index) % 3 == 0 { result.append(",") }
            result.append(digit)
        }
        return result
    }
}
