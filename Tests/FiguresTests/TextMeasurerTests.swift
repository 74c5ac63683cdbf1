import Figures
import TensorCore
import Testing

@Suite("Text")
struct TextMeasurerTests {
    private let font = FigureFont(size: 16)

    @Test("Lines fit and together hold every word")
    func wrap() throws {
        let measurer = try TextMeasurer()
        let text = "Latent traversals of a β-VAE trained on dSprites, the ten dimensions of the largest KL"
        let lines = measurer.lines(of: text, in: font, width: 200)
        #expect(lines.count > 2)
        #expect(lines.joined(separator: " ") == text)
        for line in lines { #expect(measurer.width(of: line, in: font) <= 200) }
        #expect(measurer.lines(of: "one\ntwo\n\nfour", in: font, width: 500) == ["one", "two", "", "four"])
        #expect(measurer.lines(of: "", in: font, width: 500) == [""])
    }

    @Test("A line that is broken between parts does not end in the sign between them")
    func separators() throws {
        let measurer = try TextMeasurer()
        let text = ["conv-vae-cifar", "color-sprites", "z = 10", "test loss 1091"].map {
            $0.replacing(" ", with: "\u{A0}")
        }.joined(separator: "\u{A0}\u{A0}·\u{A0} ")
        let lines = measurer.lines(of: text, in: font, width: 260)
        #expect(lines.count == 2 && !lines[0].contains("·\u{A0}") == false, "\(lines)")
        #expect(lines[0].hasSuffix("color-sprites") && lines[1].hasPrefix("z"), "\(lines)")
        #expect(measurer.lines(of: "a ·", in: font, width: 260) == ["a ·"])
    }

    @Test("Joined words longer than a line are broken between words")
    func joinedWords() throws {
        let measurer = try TextMeasurer()
        let text = "bernoulli + KL + KL(q(y|x) ‖ p(y)) + 10·(−log q(y|x) of 100 labels)".replacing(" ", with: "\u{A0}")
        let lines = measurer.lines(of: text, in: font, width: 200)
        #expect(lines.count > 2)
        #expect(lines.joined(separator: "\u{A0}") == text, "\(lines)")
        for line in lines { #expect(measurer.width(of: line, in: font) <= 200) }
    }

    @Test("A word longer than a line is broken and nothing is lost")
    func longWord() throws {
        let measurer = try TextMeasurer()
        let word = String(repeating: "checkpoint/", count: 30)
        let lines = measurer.lines(of: word, in: font, width: 150)
        #expect(lines.joined() == word)
        for line in lines { #expect(measurer.width(of: line, in: font) <= 150) }
        #expect(measurer.lines(of: "WWW", in: font, width: 1) == ["W", "W", "W"])
    }

    @Test("A long caption keeps its ends")
    func elide() throws {
        let measurer = try TextMeasurer()
        let long = "runs/conv-vae-mnist-2026-11-20/checkpoint.h5"
        let short = measurer.elided(long, in: font, width: 160)
        #expect(measurer.width(of: short, in: font) <= 160)
        let parts = short.split(separator: "…")
        #expect(parts.count == 2 && long.hasPrefix(parts[0]) && long.hasSuffix(parts[1]))
        // One more character would not have fitted.
        #expect(measurer.width(of: short + "0", in: font) > 150)
        #expect(measurer.elided("short", in: font, width: 160) == "short")
        #expect(measurer.elided(long, in: font, width: 0) == "…")
    }

    @Test("Control characters become spaces")
    func control() throws {
        let measurer = try TextMeasurer()
        #expect(measurer.elided("a\u{0}b\tc", in: font, width: 500) == "a b c")
        #expect(measurer.lines(of: "a\u{0}b", in: font, width: 500) == ["a b"])
    }

    @Test("A font shrinks until the texts fit, but not below the smallest size")
    func shrink() throws {
        let measurer = try TextMeasurer()
        let texts = ["+2.31", "KL 12.75"]
        let wide = measurer.width(of: texts[1], in: font)
        #expect(measurer.font(font, fitting: texts, width: wide, minimumSize: 10) == font)
        let smaller = measurer.font(font, fitting: texts, width: wide * 0.8, minimumSize: 10)
        #expect(smaller.size < 16 && smaller.size >= 10)
        #expect(measurer.width(of: texts[1], in: smaller) <= wide * 0.8)
        #expect(measurer.font(font, fitting: texts, width: 1, minimumSize: 10).size == 10)
    }
}
