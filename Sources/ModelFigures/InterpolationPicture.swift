import Datasets
import Figures
import ImageFiles
import LatentTools
import ModelKit
import Planning
import TensorCore
import TextSupport

/// The way from one image to another: decoded latent vectors on a path, and the blend of their pixels.
public struct Interpolation {
    /// The two images' names.
    public let names: [String]
    /// 0 … 1, one for each step.
    public let positions: [Double]
    /// `[steps][D]`.
    public let latents: [[Float]]
    /// `[steps, C, H, W]`.
    public let decoded: Tensor
    /// (1 − t)·a + t·b, pixel by pixel, `[steps, C, H, W]`.
    public let blended: Tensor
    /// ‖x̂ₜ₊₁ − x̂ₜ‖ of neighbouring decoded images, pixels from 0 to 1: even numbers are a smooth path.
    public let stepDistances: [Double]
}

extension InferencePlan {
    /// Images between `a` and `b` on a path between their means μ.
    public func interpolation(from a: ChosenImage, to b: ChosenImage, steps: Int, path: LatentPath) throws
        -> Interpolation
    {
        let labels = [a.label, b.label].compactMap(\.self)
        let isGiven = definition.classCount != nil && imageClass == nil && labels.count == 2
        // Between images of one class what is decoded is of that class; between two somebody has to say which.
        let before = imageClass
        defer { imageClass = before }
        if isGiven, labels[0] == labels[1] { imageClass = labels[0] }
        let means = try encode(.concatenated([a.tensor, b.tensor]), classes: isGiven ? labels : nil).mean
        let latents = path.points(from: Array(means[0]), to: Array(means[1]), count: steps)
        let decoded = try decode(Tensor(rows: latents))
        let positions = ValueSpacing.even(0...1).values(count: steps)
        let blends = positions.map { t in
            zip(a.tensor.values, b.tensor.values).map { Float((1 - t) * Double($0) + t * Double($1)) }
        }
        return Interpolation(
            names: [a.name, b.name], positions: positions, latents: latents, decoded: decoded,
            blended: try Tensor(rows: blends, shape: definition.input),
            stepDistances: zip(decoded.rows, decoded.rows.dropFirst()).map { ImageDistance.euclidean($0, $1) })
    }
}

extension Pictures {
    /// Each interpolation in two rows: through latent space and, for contrast, through pixel space.
    public func grid(
        _ interpolations: [Interpolation], path: LatentPath, words: FigureWords
    ) throws -> ImageGrid {
        let steps = interpolations.first?.positions.count ?? 1
        var grid = ImageGrid(
            images: try interpolations.flatMap { try images($0.decoded) + images($0.blended) }, columns: steps,
            words: words)
        grid.columnCaptions = (interpolations.first?.positions ?? []).map { "t = \(Formatting.decimals($0, 2))" }
        grid.rowCaptions = interpolations.flatMap { interpolation in
            ["\(interpolation.names.joined(separator: "\n→ "))\nlatent (\(path.rawValue))", "pixels"]
        }
        grid.rowsPerGroup = 2
        return grid
    }

    /// There and back through the interpolations, a frame a step: latent space above pixel space.
    public func animation(_ interpolations: [Interpolation], path: LatentPath, words: FigureWords) throws
        -> AnimationGIF
    {
        let positions = interpolations.first?.positions ?? []
        let frames = try positions.indices.map { step in
            var grid = ImageGrid(
                images: try interpolations.map { try image($0.decoded[step]) }
                    + interpolations.map { try image($0.blended[step]) },
                columns: max(1, interpolations.count), words: words)
            grid.columnCaptions = interpolations.map { $0.names.joined(separator: " → ") }
            grid.rowCaptions = ["latent (\(path.rawValue))", "pixels"]
            grid.title += ", t = \(Formatting.decimals(positions[step], 2))"
            return try grid.rendered()
        }
        return AnimationGIF(frames: Self.thereAndBack(frames), secondsPerFrame: 0.12)
    }

    /// The frames forwards and backwards, the ends held a little.
    public static func thereAndBack(_ frames: [Image8]) -> [Image8] {
        guard let first = frames.first, let last = frames.last else { return [] }
        let pause = 4
        return [Image8](repeating: first, count: pause) + frames.dropFirst().dropLast()
            + [Image8](repeating: last, count: pause) + frames.dropFirst().dropLast().reversed()
    }
}
