import LayerLibrary
import ObjectiveLibrary
import TensorCore
import Yams

/// Reading the `objective` section.
extension NodeReader {
    mutating func objective(_ node: Node, _ registry: Registry) -> Objective? {
        let known = ["reconstruction"] + registry.regularizers.map(\.kind)
        guard let given = mapping(node, "objective", known: known) else { return nil }
        if given["reconstruction"] == nil { report("the field reconstruction is missing", at: node, "objective") }
        let reconstruction = given["reconstruction"].flatMap { self.reconstruction($0, registry) }
        let divergences = registry.regularizers.filter { $0.isDivergence && given[$0.kind] != nil }.map(\.kind)
            .sorted { $0 == "kl" || ($0 < $1 && $1 != "kl") }
        if divergences.count > 1, let second = given[divergences[1]] {
            report("give \(divergences[0]) or \(divergences[1]), not both", at: second, "objective")
        }
        var isComplete = true
        var regularizers: [any Regularizer] = []
        // In the order of the file, which the formula then has.
        let kinds = (node.mapping?.keys.compactMap(\.string) ?? []).filter { given[$0] != nil }
        for kind in kinds {
            guard let descriptor = registry.regularizer(kind), let fields = given[kind] else { continue }
            if let regularizer = regularizer(fields, descriptor, at: node, registry) {
                regularizers.append(regularizer)
            } else {
                isComplete = false
            }
        }
        guard let reconstruction, isComplete else { return nil }
        return Objective(
            terms: reconstruction.terms, distribution: reconstruction.distribution, regularizers: regularizers)
    }

    private mutating func regularizer(
        _ node: Node, _ descriptor: RegularizerDescriptor, at parent: Node, _ registry: Registry
    ) -> (any Regularizer)? {
        let path = Self.join("objective", descriptor.kind)
        guard let values = fields(descriptor.fields, node, path, at: parent, shorthand: nil, registry) else {
            return nil
        }
        do {
            return try descriptor.make(values)
        } catch {
            report(error, at: node, path)
            return nil
        }
    }

    /// What objective, bottleneck and training settings ask of each other.
    mutating func check(
        _ objective: Objective, _ latent: ModelDefinition.Latent, _ levels: [LatentLevel], batchSize: Int,
        at node: Node?, _ registry: Registry
    ) {
        let isSemiSupervised = objective.labelledImages != nil
        for regularizer in objective.regularizers {
            let path = Self.join("objective", regularizer.kind)
            let descriptor = registry.regularizer(regularizer.kind)
            if isSemiSupervised, regularizer.labelledImages == nil, !["kl", "capacity"].contains(regularizer.kind) {
                report(
                    "is not known in the mean over classes; beside classifier there can be kl or capacity", at: node,
                    path)
            }
            if descriptor?.needsCodebook == true {
                if case .discrete = latent {
                } else {
                    report("needs a codebook: latent: {size: 64, code: code, codebook: {codes: 512}}", at: node, path)
                }
            }
            if case .discrete = latent, descriptor?.needsPosterior == true {
                report("the codes of a codebook have no posterior", at: node, path)
            }
            if case .code = latent, descriptor?.needsPosterior == true {
                report(
                    "a plain autoencoder has no KL divergence and no posterior: give latent.mean and latent.log_variance "
                        + "in place of latent.code",
                    at: node, path)
            }
            if let labelled = regularizer.labelledImages, labelled.perBatch >= max(batchSize, 1) {
                report(
                    "labels_per_batch is \(labelled.perBatch), and training.batch_size \(batchSize): leave room for images without a label",
                    at: node, path)
            }
            if regularizer.labelledImages != nil, !levels.isEmpty {
                report("needs a single latent; leave latent.levels out", at: node, path)
            }
            if regularizer.needsSingleLatent, !levels.isEmpty {
                report(
                    "needs the posterior of an image by itself, which a latent below another does not have; leave latent.levels out, or take kl",
                    at: node, path)
            }
            if descriptor?.standsAlone == true, objective.regularizers.count > 1 {
                report(
                    "stands in place of reconstruction and all other regularisers; give it alone", at: node, path)
            }
            if batchSize < regularizer.smallestBatch {
                report(
                    "is computed from whole batches, of at least \(regularizer.smallestBatch) images; training.batch_size is \(batchSize)",
                    at: node, path)
            }
        }
        if case .gaussian = latent, objective.regularizers.isEmpty {
            report(
                "a variational model needs a regulariser, as kl or capacity; for a plain autoencoder give latent.code instead of mean "
                    + "and log_variance", at: node, "objective")
        }
    }

    /// A distribution's name, or `{distribution: {fields}}`; else likelihoods.
    private mutating func reconstruction(
        _ node: Node, _ registry: Registry
    ) -> (terms: [Objective.Term], distribution: (any PixelDistribution)?)? {
        let path = "objective.reconstruction"
        var (name, fields, key): (String?, Node?, Node) = (nil, nil, node)
        if case .scalar(let scalar) = node { name = scalar.string }
        if case .mapping(let mapping) = node, mapping.count == 1, let entry = mapping.first,
            case .scalar(let scalar) = entry.key
        {
            (name, fields, key) = (scalar.string, entry.value, entry.key)
        }
        guard let name, let descriptor = registry.distribution(name) else {
            return terms(node, registry).map { ($0, nil) }
        }
        let inner = Self.join(path, name)
        if case .scalar(let scalar)? = fields, Double(scalar.string) != nil {
            report(
                "takes no weight: it is the only likelihood, and the weights of other terms say the rest", at: fields,
                inner)
            return nil
        }
        guard let values = self.fields(descriptor.fields, fields, inner, at: key, shorthand: nil, registry) else {
            return nil
        }
        do {
            return ([], try descriptor.make(values))
        } catch {
            report(error, at: key, inner)
            return nil
        }
    }

    /// A likelihood's name, or `{likelihood: weight, …}`.
    private mutating func terms(_ node: Node, _ registry: Registry) -> [Objective.Term]? {
        let path = "objective.reconstruction"
        let known = registry.likelihoods.map(\.name)
        if case .mapping(let entries) = node {
            let alone = entries.keys.compactMap(\.string).first { registry.distribution($0) != nil }
            if let alone {
                report(
                    "\(alone) is a distribution of its own, which cannot be mixed with other likelihoods", at: node,
                    path)
                return nil
            }
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
            let known = known + registry.distributions.map(\.name)
            let near = nearestName(to: name, among: known).map { "did you mean \($0)?" }
            report(
                "unknown likelihood \(name); \(near ?? "known are \(known.joined(separator: ", "))")", at: node, path)
            return nil
        }
        return [Objective.Term(name: name, likelihood: likelihood.likelihood, weight: 1)]
    }
}
