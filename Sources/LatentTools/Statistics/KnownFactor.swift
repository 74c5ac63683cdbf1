import Datasets
import TensorCore
import TextSupport

/// One way in which images vary, with the position of each of N images: a factor of the data set, or its labels.
public struct KnownFactor: Sendable, Equatable {
    /// For instance `scale`, or `label`.
    public let name: String
    /// How many positions there are.
    public let count: Int
    /// The position of each image, `[N]`, each in `0..<count`.
    public let positions: [Int]

    /// - Precondition: each position is in `0..<count`.
    public init(name: String, count: Int, positions: [Int]) {
        precondition(positions.allSatisfy { (0..<count).contains($0) }, "\(name) has a position outside 0..<\(count)")
        self.name = name
        self.count = count
        self.positions = positions
    }

    /// What is known of images of a data set: its factors that vary, or else its labels; empty where there is neither.
    public static func all(of dataset: any Dataset, indices: [Int32]) -> [KnownFactor] {
        if let factors = dataset.info.factors {
            let rows = indices.compactMap { dataset.factors(Int($0)) }
            guard rows.count == indices.count, rows.allSatisfy({ $0.count == factors.count }) else { return [] }
            return factors.enumerated().compactMap { column, factor in
                known(factor.name, factor.count, rows.map { $0[column] })
            }
        }
        let labels = indices.compactMap { dataset.label(Int($0)) }
        guard let names = dataset.info.classNames, labels.count == indices.count else { return [] }
        return known("label", names.count, labels).map { [$0] } ?? []
    }

    /// The factor that points are coloured by: the one of this name, or else the labels, or a factor of at most ten positions;
    /// nil where there is none.
    ///
    /// - Throws: `ZooError` (wrong usage) where there is no factor of this name.
    public static func coloring(
        _ factors: [KnownFactor], named name: String?, in info: DatasetInfo
    ) throws -> KnownFactor? {
        guard let name else { return factors.first { $0.name == "label" } ?? factors.first { $0.count <= 10 } }
        guard let found = factors.first(where: { $0.name == name }) else {
            let known =
                factors.isEmpty ? "no labels or factors" : "only \(factors.map(\.name).joined(separator: ", "))"
            throw ZooError(
                "\(info.name) has no factor '\(name)': it knows \(known)", kind: .usage, code: .notFound)
        }
        return found
    }

    /// What its positions are called, `[count]`: as the data set names them, else their values or numbers.
    public func positionNames(in info: DatasetInfo) -> [String] {
        let factor = info.factors?.first { $0.name == name }
        let values = factor?.values?.map { Formatting.significant($0, 3) }
        let names = factor?.valueNames ?? values ?? info.classNames ?? []
        return names.count == count ? names : (0..<count).map(String.init)
    }

    private static func known(_ name: String, _ count: Int, _ positions: [Int]) -> KnownFactor? {
        guard count > 1, positions.allSatisfy({ (0..<count).contains($0) }) else { return nil }
        return KnownFactor(name: name, count: count, positions: positions)
    }
}
