import Checkpoints
import FileSupport
import TensorCore
import Yams

/// New names for the tensors of a file: YAML with a line `theirs: ours` each. A name that ends in a dot stands for
/// everything that begins with it; an empty name in its place removes it.
public struct NameMap: Sendable {
    private var names: [(theirs: String, ours: String)]
    /// What messages call the map.
    private let source: String

    /// Removes what names begin with.
    public init(removing prefix: String) {
        names = [(theirs: prefix, ours: "")]
        source = "the prefix “\(prefix)”"
    }

    /// Reads a file with a map.
    ///
    /// - Throws: `ZooError` where it cannot be read, and as `init(text:source:)`.
    public init(file path: String) throws {
        let bytes: [UInt8]
        do { bytes = try RegularFile.text(of: path) } catch let error as ZooError { throw error.at(path, kind: .usage) }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw ZooError("\(path) is no text in UTF-8", kind: .usage, code: .damaged, subject: .path(path))
        }
        try self.init(text: text, source: path)
    }

    /// Reads the text of a map; `source` is what messages call it.
    ///
    /// - Throws: `ZooError` that lists every line that is not such a pair.
    public init(text: String, source: String) throws {
        self.source = source
        let node: Node?
        do { node = try Yams.compose(yaml: text) } catch {
            throw ZooError("\(source): not valid YAML: \(error)", code: .damaged)
        }
        guard let mapping = node?.mapping else {
            throw ZooError("\(source): a map of names has lines `theirs: ours`", kind: .usage)
        }
        var problems: [String] = []
        names = []
        for (key, value) in mapping {
            let line = key.mark.map { "line \($0.line): " } ?? ""
            guard let theirs = key.scalar?.string, let ours = value.scalar?.string, !theirs.isEmpty,
                !ours.isEmpty || theirs.hasSuffix(".")
            else {
                problems.append("\(line)each line is `theirs: ours`, two names")
                continue
            }
            if !ours.isEmpty, theirs.hasSuffix(".") != ours.hasSuffix(".") {
                problems.append("\(line)either both or none of \(theirs) and \(ours) must end in a dot")
            } else if names.contains(where: { $0.ours == ours && !ours.isEmpty && !ours.hasSuffix(".") }) {
                problems.append("\(line)\(ours) is named twice")
            }
            names.append((theirs: theirs, ours: ours))
        }
        guard problems.isEmpty else {
            throw ZooError("\(source): \(problems[0])", details: Array(problems.dropFirst()), kind: .usage)
        }
    }

    /// `tensors` under their new names; those that are not in the map keep theirs.
    ///
    /// - Throws: `ZooError` that lists every name of the map that no tensor has.
    public func renamed(_ tensors: [ForeignTensor]) throws -> [ForeignTensor] {
        var used = Set<String>()
        let renamed = tensors.map { tensor in
            var tensor = tensor
            // The longest name decides.
            let fitting = names.filter {
                $0.theirs == tensor.name || ($0.theirs.hasSuffix(".") && tensor.name.hasPrefix($0.theirs))
            }
            guard let name = fitting.max(by: { $0.theirs.utf8.count < $1.theirs.utf8.count }) else { return tensor }
            used.insert(name.theirs)
            tensor.name = name.ours + tensor.name.dropFirst(name.theirs.count)
            return tensor
        }
        let unused = names.filter { !used.contains($0.theirs) }.map { name in
            let nearest = nearestName(to: name.theirs, among: tensors.map(\.name))
            return name.theirs + (nearest.map { "; is it \($0)?" } ?? "")
        }
        guard unused.isEmpty else {
            throw ZooError("\(source) names what is not in the file:", details: unused, kind: .usage)
        }
        return renamed
    }
}
