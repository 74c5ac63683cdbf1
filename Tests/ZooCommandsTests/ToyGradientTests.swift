import TensorCore
import Testing

@Suite struct ToyGradientTests {
    /// The lecture's example: μ = 2, σ = 1, ε = 0.5 give z = 2.5; L = (z − 3)² = 0.25, dL/dz = −1, dL/dμ = −1,
    /// dL/dσ = −0.5.
    @Test func reparameterisationOfTheLecture() throws {
        var builder = GraphBuilder(isTraining: true)
        let one = builder.input("one", shape: [1])
        let noise = builder.input("noise", shape: [1])
        let target = builder.input("target", shape: [1])
        // μ = 2·1 and log σ² = 0·1, so that the weights' gradients are those of μ and log σ².
        let meanWeight = try builder.parameter("mean", shape: [1, 1], initializer: .constant(2))
        let logVarianceWeight = try builder.parameter("log_variance", shape: [1, 1], initializer: .constant(0))
        let mean = try builder.linear(one, weight: meanWeight, bias: nil)
        let logVariance = try builder.linear(one, weight: logVarianceWeight, bias: nil)
        let latent = try builder.gaussianLatent(
            mean: mean, logVariance: logVariance, noise: noise)
        let loss = try builder.reconstructionLoss(
            prediction: latent.z, target: target, logSigma: nil,
            loss: ReconstructionLoss(terms: [.init(.gaussian, weight: 2)], link: .identity))
        try builder.term("loss", loss, weight: .constant(1))
        try builder.differentiate()
        let program = builder.program

        let compiled = try ReferenceEngine().compile(program, batchSize: 1)
        compiled.write([1], to: one)
        compiled.write([0.5], to: noise)
        compiled.write([3], to: target)
        compiled.write([2], to: meanWeight)
        compiled.write([0], to: logVarianceWeight)
        #expect(compiled.run(StepValues(imageCount: 1)))

        let deviation: Float = 1
        let gradients = program.parameterGradients.map { compiled.read($0) }
        #expect(gradients[0] == [-1])
        // dL/dσ = dL/d log σ² · 2/σ
        #expect(gradients[1].map { $0 * 2 / deviation } == [-0.5])
        #expect(compiled.read(loss) == [0.25])
        #expect(compiled.read(latent.z) == [2.5])
        let gradientOfZ = try #require(program.steps.first { $0.path == "" && $0.pass == .backwardData }?.outputs.first)
        #expect(compiled.read(gradientOfZ) == [-1])
    }
}
