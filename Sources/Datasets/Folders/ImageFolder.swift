import Dispatch
import Glibc
import ImageFiles
import Synchronization
import TensorCore

/// How the pictures of a folder become images of one shape.
public struct ImagePreparation: Sendable, Equatable {
    /// Columns and rows of the part cut from the middle of each picture; nil for the largest square.
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
    func apply(to image: Image8) throws -> Image8 {
        let side = min(image.width, image.height)
        let (cropWidth, cropHeight) = crop ?? (side, side)
        return try image.centerCropped(width: cropWidth, height: cropHeight)
            .resized(width: width, height: height).converted(toChannels: channels)
    }
}

/// Data sets made of the PNG and JPEG files in a folder and the folders in it.
enum ImageFolder {
    static let extensions = ["png", "jpg", "jpeg"]
    /// Folders within folders deeper than this are refused (a loop of links, most likely).
    private static let maximumDepth = 16
    /// So many bad files are named in an error.
    private static let namedFailures = 20

    /// The paths of all pictures under `folder`, relative to it, in order of their names. Hidden files and folders
    /// are skipped.
    /// - Throws: `ZooError` if a folder cannot be read or there is no picture.
    static func list(_ folder: String) throws -> [String] {
        guard Files.isFolder(folder) else {
            throw ZooError(
                "There is no image folder '\(folder)'.", advice: "Give a folder of PNG and JPEG files.", kind: .usage)
        }
        var paths: [String] = []
        try collect(folder, "", depth: 0, into: &paths)
        guard !paths.isEmpty else {
            throw ZooError(
                "The image folder '\(folder)' holds no images: no .png, .jpg or .jpeg file in it or in its folders.",
                advice: "Put PNG or JPEG files there, or give another folder.")
        }
        return paths.sorted()
    }

    private static func collect(_ root: String, _ relative: String, depth: Int, into paths: inout [String]) throws {
        let folder = relative.isEmpty ? root : Files.join(root, relative)
        guard depth <= maximumDepth else {
            throw ZooError("'\(folder)' is more than \(maximumDepth) folders deep; a link may point back to a parent.")
        }
        for name in try Files.names(in: folder) where !name.hasPrefix(".") {
            let path = relative.isEmpty ? name : Files.join(relative, name)
            let suffix = name.split(separator: ".").last.map { $0.lowercased() } ?? ""
            if extensions.contains(suffix), name.contains(".") {
                if Files.isFile(Files.join(root, path)) { paths.append(path) }
            } else if Files.isFolder(Files.join(root, path)) {
                try collect(root, path, depth: depth + 1, into: &paths)
            }
        }
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
        let paths = try list(folder)
        let shape = [preparation.channels, preparation.height, preparation.width]
        guard shape.allSatisfy({ (1...4096).contains($0) }), preparation.channels == 1 || preparation.channels == 3
        else {
            throw ZooError(
                "Images of \(preparation.width) x \(preparation.height) pixels with \(preparation.channels) channels "
                    + "cannot be made: sides are 1 to 4096, channels 1 or 3.", kind: .usage)
        }
        let info = DatasetInfo(
            name: info.name, title: info.title, summary: info.summary, license: info.license, source: info.source,
            shape: shape, factors: attributes.map { $0.names.map { Factor(name: $0, valueNames: ["no", "yes"]) } })
        try checkMemory(paths.count, info)
        let pixels = try decode(paths, in: folder, preparation, imageByteCount: info.imageByteCount)
        return MemoryDataset(
            info: info, count: paths.count, pixels: pixels,
            factorPositions: try attributes.map { try positions(of: paths, in: $0) } ?? [],
            splits: try partition.map { try splits(of: paths, in: $0) } ?? fixedSplits(count: paths.count))
    }

    private static func checkMemory(_ count: Int, _ info: DatasetInfo) throws {
        let needed = count.multipliedReportingOverflow(by: info.imageByteCount)
        let memory = sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))
        guard !needed.overflow, needed.partialValue <= memory / 4 * 3 else {
            throw ZooError(
                "\(count) images of \(info.imageByteCount) bytes do not fit in memory (\(memory >> 20) MB).",
                advice: "Choose a smaller image size or a folder with fewer images.")
        }
    }

    private static func decode(
        _ paths: [String], in folder: String, _ preparation: ImagePreparation, imageByteCount: Int
    ) throws -> [UInt8] {
        let failures = Mutex<[(position: Int, message: String)]>([])
        let byteCount = paths.count * imageByteCount
        let pixels = [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, count in
            let target = PixelTarget(bytes: buffer)
            DispatchQueue.concurrentPerform(iterations: paths.count) { position in
                do {
                    let image = try preparation.apply(to: ImageFiles.decode(path: Files.join(folder, paths[position])))
                    target.write(image.pixels, at: position * imageByteCount)
                } catch {
                    // The message names the path.
                    let message = (error as? ZooError)?.message ?? "\(error)"
                    failures.withLock { $0.append((position, "\(paths[position]): \(message)")) }
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
                    + lines.joined(separator: "\n"), advice: "Repair, replace or remove them.")
        }
        return pixels
    }

    private static func positions(of paths: [String], in file: AttributeFile) throws -> [UInt8] {
        try paths.flatMap { path in
            guard let attributes = file.attributes[path] ?? file.attributes[Files.lastComponent(path)] else {
                throw ZooError("The attribute file says nothing about the image '\(path)'.")
            }
            return attributes
        }
    }

    private static func splits(of paths: [String], in file: PartitionFile) throws -> [Split: [Int32]] {
        var splits: [Split: [Int32]] = [:]
        for (position, path) in paths.enumerated() {
            guard let split = file.splits[path] ?? file.splits[Files.lastComponent(path)] else {
                throw ZooError("The partition file says nothing about the image '\(path)'.")
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
