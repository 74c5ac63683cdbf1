import Glibc
import TensorCore

/// Puts a whole file in place, or leaves the old one: never anything between.
///
/// The bytes go to a new file in the same folder, are brought to the disk (`fsync`), read again and compared;
/// then one `rename` gives them the name, and the folder is brought to the disk as well.
/// A symbolic link at the target is replaced by the file.
public enum AtomicFile {
    /// Replaces the file `path` by one with `bytes`, and then, if asked for, `twin` by a second name of that file; by a copy
    /// where the file system has no second names.
    ///
    /// - Parameter twin: a path in the same folder.
    /// - Throws: `ZooError` naming the step that failed. The old file is then as it was, and no temporary file is left,
    ///   with two exceptions that the message tells: the temporary file could not be removed; or only the last step
    ///   failed, so that the new file is in place but could be lost in a power failure.
    public static func write(
        _ bytes: UnsafeRawBufferPointer, to path: String, twin: String? = nil,
        using operations: some FileOperations = SystemFileOperations()
    ) throws {
        let place = Place(path)
        guard !place.name.isEmpty, place.name != ".", place.name != ".." else {
            throw ZooError("\"\(path)\" names no file to write", kind: .usage)
        }
        try requireReplaceable(path)
        let (temporary, descriptor) = try create(for: place, path, operations)
        // Another process may replace `path` at once: the second name is of the file that was compared.
        let second = place.temporaryName()
        var isLinked = false
        do {
            try fill(descriptor, with: bytes, operations)
            try compare(temporary, with: bytes, operations)
            isLinked = twin != nil && (try? operations.link(temporary, to: second)) != nil
            try step("put the new file in place") { () throws(SystemCallFailure) in
                try operations.rename(temporary, to: path)
            }
        } catch {
            let left = [temporary, isLinked ? second : nil].compactMap(\.self).filter { !remove($0, operations) }
            throw failure(path, error, leftover: left.first)
        }
        if isLinked, let twin {
            do {
                try step("put its second name in place") { () throws(SystemCallFailure) in
                    try operations.rename(second, to: twin)
                }
            } catch {
                throw failure(twin, error, leftover: remove(second, operations) ? nil : second)
            }
        }
        do {
            try synchronizeFolder(place.folder, operations)
        } catch {
            throw ZooError(
                "\(path) was written and is in place, but its folder could not be brought to the disk: "
                    + "\(error.cause)",
                advice: "the new file could be lost in a power failure. Check the disk, then save again", code: .system)
        }
        if let twin, !isLinked { try write(bytes, to: twin, using: operations) }
    }

    /// Replaces the file `path` by one with `bytes`.
    ///
    /// - Throws: as `write(_:to:using:)` with a buffer.
    public static func write(
        _ bytes: [UInt8], to path: String, twin: String? = nil,
        using operations: some FileOperations = SystemFileOperations()
    ) throws {
        try bytes.withUnsafeBytes { try write($0, to: path, twin: twin, using: operations) }
    }

    /// Whether `name` is that of a file not yet put in place, as `write` makes them: `.NAME.tmp.PROCESS.RANDOM`.
    public static func isTemporary(_ name: String) -> Bool {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count >= 5, parts[0].isEmpty, parts[parts.count - 3] == "tmp" else { return false }
        return Int32(parts[parts.count - 2]) != nil && UInt64(parts[parts.count - 1], radix: 36) != nil
    }

    /// Removes the files in `folder` that killed processes have not put in place. Only for who holds the lock of the folder:
    /// an unfinished file of a living process looks the same.
    public static func removeUnfinished(in folder: String) {
        for name in (try? FolderListing.names(in: folder)) ?? [] where isTemporary(name) {
            unlink("\(folder)/\(name)")
        }
    }

    /// The folder and the name of a path.
    private struct Place {
        let folder: String
        let name: String

        init(_ path: String) {
            guard let slash = path.lastIndex(of: "/") else {
                folder = "."
                name = path
                return
            }
            folder = slash == path.startIndex ? "/" : String(path[..<slash])
            name = String(path[path.index(after: slash)...])
        }

        /// A path beside it that nobody else uses, as `isTemporary` knows them.
        func temporaryName() -> String {
            // The name may have 255 bytes; what is added has at most 40.
            let stem = String(decoding: name.utf8.prefix(200), as: UTF8.self)
            let number = String(UInt64.random(in: 0...UInt64.max), radix: 36)
            return "\(folder == "/" ? "/" : folder + "/").\(stem).tmp.\(getpid()).\(number)"
        }
    }

    /// A step of the protocol that failed.
    private struct StepFailure: Error {
        let step: String
        let cause: String
    }

    /// Devices and pipes are no files that could be replaced.
    ///
    /// - Throws: `ZooError` (wrong usage) for one, or for a link to one.
    private static func requireReplaceable(_ path: String) throws {
        var status = stat()
        guard stat(path, &status) == 0 else { return }
        let kind = status.st_mode & S_IFMT
        guard kind != S_IFREG, kind != S_IFDIR else { return }
        throw ZooError(
            "\(path) is a device, pipe or socket, and is left as it is", advice: "choose another file", kind: .usage,
            code: .alreadyExists, subject: .path(path))
    }

    private static func step<Result>(
        _ name: String, _ body: () throws(SystemCallFailure) -> Result
    ) throws(StepFailure) -> Result {
        do { return try body() } catch { throw StepFailure(step: name, cause: error.description) }
    }

    /// As `step`, and again when a signal came between.
    private static func uninterrupted<Result>(
        _ name: String, _ body: () throws(SystemCallFailure) -> Result
    ) throws(StepFailure) -> Result {
        while true {
            do { return try body() } catch {
                guard error.code == EINTR else { throw StepFailure(step: name, cause: error.description) }
            }
        }
    }

    private static func create(
        for place: Place, _ path: String, _ operations: some FileOperations
    ) throws -> (path: String, descriptor: Int32) {
        for _ in 0..<16 {
            let temporary = place.temporaryName()
            do {
                return (temporary, try operations.create(temporary))
            } catch  where error.code == EEXIST || error.code == EINTR {
                continue
            } catch {
                throw failure(path, StepFailure(step: "create a file in \(place.folder)", cause: "\(error)"))
            }
        }
        throw failure(path, StepFailure(step: "find a free name in \(place.folder)", cause: "16 names were taken"))
    }

    /// Writes `bytes`, brings them to the disk and closes `descriptor`.
    private static func fill(
        _ descriptor: Int32, with bytes: UnsafeRawBufferPointer, _ operations: some FileOperations
    ) throws(StepFailure) {
        do throws(StepFailure) {
            try reserve(descriptor, bytes.count, operations)
            var rest = bytes
            while !rest.isEmpty {
                let count = try uninterrupted("write \(bytes.count) bytes") { () throws(SystemCallFailure) in
                    let count = try operations.write(descriptor, rest)
                    // A regular file that takes nothing would be asked forever.
                    guard count > 0, count <= rest.count else { throw SystemCallFailure(EIO) }
                    return count
                }
                rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
            }
            // Never tried again: after one failure the kernel may have dropped the pages, and a second call succeed.
            try step("bring the file to the disk") { () throws(SystemCallFailure) in
                try operations.synchronize(descriptor)
            }
        } catch {
            try? operations.close(descriptor)
            throw error
        }
        try step("close the file") { () throws(SystemCallFailure) in try operations.close(descriptor) }
    }

    /// Reserves room, so that a full disk is noticed first. File systems that cannot do it are left to the write.
    private static func reserve(
        _ descriptor: Int32, _ byteCount: Int, _ operations: some FileOperations
    ) throws(StepFailure) {
        guard byteCount > 0 else { return }
        try uninterrupted("reserve \(byteCount) bytes") { () throws(SystemCallFailure) in
            do throws(SystemCallFailure) { try operations.reserve(descriptor, byteCount: byteCount) } catch {
                guard error.code == EOPNOTSUPP || error.code == EINVAL else { throw error }
            }
        }
    }

    /// Reads `path` again and compares it with `bytes`.
    private static func compare(
        _ path: String, with bytes: UnsafeRawBufferPointer, _ operations: some FileOperations
    ) throws(StepFailure) {
        let name = "read the new file again"
        let descriptor = try uninterrupted(name) { () throws(SystemCallFailure) in try operations.open(path) }
        var total = 0
        var isSame = true
        do throws(StepFailure) {
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
            defer { buffer.deallocate() }
            while true {
                let count = try uninterrupted(name) { () throws(SystemCallFailure) in
                    try operations.read(descriptor, into: buffer)
                }
                guard count > 0 else { break }
                let (end, overflow) = total.addingReportingOverflow(count)
                guard let expected = bytes.baseAddress, !overflow, end <= bytes.count,
                    let found = buffer.baseAddress, memcmp(found, expected.advanced(by: total), count) == 0
                else {
                    isSame = false
                    break
                }
                total = end
            }
        } catch {
            try? operations.close(descriptor)
            throw error
        }
        try step("close the file") { () throws(SystemCallFailure) in try operations.close(descriptor) }
        guard isSame, total == bytes.count else {
            throw StepFailure(
                step: name, cause: "of the \(bytes.count) bytes written, only the first \(total) came back the same")
        }
    }

    private static func synchronizeFolder(
        _ folder: String, _ operations: some FileOperations
    ) throws(StepFailure) {
        let name = "bring the folder to the disk"
        let descriptor = try uninterrupted(name) { () throws(SystemCallFailure) in
            try operations.openFolder(folder)
        }
        do throws(StepFailure) {
            try step(name) { () throws(SystemCallFailure) in
                // Some file systems cannot do it for folders, and say so in this way.
                do throws(SystemCallFailure) { try operations.synchronize(descriptor) } catch {
                    guard error.code == EINVAL || error.code == EOPNOTSUPP else { throw error }
                }
            }
        } catch {
            try? operations.close(descriptor)
            throw error
        }
        try step(name) { () throws(SystemCallFailure) in try operations.close(descriptor) }
    }

    /// Removes `path`; false when it may still be there.
    private static func remove(_ path: String, _ operations: some FileOperations) -> Bool {
        do { try operations.remove(path) } catch { return error.code == ENOENT }
        return true
    }

    private static func failure(_ path: String, _ error: StepFailure, leftover: String? = nil) -> ZooError {
        let rest = leftover.map { " The unfinished file \($0) could not be removed." } ?? ""
        return ZooError(
            "\(path) was not saved: could not \(error.step): \(error.cause). What was there before is unchanged.\(rest)",
            advice: "free space, or choose a folder you may write to, and save again", code: .system)
    }
}
