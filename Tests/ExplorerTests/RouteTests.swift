import Datasets
import Explorer
import Foundation
import ImageFiles
import Planning
import Runs
import TensorCore
import Testing

/// What the server says is what the library computes.
@Suite struct RouteTests {
    @Test func decodesAsTheLibrary() async throws {
        let explored = try ExploredBlots()
        defer { explored.server.stop() }
        let latents: [[Float]] = [[0, 0, 0, 0], [1.5, -0.25, 3, 0.1]]
        let answer = try #require(
            try await explored.post("api/models/0/decode", #"{"latents": [[0,0,0,0],[1.5,-0.25,3,0.1]]}"#))
        let expected = try ExploredBlots.model().decode(Tensor(rows: latents)).pictures().flatMap(\.pixels)
        #expect(answer.body == expected)
        #expect(Set(expected).count > 20)
    }

    @Test func encodesImagesAndFilesAlike() async throws {
        let explored = try ExploredBlots()
        defer { explored.server.stop() }
        let model = try ExploredBlots.model()
        let dataset = try ExploredBlots.dataset()
        let index = Int(dataset.indices(of: .test)[7])
        let expected = try model.encode(Tensor(dataset, [index])).mean.values
        let byIndex = try #require(try await explored.get("api/models/0/images/\(index)/code")?.json())
        let pixels = try dataset.images([Int32(index)])
        let file = try ImageFiles.encodePNG(Image8(width: 16, height: 16, channels: 3, pixels: pixels))
        let byFile = try #require(try await explored.post("api/models/0/encode", file)?.json())
        for found in [byIndex, byFile] {
            #expect((found["mean"] as? [Double])?.map { Float($0) } == expected)
            #expect(Data(base64Encoded: found["pixels"] as? String ?? "") == Data(pixels))
        }
        #expect(try await explored.get("api/models/0/images/\(index)")?.body == pixels)
    }

    @Test func theMapHasTheCodes() async throws {
        let explored = try ExploredBlots()
        defer { explored.server.stop() }
        let map = try #require(try await explored.get("api/models/0/map")?.json())
        let indices = try #require(map["indices"] as? [Int])
        #expect(indices.count == 50)
        let codes = try #require(try await explored.get("api/models/0/codes")?.body)
        let expected = try ExploredBlots.model().encode(Tensor(ExploredBlots.dataset(), indices)).mean.values
        let found = stride(from: 0, to: codes.count, by: 4).map { start in
            let bits: UInt32 = codes[start..<start + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) }
            return Float(bitPattern: bits)
        }
        #expect(found == expected)
        // And a place in a plane in which neighbours stay neighbours.
        let positions = try #require(try await explored.get("api/models/0/neighborhoods")?.body)
        #expect(positions.count == 50 * 2 * 4)
        // Encoding has told which dimensions carry what.
        let summary = try #require(try await explored.get("api/models/0")?.json())
        let dimensions = try #require(summary["dimensions"] as? [[String: Any]])
        let kl = dimensions.compactMap { $0["kl"] as? Double }
        #expect(kl.count == 4)
        #expect(kl == kl.sorted(by: >))
    }

    @Test func samplesAsTheLibrary() async throws {
        let explored = try ExploredBlots()
        defer { explored.server.stop() }
        let answer = try #require(
            try await explored.post(
                "api/models/0/sample", #"{"region": "prior", "count": 3, "seed": 7, "temperature": 0.5}"#))
        let latents = try #require(try answer.json()["latents"] as? [[Double]])
        let images = try ExploredBlots.model().decode(Tensor(rows: latents.map { $0.map { Float($0) } }))
        #expect(images == (try ExploredBlots.model().sample(count: 3, seed: 7, temperature: 0.5)))
    }

    @Test func slidersNeedNoImages() async throws {
        let explored = try ExploredBlots(withImages: false)
        defer { explored.server.stop() }
        let summary = try #require(try await explored.get("api/models/0")?.json())
        #expect((summary["dimensions"] as? [Any])?.count == 4)
        #expect(summary["imagesProblem"] as? String == "no images")
        #expect(try await explored.get("api/models/0/map")?.status == 400)
        #expect(try await explored.post("api/models/0/decode", #"{"latents": [[0,0,0,0]]}"#)?.status == 200)
    }

    @Test func everyFileOfThePageIsThere() async throws {
        let explored = try ExploredBlots()
        defer { explored.server.stop() }
        let page = try #require(try await explored.get("")?.text)
        let modules = try #require(try await explored.get("explorer.js"))
        #expect(modules.headers["content-type"] == "text/javascript; charset=utf-8")
        let imported = modules.text.matches(of: /from "\.\/([a-z-]+\.js)"/).map { String($0.1) }
        #expect(imported.count > 5)
        for name in imported + ["style.css"] { #expect(try await explored.get(name)?.status == 200, "\(name)") }
        #expect(!page.contains("http://") && !page.contains("https://"))
    }

    @Test func aSecondServerTakesAnotherPort() async throws {
        let content = ExplorerContent(models: [try ExploredBlots.explored()])
        let (first, second) = (try ExplorerServer(content), try ExplorerServer(content))
        defer {
            first.stop()
            second.stop()
        }
        #expect(first.address.split(separator: "/")[1] != second.address.split(separator: "/")[1])
        let port = Int(first.address.split(separator: "/")[1].split(separator: ":")[1])
        let error = #expect(throws: ZooError.self) { try ExplorerServer(content, port: port) }
        #expect(error?.code == .inUse)
    }
}
