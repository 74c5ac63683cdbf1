/// How an engine computes convolutions in f32.
public enum ConvolutionMethod: String, Sendable, CaseIterable {
    /// With fewer multiplications where the shapes allow it (Winograd's F(2, 2) and F(4, 2)): the error is a few times that of a
    /// plain sum, below 3e-6 of the root mean square of a result.
    case fast
    /// By plain sums of products.
    case direct
}

/// By what an engine chooses the kernel of a linear layer's or convolution's pass, besides its shapes.
struct KernelChoice {
    var precision: Precision
    var convolution: ConvolutionMethod
}
