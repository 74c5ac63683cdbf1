import FileSupport

/// The groups that the paths of tensors name, drawn with lines.
public struct TensorTree {
    private struct Group {
        var names: [String] = []
        var groups: [String: Group] = [:]
        var leaves: [String: TensorEntry] = [:]

        mutating func add(_ entry: TensorEntry, at path: ArraySlice<Substring>) {
            guard let first = path.first else { return }
            let name = String(first)
            if groups[name] == nil, leaves[name] == nil { names.append(name) }
            if path.count == 1 {
                leaves[name] = entry
            } else {
                groups[name, default: Group()].add(entry, at: path.dropFirst())
            }
        }
    }

    private var root = Group()

    public init(_ entries: [TensorEntry]) {
        for entry in entries {
            var path = entry.path.split(separator: ".", maxSplits: 15, omittingEmptySubsequences: false)
            if let role = entry.role, role != "parameter", role != "buffer" { path = ["optimizer", role[...]] + path }
            root.add(entry, at: path[...])
        }
    }

    /// The tree, a line for each group and tensor.
    public var lines: [String] { Self.lines(root, "") }

    private static func lines(_ group: Group, _ indentation: String) -> [String] {
        group.names.enumerated().flatMap { index, name -> [String] in
            let isLast = index == group.names.count - 1
            var line = indentation + (isLast ? "└─ " : "├─ ") + name
            if let entry = group.leaves[name] {
                line += "  \(TensorShapeText.text(entry.shape)) \(entry.elementType)"
                if entry.role == "buffer" { line += "  buffer" }
            }
            guard let inner = group.groups[name] else { return [line] }
            return [line] + lines(inner, indentation + (isLast ? "   " : "│  "))
        }
    }
}
