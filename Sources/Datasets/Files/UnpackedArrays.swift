import Checkpoints
import FileSupport
import Glibc
import TensorCore

/// Where arrays are unpacked that are stored compressed or in chunks: small ones in memory, large ones once in a file of the cache, where
/// they are then read in place. Losing the cache costs time, nothing else.
struct UnpackedArrays: Sendable {
    /// `…/zoo/data/unpacked`; nil to unpack in memory whatever the size.
    var folder: String?
    /// Arrays of more bytes are unpacked into the cache.
    var memoryLimit = 1 << 30

    /// - Parameter cacheFolder: `…/zoo/data`.
    init(cacheFolder: String?) {
        folder = cacheFolder.map { Files.join($0, "unpacked") }
    }

    /// The elements of an array, unpacked.
    ///
    /// - Parameters:
    ///   - name: of the array in the file.
    ///   - path: the file.
    ///   - fill: writes all elements.
    /// - Throws: `ZooError` where there is no room, and what `fill` throws.
    func source(
        _ name: String, in path: String, byteCount: Int, fill: (UnsafeMutableRawBufferPointer) throws -> Void
    ) throws -> any ByteSource {
        guard byteCount > memoryLimit, let folder, let kept = file(name, in: path, folder) else {
            try ProcessLimits.current.requireMemory(
                byteCount, for: "the array \(name)",
                advice: "store it without compression and chunks, so that it is read where it is")
            return MemorySource(
                try [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, count in
                    UnsafeMutableRawBufferPointer(buffer).initializeMemory(as: UInt8.self, repeating: 0)
                    try fill(UnsafeMutableRawBufferPointer(buffer))
                    count = byteCount
                })
        }
        // Deflate packs 1032 to 1 at the most: a file that claims more would only fill the disk.
        if case .file(let packedByteCount) = Files.kind(path), byteCount / 1100 > packedByteCount {
            throw ZooError(
                "the array \(name) claims \(byteCount) bytes, which '\(path)' with its \(packedByteCount) bytes cannot hold",
                code: .damaged)
        }
        if let found = try? RegularFile(kept, limit: .max), found.byteCount == byteCount {
            // The time of its last use.
            utimes(kept, nil)
            return FileSource(found, from: 0)
        }
        try Files.makeFolder(folder)
        let unfinished = DataCache.unfinished(kept)
        unlink(unfinished)
        guard let mapped = MappedFile(making: unfinished, byteCount: byteCount) else {
            throw ZooError(
                "the array \(name) of '\(path)' takes \(byteCount >> 20) MB unpacked, and they cannot be written to '\(folder)': "
                    + Files.reason(), advice: "make room there, or set XDG_CACHE_HOME to a folder with room",
                code: .system)
        }
        do {
            try fill(mapped.bytes)
            guard mapped.synchronize(), rename(unfinished, kept) == 0 else {
                throw ZooError("cannot write '\(kept)': \(Files.reason())", code: .system)
            }
        } catch {
            unlink(unfinished)
            throw error
        }
        return FileSource(try RegularFile(kept, limit: .max), from: 0)
    }

    /// The file of an array; its name changes when the file does that the array is in, whose name it ends with.
    private func file(_ name: String, in path: String, _ folder: String) -> String? {
        guard case .file(let byteCount) = Files.kind(path), let time = Files.modificationTime(path) else { return nil }
        var hash = SHA256()
        Array("\(path)\n\(name)\n\(byteCount)\n\(time)\n".utf8).withUnsafeBytes { hash.update($0) }
        return
            "\(folder)/\(SHA256.hexadecimal(hash.finish()).prefix(32))-\(Files.lastComponent(path).prefix(50))\(Self.ending)"
    }

    private static let ending = ".array"

    /// The name of the file of which an array in the cache was unpacked.
    static func source(ofFile name: String) -> String {
        String((name.hasSuffix(ending) ? name.dropLast(ending.count) : name[...]).drop { $0 != "-" }.dropFirst())
    }
}
