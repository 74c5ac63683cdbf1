/// How parameters follow their gradients. Learning rate and step number come with each run (`StepValues`).
public struct UpdateRule: Hashable, Sendable {
    public enum Method: Hashable, Sendable {
        /// v ← momentum·v + g; p ← p − rate·v (PyTorch's `SGD`, no dampening; Nesterov: p ← p − rate·(g + momentum·v)).
        case sgd(momentum: Float, nesterov: Bool, weightDecay: Float)
        /// Kingma and Ba 2015, algorithm 1, with ε outside the root of the bias-corrected second moment; weight decay is
        /// added to the gradient (PyTorch's `Adam`).
        case adam(beta1: Float, beta2: Float, epsilon: Float, weightDecay: Float)
        /// Loshchilov and Hutter 2019: decay p ← p·(1 − rate·weightDecay) apart from the gradient (PyTorch's `AdamW`).
        case adamW(beta1: Float, beta2: Float, epsilon: Float, weightDecay: Float)
    }

    public var method: Method
    /// Largest L2 norm of the gradient over all parameters; larger gradients are scaled down (Pascanu et al. 2013).
    public var clipNorm: Float?
    /// a ← decay·a + (1 − decay)·p after each step; nil keeps no average.
    public var averageDecay: Float?

    public init(method: Method, clipNorm: Float? = nil, averageDecay: Float? = nil) {
        self.method = method
        self.clipNorm = clipNorm
        self.averageDecay = averageDecay
    }

    /// The tensors of optimiser state that each parameter has, by name.
    public enum Slot: String, CaseIterable, Sendable {
        case momentum
        case firstMoment = "first_moment"
        case secondMoment = "second_moment"
        case average
    }

    public var slots: [Slot] {
        var slots: [Slot]
        switch method {
        case .sgd(let momentum, _, _): slots = momentum == 0 ? [] : [.momentum]
        case .adam, .adamW: slots = [.firstMoment, .secondMoment]
        }
        if averageDecay != nil { slots.append(.average) }
        return slots
    }
}

/// The numbers that change from run to run of a compiled program.
public struct StepValues: Sendable {
    /// Images in the batch: at most the batch size the program was compiled for. The rest is ignored: it adds nothing to
    /// any loss, gradient or statistic.
    public var imageCount: Int
    /// The training step, from 0: addresses the random numbers.
    public var step: UInt32
    /// Updates made before this one: Adam's bias correction uses `updateCount + 1`.
    public var updateCount: Int
    public var seed: UInt64
    public var learningRate: Float
    /// Where the program's schedules are: usually the training step.
    public var scheduleStep: Int
    /// Images that are trained on, of which the batch is a sample: what estimates of q(z) from a batch need.
    public var datasetSize: Int
    /// The numbers of the program's schedules; the engine fills them in.
    var scheduled = SIMD16<Float>()

    /// - Parameters:
    ///   - scheduleStep: nil for `step`; `.max` for the end of all schedules.
    ///   - datasetSize: nil where the batch is all there is.
    public init(
        imageCount: Int, step: UInt32 = 0, updateCount: Int = 0, seed: UInt64 = 0, learningRate: Float = 1e-3,
        scheduleStep: Int? = nil, datasetSize: Int? = nil
    ) {
        self.imageCount = imageCount
        self.step = step
        self.updateCount = updateCount
        self.seed = seed
        self.learningRate = learningRate
        self.scheduleStep = scheduleStep ?? Int(step)
        self.datasetSize = datasetSize ?? imageCount
    }

    /// The number of a schedule in this run.
    public subscript(slot: ScheduleSlot) -> Float { scheduled[slot.index] }

    /// With the numbers that the program's schedules have.
    public func scheduled(by program: Program) -> StepValues {
        var values = self
        values.scheduled = program.scheduledNumbers(step: scheduleStep)
        return values
    }
}
