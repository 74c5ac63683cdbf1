import FileSupport
import TensorCore

/// dSprites as published: one npz file of 737,280 binary 64 × 64 images and their factors.
///
/// The images would fill 3 GB at a byte a sample, so they are kept as bits (377 MB) and spread to bytes when read.
struct DSprites: Dataset {
    static let fileName = "dsprites_ndarray_co1sh3sc6or40x32y32_64x64.npz"
    static let description = DatasetInfo(
        name: "dsprites", title: "dSprites",
        summary: "737,280 binary images of a square, ellipse or heart in all sizes, turns and places.",
        license: "Apache-2.0", source: "https://github.com/google-deepmind/dsprites-dataset", shape: [1, 64, 64],
        factors: Factor.dSprites)

    let info: DatasetInfo
    var count: Int { grid.count }

    private let grid: FactorGrid
    /// Eight pixels a byte, the first in the lowest bit.
    private let bits: [UInt8]
    private let splits: (train: [Int32], test: [Int32])
    private static let packedByteCount = 64 * 64 / 8

    /// Reads the npz file at `path`; the images must be all combinations of `grid`, in its order.
    /// - Throws: `ZooError` if the file is damaged or not what is expected.
    init(path: String, grid: FactorGrid = FactorGrid(Factor.dSprites), testCount: Int = 10_000) throws {
        self.grid = grid
        info = DSprites.description
        var bits: [UInt8]?
        var hasClasses = false
        var hasValues = false
        let archive = try Archive(path: path, form: .container)
        while bits == nil || !hasClasses || !hasValues, let entry = try archive.nextEntry() {
            let name = "'\(entry.name)' in '\(path)'"
            switch entry.name {
            case "imgs.npy":
                guard bits == nil else { throw DSprites.duplicate(name) }
                bits = try DSprites.readImages(archive, name, count: grid.count)
            case "latents_classes.npy":
                guard !hasClasses else { throw DSprites.duplicate(name) }
                try DSprites.checkClasses(archive, name, grid)
                hasClasses = true
            case "latents_values.npy":
                guard !hasValues else { throw DSprites.duplicate(name) }
                try DSprites.checkValues(archive, name, grid)
                hasValues = true
            default:
                // The published file also holds "metadata", a pickled object that nothing here needs.
                continue
            }
        }
        guard let bits, hasClasses, hasValues else {
            let missing = [
                bits == nil ? "imgs" : nil, hasClasses ? nil : "latents_classes", hasValues ? nil : "latents_values",
            ]
            throw ZooError(
                "'\(path)' does not hold \(missing.compactMap(\.self).joined(separator: ", "))",
                advice: "it must be the published file \(DSprites.fileName)", code: .damaged)
        }
        self.bits = bits
        splits = DataSplits.fixed(count: grid.count, testCount: testCount)
    }

    func indices(of split: Split) -> [Int32] {
        switch split {
        case .train: splits.train
        case .validation: []
        case .test: splits.test
        }
    }

    func readImages(_ indices: UnsafeBufferPointer<Int32>, into pixels: UnsafeMutableBufferPointer<UInt8>) {
        precondition(pixels.count >= indices.count * 4096, "the buffer is too small for \(indices.count) images")
        bits.withUnsafeBufferPointer { bits in
            for (position, index) in indices.enumerated() {
                precondition(index >= 0 && index < count, "image \(index) of \(count)")
                let start = Int(index) * DSprites.packedByteCount
                let target = position * 4096
                for byte in 0..<DSprites.packedByteCount {
                    let packed = bits[start + byte]
                    for bit in 0..<8 {
                        pixels[target + byte * 8 + bit] = 0 &- ((packed >> UInt8(bit)) & 1)
                    }
                }
            }
        }
    }

    func factors(_ index: Int) -> [Int]? {
        grid.positions(of: index)
    }
}

extension DSprites {
    private static func duplicate(_ name: String) -> ZooError {
        ZooError("\(name) is there twice", advice: Archive.damageAdvice, code: .damaged)
    }

    /// Reads and checks the header of the array in the current entry.
    private static func checkHeader(
        _ archive: Archive, _ name: String, _ type: StoredElementType, _ shape: [Int]
    ) throws {
        let header = try NumPyHeader(name: name) { count in
            try [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
                initialized = try archive.read(into: UnsafeMutableRawBufferPointer(buffer))
            }
        }
        guard header.type == type, header.shape == shape, shape.count < 2 || !header.isFortranOrder else {
            throw ZooError(
                "\(name) has the type \(header.type.rawValue) and the shape \(header.shape)"
                    + (header.isFortranOrder ? ", in Fortran order; " : "; ")
                    + "\(type.rawValue) and \(shape) were expected",
                advice: "it must be the published file \(fileName)", code: .damaged)
        }
    }

    private static func readImages(_ archive: Archive, _ name: String, count: Int) throws -> [UInt8] {
        try checkHeader(archive, name, .uint8, [count, 64, 64])
        let total = count * packedByteCount
        return try [UInt8](unsafeUninitializedCapacity: total) { packed, filled in
            // Chunks are whole images, so only the last one can be short.
            try archive.forEachChunk(of: 64 * 4096) { chunk in
                guard chunk.count % 8 == 0, filled + chunk.count / 8 <= total else {
                    throw wrongSize(name, expected: total * 8)
                }
                for start in stride(from: 0, to: chunk.count, by: 8) {
                    let eight = UInt64(littleEndian: chunk.loadUnaligned(fromByteOffset: start, as: UInt64.self))
                    guard eight & 0xFEFE_FEFE_FEFE_FEFE == 0 else {
                        throw ZooError(
                            "\(name) is damaged: image \((filled * 8) / 4096) holds a value other than 0 and 1",
                            advice: Archive.damageAdvice, code: .damaged)
                    }
                    // The product gathers the lowest bit of byte i in bit 56 + i.
                    packed[filled] = UInt8((eight &* 0x0102_0408_1020_4080) >> 56)
                    filled += 1
                }
            }
            guard filled == total else { throw wrongSize(name, expected: total * 8) }
        }
    }

    private static func wrongSize(_ name: String, expected: Int) -> ZooError {
        ZooError(
            "\(name) does not hold the \(expected) bytes that its header says", advice: Archive.damageAdvice,
            code: .damaged)
    }

    /// Checks that the rows of 8-byte numbers (colour, then the factors of `grid`) are what `matches` wants.
    private static func checkRows(
        _ archive: Archive, _ name: String, _ type: StoredElementType, _ grid: FactorGrid,
        matches: (_ bits: UInt64, _ factor: Int?, _ index: Int) -> Bool
    ) throws {
        let width = grid.factors.count + 1
        try checkHeader(archive, name, type, [grid.count, width])
        var index = 0
        try archive.forEachChunk(of: 4096 * width * 8) { chunk in
            guard chunk.count % (width * 8) == 0, index + chunk.count / (width * 8) <= grid.count else {
                throw wrongSize(name, expected: grid.count * width * 8)
            }
            for row in 0..<(chunk.count / (width * 8)) {
                for column in 0..<width {
                    let offset = (row * width + column) * 8
                    let bits = UInt64(littleEndian: chunk.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
                    guard matches(bits, column == 0 ? nil : column - 1, index) else {
                        throw ZooError(
                            "\(name) is not in the published order: row \(index) differs in column \(column)",
                            advice: "it must be the published file \(fileName)", code: .damaged)
                    }
                }
                index += 1
            }
        }
        guard index == grid.count else { throw wrongSize(name, expected: grid.count * width * 8) }
    }

    private static func checkClasses(_ archive: Archive, _ name: String, _ grid: FactorGrid) throws {
        try checkRows(archive, name, .int64, grid) { bits, factor, index in
            bits == UInt64(factor.map { grid.position($0, of: index) } ?? 0)
        }
    }

    private static func checkValues(_ archive: Archive, _ name: String, _ grid: FactorGrid) throws {
        // Colour and shape are numbered from 1; the others are the values themselves.
        let values = grid.factors.map { factor in factor.values ?? (0..<factor.count).map { Double($0 + 1) } }
        try checkRows(archive, name, .float64, grid) { bits, factor, index in
            let expected = factor.map { values[$0][grid.position($0, of: index)] } ?? 1
            return abs(Double(bitPattern: bits) - expected) < 1e-6
        }
    }
}
