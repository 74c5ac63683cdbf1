import Datasets
import TensorCore

/// Downloads a data set into the first place where data is looked for, with progress on standard error.
enum DatasetFetch {
    /// - Parameter baseURL: where to fetch the files from; nil for the publisher's address.
    /// - Returns: the folder and the files in it.
    /// - Throws: `ZooError` where there is no place to put them or the download fails.
    static func fetch(
        _ descriptor: DatasetDescriptor, _ options: DatasetOptions, baseURL: String? = nil, isQuiet: Bool
    ) throws -> (folder: String, files: [String]) {
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

    /// Downloads a data set that is in none of the places where data is looked for, if its publisher offers files.
    ///
    /// - Throws: `ZooError` that says where was looked and why the download failed.
    static func fetchIfMissing(_ name: String, _ options: DatasetOptions) throws {
        let descriptor = try ZooContext.current.datasets.descriptor(name)
        guard !descriptor.files.isEmpty else { return }
        do {
            _ = try descriptor.locate(options)
        } catch let missing as ZooError {
            Console.writeError(
                "\(name) is not here yet: downloading it from its publisher (\(descriptor.info.license))")
            do {
                _ = try fetch(descriptor, options, isQuiet: false)
            } catch {
                throw ZooError("\(missing.message)\n  Downloading it failed too: \(error)", advice: missing.advice)
            }
        }
    }
}
