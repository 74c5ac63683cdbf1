import Glibc
import TensorCore

/// A sequence of random numbers: the same for the same seed and name on every machine, and independent of every other name's.
public struct RandomNumbers: Sendable {
    private let stream: RandomStream
    private var next: UInt64 = 0

    /// - Parameters:
    ///   - name: what they are for, for instance `mig`.
    ///   - repetition: from 0.
    public init(seed: UInt64, name: String, repetition: Int = 0) {
        // FNV-1a: the names are few, and what counts is that they differ.
        var hash: UInt32 = 2_166_136_261
        for byte in "\(name) \(repetition)".utf8 { hash = (hash ^ UInt32(byte)) &* 16_777_619 }
        stream = RandomStream(seed: seed, purpose: .metric, step: hash)
    }

    /// An integer in `0..<bound`.
    ///
    /// - Precondition: `bound` is at least 1.
    public mutating func integer(below bound: Int) -> Int {
        precondition(bound >= 1, "no integer is below \(bound)")
        defer { next += 1 }
        return stream.integer(next, below: bound)
    }

    /// Uniform in [0, 1).
    public mutating func uniform() -> Double {
        defer { next += 1 }
        let words = stream.block(next)
        return Double((UInt64(words.x) | UInt64(words.y) << 32) >> 11) * 0x1p-53
    }

    /// Standard normal, by Box and Muller (1958).
    public mutating func normal() -> Double {
        let radius = (-2 * log(1 - uniform())).squareRoot()
        return radius * cos(2 * .pi * uniform())
    }

    /// The elements in a random order (Fisher and Yates).
    public mutating func shuffled<Element>(_ elements: [Element]) -> [Element] {
        var result = elements
        for last in stride(from: result.count - 1, to: 0, by: -1) { result.swapAt(last, integer(below: last + 1)) }
        return result
    }

    /// `count` different elements in a random order; all of them where there are no more.
    public mutating func sample<Element>(_ elements: [Element], count: Int) -> [Element] {
        guard count < elements.count else { return shuffled(elements) }
        var result = elements
        for place in 0..<count { result.swapAt(place, place + integer(below: result.count - place)) }
        return Array(result.prefix(count))
    }
}
