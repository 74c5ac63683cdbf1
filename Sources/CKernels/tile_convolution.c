#include "tiles.h"

// Convolutions between maps on tile registers.
//
// A convolution slides windows over the wide side; the narrow side has a pixel per window. Each pass first copies images into
// planes: pixels in rows of a fixed pitch, with the border as zeros, the wide side separated by its phase, which is the
// coordinate modulo the stride. There the pixels that a tap of the kernel meets for consecutive windows are consecutive, also
// across rows. So a tap is a matrix product of a run of pixels with its weights, and nothing needs a test for the border;
// what comes out between the rows is dropped.
//
// Weights lie as taps × channels of the narrow side ("maps") × channels of the wide one.

#ifdef ZK_TILES

#define MAXIMUM_TAPS 64
#define GROUP_BYTES (768 << 10)  // of images at once for the gradient of the weights: they stay in the second level of the cache

typedef struct {
    zk_window window;
    int64_t maps, images, parts;
    const void *from;
    bool bf16, to_wide;
    const uint16_t *weights;
    epilogue epilogue;
    int64_t phases, rows, pitch, plane;  // planes; the last is the pixels of one
    int64_t depth, width;                // channels read and written
    char *workspace;
    int64_t part_bytes;
} convolution;

static int64_t farthest(const zk_window *w, int axis) { return (w->kernel[axis] - 1) / w->stride[axis]; }

static int64_t taps_of(const zk_window *w) { return w->kernel[0] * w->kernel[1]; }

bool zk_tile_convolution_fits(const zk_window *window, int64_t maps) {
    return taps_of(window) <= MAXIMUM_TAPS && window->channels % BLOCK == 0 && maps % BLOCK == 0;
}

// ---- weights as tiles: taps × depth / 32 × width / 16 tiles of 16 pairs of rows × 16 columns

typedef struct {
    const float *from;
    uint16_t *to;
    int64_t depth, width;
    bool transposed;  // width × depth, not depth × width
} packing;

TILES static void pack(const void *context, int64_t begin, int64_t end) {
    const packing *p = context;
    const int64_t columns = p->width / SIDE, blocks = p->depth / DEPTH * columns;
    for (int64_t tile = begin / LANES; tile < end / LANES; tile++) {
        const int64_t tap = tile / blocks, k = tile % blocks / columns * DEPTH, n = tile % columns * SIDE;
        const float *from = p->from + tap * p->depth * p->width;
        __m512i rows[SIDE];
        if (p->transposed) {
            for (int i = 0; i < SIDE; i++) rows[i] = load_row(from, (n + i) * p->depth + k, DEPTH, false);
            transpose(rows);
        } else {
            for (int i = 0; i < SIDE; i++) {
                const float *even = from + (k + 2 * i) * p->width + n;
                rows[i] = load_pairs(even, even + p->width, SIDE, false);
            }
        }
        store_tile(rows, p->to + tile * TILE);
    }
}

void zk_tile_pack(const float *weights, void *packed, bool to_wide, const zk_window *window, int64_t maps) {
    const packing p = {
        .from = weights, .to = packed, .depth = to_wide ? maps : window->channels,
        .width = to_wide ? window->channels : maps, .transposed = !to_wide};
    const int64_t tiles = taps_of(window) * p.depth * p.width / TILE;
    zk_parallel(tiles * LANES, 16 * LANES, pack, &p);
}

// ---- planes

TILES_INLINE void copy_pixel(const convolution *a, int64_t index, uint16_t *to) {
    for (int64_t c = 0; c < a->depth; c += DEPTH) {
        _mm512_storeu_si512(to + c, load_row(a->from, index + c, DEPTH, a->bf16));
    }
}

// The wide side of an image into planes by phase. What is not an image's pixel was cleared before and stays.
TILES_INLINE void separate(const convolution *a, int64_t image, uint16_t *planes) {
    const zk_window *w = &a->window;
    for (int64_t phase = 0; phase < a->phases; phase++) {
        const int64_t py = phase / w->stride[1] - w->padding[0], px = phase % w->stride[1] - w->padding[1];
        for (int64_t v = 0, y = py; v < a->rows && y < w->input_height; v++, y += w->stride[0]) {
            if (y < 0) continue;
            uint16_t *to = planes + (phase * a->plane + v * a->pitch) * w->channels;
            for (int64_t u = 0, x = px; u < a->pitch && x < w->input_width; u++, x += w->stride[1]) {
                if (x < 0) continue;
                const int64_t pixel = (image * w->input_height + y) * w->input_width + x;
                copy_pixel(a, pixel * w->channels, to + u * w->channels);
            }
        }
    }
}

// The narrow side of an image into a plane, behind a border for the taps before its first pixel.
TILES_INLINE void embed(const convolution *a, int64_t image, uint16_t *plane) {
    const zk_window *w = &a->window;
    const int64_t top = farthest(w, 0), left = farthest(w, 1);
    for (int64_t y = 0; y < w->output_height && y + top < a->rows; y++) {
        for (int64_t x = 0; x < w->output_width && x + left < a->pitch; x++) {
            const int64_t pixel = (image * w->output_height + y) * w->output_width + x;
            copy_pixel(a, pixel * a->maps, plane + ((y + top) * a->pitch + x + left) * a->maps);
        }
    }
}

// ---- products of planes with weights

// One product: the pixels of a plane that one phase of the output needs.
typedef struct {
    int64_t taps, offset[MAXIMUM_TAPS], weights[MAXIMUM_TAPS];  // per tap: first element in the planes, block of weights
    int64_t pixels;                                             // of the result, borders included
    int64_t step[2], first[2];                                  // row and column u of the result are u·step + first
    int64_t height, width;
} product;

TILES_INLINE void finish_block(
    const convolution *a, const product *p, const float *block, int64_t first, int64_t channel, int64_t image) {
    int64_t u = first / a->pitch, v = first % a->pitch;
    for (int64_t i = 0; i < BLOCK; i++, v++) {
        if (v == a->pitch) {
            v = 0;
            u++;
        }
        const int64_t y = u * p->step[0] + p->first[0], x = v * p->step[1] + p->first[1];
        if (y < 0 || y >= p->height || x < 0 || x >= p->width) continue;
        const int64_t place = ((image * p->height + y) * p->width + x) * a->width + channel;
        finish(&a->epilogue, block + i * BLOCK, block + i * BLOCK + SIDE, channel, BLOCK, place);
    }
}

TILES_INLINE void multiply(const convolution *a, const product *p, const uint16_t *planes, int64_t image) {
    const int64_t steps = a->depth / DEPTH, columns = a->width / SIDE;
    float block[BLOCK * BLOCK];
    for (int64_t pixel = 0; pixel < p->pixels; pixel += BLOCK) {
        for (int64_t column = 0; column < columns; column += 2) {
            clear_block();
            for (int64_t tap = 0; tap < p->taps; tap++) {
                const factor pixels = {
                    .first = planes + p->offset[tap] + pixel * a->depth, .pitch = a->depth, .second = SIDE * a->depth,
                    .step = DEPTH};
                const factor weights = {
                    .first = a->weights + (p->weights[tap] * steps * columns + column) * TILE, .pitch = DEPTH,
                    .second = TILE, .step = columns * TILE};
                multiply_block(pixels, weights, steps);
            }
            store_block(block, BLOCK);
            finish_block(a, p, block, pixel, column * SIDE, image);
        }
    }
}

TILES_INLINE void part_to_narrow(const convolution *a, int64_t part) {
    const zk_window *w = &a->window;
    product p = {
        .pixels = w->output_height * a->pitch, .step = {1, 1}, .height = w->output_height, .width = w->output_width,
        .taps = taps_of(w)};
    for (int64_t tap = 0; tap < p.taps; tap++) {
        const int64_t ky = tap / w->kernel[1], kx = tap % w->kernel[1];
        const int64_t phase = ky % w->stride[0] * w->stride[1] + kx % w->stride[1];
        p.offset[tap] = (phase * a->plane + ky / w->stride[0] * a->pitch + kx / w->stride[1]) * a->depth;
        p.weights[tap] = tap;
    }
    uint16_t *planes = (uint16_t *)(a->workspace + part * a->part_bytes);
    memset(planes, 0, (size_t)a->part_bytes);
    const int64_t end = part_begin(a->images, part + 1, a->parts);
    for (int64_t image = part_begin(a->images, part, a->parts); image < end; image++) {
        separate(a, image, planes);
        multiply(a, &p, planes, image);
    }
}

TILES_INLINE void part_to_wide(const convolution *a, int64_t part) {
    const zk_window *w = &a->window;
    uint16_t *plane = (uint16_t *)(a->workspace + part * a->part_bytes);
    memset(plane, 0, (size_t)a->part_bytes);
    const int64_t end = part_begin(a->images, part + 1, a->parts);
    for (int64_t image = part_begin(a->images, part, a->parts); image < end; image++) {
        embed(a, image, plane);
        for (int64_t py = 0; py < w->stride[0]; py++) {
            for (int64_t px = 0; px < w->stride[1]; px++) {
                product p = {
                    .pixels = (a->rows - farthest(w, 0)) * a->pitch, .step = {w->stride[0], w->stride[1]},
                    .first = {py - w->padding[0], px - w->padding[1]}, .height = w->input_height,
                    .width = w->input_width};
                for (int64_t ky = py; ky < w->kernel[0]; ky += w->stride[0]) {
                    for (int64_t kx = px; kx < w->kernel[1]; kx += w->stride[1], p.taps++) {
                        const int64_t up = farthest(w, 0) - ky / w->stride[0];
                        const int64_t back = farthest(w, 1) - kx / w->stride[1];
                        p.offset[p.taps] = (up * a->pitch + back) * a->depth;
                        p.weights[p.taps] = ky * w->kernel[1] + kx;
                    }
                }
                multiply(a, &p, plane, image);
            }
        }
    }
}

TILES static void multiply_parts(const void *context, int64_t begin, int64_t end) {
    const convolution *a = context;
    configure();
    for (int64_t part = begin / LANES; part < end / LANES; part++) {
        if (a->to_wide) part_to_wide(a, part);
        else part_to_narrow(a, part);
    }
    _tile_release();
}

// Geometry for products into the narrow side (planes of the wide side by phase).
static convolution narrow_convolution(const zk_window *w, int64_t maps, int64_t images, int64_t parts) {
    convolution a = {
        .window = *w, .maps = maps, .images = images, .parts = parts, .depth = w->channels, .width = maps};
    a.phases = w->stride[0] * w->stride[1];
    a.rows = w->output_height + farthest(w, 0);
    a.pitch = w->output_width + farthest(w, 1);
    a.plane = round_up(w->output_height * a.pitch, BLOCK) + farthest(w, 0) * a.pitch + farthest(w, 1);
    a.part_bytes = round_up(a.phases * a.plane * a.depth * (int64_t)sizeof(uint16_t), 64);
    return a;
}

// Geometry for products into the wide side (one plane of the narrow side).
static convolution wide_convolution(const zk_window *w, int64_t maps, int64_t images, int64_t parts) {
    convolution a = {
        .window = *w, .maps = maps, .images = images, .parts = parts, .depth = maps, .width = w->channels};
    const int64_t rows = (w->input_height - 1 + w->padding[0]) / w->stride[0] + 1;
    a.phases = 1;
    a.rows = rows + farthest(w, 0);
    a.pitch = (w->input_width - 1 + w->padding[1]) / w->stride[1] + 1 + farthest(w, 1);
    a.plane = round_up(rows * a.pitch, BLOCK) + farthest(w, 0) * a.pitch + farthest(w, 1);
    a.part_bytes = round_up(a.phases * a.plane * a.depth * (int64_t)sizeof(uint16_t), 64);
    return a;
}

void zk_tile_convolution(
    const void *x, bool x_bf16, const void *packed, bool to_wide, const float *bias, bool relu, const void *mask, void *y,
    bool y_bf16, void *workspace, int64_t parts, int64_t images, int64_t maps, const zk_window *window) {
    convolution a = to_wide ? wide_convolution(window, maps, images, parts) : narrow_convolution(window, maps, images, parts);
    a.from = x;
    a.bf16 = x_bf16;
    a.weights = packed;
    a.to_wide = to_wide;
    a.epilogue = (epilogue){.bias = bias, .relu = relu, .mask = mask, .to = y, .bf16 = y_bf16};
    a.workspace = workspace;
    zk_parallel(parts * LANES, LANES, multiply_parts, &a);
}

// ---- the gradient of the weights: for each tap the product of the narrow side, transposed, with the wide side, over the pixels
// of a group of images
//
// Tiles of the wide side are pairs of pixels. A tap whose pixels begin at an odd place needs other pairs than one at an even
// place, so there are two copies.

typedef struct {
    zk_window window;
    int64_t maps, images, parts, group;
    const void *wide, *narrow;
    bool wide_bf16, narrow_bf16;
    int64_t phases, rows, pitch, plane;
    int64_t copies, pairs;           // of pairs of pixels: one or two, and how many in each phase
    int64_t copy, phase;             // from one to the next
    int64_t narrow_steps;            // of the largest group, 32 pixels each
    char *workspace;
    int64_t part_bytes;
    float *partial;
} gradient;

// Where a tap's first pixel lies in the planes of its phase.
static int64_t shift_of(const gradient *g, int64_t tap) {
    const zk_window *w = &g->window;
    return tap / w->kernel[1] / w->stride[0] * g->pitch + tap % w->kernel[1] / w->stride[1];
}

static gradient gradient_of(const zk_window *w, int64_t maps, int64_t images, int64_t parts) {
    gradient g = {.window = *w, .maps = maps, .images = images, .parts = parts};
    g.phases = w->stride[0] * w->stride[1];
    g.rows = w->output_height + farthest(w, 0);
    g.pitch = w->output_width + farthest(w, 1);
    g.plane = g.rows * g.pitch;
    g.copies = 1;
    for (int64_t tap = 0; tap < taps_of(w); tap++) {
        if (shift_of(&g, tap) % 2 != 0) g.copies = 2;
    }
    const int64_t bytes = g.plane * (g.phases * g.copies * w->channels + maps) * (int64_t)sizeof(uint16_t);
    const int64_t share = (images + parts - 1) / parts;
    g.group = GROUP_BYTES / bytes;
    g.group = g.group < 1 ? 1 : smaller(g.group, share);
    g.narrow_steps = round_up(g.group * g.plane, DEPTH) / DEPTH;
    // what the last tap of the last step reaches
    g.pairs = g.narrow_steps * SIDE + (farthest(w, 0) * g.pitch + farthest(w, 1)) / 2 + 1;
    g.copy = g.pairs * 2 * w->channels;
    g.phase = g.copies * g.copy;
    g.part_bytes = round_up((g.phases * g.phase + g.narrow_steps * DEPTH * maps) * (int64_t)sizeof(uint16_t), 64);
    return g;
}

// A place in the planes of a group.
typedef struct {
    int64_t image, v, u;
} place;

static inline void advance(const gradient *g, place *p) {
    if (++p->u < g->pitch) return;
    p->u = 0;
    if (++p->v < g->rows) return;
    p->v = 0;
    p->image++;
}

// The wide side of images as pairs of pixels × channels, by phase; zeros outside the images.
TILES_INLINE void pair_wide(const gradient *g, int64_t first, int64_t count, uint16_t *to) {
    const zk_window *w = &g->window;
    const int64_t pixels = round_up(count * g->plane, DEPTH) + 2 * (g->pairs - g->narrow_steps * SIDE);
    for (int64_t phase = 0; phase < g->phases; phase++) {
        const int64_t py = phase / w->stride[1] - w->padding[0], px = phase % w->stride[1] - w->padding[1];
        for (int64_t c = 0; c < w->channels; c += DEPTH) {
            uint16_t *even = to + phase * g->phase + 2 * c, *odd = even + g->copy;
            __m512i before = _mm512_setzero_si512();
            place p = {0};
            for (int64_t pixel = 0; pixel < pixels; pixel++, advance(g, &p)) {
                const int64_t y = p.v * w->stride[0] + py, x = p.u * w->stride[1] + px;
                const bool inside =
                    p.image < count && y >= 0 && y < w->input_height && x >= 0 && x < w->input_width;
                const int64_t index = ((first + p.image) * w->input_height + y) * w->input_width + x;
                const __m512i now =
                    inside ? load_row(g->wide, index * w->channels + c, DEPTH, g->wide_bf16) : _mm512_setzero_si512();
                if (pixel % 2 == 1 || (g->copies == 2 && pixel > 0)) {
                    uint16_t *pair = (pixel % 2 == 1 ? even : odd) + (pixel - 1) / 2 * 2 * w->channels;
                    store_pairs(before, now, pair, pair + DEPTH);
                }
                before = now;
            }
        }
    }
}

// The narrow side of images as tiles of 16 maps × 32 pixels: steps × maps / 16; zeros where the planes have no window.
TILES_INLINE void transpose_narrow(const gradient *g, int64_t first, int64_t count, uint16_t *to) {
    const zk_window *w = &g->window;
    const int64_t steps = round_up(count * g->plane, DEPTH) / DEPTH, tiles = g->maps / SIDE;
    place p = {0};
    for (int64_t step = 0; step < steps; step++) {
        int64_t index[DEPTH];  // of the pixel's first map; below zero where there is none
        for (int i = 0; i < DEPTH; i++, advance(g, &p)) {
            const bool inside = p.image < count && p.v < w->output_height && p.u < w->output_width;
            index[i] = inside ? (((first + p.image) * w->output_height + p.v) * w->output_width + p.u) * g->maps : -1;
        }
        for (int64_t tile = 0; tile < tiles; tile++) {
            __m512i rows[SIDE];
            for (int i = 0; i < SIDE; i++) {
                const int64_t even = index[2 * i], odd = index[2 * i + 1];
                rows[i] = load_pairs(
                    even < 0 ? NULL : element(g->narrow, even + tile * SIDE, g->narrow_bf16),
                    odd < 0 ? NULL : element(g->narrow, odd + tile * SIDE, g->narrow_bf16), SIDE, g->narrow_bf16);
            }
            transpose(rows);
            store_tile(rows, to + (step * tiles + tile) * TILE);
        }
    }
}

TILES_INLINE void gradient_part(const gradient *g, int64_t part) {
    const zk_window *w = &g->window;
    const int64_t channels = w->channels, maps = g->maps, tiles = maps / SIDE;
    uint16_t *wide = (uint16_t *)(g->workspace + part * g->part_bytes), *narrow = wide + g->phases * g->phase;
    float *sums = g->partial + part * taps_of(w) * maps * channels;
    const int64_t begin = part_begin(g->images, part, g->parts), end = part_begin(g->images, part + 1, g->parts);
    if (begin == end) memset(sums, 0, (size_t)(taps_of(w) * maps * channels) * sizeof(float));
    for (int64_t image = begin; image < end; image += g->group) {
        const int64_t count = smaller(g->group, end - image);
        pair_wide(g, image, count, wide);
        transpose_narrow(g, image, count, narrow);
        const int64_t steps = round_up(count * g->plane, DEPTH) / DEPTH;
        for (int64_t tap = 0; tap < taps_of(w); tap++) {
            const int64_t ky = tap / w->kernel[1], kx = tap % w->kernel[1], shift = shift_of(g, tap);
            const int64_t phase = ky % w->stride[0] * w->stride[1] + kx % w->stride[1];
            const uint16_t *pixels = wide + phase * g->phase + shift % 2 * g->copy + shift / 2 * 2 * channels;
            for (int64_t m = 0; m < maps; m += BLOCK) {
                const factor rows = {
                    .first = narrow + m / SIDE * TILE, .pitch = DEPTH, .second = TILE, .step = tiles * TILE};
                for (int64_t c = 0; c < channels; c += BLOCK) {
                    const factor columns = {
                        .first = pixels + 2 * c, .pitch = 2 * channels, .second = DEPTH, .step = DEPTH * channels};
                    float *block = sums + (tap * maps + m) * channels + c;
                    if (image == begin) clear_block();
                    else load_block(block, channels);
                    multiply_block(rows, columns, steps);
                    store_block(block, channels);
                }
            }
        }
    }
}

TILES static void gradient_parts(const void *context, int64_t begin, int64_t end) {
    const gradient *g = context;
    configure();
    for (int64_t part = begin / LANES; part < end / LANES; part++) {
        gradient_part(g, part);
    }
    _tile_release();
}

typedef struct {
    const float *partial;
    float *to;
    int64_t parts, count;
} reduction;

ZK_CLONES static void reduce(const void *context, int64_t begin, int64_t end) {
    const reduction *r = context;
    for (int64_t i = begin; i < end; i++) r->to[i] = r->partial[i];
    for (int64_t part = 1; part < r->parts; part++) {
        const float *restrict from = r->partial + part * r->count;
        for (int64_t i = begin; i < end; i++) r->to[i] += from[i];
    }
}

void zk_tile_weights(
    const void *wide, bool wide_bf16, const void *narrow, bool narrow_bf16, float *dweights, void *workspace,
    int64_t parts, int64_t images, int64_t maps, const zk_window *window) {
    gradient g = gradient_of(window, maps, images, parts);
    g.wide = wide;
    g.wide_bf16 = wide_bf16;
    g.narrow = narrow;
    g.narrow_bf16 = narrow_bf16;
    g.workspace = workspace;
    g.partial = (float *)(g.workspace + parts * g.part_bytes);
    zk_parallel(parts * LANES, LANES, gradient_parts, &g);
    const int64_t count = taps_of(window) * maps * window->channels;
    reduction r = {.partial = g.partial, .to = dweights, .parts = parts, .count = count};
    zk_parallel(count, 16384, reduce, &r);
}

int64_t zk_tile_convolution_workspace(const zk_window *window, int64_t maps, int64_t images, int64_t parts) {
    const int64_t weights = taps_of(window) * window->channels * maps * (int64_t)sizeof(float);
    const int64_t gradient = gradient_of(window, maps, images, parts).part_bytes + round_up(weights, 64);
    const int64_t narrow = narrow_convolution(window, maps, images, parts).part_bytes;
    const int64_t wide = wide_convolution(window, maps, images, parts).part_bytes;
    const int64_t most = gradient > narrow ? gradient : narrow;
    return parts * (most > wide ? most : wide);
}

#else

bool zk_tile_convolution_fits(const zk_window *window, int64_t maps) { return false; }

int64_t zk_tile_convolution_workspace(const zk_window *window, int64_t maps, int64_t images, int64_t parts) {
    return 0;
}

void zk_tile_pack(const float *weights, void *packed, bool to_wide, const zk_window *window, int64_t maps) {}

void zk_tile_convolution(
    const void *x, bool x_bf16, const void *packed, bool to_wide, const float *bias, bool relu, const void *mask, void *y,
    bool y_bf16, void *workspace, int64_t parts, int64_t images, int64_t maps, const zk_window *window) {}

void zk_tile_weights(
    const void *wide, bool wide_bf16, const void *narrow, bool narrow_bf16, float *dweights, void *workspace,
    int64_t parts, int64_t images, int64_t maps, const zk_window *window) {}

#endif
