import Dispatch
import Glibc
import Synchronization
import TensorCore

/// An HTTP server on the loopback interface that answers every request with what `respond` gives for it.
final class LoopbackServer: Sendable {
    struct Request: Sendable, Equatable {
        /// The path, for example "/file".
        let path: String
        /// The value of the Range header.
        let range: String?
    }

    struct Response: Sendable {
        var status = "200 OK"
        var headers: [String] = []
        var body: [UInt8] = []
        /// What Content-Length says; nil for the truth.
        var statedLength: Int?
    }

    let port: UInt16
    private let descriptor: Int32
    private let received = Mutex<[Request]>([])

    /// The requests so far.
    var requests: [Request] { received.withLock { $0 } }
    var baseURL: String { "http://127.0.0.1:\(port)" }

    init(_ respond: @escaping @Sendable (Request) -> Response) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = descriptor
        let bound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                bind(descriptor, pointer, size) == 0 && listen(descriptor, 8) == 0
                    && getsockname(descriptor, pointer, &size) == 0
            }
        }
        guard descriptor >= 0, bound else { throw ZooError("cannot listen on the loopback interface") }
        port = UInt16(bigEndian: address.sin_port)
        DispatchQueue.global().async { [self] in serve(respond) }
    }

    /// Ends the server.
    func stop() {
        shutdown(descriptor, Int32(SHUT_RDWR))
    }

    private func serve(_ respond: (Request) -> Response) {
        while true {
            let connection = accept(descriptor, nil, nil)
            guard connection >= 0 else { break }
            if let request = read(connection) {
                received.withLock { $0.append(request) }
                send(respond(request), to: connection)
            }
            shutdown(connection, Int32(SHUT_WR))
            close(connection)
        }
        close(descriptor)
    }

    private func read(_ connection: Int32) -> Request? {
        var text = ""
        var buffer = [UInt8](repeating: 0, count: 4096)
        while !text.contains("\r\n\r\n") {
            let count = recv(connection, &buffer, buffer.count, 0)
            guard count > 0 else { return nil }
            text += String(decoding: buffer[..<count], as: UTF8.self)
        }
        let lines = text.split(separator: "\r\n")
        let range = lines.first { $0.lowercased().hasPrefix("range: ") }?.dropFirst(7)
        guard let path = lines.first?.split(separator: " ").dropFirst().first else { return nil }
        return Request(path: String(path), range: range.map { String($0) })
    }

    private func send(_ response: Response, to connection: Int32) {
        let length = response.statedLength ?? response.body.count
        let head = ["HTTP/1.1 \(response.status)", "Content-Length: \(length)", "Connection: close"] + response.headers
        let bytes = Array((head.joined(separator: "\r\n") + "\r\n\r\n").utf8) + response.body
        var offset = 0
        while offset < bytes.count {
            let count = bytes[offset...].withUnsafeBytes {
                Glibc.send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return }
            offset += count
        }
    }
}
