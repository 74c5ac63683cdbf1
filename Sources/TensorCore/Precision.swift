/// The number format in which an engine computes matrix products and keeps activations.
///
/// Parameters, their gradients, optimiser state, latent vectors, losses and sums are f32 in either.
public enum Precision: String, Sendable, CaseIterable {
    /// IEEE 754 binary32.
    case f32
    /// bfloat16: the sign, the exponent and seven bits of the fraction of an f32.
    case bf16
}
