/// Builds a program: names and creates parameters, appends operations, checks shapes, and differentiates.
///
/// The builder is the one path object of the project: a layer that asks it for the parameter `weight` while the path is
/// `encoder.conv1` has named, initialised, counted and made loadable `encoder.conv1.weight`.
public struct GraphBuilder: Sendable {
    public var program = Program()
    /// Whether layers behave as in training (batch statistics, dropout) or as in evaluation.
    public let isTraining: Bool
    /// The first values of each parameter, in the order of `program.parameters`.
    public private(set) var initializers: [Initializer] = []
    /// The first value of each buffer, in the order of `program.buffers`.
    public private(set) var bufferValues: [Float] = []
    private var scope: [String] = []
    private var taken: [String: TensorID] = [:]
    private var dropoutLayers: UInt32 = 0
    private var isSharing = false
    /// What layers get for the class of each image, where it is not the image's own.
    private var givenClass: TensorID?
    /// The place of the group whose parameters and terms are being built.
    private var group = 0

    public init(isTraining: Bool) {
        self.isTraining = isTraining
    }

    /// The path of the layer being built, for instance `encoder.conv1`.
    public var path: String { scope.joined(separator: ".") }

    /// Runs `body` with `name` appended to the path.
    public mutating func scoped<Result>(_ name: String, _ body: (inout GraphBuilder) throws -> Result) rethrows
        -> Result
    {
        scope.append(name)
        defer { scope.removeLast() }
        return try body(&self)
    }

    /// Runs `body` with an empty path: what it builds belongs to the model and not to where it is used.
    public mutating func atRoot<Result>(_ body: (inout GraphBuilder) throws -> Result) rethrows -> Result {
        let before = scope
        scope = []
        defer { scope = before }
        return try body(&self)
    }

    /// The shape of one image of a tensor.
    public func shape(_ id: TensorID) -> Shape { program[id].shape }

    // MARK: Tensors

    /// A batched tensor that is filled from outside before each run.
    public mutating func input(_ name: String, shape: Shape) -> TensorID {
        append(TensorInfo(name: name, shape: shape, rows: .images, role: .input))
    }

    /// An input of standard normal noise, filled from outside before each run, from a stream of its own.
    ///
    /// - Parameters:
    ///   - rows: `.perImage(K)` for K draws for each image.
    ///   - isPosterior: whether it is the noise that codes are drawn with.
    public mutating func noise(
        _ name: String, shape: Shape, rows: Rows = .images, isPosterior: Bool = false
    ) -> TensorID {
        let id = append(TensorInfo(name: name, shape: shape, rows: rows, role: .input))
        let number = isPosterior ? 0 : (program.noises.map(\.number).max() ?? 0) + 1
        program.noises.append(NoiseInput(tensor: id, number: number))
        return id
    }

    /// The input for the class of each image, `[count]`: 1 for its own and 0 for the others.
    ///
    /// - Throws: `ZooError` where it has been asked for with another number of classes.
    public mutating func imageClass(count: Int) throws -> TensorID {
        if let known = givenClass ?? program.imageClass {
            guard shape(known) == [count] else {
                throw mismatch("condition", "\(count) classes here, but \(shape(known).count) elsewhere in the model")
            }
            return known
        }
        let id = input("class", shape: [count])
        program.imageClass = id
        return id
    }

    /// From now on `imageClass` is this tensor.
    public mutating func setImageClass(_ id: TensorID) { givenClass = id }

    /// A parameter at the current path, which belongs to the current group. Throws where the path is taken.
    public mutating func parameter(_ name: String, shape: Shape, initializer: Initializer) throws -> TensorID {
        if isSharing, let shared = taken[(scope + [name]).joined(separator: ".")] { return shared }
        let id = try persistent(name, shape: shape, role: .parameter)
        if case .values(let values) = initializer, values.count != shape.count {
            throw ZooError(
                "\(program[id].name): \(values.count) fixed values, but the shape \(shape) has \(shape.count) elements",
                code: .mismatch, subject: .tensor(program[id].name))
        }
        program.parameters.append(id)
        program.groups[group].parameters.append(id)
        initializers.append(initializer)
        return id
    }

    /// Runs `body` with the parameters and buffers that are there already: the same layers on other inputs.
    public mutating func sharing<Result>(_ body: (inout GraphBuilder) throws -> Result) rethrows -> Result {
        let before = isSharing
        isSharing = true
        defer { isSharing = before }
        return try body(&self)
    }

    /// A buffer at the current path, all elements `value` at first. Throws where the path is taken.
    public mutating func buffer(_ name: String, shape: Shape, value: Float) throws -> TensorID {
        if isSharing, let shared = taken[(scope + [name]).joined(separator: ".")] { return shared }
        let id = try persistent(name, shape: shape, role: .buffer)
        program.buffers.append(id)
        bufferValues.append(value)
        return id
    }

    /// Keeps a tensor readable after a run, under `name`.
    public mutating func keep(_ id: TensorID, as name: String) {
        program.tensors[id.index].name = name
        if program[id].role == .activation { program.tensors[id.index].role = .result }
    }

    /// Most elements that one image's worth of a tensor, or one parameter, may have.
    public static let elementLimit = 1 << 31

    /// Refuses tensors that no memory will hold, before their extents are multiplied any further.
    ///
    /// - Throws: `ZooError` for more than `elementLimit` elements.
    public func checkSize(of id: TensorID) throws {
        do {
            try checkSize(shape(id), of: "\(path.isEmpty ? program[id].name : path) (output)")
        } catch let error as ZooError {
            throw error.about(.layer(path))
        }
    }

    private func checkSize(_ shape: Shape, of what: String) throws {
        guard shape.count(atMost: Self.elementLimit) == nil else { return }
        throw ZooError(
            "\(what): \(shape) has more than \(Self.elementLimit) elements", advice: "make the layer smaller",
            code: .limit)
    }

    private mutating func persistent(_ name: String, shape: Shape, role: TensorInfo.Role) throws -> TensorID {
        let full = (scope + [name]).joined(separator: ".")
        do {
            try checkSize(shape, of: full)
        } catch let error as ZooError {
            throw error.about(.tensor(full))
        }
        if taken[full] != nil {
            throw ZooError(
                "two layers would both own the parameter \(full)",
                advice: "give each layer of a part a name of its own", code: .alreadyExists
            )
        }
        let id = append(TensorInfo(name: full, shape: shape, rows: .one, role: role))
        taken[full] = id
        return id
    }

    mutating func append(_ tensor: TensorInfo) -> TensorID {
        program.tensors.append(tensor)
        return TensorID(program.tensors.count - 1)
    }

    /// What an operation on `source` gives: as many rows, each of this shape.
    mutating func activation(_ shape: Shape, of source: TensorID, suffix: String = "") -> TensorID {
        activation(TensorType(shape, program[source].rows), suffix: suffix)
    }

    mutating func activation(_ type: TensorType, suffix: String = "") -> TensorID {
        append(TensorInfo(name: path + suffix, shape: type.shape, rows: type.rows, role: .activation))
    }

    private mutating func forward(_ operation: Operation, _ inputs: [TensorID], _ outputs: [TensorID]) {
        program.steps.append(
            ProgramStep(operation: operation, pass: .forward, inputs: inputs, outputs: outputs, path: path))
    }

    // MARK: Losses

    /// Runs `body` in a group of its own: parameters that it makes learn from the terms that it adds, by `update`.
    ///
    /// - Parameters:
    ///   - update: nil for the rule of the model.
    ///   - learningRate: nil for that of the run.
    /// - Throws: `ZooError` where there are too many schedules, and what `body` throws.
    public mutating func group<Result>(
        _ name: String, update: UpdateRule? = nil, learningRate: LinearSchedule? = nil,
        _ body: (inout GraphBuilder) throws -> Result
    ) throws -> Result {
        let before = group
        if let known = program.groups.firstIndex(where: { $0.name == name }) {
            group = known
        } else {
            let rate = try learningRate.map { try schedule($0, named: nil) }
            // Layers in evaluation mode are there to be looked at, not to learn.
            program.groups.append(
                ParameterGroup(name: name, update: isTraining ? update : nil, learningRate: rate))
            group = program.groups.count - 1
        }
        defer { group = before }
        return try body(&self)
    }

    /// The number of a schedule in each run.
    ///
    /// - Parameter name: under which records of the training tell the number; nil for one that they leave out.
    /// - Throws: `ZooError` where there are more than `StepValues` can hold.
    public mutating func schedule(_ schedule: LinearSchedule, named name: String?) throws -> ScheduleSlot {
        let limit = SIMD16<Float>.scalarCount
        guard program.schedules.count < limit else {
            throw ZooError("the objective has more than \(limit) weights and schedules", code: .limit)
        }
        program.schedules.append(schedule)
        program.scheduleNames.append(name)
        return ScheduleSlot(index: program.schedules.count - 1)
    }

    /// Adds a term to the loss of the current group.
    ///
    /// - Parameters:
    ///   - value: of shape `[]`, one for each image or one for the whole batch.
    ///   - finalValue: the same at the end of all schedules, where the term itself contains one.
    ///   - weightName: what records of the training call the weight; nil for a weight that they leave out.
    ///   - isMetric: whether the term itself is reported, too.
    /// - Throws: `ZooError` for a term of another shape, or a name that is taken.
    public mutating func term(
        _ name: String, _ value: TensorID, finalValue: TensorID? = nil, weight: LinearSchedule,
        weightName: String? = nil, isMetric: Bool = true
    ) throws {
        guard shape(value).rank == 0 else {
            throw mismatch("loss term \(name)", "a term is one number, not \(shape(value))")
        }
        guard !program.terms.contains(where: { $0.name == name }) else {
            throw ZooError(
                "two terms of the objective are called \(name)",
                advice: "give one regulariser only of those that compute it",
                code: .mismatch, subject: .field("objective"))
        }
        if let finalValue { keep(finalValue, as: "final_" + name) }
        let slot = try schedule(weight, named: weightName)
        program.groups[group].terms.append(
            LossTerm(name: name, value: value, finalValue: finalValue, weight: slot))
        if isMetric { try metric(name, value) } else { keep(value, as: name) }
    }

    /// Reports a number under its name, and keeps it readable; a metric of this name that is there already stays as it is.
    ///
    /// - Throws: `ZooError` where there are more than sixteen.
    public mutating func metric(_ name: String, _ value: TensorID) throws {
        guard !program.metrics.contains(where: { $0.name == name }) else { return }
        let limit = SIMD16<Double>.scalarCount
        guard program.metrics.count < limit else {
            throw ZooError("the objective reports more than \(limit) numbers", code: .limit)
        }
        keep(value, as: name)
        program.metrics.append(Metric(name: name, value: value))
    }

    // MARK: Operations

    /// x·Wᵀ + b: x `[I]` → `[O]`. W is `[O, I]`.
    public mutating func linear(_ x: TensorID, weight: TensorID, bias: TensorID?) throws -> TensorID {
        let (input, weights) = (shape(x), shape(weight))
        guard input.rank == 1, weights.rank == 2, weights.dimensions[1] == input.count else {
            throw mismatch("linear", "weights \(weights) do not apply to an input of shape \(input)")
        }
        let y = activation([weights.dimensions[0]], of: x)
        forward(.linear, [x, weight] + (bias.map { [$0] } ?? []), [y])
        return y
    }

    /// PyTorch's `conv2d`: x `[C, H, W]` → `[O, H', W']`, see `Window.outputExtent`. W is `[O, C, kh, kw]`.
    public mutating func convolution(
        _ x: TensorID, weight: TensorID, bias: TensorID?, window: Window
    ) throws -> TensorID {
        let (input, weights) = (shape(x), shape(weight))
        guard input.rank == 3, weights.rank == 4, weights.dimensions[1] == input.channels else {
            throw mismatch("conv2d", "weights \(weights) do not apply to an input of shape \(input)")
        }
        guard let extent = window.outputExtent(height: input.height, width: input.width) else {
            throw mismatch("conv2d", "\(window.description) does not fit an input of shape \(input)")
        }
        let y = activation([weights.dimensions[0], extent.height, extent.width], of: x)
        forward(.convolution(window), [x, weight] + (bias.map { [$0] } ?? []), [y])
        return y
    }

    /// PyTorch's `conv_transpose2d`: x `[C, H, W]` → `[O, H', W']`, see `Window.transposedOutputExtent`.
    /// W is `[C, O, kh, kw]`.
    public mutating func transposedConvolution(
        _ x: TensorID, weight: TensorID, bias: TensorID?, window: Window
    ) throws -> TensorID {
        let (input, weights) = (shape(x), shape(weight))
        guard input.rank == 3, weights.rank == 4, weights.dimensions[0] == input.channels else {
            throw mismatch("conv_transpose2d", "weights \(weights) do not apply to an input of shape \(input)")
        }
        guard let extent = window.transposedOutputExtent(height: input.height, width: input.width) else {
            throw mismatch(
                "conv_transpose2d", "\(window.description) leaves nothing of an input of shape \(input)")
        }
        let y = activation([weights.dimensions[1], extent.height, extent.width], of: x)
        forward(.transposedConvolution(window), [x, weight] + (bias.map { [$0] } ?? []), [y])
        return y
    }

    /// Element-wise; the identity adds nothing to the program.
    public mutating func activation(_ function: Activation, _ x: TensorID) -> TensorID {
        if function == .identity { return x }
        let y = activation(shape(x), of: x)
        forward(.activation(function), [x], [y])
        return y
    }

    /// Batch normalisation over N, H and W. γ, β and the running statistics are `[C]`.
    public mutating func batchNorm(
        _ x: TensorID, scale: TensorID, shift: TensorID, runningMean: TensorID, runningVariance: TensorID,
        epsilon: Float, momentum: Float
    ) -> TensorID {
        let y = activation(shape(x), of: x)
        let operation = Operation.batchNorm(epsilon: epsilon, momentum: momentum, training: isTraining)
        var outputs = [y]
        if isTraining {
            let channels: Shape = [shape(x).channels]
            outputs += [
                activation(TensorType(channels, .one), suffix: ".mean"),
                activation(TensorType(channels, .one), suffix: ".inverse_deviation"), runningMean, runningVariance,
            ]
        }
        forward(operation, [x, scale, shift, runningMean, runningVariance], outputs)
        return y
    }

    /// Group normalisation per image; one group on a vector is layer normalisation. γ and β are `[C]`.
    public mutating func groupNorm(
        _ x: TensorID, scale: TensorID, shift: TensorID, groups: Int, epsilon: Float
    ) throws -> TensorID {
        guard groups > 0, shape(x).channels % groups == 0 else {
            throw mismatch("group_norm", "\(shape(x).channels) channels do not divide into \(groups) groups")
        }
        let y = activation(shape(x), of: x)
        let statistics = [
            activation([groups], of: x, suffix: ".mean"), activation([groups], of: x, suffix: ".inverse_deviation"),
        ]
        forward(.groupNorm(groups: groups, epsilon: epsilon), [x, scale, shift], [y] + statistics)
        return y
    }

    /// Dropout in training; the identity in evaluation.
    public mutating func dropout(_ x: TensorID, rate: Float) throws -> TensorID {
        defer { dropoutLayers += 1 }
        guard isTraining, rate > 0 else { return x }
        guard program[x].rows == .images else {
            throw mismatch("dropout", program[x].rows.mismatchWithImages)
        }
        let y = activation(shape(x), of: x)
        forward(.dropout(rate: rate, layer: dropoutLayers), [x], [y])
        return y
    }

    /// The same elements, in N C H W order, under another shape.
    public mutating func reshape(_ x: TensorID, to target: Shape) throws -> TensorID {
        if shape(x) == target { return x }
        guard shape(x).count == target.count else {
            throw mismatch(
                "reshape", "\(shape(x)) has \(shape(x).count) elements, \(target) has \(target.count)")
        }
        let y = activation(target, of: x)
        forward(.reshape, [x], [y])
        return y
    }

    /// `[C, H, W]` → `[C, H·factor.height, W·factor.width]`.
    public mutating func upsampleNearest(_ x: TensorID, factor: Window.Extent) throws -> TensorID {
        let input = shape(x)
        guard input.rank == 3 else { throw mismatch("upsample", "needs [C, H, W], not \(input)") }
        let y = activation([input.channels, input.height * factor.height, input.width * factor.width], of: x)
        forward(.upsampleNearest(factor), [x], [y])
        return y
    }

    public mutating func maxPool(_ x: TensorID, window: Window) throws -> TensorID {
        let y = try pooled(x, window, "max_pool")
        forward(.maxPool(window), [x], [y])
        return y
    }

    public mutating func averagePool(_ x: TensorID, window: Window) throws -> TensorID {
        let y = try pooled(x, window, "average_pool")
        forward(.averagePool(window), [x], [y])
        return y
    }

    private mutating func pooled(_ x: TensorID, _ window: Window, _ name: String) throws -> TensorID {
        let input = shape(x)
        guard input.rank == 3, let extent = window.outputExtent(height: input.height, width: input.width) else {
            throw mismatch(name, "\(window.description) does not fit an input of shape \(input)")
        }
        guard window.padding.height * 2 <= window.kernel.height, window.padding.width * 2 <= window.kernel.width else {
            throw mismatch(name, "padding may be at most half the kernel")
        }
        return activation([input.channels, extent.height, extent.width], of: x)
    }

    /// a + b, of one shape.
    public mutating func add(_ a: TensorID, _ b: TensorID) throws -> TensorID {
        guard shape(a) == shape(b), program[a].rows == program[b].rows else {
            throw mismatch("add", "\(shape(a)) and \(shape(b)) differ")
        }
        let y = activation(shape(a), of: a)
        forward(.add, [a, b], [y])
        return y
    }

    /// An operation with code of its own.
    public mutating func custom(_ operation: any CustomOperation, _ inputs: [TensorID]) throws -> TensorID {
        let y = activation(try operation.output(inputs.map { program.type(of: $0) }))
        forward(.custom(operation), inputs, [y])
        return y
    }

    /// z = μ + σ·ε and the KL divergence per image and per dimension.
    ///
    /// - Parameter noise: ε, one row for each image or more: z has as many rows.
    public mutating func gaussianLatent(
        mean: TensorID, logVariance: TensorID, noise: TensorID
    ) throws -> (z: TensorID, kl: TensorID, klPerDimension: TensorID) {
        let infos = [mean, logVariance, noise].map { program[$0] }
        guard infos[0].shape.rank == 1, infos.allSatisfy({ $0.shape == infos[0].shape }),
            infos[1].rows == infos[0].rows,
            infos[2].rows.count(images: 1) % infos[0].rows.count(images: 1) == 0
        else {
            throw mismatch(
                "gaussian_latent",
                "mean \(infos[0].shape), log variance \(infos[1].shape) and noise \(infos[2].shape) must agree")
        }
        let shape = infos[0].shape
        let z = activation(shape, of: noise, suffix: ".z")
        let kl = activation([], of: mean, suffix: ".kl")
        let klPerDimension = activation(TensorType(shape, .one), suffix: ".kl_per_dimension")
        forward(.gaussianLatent, [mean, logVariance, noise], [z, kl, klPerDimension])
        return (z, kl, klPerDimension)
    }

    /// The reconstruction loss per image, in nats.
    public mutating func reconstructionLoss(
        prediction: TensorID, target: TensorID, logSigma: TensorID?, loss: ReconstructionLoss
    ) throws -> TensorID {
        guard shape(prediction).count == shape(target).count else {
            throw mismatch(
                "reconstruction",
                "the decoder gives \(shape(prediction)), but the images are \(shape(target))")
        }
        let prediction = try reshape(prediction, to: shape(target))
        let y = activation([], of: prediction, suffix: ".loss")
        forward(.reconstruction(loss), [prediction, target] + (logSigma.map { [$0] } ?? []), [y])
        return y
    }

    /// The nearest vectors of a codebook, and their numbers.
    ///
    /// - Parameters:
    ///   - x: `[D]`, or `[D, H, W]` with a vector for each position.
    ///   - codebook: `[K, D]`, a parameter or buffer.
    /// - Returns: vectors in the shape of x, and numbers `[H·W]`, row by row.
    public mutating func vectorQuantization(
        _ x: TensorID, codebook: TensorID
    ) throws -> (vectors: TensorID, indices: TensorID) {
        let (input, rows) = (shape(x), shape(codebook))
        guard input.rank == 1 || input.rank == 3, rows.rank == 2, rows.dimensions[1] == input.channels else {
            throw mismatch("vector_quantization", "a codebook \(rows) does not hold vectors like those of \(input)")
        }
        let y = activation(input, of: x)
        let indices = activation([input.area], of: x, suffix: ".indices")
        forward(.vectorQuantization, [x, codebook], [y, indices])
        return (y, indices)
    }

    /// Lets a codebook follow the vectors that chose its rows: all three are buffers, `[K, D]`, `[K]` and `[K, D]`.
    public mutating func updateCodebook(
        _ codebook: TensorID, sizes: TensorID, sums: TensorID, from x: TensorID, indices: TensorID, decay: Float,
        smoothing: Float, revival: Float
    ) {
        forward(
            .codebookUpdate(decay: decay, smoothing: smoothing, revival: revival), [x, indices, codebook, sizes, sums],
            [codebook, sizes, sums])
    }

    /// The first rows and columns of maps `[C, H, W]`.
    public mutating func crop(_ x: TensorID, height: Int, width: Int) throws -> TensorID {
        let input = shape(x)
        guard input.rank == 3, (1...input.height).contains(height), (1...input.width).contains(width) else {
            throw mismatch("crop", "there are no \(height) × \(width) positions in \(input)")
        }
        guard height < input.height || width < input.width else { return x }
        let y = activation([input.channels, height, width], of: x)
        forward(.crop, [x], [y])
        return y
    }

    /// tanh of the first half of the channels times the sigmoid of the second: `[2·C, H, W]` → `[C, H, W]`.
    public mutating func gate(_ x: TensorID) throws -> TensorID {
        let input = shape(x)
        guard input.rank == 3, input.channels.isMultiple(of: 2) else {
            throw mismatch("gate", "needs maps in two halves, not \(input)")
        }
        let y = activation([input.channels / 2, input.height, input.width], of: x)
        forward(.gate, [x], [y])
        return y
    }

    private func mismatch(_ operation: String, _ what: String) -> ZooError {
        ZooError(
            "\(path.isEmpty ? operation : path) (\(operation)): \(what)", code: .mismatch,
            subject: path.isEmpty ? nil : .layer(path))
    }
}
