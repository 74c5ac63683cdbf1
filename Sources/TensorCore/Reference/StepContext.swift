/// What one step of the reference engine needs to know, and the choice of the function that computes it.
///
/// All tensors are arrays in row-major N C H W order; batched ones hold the rows of `batchSize` images of which the first `images`
/// rows count. The functions named after operations return the step's outputs in order.
struct StepContext {
    let step: ProgramStep
    let program: Program
    let batchSize: Int
    let values: StepValues
    /// The image of the data set in each row of the batch.
    let imageIndices: [Int32]

    /// Rows of the step's batched tensors that count: images, or more where each has several samples.
    var images: Int {
        let rows = (step.inputs + step.outputs).lazy.map { program[$0].rows }.first { $0 != .one }
        return (rows ?? .one).count(images: values.imageCount)
    }

    /// The shape of one image of an input.
    func inputShape(_ position: Int) -> Shape { program[step.inputs[position]].shape }

    /// The shape of one image of an output.
    func outputShape(_ position: Int) -> Shape { program[step.outputs[position]].shape }

    /// An array of zeros for an output.
    func zeros(_ position: Int) -> [Double] {
        [Double](repeating: 0, count: program[step.outputs[position]].elementCount(images: batchSize))
    }

    /// Computes the step.
    func outputs(_ inputs: [[Double]]) -> [[Double]] {
        let forward = step.pass == .forward
        switch step.operation {
        case .linear:
            return linear(inputs)
        case .convolution(let window):
            return convolution(inputs, window)
        case .transposedConvolution(let window):
            return transposedConvolution(inputs, window)
        case .activation(let activation):
            return forward ? activate(inputs, activation) : activateBackward(inputs, activation)
        case .batchNorm(let epsilon, let momentum, let training):
            switch (forward, training) {
            case (true, true): return batchNorm(inputs, Double(epsilon), Double(momentum))
            case (true, false): return batchNormEvaluation(inputs, Double(epsilon))
            case (false, true): return batchNormBackward(inputs)
            case (false, false): return batchNormEvaluationBackward(inputs, Double(epsilon))
            }
        case .groupNorm(let groups, let epsilon):
            return forward ? groupNorm(inputs, groups, Double(epsilon)) : groupNormBackward(inputs, groups)
        case .dropout(let rate, let layer):
            return dropout(inputs, rate, layer)
        case .reshape:
            return reshape(inputs)
        case .upsampleNearest(let factor):
            return forward ? upsample(inputs, factor) : upsampleBackward(inputs, factor)
        case .maxPool(let window):
            return forward ? maxPool(inputs, window) : maxPoolBackward(inputs, window)
        case .averagePool(let window):
            return forward ? averagePool(inputs, window) : averagePoolBackward(inputs, window)
        case .add:
            return add(inputs)
        case .gaussianLatent:
            return forward ? gaussianLatent(inputs) : gaussianLatentBackward(inputs)
        case .reconstruction(let loss):
            return forward ? reconstruction(inputs, loss) : reconstructionBackward(inputs, loss)
        case .vectorQuantization:
            return vectorQuantization(inputs)
        case .codebookUpdate(let decay, let smoothing, let revival):
            return codebookUpdate(inputs, Double(decay), Double(smoothing), Double(revival))
        case .crop:
            return crop(inputs)
        case .gate:
            return forward ? gate(inputs) : gateBackward(inputs)
        case .lossGradient(let weight):
            return lossGradient(weight)
        case .custom(let operation):
            return forward ? custom(inputs, operation) : customBackward(inputs, operation)
        }
    }
}
