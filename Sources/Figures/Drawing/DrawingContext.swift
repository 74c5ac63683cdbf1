import CCairo
import TensorCore

/// The one owner of a Cairo context; the surface that it draws on must outlive it.
struct DrawingContext: ~Copyable {
    let handle: OpaquePointer

    /// - Throws: `ZooError` if memory is short.
    init(surface: OpaquePointer) throws {
        guard let handle = cairo_create(surface) else {
            throw ZooError("a figure cannot be drawn: out of memory", code: .system)
        }
        do {
            try Self.checkStatus(of: handle)
        } catch {
            cairo_destroy(handle)
            throw error
        }
        self.handle = handle
        cairo_set_antialias(handle, CAIRO_ANTIALIAS_GOOD)
        // Every surface measures text in the same way, so that a figure has one layout in all formats.
        let options = cairo_font_options_create()
        cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY)
        cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_SLIGHT)
        cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_ON)
        cairo_set_font_options(handle, options)
        cairo_font_options_destroy(options)
    }

    deinit {
        cairo_destroy(handle)
    }

    /// - Throws: `ZooError` if anything drawn so far failed.
    func checkStatus() throws {
        try Self.checkStatus(of: handle)
    }

    private static func checkStatus(of handle: OpaquePointer) throws {
        let status = cairo_status(handle)
        guard status == CAIRO_STATUS_SUCCESS else {
            throw ZooError(
                "a figure cannot be drawn: \(String(cString: cairo_status_to_string(status)))", code: .system)
        }
    }

    func select(_ font: FigureFont) {
        cairo_select_font_face(
            handle, "DejaVu Sans", CAIRO_FONT_SLANT_NORMAL,
            font.isBold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL)
        cairo_set_font_size(handle, font.size)
    }

    /// How far `text` reaches from its start in the selected font.
    func selectedWidth(of text: String) -> Double {
        var extents = cairo_text_extents_t()
        cairo_text_extents(handle, text, &extents)
        return max(extents.x_advance, extents.x_bearing + extents.width)
    }
}
