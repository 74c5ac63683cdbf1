import ModelKit
import TensorCore

/// Gives the tensors of a Keras file the zoo's names, shapes and orders.
struct KerasImport {
    private let model: KerasModel
    private var problems: [String] = []
    private var tensors: [ForeignTensor] = []

    /// The tensors of `file` as those of `definition`'s model. What has no place keeps its name.
    ///
    /// - Throws: `ZooError` that lists every tensor of another shape.
    static func renamed(_ file: ForeignFile, for definition: ModelDefinition) throws -> [ForeignTensor] {
        guard file.unevenlyPadded.isEmpty else {
            throw ZooError(
                "\(file.path) describes a model with padding \"same\" and strides that do not divide evenly, so that its "
                    + "layers see images moved by half a pixel; here paddings are even, and although all shapes agree the "
                    + "values would not:", details: Array(file.unevenlyPadded.prefix(40)),
                advice: "train it with ZeroPadding2D(1) and padding \"valid\", or with kernels of 4", code: .unsupported
            )
        }
        guard let layout = file.kerasLayout, layout != .plain else { return file.tensors }
        var result = KerasImport(model: try KerasModel(definition))
        switch layout {
        case .paths(let models): try result.readPaths(file.tensors, models)
        case .order(let counts): try result.readOrder(file.tensors, counts)
        case .plain: break
        }
        guard result.problems.isEmpty else {
            throw ZooError(
                "\(file.path) does not fit the Keras model of \(definition.name), which docs/interchange.md describes:",
                details: Array(result.problems.prefix(40)), code: .mismatch)
        }
        return result.tensors
    }

    private init(model: KerasModel) {
        self.model = model
    }

    private mutating func place(_ tensor: ForeignTensor, _ variable: KerasVariable) throws {
        guard tensor.shape == variable.kerasShape else {
            problems.append(
                "\(tensor.name) has shape \(tensor.shape), where \(variable.path) needs \(variable.kerasShape)")
            return
        }
        tensors.append(try variable.zooTensor(tensor))
    }

    /// Tensors named by class and count, below `encoder/` and `decoder/` or models of these names, or below others or none:
    /// then the shapes tell which of the two they are, or both in one.
    private mutating func readPaths(_ all: [ForeignTensor], _ models: [String: String]) throws {
        var groups: [(prefix: [String], tensors: [(path: [String], tensor: ForeignTensor)])] = []
        for tensor in all {
            let names = tensor.name.split(separator: "/").map(String.init)
            // The model next to the layer: a model may be a layer of another.
            guard let place = names.lastIndex(of: "layers") else {
                tensors.append(tensor)
                continue
            }
            let (prefix, path) = (Array(names[..<place]), Array(names[place...]))
            if let index = groups.firstIndex(where: { $0.prefix == prefix }) {
                groups[index].tensors.append((path, tensor))
            } else {
                groups.append((prefix, [(path, tensor)]))
            }
        }
        for group in groups {
            let fitting = (model.parts + [model.whole]).filter { part in
                let shapes = Dictionary(uniqueKeysWithValues: zip(part.paths, part.variables.map(\.kerasShape)))
                return part.paths.count == group.tensors.count
                    && group.tensors.allSatisfy { shapes[$0.path] == $0.tensor.shape }
            }
            let names = [group.prefix.last, models[group.prefix.joined(separator: "/")]]
            let named = model.parts.first { names.contains($0.name) }
            guard let part = named ?? (fitting.count == 1 ? fitting[0] : nil) else {
                let name = group.prefix.joined(separator: "/")
                problems.append(
                    "\(name.isEmpty ? "the file" : name): its \(group.tensors.count) tensors fit "
                        + (fitting.isEmpty
                            ? "neither encoder, decoder nor both in one"
                            : "several of encoder, decoder and both in one; name the models encoder and decoder"))
                continue
            }
            let variables = Dictionary(uniqueKeysWithValues: zip(part.paths, part.variables))
            for (path, tensor) in group.tensors {
                if let variable = variables[path] { try place(tensor, variable) } else { tensors.append(tensor) }
            }
        }
    }

    /// Tensors in the order of the layers. A layer of the file is one of ours, or a whole network.
    private mutating func readOrder(_ all: [ForeignTensor], _ counts: [Int]) throws {
        // Keras puts what is not trained at the end of a model.
        func asOneLayer(_ part: KerasModel.Part) -> [KerasVariable] {
            part.variables.filter(\.isTrainable) + part.variables.filter { !$0.isTrainable }
        }
        var candidates = (model.parts.map { [$0] } + [model.parts]).flatMap { parts in
            [
                (parts.flatMap { $0.layers.map(\.variables.count) }, parts.flatMap(\.variables)),
                (parts.map(\.variables.count), parts.flatMap(asOneLayer)),
            ]
        }
        candidates.removeAll { $0.0 != counts || $0.1.map(\.kerasShape) != all.map(\.shape) }
        let orders = Set(candidates.map { $0.1.map(\.path) })
        guard let candidate = candidates.first, orders.count == 1 else {
            problems.append(
                "its \(counts.count) layers with \(all.count) weights fit "
                    + (orders.isEmpty ? "neither encoder, decoder nor both" : "in several ways"))
            return
        }
        for (tensor, variable) in zip(all, candidate.1) { try place(tensor, variable) }
    }
}
