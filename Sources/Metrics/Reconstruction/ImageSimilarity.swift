import Glibc

/// How alike two images of C × H × W numbers from 0 to 1 are.
public enum ImageSimilarity {
    /// The mean of (a − b)².
    public static func squaredError(_ a: ArraySlice<Float>, _ b: ArraySlice<Float>) -> Double {
        precondition(a.count == b.count, "images of \(a.count) and \(b.count) numbers")
        return zip(a, b).reduce(0) { $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) } / Double(max(1, a.count))
    }

    /// The peak signal-to-noise ratio in decibels, for a peak of 1: −10 log₁₀ of the mean squared error; infinite for equal images.
    public static func peakSignalToNoiseRatio(squaredError: Double) -> Double { -10 * log10(squaredError) }

    /// The side of the window of the structural similarity, and so the smallest image it exists for.
    public static let windowSize = 11

    /// The structural similarity (Wang and others 2004, equation 13), the mean over channels and over all places where the whole window
    /// of 11 × 11 pixels, a Gaussian with a deviation of 1.5, lies in the image. K₁ = 0.01, K₂ = 0.03, a range of 1, biased moments.
    ///
    /// - Precondition: both have C × H × W numbers, and height and width are at least 11.
    public static func structuralSimilarity(
        _ a: ArraySlice<Float>, _ b: ArraySlice<Float>, channels: Int, height: Int, width: Int
    ) -> Double {
        precondition(a.count == channels * height * width && b.count == a.count, "the images are not of this shape")
        precondition(min(height, width) >= windowSize, "images of \(height) x \(width) are smaller than the window")
        let (first, second) = (a.map(Double.init), b.map(Double.init))
        var sum = 0.0
        for channel in 0..<channels {
            let plane = channel * height * width..<(channel + 1) * height * width
            let (x, y) = (Array(first[plane]), Array(second[plane]))
            func blurred(_ values: [Double]) -> [Double] { filter(values, height: height, width: width) }
            let (meanX, meanY) = (blurred(x), blurred(y))
            let squaredX = blurred(x.map { $0 * $0 })
            let squaredY = blurred(y.map { $0 * $0 })
            let product = blurred(zip(x, y).map { $0 * $1 })
            let (c1, c2) = (0.01 * 0.01, 0.03 * 0.03)
            var total = 0.0
            for place in meanX.indices {
                let (mx, my) = (meanX[place], meanY[place])
                let variances = squaredX[place] - mx * mx + squaredY[place] - my * my
                let covariance = product[place] - mx * my
                let numerator: Double = (2 * mx * my + c1) * (2 * covariance + c2)
                let denominator: Double = (mx * mx + my * my + c1) * (variances + c2)
                total += numerator / denominator
            }
            sum += total / Double(meanX.count)
        }
        return sum / Double(channels)
    }

    private static let window: [Double] = {
        let weights = (0..<windowSize).map { exp(-Double(($0 - 5) * ($0 - 5)) / (2 * 1.5 * 1.5)) }
        let total = weights.reduce(0, +)
        return weights.map { $0 / total }
    }()

    /// The window's mean at each place where it lies in the image, (H − 10) × (W − 10).
    private static func filter(_ values: [Double], height: Int, width: Int) -> [Double] {
        let (outHeight, outWidth) = (height - windowSize + 1, width - windowSize + 1)
        var rows = [Double](repeating: 0, count: height * outWidth)
        for y in 0..<height {
            for x in 0..<outWidth {
                var sum = 0.0
                for tap in 0..<windowSize { sum += window[tap] * values[y * width + x + tap] }
                rows[y * outWidth + x] = sum
            }
        }
        var result = [Double](repeating: 0, count: outHeight * outWidth)
        for y in 0..<outHeight {
            for x in 0..<outWidth {
                var sum = 0.0
                for tap in 0..<windowSize { sum += window[tap] * rows[(y + tap) * outWidth + x] }
                result[y * outWidth + x] = sum
            }
        }
        return result
    }
}
