import ModelKit
import TensorCore

/// Draws codes from logits, one place after another.
struct CodeDraws {
    /// Codes of an image.
    let size: Int
    /// K.
    let codeCount: Int
    let seed: UInt64
    /// What the logits are divided by; 0 takes the likeliest code.
    let temperature: Float

    /// The code of draw `draw` at a position: a function of these, the seed and the logits alone.
    ///
    /// - Parameter logits: `[K, H·W]` of the draw.
    func code(_ draw: Int, _ position: Int, logits: ArraySlice<Float>) -> Int {
        func logit(_ code: Int) -> Double { Double(logits[logits.startIndex + code * size + position]) }
        let likeliest = (0..<codeCount).max { logit($0) < logit($1) } ?? 0
        guard temperature > 0 else { return likeliest }
        let shares = (0..<codeCount).map { ((logit($0) - logit(likeliest)) / Double(temperature)).exponential }
        let first = RandomStream.firstElement(image: Int32(truncatingIfNeeded: draw), count: size)
        let stream = RandomStream(seed: seed, purpose: .sampling)
        var left = Double(stream.uniform(first + UInt64(position))) * shares.reduce(0, +)
        for (code, share) in shares.enumerated() {
            left -= share
            if left < 0 { return code }
        }
        return likeliest
    }
}
