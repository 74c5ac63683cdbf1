import CCairo
import TensorCore

/// A `cairo_write_func_t` that appends to the `[UInt8]` that its closure pointer points to.
package func appendToByteArray(
    _ closure: UnsafeMutableRawPointer?, _ source: UnsafePointer<UInt8>?, _ count: UInt32
) -> cairo_status_t {
    guard let output = closure?.assumingMemoryBound(to: [UInt8].self), let source else {
        return CAIRO_STATUS_WRITE_ERROR
    }
    output.pointee.append(contentsOf: UnsafeBufferPointer(start: source, count: Int(count)))
    return CAIRO_STATUS_SUCCESS
}

/// The one owner of a Cairo image surface: pixels in memory in one of Cairo's formats.
package struct ImageSurface: ~Copyable {
    /// Lives as long as this value.
    package let handle: OpaquePointer

    package var width: Int { Int(cairo_image_surface_get_width(handle)) }
    package var height: Int { Int(cairo_image_surface_get_height(handle)) }

    /// Takes over a surface that Cairo has just made.
    /// - Throws: what `failure` makes of Cairo's reason if the surface is in an error state.
    package init(_ handle: OpaquePointer?, failure: (_ reason: String) -> ZooError) throws {
        guard let handle else { throw failure("out of memory") }
        let status = cairo_surface_status(handle)
        guard status == CAIRO_STATUS_SUCCESS else {
            cairo_surface_destroy(handle)
            throw failure(PNG.describe(status))
        }
        self.handle = handle
    }

    /// An empty (black or transparent) surface.
    /// - Throws: `ZooError` if memory is short or the size is not possible.
    package init(format: cairo_format_t, width: Int, height: Int) throws {
        try Image8.check(width: width, height: height, of: "the image")
        try self.init(cairo_image_surface_create(format, Int32(width), Int32(height))) {
            ZooError("an image of \(width) x \(height) pixels cannot be made: \($0)", code: .system)
        }
    }

    /// A surface with the pixels of `image`: alpha only (A8) for 1 channel, which Cairo writes as grey, RGB24 for 3.
    /// - Throws: `ZooError` if memory is short.
    package init(_ image: Image8) throws {
        try self.init(
            format: image.channels == 1 ? CAIRO_FORMAT_A8 : CAIRO_FORMAT_RGB24, width: image.width, height: image.height
        )
        guard let data = cairo_image_surface_get_data(handle) else { return }
        let stride = Int(cairo_image_surface_get_stride(handle))
        let (width, height, channels) = (image.width, image.height, image.channels)
        image.pixels.withUnsafeBufferPointer { pixels in
            for row in 0..<height {
                let line = UnsafeMutableRawPointer(data + row * stride)
                let samples = UnsafeBufferPointer(
                    rebasing: pixels[row * width * channels..<(row + 1) * width * channels])
                if channels == 1 {
                    UnsafeMutableRawBufferPointer(start: line, count: width).copyBytes(from: samples)
                    continue
                }
                for column in 0..<width {
                    let red = UInt32(samples[column * 3]) << 16
                    let green = UInt32(samples[column * 3 + 1]) << 8
                    let blue = UInt32(samples[column * 3 + 2])
                    line.storeBytes(of: red | green | blue, toByteOffset: column * 4, as: UInt32.self)
                }
            }
        }
        cairo_surface_mark_dirty(handle)
    }

    deinit {
        cairo_surface_destroy(handle)
    }

    /// Whether all pixels of an RGB24 surface are grey.
    package var isGrey: Bool {
        cairo_surface_flush(handle)
        guard cairo_image_surface_get_format(handle) == CAIRO_FORMAT_RGB24,
            let data = cairo_image_surface_get_data(handle)
        else { return false }
        let stride = Int(cairo_image_surface_get_stride(handle))
        return (0..<height).allSatisfy { row in
            let line = UnsafeRawPointer(data + row * stride)
            return (0..<width).allSatisfy { column in
                let color = line.load(fromByteOffset: column * 4, as: UInt32.self)
                return color >> 8 & 0xFFFF == color & 0xFFFF
            }
        }
    }

    /// The pixels as an image; transparent ones on white. With 1 channel, the green sample is taken.
    /// - Throws: `ZooError` if memory is short.
    package func image(channels: Int) throws -> Image8 {
        guard cairo_image_surface_get_format(handle) == CAIRO_FORMAT_RGB24 else {
            return try onWhite().image(channels: channels)
        }
        cairo_surface_flush(handle)
        let width = width
        let height = height
        let stride = Int(cairo_image_surface_get_stride(handle))
        let data = cairo_image_surface_get_data(handle)
        let sampleCount = width * height * channels
        let pixels = [UInt8](unsafeUninitializedCapacity: sampleCount) { output, count in
            guard let data else { return }
            for row in 0..<height {
                let line = UnsafeRawPointer(data + row * stride)
                for column in 0..<width {
                    let color = line.load(fromByteOffset: column * 4, as: UInt32.self)
                    let pixel = row * width + column
                    if channels == 1 {
                        output[pixel] = UInt8(truncatingIfNeeded: color >> 8)
                    } else {
                        output[pixel * 3] = UInt8(truncatingIfNeeded: color >> 16)
                        output[pixel * 3 + 1] = UInt8(truncatingIfNeeded: color >> 8)
                        output[pixel * 3 + 2] = UInt8(truncatingIfNeeded: color)
                    }
                }
            }
            count = sampleCount
        }
        return try Image8(width: width, height: height, channels: channels, pixels: pixels)
    }

    /// The surface painted on white, as RGB24.
    private func onWhite() throws -> ImageSurface {
        let result = try ImageSurface(format: CAIRO_FORMAT_RGB24, width: width, height: height)
        let context = cairo_create(result.handle)
        defer { cairo_destroy(context) }
        cairo_set_source_rgb(context, 1, 1, 1)
        cairo_paint(context)
        cairo_set_source_surface(context, handle, 0, 0)
        cairo_paint(context)
        let status = cairo_status(context)
        guard status == CAIRO_STATUS_SUCCESS else {
            throw ZooError(
                "an image of \(width) x \(height) pixels cannot be converted: \(PNG.describe(status))", code: .system)
        }
        return result
    }
}
