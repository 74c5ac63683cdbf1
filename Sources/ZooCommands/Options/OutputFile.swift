import Glibc
import TensorCore

/// Files that a command is to write and that are not to be replaced unasked.
enum OutputFile {
    /// - Parameters:
    ///   - option: what names another file.
    ///   - force: whether the file may be replaced; nil where there is no --force.
    /// - Throws: `ZooError` (wrong usage) where the file exists and must stay.
    static func requireFree(_ path: String, option: String, force: Bool?) throws {
        guard force != true, access(path, F_OK) == 0 else { return }
        throw ZooError(
            "\(path) exists already and is left as it is",
            advice: "choose another with \(option)" + (force == nil ? "" : ", or --force"), kind: .usage,
            code: .alreadyExists, subject: .path(path))
    }
}
