import ArgumentParser
import ModelFigures
import Runs
import TensorCore

extension Precision: ExpressibleByArgument {}

extension ConvolutionMethod: ExpressibleByArgument {}

extension SaveInterval: ExpressibleByArgument {}

extension TraversalRange: ExpressibleByArgument {
    /// `posterior`, `quantile`, or a range: `-3..3`.
    public init?(argument: String) {
        switch argument {
        case "posterior": self = .posterior
        case "quantile": self = .quantile
        default:
            guard let range = RangeArgument(argument: argument) else { return nil }
            self = .values(range.range)
        }
    }
}
