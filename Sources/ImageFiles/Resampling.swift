import TensorCore

/// How the samples of one axis of a resized image are made of the old ones.
private struct AxisResampling {
    /// Per new sample, the first old sample it is made of.
    let starts: [Int]
    /// Per new sample, where its weights begin in `weights`; one more entry closes the last.
    let weightOffsets: [Int]
    /// The weights; those of one new sample sum to 1.
    let weights: [Float]

    /// Area averaging when shrinking, linear interpolation between pixel centres (edges repeated) when growing.
    init(from oldCount: Int, to newCount: Int) {
        let scale = Double(oldCount) / Double(newCount)
        var starts: [Int] = []
        var offsets = [0]
        var weights: [Float] = []
        for index in 0..<newCount {
            if newCount < oldCount {
                let lower = Double(index) * scale
                let upper = min(Double(index + 1) * scale, Double(oldCount))
                let first = Int(lower)
                let end = min(Int(upper.rounded(.up)), oldCount)
                starts.append(first)
                for old in first..<end {
                    let covered = min(upper, Double(old + 1)) - max(lower, Double(old))
                    weights.append(Float(max(covered, 0) / scale))
                }
            } else {
                let centre = (Double(index) + 0.5) * scale - 0.5
                let clamped = min(max(centre, 0), Double(oldCount - 1))
                let first = min(Int(clamped), max(oldCount - 2, 0))
                let fraction = Float(clamped - Double(first))
                starts.append(first)
                weights.append(1 - fraction)
                if oldCount > 1 { weights.append(fraction) }
            }
            offsets.append(weights.count)
        }
        self.starts = starts
        weightOffsets = offsets
        self.weights = weights
    }
}

extension Image8 {
    /// The image at `newWidth` × `newHeight` pixels: the largest part of that aspect from its middle, resized.
    /// - Throws: `ZooError` if no image may have the new size.
    public func fitted(width newWidth: Int, height newHeight: Int) throws -> Image8 {
        try Image8.check(width: newWidth, height: newHeight, of: "the resized image")
        let cropWidth = max(1, min(width, height * newWidth / newHeight))
        let cropHeight = max(1, min(height, width * newHeight / newWidth))
        return try centerCropped(width: cropWidth, height: cropHeight).resized(width: newWidth, height: newHeight)
    }

    /// The image at `newWidth` × `newHeight` pixels: the whole of it, resized to fit, in the middle of black.
    /// - Throws: `ZooError` if no image may have the new size.
    public func padded(width newWidth: Int, height newHeight: Int) throws -> Image8 {
        try Image8.check(width: newWidth, height: newHeight, of: "the resized image")
        let innerWidth = max(1, min(newWidth, width * newHeight / height))
        let innerHeight = max(1, min(newHeight, height * newWidth / width))
        let inner = try resized(width: innerWidth, height: innerHeight)
        let (left, top) = ((newWidth - innerWidth) / 2, (newHeight - innerHeight) / 2)
        var pixels = [UInt8](repeating: 0, count: newWidth * newHeight * channels)
        for row in 0..<innerHeight {
            let source = row * innerWidth * channels
            let target = ((top + row) * newWidth + left) * channels
            pixels.replaceSubrange(
                target..<target + innerWidth * channels, with: inner.pixels[source..<source + innerWidth * channels])
        }
        return Image8(uncheckedWidth: newWidth, height: newHeight, channels: channels, pixels: pixels)
    }

    /// The image resized to `newWidth` × `newHeight` pixels, each axis for itself (the aspect ratio is the caller's
    /// matter): area averaging where it shrinks, bilinear interpolation where it grows. Values are rounded to nearest.
    /// - Throws: `ZooError` if no image may have the new size.
    public func resized(width newWidth: Int, height newHeight: Int) throws -> Image8 {
        try Image8.check(width: newWidth, height: newHeight, of: "the resized image")
        if newWidth == width, newHeight == height { return self }
        let columns = AxisResampling(from: width, to: newWidth)
        let rows = AxisResampling(from: height, to: newHeight)
        let newStride = newWidth * channels

        // Each old row is squeezed or stretched to the new width once and added to the new rows that it touches: only
        // the two newest squeezed rows are kept, because when growing a new row needs two neighbours.
        var squeezed = [Float](repeating: 0, count: 2 * newStride)
        var squeezedRows = [-1, -1]
        var sum = [Float](repeating: 0, count: newStride)
        var resized: [UInt8] = []
        resized.reserveCapacity(newHeight * newStride)
        for newRow in 0..<newHeight {
            for index in 0..<newStride { sum[index] = 0 }
            let weightOffset = rows.weightOffsets[newRow]
            for tap in 0..<(rows.weightOffsets[newRow + 1] - weightOffset) {
                let oldRow = rows.starts[newRow] + tap
                let slot = oldRow % 2
                if squeezedRows[slot] != oldRow {
                    squeeze(row: oldRow, with: columns, into: &squeezed, at: slot * newStride)
                    squeezedRows[slot] = oldRow
                }
                let weight = rows.weights[weightOffset + tap]
                sum.withUnsafeMutableBufferPointer { sum in
                    squeezed.withUnsafeBufferPointer { squeezed in
                        for index in 0..<newStride { sum[index] += weight * squeezed[slot * newStride + index] }
                    }
                }
            }
            for value in sum { resized.append(UInt8(min(max(value + 0.5, 0), 255))) }
        }
        return Image8(uncheckedWidth: newWidth, height: newHeight, channels: channels, pixels: resized)
    }

    private func squeeze(row: Int, with columns: AxisResampling, into output: inout [Float], at offset: Int) {
        let rowStart = row * width * channels
        pixels.withUnsafeBufferPointer { pixels in
            columns.weights.withUnsafeBufferPointer { weights in
                columns.weightOffsets.withUnsafeBufferPointer { weightOffsets in
                    output.withUnsafeMutableBufferPointer { output in
                        for (newColumn, oldColumn) in columns.starts.enumerated() {
                            let taps = weightOffsets[newColumn]..<weightOffsets[newColumn + 1]
                            let target = offset + newColumn * channels
                            var sample = rowStart + oldColumn * channels
                            guard channels == 3 else {
                                var sum: Float = 0
                                for tap in taps {
                                    sum += weights[tap] * Float(pixels[sample])
                                    sample += 1
                                }
                                output[target] = sum
                                continue
                            }
                            var (red, green, blue): (Float, Float, Float) = (0, 0, 0)
                            for tap in taps {
                                let weight = weights[tap]
                                red += weight * Float(pixels[sample])
                                green += weight * Float(pixels[sample + 1])
                                blue += weight * Float(pixels[sample + 2])
                                sample += 3
                            }
                            (output[target], output[target + 1], output[target + 2]) = (red, green, blue)
                        }
                    }
                }
            }
        }
    }
}
