import TensorCore

/// Yes/no attributes of images by file name, in the format of CelebA's `list_attr_celeba.txt`: a line with the number
/// of images, a line with the attribute names, then per image a line of its name and one 1 or -1 per attribute. Or as Kaggle has
/// it, a table separated by commas whose first line is `image_id` and the names.
struct AttributeFile {
    let names: [String]
    /// Per image, one 0 or 1 per attribute.
    let attributes: [String: [UInt8]]

    /// - Throws: `ZooError` if the file cannot be read or has another form.
    init(path: String) throws {
        var lines = try TextTable.lines(of: path)
        if lines.first?.fields.first == TextTable.kaggleHeader {
            lines[0].fields.removeFirst()
        } else {
            guard lines.count >= 2, let count = lines[0].fields.first.flatMap({ Int($0) }), lines[0].fields.count == 1
            else {
                throw ZooError(
                    "'\(path)' is not an attribute file: its first line must be the number of images, its second the "
                        + "names of the attributes", advice: "see CelebA's list_attr_celeba.txt for the format",
                    code: .unsupported)
            }
            guard lines.count - 2 == count else {
                throw ZooError(
                    "'\(path)' says that it describes \(count) images, but describes \(lines.count - 2)", code: .damaged
                )
            }
            lines.removeFirst()
        }
        names = lines[0].fields.map { String($0) }
        guard names.count <= 255, !names.isEmpty else {
            throw ZooError("'\(path)' names \(names.count) attributes; 1 to 255 were expected", code: .damaged)
        }
        var attributes: [String: [UInt8]] = [:]
        attributes.reserveCapacity(lines.count)
        for line in lines.dropFirst() {
            guard line.fields.count == names.count + 1 else {
                throw ZooError(
                    "'\(path)' line \(line.number) has \(line.fields.count - 1) values; \(names.count) were expected",
                    code: .damaged)
            }
            attributes[String(line.fields[0])] = try line.fields.dropFirst().map { field in
                switch field {
                case "1": return 1
                case "-1", "0": return 0
                default:
                    throw ZooError(
                        "'\(path)' line \(line.number) has the value '\(field)'; 1 or -1 was expected", code: .damaged)
                }
            }
        }
        self.attributes = attributes
    }

    /// The attributes of images, one after another.
    ///
    /// - Throws: `ZooError` for an image of which nothing is said.
    func positions(of paths: [String]) throws -> [UInt8] {
        try paths.flatMap { path in
            guard let attributes = attributes[path] ?? attributes[Files.lastComponent(path)] else {
                throw ZooError("the attribute file says nothing about the image '\(path)'", code: .notFound)
            }
            return attributes
        }
    }
}

/// The split of each image by file name, in the format of CelebA's `list_eval_partition.txt`: per image a line of its
/// name and 0 (training), 1 (validation) or 2 (test). Or as Kaggle has it, separated by commas below a line of names.
struct PartitionFile {
    let splits: [String: Split]

    /// - Throws: `ZooError` if the file cannot be read or has another form.
    init(path: String) throws {
        var splits: [String: Split] = [:]
        var lines = try TextTable.lines(of: path)[...]
        if lines.first?.fields.first == TextTable.kaggleHeader { lines.removeFirst() }
        for line in lines {
            guard line.fields.count == 2, let part = Int(line.fields[1]), (0...2).contains(part) else {
                throw ZooError(
                    "'\(path)' line \(line.number) is not a file name and 0 (training), 1 (validation) or 2 (test)",
                    code: .damaged)
            }
            splits[String(line.fields[0])] = [Split.train, .validation, .test][part]
        }
        self.splits = splits
    }

    /// Which of the images are in which split.
    ///
    /// - Throws: `ZooError` for an image of which nothing is said.
    func indices(of paths: [String]) throws -> [Split: [Int32]] {
        var indices: [Split: [Int32]] = [:]
        for (position, path) in paths.enumerated() {
            guard let split = splits[path] ?? splits[Files.lastComponent(path)] else {
                throw ZooError("the partition file says nothing about the image '\(path)'", code: .notFound)
            }
            indices[split, default: []].append(Int32(position))
        }
        return indices
    }
}

/// Lines of fields separated by spaces or commas.
private enum TextTable {
    /// How the first line of Kaggle's tables begins.
    static let kaggleHeader: Substring = "image_id"

    /// The fields of each line that has any, and its number from 1. At most 256 MB are read.
    static func lines(of path: String) throws -> [(number: Int, fields: [Substring])] {
        let text = String(decoding: try Files.read(path, maximumByteCount: 256 << 20), as: UTF8.self)
        return text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated().map {
            index, line in
            (index + 1, line.split { $0.isWhitespace || $0 == "," })
        }.filter { !$0.fields.isEmpty }
    }
}
