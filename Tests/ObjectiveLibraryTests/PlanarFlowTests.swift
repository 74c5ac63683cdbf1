import LayerLibrary
import ModelKit
import Planning
import RealModule
import TensorCore
import Testing

@testable import ObjectiveLibrary

/// Planar flows: what goes through them comes back, and what is a density stays one.
@Suite struct PlanarFlowTests {
    /// Of one dimension, strongly bent: the density of z_0 where f(z_0) is N(0, 1) integrates to one.
    @Test(arguments: [(2.0, 1.5, 0.3), (-3, 2, -1), (0.5, -4, 2), (-40, 0.7, 0)])
    func aBentDensityIsADensity(_ u: Double, _ w: Double, _ b: Double) throws {
        var builder = GraphBuilder(isTraining: false)
        let code = builder.input("z", shape: [1])
        let flow = try ["u", "w", "b"].map { try builder.parameter($0, shape: [1], initializer: .constant(0)) }
        let inputs = [code] + flow
        let last = try builder.custom(PlanarFlowStep(), inputs)
        let determinant = try builder.custom(PlanarFlowDeterminant(), inputs)
        let prior = try builder.custom(StandardNormalLogDensity(), [last])
        let density = try builder.custom(WeightedSum([1, 1]), [prior, determinant])
        builder.keep(density, as: "density")
        builder.keep(last, as: "last")
        let (count, reach) = (4000, 100.0)
        let compiled = try ReferenceProgram(builder.program, batchSize: count)
        for (id, value) in zip(inputs.dropFirst(), [u, w, b]) { compiled.writeDouble([value], to: id) }
        let spacing = 2 * reach / Double(count)
        let places = (0..<count).map { (Double($0) + 0.5) * spacing - reach }
        compiled.writeDouble(places, to: code)
        compiled.run(StepValues(imageCount: count))
        let sum = spacing * compiled.readDouble(density).map(Double.exp).reduce(0, +)
        #expect(abs(sum - 1) < 1e-3, "\(sum)")

        let inverse = InversePlanarStep(u: [u], w: [w], b: b)
        for (place, value) in zip(places, compiled.readDouble(last)) where abs(place) < 20 {
            #expect(abs(inverse([value])[0] - place) < 1e-6 * max(1, abs(place)))
        }
    }

    /// The codes of draws from the prior are decoded as these draws: the flow of a model takes them there.
    @Test func codesOfPriorDrawsAreDecodedAsThese() throws {
        var family = try #require(FamilyCase.all.first { $0.name == "planar_flow" })
        family.objective = "{reconstruction: bernoulli, planar_flow: {layers: 4}}"
        let definition = try family.definition()
        #expect(!definition.hasPrior)
        let graph = try ModelGraph(definition, purpose: .training)
        let weights = graph.initialParameters(seed: 3).map { tensor -> NamedTensor in
            var tensor = tensor
            if tensor.path.hasPrefix("objective.") { tensor.values = tensor.values.map { 10 * $0 + 0.2 } }
            return tensor
        }
        let plan = try InferencePlan(definition, weights: weights)
        // The same decoder without a flow.
        var plain = family
        plain.objective = "{reconstruction: bernoulli, kl: {weight: 1}}"
        let straight = try InferencePlan(plain.definition(), weights: weights)
        let stream = RandomStream(seed: 1, purpose: .other)
        let draws = (0..<20).map { draw in (0..<3).map { stream.normal(UInt64(3 * draw + $0)) } }
        let codes = try #require(try plan.codes(ofPriorDraws: draws))
        let distance = zip(codes.joined(), draws.joined()).reduce(0) { max($0, abs($1.0 - $1.1)) }
        #expect(distance > 0.3, "the flow does something")
        #expect(try straight.codes(ofPriorDraws: draws) == nil)
        let (bent, expected) = (try plan.decode(codes), try straight.decode(draws))
        for (a, b) in zip(bent.joined(), expected.joined()) { #expect(abs(a - b) < 1e-5) }
    }
}
