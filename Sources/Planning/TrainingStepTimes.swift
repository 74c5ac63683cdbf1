import ModelKit
import TensorCore

/// Seconds that something took, again and again.
public struct TimeSample: Sendable {
    /// Sorted.
    public let seconds: [Double]

    /// - Parameter seconds: in any order; at least one.
    public init(_ seconds: [Double]) {
        self.seconds = seconds.sorted()
    }

    public var median: Double { quantile(0.5) }

    /// The time that a share of all is below.
    public func quantile(_ share: Double) -> Double {
        seconds.isEmpty ? .nan : seconds[Int(share * Double(seconds.count - 1))]
    }
}

/// How long training steps of a model take here: forward, loss, backward and update on a batch of noise in memory.
public struct TrainingStepTimes: Sendable {
    public let definition: ModelDefinition
    /// Images per step.
    public let batchSize: Int
    /// Of the steps after the first ten.
    public let times: TimeSample
    /// Floating-point operations of a step as they are published: six per multiply-add of the forward pass.
    public let operationCount: Double
    /// Bytes of activations, gradients, weights and the optimiser's state.
    public let memoryByteCount: Int
    /// The steps of the plan, each with its median time over 21 runs.
    public let profile: [StepProfile]

    /// Trains a model with its random first weights for a while.
    ///
    /// - Parameters:
    ///   - batchSize: images per step; nil for the definition's.
    ///   - seconds: for how long.
    /// - Throws: `ZooError` where the model cannot be trained in this precision or with so many images.
    public init(_ definition: ModelDefinition, batchSize: Int? = nil, seconds: Double = 3) throws {
        self.definition = definition
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
                repeat {
                    times.append(step(10 + times.count))
                    total += times[times.count - 1]
                } while total < seconds
            }
        }
        self.times = TimeSample(times)
        operationCount = 6 * Double(plan.model.graph.program.multiplyAddsPerImage) * Double(batchSize)
        memoryByteCount = plan.model.compiled.memoryByteCount
        profile = Self.medianProfile(of: plan, batchSize: batchSize)
    }

    public var imagesPerSecond: Double { Double(batchSize) / times.median }

    /// Floating-point operations a second.
    public var speed: Double { operationCount / times.median }

    /// Each step's median time over some runs.
    private static func medianProfile(of plan: TrainingPlan, batchSize: Int) -> [StepProfile] {
        let values = StepValues(imageCount: batchSize, learningRate: 1e-6)
        let runs = (0..<21).map { _ in plan.model.compiled.profile(values) }
        guard var profile = runs.first else { return [] }
        for index in profile.indices {
            profile[index].seconds =
                TimeSample(runs.filter { $0.count == profile.count }.map { $0[index].seconds }).median
        }
        return profile
    }
}
