/// libvips, of which only decoding is used. What takes a list of options has no fixed number of arguments, so Swift
/// cannot call it.
#ifndef CVIPS_SHIM_H
#define CVIPS_SHIM_H

#include <vips/vips.h>

static inline void cvips_say_nothing(
    const gchar *domain, GLogLevelFlags level, const gchar *message, gpointer data) {
    (void)domain, (void)level, (void)message, (void)data;
}

/// Starts libvips once, with the five decoders that are used below and no other: neither those it loads from modules
/// (ImageMagick, Poppler, …) nor those it calls untrusted itself. Each picture is decoded by the thread that asks for
/// it, and nothing is kept for later. Returns 0, or something else where libvips does not start.
static inline int cvips_start(void) {
    static const char *const used[] = {
        "VipsForeignLoadJpeg", "VipsForeignLoadPng", "VipsForeignLoadWebp", "VipsForeignLoadTiff", "VipsForeignLoadNsgif",
    };
    g_log_set_handler("VIPS", G_LOG_LEVEL_MASK, cvips_say_nothing, NULL);
    if (vips_init("zoo") != 0) return -1;
    vips_operation_block_set("VipsForeignLoad", TRUE);
    for (size_t index = 0; index < sizeof used / sizeof *used; ++index) vips_operation_block_set(used[index], FALSE);
    vips_block_untrusted_set(TRUE);
    vips_concurrency_set(1);
    vips_cache_set_max(0);
    return 0;
}

/// The pictures below read from `bytes`, which must outlive them; NULL where there is none (`vips_error_buffer`).
/// Pixels are decoded when they are asked for, once, from the first row to the last.

/// Decoded at 1/`shrink` (1, 2, 4 or 8) of its size.
static inline VipsImage *cvips_jpeg(const void *bytes, size_t byte_count, int shrink, VipsFailOn fail_on) {
    VipsImage *image = NULL;
    int failed = vips_jpegload_buffer(
        (void *)bytes, byte_count, &image, "shrink", shrink, "access", VIPS_ACCESS_SEQUENTIAL, "fail_on", fail_on, NULL);
    return failed ? NULL : image;
}

static inline VipsImage *cvips_png(const void *bytes, size_t byte_count) {
    VipsImage *image = NULL;
    int failed = vips_pngload_buffer(
        (void *)bytes, byte_count, &image, "access", VIPS_ACCESS_SEQUENTIAL, "fail_on", VIPS_FAIL_ON_ERROR, NULL);
    return failed ? NULL : image;
}

/// Of an animation, the first picture.
static inline VipsImage *cvips_webp(const void *bytes, size_t byte_count) {
    VipsImage *image = NULL;
    int failed = vips_webpload_buffer(
        (void *)bytes, byte_count, &image, "access", VIPS_ACCESS_SEQUENTIAL, "fail_on", VIPS_FAIL_ON_ERROR, NULL);
    return failed ? NULL : image;
}

/// Of several pages, the first.
static inline VipsImage *cvips_tiff(const void *bytes, size_t byte_count) {
    VipsImage *image = NULL;
    int failed = vips_tiffload_buffer(
        (void *)bytes, byte_count, &image, "access", VIPS_ACCESS_SEQUENTIAL, "fail_on", VIPS_FAIL_ON_ERROR, NULL);
    return failed ? NULL : image;
}

/// Of an animation, the first picture.
static inline VipsImage *cvips_gif(const void *bytes, size_t byte_count) {
    VipsImage *image = NULL;
    int failed = vips_gifload_buffer(
        (void *)bytes, byte_count, &image, "access", VIPS_ACCESS_SEQUENTIAL, "fail_on", VIPS_FAIL_ON_ERROR, NULL);
    return failed ? NULL : image;
}

/// Samples of 16 bits as their upper 8.
static inline VipsImage *cvips_bytes(VipsImage *image) {
    VipsImage *result = NULL;
    return vips_cast(image, &result, VIPS_FORMAT_UCHAR, "shift", TRUE, NULL) ? NULL : result;
}

/// Turned and mirrored as its metadata say (EXIF, TIFF).
static inline VipsImage *cvips_upright(VipsImage *image) {
    VipsImage *result = NULL;
    return vips_autorot(image, &result, NULL) ? NULL : result;
}

/// Decodes the pixels of a picture of bytes into `target`, in this thread: what libvips has for it hands a few rows at a time to
/// another, which takes longer than decoding a small picture.
static inline int cvips_pixels(VipsImage *image, void *target) {
    VipsRegion *region = vips_region_new(image);
    if (region == NULL) return -1;
    size_t row_byte_count = VIPS_IMAGE_SIZEOF_LINE(image);
    int failed = 0;
    for (int top = 0; top < image->Ysize && !failed; top += 16) {
        VipsRect rows = {0, top, image->Xsize, VIPS_MIN(16, image->Ysize - top)};
        failed = vips_region_prepare(region, &rows);
        for (int row = top; row < top + rows.height && !failed; ++row) {
            memcpy((char *)target + row * row_byte_count, VIPS_REGION_ADDR(region, 0, row), row_byte_count);
        }
    }
    g_object_unref(region);
    return failed;
}

/// A picture of bytes on white, without its alpha.
static inline VipsImage *cvips_on_white(VipsImage *image) {
    VipsArrayDouble *white = vips_array_double_newv(1, 255.0);
    VipsImage *result = NULL;
    int failed = vips_flatten(image, &result, "background", white, "max_alpha", 255.0, NULL);
    vips_area_unref(VIPS_AREA(white));
    return failed ? NULL : result;
}

#endif
