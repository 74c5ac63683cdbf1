import TensorCore

/// Generated sprites in colour: 3 channels, one image per combination of 8 colours, 3 shapes, 6 scales,
/// 20 orientations and 16 × 16 positions (737,280), drawn when they are read.
///
/// The outlines are those of `Sprites`. At 64 × 64 every pixel has the colour of the sprite or of the dark background;
/// at 32 × 32 it is the mean of 2 × 2 such pixels.
public struct ColorSprites: Dataset {
    public let info: DatasetInfo
    public var count: Int { grid.count }

    private let grid = FactorGrid(ColorSprites.factorList)
    private let renderer: SpriteRenderer
    private let splits: (train: [Int32], test: [Int32])
    /// 64 · 64 / pixels of an image: 1 or 4.
    private let samplesPerPixel: Int
    /// Per colour and number of white samples in a pixel (0...samplesPerPixel), the pixel's red, green and blue.
    private let palette: [UInt8]

    private static let colors: [(name: String, rgb: [Int])] = [
        ("red", [230, 40, 40]), ("orange", [240, 140, 30]), ("yellow", [235, 220, 50]), ("green", [50, 190, 70]),
        ("cyan", [50, 200, 210]), ("blue", [60, 90, 235]), ("purple", [160, 70, 220]), ("white", [240, 240, 240]),
    ]
    private static let background = [24, 24, 32]
    private static let factorList =
        [Factor(name: "color", valueNames: colors.map(\.name)), .spriteShape, .spriteScale]
        + [.spriteOrientation(count: 20), .spritePosition("x", count: 16), .spritePosition("y", count: 16)]

    /// Rows and columns of an image.
    public enum Size: Int, Sendable {
        case small = 32
        case large = 64
    }

    /// What `info` says, without preparing the data.
    public static func description(_ size: Size) -> DatasetInfo {
        DatasetInfo(
            name: size == .small ? "color-sprites" : "color-sprites-64",
            title: "Color Sprites \(size.rawValue) x \(size.rawValue)",
            summary: "737,280 images of a coloured square, ellipse or heart in all sizes, turns and places; computed, "
                + "needs no download.",
            license: "computed by this program",
            source: "https://github.com/google-deepmind/dsprites-dataset (the model)",
            shape: [3, size.rawValue, size.rawValue], factors: factorList, isGenerated: true)
    }

    public init(_ size: Size) {
        let factors = ColorSprites.factorList
        info = ColorSprites.description(size)
        renderer = SpriteRenderer(scale: factors[2], orientation: factors[3], x: factors[4], y: factors[5])
        splits = DataSplits.fixed(count: grid.count, testCount: 10_000)
        let samples = SpriteRenderer.byteCount / (size.rawValue * size.rawValue)
        samplesPerPixel = samples
        palette = ColorSprites.colors.flatMap { color in
            (0...samples).flatMap { white in
                (0..<3).map { channel in
                    let sum = white * color.rgb[channel] + (samples - white) * ColorSprites.background[channel]
                    return UInt8((sum + samples / 2) / samples)
                }
            }
        }
    }

    public func indices(of split: Split) -> [Int32] {
        switch split {
        case .train: splits.train
        case .validation: []
        case .test: splits.test
        }
    }

    public func readImages(_ indices: UnsafeBufferPointer<Int32>, into pixels: UnsafeMutableBufferPointer<UInt8>) {
        let byteCount = info.imageByteCount
        precondition(pixels.count >= indices.count * byteCount, "the buffer is too small for \(indices.count) images")
        guard let target = pixels.baseAddress else { return }
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: SpriteRenderer.byteCount) { mask in
            palette.withUnsafeBufferPointer { palette in
                guard let mask = mask.baseAddress, let palette = palette.baseAddress else { return }
                for (position, index) in indices.enumerated() {
                    precondition(index >= 0 && index < grid.count, "image \(index) of \(grid.count)")
                    let index = Int(index)
                    renderer.render(
                        shape: grid.position(1, of: index), scale: grid.position(2, of: index),
                        orientation: grid.position(3, of: index), x: grid.position(4, of: index),
                        y: grid.position(5, of: index), into: mask)
                    let colors = palette + grid.position(0, of: index) * 3 * (samplesPerPixel + 1)
                    paint(mask, colors, target + position * byteCount)
                }
            }
        }
    }

    /// Turns the white samples of `mask` into colours.
    private func paint(
        _ mask: UnsafeMutablePointer<UInt8>, _ colors: UnsafePointer<UInt8>, _ output: UnsafeMutablePointer<UInt8>
    ) {
        let side = SpriteRenderer.side
        var output = output
        let step = samplesPerPixel == 1 ? 1 : 2
        for row in stride(from: 0, to: side, by: step) {
            let line = mask + row * side
            for column in stride(from: 0, to: side, by: step) {
                var white = Int(line[column] & 1)
                if step == 2 {
                    white += Int(line[column + 1] & 1) + Int(line[column + side] & 1) + Int(line[column + side + 1] & 1)
                }
                output[0] = colors[3 * white]
                output[1] = colors[3 * white + 1]
                output[2] = colors[3 * white + 2]
                output += 3
            }
        }
    }

    public func factors(_ index: Int) -> [Int]? {
        grid.positions(of: index)
    }

    /// The image with these factor positions (colour, shape, scale, orientation, x, y); nil if there is none.
    public func index(ofFactors positions: [Int]) -> Int? {
        grid.index(of: positions)
    }
}
