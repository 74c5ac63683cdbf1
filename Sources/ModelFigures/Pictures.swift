import Datasets
import Figures
import ImageFiles
import ModelKit
import Planning
import TensorCore

/// Samples and reconstructions as labelled grids.
public struct Pictures {
    public let plan: InferencePlan
    public var definition: ModelDefinition { plan.definition }

    /// - Throws: `ZooError` for a model whose inputs are not images of 1 or 3 channels.
    public init(_ plan: InferencePlan) throws {
        guard Self.canShow(plan.definition) else {
            throw ZooError(
                "\(plan.definition.name) works on \(plan.definition.input), which is not an image of 1 or 3 channels",
                kind: .usage)
        }
        self.plan = plan
    }

    public static func canShow(_ definition: ModelDefinition) -> Bool {
        definition.input.rank == 3 && [1, 3].contains(definition.input.channels)
    }

    /// `count` of the images, evenly spread over the list: neighbours in a data set are often alike.
    public static func spread(_ indices: [Int32], count: Int) -> [Int32] {
        let shown = min(count, indices.count)
        return (0..<shown).map { indices[$0 * indices.count / shown] }
    }

    /// x̂ of C·H·W numbers in C H W order as an image of bytes.
    public func image(_ values: [Float]) throws -> Image8 {
        let shape = definition.input
        var pixels = [UInt8](repeating: 0, count: shape.count)
        for channel in 0..<shape.channels {
            for place in 0..<shape.area {
                let value = values[channel * shape.area + place]
                pixels[place * shape.channels + channel] = UInt8(
                    (min(1, max(0, value)) * 255).rounded())
            }
        }
        return try Image8(width: shape.width, height: shape.height, channels: shape.channels, pixels: pixels)
    }

    /// Images of `count` · C·H·W bytes in H W C order.
    public func images(_ pixels: [UInt8]) throws -> [Image8] {
        let shape = definition.input
        return try stride(from: 0, to: pixels.count, by: shape.count).map { start in
            try Image8(
                width: shape.width, height: shape.height, channels: shape.channels,
                pixels: Array(pixels[start..<start + shape.count]))
        }
    }

    /// The decoded images of latent vectors.
    ///
    /// - Parameter classes: of a conditional model, the class of each; nil for the plan's.
    public func decoded(_ latents: [[Float]], classes: [Int]? = nil) throws -> [Image8] {
        try plan.decode(latents, classes: classes).map(image)
    }

    /// An empty place in a grid.
    public func blank() throws -> Image8 {
        try Image8(
            width: definition.input.width, height: definition.input.height, channels: definition.input.channels,
            filledWith: 255)
    }
}
