import ModelKit
import TensorCore

/// δ²·(√(1 + (d/δ)²) − 1) with d = x̂ − x: squared for small errors, absolute for large ones (Charbonnier and others 1997,
/// doi:10.1109/83.551699).
struct PseudoHuber: PixelLoss {
    /// Where the loss turns from squared to absolute.
    var delta: Double

    var name: String { "pseudo_huber" }

    func valueAndDerivative<Element: BinaryFloatingPoint>(
        prediction: Element, target: Element
    ) -> (value: Element, derivative: Element) {
        let difference = prediction - target
        let ratio = difference / Element(delta)
        let root = (1 + ratio * ratio).squareRoot()
        // √(1 + r²) − 1 = r² / (√(1 + r²) + 1), without cancellation.
        return (difference * difference / (root + 1), difference / root)
    }

    static let descriptor = LikelihoodDescriptor(
        name: "pseudo_huber", summary: "Pseudo-Huber loss, δ = 0.1, constant dropped.",
        likelihood: .custom(PseudoHuber(delta: 0.1)))
}
