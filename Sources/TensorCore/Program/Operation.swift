/// The operations a program is made of. Layers lower to these; engines implement these and nothing else.
///
/// Every operation has a forward pass, and those that carry gradients a backward pass. The inputs and outputs of
/// each pass are listed here; `x` and `y` are batched tensors, parameters and buffers are not.
public enum Operation: Sendable {
    /// y = x·Wᵀ + b. Forward `[x, W, b?] → [y]`, x `[I]`, W `[O, I]`, b `[O]`, y `[O]`.
    /// Backward data `[dy, W] → [dx]`, backward weights `[x, dy] → [dW, db?]`.
    case linear
    /// Cross-correlation as PyTorch's `conv2d`. Forward `[x, W, b?] → [y]`, x `[C, H, W]`, W `[O, C, kh, kw]`.
    /// Backward data `[dy, W] → [dx]`, backward weights `[x, dy] → [dW, db?]`.
    case convolution(Window)
    /// PyTorch's `conv_transpose2d`. Forward `[x, W, b?] → [y]`, W `[C, O, kh, kw]`. Backward as for convolution.
    case transposedConvolution(Window)
    /// Forward `[x] → [y]`. Backward data `[dy, s] → [dx]`, s being x or y as `Activation.derivativeSource` says.
    case activation(Activation)
    /// Batch statistics per channel, biased variance in the output, unbiased in the running buffers
    /// (Ioffe and Szegedy 2015). Training forward `[x, γ, β, runningMean, runningVariance] → [y, mean, inverseDeviation,
    /// runningMean, runningVariance]`; evaluation forward `[x, γ, β, runningMean, runningVariance] → [y]`.
    /// Backward data `[dy, x, γ, mean, inverseDeviation] → [dx, dγ, dβ]`.
    case batchNorm(epsilon: Float, momentum: Float, training: Bool)
    /// Statistics per image and group of channels over C/groups × H × W (Wu and He 2018); with one group on a vector
    /// this is layer norm (Ba et al. 2016). Forward `[x, γ, β] → [y, mean, inverseDeviation]`, γ and β `[C]`, statistics
    /// batched `[groups]`. Backward data `[dy, x, γ, mean, inverseDeviation] → [dx, dγ, dβ]`.
    case groupNorm(groups: Int, epsilon: Float)
    /// Zeroes elements with probability `rate` and scales the rest by 1/(1 − rate) (Srivastava et al. 2014). The mask
    /// is a function of (seed, step, image index, `layer`, element), so nothing is stored. Forward `[x] → [y]`, backward
    /// data `[dy] → [dx]`.
    case dropout(rate: Float, layer: UInt32)
    /// The same elements in N C H W order under another shape. Forward `[x] → [y]`, backward data `[dy] → [dx]`.
    case reshape
    /// Nearest-neighbour enlargement by whole factors. Forward `[x] → [y]`, backward data `[dy] → [dx]`.
    case upsampleNearest(Window.Extent)
    /// Forward `[x] → [y]`, backward data `[dy, x] → [dx]`; the first maximum of a window takes the gradient.
    case maxPool(Window)
    /// Mean over the window, padding counted. Forward `[x] → [y]`, backward data `[dy] → [dx]`.
    case averagePool(Window)
    /// y = a + b, also the sum of two gradients. Forward `[a, b] → [y]`. Backward passes dy on to both.
    case add
    /// The reparameterised sample z = μ + σ·ε with σ = exp(½ log σ²), and the KL divergence to N(0, I)
    /// (Kingma and Welling 2014, eq. 10 and appendix B). Forward `[μ, log σ², ε] → [z, kl, klPerDimension]`: ε and z have
    /// one row or several for each of μ, kl is batched `[]`, klPerDimension `[D]` holds means over the batch. Backward data `[those of dz, dkl, dklPerDimension that exist, μ,
    /// log σ², ε] → [dμ, d log σ²]`.
    case gaussianLatent
    /// Forward `[prediction, target, logSigma?] → [loss]` with loss batched `[]`, in nats per image. Backward data
    /// `[dLoss, prediction, target, logSigma?] → [dPrediction, dLogSigma?]`.
    case reconstruction(ReconstructionLoss)
    /// The nearest of the vectors of a codebook in the place of each vector (van den Oord and others 2017, equations 1 and 2); of vectors
    /// that are equally near, the first. Forward `[x, E] → [y, i]`: x and y `[D]` or, with a vector for each position, `[D, H, W]`, E
    /// `[K, D]`, i `[H·W]` holds row numbers of E. The gradient of y is that of x (straight-through); E and i have none.
    case vectorQuantization
    /// The exponential moving averages that a codebook follows (the same, appendix A.1), with γ = `decay`: N ← γ·N + (1 − γ)·n and
    /// m ← γ·m + (1 − γ)·Σ x over the vectors of the batch that chose a row, E ← m/N, where `smoothing` s makes of N in the quotient
    /// (N + s)/(ΣN + K·s)·ΣN. A row with N below `revival` begins anew as a vector of the batch, drawn from the stream (seed, codebook,
    /// step). Forward `[x, i, E, N, m] → [E, N, m]`; no backward pass.
    case codebookUpdate(decay: Float, smoothing: Float, revival: Float)
    /// The first rows and columns of maps: a convolution that sees only what lies above and to the left is one of more padding, cropped.
    /// Forward `[x] → [y]`, x `[C, H, W]`, y `[C, H', W']`. Backward data `[dy] → [dx]`.
    case crop
    /// tanh(a)·sigmoid(b) of the first and the second half of the channels (van den Oord and others 2016, equation 2). Forward `[x] → [y]`,
    /// x `[2·C, H, W]`, y `[C, H, W]`. Backward data `[dy, x] → [dx]`.
    case gate
    /// Where a backward pass begins: the gradient of a loss with respect to one of its terms. Forward `[] → [dTerm]`: the weight
    /// divided by the number of rows, for each row that counts.
    case lossGradient(ScheduleSlot)
    /// An operation with code of its own, from the objectives or a plug-in. Forward `[inputs…] → [y]`, backward data
    /// `[dy, inputs…] → [d inputs…]` for the inputs that need it.
    case custom(any CustomOperation)

    /// A short name for profiles, traces and errors.
    public var name: String {
        switch self {
        case .linear: "linear"
        case .convolution: "conv2d"
        case .transposedConvolution: "conv_transpose2d"
        case .activation(let activation): "\(activation)".prefix { $0 != "(" }.description
        case .batchNorm: "batch_norm"
        case .groupNorm: "group_norm"
        case .dropout: "dropout"
        case .reshape: "reshape"
        case .upsampleNearest: "upsample"
        case .maxPool: "max_pool"
        case .averagePool: "average_pool"
        case .add: "add"
        case .gaussianLatent: "gaussian_latent"
        case .reconstruction: "reconstruction"
        case .vectorQuantization: "vector_quantization"
        case .codebookUpdate: "codebook_update"
        case .crop: "crop"
        case .gate: "gate"
        case .lossGradient: "loss_gradient"
        case .custom(let operation): operation.name
        }
    }

    /// What definitions call it, for messages about what cannot be expressed elsewhere.
    public var definitionName: String {
        switch self {
        case .vectorQuantization, .codebookUpdate: "latent.codebook"
        case .custom(let operation): operation.definitionName
        case .linear, .convolution, .transposedConvolution, .activation, .batchNorm, .groupNorm, .dropout, .reshape,
            .upsampleNearest, .maxPool, .averagePool, .add, .gaussianLatent, .reconstruction, .lossGradient, .crop,
            .gate:
            name
        }
    }
}
