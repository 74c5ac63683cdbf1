import FileSupport
import TensorCore

/// Images of bytes that are all combinations of some factors, in row-major order, read where they are in a file: files larger than memory
/// are not loaded.
struct StoredImages: Dataset {
    let info: DatasetInfo
    var count: Int { grid.count }
    private let grid: FactorGrid
    private let rows: StoredArray
    private let splits: (train: [Int32], test: [Int32])

    /// - Parameters:
    ///   - rows: `[N, H, W, C]` of bytes.
    ///   - path: of the file, for messages.
    /// - Throws: `ZooError` for an array of another shape or type.
    init(_ info: DatasetInfo, grid: FactorGrid, rows: StoredArray, path: String, testCount: Int = 10_000) throws {
        let expected = [grid.count, info.shape[1], info.shape[2], info.shape[0]]
        guard rows.type == .uint8, rows.shape == expected else {
            throw ZooError(
                "'\(path)' holds \(rows.name) \(rows.shape) of \(rows.type); \(expected) of u8 was expected",
                advice: "it must be the published file of \(info.title)", code: .mismatch)
        }
        self.info = info
        self.grid = grid
        self.rows = rows
        splits = DataSplits.fixed(count: grid.count, testCount: testCount)
    }

    func indices(of split: Split) -> [Int32] {
        switch split {
        case .train: splits.train
        case .validation: []
        case .test: splits.test
        }
    }

    func readImages(_ indices: UnsafeBufferPointer<Int32>, into pixels: UnsafeMutableBufferPointer<UInt8>) throws {
        let size = info.imageByteCount
        precondition(pixels.count >= indices.count * size, "the buffer is too small for \(indices.count) images")
        for (position, index) in indices.enumerated() {
            precondition(index >= 0 && index < count, "image \(index) of \(count)")
            let target = UnsafeMutableBufferPointer(rebasing: pixels[position * size..<(position + 1) * size])
            try rows.copy(Int(index), to: UnsafeMutableRawBufferPointer(target))
        }
    }

    func factors(_ index: Int) -> [Int]? { grid.positions(of: index) }
}
