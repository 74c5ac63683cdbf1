import Dispatch
import FileSupport
import Glibc
import ImageFiles
import Synchronization
import TensorCore

/// How the pictures of a folder become images of one shape.
public struct ImagePreparation: Sendable, Equatable {
    /// Columns and rows of the part cut from the middle of each picture; nil for the largest of the images' aspect.
    public var crop: (width: Int, height: Int)? {
        get { cropSize.map { ($0[0], $0[1]) } }
        set { cropSize = newValue.map { [$0.width, $0.height] } }
    }
    private var cropSize: [Int]?
    /// Columns of the images.
    public var width: Int
    /// Rows of the images.
    public var height: Int
    /// 1 (grey) or 3 (RGB).
    public var channels: Int

    public init(crop: (width: Int, height: Int)? = nil, width: Int = 64, height: Int = 64, channels: Int = 3) {
        cropSize = crop.map { [$0.width, $0.height] }
        self.width = width
        self.height = height
        self.channels = channels
    }

    /// The image of a picture: cropped, resized (area averaging when shrinking) and converted.
    /// - Throws: `ZooError` if the crop is larger than the picture.
    public func apply(to image: Image8) throws -> Image8 {
        let cropped = try crop.map { try image.centerCropped(width: $0.width, height: $0.height) } ?? image
        return try
            (crop == nil ? cropped.fitted(width: width, height: height) : cropped.resized(width: width, height: height))
            .converted(toChannels: channels)
    }
}

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
}

/// What is in an image folder.
struct ImageFolderListing {
    /// The pictures, in order of their names.
    var images: [ImagePath] = []
    /// How many files are no pictures, by their kind: `.webp`, `no extension`.
    var others: [String: Int] = [:]

    /// For messages: "3 files that are neither PNG nor JPEG were left out: 2 .webp, 1 .txt"; nil if there are none.
    var note: String? {
        let count = others.values.reduce(0, +)
        guard count > 0 else { return nil }
        let kinds = others.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
        let named = kinds.prefix(8).map { "\($0.value) \($0.key)" }.joined(separator: ", ")
        return (count == 1 ? "1 file that is" : "\(count) files that are") + " no PNG or JPEG "
            + (count == 1 ? "was" : "were") + " left out: \(named)" + (kinds.count > 8 ? " …" : "")
    }
}

/// Data sets made of the PNG and JPEG files in a folder and the folders in it.
enum ImageFolder {
    /// How the names of pictures end; MPO files begin with a JPEG.
    private static let extensions: Set = ["png", "jpg", "jpeg", "jpe", "jfif", "jif", "mpo"]
    /// Folders within folders deeper than this are refused (a loop of links, most likely).
    private static let maximumDepth = 16
    /// So many bad files are named in an error.
    private static let namedFailures = 20

    /// What is in `folder` and the folders in it. Hidden files and folders are skipped.
    /// - Throws: `ZooError` if a folder cannot be read or there is no picture.
    static func list(_ folder: String) throws -> ImageFolderListing {
        guard Files.isFolder(folder) else {
            throw ZooError(
                "there is no image folder '\(folder)'", advice: "give a folder of PNG and JPEG files", kind: .usage)
        }
        var listing = ImageFolderListing()
        try collect(Array(folder.utf8), [], depth: 0, into: &listing)
        guard !listing.images.isEmpty else {
            throw ZooError(
                "the image folder '\(folder)' holds no PNG or JPEG images"
                    + (listing.note.map { ": \($0)" } ?? ", nor do its folders"),
                advice: "convert pictures to PNG or JPEG, or give another folder")
        }
        listing.images.sort()
        return listing
    }

    private static func collect(
        _ root: [UInt8], _ relative: [UInt8], depth: Int, into listing: inout ImageFolderListing
    ) throws {
        let folder = join(root, relative)
        let text = String(decoding: folder, as: UTF8.self)
        guard depth <= maximumDepth else {
            throw ZooError("'\(text)' is more than \(maximumDepth) folders deep; a link may point back to a parent")
        }
        let names: [[UInt8]]
        do { names = try FolderListing.nameBytes(in: folder) } catch {
            throw ZooError("cannot read the folder '\(text)': \(error)")
        }
        for name in names where name.first != UInt8(ascii: ".") {
            let path = join(relative, name)
            switch Files.kind(join(root, path)) {
            case .folder: try collect(root, path, depth: depth + 1, into: &listing)
            case .file:
                let kind = fileExtension(name)
                if let kind, extensions.contains(kind) {
                    listing.images.append(ImagePath(path))
                } else {
                    listing.others[kind.map { ".\($0)" } ?? "without extension", default: 0] += 1
                }
            case .other, nil: listing.others["special or broken link", default: 0] += 1
            }
        }
    }

    /// What follows the last dot of a name, in lower case; nil if there is none.
    private static func fileExtension(_ name: [UInt8]) -> String? {
        guard let dot = name.lastIndex(of: UInt8(ascii: ".")), dot + 1 < name.count else { return nil }
        return String(decoding: name[(dot + 1)...], as: UTF8.self).lowercased()
    }

    private static func join(_ folder: [UInt8], _ name: [UInt8]) -> [UInt8] {
        let slash = UInt8(ascii: "/")
        if folder.isEmpty || name.isEmpty { return folder + name }
        return folder.last == slash ? folder + name : folder + [slash] + name
    }

    /// Decodes all pictures of `folder` into memory, on all cores.
    ///
    /// Splits: those of `partition` if given; otherwise a fixed choice of one image in ten (at least one, if there
    /// are two or more) is for testing.
    /// - Throws: `ZooError` naming every file that cannot be decoded, or if attributes or splits are missing for an
    ///   image, or if memory would not do.
    static func read(
        _ info: DatasetInfo, folder: String, preparation: ImagePreparation, attributes: AttributeFile? = nil,
        partition: PartitionFile? = nil
    ) throws -> MemoryDataset {
        let listing = try list(folder)
        let paths = listing.images
        let shape = [preparation.channels, preparation.height, preparation.width]
        guard shape.allSatisfy({ (1...4096).contains($0) }), preparation.channels == 1 || preparation.channels == 3
        else {
            throw ZooError(
                "images of \(preparation.width) x \(preparation.height) pixels with \(preparation.channels) channels "
                    + "cannot be made: sides are 1 to 4096, channels 1 or 3", kind: .usage)
        }
        let info = DatasetInfo(
            name: info.name, title: info.title, summary: info.summary, license: info.license, source: info.source,
            shape: shape, factors: attributes.map { $0.names.map { Factor(name: $0, valueNames: ["no", "yes"]) } })
        try checkMemory(paths.count, info)
        let pixels = try decode(paths, in: folder, preparation, imageByteCount: info.imageByteCount)
        let names = paths.map(\.name)
        return MemoryDataset(
            info: info, count: paths.count, pixels: pixels,
            factorPositions: try attributes.map { try positions(of: names, in: $0) } ?? [],
            splits: try partition.map { try splits(of: names, in: $0) } ?? fixedSplits(count: paths.count),
            notes: listing.note.map { ["'\(folder)': \($0)"] } ?? [])
    }

    private static func checkMemory(_ count: Int, _ info: DatasetInfo) throws {
        let needed = count.multipliedReportingOverflow(by: info.imageByteCount)
        try ProcessLimits.current.requireMemory(
            needed.overflow ? .max : needed.partialValue,
            for: "a folder of \(count) images of \(info.imageByteCount) bytes",
            advice: "choose a smaller image size or a folder with fewer images")
    }

    private static func decode(
        _ paths: [ImagePath], in folder: String, _ preparation: ImagePreparation, imageByteCount: Int
    ) throws -> [UInt8] {
        let failures = Mutex<[(position: Int, message: String)]>([])
        let byteCount = paths.count * imageByteCount
        let pixels = [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, count in
            let target = PixelTarget(bytes: buffer)
            DispatchQueue.concurrentPerform(iterations: paths.count) { position in
                do {
                    let path = join(Array(folder.utf8), paths[position].bytes)
                    let image = try preparation.apply(
                        to: ImageFiles.decode(path: path, name: String(decoding: path, as: UTF8.self)))
                    target.write(image.pixels, at: position * imageByteCount)
                } catch {
                    // The message names the path.
                    let message = (error as? ZooError)?.message ?? "\(error)"
                    failures.withLock { $0.append((position, "\(paths[position].name): \(message)")) }
                }
            }
            count = failures.withLock { $0.isEmpty } ? byteCount : 0
        }
        let found = failures.withLock { $0.sorted { $0.position < $1.position } }
        guard found.isEmpty else {
            var lines = found.prefix(namedFailures).map { "  " + $0.message }
            if found.count > namedFailures { lines.append("  and \(found.count - namedFailures) more") }
            throw ZooError(
                "\(found.count) of \(paths.count) images in '\(folder)' cannot be used:\n"
                    + lines.joined(separator: "\n"), advice: "repair, replace or remove them")
        }
        return pixels
    }

    private static func positions(of paths: [String], in file: AttributeFile) throws -> [UInt8] {
        try paths.flatMap { path in
            guard let attributes = file.attributes[path] ?? file.attributes[Files.lastComponent(path)] else {
                throw ZooError("the attribute file says nothing about the image '\(path)'")
            }
            return attributes
        }
    }

    private static func splits(of paths: [String], in file: PartitionFile) throws -> [Split: [Int32]] {
        var splits: [Split: [Int32]] = [:]
        for (position, path) in paths.enumerated() {
            guard let split = file.splits[path] ?? file.splits[Files.lastComponent(path)] else {
                throw ZooError("the partition file says nothing about the image '\(path)'")
            }
            splits[split, default: []].append(Int32(position))
        }
        return splits
    }

    private static func fixedSplits(count: Int) -> [Split: [Int32]] {
        let testCount = count < 2 ? 0 : max(1, count / 10)
        let (train, test) = DataSplits.fixed(count: count, testCount: testCount)
        return [.train: train, .test: test]
    }
}

/// Memory that several threads fill, each its own part.
private struct PixelTarget: @unchecked Sendable {
    let bytes: UnsafeMutableBufferPointer<UInt8>

    func write(_ pixels: [UInt8], at offset: Int) {
        let part = UnsafeMutableBufferPointer(rebasing: bytes[offset..<(offset + pixels.count)])
        _ = part.update(fromContentsOf: pixels)
    }
}
