import Glibc
import TensorCore

/// How the vectors of a codebook are used.
public struct CodeUsage: Sendable, Equatable {
    /// K.
    public let codeCount: Int
    /// Vectors that are used at all.
    public let usedCount: Int
    /// exp of the entropy of the shares: 1 where all codes are the same, K where all are used alike.
    public let perplexity: Double

    /// - Parameter codes: of a model with a codebook of `codeCount` vectors.
    public init(of codes: LatentCodes, codeCount: Int) {
        self.codeCount = codeCount
        var counts: [Float: Int] = [:]
        for code in codes.means { counts[code, default: 0] += 1 }
        usedCount = counts.count
        let total = Double(max(1, codes.means.count))
        // In order, so that the sum is always the same.
        let entropy = counts.sorted { $0.key < $1.key }.reduce(0.0) { sum, entry in
            let share = Double(entry.value) / total
            return sum - share * log(share)
        }
        perplexity = exp(entropy)
    }
}
