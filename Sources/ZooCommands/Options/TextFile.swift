import Checkpoints
import Glibc
import TensorCore

/// Files of text that the user names.
enum TextFile {
    /// The text of the file `path`.
    ///
    /// - Throws: `ZooError` where it cannot be read or is no UTF-8.
    static func read(_ path: String) throws -> String {
        let bytes: [UInt8]
        do {
            bytes = try RegularFile.text(of: path)
        } catch let error as ZooError {
            throw error.at(path, kind: .usage)
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw ZooError("\(path) is no text in UTF-8", kind: .usage)
        }
        return text
    }

    /// Writes a file that must not exist yet.
    ///
    /// - Throws: `ZooError` where it exists or cannot be written; what was written of it is then removed.
    static func create(_ path: String, _ text: String) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else {
            guard errno != EEXIST else {
                throw ZooError(
                    "\(path) exists already and is left as it is", advice: "choose another file with --output",
                    kind: .usage)
            }
            throw failure(path)
        }
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                let error = failure(path)
                close(descriptor)
                unlink(path)
                throw error
            }
            rest = rest.dropFirst(count)
        }
        guard close(descriptor) == 0 else {
            let error = failure(path)
            unlink(path)
            throw error
        }
    }

    private static func failure(_ path: String) -> ZooError {
        ZooError(
            "cannot write \(path): \(String(cString: strerror(errno)))",
            advice: "choose a file in a folder you may write to with --output")
    }
}
