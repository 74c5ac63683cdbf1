import ArgumentParser
import Datasets
import LatentTools
import Metrics
import ModelKit
import ModelMetrics
import Runs
import TensorCore

/// Which metrics are computed, and how.
struct MetricOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Metrics by name or group, or all: --list-metrics shows them.", valueName: "names"),
        completion: .list(["all"] + MetricGroup.allCases.map(\.rawValue) + BuiltInMetrics.all.map(\.name)))
    var metrics: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("The bound of log p(x) with K codes of each image: likelihood.samples.", valueName: "K"))
    var likelihood: Int?

    @Option(
        name: .customLong("with"),
        help: ArgumentHelp("A parameter of a metric: --with mig.bins=30.", valueName: "metric.parameter=value"))
    var settings: [String] = []

    @Option(parsing: .unconditional, help: "How often each metric that draws at random is computed; then mean ± sd.")
    var repetitions: Int = 1

    @Option(help: ArgumentHelp("Leave out a factor of the data set.", valueName: "factor"))
    var withoutFactor: [String] = []

    @Option(
        help: ArgumentHelp(
            "A trained model whose codes are the features of metrics of generation.", valueName: "model"),
        completion: .trained)
    var features: String?

    @Option(help: ArgumentHelp("Where generated images come from, as for sample.", valueName: "region"))
    var from: String = "prior"

    func validate() throws {
        try requireRange("--repetitions", repetitions, 1...1_000)
        guard metrics != nil || likelihood != nil else {
            let given = [
                settings.isEmpty ? nil : "--with", withoutFactor.isEmpty ? nil : "--without-factor",
                features.map { _ in "--features" },
                repetitions == 1 ? nil : "--repetitions",
            ].compactMap(\.self)
            guard given.isEmpty else {
                throw ValidationError("\(given.joined(separator: ", ")) needs --metrics, for instance --metrics all")
            }
            return
        }
    }

    /// Whether metrics are asked for at all.
    var isGiven: Bool { metrics != nil || likelihood != nil }

    /// What the metrics are computed of.
    ///
    /// - Throws: `ZooError` where the model of `--features` cannot be read or does not fit.
    func subject(
        _ model: TrainedModel, _ dataset: any Dataset, split: Split, seed: UInt64, registry: Registry
    ) throws -> MetricSubject {
        try MetricSubject(
            model: model, images: try model.images(of: dataset, split: split), seed: seed,
            withoutFactors: withoutFactor,
            features: try features.map { try TrainedModel(argument: $0, registry: registry) },
            region: try LatentRegion(argument: from))
    }

    /// The metrics with their settings.
    ///
    /// - Throws: `ZooError` (wrong usage) that lists every name and value that is none.
    func choices() throws -> [ModelEvaluation.Choice] {
        var names = (metrics ?? "").split(separator: ",").map { $0.trimmingPrefix(while: \.isWhitespace) }.map(
            String.init)
        let grouped = try BuiltInMetrics.named(names).map(\.name)
        // The metric by itself, whose group has its name, too.
        if likelihood != nil { names.append("likelihood") }
        let found = BuiltInMetrics.all.filter {
            grouped.contains($0.name) || likelihood != nil && $0.name == "likelihood"
        }
        var chosen: [String: [String: Double]] = [:]
        if let likelihood { chosen["likelihood"] = ["samples": Double(likelihood)] }
        var faults: [String] = []
        for setting in settings {
            let sides = setting.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let path = sides[0].split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
            guard sides.count == 2, path.count == 2, let value = Double(sides[1]) else {
                faults.append("--with \(setting): it has the form METRIC.PARAMETER=NUMBER")
                continue
            }
            guard BuiltInMetrics.all.contains(where: { $0.name == path[0] }) else {
                faults.append("--with \(setting): there is no metric '\(path[0])'")
                continue
            }
            chosen[String(path[0]), default: [:]][String(path[1])] = value
        }
        var result: [ModelEvaluation.Choice] = []
        for metric in found {
            do {
                let settings = try MetricSettings(of: metric, chosen: chosen[metric.name] ?? [:])
                result.append(
                    ModelEvaluation.Choice(metric, settings: settings, isRequired: names.contains(metric.name)))
            } catch {
                faults.append("\(error)")
            }
        }
        for name in chosen.keys.sorted() where !found.contains(where: { $0.name == name }) {
            faults.append("--with \(name)…: the metric is not among those that are computed")
        }
        guard faults.isEmpty else { throw ZooError(faults, kind: .usage) }
        return result
    }
}
