import TensorCore
import Yams

/// Reading the `training` section.
extension NodeReader {
    mutating func training(_ node: Node) -> TrainingRecipe? {
        let known = [
            "optimizer", "schedule", "warmup_steps", "clip_norm", "average_decay", "batch_size", "epochs", "validation",
            "patience",
        ]
        guard let fields = mapping(node, "training", known: known) else { return nil }
        for name in ["optimizer", "batch_size", "epochs"] where fields[name] == nil {
            report("the field \(name) is missing", at: node, "training")
        }
        let optimizer = fields["optimizer"].flatMap { self.optimizer($0) }
        let schedule = fields["schedule"].map { self.schedule($0) } ?? .constant
        let warmup = fields["warmup_steps"].flatMap { integer($0, "training.warmup_steps", 0...1_000_000_000) } ?? 0
        let clip = fields["clip_norm"].flatMap { number($0, "training.clip_norm", 0...1e9, openLower: true) }
        let decay = fields["average_decay"].flatMap { number($0, "training.average_decay", 0...1, openUpper: true) }
        let batch = fields["batch_size"].flatMap { integer($0, "training.batch_size", 1...65_536) }
        let epochs = fields["epochs"].flatMap { integer($0, "training.epochs", 1...1_000_000) }
        let validation = fields["validation"].flatMap { integer($0, "training.validation", 0...10_000_000) } ?? 0
        let patience = fields["patience"].flatMap { integer($0, "training.patience", 1...1_000_000) }
        guard let optimizer, let schedule, let batch, let epochs else { return nil }
        return TrainingRecipe(
            update: UpdateRule(method: optimizer.method, clipNorm: clip.map { Float($0) }, averageDecay: decay.map { Float($0) }),
            learningRate: optimizer.rate, schedule: schedule, warmupSteps: warmup, batchSize: batch, epochs: epochs,
            validationCount: validation, patience: patience)
    }

    private mutating func optimizer(_ node: Node) -> (method: UpdateRule.Method, rate: Float)? {
        let path = "training.optimizer"
        guard let choice = choice(node, path, "an optimiser") else { return nil }
        let inner = Self.join(path, choice.name)
        let adaptive = ["learning_rate", "beta1", "beta2", "epsilon", "weight_decay"]
        let known: [String]
        switch choice.name {
        case "adam", "adamw": known = adaptive
        case "sgd": known = ["learning_rate", "momentum", "nesterov", "weight_decay"]
        default:
            let near = nearestName(to: choice.name, among: ["adam", "adamw", "sgd"]).map { "did you mean \($0)?" }
            report("unknown optimiser \(choice.name); \(near ?? "known are adam, adamw, sgd")", at: choice.key, path)
            return nil
        }
        guard let body = choice.fields else {
            report("the field learning_rate is missing", at: choice.key, inner)
            return nil
        }
        guard let fields = mapping(body, inner, known: known) else { return nil }
        func value(_ name: String, _ fallback: Double, _ range: ClosedRange<Double>, open: Bool = false) -> Float {
            let field = fields[name].flatMap { number($0, Self.join(inner, name), range, openUpper: open) }
            return Float(field ?? fallback)
        }
        guard let rateNode = fields["learning_rate"] else {
            report("the field learning_rate is missing", at: body, inner)
            return nil
        }
        guard let rate = number(rateNode, inner + ".learning_rate", 0...1e3, openLower: true) else { return nil }
        let decay = value("weight_decay", choice.name == "adamw" ? 0.01 : 0, 0...10)
        if choice.name == "sgd" {
            let nesterov = fields["nesterov"].flatMap { boolean($0, inner + ".nesterov") } ?? false
            let momentum = value("momentum", 0, 0...1, open: true)
            return (.sgd(momentum: momentum, nesterov: nesterov, weightDecay: decay), Float(rate))
        }
        let beta1 = value("beta1", 0.9, 0...1, open: true)
        let beta2 = value("beta2", 0.999, 0...1, open: true)
        let epsilon = value("epsilon", 1e-8, 0...1)
        return choice.name == "adam"
            ? (.adam(beta1: beta1, beta2: beta2, epsilon: epsilon, weightDecay: decay), Float(rate))
            : (.adamW(beta1: beta1, beta2: beta2, epsilon: epsilon, weightDecay: decay), Float(rate))
    }

    private mutating func schedule(_ node: Node) -> TrainingRecipe.Schedule? {
        let path = "training.schedule"
        guard let choice = choice(node, path, "a schedule") else { return nil }
        let inner = Self.join(path, choice.name)
        switch choice.name {
        case "constant":
            return .constant
        case "cosine":
            guard let body = choice.fields else { return .cosine(minimum: 0) }
            guard let fields = mapping(body, inner, known: ["minimum"]) else { return nil }
            return .cosine(minimum: Float(fields["minimum"].flatMap { number($0, inner + ".minimum", 0...1e3) } ?? 0))
        case "step":
            guard let body = choice.fields, let fields = mapping(body, inner, known: ["epochs", "factor"]) else {
                if choice.fields == nil { report("step needs epochs and factor", at: choice.key, path) }
                return nil
            }
            guard let epochs = fields["epochs"].flatMap({ integer($0, inner + ".epochs", 1...1_000_000) }),
                let factor = fields["factor"].flatMap({ number($0, inner + ".factor", 0...1, openLower: true) })
            else {
                report("step needs epochs (a whole number) and factor (0…1)", at: body, inner)
                return nil
            }
            return .step(epochs: epochs, factor: Float(factor))
        default:
            let known = ["constant", "cosine", "step"]
            let near = nearestName(to: choice.name, among: known).map { "did you mean \($0)?" }
            report("unknown schedule \(choice.name); \(near ?? "known are \(known.joined(separator: ", "))")", at: choice.key, path)
            return nil
        }
    }
}
