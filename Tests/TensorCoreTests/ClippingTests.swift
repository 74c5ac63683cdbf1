import TensorCore
import Testing

/// Clipping gradients whose norm single precision cannot hold.
@Suite struct ClippingTests {
    /// ½(w·x − t)² summed over four elements, to be learned by plain descent with gradients clipped to 2.
    private func program(x: Float, target: Float, weight: Float, _ engine: any Engine) throws -> (
        run: () -> Bool, weights: () -> [Float], norm: () -> Float?
    ) {
        var builder = GraphBuilder(isTraining: true)
        let input = builder.input("x", shape: [2])
        let images = builder.input("images", shape: [4])
        let parameter = try builder.parameter("w", shape: [4, 2], initializer: .constant(0))
        let prediction = try builder.linear(input, weight: parameter, bias: nil)
        let loss = ReconstructionLoss(terms: [.init(.gaussian)], link: .identity)
        try builder.term(
            "loss", builder.reconstructionLoss(prediction: prediction, target: images, logSigma: nil, loss: loss),
            weight: .constant(1))
        try builder.differentiate()
        builder.program.update = UpdateRule(
            method: .sgd(momentum: 0, nesterov: false, weightDecay: 0), clipNorm: 2)
        let compiled = try engine.compile(builder.program, batchSize: 1)
        compiled.write([x, 0], to: input)
        compiled.write([Float](repeating: target, count: 4), to: images)
        compiled.write([Float](repeating: weight, count: 8), to: parameter)
        return (
            { compiled.run(StepValues(imageCount: 1, learningRate: 0.5)) }, { compiled.read(parameter) },
            { compiled.gradientNorm }
        )
    }

    /// Every element of the gradient is −1e26: finite, but its square is not.
    @Test func squaresThatOverflowAreClippedAlike() throws {
        for engine in [CPUEngine(), ReferenceEngine()] as [any Engine] {
            let (run, weights, norm) = try program(x: 1e16, target: 1e10, weight: 0, engine)
            #expect(run())
            #expect(abs((norm() ?? 0) / 2e26 - 1) < 1e-5)
            // Each of the four elements moves by rate · 2 / √4.
            for (index, weight) in weights().enumerated() {
                #expect(abs(weight - (index % 2 == 0 ? 0.5 : 0)) < 1e-5)
            }
        }
    }

    /// The losses are finite and the gradient is not: no update is made.
    @Test func aGradientThatIsNotFiniteChangesNothing() throws {
        let (run, weights, norm) = try program(x: 1e32, target: 1e10, weight: 1e-32, CPUEngine())
        #expect(!run())
        #expect(norm()?.isFinite == false)
        #expect(weights() == [Float](repeating: 1e-32, count: 8))
    }
}
