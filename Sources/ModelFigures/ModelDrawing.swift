import Figures
import LatentTools
import ModelKit
import Planning
import TensorCore

/// What a model makes, drawn as grids of images, or of a model of vectors as points and curves.
public enum ModelDrawing {
    case images(Pictures)
    case vectors(VectorFigures)

    /// - Parameter scaling: of the data, where they are real numbers.
    /// - Throws: `ZooError` where the scaling is of other data.
    public init(_ plan: InferencePlan, scaling: ValueScaling?) throws {
        self =
            plan.definition.input.rank == 1
            ? .vectors(try VectorFigures(plan, scaling: scaling)) : .images(try Pictures(plan, scaling: scaling))
    }

    public var plan: InferencePlan {
        switch self {
        case .images(let pictures): pictures.plan
        case .vectors(let figures): figures.plan
        }
    }

    /// - Throws: `ZooError` (wrong usage) for a model of vectors.
    public func requireImages(for what: String) throws -> Pictures {
        switch self {
        case .images(let pictures): return pictures
        case .vectors:
            throw ZooError(
                "\(plan.definition.name) works on vectors \(plan.definition.input): there is no \(what) of them",
                advice: "draw a figure, .png, .svg or .pdf", kind: .usage, code: .unsupported)
        }
    }

    /// Decoded latent vectors.
    ///
    /// - Parameters:
    ///   - columns: images in a row; nil for rows that fill a slide.
    ///   - data: vectors as the model takes them, drawn below the decoded ones; of images nothing is drawn.
    public func samples(
        _ latents: [[Float]], columns: Int? = nil, data: Tensor? = nil, words: FigureWords
    ) throws -> any Figure {
        switch self {
        case .images(let pictures): try pictures.samples(latents, columns: columns, words: words)
        case .vectors(let figures): try figures.samples(latents, data: data, words: words)
        }
    }

    /// Images above their reconstructions, or vectors with theirs; and ½‖x − x̂‖² of each in the numbers of the model.
    ///
    /// - Parameters:
    ///   - data: `[N, C, H, W]` or `[N, D]`, as the model takes them.
    ///   - classes: of the images, for a conditional model.
    ///   - names: a caption for each image.
    public func reconstructions(
        _ data: Tensor, classes: [Int]? = nil, names: [String], words: FigureWords
    ) throws -> (figure: any Figure, squaredErrors: [Double]) {
        switch self {
        case .images(let pictures):
            let (grid, errors) = try pictures.reconstructions(data, classes: classes, names: names, words: words)
            return (grid, errors)
        case .vectors(let figures):
            let (figure, errors) = try figures.reconstructions(data, words: words)
            return (figure, errors)
        }
    }

    /// Some of the samples of each region.
    public func regions(_ rows: [RegionRow], words: FigureWords) throws -> any Figure {
        switch self {
        case .images(let pictures): try pictures.regions(rows, words: words)
        case .vectors(let figures): try figures.regions(rows, words: words)
        }
    }

    /// The decoder over a grid of two latent dimensions.
    public func manifold(_ grid: LatentGrid, words: FigureWords) throws -> any Figure {
        switch self {
        case .images(let pictures): try pictures.manifold(grid, words: words)
        case .vectors(let figures): try figures.manifold(grid, words: words)
        }
    }

    /// What each latent dimension does.
    public func traversal(_ figure: TraversalFigure, words: FigureWords) throws -> any Figure {
        switch self {
        case .images(let pictures): try pictures.traversal(figure, words: words)
        case .vectors(let figures): try figures.traversal(figure, words: words)
        }
    }

    /// Each interpolation: images in two rows, through latent space and through pixel space, or the way of a vector.
    public func interpolations(
        _ interpolations: [Interpolation], path: LatentPath, words: FigureWords
    ) throws -> any Figure {
        switch self {
        case .images(let pictures): try pictures.grid(interpolations, path: path, words: words)
        case .vectors(let figures): try figures.interpolations(interpolations, words: words)
        }
    }

    /// Numbers of the model in the units of the data.
    public func inUnitsOfData(_ tensor: Tensor) throws -> Tensor {
        switch self {
        case .images(let pictures): try pictures.inUnitsOfData(tensor)
        case .vectors(let figures): try figures.inUnitsOfData(tensor)
        }
    }
}
