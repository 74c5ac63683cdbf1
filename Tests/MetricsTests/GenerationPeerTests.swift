import Metrics
import Testing

/// Fréchet and kernel distance of the same features as torch-fidelity 0.4.0 and clean-fid 0.1.35 compute them:
/// `tools/reference/generation.py` makes the numbers.
@Suite struct GenerationPeerTests {
    private static let frechet = (cleanFID: 2.035487236713047, torchFidelity: 2.035487236713047)
    private static let kernel = (cleanFID: 240.84752153113328, torchFidelity: 240.84752153113004)

    /// Numbers of a linear congruential generator, as in the script.
    private static func features(_ seed: UInt64, _ rows: Int, _ columns: Int, scale: Double, shift: Double) -> Codes {
        var state = seed
        return Codes(
            rows: (0..<rows).map { _ in
                var left = 0.0
                return (0..<columns).map { column in
                    var total = 0.0
                    for _ in 0..<3 {
                        state = (state * 1_103_515_245 + 12345) % (1 << 31)
                        total += Double(state) / Double(1 << 31)
                    }
                    left = total * scale + shift * Double(column) + 0.5 * left
                    return Float(left)
                }
            })
    }

    @Test func peersGiveTheSameDistances() throws {
        let real = Self.features(1, 300, 12, scale: 1, shift: 0.1)
        let generated = Self.features(2, 300, 12, scale: 0.8, shift: 0.12)
        let frechet = try FrechetDistance.between(real, generated)
        #expect(abs(frechet / Self.frechet.cleanFID - 1) < 1e-5)
        #expect(abs(frechet / Self.frechet.torchFidelity - 1) < 1e-5)
        let kernel = KernelDistance.discrepancy(real, generated)
        #expect(abs(kernel / Self.kernel.cleanFID - 1) < 1e-5)
        #expect(abs(kernel / Self.kernel.torchFidelity - 1) < 1e-5)
    }
}
