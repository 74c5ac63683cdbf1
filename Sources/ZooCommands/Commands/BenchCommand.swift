import ArgumentParser
import Glibc
import ModelKit
import Planning
import TensorCore
import TextSupport

struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "How fast models train on this machine, and how close to its limit.",
        discussion: """
            A step is forward, loss, backward and update on a batch in memory. Operations are counted as published: six per
            multiply-add of the forward pass. The peak is a multiply-add loop on registers, on all threads.

              \(Tool.name) bench conv-vae-mnist conv-vae-cifar
              \(Tool.name) bench conv-vae-cifar --profile
              \(Tool.name) bench conv-vae-mnist --checkpoint
            """)

    @Argument(help: "Models' names, definition files or checkpoints.", completion: .anyModel)
    var names: [String]

    @OptionGroup var models: ModelOptions

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
        if let batchSize, !(1...65_536).contains(batchSize) {
            throw ValidationError("--batch-size must lie in 1…65536, is \(batchSize)")
        }
    }

    func run() throws {
        try Computing.use(threads: threads)
        let registry = try models.registry()
        let definitions = try names.map { try ModelArgument.definition($0, registry: registry) }
        if checkpoint { return try measureCheckpoints(definitions) }
        let peak = Computing.measuredPeak(seconds: 0.3)
        let results = try definitions.map {
            var definition = $0
            if let precision { definition.training.precision = precision }
            if let convolution { definition.training.convolution = convolution }
            return try Measurement(definition, batchSize: batchSize, seconds: seconds, peak: peak)
        }
        if json {
            Console.print(JSONValue.array(results.map(\.json)))
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
        for result in results { table.add(result.cells) }
        for line in table.lines { Console.print(line) }
        if profile {
            for line in results.flatMap(\.profile) { Console.print(line) }
        }
    }
}

extension BenchCommand {
    private func measureCheckpoints(_ definitions: [ModelDefinition]) throws {
        let results = try definitions.map { try CheckpointMeasurement($0, seconds: seconds, in: ".") }
        if json {
            Console.print(JSONValue.array(results.map(\.json)))
            return
        }
        var table = Table(CheckpointMeasurement.headings)
        for result in results { table.add(result.cells) }
        for line in table.lines { Console.print(line) }
    }
}

/// Step times of one model.
private struct Measurement {
    private let definition: ModelDefinition
    private let batchSize: Int
    private let times: [Double]
    private let flops: Double
    private let peak: Double
    private let memoryByteCount: Int
    private let steps: [StepProfile]

    init(
        _ definition: ModelDefinition, batchSize: Int?, seconds: Double, peak: Double
    ) throws {
        self.definition = definition
        self.peak = peak
        let batchSize = batchSize ?? definition.training.batchSize
        self.batchSize = batchSize
        let plan = try TrainingPlan(
            definition, batchSize: batchSize, engine: Computing.engine(for: definition.training))
        plan.model.initialize(seed: 0)
        let stream = RandomStream(seed: 0, purpose: .other)
        let pixels = (0..<batchSize * definition.input.count).map { UInt8(truncatingIfNeeded: stream.word(UInt64($0))) }
        let indices = (0..<Int32(batchSize)).map { $0 }
        var times: [Double] = []
        let clock = ContinuousClock()
        pixels.withUnsafeBufferPointer { pixels in
            indices.withUnsafeBufferPointer { indices in
                func step(_ number: Int) -> Double {
                    let duration = clock.measure {
                        _ = plan.step(
                            on: .bytes(pixels), imageIndices: indices, step: number, seed: 0,
                            learningRate: definition.training.learningRate)
                    }.components
                    return Double(duration.seconds) + Double(duration.attoseconds) * 1e-18
                }
                for number in 0..<10 { _ = step(number) }
                var total = 0.0
                while total < seconds {
                    times.append(step(10 + times.count))
                    total += times[times.count - 1]
                }
            }
        }
        self.times = times.sorted()
        flops = 6 * Double(plan.model.graph.program.multiplyAddsPerImage) * Double(batchSize)
        memoryByteCount = plan.model.compiled.memoryByteCount
        steps = Self.medianProfile(of: plan, batchSize: batchSize)
    }

    /// Each step's median time over some runs.
    private static func medianProfile(of plan: TrainingPlan, batchSize: Int) -> [StepProfile] {
        let values = StepValues(imageCount: batchSize, learningRate: 1e-6)
        let runs = (0..<21).map { _ in plan.model.compiled.profile(values) }
        guard var profile = runs.first else { return [] }
        for index in profile.indices {
            let seconds = runs.filter { $0.count == profile.count }.map { $0[index].seconds }.sorted()
            profile[index].seconds = seconds[seconds.count / 2]
        }
        return profile
    }

    private func quantile(_ share: Double) -> Double { times[Int(share * Double(times.count - 1))] }

    private var median: Double { quantile(0.5) }

    var cells: [String] {
        [
            definition.name, definition.training.precision.rawValue, "\(batchSize)",
            Formatting.decimals(median * 1e3, 2),
            "\(Formatting.decimals(quantile(0.1) * 1e3, 2))–\(Formatting.decimals(quantile(0.9) * 1e3, 2))",
            Formatting.grouped(Double(batchSize) / median), Formatting.decimals(flops / median / 1e9, 0),
            Formatting.decimals(100 * flops / median / peak, 0) + " %", Formatting.bytes(memoryByteCount),
        ]
    }

    var json: JSONValue {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return .object([
            ("model", .string(definition.name)), ("precision", .string(definition.training.precision.rawValue)),
            ("convolution", .string(definition.training.convolution.rawValue)),
            ("batch_size", .integer(batchSize)),
            ("threads", .integer(Computing.threadCount)), ("step_ms", .number(median * 1e3)),
            ("step_ms_90", .number(quantile(0.9) * 1e3)),
            ("images_per_second", .number(Double(batchSize) / median)), ("gflops", .number(flops / median / 1e9)),
            ("peak_gflops", .number(peak / 1e9)), ("peak_fraction", .number(flops / median / peak)),
            ("arena_bytes", .integer(memoryByteCount)), ("peak_rss_bytes", .integer(usage.ru_maxrss * 1024)),
        ])
    }

    var profile: [String] {
        let total = steps.reduce(0) { $0 + $1.seconds }
        var table = Table([
            ("STEP", .left), ("OPERATION", .left), ("PASS", .left), ("KERNEL", .left), ("µS", .right),
            ("SHARE", .right),
            ("GFLOP/S", .right), ("GB/S", .right),
        ])
        for step in steps {
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
        return ["", "\(definition.name): \(Formatting.decimals(total * 1e3, 2)) ms in \(steps.count) steps"]
            + table.lines
    }
}
