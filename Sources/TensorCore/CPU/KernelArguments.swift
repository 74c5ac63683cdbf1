import CKernels

extension zk_stream {
    init(_ stream: RandomStream) {
        self.init(
            key: (UInt32(truncatingIfNeeded: stream.seed), UInt32(truncatingIfNeeded: stream.seed >> 32)),
            step: stream.step, purpose: stream.purpose.rawValue)
    }
}

extension zk_window {
    /// - Parameters:
    ///   - input: the shape of what the window slides over.
    ///   - output: the shape with one pixel for each place of the window.
    init(_ window: Window, input: Shape, output: Shape) {
        self.init(
            channels: Int64(input.channels), input_height: Int64(input.height), input_width: Int64(input.width),
            output_height: Int64(output.height), output_width: Int64(output.width),
            kernel: (Int64(window.kernel.height), Int64(window.kernel.width)),
            stride: (Int64(window.stride.height), Int64(window.stride.width)),
            padding: (Int64(window.padding.height), Int64(window.padding.width)))
    }
}

extension Activation {
    /// The kernel's name for the function, and its parameter.
    var kernel: (kind: zk_activation, parameter: Float) {
        switch self {
        case .identity: (ZK_IDENTITY, 0)
        case .relu: (ZK_RELU, 0)
        case .leakyReLU(let slope): (ZK_LEAKY_RELU, slope)
        case .elu(let alpha): (ZK_ELU, alpha)
        case .gelu: (ZK_GELU, 0)
        case .silu: (ZK_SILU, 0)
        case .tanh: (ZK_TANH, 0)
        case .sigmoid: (ZK_SIGMOID, 0)
        case .softplus: (ZK_SOFTPLUS, 0)
        }
    }
}
