#include "cjpeg.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

/// A progressive file may say the same picture again and again; more scans than this are hostile.
enum { maximum_scan_count = 100 };

typedef struct {
    struct jpeg_error_mgr base;
    jmp_buf failed;
    char *message;
    /// What the function returns that failed.
    int result;
} error_handler;

/// How a frame of the kind that its marker names is coded (ITU-T T.81, table B.1); NULL for the kinds that are read.
static const char *process(int marker) {
    switch (marker) {
    case 0xC3: return "lossless coding (SOF3)";
    case 0xC5:
    case 0xC6:
    case 0xC7: return "hierarchical coding";
    case 0xC9:
    case 0xCA: return "arithmetic coding";
    case 0xCB: return "lossless arithmetic coding (SOF11)";
    case 0xCD:
    case 0xCE:
    case 0xCF: return "hierarchical arithmetic coding";
    default: return NULL;
    }
}

/// Whether an error means a file that may well be sound, but uses what this libjpeg does not read. Says what that is.
static int is_unsupported(j_common_ptr jpeg, char *message) {
    const char *kind = NULL;
    switch (jpeg->err->msg_code) {
    case JERR_SOF_UNSUPPORTED: kind = process(jpeg->err->msg_parm.i[0]); break;
    case JERR_ARITH_NOTIMPL: kind = "arithmetic coding"; break;
    case JERR_BAD_PRECISION: {
        int bits = jpeg->is_decompressor ? ((j_decompress_ptr)jpeg)->data_precision : 0;
        // Others than these no JPEG has.
        if (bits != 12 && bits != 16) return 0;
        snprintf(message, CJPEG_MESSAGE_SIZE, "samples of %d bits", bits);
        return 1;
    }
    default: break;
    }
    if (kind != NULL) snprintf(message, CJPEG_MESSAGE_SIZE, "%s", kind);
    return kind != NULL;
}

static void fail(j_common_ptr jpeg) {
    error_handler *handler = (error_handler *)jpeg->err;
    if (is_unsupported(jpeg, handler->message)) {
        handler->result = CJPEG_UNSUPPORTED;
        longjmp(handler->failed, 1);
    }
    char text[JMSG_LENGTH_MAX];
    jpeg->err->format_message(jpeg, text);
    snprintf(handler->message, CJPEG_MESSAGE_SIZE, "%s", text);
    longjmp(handler->failed, 1);
}

/// Warnings that mean lost picture data are errors; harmless ones (stray bytes between markers) and traces are not.
static void judge_warning(j_common_ptr jpeg, int level) {
    if (level >= 0) return;
    switch (jpeg->err->msg_code) {
    case JWRN_JPEG_EOF:
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_MUST_RESYNC:
    case JWRN_BOGUS_PROGRESSION:
    case JWRN_NOT_SEQUENTIAL:
    case JWRN_TOO_MUCH_DATA:
        fail(jpeg);
    default:
        jpeg->err->num_warnings += 1;
    }
}

static void print_nothing(j_common_ptr jpeg) { (void)jpeg; }

static void count_scans(j_common_ptr jpeg) {
    if (!jpeg->is_decompressor || ((j_decompress_ptr)jpeg)->input_scan_number <= maximum_scan_count) return;
    error_handler *handler = (error_handler *)jpeg->err;
    snprintf(handler->message, CJPEG_MESSAGE_SIZE, "more than %d scans", maximum_scan_count);
    longjmp(handler->failed, 1);
}

static void prepare(error_handler *handler, struct jpeg_decompress_struct *jpeg, char *message) {
    memset(jpeg, 0, sizeof *jpeg);
    message[0] = 0;
    jpeg->err = jpeg_std_error(&handler->base);
    handler->base.error_exit = fail;
    handler->base.emit_message = judge_warning;
    handler->base.output_message = print_nothing;
    handler->message = message;
    handler->result = CJPEG_DAMAGED;
}

static uint32_t decoded_channels(const struct jpeg_decompress_struct *jpeg) {
    switch (jpeg->jpeg_color_space) {
    case JCS_GRAYSCALE: return 1;
    case JCS_RGB:
    case JCS_YCbCr: return 3;
    default: return 0;
    }
}

int cjpeg_read_header(const uint8_t *bytes, size_t byte_count, cjpeg_header *header, char *message) {
    struct jpeg_decompress_struct jpeg;
    error_handler handler;
    prepare(&handler, &jpeg, message);
    if (setjmp(handler.failed)) {
        jpeg_destroy_decompress(&jpeg);
        return handler.result;
    }
    jpeg_create_decompress(&jpeg);
    jpeg_mem_src(&jpeg, bytes, byte_count);
    jpeg_read_header(&jpeg, TRUE);
    header->width = jpeg.image_width;
    header->height = jpeg.image_height;
    header->channels = decoded_channels(&jpeg);
    header->stored_components = (uint32_t)jpeg.num_components;
    jpeg_destroy_decompress(&jpeg);
    return 0;
}

int cjpeg_decode(
    const uint8_t *bytes, size_t byte_count, const cjpeg_header *header, uint8_t *pixels, char *message) {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_progress_mgr progress = {.progress_monitor = count_scans};
    error_handler handler;
    prepare(&handler, &jpeg, message);
    if (setjmp(handler.failed)) {
        jpeg_destroy_decompress(&jpeg);
        return handler.result;
    }
    jpeg_create_decompress(&jpeg);
    jpeg.progress = &progress;
    jpeg_mem_src(&jpeg, bytes, byte_count);
    jpeg_read_header(&jpeg, TRUE);
    jpeg.out_color_space = header->channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_start_decompress(&jpeg);
    if (jpeg.output_width != header->width || jpeg.output_height != header->height
        || (uint32_t)jpeg.output_components != header->channels) {
        snprintf(
            message, CJPEG_MESSAGE_SIZE, "the picture is %u x %u with %d components, the header said %u x %u with %u",
            jpeg.output_width, jpeg.output_height, jpeg.output_components, header->width, header->height,
            header->channels);
        jpeg_destroy_decompress(&jpeg);
        return CJPEG_DAMAGED;
    }
    size_t stride = (size_t)header->width * header->channels;
    while (jpeg.output_scanline < jpeg.output_height) {
        JSAMPROW row = pixels + (size_t)jpeg.output_scanline * stride;
        jpeg_read_scanlines(&jpeg, &row, 1);
    }
    jpeg_finish_decompress(&jpeg);
    jpeg_destroy_decompress(&jpeg);
    return 0;
}
