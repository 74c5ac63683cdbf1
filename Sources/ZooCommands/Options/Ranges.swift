import ArgumentParser

/// - Throws: `ValidationError` for the value of an option that is outside its range; nil is none.
func requireRange<Value: Comparable>(_ option: String, _ value: Value?, _ range: ClosedRange<Value>) throws {
    guard let value, !range.contains(value) else { return }
    throw ValidationError("\(option) must lie in \(range.lowerBound)…\(range.upperBound), is \(value)")
}
