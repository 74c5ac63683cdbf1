import FileSupport
import TensorCore

/// Who wrote a file that cannot be read as a checkpoint.
package enum CheckpointOrigin {
    /// Most bytes at the start of a file that are searched for the zoo's mark.
    private static let searchedByteCount = 64 << 10

    /// Whether the zoo wrote the file `path`, though it may be damaged since: it has the mark of a checkpoint, or is HDF5 in
    /// the format of checkpoints that is not whole. Also of what is empty or cannot be looked at, of which nothing is known.
    package static func isZoo(_ path: String) -> Bool {
        guard let file = try? RegularFile(path, limit: .max), let start = try? file.start(searchedByteCount),
            !start.isEmpty
        else { return true }
        guard start.starts(with: HDF5Superblock.signature), start.count > 8, (2...3).contains(start[8]) else {
            return false
        }
        let source = FileSource(file)
        let isWhole = (try? HDF5Superblock(source, profile: .foreign)) != nil
        let end = (try? source.bytes(max(0, file.byteCount - CheckpointTrailer.byteCount)..<file.byteCount)) ?? []
        return !isWhole || end.starts(with: CheckpointTrailer.magic)
            || start.firstRange(of: Array(CheckpointLayout.format.utf8)) != nil
    }

    /// The error for a file `path` that cannot be read as a checkpoint: `error`, unless it never was one.
    static func explained(_ error: ZooError, _ path: String) -> ZooError {
        guard !isZoo(path) else {
            return error.at(path)
        }
        let start = (try? RegularFile(path, limit: .max).start(searchedByteCount)) ?? []
        let kind = HDF5Superblock.start(in: start) == nil ? "is not HDF5" : "is HDF5 of another tool"
        return ZooError(
            "\(path) is no checkpoint of the zoo: it \(kind)",
            code: .unsupported, subject: .path(path), remedy: .importWeights(file: path))
    }
}
