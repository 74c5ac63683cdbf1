import CCairo
import ImageFiles
import TensorCore

/// A white sheet to draw on, through Cairo. Units are pixels of a PNG or SVG and points of a PDF; x grows to the right, y
/// downwards.
public struct Canvas: ~Copyable {
    public let width: Int
    public let height: Int
    private let format: FigureFormat
    /// What Cairo has written so far (SVG and PDF).
    private let output: UnsafeMutablePointer<[UInt8]>
    private let surface: OpaquePointer
    private let context: DrawingContext

    /// - Throws: `ZooError` if the size is not possible or memory is short.
    public init(width: Int, height: Int, format: FigureFormat) throws {
        let largest = Image8.maximumSide
        guard (1...largest).contains(width), (1...largest).contains(height),
            width * height <= Image8.maximumPixelCount
        else {
            throw ZooError(
                "a figure of \(width) x \(height) pixels cannot be drawn; at most \(largest) pixels a side and "
                    + "\(Image8.maximumPixelCount) in all are possible",
                advice: "draw fewer or smaller images", code: .limit)
        }
        let output = UnsafeMutablePointer<[UInt8]>.allocate(capacity: 1)
        output.initialize(to: [])
        let surface: OpaquePointer?
        switch format {
        case .png:
            surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, Int32(width), Int32(height))
        case .svg:
            surface = cairo_svg_surface_create_for_stream(appendToByteArray, output, Double(width), Double(height))
            cairo_svg_surface_set_document_unit(surface, CAIRO_SVG_UNIT_PX)
        case .pdf:
            surface = cairo_pdf_surface_create_for_stream(appendToByteArray, output, Double(width), Double(height))
        }
        do {
            guard let surface else { throw ZooError("a figure cannot be drawn: out of memory", code: .system) }
            context = try DrawingContext(surface: surface)
            self.surface = surface
        } catch {
            cairo_surface_destroy(surface)
            output.deinitialize(count: 1)
            output.deallocate()
            throw error
        }
        self.output = output
        self.width = width
        self.height = height
        self.format = format
        fill(FigureRectangle(x: 0, y: 0, width: Double(width), height: Double(height)), color: .white)
    }

    deinit {
        cairo_surface_finish(surface)
        cairo_surface_destroy(surface)
        output.deinitialize(count: 1)
        output.deallocate()
    }

    /// Ends the drawing and gives the bytes of its file.
    /// - Throws: `ZooError` if anything could not be drawn.
    public consuming func finish() throws -> [UInt8] {
        if format == .png { return try ImageFiles.encodePNG(finishImage()) }
        try context.checkStatus()
        cairo_surface_finish(surface)
        let status = cairo_surface_status(surface)
        guard status == CAIRO_STATUS_SUCCESS else {
            throw ZooError(
                "a figure cannot be finished: \(String(cString: cairo_status_to_string(status)))", code: .system)
        }
        return output.pointee
    }

    /// Ends the drawing of a PNG canvas and gives its pixels: grey if there is no colour, which makes a file of half the
    /// size, else RGB.
    /// - Throws: `ZooError` if anything could not be drawn, or the canvas has another format.
    consuming func finishImage() throws -> Image8 {
        try context.checkStatus()
        guard format == .png else {
            throw ZooError("a canvas for \(format.rawValue) has no pixels", code: .unsupported)
        }
        let surface = try ImageSurface(cairo_surface_reference(surface)) {
            ZooError("a figure cannot be finished: \($0)", code: .system)
        }
        return try surface.image(channels: surface.isGrey ? 1 : 3)
    }
}

// MARK: - Drawing

extension Canvas {
    /// Fills a rectangle.
    public func fill(_ rectangle: FigureRectangle, color: FigureColor) {
        setColor(color)
        cairo_rectangle(context.handle, rectangle.x, rectangle.y, rectangle.width, rectangle.height)
        cairo_fill(context.handle)
    }

    /// Fills a polygon.
    public func fill(_ corners: [FigurePoint], color: FigureColor, opacity: Double = 1) {
        guard let first = corners.first else { return }
        setColor(color, opacity: opacity)
        cairo_move_to(context.handle, first.x, first.y)
        for corner in corners.dropFirst() { cairo_line_to(context.handle, corner.x, corner.y) }
        cairo_close_path(context.handle)
        cairo_fill(context.handle)
    }

    /// Fills a circle.
    public func fillCircle(center: FigurePoint, radius: Double, color: FigureColor, opacity: Double = 1) {
        setColor(color, opacity: opacity)
        cairo_new_sub_path(context.handle)
        cairo_arc(context.handle, center.x, center.y, radius, 0, 2 * Double.pi)
        cairo_fill(context.handle)
    }

    /// Draws a line through `points`, which need to be finite. `dashes` are lengths of line and gap in turn; none is a
    /// solid line.
    public func line(through points: [FigurePoint], color: FigureColor, width: Double, dashes: [Double] = []) {
        guard let first = points.first else { return }
        setColor(color)
        cairo_set_line_width(context.handle, width)
        cairo_set_line_join(context.handle, CAIRO_LINE_JOIN_ROUND)
        cairo_set_line_cap(context.handle, dashes.isEmpty ? CAIRO_LINE_CAP_ROUND : CAIRO_LINE_CAP_BUTT)
        cairo_set_dash(context.handle, dashes, Int32(dashes.count), 0)
        cairo_move_to(context.handle, first.x, first.y)
        for point in points.dropFirst() { cairo_line_to(context.handle, point.x, point.y) }
        cairo_stroke(context.handle)
    }

    /// Draws one line of text with its anchor at `point`, on the baseline. With `isRisen`, it runs upwards.
    public func text(
        _ text: String, at point: FigurePoint, font: FigureFont, color: FigureColor, anchor: TextAnchor = .start,
        isRisen: Bool = false
    ) {
        context.select(font)
        let width = context.selectedWidth(of: text)
        let shift: Double
        switch anchor {
        case .start: shift = 0
        case .middle: shift = -(width / 2).rounded()
        case .end: shift = -width
        }
        setColor(color)
        cairo_save(context.handle)
        cairo_translate(context.handle, point.x, point.y)
        if isRisen { cairo_rotate(context.handle, -Double.pi / 2) }
        cairo_move_to(context.handle, shift, 0)
        cairo_show_text(context.handle, text)
        cairo_restore(context.handle)
        cairo_new_path(context.handle)
    }

    /// Draws one line of text in ink with a white edge, to be read on top of anything; its middle is at `point`, on the
    /// baseline.
    func outlinedText(_ text: String, at point: FigurePoint, font: FigureFont) {
        context.select(font)
        cairo_move_to(context.handle, point.x - (context.selectedWidth(of: text) / 2).rounded(), point.y)
        cairo_text_path(context.handle, text)
        cairo_set_dash(context.handle, nil, 0, 0)
        cairo_set_line_join(context.handle, CAIRO_LINE_JOIN_ROUND)
        cairo_set_line_width(context.handle, 5)
        setColor(.white)
        cairo_stroke_preserve(context.handle)
        setColor(.ink)
        cairo_fill(context.handle)
    }

    /// Draws an image with each pixel a square of `scale` × `scale` units, its upper left corner at (x, y).
    /// - Throws: `ZooError` if memory is short.
    public func image(_ image: Image8, x: Int, y: Int, scale: Int) throws {
        // A viewer of SVG or PDF would blur what it magnifies, so these get the pixels magnified already.
        let isMagnified = format != .png
        let image = try image.converted(toChannels: 3)
        let surface = try ImageSurface(isMagnified ? image.magnified(by: max(scale, 1)) : image)
        cairo_save(context.handle)
        cairo_translate(context.handle, Double(x), Double(y))
        if !isMagnified { cairo_scale(context.handle, Double(max(scale, 1)), Double(max(scale, 1))) }
        cairo_set_source_surface(context.handle, surface.handle, 0, 0)
        cairo_pattern_set_filter(cairo_get_source(context.handle), CAIRO_FILTER_NEAREST)
        cairo_paint(context.handle)
        cairo_restore(context.handle)
    }

    func draw(_ text: PlacedText) {
        self.text(
            text.text, at: FigurePoint(x: text.x, y: text.baseline), font: text.font, color: text.color,
            anchor: text.anchor, isRisen: text.isRisen)
    }

    private func setColor(_ color: FigureColor, opacity: Double = 1) {
        cairo_set_source_rgba(context.handle, color.red, color.green, color.blue, opacity)
    }
}

extension Image8 {
    /// Each pixel repeated `scale` times in both directions.
    func magnified(by scale: Int) throws -> Image8 {
        if scale == 1 { return self }
        var magnified: [UInt8] = []
        magnified.reserveCapacity(pixels.count * scale * scale)
        for row in 0..<height {
            let rowStart = magnified.count
            for column in 0..<width {
                let start = (row * width + column) * channels
                for _ in 0..<scale { magnified.append(contentsOf: pixels[start..<(start + channels)]) }
            }
            let line = Array(magnified[rowStart...])
            for _ in 1..<scale { magnified.append(contentsOf: line) }
        }
        return try Image8(width: width * scale, height: height * scale, channels: channels, pixels: magnified)
    }
}
