import ModelKit
import TensorCore
import Testing
import ZooModels

/// Whatever a file holds, reading it ends soon: with a definition or with an error.
@Suite struct MutationTests {
    private static let insertions = [
        "[", "]", "{", "}", "[[[[[[", "{{{{", "&a ", "*a", "&a [*a, *a]", "- ", "? ", ": ", ", ", "#", "\"", "'", "|\n",
        ">\n",
        "!!binary ", "!!set ", "<<: ", "---\n", "...\n", "%YAML 9.9\n", "\t", "\u{0}", "\u{85}", "\u{feff}", "~",
        "null", "true",
        ".inf", "-.inf", ".nan", "0x7fffffffffffffff", "9223372036854775807", "-9223372036854775808",
        "99999999999999999999", "1e308", "1e999", "-1", "0", "1000000", "4096", "100000",
    ]

    private static func mutated(_ text: String, _ dice: inout Dice) -> [UInt8] {
        var bytes = Array(text.utf8)
        for _ in 0...dice.roll(4) {
            guard !bytes.isEmpty else { break }
            let place = dice.roll(bytes.count)
            let end = min(bytes.count, place + 1 + dice.roll(24))
            switch dice.roll(8) {
            case 0: bytes[place] ^= 1 << UInt8(dice.roll(8))
            case 1: bytes[place] = UInt8(dice.roll(256))
            case 2: bytes.removeSubrange(place..<end)
            case 3: bytes.insert(contentsOf: bytes[place..<end], at: dice.roll(bytes.count))
            case 4:
                var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
                lines.swapAt(dice.roll(lines.count), dice.roll(lines.count))
                bytes = Array(lines.joined(separator: [UInt8(ascii: "\n")]))
            case 5:
                // A number becomes another.
                guard let digit = bytes[place...].firstIndex(where: { (48...57).contains($0) }) else { break }
                let rest = bytes[digit...].firstIndex { !(48...57).contains($0) } ?? bytes.count
                let numbers = [
                    "0", "1", "2", "3", "64", "4096", "100000", "1000000", "-1", "1e9", "9223372036854775807",
                ]
                bytes.replaceSubrange(digit..<rest, with: numbers[dice.roll(numbers.count)].utf8)
            default: bytes.insert(contentsOf: insertions[dice.roll(insertions.count)].utf8, at: place)
            }
        }
        return bytes
    }

    /// 10,000 mutations in all; a trap would end the test run.
    @Test(arguments: 0..<20)
    func mutationsCauseNoTrap(_ seed: Int) throws {
        var dice = Dice(seed: UInt64(seed))
        var sound = 0
        for _ in 0..<500 {
            let source = ZooModels.sources[dice.roll(ZooModels.sources.count)]
            let bytes = Self.mutated(source.text, &dice)
            do {
                let definition = try read(String(decoding: bytes, as: UTF8.self), source: source.name)
                for purpose in [ModelGraph.Purpose.training, .evaluation, .encoding, .decoding] {
                    _ = try ModelGraph(definition, purpose: purpose)
                }
                sound += 1
            } catch let error as DefinitionError {
                #expect(!error.problems.isEmpty && error.problems.allSatisfy { !$0.message.isEmpty })
            }
        }
        // Both ends are reached: some mutations harm nothing, most are refused.
        #expect((5..<400).contains(sound), "\(sound) of 500 were sound")
    }

    private static let bombs: [(name: String, text: String)] = {
        let laughs = (1...30).map {
            "a\($0): &a\($0) [" + [String](repeating: "*a\($0 - 1)", count: 9).joined(separator: ", ") + "]"
        }
        let deep = [String](repeating: "[", count: 200_000).joined()
        let hidden = [String](repeating: "[ # ]\n", count: 40_000).joined()
        let fewHidden = [String](repeating: "[ # ]\n", count: 2_900).joined()
        let indented = (0..<700).map { String(repeating: " ", count: $0) + "a:\n" }.joined()
        let dashes = [String](repeating: "- ", count: 100_000).joined()
        let questions = [String](repeating: "? ", count: 100_000).joined()
        let colons = [String](repeating: "a:\u{85}", count: 60_000).joined()
        let residual =
            [String](repeating: "residual: [", count: 30).joined() + [String](repeating: "]", count: 30).joined()
        let layers = "encoder: [" + [String](repeating: "flatten", count: 900).joined(separator: ", ") + "]"
        let bombLayers =
            "x: &x [flatten, flatten, flatten, flatten, flatten, flatten, flatten, flatten]\n"
            + "encoder: [{residual: *x}" + String(repeating: ", {residual: *x}", count: 500) + "]"
        return [
            ("laughs", "a0: &a0 [x]\n" + laughs.joined(separator: "\n")),
            ("laughs as a key", "a0: &a0 [x]\n" + laughs.joined(separator: "\n") + "\n? *a30\n: 1"),
            ("brackets", deep), ("hidden brackets", hidden), ("fewer hidden brackets", fewHidden),
            ("indentation", indented),
            ("dashes", dashes), ("questions", questions), ("colons", colons),
            (
                "hidden residuals", "encoder: [\n" + String(repeating: "residual: [ # ]\n", count: 2_900)
            ),
            (
                "hidden residuals, closed",
                "encoder: [\n" + String(repeating: "residual: [ # ]\n", count: 1_400)
                    + String(repeating: "]", count: 1_401)
            ),
            (
                "hidden numbers",
                small(
                    "filters: 4",
                    "filters: 4, weight_initializer: {values: [\n" + String(repeating: " [ # ]\n", count: 1_400)
                        + String(repeating: " ]", count: 1_401) + "}")
            ),
            ("nested residuals", small("encoder:\n", "encoder:\n  - \(residual)\n")), ("many layers", layers),
            ("aliased layers", bombLayers), ("a long text", String(repeating: "a", count: 1 << 20)),
            ("wrong fields", (0..<5000).map { "field\($0): 1" }.joined(separator: "\n")),
            ("wrong layers", "encoder:\n" + [String](repeating: "  - a: {conv2d: {}}\n", count: 900).joined()),
        ]
    }()

    @Test(arguments: bombs.map(\.name))
    func bombsEndSoon(_ name: String) throws {
        let bomb = try #require(Self.bombs.first { $0.name == name })
        let clock = ContinuousClock()
        var count = 0
        let duration = clock.measure { count = problems(in: bomb.text).count }
        #expect(count >= 1 && count <= 100, "\(count) problems")
        #expect(duration < .seconds(20), "\(name) took \(duration)")
    }
}
