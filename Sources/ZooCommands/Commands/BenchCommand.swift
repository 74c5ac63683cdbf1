import ArgumentParser
import Glibc
import ModelKit
import Planning
import Runs
import TensorCore
import TextSupport

struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "How fast models train on this machine, and how close to its limit.",
        discussion: """
            A step is forward, loss, backward and update on a batch in memory. Operations are counted as published: six per
            multiply-add of the forward pass. The peak is a multiply-add loop on registers, on all threads.

              \(Tool.name) bench conv-vae-mnist conv-vae-cifar
              \(Tool.name) bench conv-vae-cifar --profile --set training.batch_size=32
              \(Tool.name) bench conv-vae-mnist --checkpoint
            """)

    @Argument(help: "Models' names, definition files or checkpoints.", completion: .anyModel)
    var names: [String]

    @OptionGroup var models: ModelOptions
    @OptionGroup var changes: OverrideOptions

    @Option(help: "Number format of matrix products and activations: f32 or bf16 (default: the definition's).")
    var precision: Precision?

    @Option(help: "Convolutions in f32: fast or direct (default: the definition's).")
    var convolution: ConvolutionMethod?

    @Option(parsing: .unconditional, help: "Images per step (default: the definition's).")
    var batchSize: Int?

    @Option(parsing: .unconditional, help: "Threads that compute (default: all cores).")
    var threads: Int?

    @Option(parsing: .unconditional, help: "Seconds of steps per model.")
    var seconds: Double = 3

    @Flag(help: "List each step of the plan with its time and kernel.")
    var profile = false

    @Flag(help: "Measure saving and loading checkpoints in the current folder instead of steps.")
    var checkpoint = false

    @Flag(help: "One JSON array on standard output.")
    var json = false

    func validate() throws {
        guard seconds > 0, seconds <= 3600 else { throw ValidationError("--seconds must lie in 0…3600, is \(seconds)") }
        try requireRange("--batch-size", batchSize, 1...65_536)
    }

    func run() throws {
        try Computing.use(threads: threads)
        let registry = try models.registry()
        let overrides = try changes.overrides()
        let definitions = try names.map {
            try NamedModel(argument: $0, overrides: overrides, registry: registry).definition
        }
        if checkpoint { return try measureCheckpoints(definitions) }
        let peak = Computing.measuredPeak(seconds: 0.3)
        let results = try definitions.map {
            var definition = $0
            if let precision { definition.training.precision = precision }
            if let convolution { definition.training.convolution = convolution }
            return try TrainingStepTimes(definition, batchSize: batchSize, seconds: seconds)
        }
        if json {
            Console.print(JSONValue.array(results.map { $0.json(peak: peak) }))
            return
        }
        Console.print(
            "\(Computing.threadCount) threads, \(Computing.engineVersion) (\(Computing.instructionSet)), "
                + "f32 peak \(Formatting.decimals(peak / 1e9, 0)) GFLOP/s")
        var table = Table([
            ("MODEL", .left), ("PRECISION", .left), ("BATCH", .right), ("STEP MS", .right), ("10%–90%", .right),
            ("IMAGES/S", .right),
            ("GFLOP/S", .right), ("OF PEAK", .right), ("MEMORY", .right),
        ])
        for result in results { table.add(result.cells(peak: peak)) }
        for line in table.lines { Console.print(line) }
        if profile {
            for line in results.flatMap(\.profileLines) { Console.print(line) }
        }
    }
}

extension BenchCommand {
    private func measureCheckpoints(_ definitions: [ModelDefinition]) throws {
        let results = try definitions.map { try CheckpointTimes($0, seconds: seconds) }
        if json {
            Console.print(JSONValue.array(results.map(\.json)))
            return
        }
        var table = Table(CheckpointTimes.headings)
        for result in results { table.add(result.cells) }
        for line in table.lines { Console.print(line) }
    }
}

extension CheckpointTimes {
    static let headings: [(String, Table.Alignment)] = [
        ("MODEL", .left), ("SIZE", .right), ("SAVE MS", .right), ("10%–90%", .right), ("LOAD MS", .right),
        ("10%–90%", .right),
    ]

    var cells: [String] {
        [definition.name, Formatting.bytes(byteCount)] + saving.cells(decimals: 1) + loading.cells(decimals: 1)
    }

    var json: JSONValue {
        [
            "model": definition.name, "bytes": byteCount, "save_seconds": saving.median, "load_seconds": loading.median,
            "count": saving.seconds.count,
        ]
    }
}

extension TimeSample {
    /// Median and range in milliseconds.
    fileprivate func cells(decimals: Int) -> [String] {
        func milliseconds(_ share: Double) -> String { Formatting.decimals(quantile(share) * 1e3, decimals) }
        return [milliseconds(0.5), "\(milliseconds(0.1))–\(milliseconds(0.9))"]
    }
}

extension TrainingStepTimes {
    func cells(peak: Double) -> [String] {
        [
            definition.name, definition.training.precision.rawValue, "\(batchSize)",
        ] + times.cells(decimals: 2) + [
            Formatting.grouped(imagesPerSecond), Formatting.decimals(speed / 1e9, 0),
            Formatting.decimals(100 * speed / peak, 0) + " %", Formatting.bytes(memoryByteCount),
        ]
    }

    func json(peak: Double) -> JSONValue {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return [
            "model": definition.name, "precision": definition.training.precision.rawValue,
            "convolution": definition.training.convolution.rawValue, "batch_size": batchSize,
            "threads": Computing.threadCount, "step_ms": times.median * 1e3, "step_ms_90": times.quantile(0.9) * 1e3,
            "images_per_second": imagesPerSecond, "gflops": speed / 1e9, "peak_gflops": peak / 1e9,
            "peak_fraction": speed / peak, "arena_bytes": memoryByteCount, "peak_rss_bytes": usage.ru_maxrss * 1024,
        ]
    }

    var profileLines: [String] {
        let total = profile.reduce(0) { $0 + $1.seconds }
        var table = Table([
            ("STEP", .left), ("OPERATION", .left), ("PASS", .left), ("KERNEL", .left), ("µS", .right),
            ("SHARE", .right),
            ("GFLOP/S", .right), ("GB/S", .right),
        ])
        for step in profile {
            let pass =
                switch step.pass {
                case .forward: "forward"
                case .backwardData: "data"
                case .backwardWeights: "weights"
                }
            table.add([
                step.path, step.operation, pass, step.implementation, Formatting.decimals(step.seconds * 1e6, 0),
                Formatting.decimals(100 * step.seconds / total, 1) + " %",
                step.flops > 0 ? Formatting.decimals(step.flops / step.seconds / 1e9, 0) : "",
                Formatting.decimals(Double(step.byteCount) / step.seconds / 1e9, 1),
            ])
        }
        return ["", "\(definition.name): \(Formatting.decimals(total * 1e3, 2)) ms in \(profile.count) steps"]
            + table.lines
    }
}
