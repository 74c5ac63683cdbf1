import TensorCore

/// Generated look-alikes of dSprites: 64 × 64, one channel, 0 or 255, one image per combination of 3 shapes, 6 scales,
/// 40 orientations and 32 × 32 positions (737,280), in the order of dSprites, drawn when they are read.
public struct Sprites: Dataset {
    public let info: DatasetInfo
    public var count: Int { grid.count }

    private let grid = FactorGrid(Factor.dSprites)
    private let renderer: SpriteRenderer
    private let splits: (train: [Int32], test: [Int32])

    /// What `info` says, without preparing the data.
    public static let description = DatasetInfo(
        name: "sprites", title: "Sprites",
        summary: "737,280 binary images of a square, ellipse or heart in all sizes, turns and places; computed, needs "
            + "no download; made to look like dSprites.",
        license: "computed by this program", source: "https://github.com/google-deepmind/dsprites-dataset (the model)",
        shape: [1, SpriteRenderer.side, SpriteRenderer.side], factors: Factor.dSprites, isGenerated: true)

    public init() {
        info = Sprites.description
        renderer = SpriteRenderer(
            scale: Factor.dSprites[1], orientation: Factor.dSprites[2], x: Factor.dSprites[3], y: Factor.dSprites[4])
        splits = DataSplits.fixed(count: grid.count, testCount: 10_000)
    }

    public func indices(of split: Split) -> [Int32] {
        switch split {
        case .train: splits.train
        case .validation: []
        case .test: splits.test
        }
    }

    public func readImages(_ indices: UnsafeBufferPointer<Int32>, into pixels: UnsafeMutableBufferPointer<UInt8>) {
        let byteCount = SpriteRenderer.byteCount
        precondition(pixels.count >= indices.count * byteCount, "the buffer is too small for \(indices.count) images")
        guard let target = pixels.baseAddress else { return }
        for (position, index) in indices.enumerated() {
            precondition(index >= 0 && index < grid.count, "image \(index) of \(grid.count)")
            let index = Int(index)
            renderer.render(
                shape: grid.position(0, of: index), scale: grid.position(1, of: index),
                orientation: grid.position(2, of: index), x: grid.position(3, of: index),
                y: grid.position(4, of: index), into: target + position * byteCount)
        }
    }

    public func factors(_ index: Int) -> [Int]? {
        grid.positions(of: index)
    }

    /// The image with these factor positions (shape, scale, orientation, x, y); nil if there is none.
    public func index(ofFactors positions: [Int]) -> Int? {
        grid.index(of: positions)
    }
}
