import LayerLibrary
import TensorCore
import Testing

/// The derivatives of the reference engine against central differences of its losses.
@Suite struct FiniteDifferenceTests {
    @Test(arguments: LayerCases.all) func gradientsAreDerivativesOfTheLoss(_ layerCase: LayerCase) throws {
        let built = try CaseProgram(layerCase)
        let compiled = try #require(try built.prepared(ReferenceEngine()) as? ReferenceProgram)
        let values = built.stepValues()
        #expect(compiled.run(values))

        var pairs = Array(zip(built.program.parameters, built.program.parameterGradients))
        pairs.append((built.input, try #require(built.inputGradient)))
        let gradients = pairs.map { compiled.readDouble($0.1) }
        let buffers = built.program.buffers.map { built.initialValues($0) }
        for ((source, _), gradient) in zip(pairs, gradients) {
            let start = compiled.readDouble(source)
            let differences = start.indices.map { element in
                func loss(at distance: Double) -> Double {
                    var moved = start
                    moved[element] += distance
                    compiled.writeDouble(moved, to: source)
                    for (buffer, values) in zip(built.program.buffers, buffers) {
                        compiled.writeDouble(values, to: buffer)
                    }
                    compiled.run(values)
                    return built.totalLoss(compiled, values)
                }
                let step = 1e-5
                return (loss(at: step) - loss(at: -step)) / (2 * step)
            }
            compiled.writeDouble(start, to: source)
            expectEqual(gradient, differences, within: 1e-6, "the gradient of \(built.program[source].name)")
        }
    }

    /// A built-in layer or activation without a case would be one without proof.
    @Test func everyBuiltInLayerHasACase() {
        let covered = LayerCases.all.reduce(into: Set<String>()) { $0.formUnion($1.kinds) }
        // Noise and classes come from outside: their cases are the denoising and the conditional models of `FamilyTests`.
        for layer in builtInLayers where !["gaussian_noise", "condition"].contains(layer.kind) {
            #expect(covered.contains(layer.kind), "no case has the layer \(layer.kind)")
        }
        let names = Set(LayerCases.all.map(\.name))
        for activation in builtInActivations {
            #expect(names.contains(activation.name) && names.contains(activation.name + "_fused"))
        }
    }

    @Test func namesOfCasesDiffer() {
        #expect(Set(LayerCases.all.map(\.name)).count == LayerCases.all.count)
    }
}
