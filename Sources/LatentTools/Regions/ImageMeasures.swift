import Glibc
import TensorCore

/// Measures of decoded images: C·H·W numbers from 0 to 1 in C H W order.
public enum ImageMeasures {
    /// The mean entropy of a pixel in nats if each number is the probability of a Bernoulli pixel: 0 is certain black and
    /// white, log 2 = 0.693 is grey.
    public static func bernoulliEntropy(_ image: [Float]) -> Double {
        let sum = image.reduce(0.0) { sum, value in
            let p = min(1, max(0, Double(value)))
            return p <= 0 || p >= 1 ? sum : sum - p * log(p) - (1 - p) * log(1 - p)
        }
        return sum / Double(max(1, image.count))
    }

    /// The mean absolute difference of neighbouring pixels, to the right and below: low for blurred images.
    public static func sharpness(_ image: [Float], shape: Shape) -> Double {
        var sum = 0.0
        var count = 0
        for channel in 0..<shape.channels {
            for y in 0..<shape.height {
                for x in 0..<shape.width {
                    let place = channel * shape.area + y * shape.width + x
                    if x + 1 < shape.width {
                        sum += Double(abs(image[place + 1] - image[place]))
                        count += 1
                    }
                    if y + 1 < shape.height {
                        sum += Double(abs(image[place + shape.width] - image[place]))
                        count += 1
                    }
                }
            }
        }
        return sum / Double(max(1, count))
    }

    /// The mean distance ‖a − b‖ of neighbours in a list: how much images drawn at random differ.
    public static func diversity(_ images: [[Float]]) -> Double {
        guard images.count > 1 else { return 0 }
        let sum = zip(images, images.dropFirst()).reduce(0) { $0 + ImageDistance.euclidean($1.0, $1.1) }
        return sum / Double(images.count - 1)
    }
}
