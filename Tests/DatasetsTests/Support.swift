import CArchive
import Glibc
import TensorCore
import Testing

@testable import Datasets

/// A folder that is removed with everything in it when the value goes away.
final class TemporaryFolder {
    let path: String

    init() throws {
        var template = Array("/tmp/zoo-datasets-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { throw ZooError("mkdtemp failed") }
        path = String(cString: made)
    }

    deinit {
        remove(path)
    }

    private func remove(_ path: String) {
        if Files.isFolder(path) {
            for name in (try? Files.names(in: path)) ?? [] { remove(Files.join(path, name)) }
            rmdir(path)
        } else {
            unlink(path)
        }
    }

    /// Writes a file, making the folders it is in; gives its path.
    @discardableResult
    func write(_ bytes: [UInt8], _ name: String) throws -> String {
        let file = Files.join(path, name)
        if let slash = file.lastIndex(of: "/") { try Files.makeFolder(String(file[..<slash])) }
        guard let stream = fopen(file, "wb") else { throw ZooError("cannot write \(file)") }
        defer { fclose(stream) }
        guard fwrite(bytes, 1, bytes.count, stream) == bytes.count else { throw ZooError("cannot write \(file)") }
        return file
    }

    @discardableResult
    func write(_ text: String, _ name: String) throws -> String {
        try write(Array(text.utf8), name)
    }
}

/// Writes archives with libarchive.
enum ArchiveWriter {
    enum Form: CaseIterable {
        case zip
        /// Entries as they are, not compressed.
        case zipStored
        case tar
        case tarGzip
        case tarBzip2
        case tarXZ
        case tarZstd
        case gzip
    }

    static func write(_ entries: [(name: String, bytes: [UInt8])], _ form: Form, to path: String) throws {
        let archive = try #require(archive_write_new())
        defer { archive_write_free(archive) }
        switch form {
        case .zip:
            archive_write_set_format_zip(archive)
        case .zipStored:
            archive_write_set_format_zip(archive)
            archive_write_zip_set_compression_store(archive)
        case .tar, .tarGzip, .tarBzip2, .tarXZ, .tarZstd:
            archive_write_set_format_ustar(archive)
            switch form {
            case .tarGzip: archive_write_add_filter_gzip(archive)
            case .tarBzip2: archive_write_add_filter_bzip2(archive)
            case .tarXZ: archive_write_add_filter_xz(archive)
            case .tarZstd: archive_write_add_filter_zstd(archive)
            default: break
            }
        case .gzip:
            archive_write_set_format_raw(archive)
            archive_write_add_filter_gzip(archive)
        }
        try #require(archive_write_open_filename(archive, path) == ARCHIVE_OK)
        for (name, bytes) in entries {
            let entry = archive_entry_new()
            defer { archive_entry_free(entry) }
            archive_entry_set_pathname(entry, name)
            archive_entry_set_size(entry, Int64(bytes.count))
            // A regular file, as S_IFREG.
            archive_entry_set_filetype(entry, 0o100000)
            archive_entry_set_perm(entry, 0o644)
            try #require(archive_write_header(archive, entry) == ARCHIVE_OK)
            try #require(archive_write_data(archive, bytes, bytes.count) == bytes.count)
        }
        try #require(archive_write_close(archive) == ARCHIVE_OK)
    }
}

/// Bytes that look random and are always the same.
func noise(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
    let stream = RandomStream(seed: seed, purpose: .other)
    return (0..<count).map { UInt8(truncatingIfNeeded: stream.word(UInt64($0)) >> 7) }
}

/// The message of the `ZooError` that `body` throws.
func message(_ body: () throws -> Void) throws -> String {
    let error = try #require(throws: ZooError.self) { try body() }
    return error.description
}

/// The folder of real data sets, for tests that need them.
let realData = getenv("ZOO_DATA").map { String(cString: $0) }

func hasRealData(_ name: String) -> Bool {
    realData.map { Files.isFolder(Files.join($0, name)) } ?? false
}

/// Makes a file longer, without using space on the disk.
func resize(_ path: String, by byteCount: Int) throws {
    guard case .file(let before) = Files.kind(path), truncate(path, off_t(before + byteCount)) == 0 else {
        throw ZooError("cannot resize \(path)")
    }
}

/// Bytes of memory that this process has at the moment.
func memory() throws -> Int {
    // Files of the system have no length.
    let stream = try #require(fopen("/proc/self/statm", "r"))
    defer { fclose(stream) }
    var text = [CChar](repeating: 0, count: 256)
    try #require(fgets(&text, Int32(text.count), stream) != nil)
    let words = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self).split(
        separator: " ")
    return (Int(words[1]) ?? 0) * Int(sysconf(Int32(_SC_PAGESIZE)))
}
