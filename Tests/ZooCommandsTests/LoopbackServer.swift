import Dispatch
import Glibc
import TensorCore

/// An HTTP server on the loopback interface that answers requests for known paths and says 404 to others.
final class LoopbackServer: Sendable {
    private let descriptor: Int32
    private let files: [String: [UInt8]]
    /// For example "http://127.0.0.1:40123".
    let baseURL: String

    /// - Parameter files: what there is, by path ("/images.bin").
    init(_ files: [String: [UInt8]]) throws {
        self.files = files
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isListening = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                bind(descriptor, pointer, size) == 0 && listen(descriptor, 8) == 0
                    && getsockname(descriptor, pointer, &size) == 0
            }
        }
        guard descriptor >= 0, isListening else { throw ZooError("cannot listen on the loopback interface") }
        self.descriptor = descriptor
        baseURL = "http://127.0.0.1:\(UInt16(bigEndian: address.sin_port))"
        DispatchQueue.global().async { [self] in serve() }
    }

    func stop() {
        shutdown(descriptor, Int32(SHUT_RDWR))
    }

    private func serve() {
        while true {
            let connection = accept(descriptor, nil, nil)
            guard connection >= 0 else { break }
            answer(connection)
            shutdown(connection, Int32(SHUT_WR))
            close(connection)
        }
        close(descriptor)
    }

    private func answer(_ connection: Int32) {
        var request = ""
        var buffer = [UInt8](repeating: 0, count: 4096)
        while !request.contains("\r\n\r\n") {
            let count = recv(connection, &buffer, buffer.count, 0)
            guard count > 0 else { return }
            request += String(decoding: buffer[..<count], as: UTF8.self)
        }
        let path = request.split(separator: " ").dropFirst().first.map(String.init) ?? ""
        let status = files[path] == nil ? "404 Not Found" : "200 OK"
        let body = files[path] ?? []
        let head = "HTTP/1.1 \(status)\r\nContent-Length: \(body.count)\r\nConnection: close\r\n\r\n"
        var rest = (Array(head.utf8) + body)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }
}
