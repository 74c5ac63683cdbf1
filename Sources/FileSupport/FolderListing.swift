import Glibc

/// What is in a folder.
public enum FolderListing {
    /// The names in the folder `path` without `.` and `..`, sorted; what is not UTF-8 in them is replaced.
    ///
    /// - Throws: `SystemCallFailure` when the folder cannot be opened.
    public static func names(in path: String) throws(SystemCallFailure) -> [String] {
        try nameBytes(in: Array(path.utf8)).map { String(decoding: $0, as: UTF8.self) }.sorted()
    }

    /// As `names`, in no order, where neither path nor names need be UTF-8.
    ///
    /// - Throws: `SystemCallFailure` when the folder cannot be opened.
    package static func nameBytes(in path: [UInt8]) throws(SystemCallFailure) -> [[UInt8]] {
        let opened = (path + [0]).withUnsafeBufferPointer { bytes in
            bytes.withMemoryRebound(to: CChar.self) { text in text.baseAddress.flatMap { opendir($0) } }
        }
        guard let folder = opened else { throw SystemCallFailure(errno) }
        defer { closedir(folder) }
        var names: [[UInt8]] = []
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in Array(bytes.prefix { $0 != 0 }) }
            if name != Array(".".utf8), name != Array("..".utf8) { names.append(name) }
        }
        return names
    }
}
