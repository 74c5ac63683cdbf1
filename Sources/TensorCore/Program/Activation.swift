/// The element-wise activation functions that both engines know.
///
/// Definitions follow PyTorch's `torch.nn`: `elu` has α, `leakyReLU` a negative slope, `gelu` is the exact form
/// x·Φ(x) (Hendrycks and Gimpel 2016), `silu` is x·sigmoid(x), `softplus` is log(1 + eˣ).
public enum Activation: Hashable, Sendable {
    case identity
    case relu
    case leakyReLU(slope: Float)
    case elu(alpha: Float)
    case gelu
    case silu
    case tanh
    case sigmoid
    case softplus

    /// What the derivative is computed from. Where the output suffices, the input need not be kept and the
    /// activation may overwrite it.
    public enum DerivativeSource: Sendable {
        case input
        case output
    }

    public var derivativeSource: DerivativeSource {
        switch self {
        case .gelu, .silu: .input
        case .identity, .relu, .leakyReLU, .elu, .tanh, .sigmoid, .softplus: .output
        }
    }
}
