#include "CKernels.h"
#include "support.h"

// Convolutions of bfloat16 maps on the tile registers of AMX (Intel 64 and IA-32 Architectures Software Developer's Manual,
// volume 1, chapter 18).
//
// A convolution slides windows over the wide side; the narrow side has a pixel per window. Each pass first copies an image into
// planes: pixels in rows of a fixed pitch, with the border as zeros, the wide side split by its phase, which is the
// coordinate modulo the stride. There the pixels that a tap of the kernel meets for consecutive windows are consecutive, also
// across rows. So a tap is a matrix product of a run of pixels with its weights, and nothing needs a test for the border;
// what comes out between the rows is dropped.
//
// Weights lie as taps × channels of the wide side × channels of the narrow one ("maps").

#if defined(__x86_64__) && defined(__linux__)

#include <cpuid.h>
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TILES __attribute__((target("amx-tile,amx-bf16,avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")))
#define TILES_INLINE static inline __attribute__((always_inline)) TILES

#define SIDE 16         // rows of a tile, and floats in a row
#define DEPTH 32        // bfloat16 numbers in a row
#define BLOCK 32        // two tiles: the side of what is computed at once
#define MAXIMUM_TAPS 64
#define GROUP_BYTES (384 << 10)  // of transposed images at once: they stay in the second level of the cache

enum { FEATURE_TILE = 24, FEATURE_BF16 = 22, REQUEST_PERMISSION = 0x1023, TILE_DATA = 18 };

static bool asked_for_tiles(void) {
    unsigned a, b, c, d;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return false;
    const bool tiles = (d >> FEATURE_TILE & 1) && (d >> FEATURE_BF16 & 1);
    if (!tiles || !__get_cpuid_count(7, 1, &a, &b, &c, &d) || !(a >> 5 & 1)) return false;  // avx512_bf16
    // Linux saves these registers only for processes that ask.
    return syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) == 0;
}

bool zk_has_tiles(void) {
    static _Atomic int answer;  // 0 before the first question; asking is slow on a virtual machine
    if (answer == 0) answer = asked_for_tiles() ? 1 : -1;
    return answer > 0;
}

typedef struct {
    uint8_t palette, start_row, reserved[14];
    uint16_t columns[16];
    uint8_t rows[16];
} tile_configuration;

TILES_INLINE void configure(void) {
    tile_configuration c = {.palette = 1};
    for (int i = 0; i < 8; i++) {
        c.columns[i] = 64;
        c.rows[i] = SIDE;
    }
    _tile_loadconfig(&c);
}

// One product: the pixels of a plane that one phase of the output needs.
typedef struct {
    int64_t taps, offset[MAXIMUM_TAPS], weights[MAXIMUM_TAPS];  // per tap: first element in the planes, block of weights
    int64_t pixels, pitch;                                      // of the result, borders included
    int64_t step[2], first[2];                                  // row and column u of the result are u·step + first
} product;

typedef struct {
    zk_window window;
    int64_t maps, images, parts;
    const void *from;
    bool from_half, to_half, relu;
    void *to;
    const float *bias;
    const uint16_t *weights;
    const void *mask;
    // geometry of the planes
    int64_t phases, rows, pitch, plane;  // plane: pixels of one
    int64_t depth, width;                // channels read and written
    int64_t part_bytes;
    char *workspace;
    // the gradient of the weights
    const void *narrow;
    bool narrow_half;
    int64_t group, row_length, padded;
    float *partial;
} arguments;

static int64_t round_up(int64_t value, int64_t unit) { return (value + unit - 1) / unit * unit; }

static int64_t farthest(const zk_window *w, int axis) { return (w->kernel[axis] - 1) / w->stride[axis]; }

bool zk_tile_convolution_fits(const zk_window *window, int64_t maps) {
    return window->kernel[0] * window->kernel[1] <= MAXIMUM_TAPS && window->channels % BLOCK == 0 && maps % BLOCK == 0;
}

// ---- pixels

TILES_INLINE __m512i half_of(const float *x) {
    return _mm512_inserti64x4(
        _mm512_castsi256_si512((__m256i)_mm512_cvtneps_pbh(_mm512_loadu_ps(x))),
        (__m256i)_mm512_cvtneps_pbh(_mm512_loadu_ps(x + SIDE)), 1);
}

// 32 channels of a pixel
TILES_INLINE __m512i load_half(const void *x, int64_t index, bool half) {
    return half ? _mm512_loadu_si512((const uint16_t *)x + index) : half_of((const float *)x + index);
}

// 16 × 16 numbers of 32 bits
TILES_INLINE void transpose(__m512i r[SIDE]) {
    __m512i t[SIDE];
    for (int i = 0; i < SIDE; i += 2) {
        t[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
        t[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
    }
    for (int i = 0; i < SIDE; i += 4) {
        r[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
        r[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
        r[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
        r[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
    }
    for (int i = 0; i < 4; i++) {
        t[i] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0x88);
        t[i + 4] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0xdd);
        t[i + 8] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0x88);
        t[i + 12] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0xdd);
    }
    for (int i = 0; i < 4; i++) {
        r[i] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0x88);
        r[i + 8] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0xdd);
        r[i + 4] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0x88);
        r[i + 12] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0xdd);
    }
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
        uint16_t *to = p->to + tile * SIDE * DEPTH;
        __m512i rows[SIDE];
        if (p->transposed) {
            for (int i = 0; i < SIDE; i++) rows[i] = half_of(from + (n + i) * p->depth + k);
            transpose(rows);
        } else {
            for (int i = 0; i < SIDE; i++) {
                const float *pair = from + (k + 2 * i) * p->width + n;
                const __m256i even = (__m256i)_mm512_cvtneps_pbh(_mm512_loadu_ps(pair));
                const __m256i odd = (__m256i)_mm512_cvtneps_pbh(_mm512_loadu_ps(pair + p->width));
                rows[i] = _mm512_or_si512(
                    _mm512_cvtepu16_epi32(even), _mm512_slli_epi32(_mm512_cvtepu16_epi32(odd), 16));
            }
        }
        for (int i = 0; i < SIDE; i++) _mm512_storeu_si512(to + i * DEPTH, rows[i]);
    }
}

void zk_tile_pack(const float *weights, void *packed, bool to_wide, const zk_window *window, int64_t maps) {
    const packing p = {
        .from = weights, .to = packed, .depth = to_wide ? maps : window->channels,
        .width = to_wide ? window->channels : maps, .transposed = to_wide};
    const int64_t tiles = window->kernel[0] * window->kernel[1] * p.depth * p.width / (SIDE * DEPTH);
    zk_parallel(tiles * LANES, 16 * LANES, pack, &p);
}

TILES_INLINE void copy_pixel(const void *x, int64_t index, bool half, uint16_t *to, int64_t channels) {
    for (int64_t c = 0; c < channels; c += DEPTH) _mm512_storeu_si512(to + c, load_half(x, index + c, half));
}

// The wide side of an image into planes by phase. What is not an image's pixel was cleared before and stays.
TILES_INLINE void split(const arguments *a, int64_t image, uint16_t *planes) {
    const zk_window *w = &a->window;
    for (int64_t phase = 0; phase < a->phases; phase++) {
        const int64_t py = phase / w->stride[1] - w->padding[0], px = phase % w->stride[1] - w->padding[1];
        for (int64_t v = 0, y = py; v < a->rows && y < w->input_height; v++, y += w->stride[0]) {
            if (y < 0) continue;
            uint16_t *to = planes + (phase * a->plane + v * a->pitch) * w->channels;
            for (int64_t u = 0, x = px; u < a->pitch && x < w->input_width; u++, x += w->stride[1]) {
                if (x < 0) continue;
                copy_pixel(
                    a->from, ((image * w->input_height + y) * w->input_width + x) * w->channels, a->from_half,
                    to + u * w->channels, w->channels);
            }
        }
    }
}

// The narrow side of an image into a plane, behind a border for the taps before its first pixel.
TILES_INLINE void embed(const arguments *a, int64_t image, uint16_t *plane) {
    const zk_window *w = &a->window;
    const int64_t top = farthest(w, 0), left = farthest(w, 1);
    for (int64_t y = 0; y < w->output_height && y + top < a->rows; y++) {
        for (int64_t x = 0; x < w->output_width && x + left < a->pitch; x++) {
            copy_pixel(
                a->from, ((image * w->output_height + y) * w->output_width + x) * a->maps, a->from_half,
                plane + ((y + top) * a->pitch + x + left) * a->maps, a->maps);
        }
    }
}

// ---- products of planes with weights

TILES_INLINE __m512 load(const void *x, int64_t index, bool half) {
    if (!half) return _mm512_loadu_ps((const float *)x + index);
    const __m512i bits = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)((const uint16_t *)x + index)));
    return _mm512_castsi512_ps(_mm512_slli_epi32(bits, 16));
}

// x where `by` is positive or NaN, else zero
TILES_INLINE __m512 positive(__m512 x, __m512 by) {
    return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(by, _mm512_setzero_ps(), _CMP_NLE_UQ), x);
}

TILES_INLINE void finish(
    const arguments *a, const product *p, const float *block, int64_t first, int64_t column, int64_t image,
    int64_t height, int64_t width) {
    __m512 bias[2];
    for (int i = 0; i < 2; i++) {
        bias[i] = a->bias ? _mm512_loadu_ps(a->bias + column + SIDE * i) : _mm512_setzero_ps();
    }
    int64_t u = first / p->pitch, v = first % p->pitch;
    for (int64_t i = 0; i < BLOCK; i++, v++) {
        if (v == p->pitch) {
            v = 0;
            u++;
        }
        const int64_t y = u * p->step[0] + p->first[0], x = v * p->step[1] + p->first[1];
        if (y < 0 || y >= height || x < 0 || x >= width) continue;
        const int64_t place = ((image * height + y) * width + x) * a->width + column;
        __m512 sums[2];
        for (int j = 0; j < 2; j++) {
            sums[j] = _mm512_add_ps(_mm512_loadu_ps(block + i * BLOCK + SIDE * j), bias[j]);
            // keeps NaN
            if (a->relu) sums[j] = positive(sums[j], sums[j]);
            if (a->mask) sums[j] = positive(sums[j], load(a->mask, place + SIDE * j, a->to_half));
        }
        if (a->to_half) {
            _mm512_storeu_si512(
                (uint16_t *)a->to + place,
                _mm512_inserti64x4(
                    _mm512_castsi256_si512((__m256i)_mm512_cvtneps_pbh(sums[0])),
                    (__m256i)_mm512_cvtneps_pbh(sums[1]), 1));
        } else {
            _mm512_storeu_ps((float *)a->to + place, sums[0]);
            _mm512_storeu_ps((float *)a->to + place + SIDE, sums[1]);
        }
    }
}

TILES_INLINE void multiply(
    const arguments *a, const product *p, const uint16_t *planes, int64_t image, int64_t height, int64_t width) {
    const int64_t steps = a->depth / DEPTH, columns = a->width / SIDE, stride = a->depth * (int64_t)sizeof(uint16_t);
    float block[BLOCK * BLOCK];
    for (int64_t pixel = 0; pixel < p->pixels; pixel += BLOCK) {
        for (int64_t column = 0; column < columns; column += 2) {
            _tile_zero(0);
            _tile_zero(1);
            _tile_zero(2);
            _tile_zero(3);
            for (int64_t tap = 0; tap < p->taps; tap++) {
                const uint16_t *x = planes + p->offset[tap] + pixel * a->depth;
                const uint16_t *weights = a->weights + (p->weights[tap] * steps * columns + column) * SIDE * DEPTH;
                for (int64_t k = 0; k < steps; k++) {
                    _tile_loadd(4, x + k * DEPTH, stride);
                    _tile_loadd(6, weights + k * columns * SIDE * DEPTH, 64);
                    _tile_dpbf16ps(0, 4, 6);
                    _tile_loadd(7, weights + (k * columns + 1) * SIDE * DEPTH, 64);
                    _tile_dpbf16ps(1, 4, 7);
                    _tile_loadd(5, x + SIDE * a->depth + k * DEPTH, stride);
                    _tile_dpbf16ps(2, 5, 6);
                    _tile_dpbf16ps(3, 5, 7);
                }
            }
            _tile_stored(0, block, BLOCK * sizeof(float));
            _tile_stored(1, block + SIDE, BLOCK * sizeof(float));
            _tile_stored(2, block + SIDE * BLOCK, BLOCK * sizeof(float));
            _tile_stored(3, block + SIDE * BLOCK + SIDE, BLOCK * sizeof(float));
            finish(a, p, block, pixel, column * SIDE, image, height, width);
        }
    }
}

static int64_t first_image(const arguments *a, int64_t part) { return a->images * part / a->parts; }

TILES static void to_narrow(const void *context, int64_t begin, int64_t end) {
    const arguments *a = context;
    const zk_window *w = &a->window;
    product p = {
        .pixels = w->output_height * a->pitch, .pitch = a->pitch, .step = {1, 1}, .first = {0, 0},
        .taps = w->kernel[0] * w->kernel[1]};
    for (int64_t tap = 0; tap < p.taps; tap++) {
        const int64_t ky = tap / w->kernel[1], kx = tap % w->kernel[1];
        const int64_t phase = ky % w->stride[0] * w->stride[1] + kx % w->stride[1];
        p.offset[tap] = (phase * a->plane + ky / w->stride[0] * a->pitch + kx / w->stride[1]) * a->depth;
        p.weights[tap] = tap;
    }
    configure();
    for (int64_t part = begin / LANES; part < end / LANES; part++) {
        uint16_t *planes = (uint16_t *)(a->workspace + part * a->part_bytes);
        memset(planes, 0, (size_t)a->part_bytes);
        for (int64_t image = first_image(a, part); image < first_image(a, part + 1); image++) {
            split(a, image, planes);
            multiply(a, &p, planes, image, w->output_height, w->output_width);
        }
    }
    _tile_release();
}

TILES static void to_wide(const void *context, int64_t begin, int64_t end) {
    const arguments *a = context;
    const zk_window *w = &a->window;
    configure();
    for (int64_t part = begin / LANES; part < end / LANES; part++) {
        uint16_t *plane = (uint16_t *)(a->workspace + part * a->part_bytes);
        memset(plane, 0, (size_t)a->part_bytes);
        for (int64_t image = first_image(a, part); image < first_image(a, part + 1); image++) {
            embed(a, image, plane);
            for (int64_t py = 0; py < w->stride[0]; py++) {
                for (int64_t px = 0; px < w->stride[1]; px++) {
                    product p = {
                        .pixels = (a->rows - farthest(w, 0)) * a->pitch, .pitch = a->pitch,
                        .step = {w->stride[0], w->stride[1]}, .first = {py - w->padding[0], px - w->padding[1]}};
                    for (int64_t ky = py; ky < w->kernel[0]; ky += w->stride[0]) {
                        for (int64_t kx = px; kx < w->kernel[1]; kx += w->stride[1], p.taps++) {
                            const int64_t up = farthest(w, 0) - ky / w->stride[0];
                            const int64_t back = farthest(w, 1) - kx / w->stride[1];
                            p.offset[p.taps] = (up * a->pitch + back) * a->depth;
                            p.weights[p.taps] = ky * w->kernel[1] + kx;
                        }
                    }
                    multiply(a, &p, plane, image, w->input_height, w->input_width);
                }
            }
        }
    }
    _tile_release();
}

// Geometry for products into the narrow side (planes of the wide side by phase).
static arguments narrow_arguments(const zk_window *w, int64_t maps, int64_t images, int64_t parts) {
    arguments a = {.window = *w, .maps = maps, .images = images, .parts = parts, .depth = w->channels, .width = maps};
    a.phases = w->stride[0] * w->stride[1];
    a.rows = w->output_height + farthest(w, 0);
    a.pitch = w->output_width + farthest(w, 1);
    a.plane = round_up(w->output_height * a.pitch, BLOCK) + farthest(w, 0) * a.pitch + farthest(w, 1);
    a.part_bytes = round_up(a.phases * a.plane * a.depth * (int64_t)sizeof(uint16_t), 64);
    return a;
}

// Geometry for products into the wide side (one plane of the narrow side).
static arguments wide_arguments(const zk_window *w, int64_t maps, int64_t images, int64_t parts) {
    arguments a = {.window = *w, .maps = maps, .images = images, .parts = parts, .depth = maps, .width = w->channels};
    const int64_t rows = (w->input_height - 1 + w->padding[0]) / w->stride[0] + 1;
    a.phases = 1;
    a.rows = rows + farthest(w, 0);
    a.pitch = (w->input_width - 1 + w->padding[1]) / w->stride[1] + 1 + farthest(w, 1);
    a.plane = round_up(rows * a.pitch, BLOCK) + farthest(w, 0) * a.pitch + farthest(w, 1);
    a.part_bytes = round_up(a.plane * a.depth * (int64_t)sizeof(uint16_t), 64);
    return a;
}

// ---- the gradient of the weights: for each tap a product of the wide side, transposed, with the narrow side, over the
// pixels of a group of images

// The wide side of images as channels × phases × images × pixels of a plane. Blocks of 16 pixels may reach beyond a plane;
// what comes next overwrites it, and behind the last plane it is zero.
TILES_INLINE void transpose_images(const arguments *a, int64_t first, int64_t count, uint16_t *to) {
    const zk_window *w = &a->window;
    for (int64_t phase = 0; phase < a->phases; phase++) {
        const int64_t py = phase / w->stride[1] - w->padding[0], px = phase % w->stride[1] - w->padding[1];
        for (int64_t n = 0; n < count; n++) {
            for (int64_t pixel = 0; pixel < a->plane; pixel += SIDE) {
                int64_t index[SIDE];  // of the pixel's first channel; below zero outside the image
                int64_t v = pixel / a->pitch, u = pixel % a->pitch;
                for (int i = 0; i < SIDE; i++, u++) {
                    if (u == a->pitch) {
                        u = 0;
                        v++;
                    }
                    const int64_t y = v * w->stride[0] + py, x = u * w->stride[1] + px;
                    const bool inside = v < a->rows && y >= 0 && y < w->input_height && x >= 0 && x < w->input_width;
                    index[i] = inside ? (((first + n) * w->input_height + y) * w->input_width + x) * w->channels : -1;
                }
                uint16_t *place = to + (phase * a->group + n) * a->plane + pixel;
                for (int64_t c = 0; c < w->channels; c += DEPTH) {
                    __m512i rows[SIDE];
                    for (int i = 0; i < SIDE; i++) {
                        rows[i] =
                            index[i] < 0 ? _mm512_setzero_si512() : load_half(a->from, index[i] + c, a->from_half);
                    }
                    transpose(rows);
                    for (int i = 0; i < SIDE; i++) {
                        uint16_t *channel = place + (c + 2 * i) * a->row_length;
                        _mm256_storeu_si256((__m256i *)channel, _mm512_cvtepi32_epi16(rows[i]));
                        _mm256_storeu_si256(
                            (__m256i *)(channel + a->row_length), _mm512_cvtepi32_epi16(_mm512_srli_epi32(rows[i], 16)));
                    }
                }
            }
        }
    }
}

// The narrow side of images as pairs of pixels × maps, with zeros wherever the planes have no window.
TILES_INLINE void pair_pixels(const arguments *a, int64_t first, int64_t count, uint16_t *to) {
    const zk_window *w = &a->window;
    int64_t index[2];
    int64_t n = 0, v = 0, u = 0;
    for (int64_t pixel = 0; pixel < a->padded; pixel += 2, to += 2 * a->maps) {
        for (int i = 0; i < 2; i++) {
            const bool inside = n < count && v < w->output_height && u < w->output_width;
            index[i] = inside ? (((first + n) * w->output_height + v) * w->output_width + u) * a->maps : -1;
            if (++u == a->pitch) {
                u = 0;
                if (++v == a->rows) {
                    v = 0;
                    n++;
                }
            }
        }
        for (int64_t m = 0; m < a->maps; m += DEPTH) {
            __m512i even = index[0] < 0 ? _mm512_setzero_si512() : load_half(a->narrow, index[0] + m, a->narrow_half);
            __m512i odd = index[1] < 0 ? _mm512_setzero_si512() : load_half(a->narrow, index[1] + m, a->narrow_half);
            for (int i = 0; i < 2; i++) {
                const __m512i low = _mm512_cvtepu16_epi32(i ? _mm512_extracti64x4_epi64(even, 1) : _mm512_castsi512_si256(even));
                const __m512i high = _mm512_cvtepu16_epi32(i ? _mm512_extracti64x4_epi64(odd, 1) : _mm512_castsi512_si256(odd));
                _mm512_storeu_si512(to + 2 * (m + SIDE * i), _mm512_or_si512(low, _mm512_slli_epi32(high, 16)));
            }
        }
    }
}

TILES static void weights_gradient(const void *context, int64_t begin, int64_t end) {
    const arguments *a = context;
    const zk_window *w = &a->window;
    const int64_t taps = w->kernel[0] * w->kernel[1], channels = w->channels, maps = a->maps;
    const int64_t stride = a->row_length * (int64_t)sizeof(uint16_t), row = maps * (int64_t)sizeof(float);
    configure();
    for (int64_t part = begin / LANES; part < end / LANES; part++) {
        uint16_t *wide = (uint16_t *)(a->workspace + part * a->part_bytes), *narrow = wide + channels * a->row_length;
        float *sums = a->partial + part * taps * channels * maps;
        memset(wide, 0, (size_t)(channels * stride));
        memset(sums, 0, (size_t)(taps * channels * row));
        const int64_t last = first_image(a, part + 1);
        for (int64_t image = first_image(a, part); image < last; image += a->group) {
            const int64_t count = last - image < a->group ? last - image : a->group;
            transpose_images(a, image, count, wide);
            pair_pixels(a, image, count, narrow);
            const int64_t depth = round_up(count * a->plane, DEPTH);
            for (int64_t tap = 0; tap < taps; tap++) {
                const int64_t ky = tap / w->kernel[1], kx = tap % w->kernel[1];
                const int64_t phase = ky % w->stride[0] * w->stride[1] + kx % w->stride[1];
                const uint16_t *x = wide + phase * a->group * a->plane + ky / w->stride[0] * a->pitch + kx / w->stride[1];
                for (int64_t c = 0; c < channels; c += BLOCK) {
                    for (int64_t m = 0; m < maps; m += BLOCK) {
                        float *block = sums + (tap * channels + c) * maps + m;
                        _tile_loadd(0, block, row);
                        _tile_loadd(1, block + SIDE, row);
                        _tile_loadd(2, block + SIDE * maps, row);
                        _tile_loadd(3, block + SIDE * maps + SIDE, row);
                        for (int64_t k = 0; k < depth; k += DEPTH) {
                            _tile_loadd(4, x + c * a->row_length + k, stride);
                            _tile_loadd(6, narrow + k * maps + 2 * m, 2 * maps * sizeof(uint16_t));
                            _tile_dpbf16ps(0, 4, 6);
                            _tile_loadd(7, narrow + k * maps + 2 * (m + SIDE), 2 * maps * sizeof(uint16_t));
                            _tile_dpbf16ps(1, 4, 7);
                            _tile_loadd(5, x + (c + SIDE) * a->row_length + k, stride);
                            _tile_dpbf16ps(2, 5, 6);
                            _tile_dpbf16ps(3, 5, 7);
                        }
                        _tile_stored(0, block, row);
                        _tile_stored(1, block + SIDE, row);
                        _tile_stored(2, block + SIDE * maps, row);
                        _tile_stored(3, block + SIDE * maps + SIDE, row);
                    }
                }
            }
        }
    }
    _tile_release();
}

static arguments gradient_arguments(const zk_window *w, int64_t maps, int64_t images, int64_t parts) {
    arguments a = narrow_arguments(w, maps, images, parts);
    a.plane = a.rows * a.pitch;
    const int64_t bytes = w->channels * a.phases * a.plane * (int64_t)sizeof(uint16_t);
    const int64_t share = (images + parts - 1) / parts;
    a.group = GROUP_BYTES / bytes;
    a.group = a.group < 1 ? 1 : a.group > share ? share : a.group;
    a.padded = round_up(a.group * a.plane, DEPTH);
    // What the last tap of the last block reaches; an odd number of cache lines, so that rows of a tile do not collide.
    const int64_t reach = a.phases * a.group * a.plane + farthest(w, 0) * a.pitch + farthest(w, 1) + 2 * DEPTH;
    a.row_length = round_up(reach, 2 * DEPTH) + DEPTH;
    a.part_bytes = round_up((w->channels * a.row_length + a.padded * maps) * (int64_t)sizeof(uint16_t), 64);
    return a;
}

// ---- products of pixels with few weights, for the kernels between maps and images

// The weights are the first factor and the pixels the second, so that a row of the product belongs to a tap. Their tiles: for each
// 32 maps those of 16 taps each.
TILES void zk_tile_factors(const float *weights, int64_t depth, int64_t taps, uint16_t *factors) {
    for (int64_t k = 0; k < depth; k += DEPTH) {
        for (int64_t t = 0; t < round_up(taps, SIDE); t++, factors += DEPTH) {
            _mm512_storeu_si512(factors, t < taps ? half_of(weights + t * depth + k) : _mm512_setzero_si512());
        }
    }
}

TILES void zk_tile_planes(
    const uint16_t *maps, const uint16_t *factors, int64_t depth, int64_t taps, int64_t pixels, int64_t width, float *planes,
    int64_t pitch, int64_t plane) {
    uint16_t block[SIDE * DEPTH];
    float products[3][SIDE * SIDE];
    configure();
    for (int64_t pixel = 0; pixel < pixels; pixel += SIDE) {
        _tile_zero(0);
        _tile_zero(1);
        _tile_zero(2);
        const uint16_t *factor = factors;
        for (int64_t k = 0; k < depth; k += DEPTH) {
            __m512i rows[SIDE];
            for (int i = 0; i < SIDE; i++) {
                rows[i] = pixel + i < pixels ? _mm512_loadu_si512(maps + (pixel + i) * depth + k) : _mm512_setzero_si512();
            }
            transpose(rows);
            for (int i = 0; i < SIDE; i++) _mm512_storeu_si512(block + i * DEPTH, rows[i]);
            _tile_loadd(4, block, DEPTH * sizeof(uint16_t));
            for (int64_t t = 0; t < taps; t += SIDE, factor += SIDE * DEPTH) {
                _tile_loadd(5, factor, DEPTH * sizeof(uint16_t));
                switch (t / SIDE) {
                case 0: _tile_dpbf16ps(0, 5, 4); break;
                case 1: _tile_dpbf16ps(1, 5, 4); break;
                default: _tile_dpbf16ps(2, 5, 4);
                }
            }
        }
        _tile_stored(0, products[0], SIDE * sizeof(float));
        _tile_stored(1, products[1], SIDE * sizeof(float));
        _tile_stored(2, products[2], SIDE * sizeof(float));
        const int64_t end = pixel + SIDE < pixels ? pixel + SIDE : pixels;
        for (int64_t first = pixel; first < end;) {
            // the part of the block that lies in one row
            const int64_t row = first / width, last = (row + 1) * width < end ? (row + 1) * width : end;
            const __mmask16 lanes = (__mmask16)((1u << (last - first)) - 1);
            float *to = planes + row * pitch + first % width;
            for (int64_t t = 0; t < taps; t++) {
                const __m512 values = _mm512_maskz_loadu_ps(lanes, products[0] + t * SIDE + first - pixel);
                _mm512_mask_storeu_ps(to + t * plane, lanes, values);
            }
            first = last;
        }
    }
    _tile_release();
}

int64_t zk_tile_convolution_workspace(const zk_window *window, int64_t maps, int64_t images, int64_t parts) {
    const int64_t weights = window->kernel[0] * window->kernel[1] * window->channels * maps * (int64_t)sizeof(float);
    const int64_t gradient = gradient_arguments(window, maps, images, parts).part_bytes + round_up(weights, 64);
    const int64_t narrow = narrow_arguments(window, maps, images, parts).part_bytes;
    const int64_t wide = wide_arguments(window, maps, images, parts).part_bytes;
    const int64_t most = gradient > narrow ? gradient : narrow;
    return parts * (most > wide ? most : wide);
}

static void set_product(
    arguments *a, const void *from, bool from_half, const void *packed, const float *bias, bool relu, const void *mask,
    void *to, bool to_half, void *workspace) {
    a->from = from;
    a->from_half = from_half;
    a->weights = packed;
    a->bias = bias;
    a->relu = relu;
    a->mask = mask;
    a->to = to;
    a->to_half = to_half;
    a->workspace = workspace;
}

void zk_tiles_to_narrow(
    const void *wide, bool wide_half, const void *packed, const float *bias, bool relu, const void *mask, void *narrow,
    bool narrow_half, void *workspace, int64_t parts, int64_t images, int64_t maps, const zk_window *window) {
    arguments a = narrow_arguments(window, maps, images, parts);
    set_product(&a, wide, wide_half, packed, bias, relu, mask, narrow, narrow_half, workspace);
    zk_parallel(parts * LANES, LANES, to_narrow, &a);
}

void zk_tiles_to_wide(
    const void *narrow, bool narrow_half, const void *packed, const float *bias, bool relu, const void *mask, void *wide,
    bool wide_half, void *workspace, int64_t parts, int64_t images, int64_t maps, const zk_window *window) {
    arguments a = wide_arguments(window, maps, images, parts);
    set_product(&a, narrow, narrow_half, packed, bias, relu, mask, wide, wide_half, workspace);
    zk_parallel(parts * LANES, LANES, to_wide, &a);
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
    const void *wide, bool wide_half, const void *narrow, bool narrow_half, float *dweights, void *workspace,
    int64_t parts, int64_t images, int64_t maps, const zk_window *window) {
    arguments a = gradient_arguments(window, maps, images, parts);
    const int64_t count = window->kernel[0] * window->kernel[1] * window->channels * maps;
    a.from = wide;
    a.from_half = wide_half;
    a.narrow = narrow;
    a.narrow_half = narrow_half;
    a.workspace = workspace;
    a.partial = (float *)(a.workspace + parts * a.part_bytes);
    zk_parallel(parts * LANES, LANES, weights_gradient, &a);
    reduction r = {.partial = a.partial, .to = dweights, .parts = parts, .count = count};
    zk_parallel(count, 16384, reduce, &r);
}

#else

bool zk_has_tiles(void) { return false; }

void zk_tile_factors(const float *weights, int64_t depth, int64_t taps, uint16_t *factors) {}

void zk_tile_planes(
    const uint16_t *maps, const uint16_t *factors, int64_t depth, int64_t taps, int64_t pixels, int64_t width, float *planes,
    int64_t pitch, int64_t plane) {}

bool zk_tile_convolution_fits(const zk_window *window, int64_t maps) { return false; }

int64_t zk_tile_convolution_workspace(const zk_window *window, int64_t maps, int64_t images, int64_t parts) { return 0; }

void zk_tile_pack(const float *weights, void *packed, bool to_wide, const zk_window *window, int64_t maps) {}

void zk_tiles_to_narrow(
    const void *wide, bool wide_half, const void *packed, const float *bias, bool relu, const void *mask, void *narrow,
    bool narrow_half, void *workspace, int64_t parts, int64_t images, int64_t maps, const zk_window *window) {}

void zk_tiles_to_wide(
    const void *narrow, bool narrow_half, const void *packed, const float *bias, bool relu, const void *mask, void *wide,
    bool wide_half, void *workspace, int64_t parts, int64_t images, int64_t maps, const zk_window *window) {}

void zk_tile_weights(
    const void *wide, bool wide_half, const void *narrow, bool narrow_half, float *dweights, void *workspace,
    int64_t parts, int64_t images, int64_t maps, const zk_window *window) {}

#endif
