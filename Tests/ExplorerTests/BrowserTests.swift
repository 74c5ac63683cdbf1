import Datasets
import FileSupport
import Foundation
import ImageFiles
import ModelKit
import Planning
import Runs
import TensorCore
import TestSupport
import Testing
import ZooModels

@testable import Explorer

/// The page in a real Chromium: what it shows is what the library computes.
@Suite(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/chromium")), .serialized)
struct BrowserTests {
    private static func page(_ arguments: String...) async throws -> [String: Any] {
        let output = try await apart { Result { try Judge.run("/usr/bin/python3", [try script()] + arguments) } }.get()
        return try #require(try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: Any])
    }

    private static func latent(_ value: Any?) throws -> [Float] {
        try #require(value as? [Double]).map { Float($0) }
    }

    /// The picture of a latent vector.
    private static func decoded(_ latent: [Float], by model: TrainedModel) throws -> [Int] {
        try model.decode(Tensor(rows: [latent])).pictures()[0].pixels.map(Int.init)
    }

    private static func expectUsable(_ found: [String: Any]) {
        #expect(found["problems"] as? [String] == [])
        #expect(found["contrast-light"] as? [String] == [])
        #expect(found["contrast-dark"] as? [String] == [])
        #expect(found["unnamed"] as? [String] == [])
        #expect(found["overflow"] as? Int == 0)
    }

    @Test func servedPage() async throws {
        try await withFolder { folder in
            let explored = try ExploredBlots(latentSizes: [4, 4, 6])
            defer { explored.server.stop() }
            let dataset = try ExploredBlots.dataset()
            let pixels = try dataset.images([100])
            let picture = folder + "/picture.png"
            try AtomicFile.write(
                ImageFiles.encodePNG(Image8(width: 16, height: 16, channels: 3, pixels: pixels)), to: picture)
            let found = try await Self.page("served", explored.server.address, picture)
            Self.expectUsable(found)
            let model = try ExploredBlots.model()

            // Moving sliders, and clicking on the map, shows exactly what the library decodes.
            var seen: [[Float]] = []
            for what in ["start", "slider", "map", "neighbourhoods"] {
                let shown = try #require(found[what] as? [String: Any])
                let latent = try Self.latent(shown["latent"])
                #expect(shown["pixels"] as? [Int] == (try Self.decoded(latent, by: model)), "\(what)")
                #expect(!seen.contains(latent))
                seen.append(latent)
            }
            // A dropped file is encoded.
            let file = try #require(found["file"] as? [String: Any])
            let code = try model.encode(Tensor(pixels: pixels, shape: [3, 16, 16])).mean.values
            #expect(try Self.latent(file["latent"]) == code)
            #expect(file["original"] as? [Int] == pixels.map(Int.init))
            #expect(file["pixels"] as? [Int] == (try Self.decoded(code, by: model)))
            // An image by number, with its reconstruction.
            let image = try #require(found["image"] as? [String: Any])
            let index = dataset.count - 1 - 3
            #expect((image["command"] as? String)?.contains("reconstruct blots-1 --indices \(index)") == true)
            #expect(try image["original"] as? [Int] == dataset.images([Int32(index)]).map(Int.init))
            let reconstruction = try model.reconstruct(Tensor(dataset, [index])).pictures()[0].pixels.map(Int.init)
            #expect(image["decoded"] as? [Int] == reconstruction)
            #expect((image["caption"] as? String)?.contains("½‖x − x̂‖²") == true)
            #expect(image["neighbours"] as? Int == 8)
            // Two models under one z, and under one image where they have different latent spaces.
            let same = try #require(found["same-latent"] as? [String: Any])
            let latent = try Self.latent(same["latent"])
            let second = try ExploredBlots.model(seed: 2)
            #expect(same["other"] as? [Int] == (try Self.decoded(latent, by: second)))
            #expect(same["pixels"] as? [Int] != same["other"] as? [Int])
            let other = try #require(found["other-size"] as? [String: Any])
            let third = try ExploredBlots.model(latentSize: 6, seed: 3)
            #expect(other["mode"] as? String == "true")
            #expect(
                other["other"] as? [Int]
                    == (try third.reconstruct(Tensor(dataset, [index])).pictures()[0].pixels.map(Int.init)))
            // Commands and keys.
            #expect((found["traversal-command"] as? String)?.contains("traverse blots-1 --dimensions") == true)
            #expect(found["seed"] as? String == "1")
            #expect(try Self.latent(found["reset"]) == [0, 0, 0, 0])
        }
    }

    @Test func containedPage() async throws {
        let page = try await ExplorerContent(models: [ExploredBlots.explored()]).page()
        try await withFolder { folder in
            let (file, network) = (folder + "/page.html", folder + "/network.js")
            try AtomicFile.write(page, to: file)
            try AtomicFile.write(Array(try Self.networkSource().utf8), to: network)
            let found = try await Self.page("contained", file, network)
            Self.expectUsable(found)
            #expect(found["requests"] as? [String] == [])
            let model = try ExploredBlots.model()
            for what in ["start", "slider", "map", "neighbourhoods"] {
                let shown = try #require(found[what] as? [String: Any])
                let expected = try Self.decoded(Self.latent(shown["latent"]), by: model)
                let pixels = try #require(shown["pixels"] as? [Int])
                #expect(zip(pixels, expected).allSatisfy { abs($0 - $1) <= 1 } && pixels.count == expected.count)
            }
            let numbers = try #require(found["numbers"] as? [String: Any])
            #expect(numbers["digest"] as? Bool == true)
            let expected = try model.decode(Tensor(rows: [Self.latent(numbers["latent"])])).values
            let image = try #require(numbers["image"] as? [Double])
            #expect(image.count == expected.count)
            #expect(zip(image, expected).allSatisfy { abs($0 - Double($1)) < 1e-3 })
            let original = try #require((found["image"] as? [String: Any])?["original"] as? [Int])
            let index = Int(try ExploredBlots.dataset().indices(of: .test)[5 * 60 / 50])
            #expect(original == (try ExploredBlots.dataset().images([Int32(index)])).map(Int.init))
        }
    }

    /// The built-in models that work on images and have a latent space to explore.
    private static func builtIn() throws -> [ModelDefinition] {
        let registry = try ZooModels.registry()
        return try ZooModels.sources.map { try ModelDefinition(text: $0.text, source: $0.name, registry: registry) }
            .filter { definition in
                let isPicture = definition.input.rank == 3 && [1, 3].contains(definition.input.channels)
                return isPicture && (try? definition.requireContinuousCodes(for: "space to explore")) != nil
            }
    }

    /// With random weights.
    private static func model(_ definition: ModelDefinition) throws -> TrainedModel {
        try TrainedModel(untrained: definition, seed: 3)
    }

    private static func content(_ definition: ModelDefinition) throws -> ExplorerContent {
        ExplorerContent(models: [try ExploredModel(model(definition), images: nil, imagesProblem: "no images")])
    }

    /// A slider of each built-in model, and how long it takes from there to the picture.
    @Test func everyModelServed() async throws {
        let definitions = try Self.builtIn()
        let servers = try definitions.map { try ExplorerServer(Self.content($0), port: 0) }
        defer { for server in servers { server.stop() } }
        let found = try await apart { [addresses = servers.map(\.address)] in
            Result { try Judge.run("/usr/bin/python3", [try Self.script(), "models"] + addresses) }
        }.get()
        let pages = try Self.pages(found)
        for (definition, page) in zip(definitions, pages) {
            let latent = try Self.latent(page["latent"])
            let expected = try Self.rgb(latent, by: Self.model(definition))
            #expect(page["pixels"] as? [Int] == expected, "\(definition.name)")
            print("served \(definition.name): \(Self.spread(page["times"]))")
        }
        #expect(pages.count == definitions.count)
    }

    /// The decoder of each built-in model in a page: all operations that they use.
    @Test func everyModelContained() async throws {
        try await withFolder { folder in
            var files: [String] = []
            // A page draws from N(0, I), which is not where the codes of a posterior of flows are.
            func isRefused(_ definition: ModelDefinition) -> Bool { definition.name.hasPrefix("planar-flow") }
            let refused = try Self.builtIn().filter(isRefused)
            let definitions = try Self.builtIn().filter { !isRefused($0) }
            #expect(refused.count == 1)
            for definition in refused {
                let error = await #expect(throws: ZooError.self) { try await Self.content(definition).page() }
                #expect(error?.code == .unsupported, "\(definition.name)")
            }
            for definition in definitions {
                files.append("\(folder)/\(definition.name).html")
                try AtomicFile.write(try await Self.content(definition).page(), to: files[files.count - 1])
            }
            let network = folder + "/network.js"
            try AtomicFile.write(Array(try Self.networkSource().utf8), to: network)
            let found = try await apart { [files] in
                Result { try Judge.run("/usr/bin/python3", [try Self.script(), "decoders", network] + files) }
            }.get()
            let pages = try Self.pages(found)
            for (page, definition) in zip(pages, definitions) {
                let model = try Self.model(definition)
                let classes = definition.classCount.map { _ in [0] }
                let expected = try model.decode(Tensor(rows: [Self.latent(page["latent"])]), classes: classes).values
                let image = try #require(page["image"] as? [Double])
                let worst = zip(image, expected).map { abs($0 - Double($1)) }.max() ?? .infinity
                #expect(image.count == expected.count && worst < 1e-3, "\(definition.name): \(worst)")
                let pixels = try Tensor(shape: [1] + definition.input.dimensions, values: image.map { Float($0) })
                let code = try model.encode(pixels, classes: classes).mean.values
                let mean = try #require(page["mean"] as? [Double])
                let largest = mean.map(abs).max() ?? .infinity
                let difference = zip(mean, code).map { abs($0 - Double($1)) }.max() ?? .infinity
                #expect(
                    mean.count == code.count && difference < 1e-3 * max(1, largest),
                    "encoder of \(definition.name): \(difference)")
                let shaders = try #require(page["shaders"] as? [Double], "\(page["shaders"] ?? "nothing")")
                let farthest = zip(shaders, expected).map { abs($0 - Double($1)) }.max() ?? .infinity
                #expect(
                    shaders.count == expected.count && farthest < 1e-3, "shaders of \(definition.name): \(farthest)")
                print("contained \(definition.name): \(Self.spread(page["times"])), off by \(worst)")
            }
            #expect(pages.count == files.count)
        }
    }

    /// The modules that compute, as one script.
    private static func networkSource() throws -> String {
        try ["network.js", "webgl.js"].map { name in
            try #require(PageFile.modules.first { $0.name == name }).text.split(separator: "\n")
                .filter { !$0.hasPrefix("import ") }.joined(separator: "\n").replacing("export ", with: "")
        }.joined(separator: "\n")
    }

    private static func script() throws -> String {
        try #require(Bundle.module.path(forResource: "page", ofType: "py", inDirectory: "Browser"))
    }

    private static func pages(_ output: String) throws -> [[String: Any]] {
        let found = try #require(try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: Any])
        #expect(found["problems"] as? [String] == [])
        return try #require(found["pages"] as? [[String: Any]])
    }

    /// What a canvas holds of a decoded picture, of a conditional model that of its first class.
    private static func rgb(_ latent: [Float], by model: TrainedModel) throws -> [Int] {
        let classes = model.definition.classCount.map { _ in [0] }
        let image = try model.decode(Tensor(rows: [latent]), classes: classes).pictures()[0]
        return try image.converted(toChannels: 3).pixels.map(Int.init)
    }

    /// Median and 95th percentile of milliseconds.
    private static func spread(_ times: Any?) -> String {
        let times = (times as? [Double] ?? []).sorted()
        guard !times.isEmpty else { return "nothing measured" }
        func at(_ share: Double) -> String {
            String(format: "%.1f", times[min(times.count - 1, Int(share * Double(times.count)))])
        }
        return "median \(at(0.5)) ms, 95 % \(at(0.95)) ms"
    }
}
