import Planning
import TensorCore
import TextSupport
import Training

/// What a line of `metrics.jsonl` says of an epoch.
public struct EpochSummary {
    public var epoch: Int
    public var step: Int
    /// Seconds since the run began, interruptions left out.
    public var seconds: Double
    public var imagesPerSecond: Double
    public var train: MeanLosses
    public var validation: MeanLosses?
    public var test: MeanLosses?
    /// nil for a plain autoencoder.
    public var activeUnits: Int?
    /// `[D]`; nil for a plain autoencoder.
    public var klPerDimension: [Double]?
    public var isBest: Bool

    /// The loss that decides which epoch is the best.
    public var monitoredLoss: Double

    /// The losses that say most about the model, with the split they are of: test, else validation, else training.
    public var loss: (split: String, means: MeanLosses) {
        if let test { return ("test", test) }
        if let validation { return ("validation", validation) }
        return ("training", train)
    }

    public init(_ record: EpochRecord) {
        epoch = record.epoch
        step = record.step
        seconds = record.seconds
        imagesPerSecond = record.imagesPerSecond
        train = record.train
        validation = record.validation
        test = record.test
        activeUnits = record.activeCount
        klPerDimension = record.klPerDimension
        monitoredLoss = record.monitoredLoss
        isBest = record.isBest
    }

    /// - Throws: `ZooError` where a field is missing or of another type.
    public init(json: JSONValue) throws {
        func integer(_ name: String) throws -> Int {
            guard let value = json[name]?.countValue else {
                throw ZooError("the whole number \(name) is missing", code: .damaged)
            }
            return value
        }
        func number(_ name: String) throws -> Double {
            guard let value = json[name]?.numberValue else {
                throw ZooError("the number \(name) is missing", code: .damaged)
            }
            return value
        }
        guard let train = try MeanLosses(json: json["train"]) else {
            throw ZooError("the losses train are missing", code: .damaged)
        }
        self.train = train
        epoch = try integer("epoch")
        step = try integer("step")
        seconds = try number("seconds")
        imagesPerSecond = try number("images_per_second")
        let (validation, test) = (try MeanLosses(json: json["validation"]), try MeanLosses(json: json["test"]))
        (self.validation, self.test) = (validation, test)
        activeUnits = json["active_units"]?.countValue
        klPerDimension = json["kl_per_dimension"]?.arrayValue?.compactMap(\.numberValue)
        monitoredLoss = json["monitored"]?.numberValue ?? (validation ?? test ?? train).loss
        isBest = json["best"]?.booleanValue ?? false
    }

    public var json: JSONValue {
        [
            "epoch": epoch, "step": step, "seconds": seconds, "images_per_second": imagesPerSecond, "train": train.json,
            "validation": validation?.json, "test": test?.json, "active_units": activeUnits, "monitored": monitoredLoss,
            "best": isBest,
        ]
    }
}

extension MeanLosses {
    public var json: JSONValue {
        .object([("loss", .number(loss))] + metrics.values.map { ($0.name, .number($0.value)) })
    }

    /// nil where there are none.
    ///
    /// - Throws: `ZooError` where a number is missing.
    public init?(json: JSONValue?) throws {
        guard let json, case .object(let fields) = json else { return nil }
        let numbers = fields.compactMap { field in field.1.numberValue.map { (name: field.0, value: $0) } }
        guard let loss = json["loss"]?.numberValue, numbers.count == fields.count,
            numbers.count <= SIMD16<Double>.scalarCount, json["reconstruction"] != nil
        else { throw ZooError("losses without loss and reconstruction, or with what is no number", code: .damaged) }
        // What is read has no order of its own: the two that everybody looks for come first.
        let first = ["reconstruction", "kl"]
        let known = first.compactMap { name in numbers.first { $0.name == name } }
        self.init(
            loss: loss,
            metrics: MetricValues(known + numbers.filter { $0.name != "loss" && !first.contains($0.name) }))
    }

    /// `106.02 (reconstruction 81.51, KL 24.51)`.
    ///
    /// - Parameter note: what the parentheses begin with.
    public func text(note: String = "") -> String {
        let parts = metrics.values.map { "\(Self.words($0.name)) \(Formatting.decimals($0.value, 2))" }
        return "\(Formatting.decimals(loss, 2)) (\(note)\(parts.joined(separator: ", ")))"
    }

    /// What people read in place of a metric's name: `KL`, `total correlation`.
    public static func words(_ name: String) -> String {
        name.split(separator: "_").map { $0 == "kl" ? "KL" : $0 == "mmd" ? "MMD" : String($0) }.joined(separator: " ")
    }
}
