import LayerLibrary
import TensorCore
import Yams

/// Reading the `training` section.
extension NodeReader {
    mutating func training(_ node: Node, _ registry: Registry) -> TrainingSettings? {
        let path = "training"
        let known = ["optimizer", "schedule", "augmentation"] + DefinitionFields.training.map(\.name)
        guard let given = mapping(node, path, known: known) else { return nil }
        if given["optimizer"] == nil { report("the field optimizer is missing: adam, adamw or sgd", at: node, path) }
        let optimizer = given["optimizer"].flatMap { self.optimizer($0, registry) }
        let schedule = given["schedule"].map { self.schedule($0, registry) } ?? .constant
        let augmentation = given["augmentation"].flatMap { self.augmentation($0, registry) }
        let values = self.values(DefinitionFields.training, given, path, at: node, registry)
        guard let optimizer, let schedule, let values else { return nil }
        return TrainingSettings(
            update: UpdateRule(
                method: optimizer.method, clipNorm: values.has("clip_norm") ? values.number("clip_norm") : nil,
                averageDecay: values.has("average_decay") ? values.number("average_decay") : nil),
            learningRate: optimizer.rate, schedule: schedule, warmupSteps: values.integer("warmup_steps"),
            batchSize: values.integer("batch_size"), epochs: values.integer("epochs"),
            validationCount: values.integer("validation"),
            patience: values.has("patience") ? values.integer("patience") : nil,
            onlyClass: values.has("only_class") ? values.integer("only_class") : nil,
            augmentation: augmentation, precision: Precision(rawValue: values.name("precision")) ?? .f32,
            convolution: ConvolutionMethod(rawValue: values.name("convolution")) ?? .fast)
    }

    /// nil where nothing would change.
    private mutating func augmentation(_ node: Node, _ registry: Registry) -> Augmentation? {
        let path = "training.augmentation"
        let schemas = DefinitionFields.augmentation
        guard let values = fields(schemas, node, path, at: node, shorthand: nil, registry) else { return nil }
        let augmentation = Augmentation(
            flip: Augmentation.Flip(rawValue: values.name("flip")) ?? .none, shift: values.integer("shift"),
            crop: values.number("crop"))
        return augmentation == Augmentation() ? nil : augmentation
    }

    /// What is wrong with an augmentation for images of this shape.
    mutating func check(_ augmentation: Augmentation?, of input: Shape, at node: Node?) {
        guard let augmentation else { return }
        let path = "training.augmentation"
        guard input.rank == 3 else {
            report("images are flipped, shifted and cropped, and the input is vectors \(input)", at: node, path)
            return
        }
        let side = min(input.height, input.width)
        guard augmentation.shift >= side else { return }
        report("images of \(input) cannot be moved by \(augmentation.shift) pixels", at: node, Self.join(path, "shift"))
    }

    private mutating func optimizer(
        _ node: Node, _ registry: Registry
    ) -> (method: UpdateRule.Method, rate: Float)? {
        let named = variant(node, "training.optimizer", "optimiser", of: DefinitionFields.optimizers, registry)
        guard let (name, values) = named else { return nil }
        let rate = values.number("learning_rate")
        let decay = values.number("weight_decay")
        if name == "sgd" {
            let momentum = values.number("momentum")
            return (.sgd(momentum: momentum, nesterov: values.boolean("nesterov"), weightDecay: decay), rate)
        }
        let (beta1, beta2) = (values.number("beta1"), values.number("beta2"))
        let epsilon = values.number("epsilon")
        return name == "adam"
            ? (.adam(beta1: beta1, beta2: beta2, epsilon: epsilon, weightDecay: decay), rate)
            : (.adamW(beta1: beta1, beta2: beta2, epsilon: epsilon, weightDecay: decay), rate)
    }

    private mutating func schedule(_ node: Node, _ registry: Registry) -> TrainingSettings.Schedule? {
        let named = variant(node, "training.schedule", "schedule", of: DefinitionFields.schedules, registry)
        guard let (name, values) = named else { return nil }
        switch name {
        case "cosine": return .cosine(minimum: values.number("minimum"))
        case "step": return .step(epochs: values.integer("epochs"), factor: values.number("factor"))
        default: return .constant
        }
    }

    /// One of several things by name, with its fields: `cosine`, or `cosine: {minimum: 1.0e-5}`.
    private mutating func variant(
        _ node: Node, _ path: String, _ what: String, of table: [String: [FieldSchema]], _ registry: Registry
    ) -> (name: String, values: FieldValues)? {
        guard let choice = choice(node, path, "one \(what)") else { return nil }
        guard let schemas = table[choice.name] else {
            let known = table.keys.sorted()
            let near = nearestName(to: choice.name, among: known).map { "did you mean \($0)?" }
            report(
                "unknown \(what) \(choice.name); \(near ?? "known are \(known.joined(separator: ", "))")",
                at: choice.key, path)
            return nil
        }
        let inner = Self.join(path, choice.name)
        return fields(schemas, choice.fields, inner, at: choice.key, shorthand: nil, registry).map { (choice.name, $0) }
    }
}
