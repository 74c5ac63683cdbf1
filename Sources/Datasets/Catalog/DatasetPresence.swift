import TensorCore
import TextSupport

/// Whether and where a data set is on this machine.
public enum DatasetPresence: Sendable {
    case generated
    case found([LocatedFile])
    /// Why not.
    case missing(ZooError)

    /// The common folder of the files, or the one file.
    public var place: String? {
        guard case .found(let files) = self, let first = files.first?.path else { return nil }
        guard files.count > 1 else { return first }
        return first.lastIndex(of: "/").map { String(first[..<$0]) } ?? "."
    }

    /// `generated`, `present` or `missing`.
    public var word: String {
        switch self {
        case .generated: "generated"
        case .found: "present"
        case .missing: "missing"
        }
    }
}

extension DatasetDescriptor {
    /// Whether and where it is on this machine.
    public func presence(_ options: DatasetOptions = DatasetOptions()) -> DatasetPresence {
        guard !info.isGenerated else { return .generated }
        do {
            return .found(try locate(options))
        } catch {
            return .missing(ZooError(error))
        }
    }

    /// Downloads it into the first place where data is looked for, into a folder of its name; what is there already stays.
    ///
    /// - Parameters:
    ///   - baseURL: where to fetch the files from; nil for the publisher's address.
    ///   - progress: called while bytes arrive, by threads of the connection.
    /// - Returns: the folder and the files in it.
    /// - Throws: `ZooError` where there is no place to put them, the download fails, or the data has to be fetched by hand
    ///   and is not here.
    public func download(
        _ options: DatasetOptions = DatasetOptions(), baseURL: String? = nil,
        progress: @escaping @Sendable (DownloadProgress) -> Void = { _ in }
    ) throws -> (folder: String, files: [String]) {
        if files.isEmpty, !info.isGenerated {
            let files = try locate(options).map(\.path)
            return (files.first ?? "", files)
        }
        guard let place = options.locations.downloadFolder else {
            throw ZooError(
                "there is no folder to download to: neither $ZOO_DATA nor $XDG_CACHE_HOME nor $HOME is set",
                kind: .usage, code: .notFound, remedy: .chooseDownloadFolder)
        }
        let folder = Files.join(place, name)
        let files = try DatasetDownloader(baseURL: baseURL).download(self, into: folder, progress: progress)
        return (folder, files)
    }

    /// What a download brings: `170.1 MB from https://www.cs.toronto.edu/~kriz/ (licence: its publisher states none)`; nil where nothing can
    /// be downloaded.
    public var downloadWords: String? {
        guard let first = files.first else { return nil }
        let sizes = files.map(\.byteCount)
        let size = sizes.contains(nil) ? "" : Formatting.bytes(sizes.compactMap(\.self).reduce(0, +)) + " "
        return "\(size)from \(first.baseURL) (licence: \(info.license))"
    }
}
