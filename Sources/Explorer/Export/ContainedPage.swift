import FileSupport
import Foundation
import ImageFiles
import LatentTools
import ModelKit
import Planning
import TensorCore
import TextSupport

extension ExplorerContent {
    /// The explorer as one HTML file that needs no program and no network: models with their weights in half precision, and the
    /// codes and pictures of the images on their maps.
    ///
    /// - Throws: `ZooError` where there is no model, or one computes what pages cannot.
    public func page() async throws -> [UInt8] {
        guard !models.isEmpty else {
            throw ZooError("there is no model to put into a page", kind: .usage, code: .notFound)
        }
        var weights = HalfPrecisionWeights()
        var contained: [JSONValue] = []
        for model in models {
            let (json, grown) = try await model.contained(weights)
            contained.append(json)
            weights = grown
        }
        let content = JSONValue.object([
            ("program", .string(program)), ("version", .string(ZooVersion.current)),
            ("dataArguments", .array(dataArguments.map { .string($0) })), ("models", .array(contained)),
            ("weights", .string(Data(weights.bytes).base64EncodedString())),
            ("weightsDigest", .string(SHA256.hexadecimal(SHA256.digest(weights.bytes)))),
        ])
        return Array(ContainedPage(content).text.utf8)
    }
}

extension ExploredModel {
    /// What a page needs to know of the model, its weights added to `weights`.
    fileprivate func contained(_ weights: HalfPrecisionWeights) async throws -> (JSONValue, HalfPrecisionWeights) {
        var weights = weights
        let map = try await containedMap()
        let encoder = try network(.encoding, into: &weights)
        let decoder = try network(.decoding, into: &weights)
        let json = JSONValue.object([
            ("summary", summary), ("encoder", encoder.json), ("decoder", decoder.json), ("map", map),
            ("pseudoPosteriors", try pseudoPosteriors()),
        ])
        return (json, weights)
    }

    /// The map with its codes and pictures; null where there are no images.
    private func containedMap() async throws -> JSONValue {
        guard hasImages else { return .null }
        let map = try await map()
        guard case .object(let fields) = map.json else { return .null }
        let (sheet, columns) = try sheet(ofImages: map.codes.imageIndices)
        let address = "data:image/png;base64,\(Data(try ImageFiles.encodePNG(sheet)).base64EncodedString())"
        let neighborhoods =
            map.principal == nil
            ? nil : Data(try await neighborhoods().positions.littleEndianBytes).base64EncodedString()
        return .object(
            fields + [
                ("neighborhoods", JSONValue(neighborhoods)),
                ("codes", .string(Data(map.codes.means.littleEndianBytes).base64EncodedString())),
                ("images", .string(address)), ("columns", .integer(columns)),
            ])
    }
}

/// The page's files put together into one.
struct ContainedPage {
    let text: String

    /// - Parameter content: what `containedContent` of the page reads.
    init(_ content: JSONValue) {
        let script = Self.script
        let style = PageFile.style.text
        let policy = ContentSecurityPolicy.inFile(
            scriptDigest: Self.digest(script), styleDigest: Self.digest(style))
        text = PageFile.index.text
            .replacing(
                "<meta charset=\"utf-8\">",
                with: "<meta charset=\"utf-8\">\n<meta http-equiv=\"Content-Security-Policy\" content=\"\(policy)\">"
            )
            .replacing("<link rel=\"stylesheet\" href=\"style.css\">", with: "<style>\(style)</style>")
            .replacing("<script type=\"module\" src=\"explorer.js\"></script>\n", with: "")
            .replacing(
                "</body>",
                with: """
                    <script type="application/json" id="contained">\(Self.harmless(content.text()))</script>
                    <script type="module">\(script)</script>
                    </body>
                    """)
    }

    /// All modules as one: each stands behind those that it imports, and their names do not collide.
    static var script: String {
        PageFile.modules.map { module in
            module.text.split(separator: "\n", omittingEmptySubsequences: false)
                .filter { !$0.hasPrefix("import ") }
                .map { $0.hasPrefix("export ") ? String($0.dropFirst("export ".count)) : String($0) }
                .joined(separator: "\n")
        }.joined()
    }

    /// JSON that ends no element and begins no comment, whatever names are in it.
    private static func harmless(_ json: String) -> String { json.replacing("<", with: "\\u003c") }

    private static func digest(_ text: String) -> String { Data(SHA256.digest(Array(text.utf8))).base64EncodedString() }
}
