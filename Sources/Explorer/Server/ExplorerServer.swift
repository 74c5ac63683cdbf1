import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix
import TensorCore

/// Serves the explorer's page on one port.
public final class ExplorerServer: Sendable {
    /// What to open in a browser: `http://127.0.0.1:8421/TOKEN/`.
    public let address: String
    private let channel: any Channel

    /// The first port that is tried where none is asked for.
    public static let firstPort = 8421

    /// - Parameters:
    ///   - content: what is shown.
    ///   - host: the address of this machine to listen at: only programs of this machine can connect to a loopback address.
    ///   - port: nil for the first free one from `firstPort` on.
    ///   - limits: how much of the machine strangers can take.
    /// - Throws: `ZooError` where it cannot listen there.
    public init(
        _ content: ExplorerContent, host: String = "127.0.0.1", port: Int? = nil, limits: ServerLimits = ServerLimits()
    ) throws {
        let token = AccessControl.randomToken()
        let routes = ExplorerRoutes(content)
        let connections = ConnectionCount()
        let isOpen = !["127.0.0.1", "localhost", "::1"].contains(host)
        let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.backlog, value: 256)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.maxMessagesPerRead, value: 4)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let access = AccessControl(
                        token: token, port: channel.localAddress?.port ?? 0, isOpenToOthers: isOpen)
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline(withErrorHandling: true)
                    try channel.pipeline.syncOperations.addHandler(
                        ConnectionHandler(access: access, limits: limits, connections: connections) {
                            await routes.response(to: $0)
                        })
                }
            }
        channel = try Self.bind(bootstrap, host: host, ports: port.map { [$0] } ?? Array(Self.firstPort..<8521) + [0])
        let name = host.contains(":") ? "[\(host)]" : host
        address =
            "http://\(["0.0.0.0", "::"].contains(host) ? AccessControl.machineName : name)"
            + ":\(channel.localAddress?.port ?? 0)/\(token)/"
    }

    /// Takes the first port that is free.
    private static func bind(_ bootstrap: ServerBootstrap, host: String, ports: [Int]) throws -> any Channel {
        var failure: (any Error)?
        for port in ports {
            do {
                return try bootstrap.bind(host: host, port: port).wait()
            } catch {
                failure = error
                guard let error = error as? IOError, error.errnoCode == EADDRINUSE || error.errnoCode == EACCES else {
                    break
                }
            }
        }
        let place = ports.count == 1 ? "\(host), port \(ports[0])" : host
        throw ZooError(
            "cannot listen at \(place): \((failure as? IOError)?.description ?? failure.map { "\($0)" } ?? "")",
            advice: ports.count == 1 ? "choose another port" : "choose an address of this machine", kind: .usage,
            code: .inUse)
    }

    /// Takes no more connections; those that are end with their next answer, or when they have been idle.
    public func stop() {
        try? channel.close().wait()
    }
}
