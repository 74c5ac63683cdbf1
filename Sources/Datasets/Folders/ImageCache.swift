import Checkpoints
import FileSupport
import Glibc
import TensorCore

/// Decoded pictures of folders, kept so that a folder is decoded once and then opened at once. Losing the cache costs time,
/// nothing else.
///
/// A file is named after the SHA-256 of all that decides its content: the paths, sizes and times of the pictures and how they
/// are prepared. It holds 4096 bytes of head, a byte for each picture (1 if it could be decoded), and the images (H W C).
struct ImageCache: Sendable {
    let folder: String
    /// What all files together may take; when more is needed, those that were not used for longest are removed.
    static let byteLimit = 32 << 30

    private static let magic = Array("zoo.images/2\n".utf8)
    private static let headByteCount = 4096
    private static let ending = ".images"

    /// nil where no folder for caches is known.
    init?(_ locations: DataLocations) {
        guard let cache = locations.cacheFolder else { return nil }
        folder = cache + "/decoded"
    }

    init(folder: String) {
        self.folder = folder
    }

    // MARK: Reading and writing

    /// What the pictures of a listing are called in the cache.
    static func key(_ listing: ImageFolderListing, _ preparation: ImagePreparation) -> String {
        var hash = SHA256()
        let shape = "\(preparation.channels) \(preparation.height) \(preparation.width)"
        Array("zoo.images/2\n\(shape)\n\(preparation.text)\n".utf8).withUnsafeBytes { hash.update($0) }
        for picture in listing.pictures {
            (picture.path.bytes + [0]).withUnsafeBytes { hash.update($0) }
            [picture.identity.byteCount, picture.identity.time].withUnsafeBytes { hash.update($0) }
        }
        return SHA256.hexadecimal(hash.finish())
    }

    /// The decoded pictures; nil where they are not in the cache.
    func pictures(_ key: String, count: Int, imageByteCount: Int) -> DecodedPictures? {
        let path = file(key)
        guard let file = try? RegularFile(path, limit: .max),
            file.byteCount == Self.byteCount(count: count, imageByteCount),
            let start = try? file.start(Self.headByteCount + count), start.starts(with: Self.magic)
        else { return nil }
        // The time of its last use decides what is removed.
        utimes(path, nil)
        return DecodedPictures(
            path, file, flags: Array(start[Self.headByteCount...]), pixelsAt: start.count,
            imageByteCount: imageByteCount)
    }

    /// Memory for pictures that are to be decoded, which `keep` puts into the cache; nil where there is no room for them.
    func making(_ key: String, source: String, count: Int, imageByteCount: Int) -> (DecodedPictures, path: String)? {
        let byteCount = Self.byteCount(count: count, imageByteCount)
        guard byteCount <= Self.byteLimit / 2, (try? Files.makeFolder(folder)) != nil else { return nil }
        removeUnfinished()
        shrink(to: Self.byteLimit - byteCount)
        let path = DataCache.unfinished("\(folder)/.\(key)")
        guard let mapped = MappedFile(making: path, byteCount: byteCount) else { return nil }
        let head = Self.magic + Array("\(count)\n\(source)\n".utf8)
        for (index, byte) in head.prefix(Self.headByteCount - 1).enumerated() { mapped.bytes[index] = byte }
        return (
            DecodedPictures(
                mapped, flagsAt: Self.headByteCount, pixelsAt: Self.headByteCount + count, count: count,
                imageByteCount: imageByteCount), path
        )
    }

    /// Puts the pictures in place, whole or not at all.
    ///
    /// - Returns: the pictures in their place; the same ones where they could not be put there.
    func keep(_ pictures: DecodedPictures, at path: String, _ key: String) -> DecodedPictures {
        guard pictures.synchronize(), rename(path, file(key)) == 0 else {
            unlink(path)
            return pictures
        }
        return self.pictures(key, count: pictures.count, imageByteCount: pictures.imageByteCount) ?? pictures
    }

    private static func byteCount(count: Int, _ imageByteCount: Int) -> Int {
        headByteCount + count * (1 + imageByteCount)
    }

    private func file(_ key: String) -> String { "\(folder)/\(key)\(Self.ending)" }

    // MARK: What is there

    /// What is in the cache, the last used first.
    var entries: [DataCache.Entry] {
        let names = (try? Files.names(in: folder)) ?? []
        return names.filter { $0.hasSuffix(Self.ending) }.compactMap(entry).sorted { $0.lastUse > $1.lastUse }
    }

    private func entry(_ name: String) -> DataCache.Entry? {
        let path = "\(folder)/\(name)"
        guard case .file(let byteCount) = Files.kind(path), let time = Files.modificationTime(path),
            let start = try? RegularFile(path, limit: .max).start(Self.headByteCount)
        else { return nil }
        let head = String(decoding: start.prefix { $0 != 0 }, as: UTF8.self)
        let lines = head.split(separator: "\n", maxSplits: 2, omittingEmptySubsequences: false)
        guard lines.count == 3, let count = Int(lines[1]) else { return nil }
        return DataCache.Entry(
            kind: .pictures, source: lines[2].split(separator: "\n").first.map(String.init) ?? "", imageCount: count,
            byteCount: byteCount, lastUse: time / 1_000_000_000, path: path)
    }

    private func shrink(to byteCount: Int) {
        var kept = 0
        for entry in entries {
            kept += entry.byteCount
            if kept > byteCount { unlink(entry.path) }
        }
    }

    /// Removes what processes left behind that are no more.
    func removeUnfinished() {
        for name in (try? Files.names(in: folder)) ?? [] where DataCache.isLeftBehind(name) {
            unlink("\(folder)/\(name)")
        }
    }
}

/// Images of one size, decoded side by side by several threads: in memory, in a file that is being made, or in one of the cache,
/// which is read as it is needed, so that one that somebody shortens is an error and not the end of the process.
final class DecodedPictures: @unchecked Sendable {
    private enum Place {
        case memory(UnsafeMutableRawBufferPointer)
        case making(MappedFile)
        case file(FileSource, path: String, pixelsAt: Int)
    }

    private let place: Place
    private let flags: UnsafeMutableRawBufferPointer
    /// One image after another, H W C; empty in a file of the cache.
    private let pixels: UnsafeMutableRawBufferPointer
    let count: Int
    let imageByteCount: Int

    /// In a file of the cache.
    ///
    /// - Parameter flags: a byte for each picture.
    init(_ path: String, _ file: RegularFile, flags: [UInt8], pixelsAt: Int, imageByteCount: Int) {
        place = .file(FileSource(file, from: 0), path: path, pixelsAt: pixelsAt)
        self.flags = .allocate(byteCount: flags.count, alignment: 1)
        self.flags.copyBytes(from: flags)
        pixels = UnsafeMutableRawBufferPointer(start: nil, count: 0)
        count = flags.count
        self.imageByteCount = imageByteCount
    }

    /// In a file that is being made, with the flags and pixels at these places.
    init(_ mapped: MappedFile, flagsAt: Int, pixelsAt: Int, count: Int, imageByteCount: Int) {
        place = .making(mapped)
        flags = UnsafeMutableRawBufferPointer(rebasing: mapped.bytes[flagsAt..<flagsAt + count])
        pixels = UnsafeMutableRawBufferPointer(rebasing: mapped.bytes[pixelsAt...])
        self.count = count
        self.imageByteCount = imageByteCount
    }

    /// In memory.
    init(count: Int, imageByteCount: Int) {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: count * (1 + imageByteCount), alignment: 64)
        memory.initializeMemory(as: UInt8.self, repeating: 0)
        place = .memory(memory)
        flags = UnsafeMutableRawBufferPointer(rebasing: memory[..<count])
        pixels = UnsafeMutableRawBufferPointer(rebasing: memory[count...])
        self.count = count
        self.imageByteCount = imageByteCount
    }

    deinit {
        switch place {
        case .memory(let memory): memory.deallocate()
        case .making: break
        case .file: flags.deallocate()
        }
    }

    /// Puts an image in its place, which no other thread writes.
    func write(_ image: [UInt8], at position: Int) {
        image.withUnsafeBytes { source in
            UnsafeMutableRawBufferPointer(rebasing: pixels[(position * image.count)...]).copyMemory(from: source)
        }
        flags[position] = 1
    }

    /// Copies the image at `position`.
    ///
    /// - Throws: `ZooError` where the file of the cache can no longer be read.
    func copy(_ position: Int, to target: UnsafeMutableRawBufferPointer) throws {
        let range = position * imageByteCount..<(position + 1) * imageByteCount
        guard case .file(let source, let path, let pixelsAt) = place else {
            return target.copyMemory(from: UnsafeRawBufferPointer(rebasing: pixels[range]))
        }
        do {
            try source.copy(pixelsAt + range.lowerBound..<pixelsAt + range.upperBound, to: target)
        } catch let error as ZooError {
            throw ZooError(
                "the decoded pictures in '\(path)' can no longer be read: \(error.message)",
                advice: "leave the cache as it is while it is in use; what is missing is decoded anew", code: .system,
                cause: error)
        }
    }

    /// The places of the images that could be decoded.
    var decoded: [Int32] { (0..<count).filter { flags[$0] == 1 }.map { Int32($0) } }

    func synchronize() -> Bool {
        if case .making(let mapped) = place { mapped.synchronize() } else { true }
    }
}
