import Testing

/// ‖found − expected‖ relative to ‖expected‖, or to 10⁻³ per element where the expected tensor is smaller than that.
func deviation(_ found: [Double], _ expected: [Double]) -> Double {
    func norm(_ values: [Double]) -> Double { values.reduce(0) { $0 + $1 * $1 }.squareRoot() }
    let difference = norm(zip(found, expected).map { $0 - $1 })
    return difference / max(norm(expected), 1e-3 * Double(expected.count).squareRoot())
}

func deviation(_ found: [Float], _ expected: [Float]) -> Double {
    deviation(found.map(Double.init), expected.map(Double.init))
}

/// Records an issue where two tensors differ in size or by more than `tolerance`.
func expectEqual(
    _ found: [Double], _ expected: [Double], within tolerance: Double, _ what: String,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    guard found.count == expected.count, !expected.isEmpty else {
        Issue.record("\(what): \(found.count) elements, expected \(expected.count)", sourceLocation: sourceLocation)
        return
    }
    let deviation = deviation(found, expected)
    #expect(deviation <= tolerance, "\(what) deviates by \(deviation)", sourceLocation: sourceLocation)
}

func expectEqual(
    _ found: [Float], _ expected: [Float], within tolerance: Double, _ what: String,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    expectEqual(
        found.map(Double.init), expected.map(Double.init), within: tolerance, what, sourceLocation: sourceLocation)
}
