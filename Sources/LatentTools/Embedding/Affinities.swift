import Glibc

extension TSNE {
    /// The probabilities p(i, j) that two points are neighbours, symmetric, those of each point's nearest ones only.
    ///
    /// p(j | i) falls as a Gaussian around i whose width gives each point the same perplexity (van der Maaten and Hinton 2008,
    /// equations 1 and 4).
    struct Affinities {
        /// Where the neighbours of each point begin; one more for the end.
        private let starts: [Int]
        private let neighbors: [Int32]
        private let probabilities: [Double]

        private var count: Int { starts.count - 1 }

        /// - Parameters:
        ///   - points: N × D, row after row.
        ///   - size: D.
        init(of points: [Float], size: Int, perplexity: Double) throws {
            let count = points.count / size
            let neighborCount = min(count - 1, Int(3 * perplexity) + 1)
            let rows = try Blocks(of: count).map { row in
                let (nearest, distances) = Self.nearest(neighborCount, to: row, in: points, size: size)
                return zip(nearest, Self.conditional(distances, perplexity: perplexity)).map { ($0, $1) }
            }
            // p(i, j) = (p(j | i) + p(i | j)) / 2N: each conditional one counts for both points.
            var lists = [[(neighbor: Int32, probability: Double)]](repeating: [], count: count)
            for (row, list) in rows.enumerated() {
                for (neighbor, probability) in list {
                    lists[row].append((neighbor, probability))
                    lists[Int(neighbor)].append((Int32(row), probability))
                }
            }
            var starts = [0]
            var neighbors: [Int32] = []
            var probabilities: [Double] = []
            for list in lists {
                let first = neighbors.count
                for (neighbor, probability) in list.sorted(by: { $0.neighbor < $1.neighbor }) {
                    let share = probability / Double(2 * count)
                    if neighbors.count > first, neighbors[neighbors.count - 1] == neighbor {
                        probabilities[probabilities.count - 1] += share
                    } else {
                        neighbors.append(neighbor)
                        probabilities.append(share)
                    }
                }
                starts.append(neighbors.count)
            }
            (self.starts, self.neighbors, self.probabilities) = (starts, neighbors, probabilities)
        }

        /// The points nearest to a point, and their squared distances, nearest first.
        private static func nearest(
            _ neighborCount: Int, to row: Int, in points: [Float], size: Int
        ) -> (neighbors: [Int32], squaredDistances: [Double]) {
            var kept: [(distance: Float, point: Int32)] = []
            kept.reserveCapacity(neighborCount + 1)
            points.withUnsafeBufferPointer { points in
                for other in 0..<points.count / size where other != row {
                    var distance: Float = 0
                    for d in 0..<size {
                        let difference = points[row * size + d] - points[other * size + d]
                        distance += difference * difference
                    }
                    if kept.count == neighborCount, distance >= kept[neighborCount - 1].distance { continue }
                    var (low, high) = (0, kept.count)
                    while low < high {
                        let middle = (low + high) / 2
                        if kept[middle].distance <= distance { low = middle + 1 } else { high = middle }
                    }
                    kept.insert((distance, Int32(other)), at: low)
                    if kept.count > neighborCount { kept.removeLast() }
                }
            }
            return (kept.map(\.point), kept.map { Double($0.distance) })
        }

        /// p(j | i) of neighbours at these squared distances: the width of the Gaussian is found by bisection.
        private static func conditional(_ squaredDistances: [Double], perplexity: Double) -> [Double] {
            let wanted = log(perplexity)
            // Relative to the nearest, so that the largest weight is 1.
            let least = squaredDistances.min() ?? 0
            let distances = squaredDistances.map { $0 - least }
            var weights = distances
            var precision = 1.0
            var (low, high) = (0.0, Double.infinity)
            for _ in 0..<100 {
                var (sum, weighted) = (0.0, 0.0)
                for (j, distance) in distances.enumerated() {
                    weights[j] = exp(-distance * precision)
                    sum += weights[j]
                    weighted += distance * weights[j]
                }
                let entropy = log(sum) + precision * weighted / sum
                for j in weights.indices { weights[j] /= sum }
                if abs(entropy - wanted) < 1e-5 { break }
                if entropy > wanted {
                    low = precision
                    precision = high.isFinite ? (low + high) / 2 : precision * 2
                } else {
                    high = precision
                    precision = (low + high) / 2
                }
            }
            return weights
        }

        /// The gradient of Σ p log(p/q) in the positions, N × 2 (van der Maaten and Hinton 2008, equation 5).
        ///
        /// - Parameter exaggeration: what the probabilities are multiplied by.
        func gradient(at positions: [Double], exaggeration: Double, angle: Double) throws -> [Double] {
            let tree = SquareTree(of: positions)
            let forces = try Blocks(of: count).map { row in
                var pull = (x: 0.0, y: 0.0)
                eachNeighbor(of: row, at: positions) { probability, weight, dx, dy in
                    pull.x += probability * weight * dx
                    pull.y += probability * weight * dy
                }
                return (pull: pull, push: tree.repulsion(on: row, angle: angle))
            }
            let total = forces.reduce(0) { $0 + $1.push.weight }
            var gradient: [Double] = []
            gradient.reserveCapacity(positions.count)
            for (pull, push) in forces {
                gradient.append(4 * (exaggeration * pull.x - push.x / total))
                gradient.append(4 * (exaggeration * pull.y - push.y / total))
            }
            return gradient
        }

        /// Σ p log(p/q) in nats.
        func divergence(at positions: [Double], angle: Double) throws -> Double {
            let tree = SquareTree(of: positions)
            let parts = try Blocks(of: count).map { row in
                var sum = 0.0
                eachNeighbor(of: row, at: positions) { probability, weight, _, _ in
                    // Points that are far apart have no probability left to take the logarithm of.
                    if probability > 0 { sum += probability * log(probability / weight) }
                }
                return (sum: sum, weight: tree.repulsion(on: row, angle: angle).weight)
            }
            return parts.reduce(0) { $0 + $1.sum } + log(parts.reduce(0) { $0 + $1.weight })
        }

        /// Calls `body` with p, w = 1 / (1 + |y_i − y_j|²) and y_i − y_j of a point's neighbours.
        private func eachNeighbor(
            of row: Int, at positions: [Double], _ body: (_ p: Double, _ w: Double, _ dx: Double, _ dy: Double) -> Void
        ) {
            let (x, y) = (positions[2 * row], positions[2 * row + 1])
            for k in starts[row]..<starts[row + 1] {
                let other = Int(neighbors[k])
                let (dx, dy) = (x - positions[2 * other], y - positions[2 * other + 1])
                body(probabilities[k], 1 / (1 + dx * dx + dy * dy), dx, dy)
            }
        }
    }

    /// Rows in blocks that do not depend on the number of threads.
    private struct Blocks {
        private let count: Int

        init(of count: Int) { self.count = count }

        func map<Result: Sendable>(_ body: (Int) -> Result) throws -> [Result] {
            let size = 256
            let starts = Array(stride(from: 0, to: count, by: size))
            return try starts.concurrentMap { start in (start..<min(start + size, count)).map(body) }.flatMap(\.self)
        }
    }
}
