/// How often a run is saved besides after every epoch: `500steps`, `30s`, `10min`, `2h`.
public enum SaveInterval: Sendable, Equatable, LosslessStringConvertible {
    case steps(Int)
    case seconds(Int)

    private static let units = [
        "step": 0, "steps": 0, "s": 1, "sec": 1, "seconds": 1, "min": 60, "minutes": 60, "h": 3600, "hours": 3600,
    ]

    /// `500steps`, `30s`, `10min`, `2h`; nil for anything else.
    public init?(_ argument: String) {
        let digits = argument.prefix { $0.isASCII && $0.isNumber }
        let unit = argument.dropFirst(digits.count).drop { $0 == " " }
        guard let count = Int(digits), (1...1_000_000_000).contains(count), let scale = Self.units[String(unit)] else {
            return nil
        }
        self = scale == 0 ? .steps(count) : .seconds(count * scale)
    }

    public var description: String {
        switch self {
        case .steps(let count): "\(count)steps"
        case .seconds(let count):
            count % 3600 == 0 ? "\(count / 3600)h" : count % 60 == 0 ? "\(count / 60)min" : "\(count)s"
        }
    }

    /// Whether it is time to save.
    ///
    /// - Parameter seconds: since the last save.
    public func isDue(step: Int, seconds: Double) -> Bool {
        switch self {
        case .steps(let count): step % count == 0
        case .seconds(let count): seconds >= Double(count)
        }
    }
}
