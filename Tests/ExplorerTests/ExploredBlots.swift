import Datasets
import Explorer
import Foundation
import ModelKit
import Planning
import Runs
import TensorCore
import ZooModels

/// A small model of 16 × 16 pixels with random weights, and images for its map.
struct ExploredBlots {
    static func definition(name: String = "blots", latentSize: Int = 4, epochs: Int = 1) throws -> ModelDefinition {
        try ModelDefinition(
            text: """
                format: zoo.model/1
                name: \(name)
                family: vae
                summary: "</script><script>alert(1)</script>"
                input: [3, 16, 16]
                latent: {size: \(latentSize), mean: mean, log_variance: log_variance}
                encoder:
                  - conv1: {conv2d: {filters: 8, kernel: 4, stride: 2, padding: 1}, activation: relu}
                  - flatten
                decoder:
                  - fc1: {linear: {units: 512}, activation: silu}
                  - reshape: [8, 8, 8]
                  - norm: {group_norm: 2}
                  - block:
                      residual:
                        - inner: {conv2d: {filters: 8, kernel: 3, padding: 1}, activation: gelu}
                        - normalized: {batch_norm: {}}
                  - conv1: {conv_transpose2d: {filters: 3, kernel: 4, stride: 2, padding: 1}, activation: sigmoid}
                objective: {reconstruction: bernoulli, kl: {weight: 1}}
                training: {optimizer: {adam: {learning_rate: 1.0e-3}}, batch_size: 8, epochs: \(epochs)}
                """, source: name, registry: try ZooModels.registry())
    }

    /// Discs of different colours, 60 of them in the test split, with the colour as label.
    static func dataset() throws -> MemoryDataset {
        var pixels: [UInt8] = []
        for image in 0..<120 {
            for place in 0..<256 {
                let (x, y) = (place % 16 - 4 - image % 8, place / 16 - 4 - image / 8 % 8)
                let isInside = x * x + y * y < 12
                for channel in 0..<3 { pixels.append(isInside && image % 3 == channel ? 230 : 20) }
            }
        }
        return try MemoryDataset(name: "blots", shape: [3, 16, 16], pixels: pixels, testCount: 60)
    }

    /// Where a server shows it.
    let server: ExplorerServer
    let port: Int
    let token: String
    var base: String { "/\(token)/" }

    init(latentSizes: [Int] = [4], withImages: Bool = true, limits: ServerLimits = ServerLimits()) throws {
        let models = try latentSizes.enumerated().map { number, size in
            try Self.explored(latentSize: size, seed: UInt64(number + 1), withImages: withImages)
        }
        server = try ExplorerServer(ExplorerContent(models: models), port: 0, limits: limits)
        let parts = server.address.split(separator: "/").map(String.init)
        port = Int(parts[1].split(separator: ":")[1]) ?? 0
        token = parts[2]
    }

    static func explored(latentSize: Int = 4, seed: UInt64 = 1, withImages: Bool = true) throws -> ExploredModel {
        let model = try model(latentSize: latentSize, seed: seed)
        let images = withImages ? try model.images(of: dataset(), split: .test) : nil
        return try ExploredModel(model, images: images, imagesProblem: withImages ? nil : "no images", mapCount: 50)
    }

    /// The same model, apart from the explorer.
    static func model(latentSize: Int = 4, seed: UInt64 = 1) throws -> TrainedModel {
        try TrainedModel(untrained: definition(name: "blots-\(seed)", latentSize: latentSize), seed: seed)
    }

    func client(patience: Int = 10) throws -> Client { try Client(port: port, patience: patience) }

    /// The head of a request that the server would answer, with changes.
    func head(_ method: String, _ path: String, host: String? = nil, _ headers: String...) -> String {
        "\(method) \(path) HTTP/1.1\r\nHost: \(host ?? "127.0.0.1:\(port)")\r\n"
            + headers.map { $0 + "\r\n" }.joined() + "\r\n"
    }

    func get(_ path: String) async throws -> Client.Answer? {
        let client = try client()
        client.send(head("GET", base + path))
        return await client.answer()
    }

    func post(_ path: String, _ body: [UInt8]) async throws -> Client.Answer? {
        let client = try client()
        client.send(head("POST", base + path, "Content-Length: \(body.count)"))
        client.send(body)
        return await client.answer()
    }

    func post(_ path: String, _ body: String) async throws -> Client.Answer? {
        try await post(path, Array(body.utf8))
    }

    /// Whether an honest request still gets its answer.
    func goesOn() async -> Bool { (try? await get("api/content"))?.status == 200 }
}
