import LayerLibrary
import TensorCore
import Yams

/// Reading the `objective` section.
extension NodeReader {
    mutating func objective(_ node: Node, _ registry: Registry) -> Objective? {
        guard let given = mapping(node, "objective", known: ["reconstruction", "kl", "capacity"]) else { return nil }
        if given["reconstruction"] == nil { report("the field reconstruction is missing", at: node, "objective") }
        let terms = given["reconstruction"].flatMap { self.terms($0, registry) }
        var regularizer: Objective.Regularizer?
        if let kl = given["kl"] {
            let path = "objective.kl"
            if let values = fields(DefinitionFields.kl, kl, path, at: node, shorthand: nil, registry) {
                regularizer = .weighted(
                    weight: values.number("weight"), warmupSteps: values.integer("warmup_steps"),
                    freeNats: values.number("free_nats"))
            }
        }
        if let capacity = given["capacity"] {
            let path = "objective.capacity"
            if given["kl"] != nil { report("give kl or capacity, not both", at: capacity, "objective") }
            if let values = fields(DefinitionFields.capacity, capacity, path, at: node, shorthand: nil, registry) {
                regularizer = .capacity(
                    weight: values.number("weight"), start: values.number("start"), end: values.number("end"),
                    steps: values.integer("steps"))
            }
        }
        guard let terms else { return nil }
        let isComplete = regularizer != nil || (given["kl"] == nil && given["capacity"] == nil)
        return isComplete ? Objective(terms: terms, regularizer: regularizer) : nil
    }

    /// A likelihood's name, or `{likelihood: weight, …}`.
    private mutating func terms(_ node: Node, _ registry: Registry) -> [Objective.Term]? {
        let path = "objective.reconstruction"
        let known = registry.likelihoods.map(\.name)
        if case .mapping = node {
            guard let given = mapping(node, path, known: known) else { return nil }
            if given.isEmpty { report("needs at least one likelihood with its weight", at: node, path) }
            let terms = given.sorted { $0.key < $1.key }.compactMap { name, weightNode -> Objective.Term? in
                guard let weight = number(weightNode, Self.join(path, name), 0...1e6, openLower: true),
                    let likelihood = registry.likelihood(name)
                else { return nil }
                return Objective.Term(name: name, likelihood: likelihood.likelihood, weight: Float(weight))
            }
            return terms.isEmpty ? nil : terms
        }
        guard let name = string(node, path) else { return nil }
        guard let likelihood = registry.likelihood(name) else {
            let near = nearestName(to: name, among: known).map { "did you mean \($0)?" }
            report(
                "unknown likelihood \(name); \(near ?? "known are \(known.joined(separator: ", "))")", at: node, path)
            return nil
        }
        return [Objective.Term(name: name, likelihood: likelihood.likelihood, weight: 1)]
    }
}
