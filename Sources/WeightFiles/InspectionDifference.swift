import Checkpoints
import FileSupport
import LatentTools
import TensorCore

/// How two files of weights differ.
struct InspectionDifference {
    /// One tensor that is in one of the files or both.
    struct Tensor {
        let path: String
        let outcome: Outcome
    }

    enum Outcome {
        case onlyFirst, onlySecond
        case shapes([Int], [Int])
        case values(TensorDifference)

        /// Which of the files has it.
        enum Place { case onlyFirst, onlySecond, both }

        var place: Place {
            switch self {
            case .onlyFirst: .onlyFirst
            case .onlySecond: .onlySecond
            case .shapes, .values: .both
            }
        }

        var isSame: Bool {
            if case .values(let difference) = self { difference.isIdentical } else { false }
        }
    }

    let paths: (String, String)
    /// Lines of the definitions with `-` or `+` before them; nil where a file has no definition.
    let definition: [String]?
    let tensors: [Tensor]
    /// Statistics of each latent dimension, where both have them and D is the same.
    let latent: (LatentStatistics, LatentStatistics)?

    var isSame: Bool { tensors.allSatisfy(\.outcome.isSame) && definition?.isEmpty != false }

    /// - Throws: `ZooError` when values cannot be read.
    init(_ first: Inspection, _ second: Inspection) throws {
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
    var definition: String? {
        checkpoint?.header.definition ?? metadata.first { $0.name == "zoo.definition" }?.text
    }
}

extension InspectionDifference {
    func print() {
        Console.printTitle("\(paths.0.printable()) and \(paths.1.printable())")
        if let definition, !definition.isEmpty {
            Console.print("definitions differ:")
            for line in definition { Console.print("  \(line.printable())") }
            Console.print("")
        }
        let different = tensors.filter { !$0.outcome.isSame }
        let same = tensors.count - different.count
        Console.print(
            different.isEmpty
                ? "all \(same) tensors are the same, bit for bit"
                : "\(different.count) of \(tensors.count) tensors differ")
        if !different.isEmpty { printTensors(different) }
        if let hint { Console.warn(hint) }
        printLatent()
    }

    /// What to do where nothing could be compared.
    private var hint: String? {
        guard Set(tensors.map(\.outcome.place)) == [.onlyFirst, .onlySecond] else { return nil }
        return "the two files name no tensor alike; of a file of Keras make a checkpoint first: \(Tool.convert) import"
    }

    private func printTensors(_ different: [Tensor]) {
        var table = Table([
            ("TENSOR", .left), ("‖A − B‖", .right), ("RELATIVE", .right), ("COSINE", .right), ("LARGEST", .right),
            ("", .left),
        ])
        func number(_ value: Double?) -> String { value.map { Formatting.significant($0, 4) } ?? "" }
        for tensor in different {
            switch tensor.outcome {
            case .onlyFirst: table.add([tensor.path, "", "", "", "", "only in the first"])
            case .onlySecond: table.add([tensor.path, "", "", "", "", "only in the second"])
            case .shapes(let a, let b):
                table.add(
                    [tensor.path, "", "", "", "", "\(InspectionText.shape(a)) and \(InspectionText.shape(b))"])
            case .values(let difference):
                table.add([
                    tensor.path, number(difference.norm), number(difference.relative),
                    difference.cosine.map { Formatting.decimals($0, 6) } ?? "", number(difference.largest), "",
                ])
            }
        }
        Console.print("")
        for line in table.fittedLines { Console.print(line) }
    }

    private func printLatent() {
        guard let (a, b) = latent, a != b else { return }
        Console.print("")
        Console.print("latent statistics (first, second):")
        var table = Table([
            ("DIMENSION", .left), ("KL", .right), ("KL", .right), ("VAR(μ)", .right), ("VAR(μ)", .right),
            ("ACTIVE", .left),
        ])
        for d in a.dimensionsByInformation {
            let kl = a.isVariational ? [a.kl[d], b.kl[d]].map { Formatting.decimals($0, 4) } : ["", ""]
            let variances = [a.varianceOfMean[d], b.varianceOfMean[d]].map { Formatting.significant($0, 3) }
            let active = [a.active[d], b.active[d]].map { $0 ? "yes" : "no" }.joined(separator: ", ")
            table.add(["z\(d)"] + kl + variances + [active])
        }
        for line in table.fittedLines { Console.print(line) }
    }

    var json: JSONValue {
        .object([
            ("first", .string(paths.0)), ("second", .string(paths.1)), ("same", .boolean(isSame)),
            ("definition", definition.map { .array($0.map { .string($0) }) } ?? .null),
            ("tensors", .array(tensors.map(Self.json))),
            (
                "latent",
                latent.map {
                    .object([("first", $0.0.json(matrices: false)), ("second", $0.1.json(matrices: false))])
                } ?? .null
            ),
        ])
    }

    private static func json(_ tensor: Tensor) -> JSONValue {
        let path = ("path", JSONValue.string(tensor.path))
        switch tensor.outcome {
        case .onlyFirst: return .object([path, ("same", false), ("in", "first")])
        case .onlySecond: return .object([path, ("same", false), ("in", "second")])
        case .shapes(let a, let b):
            return .object([
                path, ("same", false), ("in", "both"),
                ("shapes", .array([a, b].map { .array($0.map { .integer($0) }) })),
            ])
        case .values(let difference):
            return .object([
                path, ("same", .boolean(difference.isIdentical)), ("in", "both"), ("norm", .number(difference.norm)),
                ("relative", JSONValue(difference.relative)), ("cosine", JSONValue(difference.cosine)),
                ("largest", .number(difference.largest)),
            ])
        }
    }
}
