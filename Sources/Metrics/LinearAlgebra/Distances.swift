import CLAPACK

/// Distances between rows.
enum Distances {
    /// Calls `body` with the squared Euclidean distances of a row of `a` to all rows of `b`, for each row in turn.
    ///
    /// Computed as |a|² + |b|² − 2ab in double precision, a block of rows at a time; what rounding makes negative is 0.
    static func forEachRow(_ a: Codes, _ b: Codes, _ body: (Int, [Double]) -> Void) {
        precondition(a.size == b.size, "rows of \(a.size) and \(b.size) numbers")
        let size = a.size
        let (first, second) = (a.values.map(Double.init), b.values.map(Double.init))
        func squares(_ values: [Double]) -> [Double] {
            stride(from: 0, to: values.count, by: size).map { start in
                values[start..<start + size].reduce(0) { $0 + $1 * $1 }
            }
        }
        let (squaresOfA, squaresOfB) = (squares(first), squares(second))
        let block = 256
        for start in stride(from: 0, to: a.count, by: block) {
            let rows = min(block, a.count - start)
            let products = matrixProduct(
                Array(first[start * size..<(start + rows) * size]), second, rows: rows, inner: size, columns: b.count,
                transposingSecond: true)
            for row in 0..<rows {
                var distances = [Double](repeating: 0, count: b.count)
                for column in 0..<b.count {
                    distances[column] = max(
                        0, squaresOfA[start + row] + squaresOfB[column] - 2 * products[row * b.count + column])
                }
                body(start + row, distances)
            }
        }
    }

    /// The squared distance of each row to its k-th nearest other row.
    ///
    /// - Precondition: there are more than k rows.
    static func toNearest(_ k: Int, within codes: Codes) -> [Double] {
        precondition(codes.count > k, "\(codes.count) rows have no \(k) neighbours")
        var result = [Double](repeating: 0, count: codes.count)
        forEachRow(codes, codes) { row, distances in
            var others = distances
            // Itself, whatever rounding says of the distance.
            others[row] = -1
            result[row] = others.smallest(k + 1)[k]
        }
        return result
    }
}

extension Array where Element: Comparable {
    /// The `count` smallest elements, ascending.
    func smallest(_ count: Int) -> [Element] {
        var kept: [Element] = []
        kept.reserveCapacity(count + 1)
        for element in self {
            guard kept.count < count || element < kept[kept.count - 1] else { continue }
            var place = kept.count
            while place > 0, element < kept[place - 1] { place -= 1 }
            kept.insert(element, at: place)
            if kept.count > count { kept.removeLast() }
        }
        return kept
    }
}
