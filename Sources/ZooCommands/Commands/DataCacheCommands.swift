import ArgumentParser
import Datasets
import TensorCore
import TextSupport

struct DataCacheCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cache", abstract: "Decoded pictures of folders: what is kept, and removing it.",
        discussion: """
            A folder of pictures is decoded once, into $XDG_CACHE_HOME/zoo/data/decoded. Removing it costs time, nothing else.

              \(Tool.name) data cache list
              \(Tool.name) data cache clear
            """, subcommands: [DataCacheListCommand.self, DataCacheClearCommand.self])

    /// The cache of this user.
    ///
    /// - Throws: `ZooError` where no folder for it is known.
    static func cache() throws -> ImageCache {
        guard let cache = ImageCache(DataLocations()) else {
            throw ZooError("there is no cache: neither $XDG_CACHE_HOME nor $HOME is set", code: .notFound)
        }
        return cache
    }
}

struct DataCacheListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "The folders whose decoded pictures are kept.")

    @Flag(help: "One JSON array on standard output.")
    var json = false

    func run() throws {
        let cache = try DataCacheCommand.cache()
        let entries = cache.entries
        if json {
            return Console.print(
                JSONValue.array(
                    entries.map {
                        .object([
                            ("folder", .string($0.source)), ("images", .integer($0.imageCount)),
                            ("bytes", .integer($0.byteCount)), ("last_use", .integer($0.lastUse)),
                        ])
                    }
                ).text())
        }
        var table = Table([("IMAGES", .right), ("SIZE", .right), ("FOLDER", .left)])
        for entry in entries {
            table.add([
                Formatting.grouped(entry.imageCount), Formatting.bytes(entry.byteCount), entry.source.printable(),
            ])
        }
        for line in table.fittedLines { Console.print(line) }
        Console.print(
            "\(Formatting.bytes(entries.reduce(0) { $0 + $1.byteCount })) in \(cache.folder)".printable())
    }
}

struct DataCacheClearCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "clear", abstract: "Remove all decoded pictures.")

    func run() throws {
        let cache = try DataCacheCommand.cache()
        let removed = cache.clear()
        Console.print("removed \(removed.files) files, \(Formatting.bytes(removed.byteCount))")
    }
}
