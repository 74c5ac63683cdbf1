/// The counter-based random number generator Philox4x32-10.
///
/// Stateless: the same counter and key always give the same four words, so any element of any stream can be
/// computed by itself, in any order and on any thread, and a resumed run draws what the first run would have drawn.
///
/// Source: Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
public enum Philox4x32 {
    /// Four 32-bit random words for one 128-bit counter under one 64-bit key.
    @inlinable
    public static func block(counter: SIMD4<UInt32>, key: SIMD2<UInt32>) -> SIMD4<UInt32> {
        var counter = counter
        var key = key
        for _ in 0..<10 {
            let first = UInt64(0xD251_1F53) &* UInt64(counter.x)
            let second = UInt64(0xCD9E_8D57) &* UInt64(counter.z)
            counter = SIMD4(
                UInt32(truncatingIfNeeded: second >> 32) ^ counter.y ^ key.x,
                UInt32(truncatingIfNeeded: second),
                UInt32(truncatingIfNeeded: first >> 32) ^ counter.w ^ key.y,
                UInt32(truncatingIfNeeded: first))
            key = SIMD2(key.x &+ 0x9E37_79B9, key.y &+ 0xBB67_AE85)
        }
        return counter
    }
}

/// What a random number is for. Each purpose draws from a stream of its own, so adding draws to one
/// never changes another. The raw values are part of the checkpoint format: never renumber.
public enum RandomPurpose: UInt32, Sendable {
    case initialization = 1
    case latentNoise = 2
    case dropout = 3
    case shuffle = 4
    case sampling = 5
    case split = 6
    case evaluationNoise = 7
    case permutation = 8
    /// What metrics of trained models draw.
    case metric = 9
    /// How training images are changed.
    case augmentation = 10
    /// Which vectors rows of a codebook begin anew as.
    case codebook = 11
    /// Of which training images the classes are told.
    case labels = 12
    /// Free for plug-ins and tests.
    case other = 255
}

/// Random numbers addressed by (seed, purpose, step, element): counter = (element low, element high, step, purpose).
public struct RandomStream: Sendable {
    /// Grows when the same address gives other numbers than before: what was begun with one version cannot be gone on
    /// with exactly in another.
    public static let version = 1

    /// The user's seed.
    public let seed: UInt64
    /// What the numbers are for.
    public let purpose: RandomPurpose
    /// The training step, epoch or parameter number that the numbers belong to.
    public let step: UInt32

    public init(seed: UInt64, purpose: RandomPurpose, step: UInt32 = 0) {
        self.seed = seed
        self.purpose = purpose
        self.step = step
    }

    /// Four words for block number `index`.
    @inlinable
    public func block(_ index: UInt64) -> SIMD4<UInt32> {
        Philox4x32.block(
            counter: SIMD4(
                UInt32(truncatingIfNeeded: index), UInt32(truncatingIfNeeded: index >> 32), step, purpose.rawValue),
            key: SIMD2(UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32)))
    }

    /// One word: word `element % 4` of block `element / 4`.
    @inlinable
    public func word(_ element: UInt64) -> UInt32 {
        block(element / 4)[Int(element % 4)]
    }

    /// Uniform in [0, 1), a multiple of 2⁻²⁴.
    @inlinable
    public func uniform(_ element: UInt64) -> Float {
        Float(word(element) >> 8) * 0x1p-24
    }

    /// An integer in `0..<bound`, without bias worth naming (64-bit multiply, Lemire 2019 without rejection:
    /// bias below bound · 2⁻⁶⁴).
    @inlinable
    public func integer(_ element: UInt64, below bound: Int) -> Int {
        let words = block(element)
        let wide = UInt64(words.x) | UInt64(words.y) << 32
        return Int(wide.multipliedFullWidth(by: UInt64(bound)).high)
    }

    /// A permutation of `0..<count` (Fisher and Yates), a function of seed, purpose and step alone.
    public func permutation(count: Int) -> [Int32] {
        var order = (0..<Int32(count)).map { $0 }
        order.withUnsafeMutableBufferPointer { order in
            for last in stride(from: count - 1, to: 0, by: -1) {
                order.swapAt(last, integer(UInt64(last), below: last + 1))
            }
        }
        return order
    }
}
