import TensorCore

/// Lloyd's algorithm (1982) from centres that are chosen as k-means++ does (Arthur and Vassilvitskii 2007).
public struct KMeans: Sendable {
    /// The cluster of each row, `[N]`.
    public let clusters: [Int]
    /// The sum of the squared distances of rows to their centres.
    public let inertia: Double

    /// The best of `restarts` runs.
    ///
    /// - Throws: `ZooError` (wrong usage) for fewer rows than clusters.
    public init(_ codes: Codes, clusters count: Int, restarts: Int = 10, _ random: inout RandomNumbers) throws {
        guard codes.count >= count, count > 0 else {
            throw ZooError("\(codes.count) images make no \(count) clusters", kind: .usage)
        }
        var best: (clusters: [Int], inertia: Double)?
        for _ in 0..<max(1, restarts) {
            let found = Self.run(codes, count, &random)
            if found.inertia < best?.inertia ?? .infinity { best = found }
        }
        clusters = best?.clusters ?? []
        inertia = best?.inertia ?? 0
    }

    private static func run(
        _ codes: Codes, _ count: Int, _ random: inout RandomNumbers
    ) -> (clusters: [Int], inertia: Double) {
        var centres = codes.rows([random.integer(below: codes.count)])
        var nearest = [Double](repeating: .infinity, count: codes.count)
        while centres.count < count {
            Distances.forEachRow(codes.rows(Array(0..<codes.count)), centres.rows([centres.count - 1])) {
                nearest[$0] = min(nearest[$0], $1[0])
            }
            // In proportion to the squared distance from the nearest centre.
            var place = random.uniform() * nearest.reduce(0, +)
            let chosen = nearest.firstIndex { distance in
                place -= distance
                return place < 0
            }
            centres = Codes(
                values: centres.values + codes[chosen ?? random.integer(below: codes.count)], size: codes.size)
        }
        var clusters = [Int](repeating: -1, count: codes.count)
        var inertia = 0.0
        for _ in 0..<300 {
            var hasChanged = false
            inertia = 0
            var sums = [Double](repeating: 0, count: count * codes.size)
            var members = [Int](repeating: 0, count: count)
            Distances.forEachRow(codes, centres) { row, distances in
                let cluster = distances.indices.min { distances[$0] < distances[$1] } ?? 0
                hasChanged = hasChanged || clusters[row] != cluster
                clusters[row] = cluster
                inertia += distances[cluster]
                members[cluster] += 1
                for (d, value) in codes[row].enumerated() { sums[cluster * codes.size + d] += Double(value) }
            }
            guard hasChanged else { break }
            centres = Codes(
                values: sums.indices.map { place in
                    let cluster = place / codes.size
                    // A centre without rows stays where it is.
                    return members[cluster] > 0 ? Float(sums[place] / Double(members[cluster])) : centres.values[place]
                }, size: codes.size)
        }
        return (clusters, inertia)
    }

    /// The share of rows that have the most frequent label of their cluster.
    public func purity(_ labels: [Int]) -> Double {
        precondition(labels.count == clusters.count, "\(labels.count) labels for \(clusters.count) rows")
        var counts: [Int: [Int: Int]] = [:]
        for (cluster, label) in zip(clusters, labels) { counts[cluster, default: [:]][label, default: 0] += 1 }
        return Double(counts.values.reduce(0) { $0 + ($1.values.max() ?? 0) }) / Double(max(1, labels.count))
    }
}
