import Figures
import Metrics
import ModelKit
import Planning
import Runs
import TensorCore
import TextSupport
import Training

extension Comparison {
    /// A number that says how good a model is.
    public struct Measure: Sendable {
        public let title: String
        /// Its field in JSON.
        public let key: String
        public let decimals: Int
        /// nil where the model has no such number.
        public let value: @Sendable (ComparedModel, ModelPictures) -> Double?

        public func text(_ model: ComparedModel, _ pictures: ModelPictures) -> String {
            value(model, pictures).map { Formatting.decimals($0, decimals) } ?? "–"
        }
    }

    public static let loss = Measure(title: "Loss", key: "loss", decimals: 2) { model, _ in
        model.history.last?.loss.means.loss
    }
    public static let reconstruction = Measure(title: "Reconstruction", key: "reconstruction", decimals: 2) {
        model, _ in
        model.history.last?.loss.means.reconstruction
    }
    public static let kl = Measure(title: "KL", key: "kl", decimals: 2) { model, _ in
        model.definition.isVariational ? model.history.last?.loss.means.kl : nil
    }
    public static let activeUnits = Measure(title: "Active", key: "active_units", decimals: 1) { model, _ in
        model.history.last?.activeUnits.map(Double.init)
    }
    /// A term of the objective by its name, of the models that have it.
    public static func metric(_ name: String) -> Measure {
        let words = MeanLosses.words(name)
        return Measure(title: words.prefix(1).uppercased() + words.dropFirst(), key: name, decimals: 3) { model, _ in
            model.history.last?.loss.means.metrics[name]
        }
    }

    /// The terms that any model has besides reconstruction and KL divergence, in the order in which they come.
    public var furtherMetrics: [String] {
        var names: [String] = []
        for name in models.flatMap({ $0.history.last?.loss.means.metrics.names ?? [] })
        where !["reconstruction", "kl"].contains(name) && !names.contains(name) { names.append(name) }
        return names
    }

    /// A metric that was computed by its name, of the models that have it.
    public static func score(_ name: String) -> Measure {
        Measure(title: name, key: name, decimals: 4) { model, _ in model.scores.first { $0.name == name }?.value }
    }

    /// The metrics that were computed of any model, in the order in which they come.
    public var computedScores: [String] {
        var names: [String] = []
        for name in models.flatMap(\.scores).map(\.name) where !names.contains(name) { names.append(name) }
        return names
    }

    /// A row for each metric that was computed, a column for each model; nil where there is none.
    public var scoreTable: PageTable? {
        let names = computedScores
        guard !names.isEmpty else { return nil }
        return PageTable(
            caption:
                "Metrics that were kept beside the checkpoints, mean ± standard deviation over repetitions. Which may be "
                + "compared, and what they mean: docs/metrics.md.",
            columns: [PageTable.Column("Metric")] + models.map { PageTable.Column($0.label, isNumber: true) },
            rows: names.map { name in
                [name]
                    + models.map { model in
                        guard let score = model.scores.first(where: { $0.name == name }) else { return "–" }
                        let spread = score.standardDeviation.map { " ± \(Formatting.decimals($0, 4))" } ?? ""
                        return Formatting.decimals(score.value, 4) + spread
                    }
            })
    }

    public static let squaredError = Measure(title: "½‖x − x̂‖²", key: "half_squared_error", decimals: 2) {
        _, pictures in
        pictures.squaredError
    }

    /// A column of the table of results.
    private struct Column: Sendable {
        var title: String
        var isNumber: Bool
        var cell: @Sendable (ComparedModel, ModelPictures) -> String

        init(
            _ title: String, isNumber: Bool = true, _ cell: @escaping @Sendable (ComparedModel, ModelPictures) -> String
        ) {
            self.title = title
            self.isNumber = isNumber
            self.cell = cell
        }

        init(_ measure: Measure) {
            self.init(measure.title) { measure.text($0, $1) }
        }
    }

    private static let columns = [
        Column("Run", isNumber: false) { model, _ in model.label },
        Column("Model", isNumber: false) { model, _ in model.definition.name },
        Column("Objective", isNumber: false) { model, _ in model.definition.objective.formula },
        Column("z") { model, _ in String(model.definition.latentSize) },
        Column("Parameters") { model, _ in Formatting.grouped(model.parameterCount) },
        Column("Epochs") { model, _ in model.history.last.map { String($0.epoch) } ?? "–" },
        Column(loss), Column(reconstruction), Column(kl),
        Column(activeUnits.title) { model, _ in
            model.history.last?.activeUnits.map { "\($0)/\(model.definition.latentSize)" } ?? "–"
        },
        Column(squaredError),
        Column("Images/s") { model, _ in
            model.history.last.map { Formatting.grouped($0.imagesPerSecond) } ?? "–"
        },
    ]

    /// The columns that say something: a model that is the same everywhere is named in the page's heading only.
    private var shownColumns: [Column] {
        var columns = Self.columns
        if let place = columns.firstIndex(where: { $0.title == Self.kl.title }) {
            columns.insert(contentsOf: furtherMetrics.map { Column(Self.metric($0)) }, at: place + 1)
        }
        return Set(models.map(\.definition.name)).count > 1 ? columns : columns.filter { $0.title != "Model" }
    }

    /// The table of results, a row for each model.
    public var results: PageTable {
        PageTable(
            caption: resultsCaption, columns: shownColumns.map { PageTable.Column($0.title, isNumber: $0.isNumber) },
            rows: zip(models, pictures).map { model, pictures in shownColumns.map { $0.cell(model, pictures) } })
    }

    /// What the numbers of the table are.
    private var resultsCaption: String {
        "At the end of training, in nats per image: means over \(split) images, KL without its weight."
            + (inputs.measured.isEmpty
                ? ""
                : " ½‖x − x̂‖² over \(Formatting.grouped(inputs.measured.count)) images, decoded from the posterior's mean.")
    }

    /// The numbers behind the tables and the curves.
    public var json: JSONValue {
        [
            "datasets": datasets, "seed": String(inputs.seed),
            "images": inputs.shown.map { JSONValue.integer(Int($0)) }, "notes": notes,
            "models": zip(models, pictures).map(Self.json), "over_seeds": seedGroups.map(\.json), "best": bestJSON,
        ]
    }

    private static func json(_ model: ComparedModel, _ pictures: ModelPictures) -> JSONValue {
        let last = model.history.last
        return [
            "label": model.label, "model": model.definition.name, "checkpoint": model.trained.path,
            "objective": model.definition.objective.formula, "likelihood": model.likelihood,
            "latent_size": model.definition.latentSize, "parameters": model.parameterCount, "epochs": last?.epoch,
            "steps": last?.step, "train": last?.train.json, "test": last?.test?.json, "active_units": last?.activeUnits,
            "half_squared_error": pictures.squaredError,
            "scores": JSONValue.object(model.scores.map { ($0.name, .number($0.value)) }),
            "images_per_second": last?.imagesPerSecond, "command": model.command,
            "epochs_history": model.history.epochs.map(\.json),
        ]
    }
}
