import Glibc
import TensorCore
import Testing

@testable import Datasets

@Suite struct ArchiveTests {
    private let folder: TemporaryFolder
    private var path: String { Files.join(folder.path, "archive") }

    init() throws {
        folder = try TemporaryFolder()
    }

    @Test(arguments: ArchiveWriter.Form.allCases.filter { $0 != .gzip })
    func whatDataSetsUseIsRead(form: ArchiveWriter.Form) throws {
        let bytes = noise(5000)
        try ArchiveWriter.write([("a/b.bin", bytes)], form, to: path)
        let archive = try Archive(path: path, form: .container)
        let entry = try #require(try archive.nextEntry())
        #expect(entry.name == "a/b.bin")
        #expect(try archive.read(byteCount: 5000, of: "b.bin") == bytes)
        #expect(try archive.nextEntry() == nil)
    }

    /// Compressions that libarchive undoes by starting a program, `grzip -d` and the like: the archive is none of ours, and
    /// nothing is looked for in PATH.
    @Test(arguments: [
        ("grzip", Array("GRZipII\0".utf8) + [2, 4, 0x3A, 0x29]),
        ("lzop", [0x89, 0x4C, 0x5A, 0x4F, 0, 0x0D, 0x0A, 0x1A, 0x0A, 0x10, 0x30, 0x20, 0x80]),
        ("lrzip", Array("LRZI".utf8) + [0, 6]),
    ])
    func noProgramIsStarted(name: String, magic: [UInt8]) throws {
        try folder.write(magic + [UInt8](repeating: 0, count: 2000), "archive")
        let message = try message {
            let archive = try Archive(path: path, form: .container)
            _ = try archive.nextEntry()
        }
        #expect(message.contains("Unrecognized archive format"), "\(message)")
        // As a stream of its own it is what it is: bytes.
        let stream = try Archive(path: path, form: .stream)
        _ = try stream.nextEntry()
        #expect(try stream.read(byteCount: magic.count + 2000, of: name).starts(with: magic))
    }

    @Test func aPipeIsRefusedWithoutWaiting() throws {
        #expect(mkfifo(path, 0o600) == 0)
        #expect(try message { _ = try Archive(path: path, form: .stream) }.contains("not a regular file"))
        #expect(try message { _ = try Checksum.md5("").ofFile(at: path) }.contains("not a regular file"))
        #expect(try message { _ = try Files.read(path, maximumByteCount: 10) }.contains("not a regular file"))
    }
}
