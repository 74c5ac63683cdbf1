import Checkpoints
import FileSupport
import Metrics
import ModelKit
import ModelMetrics
import ObjectiveLibrary
import Planning
import Runs
import TensorCore

/// One of the models that are compared.
public struct ComparedModel {
    /// What tables and figures call it.
    public var label: String
    /// Of the runs of a sweep: what those of other seeds have in common with it.
    public let setting: String?
    public let trained: TrainedModel
    /// Makes it again; empty where nobody knows.
    public let command: [String]
    public let parameterCount: Int
    /// Metrics that were computed of this checkpoint and kept beside it.
    public let scores: [MetricReport.Score]
    /// What they say of pairs, for instance of factors and latent dimensions.
    public let tables: [MetricTable]

    public var definition: ModelDefinition { trained.definition }
    public var history: MetricsHistory { trained.history }

    /// The likelihoods, for instance `bernoulli + gaussian`.
    public var likelihood: String {
        definition.objective.distribution?.name
            ?? definition.objective.terms.map(\.name).sorted().joined(separator: " + ")
    }

    /// The latent dimensions that carry most, most first: by KL where the history has it, else as they come.
    public func dimensions(atMost count: Int) -> [Int] {
        let kl = (history.last?.klPerDimension ?? []).map { $0.isFinite ? $0 : 0 }
        let all = Array(0..<definition.latentSize)
        guard kl.count == all.count else { return Array(all.prefix(count)) }
        return Array(all.sorted { (kl[$1], $0) < (kl[$0], $1) }.prefix(count))
    }

    /// The models that paths name: runs, checkpoints, and the runs of sweeps.
    ///
    /// - Returns: the models, and why runs of sweeps are left out.
    /// - Throws: `ZooError` that lists everything that cannot be read.
    public static func all(
        _ arguments: [String], registry: Registry
    ) throws -> (models: [ComparedModel], notes: [String]) {
        var models: [ComparedModel] = []
        var notes: [String] = []
        var problems: [String] = []
        for argument in arguments {
            do {
                guard let sweep = try SweepRecord.read(from: argument) else {
                    models.append(try ComparedModel(argument, registry: registry))
                    continue
                }
                var found: [ComparedModel] = []
                for run in sweep.runs {
                    do {
                        let model = try ComparedModel(
                            "\(argument)/\(run.folder)", run: run, registry: registry)
                        found.append(model)
                    } catch {
                        notes.append("leaving out \(run.label.printable()): \(error)")
                    }
                }
                if found.isEmpty {
                    throw ZooError(
                        "the sweep \(argument) has no run with a checkpoint",
                        advice: "train its runs first", code: .notFound)
                }
                models += found
            } catch {
                problems.append("\(error)")
            }
        }
        guard problems.isEmpty else { throw ZooError(problems, code: .invalidValue) }
        return (distinguished(models, arguments), notes)
    }

    /// - Parameter run: what a sweep says of it.
    private init(_ argument: String, run: SweepRecord.Run? = nil, registry: Registry) throws {
        trained = try TrainedModel(argument, registry: registry)
        parameterCount = try ModelGraph(trained.definition, purpose: .evaluation).parameterCount
        (scores, tables) = try EvaluationRecord.kept(ofCheckpoint: trained.path)
        var path = argument[...]
        while path.hasSuffix("/") { path.removeLast() }
        label = run?.label ?? String(path.split(separator: "/").last ?? path)
        setting = run?.setting
        command = try run?.command ?? Self.command(of: argument)
    }

    /// What a run's record says it was called with, if that made it from nothing.
    private static func command(of folder: String) throws -> [String] {
        let run = RunFolder(path: folder)
        guard try FilePresence.isPresent(run.recordFile) else { return [] }
        let command = try run.record().command
        return command.contains("--resume") || !command.contains("train") ? [] : command
    }

    /// Labels that are there twice become paths.
    private static func distinguished(_ models: [ComparedModel], _ arguments: [String]) -> [ComparedModel] {
        var counts: [String: Int] = [:]
        for model in models { counts[model.label, default: 0] += 1 }
        return models.map { model in
            var model = model
            if counts[model.label] != 1 { model.label = model.trained.path }
            return model
        }
    }
}
