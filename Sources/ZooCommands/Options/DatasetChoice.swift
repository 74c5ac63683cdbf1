import Datasets
import ModelFigures
import TensorCore
import TextSupport

/// A data set that a command is to work on, before it is opened.
struct DatasetChoice {
    let descriptor: DatasetDescriptor
    let options: DatasetOptions

    var name: String { descriptor.name }

    /// The shape of its rows where that follows from a file of numbers, or is that of generated vectors; nil for images, whose
    /// shape their readers know.
    ///
    /// - Throws: `ZooError` for a file that cannot be read.
    func numericShape() throws -> [Int]? {
        if name == "array" { return try options.array?.rowShape(like: options.shape) }
        return descriptor.info.isVector ? descriptor.info.shape : nil
    }

    /// Why it cannot be opened: its files are nowhere; nil where they are here or it needs none.
    private var missing: ZooError? {
        do {
            _ = try descriptor.locate(options)
            return nil
        } catch {
            return error as? ZooError ?? ZooError(["\(error)"])
        }
    }

    /// Whether it would be downloaded: its publisher offers files, and the user has not said where they are.
    private var canBeDownloaded: Bool { !descriptor.files.isEmpty && options.dataDirectory == nil }

    /// What training would begin with, in words; nil where nothing has to be downloaded.
    var downloadAhead: String? { canBeDownloaded && missing != nil ? source : nil }

    /// `170.1 MB from https://www.cs.toronto.edu/~kriz/ (licence: none stated)`.
    private var source: String {
        let sizes = descriptor.files.map(\.byteCount)
        let size = sizes.contains(nil) ? "" : Formatting.bytes(sizes.compactMap(\.self).reduce(0, +)) + " "
        return "\(size)from \(descriptor.files.first?.baseURL ?? "") (licence: \(descriptor.info.license))"
    }

    /// Downloads it where that is needed and possible, so that training can begin.
    ///
    /// - Throws: `ZooError` that says where was looked, why the download failed and what there is instead.
    func prepareForTraining() throws {
        guard let missing else { return }
        guard canBeDownloaded else { throw explained(missing, forTraining: true) }
        Console.writeError("\(name) is not on this machine: downloading \(source)")
        do {
            _ = try DatasetFetch.fetch(descriptor, options, isQuiet: false)
        } catch {
            throw explained(missing, failure: error as? ZooError ?? ZooError(["\(error)"]), forTraining: true)
        }
    }

    /// - Throws: `ZooError` where it is missing or damaged.
    func open() throws -> any Dataset {
        if let missing { throw explained(missing, forTraining: false) }
        let view = DecodingProgressView()
        defer { view.clearLine() }
        var options = options
        options.progress = view.show
        let dataset = try descriptor.open(options)
        view.clearLine()
        if case .method = options.scaling, dataset.valueScaling == nil {
            throw ZooError(
                "--scaling belongs to data of real numbers, and \(name) has images of bytes, which become 0…1",
                advice: "leave it out", kind: .usage)
        }
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
        if let advice = missing.commandLineAdvice { remedies.append(advice) }
        if let advice = failure?.commandLineAdvice { remedies.append(advice) }
        let generated = ZooContext.current.datasets.descriptors.filter {
            $0.info.isGenerated && $0.info.shape == descriptor.info.shape
        }.map { "--dataset \($0.name)" }
        if forTraining, !generated.isEmpty {
            remedies.append("generated images of the same shape need no files: \(generated.joined(separator: ", "))")
        }
        return ZooError(
            missing.message,
            details: missing.details + (failure.map { ["downloading it failed: \($0.message)"] + $0.details } ?? []),
            advice: remedies.isEmpty ? nil : remedies.joined(separator: "; "))
    }
}
