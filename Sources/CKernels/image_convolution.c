#include "CKernels.h"
#include "support.h"

// Convolutions between an image of few channels and maps of many: the first layer of an encoder and the last of a decoder.
//
// Seen from the maps, a window of the image is a short row of `taps` = kernel height × kernel width × image channels numbers;
// N H W C makes them runs of kernel width × channels. Each pass is then a matrix product with that row, done in registers.
// Images are copied into a padded buffer first, so that no window needs a test for the border.

typedef float vector __attribute__((vector_size(64), aligned(4)));
typedef uint16_t half_vector __attribute__((vector_size(32), aligned(2)));
typedef uint32_t bits_vector __attribute__((vector_size(64)));

// Everything below is inlined into the copies for each instruction set; nothing passes vectors across a call.
#pragma clang diagnostic ignored "-Wpsabi"

#define UNROLL _Pragma("clang loop unroll(full)")

#define PIXELS 8         // maps' pixels done at once
#define GROUPS 16        // partial sums of a weights' gradient: fixed, so that sums do not depend on the threads
#define PADDED 24576     // most floats of a padded image
#define ROWS 65536       // most floats of the rows of all pixels of an image
#define MAXIMUM_TAPS 48  // three vectors
#define MAXIMUM_CHANNELS 256

typedef struct {
    zk_window window;  // of the convolution from the image to the maps; `channels` are the image's
    int64_t maps, taps, run, padded_width, padded_height;
    const float *image, *weights, *bias;
    float *image_out, *partial;
    const void *x, *mask;  // maps
    void *y;
    bool half, relu;
    int64_t images, group;
    // Images are shared out in parts; each has workspace of its own, for stacks of threads may be small.
    int64_t parts, part_size;
    float *workspace;
} arguments;

ZK_INLINE int64_t first_image(const arguments *a, int64_t part) { return a->images * part / a->parts; }

ZK_INLINE vector load(const void *base, int64_t index, bool half) {
    if (!half) return *(const vector *)((const float *)base + index);
    half_vector h = *(const half_vector *)((const uint16_t *)base + index);
    return (vector)(__builtin_convertvector(h, bits_vector) << 16);
}

// Rounds to nearest even.
ZK_INLINE void store(void *base, int64_t index, vector v, bool half) {
    if (!half) {
        *(vector *)((float *)base + index) = v;
        return;
    }
    bits_vector bits = (bits_vector)v;
    bits_vector rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
    bits_vector quiet = (bits >> 16) | 0x40;
    bits_vector number = (bits_vector)(v == v);
    *(half_vector *)((uint16_t *)base + index) =
        __builtin_convertvector((rounded & number) | (quiet & ~number), half_vector);
}

ZK_INLINE vector positive(vector v) { return (vector)((bits_vector)v & (bits_vector)(v > 0)); }

// Zero where the maps `mask` are not positive: the gradient of a ReLU by its output.
ZK_INLINE vector masked(vector v, const void *mask, int64_t index, bool half) {
    return mask ? (vector)((bits_vector)v & (bits_vector)(load(mask, index, half) > 0)) : v;
}

ZK_INLINE void pad(const arguments *a, const float *image, float *padded) {
    const zk_window *w = &a->window;
    const int64_t row = a->padded_width * w->channels, width = w->input_width * w->channels;
    memset(padded, 0, (size_t)(a->padded_height * row) * sizeof(float));
    for (int64_t y = 0; y < w->input_height; y++) {
        memcpy(
            padded + (y + w->padding[0]) * row + w->padding[1] * w->channels, image + y * width,
            (size_t)width * sizeof(float));
    }
}

// ---- from the image to the maps: y = W·x + b

ZK_INLINE void to_maps_block(
    const arguments *a, const float *padded, int64_t place, int64_t oy, int64_t ox, const int pixels, const int vectors,
    int64_t m, bool half) {
    const zk_window *w = &a->window;
    const int64_t step = w->stride[1] * w->channels;
    vector sums[PIXELS][2];
    UNROLL for (int p = 0; p < pixels; p++) {
        UNROLL for (int v = 0; v < vectors; v++) sums[p][v] = a->bias ? load(a->bias, m + LANES * v, false) : (vector){0};
    }
    const float *weights = a->weights + m;
    for (int64_t ky = 0; ky < w->kernel[0]; ky++) {
        const float *x = padded + ((oy * w->stride[0] + ky) * a->padded_width + ox * w->stride[1]) * w->channels;
        for (int64_t j = 0; j < a->run; j++, weights += a->maps) {
            vector rows[2];
            UNROLL for (int v = 0; v < vectors; v++) rows[v] = load(weights, LANES * v, false);
            UNROLL for (int p = 0; p < pixels; p++) {
                UNROLL for (int v = 0; v < vectors; v++) sums[p][v] += x[p * step + j] * rows[v];
            }
        }
    }
    UNROLL for (int p = 0; p < pixels; p++) {
        UNROLL for (int v = 0; v < vectors; v++) {
            const int64_t index = place + p * a->maps + m + LANES * v;
            const vector sum = a->relu ? positive(sums[p][v]) : sums[p][v];
            store(a->y, index, masked(sum, a->mask, index, half), half);
        }
    }
}

ZK_INLINE void to_maps_images(const arguments *a, int64_t begin, int64_t end, float *padded, bool half) {
    const zk_window *w = &a->window;
    for (int64_t n = begin; n < end; n++) {
        pad(a, a->image + n * w->input_height * w->input_width * w->channels, padded);
        for (int64_t oy = 0; oy < w->output_height; oy++) {
            const int64_t row = (n * w->output_height + oy) * w->output_width;
            for (int64_t m = 0; m < a->maps;) {
                const bool wide = m + 2 * LANES <= a->maps;
                if (w->output_width < PIXELS) {
                    for (int64_t ox = 0; ox < w->output_width; ox++) {
                        to_maps_block(a, padded, (row + ox) * a->maps, oy, ox, 1, 1, m, half);
                        if (wide) to_maps_block(a, padded, (row + ox) * a->maps, oy, ox, 1, 1, m + LANES, half);
                    }
                } else {
                    for (int64_t start = 0; start < w->output_width; start += PIXELS) {
                        // The last block overlaps its neighbour and writes the same numbers again.
                        const int64_t last = w->output_width - PIXELS;
                        const int64_t ox = start < last ? start : last;
                        if (wide) {
                            to_maps_block(a, padded, (row + ox) * a->maps, oy, ox, PIXELS, 2, m, half);
                        } else {
                            to_maps_block(a, padded, (row + ox) * a->maps, oy, ox, PIXELS, 1, m, half);
                        }
                    }
                }
                m += wide ? 2 * LANES : LANES;
            }
        }
    }
}

ZK_CLONES static void to_maps(const void *context, int64_t begin, int64_t end) {
    const arguments *a = context;
    for (int64_t part = begin / LANES; part < end / LANES; part++) {
        float *padded = a->workspace + part * a->part_size;
        if (a->half) {
            to_maps_images(a, first_image(a, part), first_image(a, part + 1), padded, true);
        } else {
            to_maps_images(a, first_image(a, part), first_image(a, part + 1), padded, false);
        }
    }
}

// ---- from the maps to the image: rows Wᵀ·x for all pixels of the maps, then each element of a row is added where its
// window lies. Taps come one after another, so that an addition never waits for a neighbour's.

ZK_INLINE void rows_block(
    const arguments *a, const float *transposed, float *rows, int64_t place, const int pixels, const int vectors,
    bool half) {
    vector sums[PIXELS][3];
    UNROLL for (int p = 0; p < pixels; p++) {
        UNROLL for (int v = 0; v < vectors; v++) sums[p][v] = (vector){0};
    }
    float converted[PIXELS][LANES];
    for (int64_t m = 0; m < a->maps; m += LANES) {
        const float *x = (const float *)a->x + place + m;
        int64_t step = a->maps;
        if (half) {
            UNROLL for (int p = 0; p < pixels; p++) {
                store(converted[p], 0, load(a->x, place + p * a->maps + m, true), false);
            }
            x = converted[0];
            step = LANES;
        }
        for (int lane = 0; lane < LANES; lane++) {
            const float *weights = transposed + (m + lane) * vectors * LANES;
            vector row[3];
            UNROLL for (int v = 0; v < vectors; v++) row[v] = load(weights, LANES * v, false);
            UNROLL for (int p = 0; p < pixels; p++) {
                UNROLL for (int v = 0; v < vectors; v++) sums[p][v] += x[p * step + lane] * row[v];
            }
        }
    }
    UNROLL for (int p = 0; p < pixels; p++) {
        UNROLL for (int v = 0; v < vectors; v++) store(rows, (p * vectors + v) * LANES, sums[p][v], false);
    }
}

ZK_INLINE void add_rows(const arguments *a, const float *rows, float *image, int64_t width, const int64_t channels) {
    const zk_window *w = &a->window;
    for (int64_t iy = 0; iy < w->output_height; iy++) {
        for (int64_t ky = 0; ky < w->kernel[0]; ky++) {
            const int64_t oy = iy * w->stride[0] + ky - w->padding[0];
            if (oy < 0 || oy >= w->input_height) continue;
            for (int64_t kx = 0; kx < w->kernel[1]; kx++) {
                const float *from = rows + iy * w->output_width * width + ky * a->run + kx * channels;
                float *to = image + oy * w->input_width * channels;
                int64_t ix = 0, ox = kx - w->padding[1];
                for (; ox < 0; ox += w->stride[1]) ix++;
                for (; ix < w->output_width && ox < w->input_width; ix++, ox += w->stride[1]) {
                    for (int64_t c = 0; c < channels; c++) to[ox * channels + c] += from[ix * width + c];
                }
            }
        }
    }
}

ZK_INLINE void to_image_images(const arguments *a, int64_t part, const int vectors, bool half) {
    const zk_window *w = &a->window;
    const int64_t begin = first_image(a, part), end = first_image(a, part + 1);
    float *transposed = a->workspace + part * a->part_size, *rows = transposed + a->maps * vectors * LANES;
    for (int64_t m = 0; m < a->maps; m++) {
        for (int64_t t = 0; t < vectors * LANES; t++) {
            transposed[m * vectors * LANES + t] = t < a->taps ? a->weights[t * a->maps + m] : 0;
        }
    }
    const int64_t size = w->input_height * w->input_width * w->channels, pixels = w->output_height * w->output_width;
    for (int64_t n = begin; n < end; n++) {
        int64_t pixel = 0;
        for (; pixel + PIXELS <= pixels; pixel += PIXELS) {
            rows_block(
                a, transposed, rows + pixel * vectors * LANES, (n * pixels + pixel) * a->maps, PIXELS, vectors, half);
        }
        for (; pixel < pixels; pixel++) {
            rows_block(a, transposed, rows + pixel * vectors * LANES, (n * pixels + pixel) * a->maps, 1, vectors, half);
        }
        float *image = a->image_out + n * size;
        for (int64_t i = 0; i < size; i += w->channels) {
            for (int64_t c = 0; c < w->channels; c++) image[i + c] = a->bias ? a->bias[c] : 0;
        }
        switch (w->channels) {
        case 1: add_rows(a, rows, image, vectors * LANES, 1); break;
        case 3: add_rows(a, rows, image, vectors * LANES, 3); break;
        default: add_rows(a, rows, image, vectors * LANES, w->channels);
        }
    }
}

ZK_CLONES static void to_image(const void *context, int64_t begin, int64_t end) {
    const arguments *a = context;
    for (int64_t part = begin / LANES; part < end / LANES; part++) {
        switch ((a->taps + LANES - 1) / LANES * 2 + a->half) {
        case 2: to_image_images(a, part, 1, false); break;
        case 3: to_image_images(a, part, 1, true); break;
        case 4: to_image_images(a, part, 2, false); break;
        case 5: to_image_images(a, part, 2, true); break;
        case 6: to_image_images(a, part, 3, false); break;
        default: to_image_images(a, part, 3, true);
        }
    }
}

// ---- the gradient of the weights: sums over all pixels of (window of the image) × (maps)

ZK_INLINE void weights_tile(
    const arguments *a, const float *padded, const int64_t *offsets, float *sums_, int64_t place, const int taps,
    const int vectors, int64_t m, bool half) {
    const zk_window *w = &a->window;
    const int64_t step = w->stride[1] * w->channels;
    vector sums[12][2];
    UNROLL for (int t = 0; t < taps; t++) {
        UNROLL for (int v = 0; v < vectors; v++) sums[t][v] = load(sums_, t * a->maps + m + LANES * v, false);
    }
    for (int64_t ox = 0; ox < w->output_width; ox++) {
        vector d[2];
        UNROLL for (int v = 0; v < vectors; v++) {
            const int64_t index = place + ox * a->maps + m + LANES * v;
            d[v] = masked(load(a->x, index, half), a->mask, index, half);
        }
        const float *x = padded + ox * step;
        UNROLL for (int t = 0; t < taps; t++) {
            UNROLL for (int v = 0; v < vectors; v++) sums[t][v] += x[offsets[t]] * d[v];
        }
    }
    UNROLL for (int t = 0; t < taps; t++) {
        UNROLL for (int v = 0; v < vectors; v++) store(sums_, t * a->maps + m + LANES * v, sums[t][v], false);
    }
}

ZK_INLINE void weights_row(
    const arguments *a, const float *padded, const int64_t *offsets, float *sums, float *bias, int64_t place,
    const int vectors, int64_t m, bool half) {
    for (int64_t t = 0; t < a->taps;) {
        const int64_t left = a->taps - t;
        float *tile = sums + t * a->maps;
        if (left == 9) {
            weights_tile(a, padded, offsets + t, tile, place, 9, vectors, m, half);
            t += 9;
        } else if (left >= 12 && left != 16) {
            weights_tile(a, padded, offsets + t, tile, place, 12, vectors, m, half);
            t += 12;
        } else if (left >= 8) {
            weights_tile(a, padded, offsets + t, tile, place, 8, vectors, m, half);
            t += 8;
        } else {
            weights_tile(a, padded, offsets + t, tile, place, 1, vectors, m, half);
            t += 1;
        }
    }
    vector totals[2];
    UNROLL for (int v = 0; v < vectors; v++) totals[v] = load(bias, m + LANES * v, false);
    for (int64_t ox = 0; ox < a->window.output_width; ox++) {
        UNROLL for (int v = 0; v < vectors; v++) {
            const int64_t index = place + ox * a->maps + m + LANES * v;
            totals[v] += masked(load(a->x, index, half), a->mask, index, half);
        }
    }
    UNROLL for (int v = 0; v < vectors; v++) store(bias, m + LANES * v, totals[v], false);
}

ZK_INLINE void weights_groups(const arguments *a, int64_t begin, int64_t end, float *padded, bool half) {
    const zk_window *w = &a->window;
    int64_t offsets[MAXIMUM_TAPS];
    for (int64_t t = 0; t < a->taps; t++) {
        offsets[t] = t / a->run * a->padded_width * w->channels + t % a->run;
    }
    for (int64_t group = begin; group < end; group++) {
        float *sums = a->partial + group * (a->taps + 1) * a->maps, *bias = sums + a->taps * a->maps;
        memset(sums, 0, (size_t)((a->taps + 1) * a->maps) * sizeof(float));
        const int64_t last = (group + 1) * a->group < a->images ? (group + 1) * a->group : a->images;
        for (int64_t n = group * a->group; n < last; n++) {
            pad(a, a->image + n * w->input_height * w->input_width * w->channels, padded);
            for (int64_t oy = 0; oy < w->output_height; oy++) {
                const int64_t place = (n * w->output_height + oy) * w->output_width * a->maps;
                const float *row = padded + oy * w->stride[0] * a->padded_width * w->channels;
                int64_t m = 0;
                for (; m + 2 * LANES <= a->maps; m += 2 * LANES) {
                    weights_row(a, row, offsets, sums, bias, place, 2, m, half);
                }
                if (m < a->maps) weights_row(a, row, offsets, sums, bias, place, 1, m, half);
            }
        }
    }
}

ZK_CLONES static void weights_gradient(const void *context, int64_t begin, int64_t end) {
    const arguments *a = context;
    for (int64_t part = begin / LANES; part < end / LANES; part++) {
        const int64_t first = GROUPS * part / a->parts, last = GROUPS * (part + 1) / a->parts;
        float *padded = a->workspace + part * a->part_size;
        if (a->half) {
            weights_groups(a, first, last, padded, true);
        } else {
            weights_groups(a, first, last, padded, false);
        }
    }
}

// ---- entry points

static int64_t rounded(int64_t count) { return (count + LANES - 1) / LANES * LANES; }

static arguments prepare(
    const zk_window *window, int64_t maps, int64_t images, float *workspace, int64_t parts) {
    arguments a = {.window = *window, .maps = maps, .images = images, .parts = parts};
    a.run = window->kernel[1] * window->channels;
    a.taps = window->kernel[0] * a.run;
    // Enough for the image with its border and for the window of the last pixel of the maps.
    int64_t extents[2] = {
        window->input_height + 2 * window->padding[0], window->input_width + 2 * window->padding[1]};
    const int64_t pixels[2] = {window->output_height, window->output_width};
    for (int i = 0; i < 2; i++) {
        const int64_t needed = (pixels[i] - 1) * window->stride[i] + window->kernel[i];
        if (needed > extents[i]) extents[i] = needed;
    }
    a.padded_height = extents[0];
    a.padded_width = extents[1];
    const int64_t padded = rounded(a.padded_height * a.padded_width * window->channels);
    const int64_t rows = (maps + window->output_height * window->output_width) * rounded(a.taps);
    a.part_size = padded > rows ? padded : rows;
    // The partial sums of all groups, then the parts.
    a.partial = workspace;
    a.workspace = workspace + rounded(GROUPS * (a.taps + 1) * maps);
    return a;
}

bool zk_image_convolution_fits(const zk_window *window, int64_t maps) {
    arguments a = prepare(window, maps, 1, NULL, 1);
    return a.taps <= MAXIMUM_TAPS && maps % LANES == 0 && maps <= MAXIMUM_CHANNELS
        && a.padded_height * a.padded_width * window->channels <= PADDED
        && window->output_height * window->output_width * rounded(a.taps) <= ROWS;
}

void zk_image_to_maps(
    const float *image, const float *weights, const float *bias, bool relu, const void *mask, void *maps, bool half,
    float *workspace, int64_t parts, int64_t images, int64_t channels, const zk_window *window) {
    arguments a = prepare(window, channels, images, workspace, parts);
    a.image = image;
    a.weights = weights;
    a.bias = bias;
    a.relu = relu;
    a.mask = mask;
    a.y = maps;
    a.half = half;
    zk_parallel(parts * LANES, LANES, to_maps, &a);
}

void zk_maps_to_image(
    const void *maps, bool half, const float *weights, const float *bias, float *image, float *workspace, int64_t parts,
    int64_t images, int64_t channels, const zk_window *window) {
    arguments a = prepare(window, channels, images, workspace, parts);
    a.x = maps;
    a.half = half;
    a.weights = weights;
    a.bias = bias;
    a.image_out = image;
    zk_parallel(parts * LANES, LANES, to_image, &a);
}

int64_t zk_image_convolution_workspace(const zk_window *window, int64_t channels, int64_t parts) {
    arguments a = prepare(window, channels, 1, NULL, parts);
    return rounded(GROUPS * (a.taps + 1) * channels) + parts * a.part_size;
}

void zk_image_convolution_weights(
    const float *image, const void *maps, const void *mask, bool half, float *dweights, float *dbias, float *workspace,
    int64_t parts, int64_t images, int64_t channels, const zk_window *window) {
    arguments a = prepare(window, channels, images, workspace, parts);
    a.image = image;
    a.x = maps;
    a.mask = mask;
    a.half = half;
    a.group = (images + GROUPS - 1) / GROUPS;
    zk_parallel(parts * LANES, LANES, weights_gradient, &a);
    const int64_t count = a.taps * channels, stride = count + channels;
    for (int64_t i = 0; i < stride; i++) {
        float sum = 0;
        for (int64_t group = 0; group < GROUPS; group++) sum += workspace[group * stride + i];
        if (i < count) {
            dweights[i] = sum;
        } else if (dbias) {
            dbias[i - count] = sum;
        }
    }
}
