import LayerLibrary
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
        definition.text = overrides.isEmpty ? text : try serialize(node: root)
        self = definition
        let problems = ModelGraph.problems(of: self).map { problem in
            let place = reader.place(of: problem.path, in: root)
            return DefinitionProblem(
                source: source, line: place?.mark?.line, column: place?.mark?.column, path: problem.path,
                message: problem.message)
        }
        guard problems.isEmpty else { throw DefinitionError(problems: problems) }
    }
}

extension NodeReader {
    private static let topLevel = [
        "format", "name", "family", "summary", "references", "dataset", "input", "latent", "encoder", "decoder",
        "objective", "training",
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
        let latent = required("latent").flatMap { self.latent($0, registry) }
        let encoder = required("encoder").map { layers($0, "encoder", registry) }
        let decoder = required("decoder").map { layers($0, "decoder", registry) }
        let objective = required("objective").flatMap { self.objective($0, registry) }
        let training = required("training").flatMap { self.training($0) }
        guard let name, let family, let summary, let input, let latent, let encoder, let decoder, let objective,
            let training
        else { return nil }
        if case .code = latent.heads, objective.regularizer != nil {
            report("a plain autoencoder has no KL divergence", at: fields["objective"], "objective")
        }
        if case .gaussian = latent.heads, objective.regularizer == nil {
            report(
                "a variational model needs kl or capacity; for a plain autoencoder give latent.code instead of mean and "
                    + "log_variance", at: fields["objective"], "objective")
        }
        return ModelDefinition(
            name: name, family: family, summary: summary, references: references, dataset: dataset, input: input,
            latentSize: latent.size, latent: latent.heads, encoder: encoder, decoder: decoder, objective: objective,
            training: training, text: "")
    }

    /// Lower-case words joined by hyphens.
    private mutating func slug(_ node: Node, _ path: String) -> String? {
        guard let text = string(node, path) else { return nil }
        let allowed = text.utf8.allSatisfy { byte in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
        }
        guard allowed, !text.isEmpty, text.utf8.count <= 64 else {
            report("expected lower-case letters, digits and hyphens (at most 64), found “\(text.prefix(80))”", at: node, path)
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
    ) -> (size: Int, heads: ModelDefinition.Latent)? {
        guard let fields = mapping(node, "latent", known: ["size", "code", "mean", "log_variance"]) else { return nil }
        guard let sizeNode = fields["size"] else {
            report("the field size is missing: the number of latent dimensions", at: node, "latent")
            return nil
        }
        guard let size = integer(sizeNode, "latent.size", 1...100_000) else { return nil }
        switch (fields["code"], fields["mean"], fields["log_variance"]) {
        case (let code?, nil, nil):
            return head(code, "latent.code", size, registry).map { (size, .code($0)) }
        case (nil, let mean?, let logVariance?):
            guard let mean = head(mean, "latent.mean", size, registry),
                let logVariance = head(logVariance, "latent.log_variance", size, registry)
            else { return nil }
            return (size, .gaussian(mean: mean, logVariance: logVariance))
        default:
            report(
                "give either code (a plain autoencoder) or both mean and log_variance: the names of the linear layers that "
                    + "end the encoder", at: node, "latent")
            return nil
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
        let schemas =
            linear.fields.filter { $0.name != "units" } + [
                FieldSchema("activation", .activation, default: .activation(.identity), "What follows the layer.")
            ]
        let inner = Self.join(path, choice.name)
        guard let values = fields(schemas, choice.fields, inner, at: choice.key, shorthand: nil, registry) else { return nil }
        let settings = WeightSettings(
            hasBias: values.boolean("bias"), weight: values.initializer("weight_initializer"),
            bias: values.initializer("bias_initializer"))
        return NamedLayer(
            name: choice.name, kind: "linear", layer: Linear(units: size, settings: settings),
            activation: values.activation("activation"))
    }

    // MARK: Objective

    private mutating func objective(_ node: Node, _ registry: Registry) -> Objective? {
        guard let fields = mapping(node, "objective", known: ["reconstruction", "kl", "capacity"]) else { return nil }
        guard let reconstruction = fields["reconstruction"] else {
            report("the field reconstruction is missing", at: node, "objective")
            return nil
        }
        let terms = self.terms(reconstruction, registry)
        var regularizer: Objective.Regularizer?
        if let kl = fields["kl"] { regularizer = weighted(kl) }
        if let capacity = fields["capacity"] {
            if fields["kl"] != nil { report("give kl or capacity, not both", at: capacity, "objective") }
            regularizer = self.capacity(capacity)
        }
        return terms.map { Objective(terms: $0, regularizer: regularizer) }
    }

    private mutating func terms(_ node: Node, _ registry: Registry) -> [Objective.Term]? {
        let path = "objective.reconstruction"
        var terms: [Objective.Term] = []
        if case .mapping = node {
            guard let fields = mapping(node, path, known: registry.likelihoods.map(\.name)) else { return nil }
            for (name, weightNode) in fields.sorted(by: { $0.key < $1.key }) {
                guard let weight = number(weightNode, Self.join(path, name), 0...1e6, openLower: true),
                    let likelihood = registry.likelihood(name)
                else { continue }
                terms.append(.init(name: name, likelihood: likelihood.likelihood, weight: Float(weight)))
            }
            if fields.isEmpty { report("needs at least one likelihood with its weight", at: node, path) }
        } else if let name = string(node, path) {
            if let likelihood = registry.likelihood(name) {
                terms = [.init(name: name, likelihood: likelihood.likelihood, weight: 1)]
            } else {
                let known = registry.likelihoods.map(\.name)
                let near = nearestName(to: name, among: known).map { "did you mean \($0)?" }
                report("unknown likelihood \(name); \(near ?? "known are \(known.joined(separator: ", "))")", at: node, path)
            }
        }
        return terms.isEmpty ? nil : terms
    }

    private mutating func weighted(_ node: Node) -> Objective.Regularizer? {
        let path = "objective.kl"
        guard let fields = mapping(node, path, known: ["weight", "warmup_steps", "free_nats"]) else { return nil }
        guard let weightNode = fields["weight"] else {
            report("the field weight is missing: β, 1 for a VAE", at: node, path)
            return nil
        }
        guard let weight = number(weightNode, path + ".weight", 0...1e6) else { return nil }
        let warmup = fields["warmup_steps"].flatMap { integer($0, path + ".warmup_steps", 0...1_000_000_000) } ?? 0
        let free = fields["free_nats"].flatMap { number($0, path + ".free_nats", 0...1000) } ?? 0
        return .weighted(weight: Float(weight), warmupSteps: warmup, freeNats: Float(free))
    }

    private mutating func capacity(_ node: Node) -> Objective.Regularizer? {
        let path = "objective.capacity"
        guard let fields = mapping(node, path, known: ["weight", "start", "end", "steps"]) else { return nil }
        for name in ["weight", "end", "steps"] where fields[name] == nil {
            report("the field \(name) is missing", at: node, path)
        }
        guard let weight = fields["weight"].flatMap({ number($0, path + ".weight", 0...1e9) }),
            let end = fields["end"].flatMap({ number($0, path + ".end", 0...1e6) }),
            let steps = fields["steps"].flatMap({ integer($0, path + ".steps", 0...1_000_000_000) })
        else { return nil }
        let start = fields["start"].flatMap { number($0, path + ".start", 0...1e6) } ?? 0
        return .capacity(weight: Float(weight), start: Float(start), end: Float(end), steps: steps)
    }

    // MARK: Places

    /// The node that a path of the built model leads to, for the place of a problem.
    func place(of path: String, in root: Node) -> Node? {
        var node = root
        for name in path.split(separator: ".") {
            switch node {
            case .mapping(let mapping):
                guard let next = mapping[Node(String(name))] ?? mapping.first(where: { _ in true })?.value else { return node }
                if mapping[Node(String(name))] == nil, case .scalar = next { return node }
                node = next
            case .sequence(let sequence):
                let match = sequence.first { item in
                    guard case .mapping(let entry) = item, case .scalar(let key)? = entry.first?.key else { return false }
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
