import Checkpoints
import FileSupport
import TensorCore

/// A file with an array, as a user names it.
public struct ArrayFile: Sendable, Equatable {
    /// The file: `.npy`, `.npz`, HDF5, `.csv` or `.tsv`.
    public var path: String
    /// Which array of a `.npz`, or the path of the dataset in an HDF5 file; nil where there is only one.
    public var member: String?
    /// The labels: a member of the same file, a column of a table, or another file with a list of them; nil for none.
    public var labels: String?
    /// The factors of variation: columns of a table, or members of the same file.
    public var factors: [String]

    public init(path: String, member: String? = nil, labels: String? = nil, factors: [String] = []) {
        self.path = path
        self.member = member
        self.labels = labels
        self.factors = factors
    }

    /// Opens the file as a data set.
    ///
    /// - Parameters:
    ///   - info: what is said of the data; its shape and classes are replaced.
    ///   - shape: what the model takes; nil for what the array looks like.
    ///   - scaling: nil to standardise vectors, and to bring the numbers of images to 0…1.
    ///   - unpacked: where arrays are unpacked.
    /// - Throws: `ZooError` for a file that is missing, damaged or of a kind that is not read, an array that is not of the
    ///   shape, and naming the first row with a number that is not finite.
    func open(
        _ info: DatasetInfo, shape: [Int]?, scaling: ScalingChoice?, unpacked: UnpackedArrays
    ) throws -> ArrayDataset {
        do {
            let contents = try ArrayContents(path: path, apart: columnsApart, unpacked: unpacked)
            let rows = try contents.array(member, besides: membersApart)
            return try ArrayDataset(
                info, rows: rows, labels: labels(in: contents), factors: factors(in: contents), shape: shape,
                scaling: scaling)
        } catch let error as ZooError {
            throw error.naming(path)
        }
    }

    /// The shape of a row, `[D]` or `[C, H, W]`, as far as the beginning of the file tells.
    ///
    /// - Parameter shape: what a model takes, to tell channels from rows and columns.
    /// - Throws: `ZooError` for a file that is missing, damaged or of a kind that is not read.
    public func rowShape(like shape: [Int]?) throws -> [Int] {
        if ArrayContents.isTable(path) {
            return try [DelimitedText.columnCount(path: path, apart: columnsApart)].arranged(
                like: shape, name: path)
        }
        let member = try ArrayContents(path: path, apart: columnsApart).member(member, besides: membersApart)
        return try Array(member.shape.dropFirst()).arranged(like: shape, name: member.name)
    }

    /// What may be columns of a table: factors, and labels that are no file.
    private var columnsApart: [String] {
        let labelColumn = labels.flatMap { Files.isFile($0) ? nil : $0 }
        return Set(factors + [labelColumn].compactMap(\.self)).sorted()
    }

    /// What is not meant where no array is named.
    private var membersApart: [String] { factors + [labels].compactMap(\.self) }

    private func factors(in contents: ArrayContents) throws -> ArrayFactors {
        var found = ArrayFactors()
        for name in factors {
            if let words = contents.words[name] {
                try found.add(name, words: words)
            } else {
                try found.add(name, contents.array(name, besides: []))
            }
        }
        return found
    }

    private func labels(in contents: ArrayContents) throws -> ArrayLabels? {
        guard let labels else { return nil }
        if let words = contents.words[labels] { return try ArrayLabels(words: words, name: "the column \(labels)") }
        if contents.members.contains(where: { $0.name == labels }) {
            return try ArrayLabels(contents.array(labels, besides: []))
        }
        guard Files.isFile(labels) else {
            let names = contents.members.map(\.name)
            throw ZooError(
                "'\(path)' has no array '\(labels)', and there is no such file",
                advice: nearestName(to: labels, among: names).map { "did you mean '\($0)'?" }
                    ?? "its arrays are \(names.joined(separator: ", "))", kind: .usage, code: .notFound)
        }
        // A list of words, one a line, or an array.
        if [".csv", ".tsv", ".txt"].contains(where: labels.lowercased().hasSuffix) {
            let text = String(decoding: try Files.read(labels, maximumByteCount: 1 << 30), as: UTF8.self)
            let words = text.split(whereSeparator: \.isNewline).map { $0.trimmingSpaces }
            return try ArrayLabels(words: words, name: "'\(labels)'")
        }
        return try ArrayLabels(ArrayContents(path: labels, apart: []).array(nil, besides: []))
    }
}

extension Substring {
    /// Without blanks at both ends.
    fileprivate var trimmingSpaces: String {
        var text = self
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }
}

extension ZooError {
    /// The same error, which names the file where it does not yet.
    fileprivate func naming(_ path: String) -> ZooError {
        message.contains(path.printable()) ? self : at("'\(path)'")
    }
}

/// The arrays in a file.
struct ArrayContents {
    /// An array before it is read.
    struct Member {
        /// `x_train`, or `/images/train`; the file's name where it holds one array only.
        let name: String
        let shape: [Int]
        let type: StoredElementType
        fileprivate let open: @Sendable () throws -> StoredArray
    }

    private let path: String
    let members: [Member]
    /// Of a table, the columns that are kept apart.
    var words: [String: [String]] = [:]

    /// - Parameters:
    ///   - apart: of a table, the columns that are kept apart.
    ///   - unpacked: where arrays are unpacked that are compressed or in chunks.
    /// - Throws: `ZooError` for what cannot be read.
    init(path: String, apart: [String], unpacked: UnpackedArrays = UnpackedArrays(cacheFolder: nil)) throws {
        self.path = path
        guard Files.isFile(path) else {
            throw ZooError(
                "there is no file '\(path)'", advice: "give a .npy, .npz, HDF5, .csv or .tsv file", kind: .usage,
                code: .notFound, subject: .path(path))
        }
        do {
            let file = try RegularFile(path, limit: .max)
            let start = try file.start(64 << 10)
            if let refusal = ForeignContent.refusal(of: start) { throw refusal }
            let name = Files.lastComponent(path)
            if let superblock = HDF5Superblock.start(in: start) {
                members = try Self.hdf5(FileSource(file, from: superblock), path, unpacked)
            } else if start.starts(with: [0x93] + Array("NUMPY".utf8)) {
                members = [try Self.npy(FileSource(file, from: 0), name)]
            } else if start.starts(with: [0x50, 0x4B]) {
                members = try Self.npz(path, FileSource(file, from: 0), unpacked)
            } else if Self.isTable(name) {
                let table = try DelimitedText(path: path, apart: apart)
                let array = try table.array()
                words = table.words
                members = [Member(name: name, shape: array.shape, type: array.type) { array }]
            } else {
                throw ZooError(
                    "this is none of the kinds of arrays that are read: .npy, .npz, HDF5, .csv and .tsv",
                    code: .unsupported)
            }
        } catch let error as ZooError {
            throw error.naming(path)
        }
    }

    /// The array of a name.
    ///
    /// - Parameters:
    ///   - name: nil for the only one that can be meant.
    ///   - others: arrays that are not meant where no name is given.
    /// - Throws: `ZooError` where there is none, or several.
    func array(_ name: String?, besides others: [String]) throws -> StoredArray {
        try member(name, besides: others).open()
    }

    /// Whether a file is a table of text, by its name.
    static func isTable(_ path: String) -> Bool {
        [".csv", ".tsv", ".txt"].contains(where: path.lowercased().hasSuffix)
    }

    /// An array before it is read, as `array`.
    func member(_ name: String?, besides others: [String]) throws -> Member {
        if let name {
            guard let member = members.first(where: { $0.name == name || $0.name == "/" + name }) else {
                let names = members.map(\.name)
                throw ZooError(
                    "'\(path)' has no array '\(name)'",
                    advice: nearestName(to: name, among: names).map { "did you mean '\($0)'?" }
                        ?? "its arrays are \(names.prefix(40).joined(separator: ", "))", kind: .usage, code: .notFound)
            }
            return member
        }
        let rest = members.filter { member in !others.contains { member.name == $0 || member.name == "/" + $0 } }
        // What has more than one number a row is meant where the others have not.
        let tables = rest.filter { $0.shape.count > 1 }
        let candidates = tables.isEmpty ? rest : tables
        guard candidates.count == 1, let member = candidates.first else {
            throw ZooError(
                rest.isEmpty ? "'\(path)' holds no array" : "'\(path)' holds several arrays:",
                details: rest.prefix(40).map { "\($0.name) \($0.shape) \($0.type)" }, kind: .usage,
                remedy: rest.isEmpty ? nil : .chooseArray)
        }
        return member
    }

    // MARK: Kinds of files

    private static func npy(_ source: FileSource, _ name: String) throws -> Member {
        var position = 0
        let header = try NumPyHeader(name: name) { count in
            let end = min(position + count, source.byteCount)
            defer { position = end }
            return try source.bytes(position..<end)
        }
        try requireRowMajor(header, name)
        let start = position
        return Member(name: name, shape: header.shape, type: header.type) {
            try StoredArray(name: name, shape: header.shape, type: header.type, source: source, from: start)
        }
    }

    private static func requireRowMajor(_ header: NumPyHeader, _ name: String) throws {
        guard !header.isFortranOrder || header.shape.count < 2 else {
            throw ZooError(
                "\(name) is stored with its first axis varying fastest", advice: "save numpy.ascontiguousarray(…)",
                code: .unsupported)
        }
    }

    /// Only the headers are read; an array that is compressed is unpacked when it is asked for, another is read where it is.
    private static func npz(_ path: String, _ file: FileSource, _ unpacked: UnpackedArrays) throws -> [Member] {
        var members: [Member] = []
        var others: [String] = []
        let archive = try Archive(path: path, form: .container)
        while let entry = try archive.nextEntry() {
            guard entry.name.hasSuffix(".npy") else {
                others.append(entry.name)
                continue
            }
            let name = String(entry.name.dropLast(4))
            var headerByteCount = 0
            let header = try NumPyHeader(name: name) { count in
                let bytes = try archive.next(count)
                headerByteCount += bytes.count
                return bytes
            }
            let start = try storedStart(file, archive.headPosition, entry.name).map { $0 + headerByteCount }
            members.append(
                Member(name: name, shape: header.shape, type: header.type) {
                    try requireRowMajor(header, name)
                    guard let start else { return try unpack(path, entry.name, name: name, unpacked) }
                    return try StoredArray(
                        name: name, shape: header.shape, type: header.type, source: file, from: start)
                })
        }
        guard !members.isEmpty else {
            throw ZooError(
                "this is a zip archive of \(others.count) files (\(others.prefix(3).joined(separator: ", "))…), not a file "
                    + "of numpy.savez", advice: "unpack it, and give the file or folder that is meant",
                code: .unsupported)
        }
        return members
    }

    /// Where the bytes of an entry of a zip archive begin that is stored as it is; nil for one that is compressed or encrypted.
    ///
    /// Source: PKWARE, "APPNOTE.TXT: .ZIP File Format Specification", version 6.3.10, section 4.3.7.
    private static func storedStart(_ file: FileSource, _ head: Int, _ name: String) throws -> Int? {
        guard head >= 0, head + 30 <= file.byteCount else { return nil }
        let bytes = try file.bytes(head..<head + 30)
        func number(_ place: Int) -> Int { Int(bytes[place]) | Int(bytes[place + 1]) << 8 }
        let start = head + 30 + number(26)
        // Where the reader does not go through the file from its beginning to its end, the head is that of another entry.
        guard bytes.starts(with: [0x50, 0x4B, 3, 4]), number(6) & 1 == 0, number(8) == 0, start <= file.byteCount,
            try file.bytes(head + 30..<start).elementsEqual(name.utf8)
        else { return nil }
        return start + number(28)
    }

    private static func unpack(
        _ path: String, _ entryName: String, name: String, _ unpacked: UnpackedArrays
    ) throws -> StoredArray {
        let archive = try Archive(path: path, form: .container)
        while let entry = try archive.nextEntry() {
            guard entry.name == entryName else { continue }
            let header = try NumPyHeader(name: name) { try archive.next($0) }
            guard let byteCount = header.type.byteCount(of: header.shape) else {
                throw ZooError("\(name) claims the shape \(header.shape)", code: .damaged)
            }
            let source = try unpacked.source(name, in: path, byteCount: byteCount) { target in
                guard try archive.read(into: target) == byteCount else {
                    throw ZooError(
                        "\(name) in '\(path)' has fewer than the \(byteCount) bytes that its header says",
                        advice: Archive.damageAdvice, code: .damaged)
                }
            }
            return try StoredArray(name: name, shape: header.shape, type: header.type, source: source)
        }
        throw ZooError("'\(path)' has no array '\(name)' any more", code: .notFound)
    }

    private static func hdf5(
        _ source: FileSource, _ path: String, _ unpacked: UnpackedArrays
    ) throws -> [Member] {
        let root = try HDF5Reader.read(source, limits: .data)
        return root.datasets().compactMap { place, dataset in
            let name = "/" + place.joined(separator: "/")
            let type: StoredElementType
            switch dataset.payload.elementType {
            case .float16: type = .float16
            case .float32: type = .float32
            case .float64: type = .float64
            case .int64: type = .int64
            case .uint64: type = .uint64
            case .uint8: type = .uint8
            case .other(let other): type = other
            case .opaque, .string, .variableString: return nil
            }
            let (shape, payload) = (dataset.shape, dataset.payload)
            return Member(name: name, shape: shape, type: type) {
                guard payload.chunks != nil else {
                    return try StoredArray(
                        name: name, shape: shape, type: type, source: source, from: payload.range.lowerBound)
                }
                guard let byteCount = type.byteCount(of: shape) else {
                    throw ZooError("\(name) claims the shape \(shape)", code: .damaged)
                }
                let unpackedSource = try unpacked.source(name, in: path, byteCount: byteCount) {
                    do { try payload.unpack(from: source, into: $0) } catch let error as ZooError {
                        throw error.at(name)
                    }
                }
                return try StoredArray(name: name, shape: shape, type: type, source: unpackedSource)
            }
        }
    }
}

extension Archive {
    /// The next bytes of the current entry; fewer only at its end.
    fileprivate func next(_ count: Int) throws -> [UInt8] {
        try [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            filled = try read(into: UnsafeMutableRawBufferPointer(buffer))
        }
    }
}
