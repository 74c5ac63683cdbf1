import TestSupport

/// Random sizes, those at which kernels change their ways more often than others.
struct RandomChoices {
    private var numbers: SplitMix64

    init(seed: UInt64, index: Int) {
        var mixed = SplitMix64(state: seed)
        numbers = SplitMix64(state: mixed.next() ^ UInt64(index))
        // The first numbers of neighbouring states are mixed well enough only after one step.
        _ = numbers.next()
    }

    mutating func integer(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &numbers) }

    mutating func chance(_ probability: Double) -> Bool { Double.random(in: 0..<1, using: &numbers) < probability }

    mutating func one<Element>(of elements: [Element]) -> Element { elements[integer(0...elements.count - 1)] }

    /// Channels of maps.
    mutating func channels(atMost limit: Int = 200) -> Int {
        let special = [1, 2, 3, 4, 8, 15, 16, 17, 24, 31, 32, 33, 48, 64, 96, 128].filter { $0 <= limit }
        return chance(0.75) ? one(of: special) : integer(1...limit)
    }

    /// Features of a vector.
    mutating func features() -> Int {
        switch integer(0...5) {
        case 0: integer(1...64)
        case 1: channels()
        case 2: 64 * integer(1...64)
        case 3: one(of: [100, 256, 400, 500, 512, 784, 1000, 1024, 2048, 3136])
        case 4: integer(1...1100)
        default: one(of: [2, 8, 10, 16, 20, 32])
        }
    }

    /// Images of a batch.
    mutating func batch() -> Int {
        chance(0.7) ? one(of: [1, 2, 3, 4, 7, 8, 16, 31, 32, 33, 64, 100, 128, 130]) : integer(1...130)
    }

    /// Height or width of maps.
    mutating func side(atMost limit: Int = 70) -> Int {
        chance(0.6) ? one(of: [1, 2, 4, 7, 8, 14, 16, 28, 32, 64].filter { $0 <= limit }) : integer(1...limit)
    }
}
