import NIOCore
import NIOHTTP1
import Synchronization

/// How many connections there are.
final class ConnectionCount: Sendable {
    private let count = Atomic<Int>(0)

    /// How many there are with this one.
    func add() -> Int { count.add(1, ordering: .relaxed).newValue }
    func remove() { count.subtract(1, ordering: .relaxed) }
}

/// One connection: collects a request within the limits, has it answered, and waits for the next.
final class ConnectionHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private enum State {
        /// Between requests.
        case waiting
        case receiving(HTTPRequestHead, ByteBuffer)
        case answering(keepsAlive: Bool)
        /// The last answer is on its way, and what still comes is dropped.
        case closing
    }

    private let access: AccessControl
    private let limits: ServerLimits
    private let connections: ConnectionCount
    private let respond: @Sendable (Request) async -> Response
    private var state = State.waiting
    /// Whether there were as many connections as may be when this one came.
    private var isSurplus = false
    private var deadline: Scheduled<Void>?

    init(
        access: AccessControl, limits: ServerLimits, connections: ConnectionCount,
        respond: @escaping @Sendable (Request) async -> Response
    ) {
        self.access = access
        self.limits = limits
        self.connections = connections
        self.respond = respond
    }

    func channelActive(context: ChannelHandlerContext) {
        isSurplus = connections.add() > limits.connections
        setDeadline(isSurplus ? limits.lingeringSeconds : limits.requestSeconds, context)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        connections.remove()
        deadline?.cancel()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch (unwrapInboundIn(data), state) {
        case (.head(let head), .waiting):
            if let refusal = refusal(of: head) { return finish(refusal, context) }
            state = .receiving(head, ByteBuffer())
        case (.body(let part), .receiving(let head, var body)):
            guard body.readableBytes + part.readableBytes <= limits.bodyByteCount else {
                return finish(tooLarge, context)
            }
            state = .waiting  // one owner, so that the body grows in place
            body.writeImmutableBuffer(part)
            state = .receiving(head, body)
        case (.end, .receiving(let head, let body)):
            answer(head, body, context)
        default: break
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    private var tooLarge: Response {
        .refusal(.payloadTooLarge, "the request has more than \(limits.bodyByteCount >> 20) MB")
    }

    private func refusal(of head: HTTPRequestHead) -> Response? {
        if isSurplus { return .refusal(.serviceUnavailable, "there are too many connections") }
        if let refusal = access.refusal(of: head) { return refusal }
        guard [.GET, .POST].contains(head.method) else {
            return .refusal(.methodNotAllowed, "only GET and POST are answered")
        }
        let length = head.headers.first(name: "content-length").map { Int($0) ?? .max } ?? 0
        return length > limits.bodyByteCount ? tooLarge : nil
    }

    private func answer(_ head: HTTPRequestHead, _ body: ByteBuffer, _ context: ChannelHandlerContext) {
        deadline?.cancel()
        state = .answering(keepsAlive: head.isKeepAlive)
        let request = Request(
            method: head.method, path: Array((AccessControl.path(of: head.uri) ?? []).dropFirst()),
            query: AccessControl.query(of: head.uri), body: Array(body.readableBytesView))
        let promise = context.eventLoop.makePromise(of: Response.self)
        Task(executorPreference: ExplorerRoutes.queue(for: request)) { [respond] in
            promise.succeed(await respond(request))
        }
        promise.futureResult.assumeIsolated().whenSuccess { response in self.write(response, context) }
    }

    private func write(_ response: Response, _ context: ChannelHandlerContext) {
        guard case .answering(let keepsAlive) = state, context.channel.isActive else { return }
        guard keepsAlive else { return finish(response, context) }
        state = .waiting
        send(response, keepsAlive: true, context)
        setDeadline(limits.requestSeconds, context)
    }

    /// The last answer. Closing at once would lose it where the client is still sending.
    private func finish(_ response: Response, _ context: ChannelHandlerContext) {
        state = .closing
        send(response, keepsAlive: false, context)
        context.close(mode: .output, promise: nil)
        setDeadline(limits.lingeringSeconds, context)
    }

    private func send(_ response: Response, keepsAlive: Bool, _ context: ChannelHandlerContext) {
        let headers: HTTPHeaders = [
            "Content-Type": response.contentType, "Content-Length": String(response.body.count),
            "Connection": keepsAlive ? "keep-alive" : "close", "Cache-Control": "no-store",
            "Content-Security-Policy": ContentSecurityPolicy.served, "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer", "Cross-Origin-Resource-Policy": "same-origin",
            "Cross-Origin-Opener-Policy": "same-origin",
        ]
        let head = HTTPResponseHead(version: .http1_1, status: response.status, headers: headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        if !response.body.isEmpty {
            context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: response.body)))), promise: nil)
        }
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }

    private func setDeadline(_ seconds: Int, _ context: ChannelHandlerContext) {
        deadline?.cancel()
        deadline = context.eventLoop.assumeIsolated().scheduleTask(in: .seconds(Int64(seconds))) {
            context.close(promise: nil)
        }
    }
}

/// What pages may load (Content Security Policy Level 3): nothing but what is theirs.
enum ContentSecurityPolicy {
    /// Of the pages that the server gives.
    static let served =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
        + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

    /// Of a page in a file, with its script's digest in base64.
    static func inFile(scriptDigest: String, styleDigest: String) -> String {
        "default-src 'none'; script-src 'sha256-\(scriptDigest)'; style-src 'sha256-\(styleDigest)'; img-src data: blob:; "
            + "base-uri 'none'; form-action 'none'"
    }
}
