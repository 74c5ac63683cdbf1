import Checkpoints
import FileSupport
import LatentTools
import TensorCore

/// How two files of weights differ.
public struct InspectionDifference {
    /// One tensor that is in one of the files or both.
    public struct Tensor {
        public let path: String
        public let outcome: Outcome
    }

    public enum Outcome {
        case onlyFirst, onlySecond
        case shapes([Int], [Int])
        case values(TensorDifference)

        /// Which of the files has it.
        public enum Place { case onlyFirst, onlySecond, both }

        public var place: Place {
            switch self {
            case .onlyFirst: .onlyFirst
            case .onlySecond: .onlySecond
            case .shapes, .values: .both
            }
        }

        public var isSame: Bool {
            if case .values(let difference) = self { difference.isIdentical } else { false }
        }
    }

    public let paths: (String, String)
    /// Lines of the definitions with `-` or `+` before them; nil where a file has no definition.
    public let definition: [String]?
    public let tensors: [Tensor]
    /// Statistics of each latent dimension, where both have them and D is the same.
    public let latent: (LatentStatistics, LatentStatistics)?

    public var isSame: Bool { tensors.allSatisfy(\.outcome.isSame) && definition?.isEmpty != false }

    /// - Throws: `ZooError` when values cannot be read.
    public init(_ first: Inspection, _ second: Inspection) throws {
        paths = (first.path, second.path)
        definition = first.definition.flatMap { a in second.definition.map { Self.lines(a, $0) } }
        let places = Dictionary(
            second.weightIndices.map { (second.entries[$0].path, $0) }, uniquingKeysWith: { first, _ in first })
        var seen: Set<String> = []
        var tensors: [Tensor] = []
        for index in first.weightIndices {
            let entry = first.entries[index]
            seen.insert(entry.path)
            guard let place = places[entry.path] else {
                tensors.append(Tensor(path: entry.path, outcome: .onlyFirst))
                continue
            }
            guard second.entries[place].shape == entry.shape else {
                tensors.append(Tensor(path: entry.path, outcome: .shapes(entry.shape, second.entries[place].shape)))
                continue
            }
            let difference = TensorDifference(try first.values(at: index), try second.values(at: place))
            tensors.append(Tensor(path: entry.path, outcome: .values(difference)))
        }
        for index in second.weightIndices where !seen.contains(second.entries[index].path) {
            tensors.append(Tensor(path: second.entries[index].path, outcome: .onlySecond))
        }
        self.tensors = tensors
        latent = first.latent.flatMap { a in
            second.latent.flatMap { b in
                a.latentSize == b.latentSize && a.isVariational == b.isVariational ? (a, b) : nil
            }
        }
    }

    /// What was removed and what was added, in order. Texts of more than 1,000 lines are compared as a whole.
    private static func lines(_ first: String, _ second: String) -> [String] {
        guard first != second else { return [] }
        let (a, b) = (first.split(separator: "\n"), second.split(separator: "\n"))
        guard a.count <= 1_000, b.count <= 1_000 else { return ["- (\(a.count) lines)", "+ (\(b.count) lines)"] }
        let changes = b.difference(from: a).map { change in
            switch change {
            case .remove(let offset, let line, associatedWith: _): (offset, "- \(line)")
            case .insert(let offset, let line, associatedWith: _): (offset, "+ \(line)")
            }
        }
        // Removals come with places in the first text, insertions in the second: near enough to show them together.
        let lines = changes.sorted { ($0.0, $1.1) < ($1.0, $0.1) }.map(\.1)
        return lines.isEmpty ? ["- (blank lines)", "+ (blank lines)"] : lines
    }
}

extension Inspection {
    /// The definition, where the file has one.
    public var definition: String? {
        checkpoint?.header.definition ?? metadata.first { $0.name == "zoo.definition" }?.text
    }
}
