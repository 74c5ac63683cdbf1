import Explorer
import Foundation
import Testing

/// Who else is on this machine, or in the browser, gets a status and nothing else, and the server goes on.
@Suite(.serialized) struct SecurityTests {
    @Test func anotherHostIsRefused() async throws {
        let explored = try ExploredBlots()
        defer { explored.server.stop() }
        for host in ["evil.example", "evil.example:\(explored.port)", "127.0.0.1", "127.0.0.1:1", ""] {
            let client = try explored.client()
            client.send(explored.head("GET", explored.base, host: host))
            #expect(await client.answer()?.status == 421, "\(host)")
        }
        let twice = try explored.client()
        twice.send(explored.head("GET", explored.base, "Host: evil.example"))
        #expect(await twice.answer()?.status == 421)
        #expect(await explored.goesOn())
    }

    @Test func anotherOriginIsRefused() async throws {
        let explored = try ExploredBlots()
        defer { explored.server.stop() }
        for origin in ["http://evil.example", "null", "http://127.0.0.1:1", "https://127.0.0.1:\(explored.port)"] {
            let client = try explored.client()
            client.send(explored.head("POST", explored.base + "api/models/0/decode", "Origin: \(origin)"))
            #expect(await client.answer()?.status == 403, "\(origin)")
        }
        let own = try explored.client()
        own.send(
            explored.head("GET", explored.base + "api/content", "Origin: http://127.0.0.1:\(explored.port)"))
        #expect(await own.answer()?.status == 200)
    }

    @Test func withoutTheTokenNothingIsToBeHad() async throws {
        let explored = try ExploredBlots()
        defer { explored.server.stop() }
        let wrong = String(repeating: "0", count: 32)
        for path in ["/", "/api/content", "/\(wrong)/", "/\(wrong)/api/content", "/\(explored.token.dropLast())/", "*"]
        {
            let client = try explored.client()
            client.send(explored.head("GET", path))
            let answer = try #require(await client.answer())
            #expect(answer.status == 403, "\(path)")
            #expect(!answer.text.contains(explored.token))
        }
        #expect(try ExploredBlots().token != explored.token)
    }

    @Test func aBodyOfAGigabyteIsRefused() async throws {
        let explored = try ExploredBlots()
        defer { explored.server.stop() }
        let announced = try explored.client()
        announced.send(explored.head("POST", explored.base + "api/models/0/encode", "Content-Length: \(1 << 30)"))
        #expect(await announced.answer()?.status == 413)
        // One that does not say how long it is.
        let endless = try explored.client()
        endless.send(
            explored.head("POST", explored.base + "api/models/0/encode", "Transfer-Encoding: chunked"))
        let chunk = Array("100000\r\n".utf8) + [UInt8](repeating: 65, count: 1 << 20) + Array("\r\n".utf8)
        await apart {
            var sent = 0
            while sent < 64, endless.send(chunk) == chunk.count { sent += 1 }
        }
        #expect(await endless.answer()?.status == 413)
        #expect(await endless.isClosed())
        #expect(await explored.goesOn())
    }

    @Test func endlessHeadersAreCutOff() async throws {
        let explored = try ExploredBlots()
        defer { explored.server.stop() }
        let client = try explored.client()
        client.send("GET \(explored.base) HTTP/1.1\r\nHost: 127.0.0.1:\(explored.port)\r\nX: ")
        let piece = [UInt8](repeating: 65, count: 1 << 20)
        await apart {
            var sent = 0
            while sent < 64, client.send(piece) == piece.count { sent += 1 }
        }
        #expect(await client.isClosed())
        #expect(await explored.goesOn())
    }

    @Test func whatIsNoHTTPIsRefused() async throws {
        let explored = try ExploredBlots()
        defer { explored.server.stop() }
        for text in [
            "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "\r\n\r\n\0\0\r\n\r\n",
        ] {
            let client = try explored.client()
            client.send(text)
            let status = await client.answer()?.status
            #expect(status == nil || (400..<600).contains(status ?? 0), "\(text)")
        }
        #expect(await explored.goesOn())
    }

    @Test func twoHundredConnections() async throws {
        // On a busy machine it takes some seconds until the surplus ones have asked.
        var limits = ServerLimits()
        limits.lingeringSeconds = 60
        let explored = try ExploredBlots(limits: limits)
        defer { explored.server.stop() }
        let clients = try (0..<200).map { _ in try explored.client() }
        var statuses: [Int: Int] = [:]
        for client in clients {
            client.send(explored.head("GET", explored.base + "api/content"))
            statuses[await client.answer()?.status ?? 0, default: 0] += 1
        }
        #expect(statuses[200] == ServerLimits().connections)
        #expect(statuses[503] == 200 - ServerLimits().connections)
        withExtendedLifetime(clients) {}
    }

    @Test func afterTwoHundredConnectionsItGoesOn() async throws {
        let explored = try ExploredBlots()
        defer { explored.server.stop() }
        var clients = try (0..<200).map { _ in try explored.client() }
        for client in clients { client.send("G") }
        clients.removeAll()
        for _ in 0..<100 where await !explored.goesOn() { try await Task.sleep(for: .milliseconds(50)) }
        #expect(await explored.goesOn())
    }

    @Test func aSlowClientIsCutOff() async throws {
        var limits = ServerLimits()
        limits.requestSeconds = 1
        let explored = try ExploredBlots(limits: limits)
        defer { explored.server.stop() }
        let slow = try explored.client()
        // A character in a tenth of a second, more slowly on a busy machine: the end of the head is not reached.
        let head = Array(explored.head("GET", explored.base).utf8)
        var sent = 0
        while sent < head.count, slow.send([head[sent]]) > 0 {
            sent += 1
            try await Task.sleep(for: .milliseconds(100))
        }
        #expect(head.count > 30 && sent < head.count)
        #expect(await slow.isClosed())
        #expect(await explored.goesOn())
    }

    @Test func pathsLeadNowhereElse() async throws {
        let explored = try ExploredBlots()
        defer { explored.server.stop() }
        for path in [
            "../../../../etc/passwd", "..%2f..%2fetc%2fpasswd", "%2e%2e/index.html", "api/../index.html",
            "Server/PageFile.swift",
            "api/runs/0/pictures/..%2f..%2frun.json", "api/models/0/images/-1", "api/models/9", "api/models/-1",
            "api/models/x",
            "api/models/0/images/99999999999999999999", "index.html/", "api", "api/", "//etc/passwd",
        ] {
            let status = try await explored.get(path)?.status
            #expect(status == 404 || status == 400, "\(path): \(status ?? 0)")
        }
        #expect(await explored.goesOn())
    }

    @Test func wrongBodiesGetASentence() async throws {
        let explored = try ExploredBlots()
        defer { explored.server.stop() }
        let deep = String(repeating: "[", count: 100_000)
        for body in [
            "", "{", deep, "[]", #"{"latents": [[1, 2]]}"#, #"{"latents": []}"#, #"{"latents": [[1e300, 0, 0, 0]]}"#,
            #"{"latents": [["a", 0, 0, 0]]}"#, #"{"latents": [[0, 0, 0, 0]], "imageClass": 7}"#,
            "{\"latents\": [\((0..<600).map { _ in "[0,0,0,0]" }.joined(separator: ","))]}",
        ] {
            let answer = try #require(try await explored.post("api/models/0/decode", body))
            let isUnconditional = body.contains("imageClass")
            #expect(answer.status == 400 || isUnconditional, "\(body.prefix(60)): \(answer.status)")
            if !isUnconditional { #expect((try answer.json()["error"] as? String)?.isEmpty == false) }
        }
        for body in [
            #"{"region": "nowhere", "count": 1, "seed": 0, "temperature": 1}"#,
            #"{"region": "prior", "count": 100000, "seed": 0, "temperature": 1}"#,
            #"{"region": "prior", "count": -1, "seed": 0, "temperature": 1}"#,
            #"{"region": "class:x", "count": 1, "seed": 0, "temperature": 1}"#,
        ] {
            #expect(try await explored.post("api/models/0/sample", body)?.status == 400, "\(body)")
        }
        #expect(try await explored.post("api/models/0/encode", "no picture")?.status == 400)
        #expect(await explored.goesOn())
    }

    /// What a definition says reaches the page as text only.
    @Test func markupStaysText() async throws {
        let explored = try ExploredBlots()
        defer { explored.server.stop() }
        let answer = try #require(try await explored.get("api/content"))
        #expect(answer.headers["content-type"] == "application/json")
        #expect(answer.headers["x-content-type-options"] == "nosniff")
        #expect(answer.headers["content-security-policy"]?.hasPrefix("default-src 'none'; script-src 'self';") == true)
        let page = String(decoding: try await ExplorerContent(models: [ExploredBlots.explored()]).page(), as: UTF8.self)
        #expect(page.contains("\\u003c/script>\\u003cscript>alert(1)"))
        #expect(!page.contains("<script>alert(1)"))
    }
}
