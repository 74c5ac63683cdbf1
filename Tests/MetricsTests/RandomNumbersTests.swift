import Testing

@testable import Metrics

@Suite("Random numbers of metrics")
struct RandomNumbersTests {
    @Test("names, repetitions and seeds have sequences of their own, which repeat")
    func independent() {
        func first(_ seed: UInt64, _ name: String, _ repetition: Int) -> [Int] {
            var numbers = RandomNumbers(seed: seed, name: name, repetition: repetition)
            return (0..<20).map { _ in numbers.integer(below: 1000) }
        }
        #expect(first(1, "mig", 0) == first(1, "mig", 0))
        #expect(first(1, "mig", 0) != first(2, "mig", 0))
        #expect(first(1, "mig", 0) != first(1, "sap", 0))
        #expect(first(1, "mig", 0) != first(1, "mig", 1))
    }

    @Test("moments of the uniform and the normal distribution")
    func moments() {
        var numbers = RandomNumbers(seed: 3, name: "moments")
        let uniform = (0..<20_000).map { _ in numbers.uniform() }
        let normal = (0..<20_000).map { _ in numbers.normal() }
        func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }
        #expect(abs(mean(uniform) - 0.5) < 0.01)
        #expect(abs(mean(normal)) < 0.03)
        #expect(abs(mean(normal.map { $0 * $0 }) - 1) < 0.05)
    }

    @Test("a sample has different elements, and a shuffle all of them")
    func samples() {
        var numbers = RandomNumbers(seed: 3, name: "samples")
        let sample = numbers.sample(Array(0..<100), count: 30)
        #expect(Set(sample).count == 30)
        #expect(numbers.shuffled(Array(0..<100)).sorted() == Array(0..<100))
        #expect(numbers.sample([1, 2], count: 5).sorted() == [1, 2])
    }
}
