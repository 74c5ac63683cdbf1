import FileSupport
import Glibc
import ImageFiles
import TensorCore

/// A path in an image folder, whose bytes need not be UTF-8.
struct ImagePath: Comparable, Sendable {
    let bytes: [UInt8]
    /// The path in messages and tables.
    let name: String

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        name = String(decoding: bytes, as: UTF8.self)
    }

    static func < (a: ImagePath, b: ImagePath) -> Bool {
        a.name == b.name ? a.bytes.lexicographicallyPrecedes(b.bytes) : a.name < b.name
    }

    static func == (a: ImagePath, b: ImagePath) -> Bool { a.bytes == b.bytes }

    /// The names of the folders that the picture is in, outermost first.
    var folders: [Substring] { name.split(separator: "/").dropLast() }
}

/// What is in an image folder.
struct ImageFolderListing {
    /// A picture.
    struct Picture: Sendable {
        let path: ImagePath
        /// What tells one file from another, and a file from what it was before.
        let identity: Identity
    }

    struct Identity: Hashable, Sendable {
        let device: UInt64
        let inode: UInt64
        let byteCount: Int
        /// Of the last change, in nanoseconds.
        let time: Int
    }

    /// The pictures, in order of their names; each file once, however often it is reached through links.
    private(set) var pictures: [Picture] = []
    /// How many files are no pictures, by their kind: `.heic`, `no extension`.
    private(set) var others: [String: Int] = [:]
    /// How often a file was reached again.
    private(set) var repeatedCount = 0

    /// Folders within folders deeper than this are refused (a loop of links, most likely).
    private static let maximumDepth = 16

    /// What is in `folder` and the folders in it. Hidden files and folders are skipped.
    /// - Throws: `ZooError` if a folder cannot be read or there is no picture.
    init(_ folder: String) throws {
        guard Files.isFolder(folder) else {
            throw ZooError(
                "there is no image folder '\(folder)'", advice: "give a folder of \(ImageFiles.kinds("and")) files",
                kind: .usage)
        }
        try collect(Array(folder.utf8), [], depth: 0)
        guard !pictures.isEmpty else {
            throw ZooError(
                "the image folder '\(folder)' holds no \(ImageFiles.kinds()) images"
                    + (notes.first.map { ": \($0)" } ?? ", nor do its folders"),
                advice: "convert pictures to one of these, or give another folder", code: .notFound)
        }
        pictures.sort { $0.path < $1.path }
        var seen = Set<[UInt64]>()
        let all = pictures.count
        pictures.removeAll { !seen.insert([$0.identity.device, $0.identity.inode]).inserted }
        repeatedCount = all - pictures.count
    }

    /// What a user should know: "3 files that are no pictures of a kind that is read were left out: 2 .heic, 1 .txt".
    var notes: [String] {
        var notes: [String] = []
        let count = others.values.reduce(0, +)
        if count > 0 {
            let kinds = others.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
            let named = kinds.prefix(8).map { "\($0.value) \($0.key)" }.joined(separator: ", ")
            notes.append(
                (count == 1
                    ? "1 file that is no picture of a kind that is read was"
                    : "\(count) files that are no pictures of a kind that is read were") + " left out: \(named)"
                    + (kinds.count > 8 ? " …" : ""))
        }
        if repeatedCount > 0 {
            notes.append(
                "\(repeatedCount) \(repeatedCount == 1 ? "name leads" : "names lead") to a picture that is there already, "
                    + "which counts once")
        }
        return notes
    }

    private mutating func collect(_ root: [UInt8], _ relative: [UInt8], depth: Int) throws {
        let folder = Self.join(root, relative)
        let text = String(decoding: folder, as: UTF8.self)
        guard depth <= Self.maximumDepth else {
            throw ZooError(
                "'\(text)' is more than \(Self.maximumDepth) folders deep; a link may point back to a parent",
                code: .limit)
        }
        let names: [[UInt8]]
        do { names = try FolderListing.nameBytes(in: folder) } catch {
            throw ZooError("cannot read the folder '\(text)': \(error)", code: .system)
        }
        for name in names where name.first != UInt8(ascii: ".") {
            let path = Self.join(relative, name)
            var status = stat()
            let found = (Self.join(root, path) + [0]).withUnsafeBufferPointer { bytes in
                bytes.withMemoryRebound(to: CChar.self) { text in text.baseAddress.map { stat($0, &status) } ?? -1 }
            }
            switch found == 0 ? status.st_mode & S_IFMT : 0 {
            case S_IFDIR: try collect(root, path, depth: depth + 1)
            case S_IFREG:
                let kind = Self.fileExtension(name)
                guard let kind, ImageFiles.extensions.contains(kind) else {
                    others[kind.map { ".\($0)" } ?? "without extension", default: 0] += 1
                    continue
                }
                pictures.append(
                    Picture(
                        path: ImagePath(path),
                        identity: Identity(
                            device: UInt64(status.st_dev), inode: UInt64(status.st_ino),
                            byteCount: Int(status.st_size),
                            time: status.st_mtim.tv_sec &* 1_000_000_000 &+ status.st_mtim.tv_nsec)))
            default: others["special or broken link", default: 0] += 1
            }
        }
    }

    /// What follows the last dot of a name, in lower case; nil if there is none.
    private static func fileExtension(_ name: [UInt8]) -> String? {
        guard let dot = name.lastIndex(of: UInt8(ascii: ".")), dot + 1 < name.count else { return nil }
        return String(decoding: name[(dot + 1)...], as: UTF8.self).lowercased()
    }

    static func join(_ folder: [UInt8], _ name: [UInt8]) -> [UInt8] {
        let slash = UInt8(ascii: "/")
        if folder.isEmpty || name.isEmpty { return folder + name }
        return folder.last == slash ? folder + name : folder + [slash] + name
    }
}

/// What the folders of pictures say of them: `train/cat/1.jpg` is a training picture of a cat.
struct FolderMeaning: Equatable {
    /// The split of each picture; nil where the folders are none of splits.
    private(set) var splits: [Split]?
    /// The class of each picture; nil where the folders are none of classes.
    private(set) var labels: (positions: [Int32], names: [String])?

    static func == (a: FolderMeaning, b: FolderMeaning) -> Bool {
        a.splits == b.splits && a.labels?.positions == b.labels?.positions && a.labels?.names == b.labels?.names
    }

    private static let splitNames: [Substring: Split] = [
        "train": .train, "training": .train, "val": .validation, "valid": .validation, "validation": .validation,
        "test": .test, "testing": .test,
    ]

    /// - Parameter paths: of all pictures.
    init(_ paths: [ImagePath]) {
        var folders = paths.map { $0.folders[...] }
        Self.removeCommon(&folders)
        let found = folders.map { $0.first.flatMap { Self.splitNames[Substring($0.lowercased())] } }
        let splits = found.compactMap(\.self)
        // Pictures for training are among them, and none is in no split.
        if splits.count == paths.count, splits.contains(.train) {
            self.splits = splits
            for index in folders.indices { folders[index].removeFirst() }
            Self.removeCommon(&folders)
        }
        let names = Set(folders.compactMap(\.first)).map(String.init).sorted()
        guard names.count > 1, folders.allSatisfy({ !$0.isEmpty }) else { return }
        let places = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, Int32($0)) })
        labels = (folders.map { places[$0.first.map(String.init) ?? ""] ?? 0 }, names)
    }

    /// Takes away the folders that all pictures are in.
    private static func removeCommon(_ folders: inout [ArraySlice<Substring>]) {
        while let first = folders.first?.first, folders.allSatisfy({ $0.first == first }),
            splitNames[Substring(first.lowercased())] == nil
        {
            for index in folders.indices { folders[index].removeFirst() }
        }
    }
}
