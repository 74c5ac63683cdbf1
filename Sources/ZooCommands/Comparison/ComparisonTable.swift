import Figures
import ModelKit
import TensorCore

extension Comparison {
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
    }

    private static func number(_ value: Double?, _ decimals: Int = 2) -> String {
        value.map { Formatting.decimals($0, decimals) } ?? "–"
    }

    private static let columns = [
        Column("Run", isNumber: false) { model, _ in model.label },
        Column("Model", isNumber: false) { model, _ in model.definition.name },
        Column("Objective", isNumber: false) { model, _ in model.definition.objective.formula },
        Column("z") { model, _ in String(model.definition.latentSize) },
        Column("Parameters") { model, _ in Formatting.grouped(model.parameterCount) },
        Column("Epochs") { model, _ in model.history.last.map { String($0.epoch) } ?? "–" },
        Column("Loss") { model, _ in number(model.history.last?.loss.means.loss) },
        Column("Reconstruction") { model, _ in number(model.history.last?.loss.means.reconstruction) },
        Column("KL") { model, _ in model.definition.isVariational ? number(model.history.last?.loss.means.kl) : "–" },
        Column("Active") { model, _ in
            model.history.last?.activeUnits.map { "\($0)/\(model.definition.latentSize)" } ?? "–"
        },
        Column("½‖x − x̂‖²") { _, pictures in number(pictures.squaredError) },
        Column("Images/s") { model, _ in
            model.history.last?.imagesPerSecond.map { Formatting.grouped(Int($0.rounded())) } ?? "–"
        },
    ]

    /// The columns that say something: a model that is the same everywhere is named in the page's heading only.
    private var shownColumns: [Column] {
        Set(models.map(\.definition.name)).count > 1 ? Self.columns : Self.columns.filter { $0.title != "Model" }
    }

    private var rows: [[String]] {
        zip(models, pictures).map { model, pictures in shownColumns.map { $0.cell(model, pictures) } }
    }

    /// What the numbers of the table are.
    var tableCaption: String {
        return "At the end of training, in nats per image: means over \(split) images, KL without its weight. "
            + (inputs.measured.isEmpty
                ? ""
                : "½‖x − x̂‖² over \(Formatting.grouped(inputs.measured.count)) images, decoded from the posterior's mean.")
    }

    /// For a terminal.
    var table: Table {
        var table = Table(shownColumns.map { ($0.title.uppercased(), $0.isNumber ? .right : .left) })
        for row in rows { table.add(row) }
        return table
    }

    /// For a page.
    var pageTable: PageTable {
        PageTable(
            caption: tableCaption, columns: shownColumns.map { PageTable.Column($0.title, isNumber: $0.isNumber) },
            rows: rows)
    }

    /// The numbers behind the table and the curves.
    var json: JSONValue {
        .object([
            ("datasets", .array(datasets.map { .string($0) })), ("seed", .string(String(inputs.seed))),
            ("images", .array(inputs.shown.map { .integer(Int($0)) })),
            ("notes", .array(notes.map { .string($0) })),
            ("models", .array(zip(models, pictures).map(Self.json))),
        ])
    }

    private static func json(_ model: ComparedModel, _ pictures: ModelPictures) -> JSONValue {
        func json(_ losses: MetricsHistory.Losses?) -> JSONValue {
            guard let losses else { return .null }
            return .object([
                ("loss", .number(losses.loss)), ("reconstruction", .number(losses.reconstruction)),
                ("kl", .number(losses.kl)),
            ])
        }
        let last = model.history.last
        return .object([
            ("label", .string(model.label)), ("model", .string(model.definition.name)),
            ("checkpoint", .string(model.trained.path)), ("objective", .string(model.definition.objective.formula)),
            ("likelihood", .string(model.likelihood)), ("latent_size", .integer(model.definition.latentSize)),
            ("parameters", .integer(model.parameterCount)), ("epochs", JSONValue(last?.epoch)),
            ("steps", JSONValue(last?.step)), ("train", json(last?.train)), ("test", json(last?.test)),
            ("active_units", JSONValue(last?.activeUnits)),
            ("half_squared_error", JSONValue(pictures.squaredError)),
            ("images_per_second", JSONValue(last?.imagesPerSecond)),
            ("command", .array(model.command.map { .string($0) })),
            (
                "epochs_history",
                .array(
                    model.history.records.map {
                        .object([
                            ("epoch", .integer($0.epoch)), ("step", .integer($0.step)), ("train", json($0.train)),
                            ("test", json($0.test)),
                        ])
                    })
            ),
        ])
    }
}
