import LayerLibrary
import ObjectiveLibrary
import TensorCore
import Yams

/// Writes a definition as YAML that reads back as the same definition. Fields with their default values are left out.
struct DefinitionWriter {
    let registry: Registry

    /// - Throws: `ZooError` naming a layer or activation that the registry does not have, or that cannot be written.
    func text(of definition: ModelDefinition) throws -> String {
        try serialize(node: root(definition), width: -1)
    }

    private func root(_ definition: ModelDefinition) throws -> Node {
        var fields: [(String, Node)] = [
            ("format", Node(ModelDefinition.format)), ("name", string(definition.name)),
            ("family", string(definition.family)), ("summary", string(definition.summary)),
        ]
        if !definition.references.isEmpty { fields.append(("references", list(definition.references.map(reference)))) }
        if let dataset = definition.dataset { fields.append(("dataset", string(dataset))) }
        fields += [
            ("input", shape(definition.input)), ("latent", try latent(definition)),
            ("encoder", list(try definition.encoder.map(layer))), ("decoder", list(try definition.decoder.map(layer))),
            ("objective", try objective(definition.objective)), ("training", try training(definition.training)),
        ]
        return mapping(fields)
    }

    // MARK: Sections

    private func reference(_ reference: ModelDefinition.Reference) -> Node {
        var fields = [("title", string(reference.title))]
        if let authors = reference.authors { fields.append(("authors", string(authors))) }
        if let year = reference.year { fields.append(("year", integer(year))) }
        if let url = reference.url { fields.append(("url", string(url))) }
        return mapping(fields, isFlow: true)
    }

    private func latent(_ definition: ModelDefinition) throws -> Node {
        var fields = [("size", integer(definition.latent.size))]
        switch definition.latent {
        case .code(let code): fields.append(("code", try head(code)))
        case .discrete(let code, let codebook):
            let written = try self.fields(codebook.fields, Codebook.schemas, of: "codebook")
            fields += [("code", try head(code)), ("codebook", mapping(written, isFlow: true))]
        case .gaussian(let mean, let logVariance):
            fields += [("mean", try head(mean)), ("log_variance", try head(logVariance))]
        }
        if !definition.levels.isEmpty { fields.append(("levels", list(try definition.levels.map(level)))) }
        return mapping(fields, isFlow: definition.levels.isEmpty)
    }

    private func level(_ level: LatentLevel) throws -> Node {
        mapping([
            ("size", integer(level.size)), ("encoder", list(try level.encoder.map(layer))),
            ("mean", try head(level.mean)), ("log_variance", try head(level.logVariance)),
            ("prior", list(try level.prior.map(layer))),
        ])
    }

    private func head(_ layer: NamedLayer) throws -> Node {
        var values = layer.layer.fields
        values["units"] = nil
        let schemas = try descriptor(layer).fields.filter { $0.name != "units" } + [NodeReader.headActivation]
        values["activation"] = .activation(layer.activation)
        let fields = try self.fields(values, schemas, of: layer.name)
        return fields.isEmpty
            ? string(layer.name) : mapping([(layer.name, mapping(fields, isFlow: true))], isFlow: true)
    }

    private func objective(_ objective: Objective) throws -> Node {
        if let distribution = objective.distribution {
            guard let descriptor = registry.distribution(distribution.name) else {
                throw ZooError(
                    "the registry has no distribution \(distribution.name)",
                    advice: "add its descriptor to the registry",
                    code: .notFound)
            }
            let written = try self.fields(distribution.fields, descriptor.fields, of: distribution.name)
            let node =
                written.isEmpty
                ? string(distribution.name)
                : mapping([(distribution.name, mapping(written, isFlow: true))], isFlow: true)
            return try regularized([("reconstruction", node)], objective)
        }
        let isSingle = objective.terms.count == 1 && objective.terms[0].weight == 1
        let terms =
            isSingle
            ? string(objective.terms[0].name)
            : mapping(objective.terms.map { ($0.name, number($0.weight.decimal)) }, isFlow: true)
        return try regularized([("reconstruction", terms)], objective)
    }

    private func regularized(_ reconstruction: [(String, Node)], _ objective: Objective) throws -> Node {
        var fields = reconstruction
        for regularizer in objective.regularizers {
            guard let descriptor = registry.regularizer(regularizer.kind) else {
                throw ZooError(
                    "the registry has no regulariser \(regularizer.kind)", advice: "add its descriptor to the registry",
                    code: .notFound)
            }
            let written = try self.fields(regularizer.fields, descriptor.fields, of: regularizer.kind)
            fields.append((regularizer.kind, mapping(written, isFlow: true)))
        }
        return mapping(fields, isFlow: true)
    }

    private func training(_ settings: TrainingSettings) throws -> Node {
        var fields: [(String, Node)] = []
        let (name, optimizer) = optimizer(settings)
        let written = try self.fields(optimizer, DefinitionFields.optimizers[name] ?? [], of: name)
        fields.append(("optimizer", mapping([(name, mapping(written, isFlow: true))], isFlow: true)))
        switch settings.schedule {
        case .constant: break
        case .step(let epochs, let factor):
            let step = mapping([("epochs", integer(epochs)), ("factor", number(factor.decimal))], isFlow: true)
            fields.append(("schedule", mapping([("step", step)], isFlow: true)))
        case .cosine(let minimum):
            let cosine = mapping([("minimum", number(minimum.decimal))], isFlow: true)
            fields.append(("schedule", mapping([("cosine", cosine)], isFlow: true)))
        }
        if let augmentation = settings.augmentation {
            let changes: [String: FieldValue] = [
                "flip": .name(augmentation.flip.rawValue), "shift": .integer(augmentation.shift),
                "crop": .number(augmentation.crop.decimal),
            ]
            let written = try self.fields(changes, DefinitionFields.augmentation, of: "augmentation")
            if !written.isEmpty { fields.append(("augmentation", mapping(written, isFlow: true))) }
        }
        var values: [String: FieldValue] = [
            "warmup_steps": .integer(settings.warmupSteps), "batch_size": .integer(settings.batchSize),
            "epochs": .integer(settings.epochs), "validation": .integer(settings.validationCount),
            "precision": .name(settings.precision.rawValue), "convolution": .name(settings.convolution.rawValue),
        ]
        if let norm = settings.update.clipNorm { values["clip_norm"] = .number(norm.decimal) }
        if let decay = settings.update.averageDecay { values["average_decay"] = .number(decay.decimal) }
        if let patience = settings.patience { values["patience"] = .integer(patience) }
        if let label = settings.onlyClass { values["only_class"] = .integer(label) }
        fields += try self.fields(values, DefinitionFields.training, of: "training")
        return mapping(fields, isFlow: true)
    }

    private func optimizer(_ settings: TrainingSettings) -> (name: String, fields: [String: FieldValue]) {
        var fields: [String: FieldValue] = ["learning_rate": .number(settings.learningRate.decimal)]
        func adaptive(_ beta1: Float, _ beta2: Float, _ epsilon: Float, _ decay: Float) {
            fields["beta1"] = .number(beta1.decimal)
            fields["beta2"] = .number(beta2.decimal)
            fields["epsilon"] = .number(epsilon.decimal)
            fields["weight_decay"] = .number(decay.decimal)
        }
        switch settings.update.method {
        case .sgd(let momentum, let nesterov, let decay):
            fields["momentum"] = .number(momentum.decimal)
            fields["nesterov"] = .boolean(nesterov)
            fields["weight_decay"] = .number(decay.decimal)
            return ("sgd", fields)
        case .adam(let beta1, let beta2, let epsilon, let decay):
            adaptive(beta1, beta2, epsilon, decay)
            return ("adam", fields)
        case .adamW(let beta1, let beta2, let epsilon, let decay):
            adaptive(beta1, beta2, epsilon, decay)
            return ("adamw", fields)
        }
    }

    // MARK: Layers

    private func descriptor(_ layer: NamedLayer) throws -> LayerDescriptor {
        guard let descriptor = registry.layer(layer.kind) else {
            throw ZooError(
                "the registry has no layer \(layer.kind), which \(layer.name) is",
                advice: "add its descriptor to the registry",
                code: .notFound, subject: .layer(layer.name))
        }
        return descriptor
    }

    /// `conv1: {conv2d: {…}, activation: relu}`.
    private func layer(_ layer: NamedLayer) throws -> Node {
        let fields = try self.fields(layer.layer.fields, try descriptor(layer).fields, of: layer.name)
        var body = [(layer.kind, mapping(fields, isFlow: true))]
        if layer.activation.name != nil { body.append(("activation", try activation(layer.activation))) }
        return mapping([(layer.name, mapping(body, isFlow: true))])
    }

    private func activation(_ function: ActivationFunction) throws -> Node {
        let name = function.definitionName
        guard let descriptor = registry.activation(name) else {
            throw ZooError(
                "the registry has no activation \(name)", advice: "add its descriptor to the registry", code: .notFound)
        }
        let fields = try self.fields(function.fields, descriptor.fields, of: name)
        return fields.isEmpty ? string(name) : mapping([(name, mapping(fields, isFlow: true))], isFlow: true)
    }

    /// The fields in the order of their schemas, those with default values left out.
    private func fields(
        _ values: [String: FieldValue], _ schemas: [FieldSchema], of owner: String
    ) throws -> [(String, Node)] {
        if let stranger = values.keys.sorted().first(where: { name in !schemas.contains { $0.name == name } }) {
            throw ZooError("\(owner) has no field \(stranger) in definitions", code: .invalidValue)
        }
        return try schemas.compactMap { schema in
            guard let value = values[schema.name] else { return nil }
            let node = try self.node(value)
            if let standard = schema.defaultValue, try self.node(standard) == node { return nil }
            return (schema.name, node)
        }
    }

    private func node(_ value: FieldValue) throws -> Node {
        switch value {
        case .integer(let value): integer(value)
        case .number(let value): number(value)
        case .boolean(let value): Node(value ? "true" : "false", Tag(.bool))
        case .name(let name): string(name)
        case .extent(let extent):
            extent.height == extent.width
                ? integer(extent.height) : list([integer(extent.height), integer(extent.width)], isFlow: true)
        case .shape(let shape): self.shape(shape)
        case .initializer(let rule): initializer(rule)
        case .activation(let function): try activation(function)
        case .layers(let layers): list(try layers.map(layer), isFlow: true)
        }
    }

    private func initializer(_ rule: InitializerRule) -> Node {
        switch rule {
        case .kaimingUniform: string("kaiming_uniform")
        case .xavierUniform: string("xavier_uniform")
        case .xavierNormal: string("xavier_normal")
        case .heUniform: string("he_uniform")
        case .heNormal: string("he_normal")
        case .normal(let deviation): mapping([("normal", number(deviation.decimal))], isFlow: true)
        case .constant(let value): mapping([("constant", number(value.decimal))], isFlow: true)
        case .values(let values):
            mapping([("values", list(values.map { number($0.decimal) }, isFlow: true))], isFlow: true)
        }
    }

    // MARK: Nodes

    /// A text, in quotes where YAML would read something else.
    private func string(_ text: String) -> Node {
        let resolved = Resolver.default.resolveTag(of: Node(text))
        let isPlain = resolved == .str && !text.isEmpty && !text.contains { ",:#[]{}&*!|>'\"%@`\n".contains($0) }
        return Node(text, Tag(.str), isPlain ? .any : .doubleQuoted)
    }

    private func integer(_ value: Int) -> Node { Node(String(value), Tag(.int)) }

    private func number(_ value: Double) -> Node {
        let whole = Int(exactly: value).map { String($0) }
        // YAML 1.1 wants a point before an exponent.
        let text = whole ?? "\(value)"
        let exponent = text.firstIndex(of: "e")
        let written =
            exponent.map { text[..<$0].contains(".") ? text : "\(text[..<$0]).0\(text[$0...])" } ?? text
        return Node(written, Tag(whole == nil ? .float : .int))
    }

    private func shape(_ shape: Shape) -> Node { list(shape.dimensions.map(integer), isFlow: true) }

    private func list(_ nodes: [Node], isFlow: Bool = false) -> Node {
        .sequence(Node.Sequence(nodes, Tag(.seq), isFlow ? .flow : .block))
    }

    private func mapping(_ fields: [(String, Node)], isFlow: Bool = false) -> Node {
        .mapping(Node.Mapping(fields.map { (Node($0.0), $0.1) }, Tag(.map), isFlow ? .flow : .block))
    }
}
