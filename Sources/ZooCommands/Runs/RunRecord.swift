import Planning
import TensorCore
import Training

extension MeanLosses {
    var json: JSONValue {
        .object([("loss", .number(loss)), ("reconstruction", .number(reconstruction)), ("kl", .number(kl))])
    }

    /// `106.02 (reconstruction 81.51, KL 24.51)`.
    var text: String {
        "\(Formatting.decimals(loss, 2)) (reconstruction \(Formatting.decimals(reconstruction, 2)), "
            + "KL \(Formatting.decimals(kl, 2)))"
    }
}

extension EpochRecord {
    /// A line of `metrics.jsonl`.
    var json: JSONValue {
        let count = Double(max(1, latent?.imageCount ?? 1))
        let hasLatent = latent.map { $0.kl > 0 } ?? false
        return .object([
            ("epoch", .integer(epoch)), ("step", .integer(step)), ("seconds", .number(seconds)),
            ("images_per_second", .number(imagesPerSecond)), ("learning_rate", .number(Double(learningRate))),
            ("kl_weight", .number(Double(klWeight))), ("kl_capacity", .number(Double(klCapacity))),
            ("train", train.json), ("validation", validation?.json ?? .null), ("test", test?.json ?? .null),
            ("active_units", hasLatent ? JSONValue(activeCount) : .null),
            (
                "kl_per_dimension",
                hasLatent ? .array((latent?.klPerDimension ?? []).map { .number($0 / count) }) : .null
            ),
            ("best", .boolean(isBest)),
        ])
    }

    /// Latent dimensions that carry something; nil without a posterior.
    var activeCount: Int? {
        guard let latent, latent.kl > 0 else { return nil }
        return latent.activeDimensions.filter { $0 }.count
    }
}

/// What `run.json` says of a run; schemas/run.schema.json describes it.
struct RunRecord {
    enum Status: String {
        case running
        case finished
        case stoppedEarly = "stopped_early"
        case interrupted
        case failed
    }

    var model: String
    var family: String
    var dataset: String
    var seed: UInt64
    var batchSize: Int
    var epochs: Int
    var totalSteps: Int
    var parameterCount: Int
    var command: [String]
    var started: String
    var ended: String?
    var status = Status.running
    var steps = 0
    var epochsDone = 0
    var checkpoint: String?
    var best: (epoch: Int, loss: Double)?
    var last: EpochRecord?
    var message: String?

    var json: JSONValue {
        .object([
            ("format", "zoo.run/1"), ("model", .string(model)), ("family", .string(family)),
            ("dataset", .string(dataset)), ("status", .string(status.rawValue)), ("message", JSONValue(message)),
            ("seed", .string(String(seed))), ("batch_size", .integer(batchSize)), ("epochs", .integer(epochs)),
            ("total_steps", .integer(totalSteps)), ("parameters", .integer(parameterCount)),
            ("epochs_done", .integer(epochsDone)), ("steps_done", .integer(steps)),
            ("started", .string(started)), ("ended", JSONValue(ended)),
            ("checkpoint", JSONValue(checkpoint)),
            ("best", best.map { .object([("epoch", .integer($0.epoch)), ("loss", .number($0.loss))]) } ?? .null),
            ("train", last?.train.json ?? .null), ("test", last?.test?.json ?? .null),
            (
                "environment",
                .object([
                    ("tool", .string("zoo \(ZooContext.version)")),
                    ("engine", .string("onednn \(OneDNNEngine.libraryVersion)")),
                    ("instruction_set", .string(OneDNNEngine.instructionSet)),
                    ("threads", .integer(OneDNNEngine.threadCount)), ("precision", "f32"),
                ])
            ),
            ("command", .array(command.map { .string($0) })),
        ])
    }
}
