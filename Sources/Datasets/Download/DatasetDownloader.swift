import Glibc
import TensorCore

/// How far a download is.
public struct DownloadProgress: Sendable, Equatable {
    /// The file's name.
    public let file: String
    /// Bytes on disk, those of earlier attempts included.
    public let byteCount: Int
    /// The size of the whole file, once known.
    public let totalByteCount: Int?
    /// Time since this attempt began.
    public let seconds: Double
}

/// Fetches the published files of data sets.
///
/// A file is written to `NAME.part` and takes its name only when it is complete and its checksum is right. An
/// interrupted download keeps the part, and the next one continues it (HTTP Range, RFC 9110 section 14) where the
/// server allows that, and begins again where it does not.
public struct DatasetDownloader: Sendable {
    /// What is appended to the name of an incomplete file.
    public static let partialSuffix = ".part"

    /// Replaces the publishers' addresses: files are fetched from `baseURL + name`. Nil to use the publishers'.
    public let baseURL: String?
    /// A connection that is silent for so long is given up.
    public let timeoutSeconds: Double

    public init(baseURL: String? = nil, timeoutSeconds: Double = 60) {
        self.baseURL = baseURL.map { $0.hasSuffix("/") ? $0 : $0 + "/" }
        self.timeoutSeconds = timeoutSeconds
    }

    /// Fetches all files of a data set into the folder `folder`, which is made if needed. Files that are there and
    /// right are left alone. Blocks until done.
    /// - Parameter progress: Called about ten times a second, on another thread.
    /// - Returns: The paths of the files.
    /// - Throws: `ZooError` if the data set has no files to fetch, a server or the connection fails, the disk is
    ///   full, or a checksum is wrong.
    @discardableResult
    public func download(
        _ descriptor: DatasetDescriptor, into folder: String,
        progress: @escaping @Sendable (DownloadProgress) -> Void = { _ in }
    ) throws -> [String] {
        guard !descriptor.files.isEmpty else {
            throw ZooError(
                descriptor.info.isGenerated
                    ? "the data set '\(descriptor.name)' is generated: there is nothing to download"
                    : "the data set '\(descriptor.name)' cannot be downloaded",
                advice: descriptor.instructions, kind: .usage)
        }
        try Files.makeFolder(folder)
        return try descriptor.files.map { file in
            try download(file, into: folder, progress: progress)
        }
    }

    private func download(
        _ file: DatasetFile, into folder: String,
        progress: @escaping @Sendable (DownloadProgress) -> Void
    ) throws -> String {
        let path = Files.join(folder, file.name)
        if try isRight(path, file) { return path }
        let partial = path + DatasetDownloader.partialSuffix
        var failures: [ZooError] = []
        for folder in baseURL.map({ [$0] }) ?? [file.baseURL] + file.mirrors {
            do {
                let address = folder + file.name
                // A part that has all bytes only needs to be checked.
                if file.byteCount == nil || Files.kind(partial) != .file(byteCount: file.byteCount ?? 0) {
                    try fetch(address, to: partial, file: file.name, progress)
                }
                try check(partial, file, address: address)
                failures = []
                break
            } catch let error as ZooError {
                failures.append(error)
            }
        }
        if let first = failures.first {
            throw failures.count == 1
                ? first
                : ZooError(
                    first.message, details: failures.dropFirst().map(\.message), advice: first.advice, code: first.code)
        }
        guard rename(partial, path) == 0 else {
            throw ZooError("cannot rename '\(partial)' to '\(path)': \(Files.reason())", code: .system)
        }
        return path
    }

    /// True if the finished file is there and nothing speaks against it.
    private func isRight(_ path: String, _ file: DatasetFile) throws -> Bool {
        guard case .file(let byteCount) = Files.kind(path) else { return false }
        if let expected = file.byteCount, byteCount != expected { return false }
        guard let checksum = file.checksum else { return true }
        return try checksum.ofFile(at: path) == checksum
    }

    private func fetch(
        _ address: String, to partial: String, file: String,
        _ progress: @escaping @Sendable (DownloadProgress) -> Void
    ) throws {
        let goesOn = "the next download goes on where this one stopped"
        var outcome = try attempt(address, partial, file, progress)
        // A part of nothing is no part.
        defer { if outcome != .complete, Files.kind(partial) == .file(byteCount: 0) { unlink(partial) } }
        if case .rangeRefused = outcome {
            // The part is no beginning of what the server has.
            unlink(partial)
            outcome = try attempt(address, partial, file, progress)
        }
        switch outcome {
        case .complete:
            return
        case .rangeRefused:
            throw ZooError("the server refuses to send \(address) (HTTP status 416)", code: .system)
        case .status(let code):
            throw ZooError(
                "the server answered HTTP status \(code)\(code == 404 ? " (not found)" : "") for \(address)",
                advice: code == 404
                    ? "the publisher may have moved the file; get it elsewhere and put it in the data folder by hand."
                    : "try again later", code: .system)
        case .diskFailure(let code):
            throw ZooError(
                "cannot write '\(partial)': \(Files.reason(code))", advice: "make room on the disk; \(goesOn)",
                code: .system)
        case .connectionFailure(let reason, let received, let total):
            guard received > 0 else { throw ZooError("the connection for \(address) failed: \(reason)", code: .system) }
            let progress = total.map { "\(received) of \($0) bytes" } ?? "\(received) bytes"
            throw ZooError(
                "the connection for \(address) failed: \(reason); \(progress) are in \(partial)", advice: goesOn,
                code: .system)
        }
    }

    private func attempt(
        _ address: String, _ partial: String, _ file: String,
        _ progress: @escaping @Sendable (DownloadProgress) -> Void
    ) throws -> HTTPTransfer.Outcome {
        let descriptor = open(partial, O_WRONLY | O_CREAT | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw ZooError("cannot write '\(partial)': \(Files.reason())", code: .system) }
        defer { close(descriptor) }
        let start = lseek(descriptor, 0, SEEK_END)
        guard start >= 0 else { throw ZooError("cannot write '\(partial)': \(Files.reason())", code: .system) }
        let transfer = HTTPTransfer(file: file, descriptor: descriptor, resumeOffset: Int(start), progress: progress)
        let outcome = try transfer.run(address: address, timeoutSeconds: timeoutSeconds)
        if case .complete = outcome, fsync(descriptor) != 0 { return .diskFailure(errno) }
        return outcome
    }

    /// Removes a complete file that is not the published one.
    private func check(_ partial: String, _ file: DatasetFile, address: String) throws {
        let advice = "It was deleted. Try again; if it happens again, the publisher has changed the file."
        if let expected = file.byteCount, case .file(let found) = Files.kind(partial), found != expected {
            unlink(partial)
            throw ZooError(
                "the file from \(address) has \(found) bytes; \(expected) were expected", advice: advice, code: .damaged
            )
        }
        guard let expected = file.checksum else { return }
        let found = try expected.ofFile(at: partial)
        guard found == expected else {
            unlink(partial)
            throw ZooError(
                "the file from \(address) has the wrong checksum: \(expected) was expected, \(found) found",
                advice: advice, code: .damaged)
        }
    }
}
