import TensorCore

/// How far an outcome is from the reference.
struct SweepDeviation {
    /// What the reference computes in double precision.
    private let expected: [SweepTensor]
    /// The root mean square of all elements of a group.
    private let sizes: [SweepTensor.Group: Double]

    /// A tensor much smaller than the others of its group counts as if its elements had this share of their root mean square:
    /// of sums that cancel (the gradient of a bias before batch normalisation) nothing is left but rounding.
    private static let smallestShare = 0.1

    init(from expected: [SweepTensor]) {
        self.expected = expected
        var sums: [SweepTensor.Group: (squares: Double, count: Int)] = [:]
        for tensor in expected {
            sums[tensor.group, default: (0, 0)].squares += Self.squares(tensor.values)
            sums[tensor.group, default: (0, 0)].count += tensor.values.count
        }
        sizes = sums.mapValues { ($0.squares / Double(max(1, $0.count))).squareRoot() }
    }

    private static func squares(_ values: [Float]) -> Double { values.reduce(0) { $0 + Double($1) * Double($1) } }

    /// Whether the reference is finite.
    var isFinite: Bool { sizes.values.allSatisfy(\.isFinite) }

    /// The largest relative difference in the root mean square over a tensor, and the tensor's name; infinite where `found` has
    /// other tensors, gradients apart: one that has been used for an update may be missing.
    func largest(in found: [SweepTensor]) -> (value: Double, name: String) {
        let names = Set(found.map(\.name))
        let expected = expected.filter { $0.group != .gradient || names.contains($0.name) }
        guard found.map(\.name) == expected.map(\.name), found.map(\.values.count) == expected.map(\.values.count)
        else {
            return (.infinity, "the list of tensors")
        }
        var worst = (value: 0.0, name: "")
        for (found, expected) in zip(found, expected) where !expected.values.isEmpty {
            let difference = zip(found.values, expected.values).reduce(0.0) { sum, pair in
                let difference = Double(pair.0) - Double(pair.1)
                return sum + difference * difference
            }.squareRoot()
            let floor =
                Self.smallestShare * (sizes[expected.group] ?? 0) * Double(expected.values.count).squareRoot()
            let size = max(Self.squares(expected.values).squareRoot(), floor)
            let deviation = difference == 0 ? 0 : difference / size
            if !(deviation <= worst.value) { worst = (deviation.isNaN ? .infinity : deviation, expected.name) }
        }
        return worst
    }
}
