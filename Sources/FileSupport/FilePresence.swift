import Glibc
import TensorCore

/// Whether there is something at a path.
public enum FilePresence {
    /// - Throws: `ZooError` where nobody can say: a folder on the way may not be entered, a disk fails.
    public static func isPresent(_ path: String) throws -> Bool {
        guard access(path, F_OK) != 0 else { return true }
        let failure = SystemCallFailure(errno)
        guard failure.code == ENOENT || failure.code == ENOTDIR else {
            throw ZooError("cannot look at \(path): \(failure)", code: .system, subject: .path(path))
        }
        return false
    }
}
