import CKernels

/// Mixtures of discretised logistic distributions in single precision, of maps that lie channels-last: for `CustomOperation`s that say so
/// (`takesChannelsLast`).
package enum LogisticMixtureKernel {
    /// −log p of each row of parameters, the first input, under the images, the second.
    package static func losses(_ t: OperationTensors<Float>, components: Int) {
        run(t, components: components, gradient: nil)
    }

    /// The gradient with respect to the parameters.
    package static func gradients(_ t: OperationTensors<Float>, components: Int) {
        guard let gradient = t.inputGradients[0]?.baseAddress else { return }
        run(t, components: components, gradient: gradient)
    }

    private static func run(_ t: OperationTensors<Float>, components: Int, gradient: UnsafeMutablePointer<Float>?) {
        guard let parameters = t.inputs[0].baseAddress, let images = t.inputs[1].baseAddress else { return }
        let image = t.inputTypes[1].shape
        let rows = t.rowCount(0)
        zk_logistic_mixture(
            parameters, images, gradient == nil ? nil : t.outputGradient.baseAddress, t.output.baseAddress, gradient,
            Int64(rows), Int64(image.area), Int64(image.channels), Int64(components), Int64(rows / t.imageCount))
    }
}
