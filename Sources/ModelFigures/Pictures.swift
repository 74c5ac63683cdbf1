import Datasets
import Figures
import ImageFiles
import ModelKit
import Planning
import TensorCore

/// Samples and reconstructions as labelled grids. Images of 1 channel are grey, those of 3 are in colour, and of others
/// the channels are shown in grey side by side.
public struct Pictures {
    public let plan: InferencePlan
    /// Of the data, where they are real numbers; nil for images of bytes.
    private let scaling: ValueScaling?
    public var definition: ModelDefinition { plan.definition }

    /// - Throws: `ZooError` for a model whose inputs are vectors.
    public init(_ plan: InferencePlan, scaling: ValueScaling? = nil) throws {
        let definition = plan.definition
        guard Self.canShow(definition) else {
            throw ZooError(
                "\(definition.name) works on vectors \(definition.input), of which there is no picture of this kind",
                kind: .usage, code: .unsupported)
        }
        guard scaling.map({ definition.input.channels.isMultiple(of: $0.count) }) ?? true else {
            throw ZooError(
                "the scaling of \(scaling?.count ?? 0) channels does not fit images \(definition.input)",
                code: .mismatch)
        }
        self.plan = plan
        self.scaling = scaling
    }

    public static func canShow(_ definition: ModelDefinition) -> Bool { definition.input.rank == 3 }

    /// `count` of the images, evenly spread over the list: neighbours in a data set are often alike.
    public static func spread(_ indices: [Int32], count: Int) -> [Int32] {
        let shown = min(count, indices.count)
        return (0..<shown).map { indices[$0 * indices.count / shown] }
    }

    /// C·H·W numbers in C H W order, as the model takes and gives them, as an image of bytes.
    public func image(_ values: some RandomAccessCollection<Float>) throws -> Image8 {
        let shape = definition.input
        let isPlain = [1, 3].contains(shape.channels)
        let width = isPlain ? shape.width : shape.width * shape.channels
        var pixels = [UInt8](repeating: 0, count: shape.count)
        for (index, value) in values.enumerated() {
            let (channel, place) = (index / shape.area, index % shape.area)
            let brightness = scaling?.brightness(value, channel: channel % (scaling?.count ?? 1)) ?? value
            let target =
                isPlain
                ? place * shape.channels + channel
                : place / shape.width * width + channel * shape.width + place % shape.width
            pixels[target] = UInt8((min(1, max(0, brightness)) * 255).rounded())
        }
        return try Image8(width: width, height: shape.height, channels: isPlain ? shape.channels : 1, pixels: pixels)
    }

    /// Images `[N, C, H, W]` as images of bytes.
    public func images(_ tensor: Tensor) throws -> [Image8] { try (0..<tensor.count).map { try image(tensor[$0]) } }

    /// Numbers of the model in the units of the data.
    public func inUnitsOfData(_ tensor: Tensor) throws -> Tensor { try scaling?.undone(tensor) ?? tensor }

    /// The decoded images of latent vectors.
    ///
    /// - Parameter classes: of a conditional model, the class of each; nil for the plan's.
    public func decoded(_ latents: [[Float]], classes: [Int]? = nil) throws -> [Image8] {
        try plan.decode(latents, classes: classes).map { try image($0) }
    }

    /// An empty place in a grid.
    public func blank() throws -> Image8 {
        let shape = definition.input
        let isPlain = [1, 3].contains(shape.channels)
        return try Image8(
            width: isPlain ? shape.width : shape.width * shape.channels, height: shape.height,
            channels: isPlain ? shape.channels : 1, filledWith: 255)
    }
}
