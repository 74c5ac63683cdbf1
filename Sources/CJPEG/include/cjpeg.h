/// JPEG decoding through libjpeg, with its longjmp error handling kept on the C side.
#ifndef CJPEG_H
#define CJPEG_H

#include <stddef.h>
#include <stdint.h>

/// The most bytes of a message, including the final zero.
#define CJPEG_MESSAGE_SIZE 256

/// What a function returns that failed.
enum {
    /// The file is not what its format says.
    CJPEG_DAMAGED = -1,
    /// The file uses a part of JPEG that libjpeg does not read; the message names it.
    CJPEG_UNSUPPORTED = -2,
};

/// What the header of a JPEG file says.
typedef struct {
    uint32_t width;
    uint32_t height;
    /// Components per pixel as decoded by `cjpeg_decode`: 1 (grey) or 3 (RGB); 0 if the file has a colour space
    /// that is neither grey, RGB nor YCbCr (for example CMYK).
    uint32_t channels;
    /// Components per pixel as stored in the file.
    uint32_t stored_components;
} cjpeg_header;

/// Reads the header of the JPEG file `bytes[0..<byte_count]`.
/// Returns 0, or `CJPEG_DAMAGED` or `CJPEG_UNSUPPORTED` with the reason in `message` (`CJPEG_MESSAGE_SIZE` bytes).
int cjpeg_read_header(const uint8_t *bytes, size_t byte_count, cjpeg_header *header, char *message);

/// Decodes the JPEG file `bytes[0..<byte_count]` to `pixels`: rows from the top, `channels` bytes a pixel, without
/// padding. `header` is what `cjpeg_read_header` gave for the same bytes, and `pixels` has room for
/// width * height * channels bytes. Damage that libjpeg would paper over (missing data, bad codes) is an error here.
/// Returns 0, or `CJPEG_DAMAGED` or `CJPEG_UNSUPPORTED` with the reason in `message` (`CJPEG_MESSAGE_SIZE` bytes).
int cjpeg_decode(
    const uint8_t *bytes, size_t byte_count, const cjpeg_header *header, uint8_t *pixels, char *message);

#endif
