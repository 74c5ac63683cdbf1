import Glibc

/// Which file a path leads to: two names may be of one file.
public struct FileIdentity: Hashable {
    private let device: UInt64
    private let number: UInt64
    public let isFolder: Bool
    public let byteCount: Int

    /// A symbolic link is not followed; nil where there is no such file.
    public init?(_ path: String) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return nil }
        device = UInt64(status.st_dev)
        number = UInt64(status.st_ino)
        isFolder = status.st_mode & S_IFMT == S_IFDIR
        byteCount = Int(status.st_size)
    }
}
