import Datasets
import Figures
import ImageFiles
import LatentTools
import ModelKit
import Planning
import TextSupport

/// The way from one image to another: decoded latent vectors on a path, and the blend of their pixels.
public struct Interpolation {
    /// The two images' names.
    public let names: [String]
    /// 0 … 1, one for each step.
    public let positions: [Double]
    /// `[steps][D]`.
    public let latents: [[Float]]
    public let decoded: [Image8]
    /// (1 − t)·a + t·b, pixel by pixel.
    public let blended: [Image8]
    /// ‖x̂ₜ₊₁ − x̂ₜ‖ of neighbouring decoded images, pixels from 0 to 1: even numbers are a smooth path.
    public let stepDistances: [Double]
}

extension Pictures {
    /// Images between `a` and `b` on a path between their means μ.
    public func interpolation(from a: ChosenImage, to b: ChosenImage, steps: Int, path: LatentPath) throws
        -> Interpolation
    {
        let labels = [a.label, b.label].compactMap(\.self)
        let isGiven = definition.classCount != nil && plan.imageClass == nil && labels.count == 2
        // Between images of one class what is decoded is of that class; between two somebody has to say which.
        let before = plan.imageClass
        defer { plan.imageClass = before }
        if isGiven, labels[0] == labels[1] { plan.imageClass = labels[0] }
        let means = try plan.encode(a.pixels + b.pixels, classes: isGiven ? labels : nil).mean
        let latents = path.points(from: means[0], to: means[1], count: steps)
        let decoded = try plan.decode(latents)
        let positions = ValueSpacing.even(0...1).values(count: steps)
        var blends: [UInt8] = []
        for t in positions {
            for (first, second) in zip(a.pixels, b.pixels) {
                let value = (1 - t) * Double(first) + t * Double(second)
                blends.append(UInt8(value.rounded()))
            }
        }
        return Interpolation(
            names: [a.name, b.name], positions: positions, latents: latents, decoded: try decoded.map(image),
            blended: try images(blends),
            stepDistances: zip(decoded, decoded.dropFirst()).map { ImageDistance.euclidean($0, $1) })
    }

    /// Each interpolation in two rows: through latent space and, for contrast, through pixel space.
    public func grid(_ interpolations: [Interpolation], path: LatentPath, words: FigureWords) -> ImageGrid {
        let steps = interpolations.first?.positions.count ?? 1
        var grid = ImageGrid(
            images: interpolations.flatMap { $0.decoded + $0.blended }, columns: steps, words: words)
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
                images: interpolations.map { $0.decoded[step] } + interpolations.map { $0.blended[step] },
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
