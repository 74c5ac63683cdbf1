import LayerLibrary
import RealModule
import TensorCore

/// A mixture of K logistic distributions of each byte, discretised to 256 values (Salimans and others 2017, section 2.1 and, for three
/// channels, equation 3), in nats; divided by D·log 2 these are bits per dimension.
///
/// Pixels are scaled to −1…1, and P(x) = F(x + 1/255) − F(x − 1/255) with F the logistic distribution function, open at both ends. With
/// three channels the mean of green depends linearly on red, that of blue on red and green, and a pixel's channels share the component.
/// The decoder gives maps: K logits; C·K means; C·K log scales, at least −7; and for three channels 3·K coefficients, of which the tanh
/// is taken. Within C·K the channel comes first. The difference of the two values of F is computed as such, where the published program
/// uses the density below 10⁻⁵.
public struct DiscretizedLogisticMixture: PixelDistribution {
    /// K.
    public var components: Int

    public init(components: Int) {
        self.components = components
    }

    public var name: String { "discretized_logistic_mixture" }
    public var fields: [String: FieldValue] { ["components": .integer(components)] }
    public var isDiscrete: Bool { true }

    public func parameterShape(for image: Shape) throws -> Shape {
        guard image.rank == 3, image.channels == 1 || image.channels == 3 else {
            throw ZooError(
                "objective.reconstruction.\(name): images have 1 or 3 channels, not \(image)", code: .mismatch,
                subject: .field("objective.reconstruction.\(name)"))
        }
        let perComponent = 1 + 2 * image.channels + (image.channels == 3 ? 3 : 0)
        return Shape(channels: components * perComponent, height: image.height, width: image.width)
    }

    public func loss(_ parameters: TensorID, images: TensorID, into builder: inout GraphBuilder) throws -> TensorID {
        let shape = builder.shape(images)
        return try builder.custom(
            LogisticMixtureLoss(components: components, channels: shape.channels, area: shape.area),
            [parameters, images])
    }

    public func mean(_ parameters: TensorID, image: Shape, into builder: inout GraphBuilder) throws -> TensorID {
        try builder.custom(LogisticMixtureMean(components: components, image: image), [parameters])
    }

    static let descriptor = DistributionDescriptor(
        name: "discretized_logistic_mixture",
        summary:
            "A mixture of discretised logistic distributions of each byte, in nats; the decoder gives K, 2·C·K and, for 3 channels, 3·K maps.",
        source: "Salimans and others 2017, section 2.1 and eq. 3",
        fields: [FieldSchema("components", .integer(1...1000), default: .integer(10), "K, of the mixture.")]
    ) { DiscretizedLogisticMixture(components: $0.integer("components")) }
}

/// log(1 + eˣ).
private func softplus<Element: RealNumber>(_ x: Element) -> Element { max(0, x) + .log(onePlus: .exp(-abs(x))) }

/// 1/(1 + e⁻ˣ).
private func sigmoid<Element: RealNumber>(_ x: Element) -> Element {
    let e = Element.exp(-abs(x))
    return x >= 0 ? 1 / (1 + e) : e / (1 + e)
}

/// −Σ over the pixels of log Σ_k π_k Π_c P(x_c): maps as `DiscretizedLogisticMixture` says, and images → `[]`.
private struct LogisticMixtureLoss: CustomOperation {
    let components: Int
    let channels: Int
    let area: Int

    var name: String { "discretized_logistic_mixture" }
    var formula: String? { "y = −Σ log Σ_k π_k·(F_k(x + 1/255) − F_k(x − 1/255))" }

    var takesChannelsLast: Bool { true }

    func forwardInSingle(_ t: OperationTensors<Float>) { LogisticMixtureKernel.losses(t, components: components) }

    func backwardInSingle(_ t: OperationTensors<Float>) { LogisticMixtureKernel.gradients(t, components: components) }

    private static var leastLogScale: Double { -7 }

    func output(_ inputs: [TensorType]) throws -> TensorType {
        guard inputs.count == 2, inputs[1].shape.channels == channels, inputs[1].rows == .images else {
            throw ZooError("\(name): needs the parameters of each pixel, and images", code: .mismatch)
        }
        return TensorType([], inputs[0].rows)
    }

    /// log P of one byte in one component, with its derivatives with respect to the mean and the log scale.
    private func byte<Element: RealNumber>(_ y: Element, mean: Element, logScale: Element)
        -> (value: Element, byMean: Element, byLogScale: Element)
    {
        let isClamped = logScale < Element(Self.leastLogScale)
        let inverse = Element.exp(-max(logScale, Element(Self.leastLogScale)))
        let half: Element = 1 / 255
        let above = inverse * (y - mean + half)
        let below = inverse * (y - mean - half)
        // What the value changes with above and below.
        var (value, byAbove, byBelow): (Element, Element, Element)
        var byWidth: Element = 0
        if y < -0.999 {
            value = above - softplus(above)
            (byAbove, byBelow) = (1 - sigmoid(above), 0)
        } else if y > 0.999 {
            value = -softplus(below)
            (byAbove, byBelow) = (0, -sigmoid(below))
        } else {
            // F(a) − F(b) = (1 − e^{b − a})·sigmoid(a)·(1 − sigmoid(b)), a − b being the width.
            let width = 2 * half * inverse
            value = above + .log(-.expMinusOne(-width)) - softplus(above) - softplus(below)
            (byAbove, byBelow) = (1 - sigmoid(above), -sigmoid(below))
            byWidth = width / .expMinusOne(width)
        }
        let byMean = -inverse * (byAbove + byBelow)
        let byLogScale = isClamped ? 0 : -(above * byAbove + below * byBelow + byWidth)
        return (value, byMean, byLogScale)
    }

    /// The parts of the maps: places of one pixel's logits, means, log scales and coefficients.
    private func place(_ map: Int, _ pixel: Int, _ row: Int, _ maps: Int) -> Int { (row * maps + map) * area + pixel }

    private func forEachPixel<Element: RealNumber>(
        _ t: OperationTensors<Element>, rows: Int,
        _ body: (_ row: Int, _ pixel: Int, _ logs: UnsafeMutableBufferPointer<Element>, _ total: Element) -> Void
    ) {
        let maps = t.inputTypes[0].shape.channels
        let samples = rows / t.imageCount
        withUnsafeTemporaryAllocation(of: Element.self, capacity: components) { logs in
            for row in 0..<rows {
                for pixel in 0..<area {
                    var most = -Element.infinity
                    for k in 0..<components { most = max(most, t.inputs[0][place(k, pixel, row, maps)]) }
                    var sum: Element = 0
                    for k in 0..<components { sum += .exp(t.inputs[0][place(k, pixel, row, maps)] - most) }
                    let normalizer = most + .log(sum)
                    for k in 0..<components {
                        var log = t.inputs[0][place(k, pixel, row, maps)] - normalizer
                        for c in 0..<channels {
                            log += channel(c, k, pixel, row, row / samples, t).value
                        }
                        logs[k] = log
                    }
                    body(row, pixel, logs, logSumExp(logs))
                }
            }
        }
    }

    /// log P of one channel of a pixel in component k, given the channels before it, with its derivatives.
    private func channel<Element: RealNumber>(
        _ c: Int, _ k: Int, _ pixel: Int, _ row: Int, _ image: Int, _ t: OperationTensors<Element>
    ) -> (value: Element, byMean: Element, byLogScale: Element) {
        let maps = t.inputTypes[0].shape.channels
        func scaled(_ channel: Int) -> Element { 2 * t.inputs[1][(image * channels + channel) * area + pixel] - 1 }
        var mean = t.inputs[0][place(components * (1 + c) + k, pixel, row, maps)]
        if channels == 3, c > 0 {
            for before in 0..<c {
                mean += .tanh(t.inputs[0][coefficient(c, before, k, pixel, row, maps)]) * scaled(before)
            }
        }
        let logScale = t.inputs[0][place(components * (1 + channels + c) + k, pixel, row, maps)]
        return byte(scaled(c), mean: mean, logScale: logScale)
    }

    /// The coefficient of a channel before channel c in its mean: green of red, blue of red, blue of green.
    private func coefficient(_ c: Int, _ before: Int, _ k: Int, _ pixel: Int, _ row: Int, _ maps: Int) -> Int {
        place(components * (1 + 2 * channels + c - 1 + before) + k, pixel, row, maps)
    }

    func forward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        withUnsafeTemporaryAllocation(of: Double.self, capacity: t.outputRowCount) { sums in
            for row in sums.indices { sums[row] = 0 }
            forEachPixel(t, rows: t.outputRowCount) { row, _, _, total in sums[row] -= Double(total) }
            for row in sums.indices { t.output[row] = Element(sums[row]) }
        }
    }

    func backward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        guard let gradient = t.inputGradients[0] else { return }
        let maps = t.inputTypes[0].shape.channels
        let rows = t.outputGradient.count
        let samples = rows / t.imageCount
        forEachPixel(t, rows: rows) { row, pixel, logs, total in
            let image = row / samples
            var most = -Element.infinity
            for k in 0..<components { most = max(most, t.inputs[0][place(k, pixel, row, maps)]) }
            var sum: Element = 0
            for k in 0..<components { sum += .exp(t.inputs[0][place(k, pixel, row, maps)] - most) }
            for k in 0..<components {
                let posterior = Element.exp(logs[k] - total)
                let prior = Element.exp(t.inputs[0][place(k, pixel, row, maps)] - most) / sum
                let dy = -t.outputGradient[row]
                gradient[place(k, pixel, row, maps)] += dy * (posterior - prior)
                for c in 0..<channels {
                    let (_, byMean, byLogScale) = channel(c, k, pixel, row, image, t)
                    gradient[place(components * (1 + c) + k, pixel, row, maps)] += dy * posterior * byMean
                    gradient[place(components * (1 + channels + c) + k, pixel, row, maps)] +=
                        dy * posterior * byLogScale
                    guard channels == 3 else { continue }
                    for before in 0..<c {
                        let index = coefficient(c, before, k, pixel, row, maps)
                        let tangent = Element.tanh(t.inputs[0][index])
                        let x = 2 * t.inputs[1][(image * channels + before) * area + pixel] - 1
                        gradient[index] += dy * posterior * byMean * (1 - tangent * tangent) * x
                    }
                }
            }
        }
    }
}

/// The mean of the mixture of each pixel, 0…1, with the means of the channels before in place of their values.
private struct LogisticMixtureMean: CustomOperation {
    let components: Int
    let image: Shape

    var name: String { "logistic_mixture_mean" }
    var definitionName: String { "objective.reconstruction.discretized_logistic_mixture" }
    var formula: String? { "y = Σ_k π_k·μ_k" }

    func output(_ inputs: [TensorType]) throws -> TensorType { TensorType(image, inputs[0].rows) }

    func forward<Element: RealNumber>(_ t: OperationTensors<Element>) {
        let (channels, area, maps) = (image.channels, image.area, t.inputTypes[0].shape.channels)
        for row in 0..<t.outputRowCount {
            for pixel in 0..<area {
                func parameter(_ map: Int) -> Element { t.inputs[0][(row * maps + map) * area + pixel] }
                var most = -Element.infinity
                for k in 0..<components { most = max(most, parameter(k)) }
                var sum: Element = 0
                for k in 0..<components { sum += .exp(parameter(k) - most) }
                for k in 0..<components {
                    let weight = Element.exp(parameter(k) - most) / sum
                    var (red, green): (Element, Element) = (0, 0)
                    for c in 0..<channels {
                        var mean = parameter(components * (1 + c) + k)
                        if c == 1 { mean += .tanh(parameter(components * (1 + 2 * channels) + k)) * red }
                        if c == 2 {
                            mean += .tanh(parameter(components * (2 + 2 * channels) + k)) * red
                            mean += .tanh(parameter(components * (3 + 2 * channels) + k)) * green
                        }
                        if c == 0 { red = min(1, max(-1, mean)) } else if c == 1 { green = min(1, max(-1, mean)) }
                        let shown = (min(1, max(-1, mean)) + 1) / 2
                        t.output[(row * channels + c) * area + pixel] += weight * shown
                    }
                }
            }
        }
    }

    /// The mean is what is shown; nothing learns from it.
    func backward<Element: RealNumber>(_ t: OperationTensors<Element>) {}
}
