/// An input of standard normal noise.
public struct NoiseInput: Sendable {
    public var tensor: TensorID
    /// Which elements of a random stream it gets: those of number k begin at k·2⁴⁸. 0 is the noise of the posterior.
    public var number: Int
}
