import CVips
import Glibc
import TensorCore

/// The one owner of a picture of libvips: one that is decoded when its pixels are asked for, or pixels in memory.
struct VipsPicture: ~Copyable {
    private let handle: UnsafeMutablePointer<VipsImage>

    /// Whether libvips is there; it is started when this is asked for the first time.
    private static let isStarted = cvips_start() == 0

    /// Takes over what libvips has just made.
    private init(_ handle: UnsafeMutablePointer<VipsImage>?) throws(Failure) {
        guard let handle else { throw Failure() }
        self.handle = handle
    }

    deinit {
        g_object_unref(handle)
    }

    /// libvips could not do what it was asked for; why is in its memory of errors, which all threads share.
    struct Failure: Error {}

    /// What libvips says of its last failures, which are forgotten.
    static func takeReasons() -> String {
        guard let text = vips_error_buffer_copy() else { return "" }
        defer { g_free(text) }
        return String(cString: text)
    }

    /// The picture in a file.
    ///
    /// - Parameters:
    ///   - bytes: of the file; they must live as long as the picture.
    ///   - shrink: 1, or of a JPEG 2, 4 or 8: it is decoded at a half, a quarter or an eighth of its size.
    ///   - isStrict: whether a JPEG whose decoder warns of anything is damaged.
    init(_ kind: PictureKind, _ bytes: UnsafeRawBufferPointer, shrink: Int = 1, isStrict: Bool = true) throws(Failure) {
        guard Self.isStarted, let start = bytes.baseAddress else { throw Failure() }
        let made: UnsafeMutablePointer<VipsImage>? =
            switch kind {
            case .jpeg:
                cvips_jpeg(
                    start, bytes.count, Int32(shrink), isStrict ? VIPS_FAIL_ON_WARNING : VIPS_FAIL_ON_TRUNCATED)
            case .png: cvips_png(start, bytes.count)
            case .webp: cvips_webp(start, bytes.count)
            case .tiff: cvips_tiff(start, bytes.count)
            case .gif: cvips_gif(start, bytes.count)
            case .bmp: nil
            }
        try self.init(made)
    }

    /// Columns, as stored.
    var width: Int { Int(vips_image_get_width(handle)) }
    /// Rows, as stored.
    var height: Int { Int(vips_image_get_height(handle)) }
    /// Samples of a pixel, with alpha.
    var bands: Int { Int(vips_image_get_bands(handle)) }
    /// Whether turning it upright makes rows of its columns.
    var isTurned: Bool { vips_image_get_orientation_swap(handle) != 0 }
    /// Whether it is stored as it must be seen.
    var isUpright: Bool { vips_image_get_orientation(handle) == 1 }
    var hasAlpha: Bool { vips_image_hasalpha(handle) != 0 }

    /// Bytes of a sample: 1 or 2; nil for samples that are no whole numbers from 0.
    var sampleByteCount: Int? {
        switch vips_image_get_format(handle) {
        case VIPS_FORMAT_UCHAR: 1
        case VIPS_FORMAT_USHORT: 2
        default: nil
        }
    }

    /// What the samples mean.
    enum Colors {
        case grey, rgb, cmyk
        /// None of these, in libvips' word for it.
        case other(String)
    }

    var colors: Colors {
        let interpretation = vips_image_get_interpretation(handle)
        let colorBands = bands - (hasAlpha ? 1 : 0)
        switch (interpretation, colorBands) {
        case (VIPS_INTERPRETATION_B_W, 1), (VIPS_INTERPRETATION_GREY16, 1): return .grey
        case (VIPS_INTERPRETATION_sRGB, 3), (VIPS_INTERPRETATION_RGB, 3), (VIPS_INTERPRETATION_RGB16, 3): return .rgb
        case (VIPS_INTERPRETATION_CMYK, 4): return .cmyk
        default:
            let name = vips_enum_nick(vips_interpretation_get_type(), Int32(interpretation.rawValue))
            return .other(name.map { String(cString: $0) } ?? "unknown")
        }
    }

    /// Decoded: all pixels in memory.
    consuming func decoded() throws(Failure) -> VipsPicture { try VipsPicture(vips_image_copy_memory(handle)) }

    /// Samples of 16 bits as their upper 8.
    consuming func bytes() throws(Failure) -> VipsPicture { try VipsPicture(cvips_bytes(handle)) }

    /// As its metadata say that it must be seen.
    consuming func upright() throws(Failure) -> VipsPicture { try VipsPicture(cvips_upright(handle)) }

    /// On white, without alpha.
    consuming func onWhite() throws(Failure) -> VipsPicture { try VipsPicture(cvips_on_white(handle)) }

    /// Row by row, pixel by pixel, sample by sample; of a picture of bytes, which is decoded for it.
    func pixels() throws(Failure) -> [UInt8] {
        let byteCount = width * height * bands
        var failed: Int32 = 0
        let pixels = [UInt8](unsafeUninitializedCapacity: byteCount) { target, count in
            failed = cvips_pixels(handle, target.baseAddress)
            count = failed == 0 ? byteCount : 0
        }
        guard failed == 0 else { throw Failure() }
        return pixels
    }
}

/// Failures are found out about alone: libvips has one memory of errors for all threads.
final class FailureLock: @unchecked Sendable {
    private let lock = UnsafeMutablePointer<pthread_rwlock_t>.allocate(capacity: 1)

    init() {
        pthread_rwlock_init(lock, nil)
    }

    deinit {
        pthread_rwlock_destroy(lock)
        lock.deallocate()
    }

    /// Beside others of this kind.
    func besideOthers<Result>(_ body: () throws -> Result) rethrows -> Result {
        pthread_rwlock_rdlock(lock)
        defer { pthread_rwlock_unlock(lock) }
        return try body()
    }

    func alone<Result>(_ body: () throws -> Result) rethrows -> Result {
        pthread_rwlock_wrlock(lock)
        defer { pthread_rwlock_unlock(lock) }
        return try body()
    }
}
