import ArgumentParser

/// A range of numbers as users write it: `-3..3`.
struct RangeArgument: ExpressibleByArgument, Equatable, Sendable {
    let range: ClosedRange<Double>

    init?(argument: String) {
        guard let dots = argument.firstRange(of: ".."),
            let lower = Double(argument[..<dots.lowerBound]), let upper = Double(argument[dots.upperBound...]),
            lower.isFinite, upper.isFinite, abs(lower) <= 1e6, abs(upper) <= 1e6, lower < upper
        else { return nil }
        range = lower...upper
    }
}
