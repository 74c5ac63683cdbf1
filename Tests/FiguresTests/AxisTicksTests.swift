import Figures
import Testing

@Suite("Axis ticks")
struct AxisTicksTests {
    private func labels(_ ticks: AxisTicks) -> [String] {
        ticks.ticks.map(\.label)
    }

    @Test("Round values with exact labels")
    func linear() {
        #expect(labels(.linear(in: 0...10, atMost: 6)) == ["0", "2", "4", "6", "8", "10"])
        #expect(labels(.linear(in: 0...1, atMost: 6)) == ["0", "0.2", "0.4", "0.6", "0.8", "1.0"])
        #expect(labels(.linear(in: -0.15...0.15, atMost: 4)) == ["−0.1", "0", "0.1"])
        #expect(labels(.linear(in: 93.2...101.9, atMost: 5)) == ["95", "100"])
        #expect(labels(.linear(in: 0...40_000, atMost: 5)) == ["0", "10,000", "20,000", "30,000", "40,000"])
        #expect(labels(.linear(in: 0...3e7, atMost: 4)) == ["0", "10⁷", "2·10⁷", "3·10⁷"])
        #expect(
            labels(.linear(in: 0...2.5e-7, atMost: 6)) == ["0", "5·10⁻⁸", "10⁻⁷", "1.5·10⁻⁷", "2·10⁻⁷", "2.5·10⁻⁷"])
        #expect(labels(.linear(in: 1...4, atMost: 20, isWhole: true)) == ["1", "2", "3", "4"])
    }

    @Test("Never more than asked for, inside the range, evenly spaced")
    func linearProperties() {
        var random = SplitMix64(state: 11)
        for _ in 0..<2_000 {
            let lower = Double.random(in: -1...1, using: &random) * exponent(&random)
            let upper = lower + Double.random(in: 0.001...1, using: &random) * exponent(&random)
            guard upper - lower > abs(lower) * 1e-9 else { continue }
            let count = Int.random(in: 3...12, using: &random)
            let values = AxisTicks.linear(in: lower...upper, atMost: count).ticks.map(\.value)
            let tolerance = (upper - lower) * 1e-6
            #expect(values.count <= count && values.count >= count / 4)
            #expect(values.allSatisfy { $0 >= lower - tolerance && $0 <= upper + tolerance })
            #expect(Set(AxisTicks.linear(in: lower...upper, atMost: count).ticks.map(\.label)).count == values.count)
        }
    }

    @Test("Powers of ten")
    func logarithmic() {
        #expect(labels(.logarithmic(in: 0.0005...2, atMost: 8)) == ["0.001", "0.01", "0.1", "1"])
        #expect(labels(.logarithmic(in: 1...100, atMost: 8)) == ["1", "2", "5", "10", "20", "50", "100"])
        #expect(labels(.logarithmic(in: 80...130, atMost: 8)).count >= 3)
        #expect(labels(.logarithmic(in: 1e-30...1e30, atMost: 6)).count <= 7)
    }

    private func exponent(_ random: inout SplitMix64) -> Double {
        var power = 1.0
        let exponent = Int.random(in: -20...20, using: &random)
        for _ in 0..<exponent.magnitude { power *= exponent < 0 ? 0.1 : 10 }
        return power
    }
}
