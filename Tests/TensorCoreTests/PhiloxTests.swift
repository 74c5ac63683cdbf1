import TensorCore
import Testing

/// The random number generator against the known answers of its authors (Random123, `kat_vectors`).
@Suite struct PhiloxTests {
    struct KnownAnswer: Sendable {
        var counter: SIMD4<UInt32>
        var key: SIMD2<UInt32>
        var output: SIMD4<UInt32>
    }

    static let knownAnswers = [
        KnownAnswer(
            counter: SIMD4(repeating: 0), key: SIMD2(repeating: 0),
            output: SIMD4(0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8)),
        KnownAnswer(
            counter: SIMD4(repeating: 0xffff_ffff), key: SIMD2(repeating: 0xffff_ffff),
            output: SIMD4(0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd)),
        KnownAnswer(
            counter: SIMD4(0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344), key: SIMD2(0xa409_3822, 0x299f_31d0),
            output: SIMD4(0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1)),
    ]

    @Test(arguments: knownAnswers) func knownAnswer(_ answer: KnownAnswer) {
        #expect(Philox4x32.block(counter: answer.counter, key: answer.key) == answer.output)
    }

    @Test func streamAddressesCounterAndKey() {
        let stream = RandomStream(seed: 0x299f_31d0_a409_3822, purpose: .dropout, step: 7)
        let block = Philox4x32.block(
            counter: SIMD4(0x85a3_08d3, 0x243f_6a88, 7, RandomPurpose.dropout.rawValue),
            key: SIMD2(0xa409_3822, 0x299f_31d0))
        #expect(stream.block(0x243f_6a88_85a3_08d3) == block)
        let short = stream.block(5)
        for lane in 0..<4 { #expect(stream.word(UInt64(20 + lane)) == short[lane]) }
    }

    @Test(arguments: [1, 2, 3, 17, 1000]) func permutationHasEveryNumberOnce(_ count: Int) {
        let order = RandomStream(seed: 3, purpose: .shuffle, step: 1).permutation(count: count)
        #expect(order.sorted() == (0..<Int32(count)).map { $0 })
        #expect(order == RandomStream(seed: 3, purpose: .shuffle, step: 1).permutation(count: count))
        guard count > 100 else { return }
        #expect(order != order.sorted())
        #expect(order != RandomStream(seed: 3, purpose: .shuffle, step: 2).permutation(count: count))
    }

    @Test func permutationOfNothingIsEmpty() {
        #expect(RandomStream(seed: 3, purpose: .shuffle).permutation(count: 0).isEmpty)
    }

    /// The bounds are five standard errors of the sample moments.
    @Test func normalNumbersHaveTheMomentsOfTheNormalDistribution() {
        let stream = RandomStream(seed: 11, purpose: .latentNoise, step: 4)
        let numbers = (0..<200_000).map { Double(stream.normal(UInt64($0))) }
        let count = Double(numbers.count)
        func moment(_ power: Int) -> Double {
            numbers.reduce(0) { sum, x in sum + (0..<power).reduce(1) { product, _ in product * x } } / count
        }
        #expect(abs(moment(1)) < 5 * (1 / count).squareRoot())
        #expect(abs(moment(2) - 1) < 5 * (2 / count).squareRoot())
        #expect(abs(moment(3)) < 5 * (15 / count).squareRoot())
        #expect(abs(moment(4) - 3) < 5 * (96 / count).squareRoot())
        let neighbours = zip(numbers, numbers.dropFirst()).reduce(0) { $0 + $1.0 * $1.1 } / count
        #expect(abs(neighbours) < 5 * (1 / count).squareRoot())
    }

    @Test func uniformNumbersStayBelowOne() {
        let stream = RandomStream(seed: 1, purpose: .other)
        let numbers = (0..<10_000).map { stream.uniform($0) }
        #expect(numbers.allSatisfy { $0 >= 0 && $0 < 1 })
        #expect(abs(numbers.reduce(0, +) / 10_000 - 0.5) < 5 / (12 * 10_000 as Float).squareRoot())
    }
}
