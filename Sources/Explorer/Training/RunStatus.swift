import FileSupport
import Planning
import Runs
import TensorCore
import TextSupport
import Training

/// How far a run is, with its curves and pictures: what its folder says now.
struct RunStatus {
    private let folder: RunFolder
    private let overview: Result<RunOverview, any Error>

    init(_ folder: RunFolder) {
        self.folder = folder
        overview = Result { try RunOverview(folder) }
    }

    var json: JSONValue {
        switch overview {
        case .failure(let error):
            .object([
                ("folder", .string(folder.path)),
                ("problem", .string((error as? ZooError)?.message ?? "\(error)")),
            ])
        case .success(let overview): json(overview)
        }
    }

    private func json(_ overview: RunOverview) -> JSONValue {
        let record = overview.record
        let speed = imagesPerSecond(overview)
        let left = speed.map { Double(max(0, record.totalSteps - record.steps) * record.batchSize) / $0 }
        return .object([
            ("folder", .string(folder.path)), ("model", .string(record.model)), ("dataset", .string(record.dataset)),
            ("state", .string(overview.state.words)), ("isRunning", .boolean(overview.state == .running)),
            ("seed", .string(String(record.seed))), ("step", .integer(record.steps)),
            ("totalSteps", .integer(record.totalSteps)), ("stepsPerEpoch", JSONValue(record.stepsPerEpoch)),
            ("epochs", .string(record.epochsText(separator: " of "))), ("imagesPerSecond", JSONValue(speed)),
            ("secondsLeft", overview.state == .running ? JSONValue(left) : .null),
            ("problem", JSONValue(overview.historyProblem ?? record.message)),
            ("series", .array(Self.series(overview.history))), ("pictures", .array(pictures)),
        ])
    }

    /// As measured last; nil before anything was.
    private func imagesPerSecond(_ overview: RunOverview) -> Double? {
        let step = overview.history.steps.last { $0.imagesPerSecond != nil }
        let epoch = overview.history.epochs.last
        let last = (step?.step ?? 0) > (epoch?.step ?? 0) ? step?.imagesPerSecond : epoch?.imagesPerSecond
        return last.flatMap { $0.isFinite && $0 > 0 ? $0 : nil }
    }

    /// The loss and each of its terms over the steps, of each split: `[[step, value], …]`.
    private static func series(_ history: MetricsHistory) -> [JSONValue] {
        let steps = history.steps.map { (step: $0.step, losses: $0.train) }
        let epochs = history.epochs
        let splits: [(String, [(step: Int, losses: MeanLosses)])] = [
            ("training", steps.isEmpty ? epochs.map { ($0.step, $0.train) } : steps),
            ("validation", epochs.compactMap { epoch in epoch.validation.map { (epoch.step, $0) } }),
            ("test", epochs.compactMap { epoch in epoch.test.map { (epoch.step, $0) } }),
        ]
        return splits.flatMap { split, points -> [JSONValue] in
            let points = thinned(points)
            guard let last = points.last?.losses else { return [] }
            let terms =
                [("loss", { (losses: MeanLosses) in losses.loss })]
                + last.metrics.values.map { metric in
                    (metric.name, { (losses: MeanLosses) in losses.metrics[metric.name] ?? .nan })
                }
            return terms.map { name, value in
                .object([
                    ("split", .string(split)), ("term", .string(name)), ("words", .string(MeanLosses.words(name))),
                    (
                        "points",
                        .array(
                            points.map { .array([.integer($0.step), .number(value($0.losses))]) })
                    ),
                ])
            }
        }
    }

    private static let mostPoints = 1_000

    /// At most `mostPoints` of them, evenly chosen, the last among them.
    private static func thinned<Point>(_ points: [Point]) -> [Point] {
        guard points.count > mostPoints else { return points }
        return (0..<mostPoints).map { points[$0 * (points.count - 1) / (mostPoints - 1)] }
    }

    // MARK: Pictures

    /// What the folder has pictures of.
    private static let kinds = ["samples", "reconstructions", "traversal"]

    private var pictures: [JSONValue] {
        Self.kinds.compactMap { kind in
            let names = folder.epochPictures(kind).map { Self.name(of: $0) }
            guard !names.isEmpty else { return nil }
            return .object([
                ("kind", .string(kind)),
                (
                    "pictures",
                    .array(
                        names.map { .object([("name", .string($0)), ("caption", .string(Self.caption($0, kind)))]) })
                ),
            ])
        }
    }

    private static func name(of path: String) -> String { path.split(separator: "/").last.map(String.init) ?? path }

    /// `epoch 3`, or `step 50` of `samples-epoch-0001-step-00050.png`.
    private static func caption(_ name: String, _ kind: String) -> String {
        let middle = name.dropFirst("\(kind)-epoch-".count).dropLast(".png".count)
        func number(_ text: Substring) -> String { Int(text).map(String.init) ?? String(text) }
        if let step = middle.firstRange(of: "-step-") { return "step \(number(middle[step.upperBound...]))" }
        return "epoch \(number(middle))"
    }

    /// The bytes of one of its pictures; nil where it has none of that name.
    ///
    /// - Throws: `ZooError` where it cannot be read.
    static func picture(_ name: String, of folder: RunFolder) throws -> [UInt8]? {
        guard let path = kinds.flatMap(folder.epochPictures).first(where: { Self.name(of: $0) == name }) else {
            return nil
        }
        do throws(FileReadingFailure) {
            return try FileReading.bytes(of: Array(path.utf8), limit: 64 << 20)
        } catch {
            throw ZooError("cannot read the picture \(path)", code: .system, subject: .path(path))
        }
    }
}
