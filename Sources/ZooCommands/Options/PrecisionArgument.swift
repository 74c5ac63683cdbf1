import ArgumentParser
import TensorCore

extension Precision: ExpressibleByArgument {}
