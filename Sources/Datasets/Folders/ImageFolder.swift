import Dispatch
import Glibc
import ImageFiles
import Synchronization
import TensorCore

/// How far the decoding of a folder of pictures is.
public struct DecodingProgress: Sendable, Equatable {
    public let imagesDone: Int
    public let imageCount: Int
    /// Since it began.
    public let seconds: Double

    public var imagesPerSecond: Double { Double(imagesDone) / max(1e-9, seconds) }
}

/// Data sets made of the pictures in a folder and the folders in it.
struct ImageFolder {
    /// So many bad files are named in an error.
    private static let namedFailures = 20

    let folder: String
    let preparation: ImagePreparation
    var attributes: AttributeFile?
    var partition: PartitionFile?
    /// Where decoded pictures are kept; nil to keep none.
    var cache: ImageCache?
    /// Whether pictures that cannot be decoded are left out; otherwise they are an error.
    var skipsDamaged = false
    /// Called about ten times a second while pictures are decoded, by any thread.
    var progress: @Sendable (DecodingProgress) -> Void = { _ in }

    /// All pictures of the folder, decoded on all cores or taken from the cache.
    ///
    /// Splits: those of `partition` if given, or else of folders called `train`, `validation` and `test`; otherwise a fixed choice
    /// of one image in ten (at least one, if there are two or more) is for testing. Classes are the folders below.
    /// - Throws: `ZooError` naming the files that cannot be decoded, or if attributes or splits are missing for an image, or if
    ///   memory would not do.
    func dataset(_ info: DatasetInfo) throws -> MemoryDataset {
        let listing = try ImageFolderListing(folder)
        let shape = [preparation.channels, preparation.height, preparation.width]
        guard shape.allSatisfy({ (1...4096).contains($0) }), preparation.channels == 1 || preparation.channels == 3
        else {
            throw ZooError(
                "images of \(preparation.width) x \(preparation.height) pixels with \(preparation.channels) channels "
                    + "cannot be made: sides are 1 to 4096, channels 1 or 3", kind: .usage)
        }
        guard listing.pictures.count <= Int32.max else {
            throw ZooError(
                "'\(folder)' has \(listing.pictures.count) pictures; at most \(Int32.max) are read", code: .limit)
        }
        let pictures = try decoded(listing, imageByteCount: shape.reduce(1, *))
        let rows = pictures.decoded
        let paths = rows.map { listing.pictures[Int($0)].path }
        var notes = listing.notes
        if rows.count < pictures.count {
            notes.append("\(pictures.count - rows.count) damaged pictures were left out")
        }
        let meaning = FolderMeaning(paths)
        let names = paths.map(\.name)
        let splits =
            try partition.map { try $0.indices(of: names) } ?? meaning.splits.map(Self.indices)
            ?? Self.fixedSplits(count: rows.count)
        return MemoryDataset(
            info: DatasetInfo(
                name: info.name, title: info.title, summary: info.summary, license: info.license, source: info.source,
                shape: shape, classNames: meaning.labels?.names,
                factors: attributes.map { $0.names.map { Factor(name: $0, valueNames: ["no", "yes"]) } }),
            pictures: pictures, rows: rows, labels: meaning.labels?.positions ?? [],
            factorPositions: try attributes.map { try $0.positions(of: names) } ?? [], splits: splits,
            preparation: preparation, notes: notes.map { "'\(folder)': \($0)" })
    }

    private func decoded(_ listing: ImageFolderListing, imageByteCount: Int) throws -> DecodedPictures {
        let count = listing.pictures.count
        let key = cache.map { _ in ImageCache.key(listing, preparation) } ?? ""
        if let found = cache?.pictures(key, count: count, imageByteCount: imageByteCount) {
            try checkDamage(listing, missing: Self.missing(found), reasons: [:])
            return found
        }
        let room = cache?.making(key, source: folder, count: count, imageByteCount: imageByteCount)
        if room == nil {
            let (byteCount, overflow) = count.multipliedReportingOverflow(by: imageByteCount + 1)
            try ProcessLimits.current.requireMemory(
                overflow ? .max : byteCount, for: "a folder of \(count) images of \(imageByteCount) bytes",
                advice: "choose a smaller image size or a folder with fewer images")
        }
        let pictures = room?.0 ?? DecodedPictures(count: count, imageByteCount: imageByteCount)
        do {
            let reasons = decode(listing, into: pictures)
            try checkDamage(listing, missing: Self.missing(pictures), reasons: reasons)
        } catch {
            if let room { unlink(room.path) }
            throw error
        }
        guard let room, let cache else { return pictures }
        return cache.keep(pictures, at: room.path, key)
    }

    private static func missing(_ pictures: DecodedPictures) -> [Int] {
        let decoded = Set(pictures.decoded)
        return decoded.count == pictures.count ? [] : (0..<pictures.count).filter { !decoded.contains(Int32($0)) }
    }

    /// Decodes all pictures; why some cannot be.
    private func decode(_ listing: ImageFolderListing, into pictures: DecodedPictures) -> [Int: String] {
        struct State {
            var reasons: [Int: String] = [:]
            var done = 0
            var lastReport = 0.0
        }
        let state = Mutex(State())
        let clock = ContinuousClock()
        let start = clock.now
        let root = Array(folder.utf8)
        DispatchQueue.concurrentPerform(iterations: listing.pictures.count) { position in
            let path = ImageFolderListing.join(root, listing.pictures[position].path.bytes)
            var reason: String?
            do {
                let image = try ImageFiles.decode(
                    path: path, name: String(decoding: path, as: UTF8.self), resizingTo: preparation.decodingSize)
                pictures.write(try preparation.apply(to: image).pixels, at: position)
            } catch {
                // The message names the path.
                reason = (error as? ZooError)?.message ?? "\(error)"
            }
            let elapsed = (clock.now - start).components
            let seconds = Double(elapsed.seconds) + Double(elapsed.attoseconds) * 1e-18
            let report = state.withLock { state -> DecodingProgress? in
                if let reason { state.reasons[position] = reason }
                state.done += 1
                guard seconds - state.lastReport >= 0.1 || state.done == listing.pictures.count else { return nil }
                state.lastReport = seconds
                return DecodingProgress(
                    imagesDone: state.done, imageCount: listing.pictures.count, seconds: seconds)
            }
            if let report { progress(report) }
        }
        return state.withLock { $0.reasons }
    }

    /// - Parameter reasons: why pictures could not be decoded, as far as that is known.
    private func checkDamage(_ listing: ImageFolderListing, missing: [Int], reasons: [Int: String]) throws {
        let count = listing.pictures.count
        guard !missing.isEmpty, !skipsDamaged || missing.count == count else { return }
        var lines = missing.prefix(Self.namedFailures).map { position in
            let name = listing.pictures[position].path.name
            return name + (reasons[position].map { ": \($0)" } ?? "")
        }
        if missing.count > Self.namedFailures { lines.append("and \(missing.count - Self.namedFailures) more") }
        throw ZooError(
            "\(missing.count) of \(count) images in '\(folder)' cannot be used:", details: lines,
            code: .damaged, remedy: missing.count < count ? .skipDamaged : nil)
    }

    private static func indices(_ splits: [Split]) -> [Split: [Int32]] {
        var indices: [Split: [Int32]] = [:]
        for (index, split) in splits.enumerated() { indices[split, default: []].append(Int32(index)) }
        return indices
    }

    private static func fixedSplits(count: Int) -> [Split: [Int32]] {
        let testCount = count < 2 ? 0 : max(1, count / 10)
        let (train, test) = DataSplits.fixed(count: count, testCount: testCount)
        return [.train: train, .test: test]
    }
}
