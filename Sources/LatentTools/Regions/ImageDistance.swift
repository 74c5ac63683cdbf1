/// Distances between images as rows of numbers from 0 to 1.
public enum ImageDistance {
    /// ‖a − b‖: the square root of the sum of squared differences over all pixels and channels.
    public static func euclidean(_ a: [Float], _ b: [Float]) -> Double {
        zip(a, b).reduce(0.0) { sum, pair in
            let difference = Double(pair.0) - Double(pair.1)
            return sum + difference * difference
        }.squareRoot()
    }
}
