import Glibc
import TensorCore

/// The places where data sets are looked for, in order: the given folder (`--data-dir`), `$ZOO_DATA` and the cache,
/// `$XDG_CACHE_HOME/zoo/data` (`~/.cache/zoo/data` where that variable is not set).
///
/// In each place a data set may have a folder of its name ("mnist/"), or its files may lie there directly.
public struct DataLocations: Sendable, Equatable {
    /// Existing or not.
    public let folders: [String]
    /// The cache, `…/zoo/data`; nil if no home is known.
    public let cacheFolder: String?
    /// Where downloads go: the given folder, or else `$ZOO_DATA`, or else the cache; the first that can be written to. Nil if none
    /// of these is known.
    public var downloadFolder: String? { folders.first(where: Files.canBeWritten) ?? folders.first }

    public init(dataDirectory: String? = nil, environment: [String: String]? = nil) {
        func variable(_ name: String) -> String? {
            let value = environment.map { $0[name] } ?? getenv(name).map { String(cString: $0) }
            return value.flatMap { $0.isEmpty ? nil : $0 }
        }
        let cache = variable("XDG_CACHE_HOME") ?? variable("HOME").map { Files.join($0, ".cache") }
        cacheFolder = cache.map { Files.join($0, "zoo/data") }
        folders = [dataDirectory, variable("ZOO_DATA"), cacheFolder].compactMap(\.self)
    }

    /// The folders in which the files of the data set `name` may be. A place that is another data set's own folder is
    /// left out, because its files may have the same names.
    func folders(for name: String, otherNames: [String]) -> [String] {
        folders.flatMap { folder -> [String] in
            let own = Files.join(folder, name)
            return otherNames.contains(Files.lastComponent(folder)) ? [own] : [own, folder]
        }
    }

    /// The error for files that are nowhere.
    func missing(
        _ info: DatasetInfo, files: [String], lookedIn folders: [String], advice: String? = nil
    ) -> ZooError {
        return ZooError(
            "the data set \(info.name) was not found: missing \(files.joined(separator: ", ")); looked in",
            details: folders.isEmpty ? ["(no folder is known)"] : folders, advice: advice, code: .notFound,
            remedy: advice == nil ? .giveDataFolder : nil)
    }
}
