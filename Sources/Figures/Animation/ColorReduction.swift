import ImageFiles

/// At most 256 colours for a set of images of one number of channels, and which of them each pixel gets.
struct ColorReduction {
    /// Red, green and blue.
    typealias Color = SIMD3<UInt8>

    let palette: [Color]
    private let lookup: Lookup

    private enum Lookup {
        /// The image's own sample is the index.
        case grey
        /// The index of each colour, red first in 24 bits.
        case exact([UInt32: UInt8])
        /// The index of each bin of 5 bits per channel.
        case binned([UInt8])
    }

    private static let binCount = 1 << 15

    init(of images: [Image8]) {
        if images.allSatisfy({ $0.channels == 1 }) {
            palette = (0...255).map { Color(repeating: $0) }
            lookup = .grey
            return
        }
        if let exact = Self.distinctColors(of: images) {
            palette = exact.map { Color(UInt8($0 >> 16), UInt8($0 >> 8 & 255), UInt8($0 & 255)) }
            lookup = .exact(Dictionary(uniqueKeysWithValues: exact.enumerated().map { ($1, UInt8($0)) }))
            return
        }
        let boxes = Self.medianCut(Histogram(of: images), count: 256)
        var indices = [UInt8](repeating: 0, count: Self.binCount)
        for (index, box) in boxes.enumerated() {
            for entry in box.entries { indices[entry.bin] = UInt8(index) }
        }
        palette = boxes.map(\.mean)
        lookup = .binned(indices)
    }

    /// The palette index of each pixel, row by row.
    func indices(of image: Image8) -> [UInt8] {
        switch lookup {
        case .grey: image.pixels
        case .exact(let indices): Self.colors(of: image).map { indices[$0] ?? 0 }
        case .binned(let indices): Self.colors(of: image).map { indices[Self.bin(of: $0)] }
        }
    }

    /// Each pixel's colour, red first in 24 bits.
    private static func colors(of image: Image8) -> some Sequence<UInt32> {
        stride(from: 0, to: image.pixels.count, by: 3).lazy.map { start in
            UInt32(image.pixels[start]) << 16 | UInt32(image.pixels[start + 1]) << 8 | UInt32(image.pixels[start + 2])
        }
    }

    private static func bin(of color: UInt32) -> Int {
        Int(color >> 19 & 31) << 10 | Int(color >> 11 & 31) << 5 | Int(color >> 3 & 31)
    }

    /// The colours in ascending order, or nil if there are more than 256.
    private static func distinctColors(of images: [Image8]) -> [UInt32]? {
        var distinct: Set<UInt32> = []
        for image in images {
            for color in colors(of: image) where distinct.insert(color).inserted {
                if distinct.count > 256 { return nil }
            }
        }
        return distinct.sorted()
    }
}

extension ColorReduction {
    /// One bin of a histogram of colours.
    private struct Entry {
        let bin: Int
        var count = 0
        /// Summed over the pixels in the bin.
        var sum = SIMD3<Int>(repeating: 0)

        /// 0 to 31.
        func coordinate(_ axis: Int) -> Int { bin >> (10 - 5 * axis) & 31 }
    }

    private struct Histogram {
        var entries: [Entry]

        init(of images: [Image8]) {
            var bins = (0..<ColorReduction.binCount).map { Entry(bin: $0) }
            for image in images {
                for color in ColorReduction.colors(of: image) {
                    let bin = ColorReduction.bin(of: color)
                    bins[bin].count += 1
                    bins[bin].sum &+= SIMD3(Int(color >> 16), Int(color >> 8 & 255), Int(color & 255))
                }
            }
            entries = bins.filter { $0.count > 0 }
        }
    }

    /// Bins that get one colour.
    private struct Box {
        var entries: [Entry]

        var count: Int { entries.reduce(0) { $0 + $1.count } }

        var mean: Color {
            let sum = entries.reduce(SIMD3<Int>(repeating: 0)) { $0 &+ $1.sum }
            let count = max(count, 1)
            let mean = (sum &+ SIMD3(repeating: count / 2)) / SIMD3(repeating: count)
            return Color(truncatingIfNeeded: mean)
        }

        /// The axis in which the bins lie farthest apart, and how far.
        var longestAxis: (axis: Int, length: Int) {
            var longest = (axis: 0, length: -1)
            for axis in 0..<3 {
                let coordinates = entries.map { $0.coordinate(axis) }
                let length = (coordinates.max() ?? 0) - (coordinates.min() ?? 0)
                if length > longest.length { longest = (axis, length) }
            }
            return longest
        }

        /// The two halves, of about as many pixels each; nil for a single bin.
        func halves() -> (Box, Box)? {
            guard entries.count > 1 else { return nil }
            let axis = longestAxis.axis
            let sorted = entries.sorted { ($0.coordinate(axis), $0.bin) < ($1.coordinate(axis), $1.bin) }
            let half = count / 2
            var below = 0
            var split = 0
            while split < sorted.count - 1, split == 0 || below + sorted[split].count <= half {
                below += sorted[split].count
                split += 1
            }
            return (Box(entries: Array(sorted[..<split])), Box(entries: Array(sorted[split...])))
        }
    }

    /// Heckbert, "Color image quantization for frame buffer display" (SIGGRAPH 1982), with the box to split chosen by
    /// its pixels times its length.
    private static func medianCut(_ histogram: Histogram, count: Int) -> [Box] {
        func weight(_ box: Box) -> Int { box.count * box.longestAxis.length }
        let whole = Box(entries: histogram.entries)
        var boxes = [whole]
        var weights = [weight(whole)]
        while boxes.count < count {
            guard let widest = weights.indices.max(by: { weights[$0] < weights[$1] }), weights[widest] > 0,
                let (lower, upper) = boxes[widest].halves()
            else { break }
            boxes[widest] = lower
            weights[widest] = weight(lower)
            boxes.append(upper)
            weights.append(weight(upper))
        }
        return boxes
    }
}
