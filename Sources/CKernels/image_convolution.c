#include "CKernels.h"
#include "vectors.h"

// Convolutions between an image of few channels and maps of many: the first layer of an encoder and the last of a decoder.
//
// Seen from the maps, a window of the image is a short row of `taps` = kernel height × kernel width × image channels numbers;
// N H W C makes them runs of kernel width × channels. Each pass is then a matrix product with that row, done in registers.
// Images are copied into a padded buffer first, so that no window needs a test for the border.

typedef uint16_t bf16_vector __attribute__((vector_size(32), aligned(2)));

#define PIXELS 8         // maps' pixels done at once
#define LOW_PIXELS 4     // the same where a vector is two registers or four, which are done one at a time
#define LOW_TAPS 5       // of a weights' gradient, there; one more leaves no register for the mask
#define GROUPS 16        // partial sums of a weights' gradient: fixed, so that sums do not depend on the threads
#define MAXIMUM_TAPS 48  // three vectors
#define BAND 4096        // floats of maps whose gradient is summed at once, so that they stay in the first level of the cache
// Most bytes of workspace for an image: more would not stay in the cache.
#define MAXIMUM_BYTES (1 << 20)

// In tile_planes.c: the products of `pixels` pixels of bfloat16 maps with the weights (taps × maps) of each tap, on tile
// registers: a plane for each tap, in rows of `width` pixels that lie `pitch` apart. The factors are the weights in bfloat16, as
// many as rounded taps × maps.
void zk_tile_factors(const float *weights, int64_t depth, int64_t taps, uint16_t *factors);
void zk_tile_planes(
    const uint16_t *maps, const uint16_t *factors, int64_t depth, int64_t taps, int64_t pixels, int64_t width, float *planes,
    int64_t pitch, int64_t plane);

typedef struct {
    zk_window window;  // of the convolution from the image to the maps; `channels` are the image's
    int64_t maps, taps, run, padded_width, padded_height;
    const float *image, *weights, *bias;
    float *image_out, *partial;
    const void *x, *mask;  // maps
    void *y;
    bool bf16, relu;
    int64_t images, group;
    // of the products of each tap: row length, zeros before a row, and size of all rows
    int64_t plane_pitch, margin, plane;
    bool tiles;
    // Images are shared out in parts; each has workspace of its own, for stacks of threads may be small.
    int64_t parts, part_size;
    float *workspace;
} arguments;

ZK_INLINE int64_t first_image(const arguments *a, int64_t part) { return a->images * part / a->parts; }

ZK_INLINE vector load(const void *base, int64_t index, bool bf16) {
    if (!bf16) return *(const vector *)((const float *)base + index);
    bf16_vector h = *(const bf16_vector *)((const uint16_t *)base + index);
    return (vector)(__builtin_convertvector(h, bits_vector) << 16);
}

// Rounds to nearest even.
ZK_INLINE void store(void *base, int64_t index, vector v, bool bf16) {
    if (!bf16) {
        *(vector *)((float *)base + index) = v;
        return;
    }
    bits_vector bits = (bits_vector)v;
    bits_vector rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
    bits_vector quiet = (bits >> 16) | 0x40;
    bits_vector number = (bits_vector)(v == v);
    *(bf16_vector *)((uint16_t *)base + index) =
        __builtin_convertvector((rounded & number) | (quiet & ~number), bf16_vector);
}

// By the maps `mask`, unless it is NULL.
ZK_INLINE vector masked_by(vector v, const void *mask, int64_t index, bool bf16) {
    return mask ? masked(v, load(mask, index, bf16)) : v;
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
    int64_t m, bool bf16) {
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
            store(a->y, index, masked_by(sum, a->mask, index, bf16), bf16);
        }
    }
}

ZK_INLINE void to_maps_images(
    const arguments *a, int64_t begin, int64_t end, float *padded, const bool wide_registers, bool bf16) {
    const zk_window *w = &a->window;
    const int pixels = wide_registers ? PIXELS : LOW_PIXELS;
    for (int64_t n = begin; n < end; n++) {
        pad(a, a->image + n * w->input_height * w->input_width * w->channels, padded);
        for (int64_t oy = 0; oy < w->output_height; oy++) {
            const int64_t row = (n * w->output_height + oy) * w->output_width;
            for (int64_t m = 0; m < a->maps;) {
                const bool wide = wide_registers && m + 2 * LANES <= a->maps;
                if (w->output_width < pixels) {
                    for (int64_t ox = 0; ox < w->output_width; ox++) {
                        to_maps_block(a, padded, (row + ox) * a->maps, oy, ox, 1, 1, m, bf16);
                        if (wide) to_maps_block(a, padded, (row + ox) * a->maps, oy, ox, 1, 1, m + LANES, bf16);
                    }
                } else {
                    for (int64_t start = 0; start < w->output_width; start += pixels) {
                        // The last block overlaps its neighbour and writes the same numbers again.
                        const int64_t last = w->output_width - pixels;
                        const int64_t ox = start < last ? start : last;
                        if (wide) {
                            to_maps_block(a, padded, (row + ox) * a->maps, oy, ox, pixels, 2, m, bf16);
                        } else {
                            to_maps_block(a, padded, (row + ox) * a->maps, oy, ox, pixels, 1, m, bf16);
                        }
                    }
                }
                m += wide ? 2 * LANES : LANES;
            }
        }
    }
}

ZK_INLINE void to_maps(const arguments *a, int64_t begin, int64_t end, const bool wide_registers) {
    for (int64_t part = begin / LANES; part < end / LANES; part++) {
        float *padded = a->workspace + part * a->part_size;
        if (a->bf16) {
            to_maps_images(a, first_image(a, part), first_image(a, part + 1), padded, wide_registers, true);
        } else {
            to_maps_images(a, first_image(a, part), first_image(a, part + 1), padded, wide_registers, false);
        }
    }
}

ZK_WIDE static void to_maps_wide(const void *context, int64_t begin, int64_t end) { to_maps(context, begin, end, true); }

ZK_LOW static void to_maps_low(const void *context, int64_t begin, int64_t end) { to_maps(context, begin, end, false); }

// ---- from the maps to the image: the products of all pixels of the maps with the weights of a tap are a plane, with a margin of
// zeros beside each row; a run of every so many elements of an image's row is then a sum of runs of planes.

#define BLOCK PIXELS  // pixels whose products are transposed at once

// Products of `pixels` pixels with some vectors of the taps, of which there are `all`: pixels × rounded taps.
ZK_INLINE void products_block(
    const arguments *a, const float *transposed, float *products, int64_t place, const int pixels, const int vectors,
    const int all, bool bf16) {
    vector sums[PIXELS][3];
    UNROLL for (int p = 0; p < pixels; p++) {
        UNROLL for (int v = 0; v < vectors; v++) sums[p][v] = (vector){0};
    }
    float converted[PIXELS][LANES];
    for (int64_t m = 0; m < a->maps; m += LANES) {
        const float *x = (const float *)a->x + place + m;
        int64_t step = a->maps;
        if (bf16) {
            UNROLL for (int p = 0; p < pixels; p++) {
                store(converted[p], 0, load(a->x, place + p * a->maps + m, true), false);
            }
            x = converted[0];
            step = LANES;
        }
        for (int lane = 0; lane < LANES; lane++) {
            const float *weights = transposed + (m + lane) * all * LANES;
            vector row[3];
            UNROLL for (int v = 0; v < vectors; v++) row[v] = load(weights, LANES * v, false);
            UNROLL for (int p = 0; p < pixels; p++) {
                UNROLL for (int v = 0; v < vectors; v++) sums[p][v] += x[p * step + lane] * row[v];
            }
        }
    }
    UNROLL for (int p = 0; p < pixels; p++) {
        UNROLL for (int v = 0; v < vectors; v++) store(products, (p * all + v) * LANES, sums[p][v], false);
    }
}

// As many as the registers hold at once.
ZK_INLINE void all_products(
    const arguments *a, const float *transposed, float *products, int64_t place, const int pixels, const int vectors,
    const bool wide_registers, bool bf16) {
    if (wide_registers) {
        products_block(a, transposed, products, place, pixels, vectors, vectors, bf16);
        return;
    }
    const int step = pixels < LOW_PIXELS ? pixels : LOW_PIXELS;
    for (int p = 0; p < pixels; p += step) {
        for (int v = 0; v < vectors; v++) {
            products_block(
                a, transposed + v * LANES, products + (p * vectors + v) * LANES, place + p * a->maps, step, 1, vectors, bf16);
        }
    }
}

typedef float narrow_vector __attribute__((vector_size(32), aligned(4)));

#define LOW(a, b) __builtin_shufflevector(a, b, 0, 8, 1, 9, 4, 12, 5, 13)
#define HIGH(a, b) __builtin_shufflevector(a, b, 2, 10, 3, 11, 6, 14, 7, 15)
#define LOW_PAIRS(a, b) __builtin_shufflevector(a, b, 0, 1, 8, 9, 4, 5, 12, 13)
#define HIGH_PAIRS(a, b) __builtin_shufflevector(a, b, 2, 3, 10, 11, 6, 7, 14, 15)
#define LOW_HALF(a, b) __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11)
#define HIGH_HALF(a, b) __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15)

// 8 × 8 numbers, from rows of `from_step` to rows of `to_step`
ZK_INLINE void transpose(const float *from, int64_t from_step, float *to, int64_t to_step) {
    narrow_vector r[8], t[8];
    UNROLL for (int i = 0; i < 8; i++) r[i] = *(const narrow_vector *)(from + i * from_step);
    UNROLL for (int i = 0; i < 8; i += 2) {
        t[i] = LOW(r[i], r[i + 1]);
        t[i + 1] = HIGH(r[i], r[i + 1]);
    }
    UNROLL for (int i = 0; i < 8; i += 4) {
        r[i] = LOW_PAIRS(t[i], t[i + 2]);
        r[i + 1] = HIGH_PAIRS(t[i], t[i + 2]);
        r[i + 2] = LOW_PAIRS(t[i + 1], t[i + 3]);
        r[i + 3] = HIGH_PAIRS(t[i + 1], t[i + 3]);
    }
    UNROLL for (int i = 0; i < 4; i++) {
        *(narrow_vector *)(to + i * to_step) = LOW_HALF(r[i], r[i + 4]);
        *(narrow_vector *)(to + (i + 4) * to_step) = HIGH_HALF(r[i], r[i + 4]);
    }
}

ZK_INLINE void fill_planes(
    const arguments *a, const float *transposed, float *planes, int64_t image, const int vectors,
    const bool wide_registers, bool bf16) {
    const zk_window *w = &a->window;
    float products[PIXELS * 3 * LANES];
    for (int64_t y = 0; y < w->output_height; y++) {
        const int64_t row = (image * w->output_height + y) * w->output_width;
        float *to = planes + y * a->plane_pitch + a->margin;
        if (w->output_width < BLOCK) {
            for (int64_t x = 0; x < w->output_width; x++) {
                all_products(a, transposed, products, (row + x) * a->maps, 1, vectors, wide_registers, bf16);
                for (int64_t t = 0; t < a->taps; t++) to[t * a->plane + x] = products[t];
            }
            continue;
        }
        for (int64_t start = 0; start < w->output_width; start += BLOCK) {
            // The last block overlaps its neighbour and writes the same numbers again.
            const int64_t last = w->output_width - BLOCK, x = start < last ? start : last;
            all_products(a, transposed, products, (row + x) * a->maps, BLOCK, vectors, wide_registers, bf16);
            for (int64_t t = 0; t < vectors * LANES; t += 8) {
                transpose(products + t, vectors * LANES, to + t * a->plane + x, a->plane);
            }
        }
    }
}

// An image from its planes.
ZK_INLINE void add_planes(const arguments *a, const float *planes, float *image) {
    const zk_window *w = &a->window;
    const int64_t step = w->stride[1] * w->channels, row_taps = w->kernel[1] * w->channels * a->plane;
    for (int64_t phase = 0; phase < w->stride[1]; phase++) {
        // Where the taps that meet at x = phase, phase + stride, … begin in the planes of a row of taps.
        int64_t columns[MAXIMUM_TAPS], column_count = 0;
        for (int64_t kx = 0; kx < w->kernel[1]; kx++) {
            const int64_t u = phase + w->padding[1] - kx;
            if (u % w->stride[1] == 0) {
                columns[column_count++] = kx * w->channels * a->plane + a->margin + u / w->stride[1];
            }
        }
        const int64_t length = (w->input_width - phase + w->stride[1] - 1) / w->stride[1];
        int64_t first = w->padding[0] % w->stride[0], top = w->padding[0] / w->stride[0];
        for (int64_t y = 0; y < w->input_height; y++) {
            // The rows of taps first, first + stride, … meet here, with rows top, top - 1, … of the maps.
            const float *runs[MAXIMUM_TAPS];
            int64_t count = 0;
            for (int64_t ky = first, iy = top; ky < w->kernel[0] && iy >= 0; ky += w->stride[0], iy--) {
                if (iy >= w->output_height) continue;
                const float *row = planes + ky * row_taps + iy * a->plane_pitch;
                for (int64_t i = 0; i < column_count; i++) runs[count++] = row + columns[i];
            }
            if (++first == w->stride[0]) {
                first = 0;
                top++;
            }
            for (int64_t c = 0; c < w->channels; c++) {
                const float bias = a->bias ? a->bias[c] : 0;
                float *to = image + (y * w->input_width + phase) * w->channels + c;
                for (int64_t x = 0; x < length; x += LANES) {
                    vector sum = (vector){0} + bias;
                    for (int64_t i = 0; i < count; i++) sum += load(runs[i] + c * a->plane, x, false);
                    const int64_t lanes = length - x < LANES ? length - x : LANES;
                    for (int64_t lane = 0; lane < lanes; lane++) to[(x + lane) * step] = sum[lane];
                }
            }
        }
    }
}

ZK_INLINE void to_image_images(
    const arguments *a, int64_t part, const int vectors, const bool wide_registers, bool bf16) {
    const zk_window *w = &a->window;
    float *transposed = a->workspace + part * a->part_size, *planes = transposed + a->maps * vectors * LANES;
    const bool tiles = bf16 && a->tiles;
    if (tiles) {
        zk_tile_factors(a->weights, a->maps, a->taps, (uint16_t *)transposed);
    } else {
        for (int64_t m = 0; m < a->maps; m++) {
            for (int64_t t = 0; t < vectors * LANES; t++) {
                transposed[m * vectors * LANES + t] = t < a->taps ? a->weights[t * a->maps + m] : 0;
            }
        }
    }
    memset(planes, 0, (size_t)(vectors * LANES * a->plane) * sizeof(float));
    const int64_t size = w->input_height * w->input_width * w->channels;
    const int64_t pixels = w->output_height * w->output_width;
    for (int64_t n = first_image(a, part); n < first_image(a, part + 1); n++) {
        if (tiles) {
            zk_tile_planes(
                (const uint16_t *)a->x + n * pixels * a->maps, (const uint16_t *)transposed, a->maps, a->taps, pixels, w->output_width,
                planes + a->margin, a->plane_pitch, a->plane);
        } else {
            fill_planes(a, transposed, planes, n, vectors, wide_registers, bf16);
        }
        add_planes(a, planes, a->image_out + n * size);
    }
}

ZK_INLINE void to_image(const arguments *a, int64_t begin, int64_t end, const bool wide_registers) {
    for (int64_t part = begin / LANES; part < end / LANES; part++) {
        switch ((a->taps + LANES - 1) / LANES * 2 + a->bf16) {
        case 2: to_image_images(a, part, 1, wide_registers, false); break;
        case 3: to_image_images(a, part, 1, wide_registers, true); break;
        case 4: to_image_images(a, part, 2, wide_registers, false); break;
        case 5: to_image_images(a, part, 2, wide_registers, true); break;
        case 6: to_image_images(a, part, 3, wide_registers, false); break;
        default: to_image_images(a, part, 3, wide_registers, true);
        }
    }
}

ZK_WIDE static void to_image_wide(const void *context, int64_t begin, int64_t end) { to_image(context, begin, end, true); }

ZK_LOW static void to_image_low(const void *context, int64_t begin, int64_t end) { to_image(context, begin, end, false); }

// ---- the gradient of the weights: sums over all pixels of (window of the image) × (maps)

// Rows of an image: the padded pixels that the first tap sees, and where the maps begin.
typedef struct {
    const float *padded;
    int64_t place, rows;
} band;

// Some taps and vectors of maps from `m` on: the sums stay in registers.
ZK_INLINE void weights_tile(
    const arguments *a, const band *b, const int64_t *offsets, float *tile, const int taps, const int vectors, int64_t m,
    bool bf16) {
    const zk_window *w = &a->window;
    const int64_t step = w->stride[1] * w->channels, pitch = w->stride[0] * a->padded_width * w->channels;
    vector sums[12][2];
    UNROLL for (int t = 0; t < taps; t++) {
        UNROLL for (int v = 0; v < vectors; v++) sums[t][v] = load(tile, t * a->maps + m + LANES * v, false);
    }
    int64_t index = b->place + m;
    for (int64_t row = 0; row < b->rows; row++) {
        const float *x = b->padded + row * pitch;
        for (int64_t ox = 0; ox < w->output_width; ox++, x += step, index += a->maps) {
            vector d[2];
            UNROLL for (int v = 0; v < vectors; v++) {
                d[v] = masked_by(load(a->x, index + LANES * v, bf16), a->mask, index + LANES * v, bf16);
            }
            UNROLL for (int t = 0; t < taps; t++) {
                UNROLL for (int v = 0; v < vectors; v++) sums[t][v] += x[offsets[t]] * d[v];
            }
        }
    }
    UNROLL for (int t = 0; t < taps; t++) {
        UNROLL for (int v = 0; v < vectors; v++) store(tile, t * a->maps + m + LANES * v, sums[t][v], false);
    }
}

ZK_INLINE void wide_tiles(
    const arguments *a, const band *b, const int64_t *offsets, float *sums, const int vectors, int64_t m, bool bf16) {
    for (int64_t t = 0; t < a->taps;) {
        const int64_t left = a->taps - t;
        float *tile = sums + t * a->maps;
        if (left == 9) {
            weights_tile(a, b, offsets + t, tile, 9, vectors, m, bf16);
            t += 9;
        } else if (left >= 12 && left != 16) {
            weights_tile(a, b, offsets + t, tile, 12, vectors, m, bf16);
            t += 12;
        } else if (left >= 8) {
            weights_tile(a, b, offsets + t, tile, 8, vectors, m, bf16);
            t += 8;
        } else {
            weights_tile(a, b, offsets + t, tile, 1, vectors, m, bf16);
            t += 1;
        }
    }
}

// Taps are shared out evenly.
ZK_INLINE void low_tiles(
    const arguments *a, const band *b, const int64_t *offsets, float *sums, int64_t m, bool bf16) {
    int64_t t = 0;
    for (int64_t left = (a->taps + LOW_TAPS - 1) / LOW_TAPS; left > 0; left--) {
        const int64_t taps = (a->taps - t + left - 1) / left;
        float *tile = sums + t * a->maps;
        switch (taps) {
        case 5: weights_tile(a, b, offsets + t, tile, 5, 1, m, bf16); break;
        case 4: weights_tile(a, b, offsets + t, tile, 4, 1, m, bf16); break;
        case 3: weights_tile(a, b, offsets + t, tile, 3, 1, m, bf16); break;
        case 2: weights_tile(a, b, offsets + t, tile, 2, 1, m, bf16); break;
        default: weights_tile(a, b, offsets + t, tile, 1, 1, m, bf16);
        }
        t += taps;
    }
}

// The sums of the maps' pixels.
ZK_INLINE void add_bias(const arguments *a, const band *b, float *bias, const int vectors, int64_t m, bool bf16) {
    const int64_t pixels = b->rows * a->window.output_width;
    vector totals[2];
    UNROLL for (int v = 0; v < vectors; v++) totals[v] = load(bias, m + LANES * v, false);
    for (int64_t pixel = 0; pixel < pixels; pixel++) {
        UNROLL for (int v = 0; v < vectors; v++) {
            const int64_t index = b->place + pixel * a->maps + m + LANES * v;
            totals[v] += masked_by(load(a->x, index, bf16), a->mask, index, bf16);
        }
    }
    UNROLL for (int v = 0; v < vectors; v++) store(bias, m + LANES * v, totals[v], false);
}

ZK_INLINE void weights_groups(
    const arguments *a, int64_t begin, int64_t end, float *padded, const bool wide_registers, bool bf16) {
    const zk_window *w = &a->window;
    int64_t offsets[MAXIMUM_TAPS];
    for (int64_t t = 0; t < a->taps; t++) {
        offsets[t] = t / a->run * a->padded_width * w->channels + t % a->run;
    }
    const int64_t fitting = BAND / (w->output_width * a->maps), rows = fitting > 1 ? fitting : 1;
    for (int64_t group = begin; group < end; group++) {
        float *sums = a->partial + group * (a->taps + 1) * a->maps, *bias = sums + a->taps * a->maps;
        memset(sums, 0, (size_t)((a->taps + 1) * a->maps) * sizeof(float));
        const int64_t last = (group + 1) * a->group < a->images ? (group + 1) * a->group : a->images;
        for (int64_t n = group * a->group; n < last; n++) {
            pad(a, a->image + n * w->input_height * w->input_width * w->channels, padded);
            for (int64_t oy = 0; oy < w->output_height; oy += rows) {
                const int64_t left = w->output_height - oy;
                const band b = {
                    .padded = padded + oy * w->stride[0] * a->padded_width * w->channels,
                    .place = (n * w->output_height + oy) * w->output_width * a->maps, .rows = left < rows ? left : rows};
                int64_t m = 0;
                for (; wide_registers && m + 2 * LANES <= a->maps; m += 2 * LANES) {
                    wide_tiles(a, &b, offsets, sums, 2, m, bf16);
                    add_bias(a, &b, bias, 2, m, bf16);
                }
                for (; m < a->maps; m += LANES) {
                    if (wide_registers) {
                        wide_tiles(a, &b, offsets, sums, 1, m, bf16);
                    } else {
                        low_tiles(a, &b, offsets, sums, m, bf16);
                    }
                    add_bias(a, &b, bias, 1, m, bf16);
                }
            }
        }
    }
}

ZK_INLINE void weights_gradient(const arguments *a, int64_t begin, int64_t end, const bool wide_registers) {
    for (int64_t part = begin / LANES; part < end / LANES; part++) {
        const int64_t first = GROUPS * part / a->parts, last = GROUPS * (part + 1) / a->parts;
        float *padded = a->workspace + part * a->part_size;
        if (a->bf16) {
            weights_groups(a, first, last, padded, wide_registers, true);
        } else {
            weights_groups(a, first, last, padded, wide_registers, false);
        }
    }
}

ZK_WIDE static void weights_gradient_wide(const void *context, int64_t begin, int64_t end) {
    weights_gradient(context, begin, end, true);
}

ZK_LOW static void weights_gradient_low(const void *context, int64_t begin, int64_t end) {
    weights_gradient(context, begin, end, false);
}

// ---- entry points

static int64_t rounded(int64_t count) { return (count + LANES - 1) / LANES * LANES; }

static arguments prepare(const zk_window *window, int64_t maps, int64_t images, int64_t parts) {
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
    a.margin = rounded((window->kernel[1] + window->padding[1]) / window->stride[1] + 1);
    // A run of planes may end a vector beyond the last pixel.
    const int64_t length = (window->input_width + window->stride[1] - 1) / window->stride[1];
    a.plane_pitch = 2 * a.margin + rounded(length > window->output_width ? length : window->output_width);
    a.plane = window->output_height * a.plane_pitch;
    const int64_t padded = rounded(a.padded_height * a.padded_width * window->channels);
    const int64_t planes = (maps + a.plane) * rounded(a.taps);
    a.part_size = padded > planes ? padded : planes;
    return a;
}

// The partial sums of all groups, then the parts.
static void place(arguments *a, float *workspace) {
    a->partial = workspace;
    a->workspace = workspace + rounded(GROUPS * (a->taps + 1) * a->maps);
}

bool zk_image_convolution_fits(const zk_window *window, int64_t maps) {
    const arguments a = prepare(window, maps, 1, 1);
    return a.taps <= MAXIMUM_TAPS && maps % LANES == 0 && a.part_size * (int64_t)sizeof(float) <= MAXIMUM_BYTES;
}

void zk_image_to_maps(
    const float *image, const float *weights, const float *bias, bool relu, const void *mask, void *maps, bool bf16,
    float *workspace, int64_t parts, int64_t images, int64_t channels, const zk_window *window) {
    arguments a = prepare(window, channels, images, parts);
    place(&a, workspace);
    a.image = image;
    a.weights = weights;
    a.bias = bias;
    a.relu = relu;
    a.mask = mask;
    a.y = maps;
    a.bf16 = bf16;
    zk_parallel(parts * LANES, LANES, zk_has_wide_registers() ? to_maps_wide : to_maps_low, &a);
}

void zk_maps_to_image(
    const void *maps, bool bf16, const float *weights, const float *bias, float *image, float *workspace, int64_t parts,
    int64_t images, int64_t channels, const zk_window *window) {
    arguments a = prepare(window, channels, images, parts);
    place(&a, workspace);
    a.x = maps;
    a.bf16 = bf16;
    a.weights = weights;
    a.bias = bias;
    a.image_out = image;
    a.tiles = bf16 && channels % 32 == 0 && zk_has_tiles();
    zk_parallel(parts * LANES, LANES, zk_has_wide_registers() ? to_image_wide : to_image_low, &a);
}

int64_t zk_image_convolution_workspace(const zk_window *window, int64_t channels, int64_t parts) {
    const arguments a = prepare(window, channels, 1, parts);
    return rounded(GROUPS * (a.taps + 1) * channels) + parts * a.part_size;
}

void zk_image_convolution_weights(
    const float *image, const void *maps, const void *mask, bool bf16, float *dweights, float *dbias, float *workspace,
    int64_t parts, int64_t images, int64_t channels, const zk_window *window) {
    arguments a = prepare(window, channels, images, parts);
    place(&a, workspace);
    a.image = image;
    a.x = maps;
    a.mask = mask;
    a.bf16 = bf16;
    a.group = (images + GROUPS - 1) / GROUPS;
    zk_parallel(parts * LANES, LANES, zk_has_wide_registers() ? weights_gradient_wide : weights_gradient_low, &a);
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
