import Glibc
import NIOHTTP1

/// Who may ask: whoever knows the token, which is part of the address, from a page of this server.
///
/// A page of somebody else's can make the browser send requests here. It does not know the token; and `Host` and `Origin` show it,
/// also where its name has been made to lead to this machine (DNS rebinding).
struct AccessControl: Sendable {
    let token: String
    let port: Int
    /// Whether other machines may connect.
    let isOpenToOthers: Bool

    /// 128 random bits, in hexadecimal digits.
    static func randomToken() -> String {
        var generator = SystemRandomNumberGenerator()
        let digits = Array("0123456789abcdef")
        return String((0..<32).map { _ in digits[Int.random(in: 0..<16, using: &generator)] })
    }

    /// Why a request is refused; nil for one that may go on.
    func refusal(of head: HTTPRequestHead) -> Response? {
        let hosts = head.headers[canonicalForm: "host"]
        guard hosts.count == 1, isOwn(host: String(hosts[0])) else {
            return .refusal(.misdirectedRequest, "the request is addressed to another host")
        }
        for origin in head.headers["origin"] where origin != "http://\(hosts[0])" {
            return .refusal(.forbidden, "the request comes from a page of another origin")
        }
        guard let path = Self.path(of: head.uri), Self.areEqual(path.first ?? "", token) else {
            return .refusal(.forbidden, "the address lacks the token: open the one that the program printed")
        }
        return nil
    }

    /// The components of the path of a request's target, the first of them the token; nil for a target that is no path.
    static func path(of target: String) -> [String]? {
        guard target.hasPrefix("/") else { return nil }
        let path = target.prefix { $0 != "?" }.dropFirst()
        return path.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    }

    /// The fields behind `?`.
    static func query(of target: String) -> [String: String] {
        guard let mark = target.firstIndex(of: "?") else { return [:] }
        let fields = target[target.index(after: mark)...].split(separator: "&").map {
            $0.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        }
        return Dictionary(fields.map { (String($0[0]), $0.count > 1 ? String($0[1]) : "") }) { first, _ in first }
    }

    /// Whether a `Host` names this server. Where others may connect it is an address of numbers or the machine's name: what no
    /// stranger can have registered.
    private func isOwn(host: String) -> Bool {
        guard host.hasSuffix(":\(port)") else { return false }
        let name = String(host.dropLast(":\(port)".count))
        if ["127.0.0.1", "localhost", "[::1]"].contains(name) { return true }
        guard isOpenToOthers else { return false }
        return name == Self.machineName || name.allSatisfy { $0.isNumber || $0 == "." }
            || (name.hasPrefix("[") && name.hasSuffix("]"))
    }

    /// As `hostname` says it.
    static var machineName: String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard gethostname(&buffer, buffer.count - 1) == 0 else { return "localhost" }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// In a time that does not depend on where they differ.
    private static func areEqual(_ first: String, _ second: String) -> Bool {
        let (first, second) = (Array(first.utf8), Array(second.utf8))
        guard first.count == second.count else { return false }
        return zip(first, second).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
    }
}
