import Foundation
import LatentTools
import NIOHTTP1
import TensorCore
import TextSupport

/// Which request gets which answer.
struct ExplorerRoutes: Sendable {
    private let content: ExplorerContent

    init(_ content: ExplorerContent) {
        self.content = content
    }

    /// Where a request is answered: what a slider shows does not wait for anything else.
    static func queue(for request: Request) -> ComputingQueue {
        request.path.count == 4 && request.path.last == "picture" ? .live : .shared
    }

    func response(to request: Request) async -> Response {
        do {
            return try await answer(request) ?? .refusal(.notFound, "there is nothing at this address")
        } catch {
            return .failure(error)
        }
    }

    /// - Returns: nil where there is nothing at the address.
    private func answer(_ request: Request) async throws -> Response? {
        let path = request.path
        guard path.first == "api" else {
            guard request.method == .GET, path.count == 1 else { return nil }
            return PageFile.named(path[0].isEmpty ? "index.html" : path[0]).map {
                Response(contentType: $0.contentType, body: $0.bytes)
            }
        }
        switch (request.method, path.count > 1 ? path[1] : "") {
        case (.GET, "content") where path.count == 2: return await contentResponse()
        case (_, "models") where path.count > 2:
            guard let model = element(of: content.models, path[2]) else { return nil }
            return try await answer(request, Array(path.dropFirst(3)), model)
        case (.GET, "runs") where path.count == 2:
            return .json(.array(content.runs.map { RunStatus($0).json }))
        case (.GET, "runs") where path.count == 5 && path[3] == "pictures":
            guard let run = element(of: content.runs, path[2]) else { return nil }
            return try RunStatus.picture(path[4], of: run).map { Response(contentType: "image/png", body: $0) }
        default: return nil
        }
    }

    private func contentResponse() async -> Response {
        var models: [JSONValue] = []
        for model in content.models { models.append(await model.summary) }
        return .json(
            .object([
                ("program", .string(content.program)), ("version", .string(ZooVersion.current)),
                ("dataArguments", .array(content.dataArguments.map { .string($0) })), ("models", .array(models)),
                ("runCount", .integer(content.runs.count)),
            ]))
    }

    private func answer(_ request: Request, _ path: [String], _ model: ExploredModel) async throws -> Response? {
        let imageClass = try request.query["class"].map { try Self.number($0) }
        switch (request.method, path.first, path.count) {
        case (.GET, nil, 0): return .json(await model.summary)
        case (.GET, "map", 1): return .json(try await model.map().json)
        case (.GET, "codes", 1): return .bytes(try await model.map().codes.means.littleEndianBytes)
        case (.GET, "neighborhoods", 1):
            return .bytes(try await model.neighborhoods().positions.littleEndianBytes)
        case (.GET, "images", 2):
            var pixels: [UInt8] = []
            for index in path[1].split(separator: ",").prefix(512) {
                pixels += try await model.pixels(ofImage: Self.number(index))
            }
            return .bytes(pixels)
        case (.GET, "images", 3) where path[2] == "code":
            return .json(try await model.encodeImage(Self.number(path[1]), imageClass: imageClass).json)
        case (.POST, "encode", 1):
            return .json(try await model.encodeFile(request.body, imageClass: imageClass).json)
        case (.POST, "refresh", 1):
            let isNew = try await model.refresh()
            return .json(.object([("isNew", .boolean(isNew)), ("summary", isNew ? await model.summary : .null)]))
        case (.POST, "picture", 1):
            let asked = try Self.decoded(PictureRequest.self, request.body)
            return .bytes(try await model.live.decode(asked.latent, imageClass: asked.imageClass))
        case (.POST, "decode", 1):
            let asked = try Self.decoded(DecodeRequest.self, request.body)
            return .bytes(try await model.decode(asked.latents, imageClass: asked.imageClass))
        case (.POST, "sample", 1):
            let asked = try Self.decoded(SampleRequest.self, request.body)
            let latents = try await model.draw(
                LatentRegion(argument: asked.region), count: asked.count, seed: asked.seed,
                temperature: asked.temperature)
            return .json(.object([("latents", JSONValue(latents))]))
        default: return nil
        }
    }

    /// A latent vector to be decoded at once.
    private struct PictureRequest: Decodable {
        /// `[D]`.
        var latent: [Float]
        /// Of a conditional model.
        var imageClass: Int?
    }

    /// Latent vectors to be decoded.
    private struct DecodeRequest: Decodable {
        /// `[N][D]`.
        var latents: [[Float]]
        /// Of a conditional model.
        var imageClass: Int?
    }

    /// What `zoo sample` takes.
    private struct SampleRequest: Decodable {
        var region: String
        var count: Int
        var seed: UInt64
        var temperature: Float
    }

    private static func decoded<Value: Decodable>(_ type: Value.Type, _ body: [UInt8]) throws -> Value {
        do {
            return try JSONDecoder().decode(type, from: Data(body))
        } catch {
            throw ZooError("the body of the request is not what this address takes", kind: .usage, code: .damaged)
        }
    }

    private static func number(_ text: some StringProtocol) throws -> Int {
        guard let number = Int(text) else {
            throw ZooError("'\(text)' is no number", kind: .usage)
        }
        return number
    }

    private func element<Element>(of list: [Element], _ number: String) -> Element? {
        guard let index = Int(number), list.indices.contains(index) else { return nil }
        return list[index]
    }
}

extension ExploredModel.Encoded {
    var json: JSONValue {
        .object([
            ("name", .string(name)), ("label", JSONValue(label)), ("mean", JSONValue(mean)),
            ("logVariance", logVariance.map { JSONValue($0) } ?? .null),
            ("pixels", .string(Data(pixels).base64EncodedString())),
        ])
    }
}

extension [Float] {
    /// Four bytes each, the lowest first.
    var littleEndianBytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(4 * count)
        for value in self {
            for shift in stride(from: 0, to: 32, by: 8) {
                bytes.append(UInt8(truncatingIfNeeded: value.bitPattern >> UInt32(shift)))
            }
        }
        return bytes
    }
}
