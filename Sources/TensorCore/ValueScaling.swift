/// How the numbers of a data set become those that a model sees, and back: x ↦ (x − offset) / scale, with constants of
/// their own for each feature of a vector or each channel of an image.
public struct ValueScaling: Sendable, Equatable {
    /// Where the constants come from.
    public enum Method: String, Sendable, CaseIterable {
        /// Nothing is changed.
        case asIs = "as-is"
        /// What bytes hold, 0…255, or else the least and the largest number of the data become 0 and 1.
        case unit
        /// The training rows get mean 0 and deviation 1.
        case standard
    }

    public let method: Method
    /// K numbers: K features of a vector, or K channels of an image.
    public let offsets: [Double]
    /// K numbers above 0.
    public let scales: [Double]
    /// The least number of each feature or channel in the data, before scaling, `[K]`.
    public let least: [Double]
    /// The largest number of each feature or channel in the data, before scaling, `[K]`.
    public let largest: [Double]

    /// - Throws: `ZooError` where the constants do not fit together, are not finite, or a scale is not above 0.
    public init(method: Method, offsets: [Double], scales: [Double], least: [Double], largest: [Double]) throws {
        let counts = [offsets.count, scales.count, least.count, largest.count]
        guard counts.allSatisfy({ $0 == offsets.count }), !offsets.isEmpty else {
            throw ZooError("the constants of a scaling do not fit together: \(counts) numbers", code: .damaged)
        }
        let all = [offsets, scales, least, largest].flatMap(\.self)
        guard all.allSatisfy(\.isFinite), scales.allSatisfy({ $0 > 0 }), zip(least, largest).allSatisfy({ $0 <= $1 })
        else {
            throw ZooError(
                "the constants of a scaling must be finite, its scales above 0 and its ranges in order", code: .damaged)
        }
        self.method = method
        self.offsets = offsets
        self.scales = scales
        self.least = least
        self.largest = largest
    }

    /// K, how many features or channels there are constants for.
    public var count: Int { offsets.count }

    /// What is done, in words: `standardised per feature`.
    public func words(isVector: Bool) -> String {
        switch method {
        case .asIs: "as they are"
        case .unit: "scaled to 0…1"
        case .standard: "standardised per \(isVector ? "feature" : "channel")"
        }
    }

    /// Numbers of a model in the units of the data.
    ///
    /// - Throws: `ZooError` for rows that are not made of K features or channels.
    public func undone(_ tensor: Tensor) throws -> Tensor {
        let size = tensor.elementShape.count
        guard size.isMultiple(of: count) else {
            throw ZooError(
                "rows \(tensor.elementShape) do not fit a scaling of \(count) features or channels", code: .mismatch)
        }
        guard method != .asIs else { return tensor }
        let area = size / count
        let values = tensor.values.enumerated().map { place, value in
            let index = place % size / area
            return Float(Double(value) * scales[index] + offsets[index])
        }
        return Tensor(unchecked: tensor.shape, values)
    }

    /// The least and the largest number that the model sees.
    public var scaledRange: ClosedRange<Double> {
        let low = zip(zip(least, offsets), scales).map { ($0.0 - $0.1) / $1 }.min() ?? 0
        let high = zip(zip(largest, offsets), scales).map { ($0.0 - $0.1) / $1 }.max() ?? 0
        return low...max(low, high)
    }

    /// Where a model's number lies between the least and the largest number of all channels of the data, 0…1 within: how
    /// bright it is in a picture.
    ///
    /// - Parameter channel: from 0 to `count` − 1.
    public func brightness(_ value: Float, channel: Int) -> Float {
        let low = least.min() ?? 0
        let span = (largest.max() ?? 0) - low
        let original = Double(value) * scales[channel] + offsets[channel]
        return span > 0 ? Float((original - low) / span) : 0.5
    }
}
