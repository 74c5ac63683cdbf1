import TensorCore

/// The largest singular value of a matrix.
public enum SpectralNorm {
    /// Estimates ‖W‖₂ of a matrix `[rows, columns]` of finite values, row-major, by power iteration on WᵀW from a fixed random
    /// vector (Golub and Van Loan, Matrix Computations, section 8.2.1).
    ///
    /// The estimate never exceeds the norm but for rounding. It ends when a step changes it by less than 1e-7 of itself, at
    /// the latest after 300 steps.
    public static func estimate(_ values: [Float], rows: Int, columns: Int) -> Double {
        guard rows > 0, columns > 0, values.count == rows * columns else { return 0 }
        let stream = RandomStream(seed: 0, purpose: .sampling)
        var vector = (0..<columns).map { Double(stream.uniform(UInt64($0))) - 0.5 }
        guard normalize(&vector) > 0 else { return 0 }
        var image = [Double](repeating: 0, count: rows)
        var estimate = 0.0
        values.withUnsafeBufferPointer { values in
            for _ in 0..<300 {
                for row in 0..<rows {
                    let weights = values[(row * columns)..<((row + 1) * columns)]
                    var sum = 0.0
                    for (weight, component) in zip(weights, vector) { sum += Double(weight) * component }
                    image[row] = sum
                }
                let norm = normalize(&image)
                let isDone = abs(norm - estimate) <= 1e-7 * norm
                estimate = norm
                if isDone || norm == 0 { return }
                for column in 0..<columns { vector[column] = 0 }
                for row in 0..<rows {
                    let scale = image[row]
                    for column in 0..<columns { vector[column] += Double(values[row * columns + column]) * scale }
                }
                if normalize(&vector) == 0 { return }
            }
        }
        return estimate
    }

    /// Divides by the norm, which is returned; leaves a zero vector.
    private static func normalize(_ vector: inout [Double]) -> Double {
        // Scaled by the largest component, so that squares of large floats stay finite.
        guard let largest = vector.lazy.map({ abs($0) }).max(), largest > 0 else { return 0 }
        var squares = 0.0
        for value in vector { squares += (value / largest) * (value / largest) }
        let norm = largest * squares.squareRoot()
        for index in vector.indices { vector[index] /= norm }
        return norm
    }
}
