import Glibc

/// How a parameter gets its first values. Data, so that a definition can name it and a checkpoint can tell it.
public enum Initializer: Hashable, Sendable {
    /// PyTorch's default for the weights of linear and convolution layers: He et al. 2015 with a = √5, which is uniform
    /// in ±1/√fanIn. With the fan-in given, also PyTorch's default for their biases.
    case kaimingUniform(fanIn: Int)
    /// Uniform in ±√(6 / (fanIn + fanOut)) (Glorot and Bengio 2010).
    case xavierUniform(fanIn: Int, fanOut: Int)
    /// Normal with deviation √(2 / (fanIn + fanOut)) (Glorot and Bengio 2010).
    case xavierNormal(fanIn: Int, fanOut: Int)
    /// Uniform in ±√(6 / fanIn) (He et al. 2015, for ReLU).
    case heUniform(fanIn: Int)
    /// Normal with deviation √(2 / fanIn) (He et al. 2015, for ReLU).
    case heNormal(fanIn: Int)
    /// Normal with mean 0 and this deviation.
    case normal(deviation: Float)
    /// Uniform between two bounds.
    case uniform(lower: Float, upper: Float)
    case constant(Float)
    /// The values themselves, row-major.
    case values([Float])

    /// `count` values for the parameter that is number `parameter` of its model.
    public func values(count: Int, seed: UInt64, parameter: Int) -> [Float] {
        let stream = RandomStream(seed: seed, purpose: .initialization, step: UInt32(truncatingIfNeeded: parameter))
        func uniform(_ bound: Float) -> [Float] {
            (0..<count).map { (2 * stream.uniform(UInt64($0)) - 1) * bound }
        }
        func normal(_ deviation: Float) -> [Float] {
            (0..<count).map { stream.normal(UInt64($0)) * deviation }
        }
        switch self {
        case .kaimingUniform(let fanIn): return uniform(1 / Float(fanIn).squareRoot())
        case .xavierUniform(let fanIn, let fanOut): return uniform((6 / Float(fanIn + fanOut)).squareRoot())
        case .xavierNormal(let fanIn, let fanOut): return normal((2 / Float(fanIn + fanOut)).squareRoot())
        case .heUniform(let fanIn): return uniform((6 / Float(fanIn)).squareRoot())
        case .heNormal(let fanIn): return normal((2 / Float(fanIn)).squareRoot())
        case .normal(let deviation): return normal(deviation)
        case .uniform(let lower, let upper):
            return (0..<count).map { lower + (upper - lower) * stream.uniform(UInt64($0)) }
        case .constant(let value): return [Float](repeating: value, count: count)
        case .values(let values):
            precondition(values.count == count, "\(values.count) initial values for \(count) elements")
            return values
        }
    }
}

extension RandomStream {
    /// A standard normal number by Box and Muller (1958): words 2·k and 2·k + 1 of the stream give numbers 2·k and
    /// 2·k + 1. The uniform under the logarithm is (word >> 8 + 1)·2⁻²⁴, so it is never zero.
    public func normal(_ element: UInt64) -> Float {
        let words = block(element / 4)
        let pair = Int(element % 4) & 2
        let radius = (-2 * log(Double((words[pair] >> 8) + 1) * 0x1p-24)).squareRoot()
        let angle = 2 * Double.pi * (Double(words[pair + 1] >> 8) * 0x1p-24)
        return Float(element % 2 == 0 ? radius * cos(angle) : radius * sin(angle))
    }
}
