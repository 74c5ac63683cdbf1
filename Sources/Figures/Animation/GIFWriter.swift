import CGIF
import TensorCore

/// The one owner of a GIF file that giflib writes to memory.
struct GIFWriter: ~Copyable {
    private let file: UnsafeMutablePointer<GifFileType>
    private let output: UnsafeMutablePointer<[UInt8]>

    /// - Throws: `ZooError` if memory is short.
    init() throws {
        let output = UnsafeMutablePointer<[UInt8]>.allocate(capacity: 1)
        output.initialize(to: [])
        var code: Int32 = 0
        let opened = EGifOpen(
            output,
            { file, bytes, count in
                guard let output = file?.pointee.UserData?.assumingMemoryBound(to: [UInt8].self), let bytes else {
                    return 0
                }
                output.pointee.append(contentsOf: UnsafeBufferPointer(start: bytes, count: Int(count)))
                return count
            }, &code)
        guard let opened else {
            output.deinitialize(count: 1)
            output.deallocate()
            throw Self.failure(code)
        }
        file = opened
        self.output = output
    }

    deinit {
        EGifCloseFile(file, nil)
        output.deinitialize(count: 1)
        output.deallocate()
    }

    /// Begins a file with 256 colours at most that repeats for ever. Sizes are at most 65,535.
    /// - Throws: `ZooError` if giflib refuses.
    func begin(width: Int, height: Int, palette: [SIMD3<UInt8>]) throws {
        EGifSetGifVersion(file, true)
        // giflib wants a power of two.
        var colorCount = 2
        while colorCount < palette.count { colorCount *= 2 }
        let colors = (0..<colorCount).map { index in
            let color = index < palette.count ? palette[index] : SIMD3(repeating: 0)
            return GifColorType(Red: color.x, Green: color.y, Blue: color.z)
        }
        guard let map = GifMakeMapObject(Int32(colorCount), colors) else {
            throw ZooError("an animation cannot be made: out of memory", code: .system)
        }
        defer { GifFreeMapObject(map) }
        try check(EGifPutScreenDesc(file, Int32(width), Int32(height), 8, 0, map))
        // The application extension that browsers repeat by; 0 is for ever.
        try check(EGifPutExtensionLeader(file, APPLICATION_EXT_FUNC_CODE))
        try check(EGifPutExtensionBlock(file, 11, "NETSCAPE2.0"))
        try check(EGifPutExtensionBlock(file, 3, [1, 0, 0] as [UInt8]))
        try check(EGifPutExtensionTrailer(file))
    }

    /// Adds a frame of palette indices, row by row, each repeated `scale` times in both directions, shown for
    /// `hundredths` of a second (0 to 65,535).
    /// - Throws: `ZooError` if giflib refuses.
    func write(rows indices: [UInt8], width: Int, scale: Int, hundredths: Int) throws {
        // Graphic control extension: disposal unspecified, delay (low byte first), no transparent colour.
        let control = [0, UInt8(hundredths & 255), UInt8(hundredths >> 8 & 255), 0]
        try check(EGifPutExtension(file, GRAPHICS_EXT_FUNC_CODE, 4, control))
        let height = indices.count / width
        try check(EGifPutImageDesc(file, 0, 0, Int32(width * scale), Int32(height * scale), false, nil))
        for row in 0..<height {
            var line: [UInt8] = []
            line.reserveCapacity(width * scale)
            for index in indices[(row * width)..<((row + 1) * width)] {
                line.append(contentsOf: repeatElement(index, count: scale))
            }
            for _ in 0..<scale { try check(EGifPutLine(file, &line, Int32(line.count))) }
        }
    }

    /// Ends the file and gives its bytes.
    /// - Throws: `ZooError` if giflib refuses.
    consuming func finish() throws -> [UInt8] {
        var code: Int32 = 0
        let result = EGifCloseFile(file, &code)
        let bytes = output.move()
        output.deallocate()
        discard self
        guard result == GIF_OK else { throw Self.failure(code) }
        return bytes
    }

    private func check(_ result: Int32) throws {
        guard result == GIF_OK else { throw Self.failure(file.pointee.Error) }
    }

    private static func failure(_ code: Int32) -> ZooError {
        let reason = GifErrorString(code).map { String(cString: $0) } ?? "error \(code)"
        return ZooError("an animation cannot be written as GIF: \(reason)", code: .system)
    }
}
