import ModelKit
import Planning
import RealModule
import TensorCore
import Testing

@testable import ObjectiveLibrary

/// The operations that objectives are made of: derivatives against central differences, and what is known in closed form.
@Suite struct OperationTests {
    /// Every regulariser and distribution on the small network: the gradient of the loss against differences of the loss, for some
    /// elements of every parameter, in the group that the parameter belongs to.
    @Test(arguments: (FamilyCase.all + FamilyCase.further).filter(\.isDifferentiable))
    func gradientsAreDerivativesOfTheLoss(_ family: FamilyCase)
        throws
    {
        let definition = try family.definition()
        let model = try CompiledModel(definition, purpose: .training, batchSize: 4, engine: ReferenceEngine())
        let compiled = try #require(model.compiled as? ReferenceProgram)
        let program = model.graph.program
        model.initialize(seed: 3)
        let images = try #require(model.graph.images)
        let stream = RandomStream(seed: 5, purpose: .other)
        compiled.writeDouble(
            (0..<4 * definition.input.count).map { Double(stream.word(UInt64($0)) % 256) / 255 }, to: images)
        [Int32](0..<4).withUnsafeBufferPointer { indices in
            for noise in program.noises {
                compiled.writeNoise(
                    RandomStream(seed: 5, purpose: .latentNoise), imageIndices: indices, to: noise.tensor)
            }
        }
        if let classes = program.imageClass {
            [Int32(0), -1, 1, -1].withUnsafeBufferPointer { compiled.writeClasses($0, to: classes) }
        }
        // A learning rate of zero keeps the parameters; the discriminator's own is put back below.
        let values = StepValues(imageCount: 4, learningRate: 0, datasetSize: 40)
        func total(of group: ParameterGroup) -> Double {
            let weights = program.scheduledNumbers(step: 0)
            return group.terms.reduce(0) { sum, term in
                let count = program[term.value].elementCount(images: 4)
                let mean = compiled.readDouble(term.value).prefix(count).reduce(0, +) / Double(count)
                return sum + Double(weights[term.weight.index]) * mean
            }
        }
        let start = program.parameters.map { compiled.readDouble($0) }
        func restore() { for (id, values) in zip(program.parameters, start) { compiled.writeDouble(values, to: id) } }
        compiled.run(values)
        let gradients = Dictionary(
            uniqueKeysWithValues: zip(program.parameters, program.parameterGradients.map { compiled.readDouble($0) }))
        for group in program.groups {
            for id in group.parameters {
                let original = start[try #require(program.parameters.firstIndex(of: id))]
                let gradient = try #require(gradients[id])
                for element in Set([0, original.count / 2, original.count - 1]) {
                    func loss(at distance: Double) -> Double {
                        restore()
                        var moved = original
                        moved[element] += distance
                        compiled.writeDouble(moved, to: id)
                        compiled.run(values)
                        return total(of: group)
                    }
                    let step = 1e-5
                    let difference = (loss(at: step) - loss(at: -step)) / (2 * step)
                    #expect(
                        abs(difference - gradient[element]) < 1e-5 * max(1, abs(difference)),
                        "\(program[id].name)[\(element)]: \(gradient[element]), not \(difference)")
                }
            }
        }
    }

    /// −log p of one image under a distribution whose parameters are given.
    private func loss(_ distribution: any PixelDistribution, _ parameters: [Double], _ image: [Double], shape: Shape)
        throws -> Double
    {
        var builder = GraphBuilder(isTraining: false)
        let images = builder.input("images", shape: shape)
        let given = builder.input("parameters", shape: try distribution.parameterShape(for: shape))
        let loss = try distribution.loss(given, images: images, into: &builder)
        builder.keep(loss, as: "loss")
        let compiled = try ReferenceProgram(builder.program, batchSize: 1)
        compiled.writeDouble(image, to: images)
        compiled.writeDouble(parameters, to: given)
        compiled.run(StepValues(imageCount: 1))
        return compiled.readDouble(loss)[0]
    }

    /// The probabilities of all bytes add up to one, wherever the means and however narrow the components are.
    @Test(arguments: [-3.0, -7, -9, 0.5]) func aDiscretizedMixtureIsAProbability(_ logScale: Double) throws {
        let mixture = DiscretizedLogisticMixture(components: 2)
        let parameters = [0.3, -0.2, -0.4, 0.95, logScale, logScale + 0.3]
        let sum = try (0..<256).reduce(0.0) {
            $0 + exponential(-(try loss(mixture, parameters, [Double($1) / 255], shape: [1, 1, 1])))
        }
        #expect(abs(sum - 1) < 1e-9)
    }

    /// Of colours: what is summed over blue does not depend on the parameters of blue.
    @Test func coloursOfAMixtureFollowEachOther() throws {
        let mixture = DiscretizedLogisticMixture(components: 1)
        func marginal(_ blue: (mean: Double, logScale: Double, coefficients: [Double])) throws -> Double {
            let parameters =
                [0, 0.2, -0.1, blue.mean, -1.5, -2, blue.logScale, 0.7] + blue.coefficients
            return try (0..<256).reduce(0.0) {
                $0 + exponential(-(try loss(mixture, parameters, [0.4, 0.6, Double($1) / 255], shape: [3, 1, 1])))
            }
        }
        let (a, b) = (try marginal((0.3, -2, [0.5, -0.4])), try marginal((-0.9, -4, [-2, 1.5])))
        #expect(abs(a - b) < 1e-9 * a)
    }

    /// The density of the continuous Bernoulli distribution integrates to one, also where its parameter is nearly ½.
    @Test(arguments: [-8.0, -0.4999, 0, 1e-6, 0.5001, 3, 90]) func aContinuousBernoulliIsADensity(_ logit: Double)
        throws
    {
        let count = 2000
        let sum = try (0..<count).reduce(0.0) {
            let x = (Double($1) + 0.5) / Double(count)
            return $0 + exponential(-(try loss(ContinuousBernoulli(), [logit], [x], shape: [1])))
        }
        #expect(abs(sum / Double(count) - 1) < 3e-4)
    }

    /// Of a batch with the moments of the prior, of copies and of two far groups.
    @Test func discrepanciesOfKnownSamples() throws {
        func discrepancy(_ kernel: KernelDiscrepancy.Kernel, unbiased: Bool, _ a: [Double], _ b: [Double]) throws
            -> Double
        {
            var builder = GraphBuilder(isTraining: false)
            let (x, y) = (builder.input("x", shape: [1]), builder.input("y", shape: [1]))
            let value = try builder.custom(
                KernelDiscrepancy(kernel: kernel, bandwidth: 1, isUnbiased: unbiased), [x, y])
            builder.keep(value, as: "value")
            let compiled = try ReferenceProgram(builder.program, batchSize: a.count)
            compiled.writeDouble(a, to: x)
            compiled.writeDouble(b, to: y)
            compiled.run(StepValues(imageCount: a.count))
            return compiled.readDouble(value)[0]
        }
        // The same sample: nothing, or with pairs of a code with itself left out, less.
        #expect(abs(try discrepancy(.rbf, unbiased: false, [1, -1, 0.5], [1, -1, 0.5])) < 1e-12)
        #expect(try discrepancy(.rbf, unbiased: true, [1, -1, 0.5], [1, -1, 0.5]) < 0)
        // Two points far apart: k is 1 within and 0 between.
        #expect(abs(try discrepancy(.rbf, unbiased: false, [100, 100], [-100, -100]) - 2) < 1e-12)
        #expect(abs(try discrepancy(.imqSingle, unbiased: true, [0, 0], [1, 1]) - (2 - 2 / 1.5)) < 1e-12)
    }
}

private func exponential(_ x: Double) -> Double { Double.exp(x) }
