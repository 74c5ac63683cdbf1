import TensorCore

/// Yes/no attributes of images by file name, in the format of CelebA's `list_attr_celeba.txt`: a line with the number
/// of images, a line with the attribute names, then per image a line of its name and one 1 or -1 per attribute.
struct AttributeFile {
    let names: [String]
    /// Per image, one 0 or 1 per attribute.
    let attributes: [String: [UInt8]]

    /// - Throws: `ZooError` if the file cannot be read or has another form.
    init(path: String) throws {
        let lines = try TextTable.lines(of: path)
        guard lines.count >= 2, let count = lines[0].first.flatMap({ Int($0) }), lines[0].count == 1 else {
            throw ZooError(
                "'\(path)' is not an attribute file: its first line must be the number of images, its second the "
                    + "names of the attributes", advice: "see CelebA's list_attr_celeba.txt for the format")
        }
        names = lines[1].map { String($0) }
        guard names.count <= 255, !names.isEmpty else {
            throw ZooError("'\(path)' names \(names.count) attributes; 1 to 255 were expected")
        }
        guard lines.count - 2 == count else {
            throw ZooError("'\(path)' says that it describes \(count) images, but describes \(lines.count - 2)")
        }
        var attributes: [String: [UInt8]] = [:]
        attributes.reserveCapacity(count)
        for (number, fields) in lines.enumerated().dropFirst(2) {
            guard fields.count == names.count + 1 else {
                throw ZooError(
                    "'\(path)' line \(number + 1) has \(fields.count - 1) values; \(names.count) were expected")
            }
            attributes[String(fields[0])] = try fields.dropFirst().map { field in
                switch field {
                case "1": return 1
                case "-1", "0": return 0
                default: throw ZooError("'\(path)' line \(number + 1) has the value '\(field)'; 1 or -1 was expected")
                }
            }
        }
        self.attributes = attributes
    }
}

/// The split of each image by file name, in the format of CelebA's `list_eval_partition.txt`: per image a line of its
/// name and 0 (training), 1 (validation) or 2 (test).
struct PartitionFile {
    let splits: [String: Split]

    /// - Throws: `ZooError` if the file cannot be read or has another form.
    init(path: String) throws {
        var splits: [String: Split] = [:]
        for (number, fields) in try TextTable.lines(of: path).enumerated() {
            guard fields.count == 2, let part = Int(fields[1]), (0...2).contains(part) else {
                throw ZooError(
                    "'\(path)' line \(number + 1) is not a file name and 0 (training), 1 (validation) or 2 (test)")
            }
            splits[String(fields[0])] = [Split.train, .validation, .test][part]
        }
        self.splits = splits
    }
}

/// Lines of fields separated by spaces.
private enum TextTable {
    /// The fields of each line that has any. At most 256 MB are read.
    static func lines(of path: String) throws -> [[Substring]] {
        let text = String(decoding: try Files.read(path, maximumByteCount: 256 << 20), as: UTF8.self)
        return text.split(whereSeparator: \.isNewline).map { line in
            line.split(whereSeparator: \.isWhitespace)
        }.filter { !$0.isEmpty }
    }
}
