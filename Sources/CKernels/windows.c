#include "CKernels.h"
#include "support.h"

// A convolution as a matrix product: the windows of all pixels as rows of kernel height × kernel width × channels.

typedef struct {
    zk_window window;
    const void *x;
    void *y;
    const float *bias;
    bool relu, half;
} arguments;

ZK_INLINE void copy_run(const void *x, int64_t place, uint16_t *to, int64_t count, bool half) {
    if (half) {
        memcpy(to, (const uint16_t *)x + place, (size_t)count * sizeof(uint16_t));
        return;
    }
    const float *from = (const float *)x + place;
    for (int64_t i = 0; i < count; i++) to[i] = to_half(from[i]);
}

ZK_CLONES static void windows(const void *context, int64_t begin, int64_t end) {
    const arguments *a = context;
    const zk_window *w = &a->window;
    const int64_t run = w->kernel[1] * w->channels, taps = w->kernel[0] * run;
    for (int64_t row = begin / LANES; row < end / LANES; row++) {
        const int64_t n = row / w->output_height, oy = row % w->output_height;
        for (int64_t ox = 0; ox < w->output_width; ox++) {
            uint16_t *to = (uint16_t *)a->y + (row * w->output_width + ox) * taps;
            const int64_t left = ox * w->stride[1] - w->padding[1];
            // the part of the window's columns that lies in the image
            const int64_t first = left < 0 ? -left : 0;
            int64_t last = w->input_width - left;
            last = last < w->kernel[1] ? last : w->kernel[1];
            for (int64_t ky = 0; ky < w->kernel[0]; ky++, to += run) {
                const int64_t iy = oy * w->stride[0] + ky - w->padding[0];
                if (iy < 0 || iy >= w->input_height || last <= first) {
                    memset(to, 0, (size_t)run * sizeof(uint16_t));
                    continue;
                }
                memset(to, 0, (size_t)(first * w->channels) * sizeof(uint16_t));
                copy_run(
                    a->x, ((n * w->input_height + iy) * w->input_width + left + first) * w->channels,
                    to + first * w->channels, (last - first) * w->channels, a->half);
                memset(to + last * w->channels, 0, (size_t)((w->kernel[1] - last) * w->channels) * sizeof(uint16_t));
            }
        }
    }
}

void zk_windows(const void *x, bool half, void *rows, int64_t images, const zk_window *window) {
    arguments a = {.window = *window, .x = x, .y = rows, .half = half};
    zk_parallel(images * window->output_height * LANES, LANES, windows, &a);
}

#define MAXIMUM_WINDOWS 64

ZK_CLONES static void add_windows(const void *context, int64_t begin, int64_t end) {
    const arguments *a = context;
    const zk_window *w = &a->window;
    const int64_t run = w->kernel[1] * w->channels, taps = w->kernel[0] * run;
    for (int64_t row = begin / LANES; row < end / LANES; row++) {
        const int64_t n = row / w->input_height, y = row % w->input_height;
        for (int64_t x = 0; x < w->input_width; x++) {
            // the rows' elements that belong to this pixel
            const uint16_t *parts[MAXIMUM_WINDOWS];
            int count = 0;
            for (int64_t ky = 0; ky < w->kernel[0]; ky++) {
                const int64_t sy = y + w->padding[0] - ky, oy = sy / w->stride[0];
                if (sy < 0 || sy % w->stride[0] != 0 || oy >= w->output_height) continue;
                for (int64_t kx = 0; kx < w->kernel[1]; kx++) {
                    const int64_t sx = x + w->padding[1] - kx, ox = sx / w->stride[1];
                    if (sx < 0 || sx % w->stride[1] != 0 || ox >= w->output_width) continue;
                    parts[count++] = (const uint16_t *)a->x + ((n * w->output_height + oy) * w->output_width + ox) * taps
                        + ky * run + kx * w->channels;
                }
            }
            const int64_t place = (row * w->input_width + x) * w->channels;
            for (int64_t c = 0; c < w->channels; c += LANES) {
                const int64_t width = w->channels - c < LANES ? w->channels - c : LANES;
                float sums[LANES] = {0};
                if (a->bias) memcpy(sums, a->bias + c, (size_t)width * sizeof(float));
                for (int i = 0; i < count; i++) {
                    uint16_t part[LANES] = {0};
                    if (width == LANES) {
                        memcpy(part, parts[i] + c, sizeof part);
                    } else {
                        memcpy(part, parts[i] + c, (size_t)width * sizeof(uint16_t));
                    }
                    for (int64_t j = 0; j < LANES; j++) sums[j] += from_half(part[j]);
                }
                if (a->relu) {
                    for (int64_t j = 0; j < LANES; j++) sums[j] = sums[j] > 0 ? sums[j] : 0;
                }
                if (!a->half) {
                    memcpy((float *)a->y + place + c, sums, (size_t)width * sizeof(float));
                    continue;
                }
                uint16_t halves[LANES];
                for (int64_t j = 0; j < LANES; j++) halves[j] = to_half(sums[j]);
                memcpy((uint16_t *)a->y + place + c, halves, (size_t)width * sizeof(uint16_t));
            }
        }
    }
}

bool zk_windows_fit(const zk_window *window) { return window->kernel[0] * window->kernel[1] <= MAXIMUM_WINDOWS; }

void zk_add_windows(
    const void *rows, const float *bias, bool relu, void *y, bool half, int64_t images, const zk_window *window) {
    arguments a = {
        .window = *window, .x = rows, .y = y, .bias = bias, .relu = relu, .half = half};
    zk_parallel(images * window->input_height * LANES, LANES, add_windows, &a);
}
