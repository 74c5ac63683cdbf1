import Glibc
import TensorCore
import Testing

/// Places where single precision could lose what matters.
@Suite struct NumericalRobustnessTests {
    /// Activations of numbers, by the kernels.
    private func activations(_ activation: Activation, _ values: [Float]) throws -> [Float] {
        var builder = GraphBuilder(isTraining: false)
        let x = builder.input("x", shape: [values.count])
        let y = builder.activation(activation, x)
        let compiled = try CPUEngine(keepsEverything: true).compile(builder.program, batchSize: 1)
        compiled.write(values, to: x)
        compiled.run(StepValues(imageCount: 1))
        return compiled.read(y)
    }

    /// e^x − 1 near 0: taken as a difference, it would have no digits left.
    @Test func eluOfSmallNumbers() throws {
        let values = (0..<64).map { -Float(exp2(2 - Double($0))) }
        for (value, found) in zip(values, try activations(.elu(alpha: 1), values)) {
            let expected = Float(expm1(Double(value)))
            #expect(abs(found - expected) <= 3 * expected.ulp, "elu(\(value)) = \(found), not \(expected)")
        }
    }

    /// log(1 + eˣ) of very negative numbers is about eˣ: the 1 must not swallow it.
    @Test func softplusOfNegativeNumbers() throws {
        let values = (0..<128).map { 12 - Float($0) * 0.71 }
        for (value, found) in zip(values, try activations(.softplus, values)) {
            let expected = Float(log1p(exp(Double(value))))
            #expect(abs(found - expected) <= 6 * expected.ulp, "softplus(\(value)) = \(found), not \(expected)")
        }
    }

    /// The gradient of log σ is small beside the losses it is taken from: it must not come from their difference.
    @Test(arguments: [1, 1e-3, 1e-6] as [Float]) func learnedVarianceBesideALargeLoss(_ weight: Float) throws {
        var builder = GraphBuilder(isTraining: true)
        let x = builder.input("x", shape: [3, 32, 32])
        let images = builder.input("images", shape: [3, 32, 32])
        let scale = try builder.parameter("scale", shape: [3, 3, 1, 1], initializer: .constant(1))
        let logSigma = try builder.parameter("log_sigma", shape: [], initializer: .constant(0))
        let prediction = try builder.convolution(
            x, weight: scale, bias: nil, window: Window(kernel: Window.Extent(1)))
        let loss = ReconstructionLoss(
            terms: [.init(.laplace), .init(.gaussianLearnedVariance, weight: weight)], link: .identity)
        try builder.term(
            "loss", builder.reconstructionLoss(prediction: prediction, target: images, logSigma: logSigma, loss: loss),
            weight: .constant(1))
        try builder.differentiate()

        /// The gradients of the weights and of log σ.
        func gradients(_ engine: any Engine) throws -> [[Float]] {
            let compiled = try engine.compile(builder.program, batchSize: 8)
            let stream = RandomStream(seed: 2, purpose: .other)
            compiled.write((0..<6 * 3072).map { stream.normal($0) }, to: x)
            compiled.write((0..<6 * 3072).map { stream.normal($0 + 100_000) }, to: images)
            compiled.write((0..<9).map { stream.normal($0 + 200_000) }, to: scale)
            compiled.write([0], to: logSigma)
            #expect(compiled.run(StepValues(imageCount: 6)))
            return builder.program.parameterGradients.map { compiled.read($0) }
        }
        let (found, expected) = (try gradients(CPUEngine()), try gradients(ReferenceEngine()))
        for (found, expected) in zip(found, expected) {
            for (found, expected) in zip(found, expected) { #expect(abs(found / expected - 1) < 1e-4) }
        }
    }
}
