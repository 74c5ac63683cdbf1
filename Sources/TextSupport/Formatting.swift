import Glibc

/// Numbers and times for people.
public enum Formatting {
    /// With so many significant digits and no zeros at the end, as C's `%g`: 0.8375, 1.2e-07.
    public static func significant(_ value: Double, _ digits: Int = 6) -> String {
        guard value.isFinite else { return value.isNaN ? "nan" : value < 0 ? "-inf" : "inf" }
        var buffer = [CChar](repeating: 0, count: 64)
        let count = withVaList([Int32(digits), value == 0 ? 0 : value]) { vsnprintf(&buffer, buffer.count, "%.*g", $0) }
        return String(decoding: buffer.prefix(Int(max(0, count))).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// With a fixed number of decimals.
    public static func decimals(_ value: Double, _ count: Int) -> String {
        guard value.isFinite else { return value.isNaN ? "nan" : value < 0 ? "-inf" : "inf" }
        let scale = (0..<count).reduce(1.0) { scale, _ in scale * 10 }
        let scaled = (abs(value) * scale).rounded()
        guard scaled < 9e18 else { return "\(value)" }
        let whole = Int(scaled)
        let sign = value < 0 && whole != 0 ? "-" : ""
        guard count > 0 else { return sign + String(whole) }
        let digits = String(whole % Int(scale))
        return "\(sign)\(whole / Int(scale)).\(String(repeating: "0", count: count - digits.count))\(digits)"
    }

    /// A number's text with a real minus sign, as figures write it.
    public static func minus(_ text: String) -> String { text.replacing("-", with: "−") }

    /// −4 … 4.
    public static func range(_ range: ClosedRange<Double>) -> String {
        minus("\(significant(range.lowerBound)) … \(significant(range.upperBound))")
    }

    /// 1,234,567.
    public static func grouped(_ value: Int) -> String {
        let digits = Array(String(value.magnitude))
        let groups = stride(from: digits.count, to: 0, by: -3).map { String(digits[max(0, $0 - 3)..<$0]) }.reversed()
        return (value < 0 ? "-" : "") + groups.joined(separator: ",")
    }

    /// A number rounded to a whole one: 1,234,567.
    public static func grouped(_ value: Double) -> String {
        guard let whole = Int(exactly: value.rounded()) else { return significant(value, 3) }
        return grouped(whole)
    }

    /// With a prefix that leaves few digits: 1.20 GFLOP, 6.65 MB, 340.0 kB, 114 FLOP.
    public static func quantity(_ value: Double, _ unit: String) -> String {
        switch abs(value) {
        case 1e12...: "\(decimals(value / 1e12, 2)) T\(unit)"
        case 1e9...: "\(decimals(value / 1e9, 2)) G\(unit)"
        case 1e6...: "\(decimals(value / 1e6, 2)) M\(unit)"
        case 1e3...: "\(decimals(value / 1e3, 1)) k\(unit)"
        default: "\(decimals(value, 0)) \(unit)"
        }
    }

    /// 12 s, 3 min 20 s, 1 h 05 min.
    public static func duration(_ seconds: Double) -> String {
        guard seconds.isFinite, seconds >= 0, seconds < 1e9 else { return "?" }
        if seconds < 9.95 { return decimals(seconds, 1) + " s" }
        let whole = Int(seconds.rounded())
        if whole < 60 { return "\(whole) s" }
        if whole < 3600 { return "\(whole / 60) min \(whole % 60) s" }
        return "\(whole / 3600) h \(whole % 3600 / 60) min"
    }

    /// Bytes in units of 1,000.
    public static func bytes(_ count: Int) -> String { quantity(Double(count), "B") }
}

extension Duration {
    public var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
