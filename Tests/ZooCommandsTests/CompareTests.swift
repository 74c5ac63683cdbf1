import Checkpoints
import Foundation
import FoundationXML
import TestSupport
import Testing

/// `zoo compare`, on runs of a few steps.
@Suite struct CompareTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    /// Trains a variant of the tiny model and gives its folder.
    private func run(_ name: String, _ arguments: String..., definition: String = FewSprites.definition) throws
        -> String
    {
        let model = try folder.write(definition, name + ".yaml")
        let path = folder.path + "/" + name
        let result = try FewSprites.zoo(["train", model, "--steps", "3", "--run-dir", path, "-q"] + arguments)
        #expect(result.status == 0, "\(result.errors)")
        return path
    }

    @Test func theTableHasTheNumbersOfTheRuns() throws {
        let (small, large) = (try run("small"), try run("large", "--set", "latent.size=5"))
        let object = try FewSprites.zoo("compare", small, large, "--json").object()
        let models = try #require(object["models"] as? [[String: Any]])
        #expect(models.map { $0["label"] as? String } == ["small", "large"])
        for (path, model) in zip([small, large], models) {
            let evaluation = try FewSprites.zoo("evaluate", path, "--json").object()
            let test = try #require(model["test"] as? [String: Double])
            for key in ["loss", "reconstruction", "kl"] {
                #expect(abs((evaluation[key] as? Double ?? 0) - (test[key] ?? -1)) < 1e-6, "\(key)")
            }
            #expect(evaluation["active_units"] as? Int == model["active_units"] as? Int)
            #expect((model["command"] as? [String])?.prefix(2) == ["zoo", "train"])
            // The squared error of the shown images is that of `zoo reconstruct`; of one image the mean is it.
            #expect((model["half_squared_error"] as? Double ?? 0) > 0)
        }
        let text = try FewSprites.zoo("compare", small, large)
        #expect(text.lines.count == 3 && text.lines[0].hasPrefix("RUN") && text.lines[1].hasPrefix("small"))
        #expect(
            try FewSprites.zoo("compare", small, large, "--json").output
                == FewSprites.zoo("compare", small, large, "--json").output)
    }

    @Test func thePageIsWellFormedAndEscaped() throws {
        let paths = [try run("plain"), try run("<script>alert(1)&\"x\"")]
        let page = folder.path + "/report.html"
        let result = try FewSprites.zoo(["compare"] + paths + ["--output", page])
        #expect(result.status == 0, "\(result.errors)")
        let html = try folder.text("report.html")
        #expect(!html.contains("<script") && !html.contains("http:") && !html.contains("https:"))
        #expect(html.contains("<th scope=\"row\">&lt;script&gt;alert(1)&amp;&quot;x&quot;</th>"))
        #expect(XMLParser(data: Data(html.utf8)).parse())
        for heading in [
            "Results", "Losses over the epochs", "Rate and distortion", "The latent plane", "Samples from the prior",
            "Reconstructions",
            "How to repeat this",
        ] {
            #expect(html.contains("<h2>\(heading)</h2>"), "\(heading)")
        }
        #expect(html.components(separatedBy: "<img ").dropFirst().allSatisfy { $0.contains("alt=\"") })
    }

    @Test(.enabled(if: Judge.python != nil)) func pythonReadsThePage() throws {
        let page = folder.path + "/report.html"
        #expect(try FewSprites.zoo("compare", try run("one"), try run("two"), "--output", page).status == 0)
        let script = """
            import base64, html.parser, struct, sys
            class Reader(html.parser.HTMLParser):
                void = {"meta", "img", "source", "br"}
                def __init__(self):
                    super().__init__(); self.open = []; self.images = 0; self.cells = []
                def handle_startendtag(self, tag, attributes):
                    assert tag in self.void, tag
                    if tag == "img":
                        a = dict(attributes); assert a["alt"]; kind, data = a["src"].split(";base64,")
                        data = base64.b64decode(data, validate=True); self.images += 1
                        assert data[:8] == b"\\x89PNG\\r\\n\\x1a\\n" if kind.endswith("png") else data.startswith(b"<?xml")
                def handle_starttag(self, tag, attributes): self.open.append(tag)
                def handle_endtag(self, tag): assert self.open.pop() == tag, tag
                def handle_data(self, data):
                    if self.open and self.open[-1] in ("th", "td"): self.cells.append(data)
            r = Reader(); r.feed(open(sys.argv[1], encoding="utf-8").read()); r.close()
            assert not r.open and r.images == 12, (r.open, r.images)
            assert r.cells[0] == "Run" and "one" in r.cells and "two" in r.cells
            print("read")
            """
        #expect(try Judge.run(Judge.python, ["-c", script, page]) == "read\n")
    }

    @Test func figuresAreFiles() throws {
        let path = try run("one")
        for figure in ["loss", "reconstruction", "kl", "training-loss", "samples", "reconstructions", "manifolds"] {
            let file = folder.path + "/\(figure).png"
            let result = try FewSprites.zoo("compare", path, "--figure", figure, "--output", file)
            #expect(result.status == 0, "\(figure): \(result.errors)")
            #expect(try Data(contentsOf: URL(fileURLWithPath: file)).starts(with: [0x89, 0x50, 0x4E, 0x47]))
        }
        let result = try FewSprites.zoo("compare", path, "--figure", "traversals", "--output", folder.path + "/t.png")
        #expect(result.status == 2 && result.errors.contains("more than two latent dimensions"))
    }

    @Test func aPlainAutoencoderHasReconstructionsOnly() throws {
        let text = FewSprites.definition.replacingOccurrences(
            of: "mean: mean, log_variance: log_variance", with: "code: code"
        ).replacingOccurrences(of: ", kl: {weight: 1}", with: "")
        let page = folder.path + "/report.html"
        #expect(try FewSprites.zoo("compare", try run("plain", definition: text), "--output", page).status == 0)
        let html = try folder.text("report.html")
        #expect(html.contains("<h2>Reconstructions</h2>") && !html.contains("<h2>Samples"))
    }

    @Test func differentLikelihoodsAreSaidNotToCompare() throws {
        let other = try run("mse", "--set", "objective.reconstruction=gaussian")
        let result = try FewSprites.zoo("compare", try run("bce"), other)
        #expect(result.errors.contains("not comparable numbers"))
        let weights = try FewSprites.zoo("compare", try run("one"), try run("four", "--set", "objective.kl.weight=4"))
        #expect(weights.errors.contains("its own weight") && !weights.errors.contains("not comparable numbers"))
    }

    @Test func aCheckpointNeedsNoRun() throws {
        let path = try run("one")
        let copy = folder.path + "/copy.h5"
        try FileManager.default.copyItem(atPath: path + "/checkpoints/best.h5", toPath: copy)
        let models = try #require(try FewSprites.zoo("compare", copy, "--json").object()["models"] as? [[String: Any]])
        #expect(models[0]["label"] as? String == "copy.h5" && (models[0]["command"] as? [String])?.isEmpty == true)
        let page = folder.path + "/report.html"
        #expect(try FewSprites.zoo("compare", copy, "--output", page).status == 0)
        #expect(try folder.text("report.html").contains("do not say which command"))
    }

    @Test func badInput() throws {
        let path = try run("one")
        let color = FewSprites.definition.replacingOccurrences(of: "[1, 64, 64]", with: "[3, 64, 64]")
            .replacingOccurrences(of: "[1, 4, 4]", with: "[3, 4, 4]").replacingOccurrences(
                of: "linear: 16", with: "linear: 48"
            )
            .replacingOccurrences(of: "dataset: few-sprites", with: "dataset: color-sprites")
        let cases: [([String], Int32, String)] = [
            ([path, try run("color", definition: color)], 2, "images of different sizes"),
            ([folder.path], 1, "is no run, but holds 2"),
            ([folder.path + "/nowhere"], 1, "nowhere"),
            ([path, "--output", "x.txt"], 2, ".txt"),
            ([path, "--output", "x.png"], 2, "say which with --figure"),
            ([path, "--output", "x.png", "--figure", "sample"], 2, "did you mean samples?"),
            ([path, "--figure", "samples"], 2, "--figure needs a picture"),
            ([path, "--samples", "0"], 2, "--samples must lie in"),
        ]
        for (arguments, status, message) in cases {
            let result = try FewSprites.zoo(["compare"] + arguments)
            #expect(result.status == status, "\(arguments)")
            #expect(result.errors.contains(message), "\(result.errors)")
        }
        let broken = folder.path + "/broken"
        try FileManager.default.createDirectory(atPath: broken, withIntermediateDirectories: true)
        try "{\"format\": \"zoo.sweep/1\", \"command\": [], \"vary\": []}".write(
            toFile: broken + "/sweep.json", atomically: true, encoding: .utf8)
        let result = try FewSprites.zoo("compare", broken)
        #expect(result.status == 1 && result.errors.contains("the list runs is missing"), "\(result.errors)")
    }
}
