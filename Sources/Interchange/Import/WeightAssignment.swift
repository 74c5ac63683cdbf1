import FileSupport
import ModelKit
import TensorCore

/// The tensors of a file in the places of a model.
public struct WeightAssignment: Sendable {
    /// In model order.
    public private(set) var parameters: [NamedTensor] = []
    public private(set) var buffers: [NamedTensor] = []
    /// How the two differ; empty where every tensor of one is that of the other.
    public private(set) var differences: [ImportDifference] = []
    /// What PyTorch keeps and the zoo has no use for.
    public private(set) var unused: [String] = []

    /// Gives every tensor of `definition`'s model the tensor of the same name in one of `files`.
    ///
    /// - Parameter map: new names for the files' tensors.
    /// - Throws: `ZooError` that lists every difference that is not allowed.
    public init(
        _ files: [ForeignFile], map: NameMap? = nil, to definition: ModelDefinition,
        allowing allowed: Set<ImportDifference.Kind> = []
    ) throws {
        var tensors = try files.flatMap { try KerasImport.renamed($0, for: definition) }
        if let map { tensors = try map.renamed(tensors) }
        try self.init(tensors, to: definition, allowing: allowed)
    }

    /// Gives every tensor of `definition`'s model the tensor of the same name.
    ///
    /// - Parameters:
    ///   - tensors: under the zoo's names and in its layouts.
    ///   - allowed: the kinds of differences that are no errors.
    /// - Throws: `ZooError` that lists every difference that is not allowed.
    public init(
        _ tensors: [ForeignTensor], to definition: ModelDefinition, allowing allowed: Set<ImportDifference.Kind> = []
    ) throws {
        let graph = try ModelGraph(definition, purpose: .training)
        let expected = graph.program.parameters + graph.program.buffers
        let paths = Set(expected.map { graph.program[$0].name })
        var found: [String: ForeignTensor] = [:]
        for tensor in tensors {
            if found.updateValue(tensor, forKey: tensor.name) != nil {
                differences.append(
                    ImportDifference(kind: nil, name: tensor.name, message: "\(tensor.name) is there twice"))
            }
        }
        let names = tensors.map(\.name)
        let initial = Dictionary(
            uniqueKeysWithValues: (graph.initialParameters(seed: 0) + graph.initialBuffers).map { ($0.path, $0) })
        var assigned: [NamedTensor] = []
        for id in expected {
            let (path, shape) = (graph.program[id].name, graph.program[id].shape.dimensions)
            guard let tensor = found[path] else {
                let nearest = nearestName(to: path, among: names.filter { !paths.contains($0) })
                add(.missing, path, "\(path) \(shape) is not in the file", nearest)
                if let first = initial[path] { assigned.append(first) }
                continue
            }
            if let values = values(of: tensor, shape: shape) {
                assigned.append(NamedTensor(path: path, shape: shape, values: values))
            }
        }
        for tensor in tensors where !paths.contains(tensor.name) {
            if Self.isBatchCounter(tensor, of: paths) {
                unused.append(tensor.name)
            } else {
                let nearest = nearestName(to: tensor.name, among: paths.filter { found[$0] == nil })
                add(.extra, tensor.name, "\(tensor.name) \(tensor.shape) is not in the model", nearest)
            }
        }
        let refused = differences.filter { difference in difference.kind.map { !allowed.contains($0) } ?? true }
        guard refused.isEmpty else { throw Self.error(refused, model: definition.name) }
        parameters = Array(assigned.prefix(graph.program.parameters.count))
        buffers = Array(assigned.dropFirst(graph.program.parameters.count))
    }

    /// The elements for a place of `shape`; nil, with a difference noted, where they cannot stand there.
    private mutating func values(of tensor: ForeignTensor, shape: [Int]) -> [Float]? {
        let name = tensor.name
        guard tensor.shape.reduce(1, *) == shape.reduce(1, *) else {
            add(nil, name, "\(name) has shape \(tensor.shape) in the file and \(shape) in the model")
            return nil
        }
        guard let values = try? tensor.floats() else {
            add(nil, name, "\(name) holds \(tensor.elementType) in the file, which are no weights")
            return nil
        }
        if tensor.shape != shape {
            add(.reshaped, name, "\(name) has shape \(tensor.shape) in the file and \(shape) in the model")
        }
        if tensor.isWiderThanFloat {
            add(.narrowed, name, "\(name) holds \(tensor.elementType) in the file, more digits than the model's f32")
        }
        return values
    }

    private mutating func add(
        _ kind: ImportDifference.Kind?, _ name: String, _ message: String, _ nearest: String? = nil
    ) {
        let hint = nearest.map { "; is it \($0)?" } ?? ""
        differences.append(ImportDifference(kind: kind, name: name, message: message + hint))
    }

    /// Whether `tensor` is PyTorch's count of the batches that a batch normalisation has seen.
    private static func isBatchCounter(_ tensor: ForeignTensor, of paths: Set<String>) -> Bool {
        let end = "num_batches_tracked"
        guard tensor.name.hasSuffix("." + end), tensor.shape.isEmpty, tensor.elementType == .int64 else { return false }
        return paths.contains(tensor.name.dropLast(end.count) + "running_mean")
    }

    private static func error(_ refused: [ImportDifference], model: String) -> ZooError {
        let shown = refused.prefix(40).map { "\n  \($0.kind?.rawValue ?? "wrong"): \($0.message)" }.joined()
        let more = refused.count > 40 ? "\n  … and \(refused.count - 40) more" : ""
        let kinds = ImportDifference.Kind.allCases.filter { kind in refused.contains { $0.kind == kind } }
        var advice = "Rename tensors with --map FILE (lines `theirs: ours`)"
        if !kinds.isEmpty { advice += ", or accept this with --allow \(kinds.map(\.rawValue).joined(separator: ","))" }
        let count = refused.count == 1 ? "1 difference" : "\(refused.count) differences"
        return ZooError("The file does not fit \(model): \(count).\(shown)\(more)", advice: advice + ".")
    }
}
