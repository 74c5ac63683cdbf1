import ModelKit
import TensorCore

/// Models, each trained once for each of several settings, each run in a folder of its own.
public struct Sweep: Sendable {
    /// One of the runs.
    public struct Member: Sendable {
        /// What makes it different from the others.
        public let combination: Combination
        public let run: PlannedRun

        public init(_ combination: Combination, _ run: PlannedRun) {
            self.combination = combination
            self.run = run
        }
    }

    /// The most runs of a sweep.
    public static let largestCount = 1000

    public let folder: String
    public let variations: [VariedField]
    public let members: [Member]

    /// A sweep over all combinations of values, and of seeds, of one model.
    ///
    /// - Parameters:
    ///   - base: the definition whose fields are varied.
    ///   - variations: fields and the values to try, the last varying fastest; none to vary the seed only.
    ///   - seeds: of each combination; none for one run with seed 0.
    ///   - stepLimit: steps of each run; nil for whole epochs.
    ///   - folder: the sweep's folder, in which each run gets one.
    ///   - registry: what definitions may name.
    /// - Throws: `ZooError` that lists every combination that is no model, or for more than `largestCount`.
    public init(
        base: ModelDefinition, variations: [VariedField], seeds: [UInt64] = [], stepLimit: Int? = nil, folder: String,
        registry: Registry
    ) throws {
        try self.init(
            of: [base], variations: variations, seeds: seeds, stepLimit: stepLimit, folder: folder, registry: registry)
    }

    /// A sweep over models, all combinations of values of their fields, and seeds.
    ///
    /// - Parameters:
    ///   - models: the definitions, no two of one name.
    ///   - variations: fields, of all models or of one, and the values to try, the last varying fastest; none to vary models and
    ///     seeds only.
    ///   - seeds: of each combination; none for one run with seed 0.
    ///   - stepLimit: steps of each run; nil for whole epochs.
    ///   - folder: the sweep's folder, in which each run gets one.
    ///   - registry: what definitions may name.
    /// - Throws: `ZooError` that lists every combination that is no model, or for more than `largestCount`.
    public init(
        of models: [ModelDefinition], variations: [VariedField], seeds: [UInt64] = [], stepLimit: Int? = nil,
        folder: String, registry: Registry
    ) throws {
        let combinations = try Combination.distinct(of: variations, models: models.map(\.name), seeds: seeds)
        var problems: [String] = []
        var members: [Member] = []
        for combination in combinations {
            do {
                let base = combination.model.flatMap { name in models.first { $0.name == name } } ?? models[0]
                let definition = try ModelDefinition(
                    text: base.text, source: base.name, overrides: combination.overrides, registry: registry)
                members.append(
                    Member(
                        combination,
                        PlannedRun(
                            definition, seed: combination.seed ?? 0, stepLimit: stepLimit,
                            folder: "\(folder)/\(combination.name)")))
            } catch {
                problems.append("\(combination.label): \(error)")
            }
        }
        guard problems.isEmpty else { throw ZooError(problems, kind: .usage) }
        self.init(members, variations: variations, folder: folder)
    }

    /// A sweep of runs that are planned already.
    public init(_ members: [Member], variations: [VariedField], folder: String) {
        self.members = members
        self.variations = variations
        self.folder = folder
    }
}

extension SweepRecord {
    /// The record of a sweep of which nothing has been trained.
    ///
    /// - Parameters:
    ///   - command: what makes the sweep.
    ///   - runCommand: what makes one of its runs.
    public init(_ sweep: Sweep, command: [String], runCommand: (Int) -> [String] = { _ in [] }) {
        self.init(
            command: command, vary: sweep.variations,
            runs: sweep.members.enumerated().map { index, member in
                Run(
                    label: member.combination.label, setting: member.combination.setting,
                    folder: member.combination.name, command: runCommand(index))
            })
    }
}

extension Combination {
    /// Every combination of models, values and seeds.
    ///
    /// - Throws: `ZooError` (wrong usage) for no model, a model, field or seed that is given twice, a field of a model that is not
    ///   there, more combinations than a sweep has runs, or two that would have the same folder.
    public static func distinct(
        of fields: [VariedField], models: [String], seeds: [UInt64]
    ) throws -> [Combination] {
        guard !models.isEmpty else { throw ZooError("a sweep needs a model", kind: .usage) }
        for (index, model) in models.enumerated() where models[..<index].contains(model) {
            throw ZooError("the model \(model) is there twice", kind: .usage)
        }
        for (index, field) in fields.enumerated() {
            if let model = field.model, !models.contains(model) {
                throw ZooError(
                    "\(model):\(field.path) is varied, but the sweep has no model \(model)",
                    advice: "its models are \(models.joined(separator: ", "))", kind: .usage,
                    subject: .field(field.path))
            }
            let isTwice = fields[..<index].contains {
                $0.path == field.path && ($0.model == nil || field.model == nil || $0.model == field.model)
            }
            guard !isTwice else {
                throw ZooError(
                    "\(field.path) is varied twice", advice: "put all values in one", kind: .usage,
                    subject: .field(field.path))
            }
        }
        guard Set(seeds).count == seeds.count else { throw ZooError("a seed is there twice", kind: .usage) }
        let count = models.reduce(0.0) { sum, model in
            sum
                + fields.filter { $0.model == nil || $0.model == model }
                .reduce(Double(max(1, seeds.count))) { $0 * Double($1.values.count) }
        }
        guard count <= Double(Sweep.largestCount) else {
            throw ZooError(
                "\(Int(min(count, 1e15))) combinations are too many; at most \(Sweep.largestCount) are trained",
                kind: .usage, code: .limit)
        }
        let combinations = all(of: fields, models: models, seeds: seeds)
        var owners: [String: Combination] = [:]
        for combination in combinations {
            if let owner = owners.updateValue(combination, forKey: combination.name) {
                throw ZooError(
                    "\(owner.label) and \(combination.label) would both be in the folder \(combination.name)",
                    advice: "sweep over one of them only", kind: .usage)
            }
        }
        return combinations
    }
}
