import TensorCore
import TextSupport

/// What `zoo data verify` found.
public struct DatasetVerification: Sendable, Equatable {
    /// How a file compares with the published one.
    public enum Agreement: Sendable, Equatable {
        /// Its checksum is the published one.
        case checksumMatches
        /// Its checksum is another.
        case checksumDiffers(expected: String, found: String)
        /// There is no published checksum to compare with.
        case checksumUnknown
    }

    public struct File: Sendable, Equatable {
        public let path: String
        /// Nil for folders.
        public let byteCount: Int?
        public let agreement: Agreement
    }

    public let name: String
    public let files: [File]
    /// The images that were read, or vectors.
    public let imageCount: Int
    /// Whether they are vectors.
    public let isVectors: Bool

    /// One line, for example "cifar-10: readable, 60,000 images, checksum differs from the publisher's".
    public var summary: String {
        let differing = files.count {
            if case .checksumDiffers = $0.agreement { true } else { false }
        }
        let matching = files.count { $0.agreement == .checksumMatches }
        let verdict =
            if differing > 0 {
                files.count == 1
                    ? "checksum differs from the publisher's"
                    : "checksums of \(differing) of \(files.count) files differ from the publisher's"
            } else if files.isEmpty {
                "generated, no files"
            } else if matching == files.count {
                files.count == 1 ? "checksum matches the publisher's" : "checksums match the publisher's"
            } else {
                "no published checksum to compare with"
            }
        return "\(name): readable, \(Formatting.grouped(imageCount)) \(isVectors ? "vectors" : "images"), \(verdict)"
    }
}

extension DatasetCatalog {
    /// Reads the whole data set and compares its files with the published checksums. A checksum that differs is
    /// reported, not thrown: the same images may come in another archive.
    /// - Throws: `ZooError` if the data set is missing, cannot be read or has another number of images.
    public func verify(
        _ name: String, _ options: DatasetOptions = DatasetOptions()
    ) throws -> DatasetVerification {
        let descriptor = try descriptor(name)
        let located = try descriptor.locate(options)
        let dataset = try descriptor.open(options)
        if let expected = descriptor.imageCount, dataset.count != expected {
            throw ZooError("'\(name)' has \(dataset.count) images; \(expected) were expected", code: .damaged)
        }
        let files = try located.map { file in
            let byteCount: Int? = if case .file(let count) = Files.kind(file.path) { count } else { nil }
            guard let expected = file.published?.checksum, byteCount != nil else {
                return DatasetVerification.File(path: file.path, byteCount: byteCount, agreement: .checksumUnknown)
            }
            let found = try expected.ofFile(at: file.path)
            return DatasetVerification.File(
                path: file.path, byteCount: byteCount,
                agreement: found == expected
                    ? .checksumMatches
                    : .checksumDiffers(expected: expected.description, found: found.description))
        }
        return DatasetVerification(
            name: name, files: files, imageCount: dataset.count, isVectors: dataset.info.isVector)
    }
}
