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
    /// What PyTorch keeps, or the graph of an ONNX file computes with, and the zoo has no use for.
    public private(set) var unused: [String] = []

    /// Gives every tensor of `definition`'s model the tensor of the same name in one of `files`.
    ///
    /// - Parameter map: new names for the files' tensors.
    /// - Throws: `ZooError` that lists every difference that is not allowed.
    public init(
        _ files: [ForeignFile], map: NameMap? = nil, to definition: ModelDefinition,
        allowing allowed: Set<ImportDifference.Kind> = []
    ) throws {
        // Shapes and indices of an ONNX graph stand among its weights.
        func isConstant(_ file: ForeignFile, _ tensor: ForeignTensor) -> Bool {
            file.format == .onnx && tensor.floatByteCount == nil
        }
        var tensors = try files.flatMap { file in
            try KerasImport.renamed(file, for: definition).filter { !isConstant(file, $0) }
        }
        if let map { tensors = try map.renamed(tensors) }
        try self.init(
            tensors, to: definition, allowing: allowed, source: files.map(\.path).joined(separator: " and "))
        unused += files.flatMap { file in file.tensors.filter { isConstant(file, $0) }.map(\.name) }
    }

    /// Gives every tensor of `definition`'s model the tensor of the same name.
    ///
    /// - Parameters:
    ///   - tensors: under the zoo's names and in its layouts.
    ///   - allowed: the kinds of differences that are no errors.
    ///   - source: what messages call where the tensors come from.
    /// - Throws: `ZooError` that lists every difference that is not allowed.
    public init(
        _ tensors: [ForeignTensor], to definition: ModelDefinition, allowing allowed: Set<ImportDifference.Kind> = [],
        source: String = "The file"
    ) throws {
        let graph = try ModelGraph(definition, purpose: .training)
        let program = graph.program
        let expected = (program.parameters + program.buffers).map {
            (path: program[$0].name, shape: program[$0].shape.dimensions)
        }
        let paths = Set(expected.map(\.path))
        var found: [String: ForeignTensor] = [:]
        for tensor in tensors where found.updateValue(tensor, forKey: tensor.name) != nil {
            add(nil, tensor.name, "\(tensor.name) is there twice")
        }
        let surplus = tensors.map(\.name).filter { !paths.contains($0) }
        for (path, shape) in expected {
            if let tensor = found[path] {
                compare(tensor, shape: shape)
            } else {
                add(.missing, path, "\(path) \(shape) is not in the file", among: surplus)
            }
        }
        let vacant = paths.filter { found[$0] == nil }
        for tensor in tensors where !paths.contains(tensor.name) {
            if Self.isBatchCounter(tensor, of: paths) {
                unused.append(tensor.name)
            } else {
                add(.extra, tensor.name, "\(tensor.name) \(tensor.shape) is not in the model", among: Array(vacant))
            }
        }
        let refused = differences.filter { difference in difference.kind.map { !allowed.contains($0) } ?? true }
        guard refused.isEmpty else {
            throw Self.error(
                refused, source, model: definition.name, prefix: Self.prefix(of: tensors.map(\.name), in: paths))
        }

        // Only now, for a small file may describe a model that takes much memory.
        let initial = vacant.isEmpty ? [] : graph.initialParameters(seed: 0) + graph.initialBuffers
        let initialByPath = Dictionary(uniqueKeysWithValues: initial.map { ($0.path, $0) })
        let assigned = try expected.compactMap { path, shape in
            try found[path].map { NamedTensor(path: path, shape: shape, values: try $0.floats()) }
                ?? initialByPath[path]
        }
        parameters = Array(assigned.prefix(program.parameters.count))
        buffers = Array(assigned.dropFirst(program.parameters.count))
    }

    /// Notes how `tensor` differs from what its place, of `shape`, needs.
    private mutating func compare(_ tensor: ForeignTensor, shape: [Int]) {
        let name = tensor.name
        guard tensor.shape.reduce(1, *) == shape.reduce(1, *) else {
            return add(nil, name, "\(name) has shape \(tensor.shape) in the file and \(shape) in the model")
        }
        guard tensor.floatByteCount != nil else {
            return add(nil, name, "\(name) holds \(tensor.elementType) in the file, which are no weights")
        }
        if tensor.shape != shape {
            add(.reshaped, name, "\(name) has shape \(tensor.shape) in the file and \(shape) in the model")
        }
        if tensor.isWiderThanFloat {
            add(.narrowed, name, "\(name) holds \(tensor.elementType) in the file, more digits than the model's f32")
        }
    }

    /// Most differences that an error shows.
    private static let shownCount = 40
    /// Most names that are searched for the one that is most like another: among more, the search would take minutes.
    private static let searchedCount = 500

    /// Notes a difference; of those that are shown with the name of `names` that is most like it.
    private mutating func add(
        _ kind: ImportDifference.Kind?, _ name: String, _ message: String, among names: [String] = []
    ) {
        let isSearched = differences.count < Self.shownCount && names.count <= Self.searchedCount
        let nearest = isSearched ? nearestName(to: name, among: names) : nil
        let hint = nearest.map { "; is it \($0)?" } ?? ""
        differences.append(ImportDifference(kind: kind, name: name, message: message + hint))
    }

    /// Whether `tensor` is PyTorch's count of the batches that a batch normalisation has seen.
    private static func isBatchCounter(_ tensor: ForeignTensor, of paths: Set<String>) -> Bool {
        let end = "num_batches_tracked"
        guard tensor.name.hasSuffix("." + end), tensor.shape.isEmpty, tensor.elementType == .int64 else { return false }
        return paths.contains(tensor.name.dropLast(end.count) + "running_mean")
    }

    /// What wrappers put before the names of all tensors: compilation, data parallelism, and a model within a trainer.
    private static let wrappers = ["_orig_mod.", "module.", "model."]

    /// The wrappers that all names begin with, if names without them are those of the model; nil otherwise.
    private static func prefix(of names: [String], in paths: Set<String>) -> String? {
        var prefix = ""
        while let wrapper = wrappers.first(where: { wrapper in
            !names.isEmpty && names.allSatisfy { $0.hasPrefix(prefix + wrapper) }
        }) {
            prefix += wrapper
            if names.contains(where: { paths.contains(String($0.dropFirst(prefix.count))) }) { return prefix }
        }
        return nil
    }

    private static func error(
        _ refused: [ImportDifference], _ source: String, model: String, prefix: String?
    ) -> ZooError {
        let shown = refused.prefix(shownCount).map { "\($0.kind?.rawValue ?? "wrong"): \($0.message)" }
        let more = refused.count > shownCount ? ["… and \(refused.count - shownCount) more"] : []
        let kinds = ImportDifference.Kind.allCases.filter { kind in refused.contains { $0.kind == kind } }
        let count = refused.count == 1 ? "1 difference" : "\(refused.count) differences"
        return ZooError(
            "\(source) does not fit \(model): \(count)", details: shown + more, code: .mismatch, subject: .path(source),
            remedy: prefix.map { .stripPrefix($0) } ?? .mapNames(accepting: kinds.map(\.rawValue)))
    }
}
