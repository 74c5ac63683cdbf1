import Glibc

/// What is in a folder.
public enum FolderListing {
    /// The names in the folder `path` without `.` and `..`, sorted.
    ///
    /// - Throws: `SystemCallFailure` when the folder cannot be opened.
    public static func names(in path: String) throws(SystemCallFailure) -> [String] {
        guard let folder = opendir(path) else { throw SystemCallFailure(errno) }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }
}
