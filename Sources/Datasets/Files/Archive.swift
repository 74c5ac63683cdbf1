import CArchive
import Glibc
import TensorCore

/// An archive or a compressed file, opened for reading with libarchive, which recognises the formats and compressions that
/// data sets use by their content: tar and zip; gzip, bzip2, xz and zstd. Entries are visited in order, once.
final class Archive {
    /// What is expected in the file.
    enum Form {
        /// tar or zip, with named entries.
        case container
        /// One stream, compressed (gzip, xz, …) or not: a single entry.
        case stream
    }

    private typealias Filter = @Sendable (OpaquePointer) -> Int32

    /// The compressions that this libarchive undoes itself. For some others, and for those it was built without, it starts a
    /// program that it finds in PATH: an archive must not choose what runs.
    private static let filters: [Filter] = {
        let used: [Filter] = [
            { archive_read_support_filter_gzip($0) }, { archive_read_support_filter_bzip2($0) },
            { archive_read_support_filter_xz($0) }, { archive_read_support_filter_zstd($0) },
        ]
        guard let trial = archive_read_new() else { return [] }
        defer { archive_read_free(trial) }
        return used.filter { $0(trial) == ARCHIVE_OK }
    }()

    let path: String
    private let handle: OpaquePointer
    /// The file; nil for an archive in memory.
    private let descriptor: Int32?
    /// Of an archive in memory.
    private let memory: UnsafeMutableRawBufferPointer?
    private var entry: OpaquePointer?

    /// - Throws: `ZooError` if the file cannot be opened or is not of the form.
    convenience init(path: String, form: Form) throws {
        let descriptor = try Files.openForReading(path).descriptor
        guard let handle = archive_read_new() else {
            close(descriptor)
            throw ZooError("cannot open '\(path)': libarchive is out of memory", code: .system)
        }
        self.init(path, handle, descriptor: descriptor, memory: nil)
        support(form)
        guard archive_read_open_fd(handle, descriptor, 1 << 18) == ARCHIVE_OK else { throw failure() }
    }

    /// An archive within another.
    ///
    /// - Parameter name: in messages, in place of a path.
    /// - Throws: `ZooError` if it is not of the form.
    convenience init(bytes: [UInt8], name: String, form: Form) throws {
        guard let handle = archive_read_new() else {
            throw ZooError("cannot open \(name): libarchive is out of memory", code: .system)
        }
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 64)
        memory.copyBytes(from: bytes)
        self.init(name, handle, descriptor: nil, memory: memory)
        support(form)
        guard archive_read_open_memory(handle, memory.baseAddress, memory.count) == ARCHIVE_OK else { throw failure() }
    }

    private init(
        _ path: String, _ handle: OpaquePointer, descriptor: Int32?, memory: UnsafeMutableRawBufferPointer?
    ) {
        self.path = path
        self.handle = handle
        self.descriptor = descriptor
        self.memory = memory
    }

    private func support(_ form: Form) {
        for filter in Self.filters { _ = filter(handle) }
        switch form {
        case .container:
            archive_read_support_format_tar(handle)
            archive_read_support_format_gnutar(handle)
            archive_read_support_format_zip(handle)
        case .stream:
            archive_read_support_format_raw(handle)
        }
    }

    deinit {
        archive_read_free(handle)
        if let descriptor { close(descriptor) }
        memory?.deallocate()
    }

    /// Where the head of the current entry begins in the file.
    var headPosition: Int { Int(archive_read_header_position(handle)) }

    /// Goes to the next entry and gives its name and size in bytes (nil where the format does not say it beforehand);
    /// nil at the end.
    /// - Throws: `ZooError` if the archive is damaged.
    func nextEntry() throws -> (name: String, byteCount: Int?)? {
        let result = archive_read_next_header(handle, &entry)
        if result == ARCHIVE_EOF { return nil }
        guard result == ARCHIVE_OK, let entry else { throw failure() }
        guard let name = archive_entry_pathname(entry) else {
            throw ZooError("'\(path)' is damaged: an entry has a name that cannot be read", code: .damaged)
        }
        let size = archive_entry_size_is_set(entry) != 0 ? Int(archive_entry_size(entry)) : nil
        return (String(cString: name), size)
    }

    /// Reads up to `buffer.count` bytes of the current entry; fewer only at its end.
    /// - Throws: `ZooError` if the data is damaged or cut short.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        var count = 0
        while count < buffer.count, let start = buffer.baseAddress {
            let received = archive_read_data(handle, start + count, buffer.count - count)
            if received == 0 { break }
            // Negative values are errors and warnings; both mean damage here.
            guard received > 0 else { throw failure() }
            count += received
        }
        return count
    }

    /// All bytes of the current entry, which must be exactly `byteCount`.
    /// - Throws: `ZooError` if there are fewer or more. No more than one byte beyond `byteCount` is unpacked.
    func read(byteCount: Int, of name: String) throws -> [UInt8] {
        let bytes = try [UInt8](unsafeUninitializedCapacity: byteCount + 1) { buffer, count in
            count = try read(into: UnsafeMutableRawBufferPointer(buffer))
        }
        guard bytes.count == byteCount else {
            let found = bytes.count > byteCount ? "more" : "only \(bytes.count)"
            throw ZooError(
                "\(name) has the wrong size: \(byteCount) bytes were expected, \(found) found",
                advice: Archive.damageAdvice, code: .damaged)
        }
        return bytes
    }

    /// Calls `body` with the bytes of the current entry, `chunkByteCount` at a time (the last may be shorter).
    /// - Throws: `ZooError` if the data is damaged, and what `body` throws.
    func forEachChunk(of chunkByteCount: Int, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: chunkByteCount, alignment: 64)
        defer { buffer.deallocate() }
        while true {
            let count = try read(into: buffer)
            if count > 0 { try body(UnsafeRawBufferPointer(rebasing: buffer[..<count])) }
            if count < chunkByteCount { return }
        }
    }

    static let damageAdvice = "The file may be damaged or incomplete: fetch it again."

    private func failure() -> ZooError {
        let reason = archive_error_string(handle).map { String(cString: $0) } ?? "unknown error"
        return ZooError("cannot read '\(path)': \(reason)", advice: Archive.damageAdvice, code: .damaged)
    }
}
