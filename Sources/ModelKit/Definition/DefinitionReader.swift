import LayerLibrary
import ObjectiveLibrary
import TensorCore
import Yams

extension ModelDefinition {
    /// The format this version reads and writes.
    public static let format = "zoo.model/1"

    /// Reads and checks a definition: spelling, types, ranges, and that all shapes fit.
    ///
    /// - Parameters:
    ///   - source: named in problems: the file or the model's name.
    ///   - overrides: applied in order before reading.
    /// - Throws: `DefinitionError` with all problems at once; `ZooError` for an override that leads nowhere.
    public init(
        text: String, source: String, overrides: [DefinitionOverride] = [], registry: Registry
    ) throws {
        var root = try DefinitionText.parse(text, source: source)
        for override in overrides { root = try override.apply(to: root) }
        var reader = NodeReader(source: source)
        let definition = reader.definition(root, registry)
        guard var definition, reader.problems.isEmpty else {
            throw DefinitionError(
                problems: reader.problems.isEmpty
                    ? [DefinitionProblem(source: source, path: "", message: "not a definition")] : reader.problems)
        }
        definition.text = overrides.isEmpty ? text : try serialize(node: root, width: -1)
        self = definition
        if codebook != nil, let shape = try? codeMaps() { latentSize = shape.area }
        let heads =
            switch latent {
            case .code(let code), .discrete(let code, _): [code.name]
            case .gaussian(let mean, let logVariance): [mean.name, logVariance.name]
            }
        let above = levels.flatMap { $0.encoder + [$0.mean, $0.logVariance] }.map(\.name)
        let problems = ModelGraph.problems(of: self).map { problem in
            let place = reader.place(of: problem.path, in: root, heads: heads + above)
            return DefinitionProblem(
                source: source, line: place?.mark?.line, column: place?.mark?.column, path: problem.path,
                message: problem.message)
        }
        guard problems.isEmpty else { throw DefinitionError(problems: problems) }
    }
}

extension NodeReader {
    static let latentSizes = 1...100_000
    static let headActivation = FieldSchema(
        "activation", .activation, default: .activation(.identity), "What follows the layer.")
    private static let topLevel = [
        "format", "name", "family", "summary", "references", "dataset", "input", "weight_initializer", "latent",
        "encoder",
        "decoder", "objective", "training",
    ]

    mutating func definition(_ root: Node, _ registry: Registry) -> ModelDefinition? {
        guard let fields = mapping(root, "", known: Self.topLevel) else { return nil }
        func required(_ name: String) -> Node? {
            if fields[name] == nil { report("the field is missing", at: root, name) }
            return fields[name]
        }
        if let node = required("format"), let format = string(node, "format"), format != ModelDefinition.format {
            report("this version reads \(ModelDefinition.format), not \(format)", at: node, "format")
        }
        let name = required("name").flatMap { slug($0, "name") }
        let family = required("family").flatMap { slug($0, "family") }
        let summary = required("summary").flatMap { string($0, "summary") }
        let references = fields["references"].map { self.references($0) } ?? []
        let dataset = fields["dataset"].flatMap { slug($0, "dataset") }
        let input = required("input").flatMap { shape($0, "input") }
        weightInitializer = fields["weight_initializer"].flatMap { initializer($0, "weight_initializer") }
        let latent = required("latent").flatMap { self.latent($0, registry) }
        let encoder = required("encoder").map { layers($0, "encoder", registry) }
        let decoder = required("decoder").map { layers($0, "decoder", registry) }
        let objective = required("objective").flatMap { self.objective($0, registry) }
        let training = required("training").flatMap { self.training($0, registry) }
        guard let name, let family, let summary, let input, let latent, let encoder, let decoder, let objective,
            let training
        else { return nil }
        check(objective, latent.heads, latent.levels, batchSize: training.batchSize, at: fields["objective"], registry)
        check(training.augmentation, of: input, at: fields["training"])
        return ModelDefinition(
            name: name, family: family, summary: summary, references: references, dataset: dataset, input: input,
            latentSize: latent.levels.reduce(latent.size) { $0 + $1.size }, latent: latent.heads, levels: latent.levels,
            encoder: encoder, decoder: decoder, objective: objective, training: training, text: "")
    }

    /// Lower-case words joined by hyphens.
    private mutating func slug(_ node: Node, _ path: String) -> String? {
        guard let text = string(node, path) else { return nil }
        guard ModelDefinition.isName(text) else {
            report(
                "expected lower-case letters, digits and hyphens (at most 64), found “\(text.prefix(80))”", at: node,
                path)
            return nil
        }
        return text
    }

    private mutating func references(_ node: Node) -> [ModelDefinition.Reference] {
        (sequence(node, "references") ?? []).enumerated().compactMap { index, item in
            let path = "references[\(index)]"
            guard let fields = mapping(item, path, known: ["title", "authors", "year", "url"]) else { return nil }
            guard let title = fields["title"].flatMap({ string($0, path + ".title") }) else {
                report("the field title is missing", at: item, path)
                return nil
            }
            return ModelDefinition.Reference(
                title: title, authors: fields["authors"].flatMap { string($0, path + ".authors") },
                year: fields["year"].flatMap { integer($0, path + ".year", 1900...2200) },
                url: fields["url"].flatMap { string($0, path + ".url") })
        }
    }

    // MARK: Latent

    private mutating func latent(
        _ node: Node, _ registry: Registry
    ) -> (size: Int, heads: ModelDefinition.Latent, levels: [LatentLevel])? {
        let known = ["size", "code", "codebook", "mean", "log_variance", "levels"]
        guard let fields = mapping(node, "latent", known: known) else { return nil }
        if fields["size"] == nil {
            report("the field size is missing: the number of latent dimensions", at: node, "latent")
        }
        let given = fields["size"].flatMap { integer($0, "latent.size", Self.latentSizes) }
        // Where the size is wrong the heads are read all the same, for their own problems.
        let size = given ?? 1
        let levels = fields["levels"].flatMap { self.levels($0, registry) } ?? []
        switch (fields["code"], fields["mean"], fields["log_variance"]) {
        case (.some, nil, nil) where fields["levels"] != nil:
            report(
                "levels are latents above one with a posterior: give mean and log_variance in place of code", at: node,
                "latent")
            return nil
        case (let code?, nil, nil):
            let code = head(code, "latent.code", size, registry)
            if let node = fields["codebook"] {
                let values = self.fields(
                    Codebook.schemas, node, "latent.codebook", at: node, shorthand: "codes", registry)
                guard let given, let code, let values else { return nil }
                return (given, .discrete(code: code, Codebook(values)), [])
            }
            guard let given, let code else { return nil }
            return (given, .code(code), [])
        case (nil, .some, .some) where fields["codebook"] != nil:
            report(
                "a codebook replaces what the encoder gives: give code in place of mean and log_variance", at: node,
                "latent")
            return nil
        case (nil, let mean?, let logVariance?):
            let heads = (
                head(mean, "latent.mean", size, registry), head(logVariance, "latent.log_variance", size, registry)
            )
            guard let given, let mean = heads.0, let logVariance = heads.1 else { return nil }
            return (given, .gaussian(mean: mean, logVariance: logVariance), levels)
        default:
            report(
                "give either code (a plain autoencoder) or both mean and log_variance: the names of the linear layers that "
                    + "end the encoder", at: node, "latent")
            return nil
        }
    }

    /// Latents above the first, from the lowest upwards.
    private mutating func levels(_ node: Node, _ registry: Registry) -> [LatentLevel]? {
        guard let nodes = sequence(node, "latent.levels") else { return nil }
        guard nodes.count <= LatentLevel.limit else {
            report("\(nodes.count) levels are too many: at most \(LatentLevel.limit)", at: node, "latent.levels")
            return nil
        }
        return nodes.enumerated().compactMap { index, item in
            let path = "latent.levels[\(index)]"
            let names = ["size", "encoder", "mean", "log_variance", "prior"]
            guard let fields = mapping(item, path, known: names) else { return nil }
            let missing = ["size", "mean", "log_variance"].filter { fields[$0] == nil }
            guard missing.isEmpty, let sizeNode = fields["size"], let mean = fields["mean"],
                let logVariance = fields["log_variance"]
            else {
                report("the field \(missing.first ?? "size") is missing", at: item, path)
                return nil
            }
            let size = integer(sizeNode, path + ".size", Self.latentSizes)
            let heads = (
                head(mean, path + ".mean", size ?? 1, registry),
                head(logVariance, path + ".log_variance", size ?? 1, registry)
            )
            let encoder = fields["encoder"].map { layers($0, path + ".encoder", registry) } ?? []
            let prior = fields["prior"].map { layers($0, path + ".prior", registry) } ?? []
            guard size != nil, let mean = heads.0, let logVariance = heads.1 else { return nil }
            return LatentLevel(encoder: encoder, mean: mean, logVariance: logVariance, prior: prior)
        }
    }

    /// A linear layer of `size` units: its name, or `{name: {linear's fields but units, activation}}`.
    private mutating func head(_ node: Node, _ path: String, _ size: Int, _ registry: Registry) -> NamedLayer? {
        guard let choice = choice(node, path, "the name of a linear layer") else { return nil }
        guard Self.isName(choice.name) else {
            report("a layer's name has letters, digits and underscores", at: choice.key, path)
            return nil
        }
        guard let linear = registry.layer("linear") else { return nil }
        let schemas = linear.fields.filter { $0.name != "units" } + [Self.headActivation]
        let inner = Self.join(path, choice.name)
        guard let values = fields(schemas, choice.fields, inner, at: choice.key, shorthand: nil, registry) else {
            return nil
        }
        let settings = WeightSettings(
            hasBias: values.boolean("bias"), weight: values.initializer("weight_initializer"),
            bias: values.initializer("bias_initializer"))
        return NamedLayer(
            name: choice.name, layer: Linear(units: size, settings: settings),
            activation: values.activation("activation"))
    }

    // MARK: Places

    /// The node that a path of the built model leads to, for the place of a problem.
    func place(of path: String, in root: Node, heads: [String]) -> Node? {
        var node = root
        var names = path.split(separator: ".").map(String.init)
        // The heads end the encoder but stand under latent.
        if names.first == "codebook" { names = ["latent", "codebook"] }
        if names.first?.hasPrefix("prior") == true { names = ["latent", "levels"] }
        if names.count > 1, names[0] == "encoder", heads.contains(names[1]) {
            names = ["latent"]
        }
        for name in names {
            switch node {
            case .mapping(let mapping):
                guard let next = mapping[Node(name)] ?? mapping.first(where: { _ in true })?.value else {
                    return node
                }
                if mapping[Node(name)] == nil, case .scalar = next { return node }
                node = next
            case .sequence(let sequence):
                let match = sequence.first { item in
                    guard case .mapping(let entry) = item, case .scalar(let key)? = entry.first?.key else {
                        return false
                    }
                    return key.string == name
                }
                guard let match else { return node }
                node = match
            default:
                return node
            }
        }
        return node
    }
}
