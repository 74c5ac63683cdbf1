/// Points of the plane in squares within squares, for sums over far points (Barnes and Hut 1986).
struct SquareTree {
    /// A square with points in it.
    private struct Square {
        /// The middle of its points.
        var x = 0.0
        var y = 0.0
        /// Its points in `order`.
        var points: Range<Int>
        var width: Double
        /// Its first part; the others follow. None where it is not divided.
        var parts: Range<Int> = 0..<0
    }

    private let positions: [Double]
    private var order: [Int32]
    private var squares: [Square] = []

    /// - Parameter positions: N × 2, row after row.
    init(of positions: [Double]) {
        self.positions = positions
        order = (0..<Int32(positions.count / 2)).map(\.self)
        var (low, high) = ((Double.infinity, Double.infinity), (-Double.infinity, -Double.infinity))
        for i in stride(from: 0, to: positions.count, by: 2) {
            low = (min(low.0, positions[i]), min(low.1, positions[i + 1]))
            high = (max(high.0, positions[i]), max(high.1, positions[i + 1]))
        }
        let width = max(high.0 - low.0, high.1 - low.1)
        squares = [Square(points: 0..<order.count, width: width)]
        divide(0, corner: low, depth: 0)
    }

    /// Divides a square into those of its four parts that have points, until few are left; points at one place stay together.
    private mutating func divide(_ index: Int, corner: (Double, Double), depth: Int) {
        let square = squares[index]
        var (sumX, sumY) = (0.0, 0.0)
        for place in square.points {
            sumX += positions[2 * Int(order[place])]
            sumY += positions[2 * Int(order[place]) + 1]
        }
        squares[index].x = sumX / Double(square.points.count)
        squares[index].y = sumY / Double(square.points.count)
        guard square.points.count > 8, depth < 40 else { return }
        let half = square.width / 2
        var members = [[Int32]](repeating: [], count: 4)
        for place in square.points {
            let point = Int(order[place])
            let quarter =
                (positions[2 * point] < corner.0 + half ? 0 : 1) + (positions[2 * point + 1] < corner.1 + half ? 0 : 2)
            members[quarter].append(order[place])
        }
        let first = squares.count
        var corners: [(Double, Double)] = []
        var start = square.points.lowerBound
        for (quarter, points) in members.enumerated() where !points.isEmpty {
            for (i, point) in points.enumerated() { order[start + i] = point }
            squares.append(Square(points: start..<start + points.count, width: half))
            corners.append((corner.0 + Double(quarter % 2) * half, corner.1 + Double(quarter / 2) * half))
            start += points.count
        }
        squares[index].parts = first..<squares.count
        for (part, corner) in zip(first..<squares.count, corners) { divide(part, corner: corner, depth: depth + 1) }
    }

    /// Σ w² (y_i − y_j) and Σ w over all other points j, w = 1 / (1 + |y_i − y_j|²).
    func repulsion(on point: Int, angle: Double) -> (x: Double, y: Double, weight: Double) {
        let (x, y) = (positions[2 * point], positions[2 * point + 1])
        var (forceX, forceY, total) = (0.0, 0.0, 0.0)
        func add(_ otherX: Double, _ otherY: Double, times: Double) {
            let (dx, dy) = (x - otherX, y - otherY)
            let weight = 1 / (1 + dx * dx + dy * dy)
            total += times * weight
            forceX += times * weight * weight * dx
            forceY += times * weight * weight * dy
        }
        var waiting = [0]
        waiting.reserveCapacity(128)
        while let index = waiting.popLast() {
            let square = squares[index]
            let (dx, dy) = (x - square.x, y - square.y)
            if square.width * square.width < angle * angle * (dx * dx + dy * dy) {
                add(square.x, square.y, times: Double(square.points.count))
            } else if square.parts.isEmpty {
                for place in square.points where Int(order[place]) != point {
                    add(positions[2 * Int(order[place])], positions[2 * Int(order[place]) + 1], times: 1)
                }
            } else {
                waiting.append(contentsOf: square.parts)
            }
        }
        return (forceX, forceY, total)
    }
}
