import Checkpoints
import Datasets
import Foundation
import ImageFiles
import LatentTools
import Planning
import TensorCore
import TestSupport
import Testing

@testable import ZooCommands

/// Samples, regions, traversals and embeddings of a small model.
@Suite struct LatentCommandTests {
    @Test(arguments: [
        ("prior", 5), ("aggregate", 5), ("posterior", 5), ("shell:2", 5), ("box:-1..1", 5), ("near:100:0.1", 5),
        ("class:wide", 5),
    ])
    func samplesFromEveryRegion(_ region: String, _ count: Int) throws {
        let model = try TinyModel()
        let latents = rows(try model.json("sample", "--from", region, "--count", String(count))["latents"])
        #expect(latents.count == count && latents.allSatisfy { $0.count == 3 })
        switch region {
        case "shell:2":
            for latent in latents { #expect(abs(latent.reduce(0) { $0 + $1 * $1 } - 4) < 1e-5) }
        case "box:-1..1": #expect(latents.allSatisfy { $0.allSatisfy { abs($0) <= 1 } })
        case "near:100:0.1":
            let mean = try #require(try model.plan().encode(model.bars.images([100])).mean.first)
            for latent in latents { for (z, m) in zip(latent, mean) { #expect(abs(z - Double(m)) < 0.6) } }
        default: break
        }
    }

    @Test func regionsSideBySide() throws {
        let model = try TinyModel(steps: 20)
        let object = try model.json("regions", "--count", "16", "--training-images", "30")
        #expect(object["training_images"] as? Int == 30)
        let active = try activeDimensions(model)
        #expect(object["cycle_dimensions"] as? [Int] == (active.isEmpty ? [0, 1, 2] : active))
        let regions = try #require(object["regions"] as? [[String: Any]])
        #expect(regions.count == 7)
        for region in regions {
            for key in ["latent_norm", "nearest_training_distance", "pixel_entropy", "sharpness", "cycle_error"] {
                #expect((region[key] as? Double ?? -1) >= 0, "\(key)")
            }
        }
        #expect((object["verdict"] as? String)?.contains("posteriors of test images") == true)

        let output = model.folder.path + "/r.pdf"
        let text = try model.zoo(
            "regions", ["--regions", "prior", "shell:50", "--training-images", "0", "--output", output])
        #expect(text.status == 0, "\(text.errors)")
        #expect(text.output.contains("Compared with prior N(0, I), samples degrade in shell ‖z‖ = 50 (cycle error +"))
        #expect(text.output.contains("NEAREST"))
    }

    /// The active dimensions that a run's checkpoint knows.
    private func activeDimensions(_ model: TinyModel) throws -> [Int] {
        let statistics = try Checkpoint.read(from: model.run + "/checkpoints/best.h5").latentStatistics
        return try #require(statistics).active.enumerated().filter(\.element).map(\.offset)
    }

    @Test func traversalsStartAtTheReconstruction() throws {
        let model = try TinyModel(steps: 20)
        let object = try model.json(
            "traverse", "--dimensions", "all", "--start", "100", "--range", "-2..2", "--steps", "5")
        let start = try #require(object["start"] as? [Double]).map(Float.init)
        let plan = try model.plan()
        let mean = try #require(try plan.encode(model.bars.images([100])).mean.first)
        #expect(start == mean)
        // The first picture of each row is the reconstruction, and so is the one at the start's own value.
        let traversal = try LatentTraversal(
            start: start, dimensions: [0, 1, 2], steps: 3,
            spacing: { .even(Double(start[$0]) - 1...Double(start[$0]) + 1) })
        for row in traversal.rows {
            #expect(try plan.decode([traversal.latents(of: row)[1]]) == plan.decode([mean]))
        }
        let found = try #require(object["rows"] as? [[String: Any]])
        #expect(Set(found.compactMap { $0["dimension"] as? Int }) == [0, 1, 2])
        let kl = found.compactMap { $0["kl"] as? Double }
        #expect(kl.count == 3 && kl == kl.sorted(by: >))
        for row in found {
            #expect(row["values"] as? [Double] == [-2, -1, 0, 1, 2])
            #expect(["width", "place"].contains(row["factor"] as? String))
            #expect((row["mutual_information"] as? Double ?? -1) >= 0)
        }
    }

    @Test func traversalRanges() throws {
        let model = try TinyModel(steps: 20)
        let quantile = try model.json(
            "traverse", "--dimensions", "z1", "--range", "quantile", "--steps", "2", output: "x.gif")
        let values = (quantile["rows"] as? [[String: Any]])?.first?["values"] as? [Double] ?? []
        #expect(abs((values.last ?? 0) - 0.674489750196082) < 1e-12)
        let posterior = try model.json("traverse", "--dimensions", "0", "--range", "posterior", "--steps", "3")
        let reach = (posterior["rows"] as? [[String: Any]])?.first?["values"] as? [Double] ?? []
        #expect(reach.count == 3 && reach[0] < reach[1] && abs(reach[0] + reach[2] - 2 * reach[1]) < 1e-9)
    }

    @Test func embeddings() throws {
        let model = try TinyModel()
        let csv = model.folder.path + "/latents.csv"
        let npz = model.folder.path + "/latents.npz"
        let picture = model.folder.path + "/latents.png"
        let result = try model.zoo(
            "embed", ["--output", csv, "--output", npz, "--output", picture, "--color", "place", "--json"])
        #expect(result.status == 0, "\(result.errors)")
        #expect(try result.object()["images"] as? Int == 40)
        let lines = try model.folder.text("latents.csv").split(separator: "\n").map { $0.split(separator: ",") }
        #expect(lines.count == 41)
        #expect(
            lines[0].map(String.init) == [
                "index", "width", "place", "mean_0", "mean_1", "mean_2", "log_variance_0", "log_variance_1",
                "log_variance_2",
            ])
        let (means, logVariances) = try model.plan().encode(model.bars.images([83]))
        #expect(lines[4].prefix(3).compactMap { Int($0) } == [83, 2, 2])
        #expect(lines[4].dropFirst(3).compactMap { Float($0) } == means[0] + logVariances[0])
        #expect(try Data(contentsOf: URL(fileURLWithPath: npz)).starts(with: [0x50, 0x4B]))
        #expect(try isPicture(picture))
    }

    /// What Embedding Atlas opens: the table of numbers with names of factors, coordinates, and the pictures as PNG files.
    @Test(.enabled(if: Judge.python != nil)) func embeddingsAsParquet() throws {
        let model = try TinyModel()
        let files = ["csv", "npz", "parquet"].map { model.folder.path + "/latents." + $0 }
        let result = try model.zoo("embed", files.flatMap { ["--output", $0] })
        #expect(result.status == 0, "\(result.errors)")
        let pixels = try model.bars.images(Array(80..<120))
        try Data(pixels).write(to: URL(fileURLWithPath: model.folder.path + "/pixels"))
        let script = """
            import sys, io, csv
            import numpy as np, pyarrow.parquet as pq
            from PIL import Image
            folder = sys.argv[1]
            table = pq.read_table(folder + "/latents.parquet")
            lines = list(csv.DictReader(open(folder + "/latents.csv")))
            arrays = np.load(folder + "/latents.npz")
            expected = np.fromfile(folder + "/pixels", np.uint8).reshape(40, 8, 8)
            assert (arrays["image"] == expected[..., None]).all()
            names = ["index", "width", "place", "projection_x", "projection_y", "vector"]
            codes = [f"{kind}_{d}" for kind in ("mean", "log_variance") for d in range(3)]
            assert table.column_names == names + codes + ["image"], table.column_names
            rows = table.to_pylist()
            assert len(rows) == 40
            for row, line, picture, mean in zip(rows, lines, expected, arrays["mean"]):
                assert row["index"] == int(line["index"])
                assert row["width"] == ["thin", "middle", "wide"][int(line["width"])]
                assert row["place"] == [0, 0.2, 0.4, 0.6, 0.8][int(line["place"])]
                assert all(np.float32(row[name]) == np.float32(line[name]) for name in codes)
                assert (np.float32(row["vector"]) == mean).all()
                assert row["image"]["path"] == line["index"] + ".png"
                assert (np.asarray(Image.open(io.BytesIO(row["image"]["bytes"]))) == picture).all()
            centred = arrays["mean"] - arrays["mean"].mean(0)
            spread = np.linalg.svd(centred, compute_uv=False)[:2] ** 2 / 40
            found = np.var([[row["projection_x"], row["projection_y"]] for row in rows], axis=0)
            assert np.allclose(found, spread, rtol=1e-3), (found, spread)
            print("read")
            """
        #expect(try Judge.run(Judge.python, ["-c", script, model.folder.path]).contains("read"))
        let without = try model.zoo("embed", ["--no-images", "--output", files[2]])
        #expect(without.status == 0, "\(without.errors)")
        #expect(try !Data(contentsOf: URL(fileURLWithPath: files[2])).contains(Data("PNG".utf8)))
    }

    @Test func reconstructionsOfFiles() throws {
        let model = try TinyModel()
        let a = try model.picture("a.png", width: 8, height: 8)
        let b = try model.picture("b.png", width: 16, height: 9)
        let one = try model.json("reconstruct", "--images", a)
        #expect(one["images"] as? [String] == ["a.png"])
        let output = model.folder.path + "/x.png"
        let wrong = try model.zoo("reconstruct", ["--images", a, b, "--output", output])
        #expect(wrong.status == 2 && wrong.errors.contains("is 16 x 9 pixels, but the model takes 8 x 8"))
        let start = try model.zoo("traverse", ["--start", b, "--output", output])
        #expect(start.status == 2 && start.errors.contains("is 16 x 9 pixels, but the model takes 8 x 8"))
        #expect(
            (try model.json("reconstruct", "--images", a, b, "--resize")["half_squared_error"] as? [Double])?.count == 2
        )
    }

    /// A picture shown to a model becomes what training on a folder with it makes of it.
    @Test func picturesAreFittedAsInTraining() throws {
        let model = try TinyModel(steps: 1)
        let file = try model.picture("a.png", width: 40, height: 25)
        for shape in [[3, 8, 8], [1, 4, 12], [3, 30, 10]] as [Shape] {
            let chosen = try ChosenImage(file: file, shape: shape, resizing: true)
            let trained = try ImagePreparation(width: shape.width, height: shape.height, channels: shape.channels)
                .apply(to: try ImageFiles.decode(path: file))
            #expect(try chosen.tensor == Tensor(pixels: trained.pixels, shape: shape))
        }
    }

    @Test func trainingLeavesAnAnimation() throws {
        let model = try TinyModel(steps: 15)
        let path = model.run + "/training.gif"
        #expect(try isPicture(path))
        let once = try TinyModel(steps: 5)
        #expect(!FileManager.default.fileExists(atPath: once.run + "/training.gif"), "one epoch is no animation")
    }

    @Test(arguments: [
        ("sample", ["--from", "shell"], "write it like shell:2.5"),
        ("sample", ["--from", "klass:1"], "did you mean 'class'?"),
        ("sample", ["--from", "near:120:1"], "no image 120"),
        ("sample", ["--from", "class:9"], "its classes are thin, middle, wide"),
        ("sample", ["--from", "class:1", "--dataset", "plain-bars"], "no labels"),
        ("sample", ["--from", "shell:1", "--temperature", "2"], "no deviation"),
        ("regions", ["--regions", "somewhere"], "no region 'somewhere'"),
        ("regions", ["--count", "1"], "--count must lie in"),
        ("traverse", ["--dimensions", "0,3"], "there is no dimension z3: the latent space has z0 to z2"),
        ("traverse", ["--start", "4000"], "no image 4000"), ("traverse", ["--range", "3"], "range"),
        ("traverse", ["--dataset", "large-bars"], "the images of large-bars are [1, 9, 8]"),
        ("regions", ["--regions", "near:120:1"], "no image 120"), ("regions", ["--regions", "class:tall"], "no class"),
        ("regions", ["--dataset", "large-bars"], "but the model takes [1, 8, 8]"),
        ("sample", ["--dataset", "plain-barz"], "Did you mean 'plain-bars'?"),
        ("interpolate", ["--between", "a.png", "b.png", "--dataset", "nonsense"], "there is no data set 'nonsense'"),
        ("reconstruct", ["--images", "a.png", "--dataset", "nonsense"], "there is no data set 'nonsense'"),
        ("trace", ["--dataset", "nonsense"], "there is no data set 'nonsense'"),
        ("compare", ["--dataset", "nonsense"], "there is no data set 'nonsense'"),
        ("manifold", ["--dataset", "plain-bars"], "unknown option --dataset"),
        ("embed", ["--dimensions", "0,3"], "there is no dimension z3"),
        ("embed", ["--dataset", "plain-bars", "--color", "width"], "it knows no labels or factors"),
        ("traverse", ["--steps", "1"], "--steps must lie in"),
        ("embed", ["--dimensions", "0,1,2"], "two dimensions"), ("embed", ["--color", "colour"], "only width, place"),
        ("embed", ["--output", "x.gif"], ".npz"), ("reconstruct", ["--indices", "1,x"], "--indices x"),
        ("reconstruct", ["--indices", "120"], "no image 120"),
        ("reconstruct", ["--indices", "1", "--images", "a.png"], "not both"),
    ])
    func badInput(_ command: String, _ arguments: [String], _ message: String) throws {
        let result = try TinyModel(steps: 1).zoo(command, arguments)
        #expect(result.status == 2)
        #expect(result.errors.contains(message), "\(result.errors)")
    }

    @Test func aPlainAutoencoderOffersWhatWorks() throws {
        let model = try TinyModel(isVariational: false)
        for (command, arguments, message) in [
            ("sample", [], "regions mixture:10 or aggregate"), ("sample", ["--from", "class:wide"], "no posterior"),
            ("sample", ["--from", "posterior"], "regions mixture:10 or aggregate"),
            ("regions", ["--regions", "prior"], "no prior"),
            ("regions", ["--regions", "class:thin"], "no posterior"), ("traverse", [], "--start 0 --range posterior"),
            ("traverse", ["--start", "0", "--range", "quantile"], "no prior"),
        ] {
            let result = try model.zoo(command, arguments)
            #expect(result.status == 2 && result.errors.contains(message), "\(command): \(result.errors)")
        }
        _ = try model.json("sample", "--from", "aggregate", "--count", "4")
        _ = try model.json("sample", "--from", "mixture:2", "--count", "4")
        _ = try model.json("sample", "--from", "near:3:0.2", "--count", "4")
        _ = try model.json("traverse", "--start", "0", "--range", "posterior", "--steps", "3")
        _ = try model.json("interpolate", "--between", "0", "1", "--steps", "3")
        _ = try model.json("embed")
        _ = try model.json("regions", "--count", "4")
    }
}
