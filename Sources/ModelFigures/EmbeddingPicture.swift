import Figures
import LatentTools
import TensorCore
import TextSupport

/// Two coordinates of latent space to look at.
public enum EmbeddingAxes {
    /// Two dimensions of μ.
    case dimensions(Int, Int)
    /// The two directions in which μ varies most.
    case principal(PrincipalComponents)
    /// A plane in which neighbours stay neighbours.
    case neighbors(TSNE)

    /// Two coordinates by what they are to show.
    public enum Choice: Sendable, Equatable {
        /// Two dimensions of μ.
        case dimensions(Int, Int)
        /// The two dimensions with the most KL.
        case active
        case principal
        case neighbors
    }

    /// - Parameters:
    ///   - choice: nil for the two dimensions of a latent space that has two, else `.principal`.
    ///   - statistics: of these codes.
    ///   - progress: called with the part of t-SNE that is done, from 0 to 1.
    /// - Throws: `ZooError` (wrong usage) for a latent space of one dimension.
    public init(
        _ choice: Choice?, of codes: LatentCodes, _ statistics: LatentStatistics,
        progress: (Double) throws -> Void = { _ in }
    ) throws {
        let size = statistics.latentSize
        guard size >= 2 else {
            throw ZooError(
                "one latent dimension is too few for a picture", kind: .usage, code: .unsupported, remedy: .writeNumbers
            )
        }
        switch choice ?? (size == 2 ? .dimensions(0, 1) : .principal) {
        case .dimensions(let x, let y): self = .dimensions(x, y)
        case .active:
            let order = statistics.dimensionsByInformation
            self = .dimensions(order[0], order[1])
        case .principal:
            self = .principal(
                PrincipalComponents(mean: statistics.meanOfMean, covariance: statistics.covarianceOfMean))
        case .neighbors: self = .neighbors(try TSNE(of: codes.means, size: size, progress: progress))
        }
    }

    /// The coordinates of every image and what the axes are.
    public func project(_ codes: LatentCodes) -> (points: [CurveFigure.Point], xLabel: String, yLabel: String) {
        let size = codes.latentSize
        switch self {
        case .dimensions(let x, let y):
            let points = zip(codes.values(of: x), codes.values(of: y)).map {
                CurveFigure.Point(x: Double($0), y: Double($1))
            }
            let name = codes.isVariational ? "mean of z" : "z"
            return (points, "\(name)\(x)", "\(name)\(y)")
        case .principal(let components):
            let points = stride(from: 0, to: codes.means.count, by: size).map { start in
                let row = codes.means[start..<start + size]
                return CurveFigure.Point(
                    x: components.coordinate(row, along: 0), y: components.coordinate(row, along: 1))
            }
            func label(_ direction: Int) -> String {
                "principal component \(direction + 1) of the means "
                    + "(\(Formatting.decimals(components.share(of: direction) * 100, 0)) % of their variance)"
            }
            return (points, label(0), label(1))
        case .neighbors(let layout):
            let points = stride(from: 0, to: layout.positions.count, by: 2).map {
                CurveFigure.Point(x: Double(layout.positions[$0]), y: Double(layout.positions[$0 + 1]))
            }
            return (points, "t-SNE 1 (only neighbourhoods mean something)", "t-SNE 2")
        }
    }
}

/// Images as points in two coordinates of latent space, coloured by a label or factor.
public enum EmbeddingPicture {
    /// - Parameter groups: for each image the number of its group; nil for one group of all.
    public static func figure(
        _ codes: LatentCodes, axes: EmbeddingAxes, groups: (of: [Int], names: [String])?, words: FigureWords
    ) -> CurveFigure {
        let (points, xLabel, yLabel) = axes.project(codes)
        var figure = CurveFigure(
            title: words.title, subtitle: words.subtitle, footer: words.footer, xLabel: xLabel, yLabel: yLabel,
            series: [], width: 1280, height: 1000)
        guard let groups else {
            figure.series = [CurveFigure.Series(name: "", points: points, style: .scatter)]
            return figure
        }
        var members = [[CurveFigure.Point]](repeating: [], count: groups.names.count)
        for (point, group) in zip(points, groups.of) where members.indices.contains(group) {
            members[group].append(point)
        }
        figure.series = zip(members, groups.names).filter { !$0.0.isEmpty }.map { points, name in
            CurveFigure.Series(name: name, points: points, style: .scatter, label: name)
        }
        return figure
    }
}
