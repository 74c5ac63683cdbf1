/// All combinations of factor positions, in row-major order: the last factor changes fastest.
struct FactorGrid: Sendable, Equatable {
    let factors: [Factor]
    /// The number of combinations.
    let count: Int
    /// Per factor, the index distance between neighbouring positions.
    let strides: [Int]

    init(_ factors: [Factor]) {
        self.factors = factors
        var strides: [Int] = []
        var stride = 1
        for factor in factors.reversed() {
            strides.append(stride)
            stride *= factor.count
        }
        self.strides = strides.reversed()
        count = stride
    }

    /// The position of `factor` in combination `index`.
    @inline(__always)
    func position(_ factor: Int, of index: Int) -> Int {
        index / strides[factor] % factors[factor].count
    }

    /// The positions of all factors in combination `index`.
    func positions(of index: Int) -> [Int] {
        factors.indices.map { position($0, of: index) }
    }

    /// The combination with these positions; nil if there is none.
    func index(of positions: [Int]) -> Int? {
        guard positions.count == factors.count else { return nil }
        var index = 0
        for (factor, position) in positions.enumerated() {
            guard position >= 0, position < factors[factor].count else { return nil }
            index += position * strides[factor]
        }
        return index
    }
}

extension Factor {
    /// `count` equally spaced values from `first` to `last`, both included.
    static func spaced(_ name: String, count: Int, from first: Double, through last: Double) -> Factor {
        Factor(name: name, values: (0..<count).map { first + (last - first) * Double($0) / Double(max(count - 1, 1)) })
    }

    static let spriteShape = Factor(name: "shape", valueNames: ["square", "ellipse", "heart"])
    static let spriteScale = spaced("scale", count: 6, from: 0.5, through: 1)

    /// Orientation in radians. As in dSprites the first and the last value are the same direction.
    static func spriteOrientation(count: Int) -> Factor {
        spaced("orientation", count: count, from: 0, through: 2 * .pi)
    }

    /// A position in [0, 1].
    static func spritePosition(_ axis: String, count: Int) -> Factor {
        spaced(axis, count: count, from: 0, through: 1)
    }

    /// The factors of dSprites that vary, in its order (its colour is always white): 3 · 6 · 40 · 32 · 32 = 737,280.
    static let dSprites = [
        spriteShape, spriteScale, spriteOrientation(count: 40), spritePosition("x", count: 32),
        spritePosition("y", count: 32),
    ]
}
