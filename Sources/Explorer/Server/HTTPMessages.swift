import NIOHTTP1
import TensorCore
import TextSupport

/// What a client asks for, its body whole.
struct Request: Sendable {
    var method: HTTPMethod
    /// The components of the path behind the token, as the client wrote them: no `%` is decoded, so none can become a slash.
    var path: [String]
    /// The fields behind `?`, as the client wrote them.
    var query: [String: String]
    var body: [UInt8]
}

/// What it gets.
struct Response: Sendable {
    var status: HTTPResponseStatus
    var contentType: String
    var body: [UInt8]

    init(_ status: HTTPResponseStatus = .ok, contentType: String, body: [UInt8]) {
        self.status = status
        self.contentType = contentType
        self.body = body
    }

    static func json(_ value: JSONValue, status: HTTPResponseStatus = .ok) -> Response {
        Response(status, contentType: "application/json", body: Array(value.text().utf8))
    }

    /// Numbers or pixels one after another.
    static func bytes(_ bytes: [UInt8]) -> Response { Response(contentType: "application/octet-stream", body: bytes) }

    /// A sentence that says what was wrong.
    static func refusal(_ status: HTTPResponseStatus, _ message: String) -> Response {
        .json(.object([("error", .string(message))]), status: status)
    }

    /// What went wrong, with what to do next.
    static func failure(_ error: any Error) -> Response {
        guard let error = error as? ZooError else { return .refusal(.internalServerError, "\(error)") }
        return .json(
            .object([("error", .string(error.description(advice: nil))), ("advice", JSONValue(error.advice))]),
            status: error.kind == .usage || error.code == .mismatch ? .badRequest : .internalServerError)
    }
}

/// How much of the machine strangers can take.
public struct ServerLimits: Sendable {
    /// Connections at a time; further ones are answered with 503.
    public var connections = 64
    /// Bytes of the body of a request; more are answered with 413.
    public var bodyByteCount = 32 << 20
    /// Seconds from the beginning of a connection, or the end of the last answer, to the end of a request; who takes longer is cut
    /// off. Of a connection that waits for its next request, nothing is lost: clients connect again.
    public var requestSeconds = 30
    /// Seconds that what is still sent after a refusal is read and dropped, so that the client gets to see the answer.
    public var lingeringSeconds = 3

    public init() {}
}
