import Glibc

/// The unpacked files of an archive, kept so that an archive that is slow to unpack (xz takes 20 times as long as
/// gzip) is unpacked only once. Losing the cache costs time, nothing else, so failures to write are not errors.
struct UnpackedCache {
    /// The folder of this archive's files; the name changes when the archive does.
    let path: String

    /// Nil if the archive is gone, or of a kind that is unpacked fast.
    init?(archive: String, folder: String) {
        guard !archive.hasSuffix(".gz"), !archive.hasSuffix(".tar"), case .file(let byteCount) = Files.kind(archive),
            let time = Files.modificationTime(archive)
        else { return nil }
        path = Files.join(folder, "unpacked/\(Files.lastComponent(archive))-\(byteCount)-\(time)")
        // The time of its last use.
        utimes(path, nil)
    }

    /// Collects the files aside; they appear at `path` together, or not at all.
    func writer() -> Writer {
        Writer(path: path)
    }

    struct Writer {
        private let path: String
        private let staging: String
        private var names: [String] = []
        private var failed = false

        fileprivate init(path: String) {
            self.path = path
            staging = DataCache.unfinished(path)
            failed = (try? Files.makeFolder(staging)) == nil
        }

        mutating func write(_ bytes: [UInt8], _ name: String) {
            guard !failed else { return }
            names.append(name)
            if (try? Files.write(bytes, to: Files.join(staging, name))) == nil { failed = true }
        }

        /// Puts the files in place, or removes them if one could not be written.
        mutating func finish() {
            if failed || rename(staging, path) != 0 { discard() }
        }

        /// Removes what was collected.
        func discard() {
            for name in names { unlink(Files.join(staging, name)) }
            rmdir(staging)
        }
    }
}
