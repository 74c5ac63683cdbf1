import TensorCore

extension LatentRegion {
    /// A region as users write it: `prior`, `aggregate`, `mixture:K`, `posterior`, `shell:R`, `box:A..B`, `near:INDEX:SIGMA` or
    /// `class:NAME`.
    /// - Throws: `ZooError` of kind `usage` for anything else.
    public init(argument text: String) throws {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let value = parts.count > 1 ? parts[1] : nil
        switch (parts[0], value) {
        case ("prior", nil): self = .prior
        case ("aggregate", nil): self = .aggregate
        case ("posterior", nil): self = .posterior
        case ("shell", let value?): self = .shell(radius: try Self.number(value, in: 0...1e6, text, "shell:2.5"))
        case ("box", let value?):
            guard let dots = value.firstRange(of: "..") else { throw Self.malformed(text, "box:-1..1") }
            let lower = try Self.number(String(value[..<dots.lowerBound]), in: -1e6...1e6, text, "box:-1..1")
            let upper = try Self.number(String(value[dots.upperBound...]), in: -1e6...1e6, text, "box:-1..1")
            guard lower < upper else { throw Self.malformed(text, "box:-1..1") }
            self = .box(lower...upper)
        case ("near", let value?):
            let fields = value.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
            guard fields.count == 2, let index = Int(fields[0]), index >= 0 else {
                throw Self.malformed(text, "near:42:0.5")
            }
            self = .near(index: index, deviation: try Self.number(fields[1], in: 0...1e6, text, "near:42:0.5"))
        case ("mixture", let value?):
            guard let components = Int(value) else { throw Self.malformed(text, "mixture:10") }
            guard (1...1000).contains(components) else {
                throw ZooError(
                    "'\(text)' is not a region: a mixture has 1 to 1000 Gaussians, not \(components)",
                    advice: "write it like mixture:10", kind: .usage)
            }
            self = .mixture(components: components)
        case ("class", let value?) where !value.isEmpty: self = .label(value)
        default:
            let examples = [
                "mixture": "mixture:10", "shell": "shell:2.5", "box": "box:-1..1", "near": "near:42:0.5",
                "class": "class:5",
            ]
            if let example = examples[parts[0]] { throw Self.malformed(text, example) }
            let known = ["prior", "aggregate", "posterior"] + examples.keys
            let nearest = nearestName(to: parts[0], among: known).map { "; did you mean '\($0)'?" } ?? ""
            throw ZooError(
                "there is no region '\(text)'\(nearest)",
                advice: "use prior, aggregate, mixture:K, posterior, shell:R, box:A..B, near:INDEX:SIGMA or class:NAME",
                kind: .usage)
        }
    }

    private static func number(
        _ text: String, in range: ClosedRange<Double>, _ whole: String, _ example: String
    ) throws -> Double {
        guard let value = Double(text), range.contains(value) else { throw malformed(whole, example) }
        return value
    }

    private static func malformed(_ text: String, _ example: String) -> ZooError {
        ZooError("'\(text)' is not a region", advice: "write it like \(example)", kind: .usage)
    }
}
