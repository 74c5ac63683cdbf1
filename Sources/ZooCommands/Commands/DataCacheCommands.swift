import ArgumentParser
import Datasets
import TensorCore
import TextSupport

struct DataCacheCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cache", abstract: "Decoded pictures and unpacked arrays: what is kept, and removing it.",
        discussion: """
            A folder of pictures is decoded once, into $XDG_CACHE_HOME/zoo/data/decoded; a large array that is compressed or in \
            chunks, and an archive that is slow to unpack, are unpacked once, into unpacked beside it. Removing them costs time, \
            nothing else. Data sets that were downloaded are no part of this.

              \(Tool.name) data cache list
              \(Tool.name) data cache clear
            """, subcommands: [DataCacheListCommand.self, DataCacheClearCommand.self])

    /// The cache of this user.
    ///
    /// - Throws: `ZooError` where no folder for it is known.
    static func cache() throws -> DataCache {
        guard let cache = DataCache(DataLocations()) else {
            throw ZooError("there is no cache: neither $XDG_CACHE_HOME nor $HOME is set", code: .notFound)
        }
        return cache
    }
}

struct DataCacheListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "What is kept, the last used first.")

    @Flag(help: "One JSON array on standard output.")
    var json = false

    func run() throws {
        let cache = try DataCacheCommand.cache()
        let entries = cache.entries
        if json {
            return Console.print(
                JSONValue.array(
                    entries.map {
                        [
                            "kind": $0.kind.rawValue, "source": $0.source, "images": $0.imageCount,
                            "bytes": $0.byteCount, "last_use": $0.lastUse,
                        ] as JSONValue
                    }
                ).text())
        }
        var table = Table([("KIND", .left), ("IMAGES", .right), ("SIZE", .right), ("MADE OF", .left)])
        for entry in entries {
            table.add([
                entry.kind.rawValue, entry.imageCount.map(Formatting.grouped) ?? "–", Formatting.bytes(entry.byteCount),
                entry.source.printable(),
            ])
        }
        for line in table.fittedLines { Console.print(line) }
        Console.print(
            "\(Formatting.bytes(entries.reduce(0) { $0 + $1.byteCount })) in \(cache.folder)".printable())
    }
}

struct DataCacheClearCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "clear", abstract: "Remove all of it.")

    func run() throws {
        let cache = try DataCacheCommand.cache()
        let removed = cache.clear()
        Console.print("removed \(removed.entries) entries, \(Formatting.bytes(removed.byteCount))")
    }
}
