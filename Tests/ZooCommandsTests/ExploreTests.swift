import Foundation
import Glibc
import Testing
import ZooModels

@Suite struct ExploreTests {
    @Test func writesAPage() throws {
        let model = try TinyModel()
        let page = model.folder.path + "/page.html"
        let result = try model.zoo("explore", ["--export", page])
        #expect(result.status == 0, "\(result.errors)")
        #expect(result.output.hasPrefix("\(page) ("))
        let text = try model.folder.text("page.html")
        #expect(text.hasPrefix("<!DOCTYPE html>"))
        #expect(text.contains("content=\"default-src 'none'; script-src 'sha256-"))
        let images = try #require(text.firstMatch(of: /"indices":\[([0-9,]+)\]/)).output.1
        #expect(images.split(separator: ",").count == 40)
    }

    @Test func goesWithoutTheDataSet() throws {
        let model = try TinyModel()
        let page = model.folder.path + "/page.html"
        let result = try zoo("explore", model.run, "--export", page)
        #expect(result.status == 0, "\(result.errors)")
        #expect(result.errors.contains("without a map of images"))
        // A data set that was asked for has to be there.
        let asked = try zoo("explore", model.run, "--dataset", "cifar-10", "--export", page)
        #expect(asked.status != 0)
    }

    @Test func saysWhatItCannotShow() throws {
        let folder = try TemporaryFolder()
        let none = try zoo("explore", folder.path + "/none")
        #expect(none.status == 1)
        #expect(none.errors.contains(folder.path + "/none"))
        #expect(try zoo("explore", folder.path).status == 2)
        #expect(try zoo("explore").status == 2)
        #expect(try zoo("explore", "x", "--port", "70000").errors.contains("--port must lie in 0…65535"))
    }

    /// Ctrl-C ends it, and that is no failure.
    @Test func endsWithAnInterrupt() throws {
        let model = try TinyModel()
        let process = try ZooProcess(["explore", model.run, "--no-open", "--port", "0"])
        sleep(4)
        #expect(process.isRunning)
        process.send(SIGINT)
        let end = process.finish()
        #expect(end.status == 0, "\(end.errors)")
        #expect(end.errors.contains("Ctrl-C ends it"))
    }

    @Test func decodesGivenLatentVectors() throws {
        let model = try TinyModel()
        let found = try model.json("sample", "--latent=0.5,-1,2", "--latent=0,0,0")
        #expect(rows(found["latents"]) == [[0.5, -1, 2], [0, 0, 0]])
        let wrong = try model.zoo("sample", ["--latent=1,2"])
        #expect(wrong.status == 2)
        #expect(wrong.errors.contains("has 3 numbers, not 2"))
        #expect(try model.zoo("sample", ["--latent=1,x,2"]).status == 2)
        let traversal = try model.json("traverse", "--start=0.5,-1,2", "--dimensions", "1", "--steps", "3")
        #expect((traversal["start"] as? [Double]) == [0.5, -1, 2])
    }
}
