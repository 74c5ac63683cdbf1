import ArgumentParser
import TensorCore

extension Precision: ExpressibleByArgument {}

extension ConvolutionMethod: ExpressibleByArgument {}
