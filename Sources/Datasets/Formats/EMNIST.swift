import TensorCore

/// The six data sets of EMNIST: handwritten digits and letters, 28 × 28, in the files of MNIST.
///
/// Source: G. Cohen, S. Afshar, J. Tapson and A. van Schaik, "EMNIST: an extension of MNIST to handwritten letters", 2017.
enum EMNIST: String, CaseIterable {
    case balanced
    case byClass = "byclass"
    case byMerge = "bymerge"
    case letters
    case digits
    case mnist

    /// The archive of all of them, and what else it is called.
    static let archiveNames = ["gzip.zip", "emnist.zip"]

    var info: DatasetInfo {
        let what =
            switch self {
            case .balanced: "131,600 handwritten digits and letters of 47 classes, as many of each"
            case .byClass: "814,255 handwritten digits and letters of 62 classes"
            case .byMerge:
                "814,255 handwritten digits and letters of 47 classes: letters that look alike in both cases are one"
            case .letters: "handwritten letters of 26 classes, upper and lower case together"
            case .digits: "280,000 handwritten digits"
            case .mnist: "70,000 handwritten digits, made as MNIST"
            }
        return DatasetInfo(
            name: "emnist-\(rawValue)", title: "EMNIST \(rawValue)", summary: "\(what), 28 x 28, grey.",
            license: "public domain (U.S. government)",
            source: "https://www.nist.gov/itl/products-and-services/emnist-dataset", shape: [1, 28, 28],
            classNames: classNames)
    }

    private var classNames: [String] {
        let digits = (0...9).map { String($0) }
        let upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ".map { String($0) }
        switch self {
        case .digits, .mnist: return digits
        case .letters: return upper
        case .byClass: return digits + upper + upper.map { $0.lowercased() }
        // The lower-case letters that look unlike the upper-case ones.
        case .balanced, .byMerge: return digits + upper + "abdefghnqrt".map { String($0) }
        }
    }

    /// The first label: letters are counted from 1.
    private var firstLabel: UInt8 { self == .letters ? 1 : 0 }

    /// The files, without ".gz": training images and labels, test images and labels.
    var fileNames: [String] {
        ["train", "test"].flatMap { part in
            ["images-idx3", "labels-idx1"].map { "emnist-\(rawValue)-\(part)-\($0)-ubyte" }
        }
    }

    /// Where the four files are, or the archive.
    ///
    /// - Throws: `ZooError` naming what is missing.
    func located(_ options: DatasetOptions, published: DatasetFile) throws -> [LocatedFile] {
        let locations = options.locations
        let own = locations.folders(for: info.name, otherNames: [])
        let shared = locations.folders.flatMap { root in
            (["emnist", "EMNIST"] + Self.allCases.map(\.info.name)).map { Files.join(root, $0) }
        }
        let folders = (own + shared).flatMap { [$0, Files.join($0, "raw"), Files.join($0, "gzip")] }
        for folder in folders {
            let found = fileNames.compactMap { name in
                [name, name + ".gz"].map { Files.join(folder, $0) }.first(where: Files.isFile)
            }
            if found.count == fileNames.count { return found.map { LocatedFile(path: $0, published: nil) } }
            // Other data sets have files of these names, too.
            guard folder.lowercased().contains("emnist") else { continue }
            if let archive = Self.archiveNames.map({ Files.join(folder, $0) }).first(where: Files.isFile) {
                return [LocatedFile(path: archive, published: published)]
            }
        }
        throw locations.missing(
            info, files: ["\(Self.archiveNames[0]) (or \(fileNames[0]) and so on)"], lookedIn: own + shared.prefix(2))
    }

    /// - Parameter paths: the four files, or the archive.
    /// - Throws: `ZooError` if a file is damaged or not what is expected.
    func read(_ paths: [String]) throws -> MemoryDataset {
        var files: [IDXFile]
        if paths.count == 1 {
            files = try Self.unpacked(paths[0], fileNames).enumerated().map { index, bytes in
                let name = "\(fileNames[index]).gz in '\(paths[0])'"
                return try IDXFile(Archive(bytes: bytes, name: name, form: .stream), expected: Self.shape(index))
            }
        } else {
            files = try paths.enumerated().map { index, path in
                try IDXFile(Archive(path: path, form: .stream), expected: Self.shape(index))
            }
        }
        var labels: [UInt8] = []
        for part in [1, 3] {
            let (images, classes) = (files[part - 1], files[part])
            guard images.shape[0] == classes.shape[0] else {
                throw ZooError(
                    "EMNIST \(rawValue) is damaged: \(images.shape[0]) images have \(classes.shape[0]) labels",
                    advice: Archive.damageAdvice, code: .damaged)
            }
            let last = firstLabel + UInt8(classNames.count - 1)
            if let stranger = classes.elements.first(where: { !(firstLabel...last).contains($0) }) {
                throw ZooError(
                    "EMNIST \(rawValue) is damaged: labels are \(firstLabel) to \(last), and one is \(stranger)",
                    advice: Archive.damageAdvice, code: .damaged)
            }
            labels += classes.elements.map { $0 - firstLabel }
        }
        let (train, count) = (Int32(files[0].shape[0]), Int32(labels.count))
        var pixels = files[0].elements
        pixels += files[2].elements
        files = []
        Self.transpose(&pixels)
        return MemoryDataset(
            info: info, count: labels.count, pixels: pixels, labels: labels,
            splits: [.train: Array(0..<train), .test: Array(train..<count)])
    }

    private static func shape(_ file: Int) -> [Int?] { file % 2 == 0 ? [nil, 28, 28] : [nil] }

    /// The packed files of these names, in this order.
    private static func unpacked(_ path: String, _ names: [String]) throws -> [[UInt8]] {
        let archive = try Archive(path: path, form: .container)
        var found: [String: [UInt8]] = [:]
        while found.count < names.count, let entry = try archive.nextEntry() {
            let name = Files.lastComponent(entry.name)
            guard name.hasSuffix(".gz"), names.contains(String(name.dropLast(3))) else { continue }
            guard let byteCount = entry.byteCount, byteCount <= 1 << 30 else {
                throw ZooError("'\(name)' in '\(path)' has no size, or more than 1 GB", code: .damaged)
            }
            found[String(name.dropLast(3))] = try archive.read(byteCount: byteCount, of: "'\(name)' in '\(path)'")
        }
        return try names.map { name in
            guard let bytes = found[name] else {
                throw ZooError(
                    "'\(path)' does not hold \(name).gz", advice: "it must be gzip.zip of EMNIST", code: .notFound)
            }
            return bytes
        }
    }

    /// The files hold columns for rows.
    private static func transpose(_ pixels: inout [UInt8]) {
        pixels.withUnsafeMutableBufferPointer { pixels in
            for start in stride(from: 0, to: pixels.count, by: 784) {
                for row in 1..<28 {
                    for column in 0..<row { pixels.swapAt(start + row * 28 + column, start + column * 28 + row) }
                }
            }
        }
    }
}
