/// What a step of a linear layer or convolution reads and writes, named by the place in the forward pass: in a backward pass
/// the gradient takes the place of what it belongs to.
struct MatrixOperands {
    let source: TensorID
    let destination: TensorID
    let weights: TensorID
    let bias: TensorID?
    /// nil for a linear layer.
    let window: Window?
    let isTransposed: Bool
    /// The pass of the convolution or linear layer from the wide to the narrow side: for a transposed convolution, forward and
    /// backward data change places.
    let pass: Pass

    /// The side that a convolution's window slides over, and a linear layer's source.
    var wide: TensorID { isTransposed ? destination : source }
    /// The side with one pixel for each place of the window, and a linear layer's destination.
    var narrow: TensorID { isTransposed ? source : destination }
    /// The bias, or its gradient, of the narrow side.
    var narrowBias: TensorID? { isTransposed ? nil : bias }
    /// The bias, or its gradient, of the wide side.
    var wideBias: TensorID? { isTransposed ? bias : nil }
}

extension ProgramStep {
    /// nil for all other operations.
    var matrixOperands: MatrixOperands? {
        let (window, isTransposed): (Window?, Bool)
        switch operation {
        case .linear: (window, isTransposed) = (nil, false)
        case .convolution(let value): (window, isTransposed) = (value, false)
        case .transposedConvolution(let value): (window, isTransposed) = (value, true)
        case .activation, .batchNorm, .groupNorm, .dropout, .reshape, .upsampleNearest, .maxPool, .averagePool, .add,
            .gaussianLatent, .reconstruction, .lossGradient, .custom, .vectorQuantization, .codebookUpdate, .crop,
            .gate:
            return nil
        }
        let direction: Pass =
            switch pass {
            case .forward: isTransposed ? .backwardData : .forward
            case .backwardData: isTransposed ? .forward : .backwardData
            case .backwardWeights: .backwardWeights
            }
        func operands(
            _ source: TensorID, _ destination: TensorID, _ weights: TensorID, bias: TensorID?
        ) -> MatrixOperands {
            MatrixOperands(
                source: source, destination: destination, weights: weights, bias: bias, window: window,
                isTransposed: isTransposed, pass: direction)
        }
        return switch pass {
        case .forward: operands(inputs[0], outputs[0], inputs[1], bias: inputs.dropFirst(2).first)
        case .backwardData: operands(outputs[0], inputs[0], inputs[1], bias: nil)
        case .backwardWeights: operands(inputs[0], inputs[1], outputs[0], bias: outputs.dropFirst().first)
        }
    }
}
