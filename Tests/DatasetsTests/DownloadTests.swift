import FileSupport
import Synchronization
import TensorCore
import Testing

@testable import Datasets

@Suite(.serialized) struct DownloadTests {
    private let folder: TemporaryFolder
    private let content = noise(300_000)
    private let file: DatasetFile
    private let path: String
    private let partial: String

    init() throws {
        folder = try TemporaryFolder()
        file = DatasetFile(
            name: "images.bin", baseURL: "http://publisher.invalid/", byteCount: content.count,
            checksum: .sha256(SHA256.hexadecimal(SHA256.digest(content))))
        path = Files.join(folder.path, "images.bin")
        partial = path + DatasetDownloader.partialSuffix
    }

    private func descriptor(_ file: DatasetFile) -> DatasetDescriptor {
        DatasetDescriptor(
            info: DatasetInfo(name: "some", title: "", summary: "", license: "", source: "", shape: [1, 1, 1]),
            files: [file]
        ) { _ in Sprites() }
    }

    private func download(
        from server: LoopbackServer, _ file: DatasetFile? = nil,
        progress: @escaping @Sendable (DownloadProgress) -> Void = { _ in }
    ) throws {
        try DatasetDownloader(baseURL: server.baseURL, timeoutSeconds: 10)
            .download(descriptor(file ?? self.file), into: folder.path, progress: progress)
    }

    /// A server of `content` that understands ranges.
    private func goodServer() throws -> LoopbackServer {
        let content = content
        return try LoopbackServer { request in
            guard let start = request.range?.dropFirst("bytes=".count).dropLast().description, let start = Int(start)
            else { return LoopbackServer.Response(body: content) }
            guard start < content.count else { return LoopbackServer.Response(status: "416 Range Not Satisfiable") }
            return LoopbackServer.Response(
                status: "206 Partial Content",
                headers: ["Content-Range: bytes \(start)-\(content.count - 1)/\(content.count)"],
                body: Array(content[start...]))
        }
    }

    private func stored(_ path: String) throws -> [UInt8] {
        try Files.read(path, maximumByteCount: 1 << 20)
    }

    /// Where the publisher does not answer, or gives something else, the second address is asked; the checksum decides in both.
    @Test(arguments: [nil, [1, 2, 3]] as [[UInt8]?]) func asksTheSecondAddress(first: [UInt8]?) throws {
        let broken = try LoopbackServer { _ in
            first.map { LoopbackServer.Response(body: $0) }
                ?? LoopbackServer.Response(status: "503 Service Unavailable")
        }
        defer { broken.stop() }
        let server = try goodServer()
        defer { server.stop() }
        let mirrored = DatasetFile(
            name: file.name, baseURL: broken.baseURL + "/", mirrors: [server.baseURL + "/"], byteCount: file.byteCount,
            checksum: file.checksum)
        _ = try DatasetDownloader(timeoutSeconds: 10).download(descriptor(mirrored), into: folder.path) { _ in }
        #expect(try stored(path) == content)
        #expect(broken.requests.count == 1 && server.requests.count == 1)
    }

    @Test func fetchesAFileOnce() throws {
        let server = try goodServer()
        defer { server.stop() }
        let last = Mutex<DownloadProgress?>(nil)
        try download(from: server) { progress in last.withLock { $0 = progress } }
        #expect(try stored(path) == content)
        #expect(Files.kind(partial) == nil)
        let progress = last.withLock { $0 }
        #expect(progress?.byteCount == content.count)
        #expect(progress?.totalByteCount == content.count)
        try download(from: server)
        #expect(server.requests == [LoopbackServer.Request(path: "/images.bin", range: nil)])
    }

    @Test func continuesACutDownload() throws {
        let content = content
        let cutting = try LoopbackServer { _ in
            LoopbackServer.Response(body: Array(content[..<100_000]), statedLength: content.count)
        }
        let text = try message { try download(from: cutting) }
        cutting.stop()
        #expect(text.contains("100000 of 300000 bytes are in \(partial)"))
        #expect(text.contains("the next download goes on where this one stopped"))
        #expect(Files.kind(path) == nil)
        #expect(try stored(partial) == Array(content[..<100_000]))

        let server = try goodServer()
        defer { server.stop() }
        try download(from: server)
        #expect(server.requests.map(\.range) == ["bytes=100000-"])
        #expect(try stored(path) == content)
    }

    @Test func beginsAgainWhereTheServerIgnoresRanges() throws {
        try folder.write(noise(1000, seed: 9), "images.bin.part")
        let content = content
        let server = try LoopbackServer { _ in LoopbackServer.Response(body: content) }
        defer { server.stop() }
        try download(from: server)
        #expect(server.requests.map(\.range) == ["bytes=1000-"])
        #expect(try stored(path) == content)
    }

    @Test func beginsAgainWhereThePartIsTooLong() throws {
        try folder.write(noise(content.count + 5, seed: 9), "images.bin.part")
        let server = try goodServer()
        defer { server.stop() }
        try download(from: server)
        #expect(server.requests.map(\.range) == ["bytes=300005-", nil])
        #expect(try stored(path) == content)
    }

    @Test func usesAPartThatIsComplete() throws {
        try folder.write(content, "images.bin.part")
        let server = try goodServer()
        defer { server.stop() }
        try download(from: server)
        #expect(server.requests.isEmpty)
        #expect(try stored(path) == content)
    }

    @Test func deletesAFileWithTheWrongChecksum() throws {
        let server = try goodServer()
        defer { server.stop() }
        let wrong = DatasetFile(
            name: file.name, baseURL: file.baseURL, byteCount: file.byteCount, checksum: .md5("0123"))
        let text = try message { try download(from: server, wrong) }
        #expect(text.contains("wrong checksum: MD5 0123 was expected, MD5 "))
        #expect(Files.kind(path) == nil && Files.kind(partial) == nil)
        let short = DatasetFile(name: file.name, baseURL: file.baseURL, byteCount: 299_999, checksum: nil)
        #expect(try message { try download(from: server, short) }.contains("300000 bytes; 299999 were expected"))
        #expect(Files.kind(path) == nil && Files.kind(partial) == nil)
    }

    @Test func reportsWhatTheServerAnswers() throws {
        let server = try LoopbackServer { _ in LoopbackServer.Response(status: "404 Not Found", body: [1, 2, 3]) }
        #expect(try message { try download(from: server) }.contains("HTTP status 404 (not found)"))
        #expect(Files.kind(path) == nil)
        server.stop()
        #expect(try message { try download(from: server) }.contains("\(server.baseURL)/images.bin"))
        #expect(Files.kind(partial) == nil, "nothing came, so there is nothing to go on with")
    }

    @Test func reportsWhatCannotBeFetchedOrWritten() throws {
        let downloader = DatasetDownloader()
        let catalog = DatasetCatalog.builtIn
        let celebA = try catalog.descriptor("celeba")
        #expect(try message { try downloader.download(celebA, into: folder.path) }.contains("by hand"))
        let sprites = try catalog.descriptor("sprites")
        #expect(try message { try downloader.download(sprites, into: folder.path) }.contains("generated"))
        let blocked = try folder.write("a file", "blocked")
        #expect(
            try message { try downloader.download(descriptor(file), into: blocked + "/data") }
                .contains("cannot make the folder"))
    }
}
