import Datasets
import TensorCore

/// Downloads a data set into the first place where data is looked for, with progress on standard error.
enum DatasetFetch {
    /// - Parameter baseURL: where to fetch the files from; nil for the publisher's address.
    /// - Returns: the folder and the files in it.
    /// - Throws: `ZooError` where there is no place to put them, the download fails, or the data has to be fetched by hand
    ///   and is not here.
    static func fetch(
        _ descriptor: DatasetDescriptor, _ options: DatasetOptions, baseURL: String? = nil, isQuiet: Bool
    ) throws -> (folder: String, files: [String]) {
        if descriptor.files.isEmpty, !descriptor.info.isGenerated {
            let files = try descriptor.locate(options).map(\.path)
            return (files.first ?? "", files)
        }
        guard let place = options.locations.downloadFolder else {
            throw ZooError(
                "there is no folder to download to: neither $ZOO_DATA nor $XDG_CACHE_HOME nor $HOME is set",
                advice: "give one with --data-dir", kind: .usage)
        }
        let view = DownloadProgressView(isQuiet: isQuiet)
        defer { view.clearLine() }
        let folder = (place.hasSuffix("/") ? place : place + "/") + descriptor.name
        let files = try DatasetDownloader(baseURL: baseURL).download(descriptor, into: folder) { view.show($0) }
        return (folder, files)
    }
}
