import TensorCore

/// How far generated features lie among real ones and the other way round, by the nearest neighbours.
public struct NeighbourhoodScores: Sendable, Equatable {
    /// The share of generated features within the real manifold (Kynkäänniemi and others 2019, equation 2).
    public let precision: Double
    /// The share of real features within the generated manifold (the same, equation 3).
    public let recall: Double
    /// How many real neighbourhoods a generated feature lies in, divided by k; can exceed 1 (Naeem and others 2020, equation 5).
    public let density: Double
    /// The share of real neighbourhoods with a generated feature in them (Naeem and others 2020, equation 6).
    public let coverage: Double

    /// - Parameters:
    ///   - manifoldNeighbours: k of precision and recall; 3 in the paper.
    ///   - densityNeighbours: k of density and coverage; 5 in the paper.
    /// - Throws: `ZooError` (wrong usage) for no more features than neighbours, or features of different sizes.
    public init(real: Codes, generated: Codes, manifoldNeighbours: Int = 3, densityNeighbours: Int = 5) throws {
        try requireComparable(real, generated, atLeast: max(manifoldNeighbours, densityNeighbours) + 1)
        let realRadii = Distances.toNearest(manifoldNeighbours, within: real)
        let generatedRadii = Distances.toNearest(manifoldNeighbours, within: generated)
        let neighbourhoods =
            manifoldNeighbours == densityNeighbours ? realRadii : Distances.toNearest(densityNeighbours, within: real)
        var isInReal = [Bool](repeating: false, count: generated.count)
        var (recalled, inside, covered) = (0, 0, 0)
        Distances.forEachRow(real, generated) { row, distances in
            var (isRecalled, isCovered) = (false, false)
            for (column, distance) in distances.enumerated() {
                if distance <= realRadii[row] { isInReal[column] = true }
                if distance <= generatedRadii[column] { isRecalled = true }
                if distance <= neighbourhoods[row] {
                    inside += 1
                    isCovered = true
                }
            }
            recalled += isRecalled ? 1 : 0
            covered += isCovered ? 1 : 0
        }
        precision = Double(isInReal.count { $0 }) / Double(generated.count)
        recall = Double(recalled) / Double(real.count)
        density = Double(inside) / Double(densityNeighbours * generated.count)
        coverage = Double(covered) / Double(real.count)
    }
}
