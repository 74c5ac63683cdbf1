import Datasets
import Planning
import Testing

@Suite struct InterpolateTests {
    @Test func theEndsAreTheReconstructionsOfTheTwoImages() throws {
        let model = try TinyModel()
        let object = try model.json("interpolate", "--between", "7", "100", "--steps", "4", "--path", "slerp")
        let row = try #require((object["rows"] as? [[String: Any]])?.first)
        let latents = rows(row["latents"]).map { $0.map(Float.init) }
        #expect(latents.count == 4)
        let plan = try model.plan()
        let means = try plan.encode(model.bars.images([7, 100])).mean
        #expect(latents.first == means[0])
        #expect(latents.last == means[1])
        #expect(try plan.decode([latents[0], latents[3]]) == plan.decode(means))
        #expect((row["step_distances"] as? [Double])?.count == 3)
        #expect(row["between"] as? [String] == ["image 7 (middle)", "image 100 (middle)"])
    }

    @Test func rowsOfTwoClasses() throws {
        let model = try TinyModel()
        let object = try model.json(
            "interpolate", "--between", "class:thin", "class:2", "--rows", "3", "--steps", "3", output: "x.pdf")
        let pairs = try #require(object["rows"] as? [[String: Any]]).compactMap { $0["between"] as? [String] }
        #expect(pairs.count == 3 && Set(pairs).count == 3)
        #expect(pairs.allSatisfy { $0[0].hasSuffix("(thin)") && $0[1].hasSuffix("(wide)") })
        let again = try model.json("interpolate", "--between", "class:thin", "class:2", "--seed", "1", "--steps", "3")
        #expect((again["rows"] as? [[String: Any]])?.first?["between"] as? [String] != pairs[0])
    }

    @Test func filesAndAnimations() throws {
        let model = try TinyModel()
        let a = try model.picture("a.png", width: 8, height: 8)
        let b = try model.picture("b.png", width: 10, height: 9)
        let gif = model.folder.path + "/x.gif"
        let small = try model.zoo("interpolate", ["--between", a, b, "--output", gif])
        #expect(small.status == 2 && small.errors.contains("is 10 x 9 pixels, but the model takes 8 x 8"))
        #expect(small.errors.contains("--resize"))
        let resized = try model.zoo("interpolate", ["--between", a, b, "--resize", "--steps", "3", "--output", gif])
        #expect(resized.status == 0, "\(resized.errors)")
        #expect(try isPicture(gif))
    }

    @Test(arguments: [
        (["--between", "7"], "two images"),
        (["--between", "7", "120"], "no image 120: bars has images 0 to 119"),
        (["--between", "7", "class:heart"], "bars has no class 'heart'"),
        (["--between", "7", "class:wilde"], "did you mean 'wide'?"),
        (["--between", "7", "class:1", "--dataset", "plain-bars"], "plain-bars has no labels"),
        (["--between", "7", "nowhere.png"], "nowhere.png"),
        (["--between", "7", "8", "--rows", "2"], "class:NAME"),
        (["--between", "7", "8", "--steps", "1"], "--steps must lie in"),
        (["--between", "7", "8", "--path", "round"], "linear"),
        (["--between", "7", "8", "--output", "x.bmp"], ".gif"),
        (["--between", "7", "8", "--split", "validation"], "bars has no validation images"),
    ])
    func badInput(_ arguments: [String], _ message: String) throws {
        let result = try TinyModel(steps: 1).zoo("interpolate", arguments)
        #expect(result.status != 0)
        #expect(result.errors.contains(message), "\(result.errors)")
    }
}
