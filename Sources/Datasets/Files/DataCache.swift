import FileSupport
import Glibc
import TensorCore

/// What is kept of data sets so that they open at once: decoded pictures of folders, and unpacked arrays and archives. Losing it costs time,
/// nothing else. Data sets that were downloaded into the same folder are no part of it.
public struct DataCache: Sendable {
    /// What an entry holds.
    public enum Kind: String, Sendable {
        /// Decoded pictures of a folder.
        case pictures
        /// An array that is stored compressed or in chunks, unpacked.
        case array
        /// The files of an archive, unpacked.
        case archive
    }

    /// A file of the cache, or a folder.
    public struct Entry: Sendable, Equatable {
        public let kind: Kind
        /// What it was made of: the folder of the pictures, or the name of the file.
        public let source: String
        /// The number of pictures; nil for other kinds.
        public let imageCount: Int?
        public let byteCount: Int
        /// The time of its last use, in seconds since 1970.
        public let lastUse: Int
        let path: String
    }

    /// `…/zoo/data`.
    public let folder: String
    private var unpackedFolder: String { Files.join(folder, "unpacked") }
    private var images: ImageCache { ImageCache(folder: Files.join(folder, "decoded")) }

    /// nil where no folder for caches is known.
    public init?(_ locations: DataLocations) {
        guard let folder = locations.cacheFolder else { return nil }
        self.init(folder: folder)
    }

    init(folder: String) {
        self.folder = folder
    }

    /// What is in the cache, the last used first.
    public var entries: [Entry] {
        (images.entries + unpackedNames.compactMap(unpacked)).sorted { $0.lastUse > $1.lastUse }
    }

    /// Removes everything, and what processes left behind that are no more.
    ///
    /// - Returns: the entries and bytes that were removed.
    public func clear() -> (entries: Int, byteCount: Int) {
        let all = entries
        let unfinished = unpackedNames.filter(Self.isLeftBehind).map { Files.join(unpackedFolder, $0) }
        for path in all.map(\.path) + unfinished {
            for name in Files.isFolder(path) ? (try? Files.names(in: path)) ?? [] : [] {
                unlink(Files.join(path, name))
            }
            Glibc.remove(path)
        }
        images.removeUnfinished()
        return (all.count, all.reduce(0) { $0 + $1.byteCount })
    }

    private var unpackedNames: [String] { (try? Files.names(in: unpackedFolder)) ?? [] }

    private func unpacked(_ name: String) -> Entry? {
        let path = Files.join(unpackedFolder, name)
        guard !name.contains(Self.unfinishedMark), let kind = Files.kind(path),
            let time = Files.modificationTime(path)
        else { return nil }
        func entry(_ kind: Kind, _ source: some StringProtocol, _ byteCount: Int) -> Entry {
            Entry(
                kind: kind, source: String(source), imageCount: nil, byteCount: byteCount,
                lastUse: time / 1_000_000_000, path: path)
        }
        switch kind {
        case .file(let byteCount):
            return entry(.array, UnpackedArrays.source(ofFile: name), byteCount)
        case .folder:
            let sizes = ((try? Files.names(in: path)) ?? []).map { file in
                if case .file(let byteCount) = Files.kind(Files.join(path, file)) { byteCount } else { 0 }
            }
            // A name, its length and its time.
            return entry(.archive, name.split(separator: "-").dropLast(2).joined(separator: "-"), sizes.reduce(0, +))
        case .other: return nil
        }
    }

    // MARK: Unfinished files

    private static let unfinishedMark = ".part-"

    /// Where a process makes what will be at `path` when it is whole.
    static func unfinished(_ path: String) -> String { "\(path)\(unfinishedMark)\(getpid())" }

    /// Whether a file or folder is the unfinished one of a process that is no more.
    static func isLeftBehind(_ name: String) -> Bool {
        guard name.contains(unfinishedMark), let process = name.split(separator: "-").last.flatMap({ pid_t($0) })
        else { return false }
        return kill(process, 0) != 0 && errno == ESRCH
    }
}
