import Datasets
import TensorCore

extension DatasetDescriptor {
    /// Downloads it, with progress on standard error.
    func download(
        _ options: DatasetOptions, baseURL: String? = nil, isQuiet: Bool
    ) throws -> (folder: String, files: [String]) {
        let view = DownloadProgressView(isQuiet: isQuiet)
        defer { view.clearLine() }
        return try download(options, baseURL: baseURL) { view.show($0) }
    }
}

extension DatasetChoice {
    /// What training would begin with, in words; nil where nothing has to be downloaded.
    var downloadAhead: String? { canBeDownloaded && missing != nil ? descriptor.downloadWords : nil }

    /// Downloads it where that is needed and possible, so that training can begin.
    ///
    /// - Throws: `ZooError` that says where was looked, why the download failed and what there is instead.
    func prepareForTraining() throws {
        guard let missing else { return }
        guard canBeDownloaded else { throw explained(missing, forTraining: true) }
        Console.writeError("\(name) is not on this machine: downloading \(descriptor.downloadWords ?? "")")
        do {
            _ = try descriptor.download(options, isQuiet: false)
        } catch {
            throw explained(missing, failure: ZooError(error), forTraining: true)
        }
    }

    /// Opens it, with progress and notes on standard error.
    ///
    /// - Throws: `ZooError` where it is missing or damaged.
    func openWithProgress() throws -> any Dataset {
        if let missing { throw explained(missing, forTraining: false) }
        let view = DecodingProgressView()
        defer { view.clearLine() }
        var choice = self
        choice.options.progress = view.show
        let dataset = try choice.open()
        view.clearLine()
        for note in dataset.notes { Console.warn(note) }
        return dataset
    }

    /// The error for missing files, with what can be done about it here.
    ///
    /// - Parameter failure: why downloading them has failed.
    private func explained(_ missing: ZooError, failure: ZooError? = nil, forTraining: Bool) -> ZooError {
        guard missing.kind == .failure else { return missing }
        var remedies: [String] = []
        if !descriptor.files.isEmpty, failure == nil {
            remedies.append("`\(Tool.name) data get \(name)` downloads it")
        }
        remedies += [missing.commandLineAdvice, failure?.commandLineAdvice].compactMap(\.self)
        let generated = ZooContext.current.datasets.descriptors.filter {
            $0.info.isGenerated && $0.info.shape == descriptor.info.shape
        }.map { "--dataset \($0.name)" }
        if forTraining, !generated.isEmpty {
            remedies.append("generated images of the same shape need no files: \(generated.joined(separator: ", "))")
        }
        return ZooError(
            missing.message,
            details: missing.details + (failure.map { ["downloading it failed: \($0.message)"] + $0.details } ?? []),
            advice: remedies.isEmpty ? nil : remedies.joined(separator: "; "), code: missing.code,
            subject: missing.subject, cause: failure)
    }
}
