/// What one step of the reference engine needs to know, and the choice of the function that computes it.
///
/// All tensors are arrays in row-major N C H W order; batched ones hold `batchSize` images of which the first `images`
/// count. The functions named after operations return the step's outputs in order.
struct StepContext {
    let step: ProgramStep
    let program: Program
    let batchSize: Int
    let values: StepValues
    /// The image of the data set in each row of the batch.
    let imageIndices: [Int32]

    /// Images in this batch.
    var images: Int { values.imageCount }

    /// The shape of one image of an input.
    func inputShape(_ position: Int) -> Shape { program[step.inputs[position]].shape }

    /// The shape of one image of an output.
    func outputShape(_ position: Int) -> Shape { program[step.outputs[position]].shape }

    /// An array of zeros for an output.
    func zeros(_ position: Int) -> [Double] {
        let info = program[step.outputs[position]]
        return [Double](repeating: 0, count: info.shape.count * (info.isBatched ? batchSize : 1))
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
        case .gaussianLatent(let regularizer):
            return forward ? gaussianLatent(inputs) : gaussianLatentBackward(inputs, regularizer)
        case .reconstruction(let loss):
            return forward ? reconstruction(inputs, loss) : reconstructionBackward(inputs, loss)
        case .custom(let operation):
            return forward ? custom(inputs, operation) : customBackward(inputs, operation)
        }
    }
}
