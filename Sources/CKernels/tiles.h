#ifndef tiles_h
#define tiles_h

// Products of bfloat16 matrices on the tile registers of AMX (Intel 64 and IA-32 Architectures Software Developer's Manual,
// volume 1, chapter 18), which add in f32. Tensors are bfloat16 or f32, which is rounded.

#include "CKernels.h"
#include "support.h"

static inline int64_t round_up(int64_t value, int64_t unit) { return (value + unit - 1) / unit * unit; }

static inline int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

// Where a part of `count` things begins; it ends where the next begins.
static inline int64_t part_begin(int64_t count, int64_t part, int64_t parts) { return count * part / parts; }

#if defined(__x86_64__) && defined(__linux__)
#define ZK_TILES 1

#include <immintrin.h>

#define TILES __attribute__((target("amx-tile,amx-bf16,avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")))
#define TILES_INLINE static inline __attribute__((always_inline)) TILES

#define SIDE 16              // rows of a tile, and floats in a row
#define DEPTH 32             // bfloat16 numbers in a row
#define BLOCK 32             // two tiles: the side of what is computed at once
#define TILE (SIDE * DEPTH)  // bfloat16 numbers in a tile

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

// ---- numbers

TILES_INLINE __m512 widened(__m256i bf16) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bf16), 16));
}

TILES_INLINE __m512i rounded(__m512 low, __m512 high) { return (__m512i)_mm512_cvtne2ps_pbh(high, low); }

TILES_INLINE void store_tile(__m512i rows[SIDE], uint16_t *to) {
    for (int i = 0; i < SIDE; i++) _mm512_storeu_si512(to + i * DEPTH, rows[i]);
}

static inline uint32_t lanes(int64_t count) {
    return count >= 32 ? 0xffffffffu : count <= 0 ? 0 : (1u << count) - 1;
}

// The first `count` of 32 numbers, the others being zero.
TILES_INLINE __m512i load_row(const void *x, int64_t index, int64_t count, bool bf16) {
    const uint32_t mask = lanes(count);
    if (bf16) return _mm512_maskz_loadu_epi16(mask, (const uint16_t *)x + index);
    const float *from = (const float *)x + index;
    return rounded(
        _mm512_maskz_loadu_ps((__mmask16)mask, from), _mm512_maskz_loadu_ps((__mmask16)(mask >> SIDE), from + SIDE));
}

// Tiles of the second factor hold pairs: a number of one row of the matrix beside that of the next row. Here the first `count` of
// 16 numbers of two rows; a row may be NULL, for zeros.
TILES_INLINE __m512i load_pairs(const void *even, const void *odd, int64_t count, bool bf16) {
    const __mmask16 mask = (__mmask16)lanes(count);
    __m256i rows[2];
    for (int i = 0; i < 2; i++) {
        const void *row = i == 0 ? even : odd;
        rows[i] = !row   ? _mm256_setzero_si256()
                  : bf16 ? _mm256_maskz_loadu_epi16(mask, row)
                         : (__m256i)_mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(mask, row));
    }
    return _mm512_or_si512(_mm512_cvtepu16_epi32(rows[0]), _mm512_slli_epi32(_mm512_cvtepu16_epi32(rows[1]), 16));
}

// 32 pairs from two rows: the first 16 and the others.
TILES_INLINE void store_pairs(__m512i even, __m512i odd, uint16_t *low, uint16_t *high) {
    const __m512i first = _mm512_set_epi16(
        47, 15, 46, 14, 45, 13, 44, 12, 43, 11, 42, 10, 41, 9, 40, 8, 39, 7, 38, 6, 37, 5, 36, 4, 35, 3, 34, 2, 33, 1, 32, 0);
    const __m512i second = _mm512_add_epi16(first, _mm512_set1_epi16(SIDE));
    _mm512_storeu_si512(low, _mm512_permutex2var_epi16(even, first, odd));
    _mm512_storeu_si512(high, _mm512_permutex2var_epi16(even, second, odd));
}

static inline const void *element(const void *x, int64_t index, bool bf16) {
    return bf16 ? (const void *)((const uint16_t *)x + index) : (const void *)((const float *)x + index);
}

// 16 numbers, the first `count` of which exist
TILES_INLINE __m512 load_floats(const void *x, int64_t index, int64_t count, bool bf16) {
    const __mmask16 mask = (__mmask16)lanes(count);
    return bf16 ? widened(_mm256_maskz_loadu_epi16(mask, (const uint16_t *)x + index))
                : _mm512_maskz_loadu_ps(mask, (const float *)x + index);
}

// the first `count` of 32 numbers
TILES_INLINE void store_floats(__m512 low, __m512 high, void *x, int64_t index, int64_t count, bool bf16) {
    const uint32_t mask = lanes(count);
    if (bf16) {
        _mm512_mask_storeu_epi16((uint16_t *)x + index, mask, rounded(low, high));
    } else {
        _mm512_mask_storeu_ps((float *)x + index, (__mmask16)mask, low);
        _mm512_mask_storeu_ps((float *)x + index + SIDE, (__mmask16)(mask >> SIDE), high);
    }
}

// x where `by` is positive or NaN, else zero
TILES_INLINE __m512 positive(__m512 x, __m512 by) {
    return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(by, _mm512_setzero_ps(), _CMP_NLE_UQ), x);
}

// What becomes of a sum of products before it is stored.
typedef struct {
    const float *bias;  // of the channels, or NULL
    bool relu;
    const void *mask;  // like `to`: zero where it is not positive; or NULL
    void *to;
    bool bf16;
} epilogue;

// The first `count` of 16 and 16 sums for channels from `channel` on, to `place`.
TILES_INLINE void finish(
    const epilogue *r, const float *low, const float *high, int64_t channel, int64_t count, int64_t place) {
    __m512 values[2] = {_mm512_loadu_ps(low), _mm512_loadu_ps(high)};
    for (int i = 0; i < 2; i++) {
        if (r->bias) {
            values[i] = _mm512_add_ps(values[i], load_floats(r->bias, channel + SIDE * i, count - SIDE * i, false));
        }
        if (r->relu) values[i] = positive(values[i], values[i]);  // keeps NaN
        if (r->mask) {
            values[i] = positive(values[i], load_floats(r->mask, place + SIDE * i, count - SIDE * i, r->bf16));
        }
    }
    store_floats(values[0], values[1], r->to, place, count, r->bf16);
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

// The same of rows that are `pitch` apart.
TILES_INLINE void transpose_square(float *x, int64_t pitch) {
    __m512i rows[SIDE];
    for (int i = 0; i < SIDE; i++) rows[i] = _mm512_loadu_si512(x + i * pitch);
    transpose(rows);
    for (int i = 0; i < SIDE; i++) _mm512_storeu_si512(x + i * pitch, rows[i]);
}

// ---- products of blocks: tiles 0 to 3 are the sums, two by two; 4 and 5 hold rows, 6 and 7 columns

// Where the tiles of one factor of a block lie, counted in bfloat16 numbers.
typedef struct {
    const uint16_t *first;
    int64_t pitch;   // from a row of a tile to the next
    int64_t second;  // from the first tile to the second: of other rows or columns
    int64_t step;    // from a tile to that of the next 32 of the depth
} factor;

TILES_INLINE void clear_block(void) {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
}

// Rows are `pitch` floats apart.
TILES_INLINE void load_block(const float *from, int64_t pitch) {
    const int64_t bytes = pitch * (int64_t)sizeof(float);
    _tile_loadd(0, from, bytes);
    _tile_loadd(1, from + SIDE, bytes);
    _tile_loadd(2, from + SIDE * pitch, bytes);
    _tile_loadd(3, from + SIDE * pitch + SIDE, bytes);
}

TILES_INLINE void store_block(float *to, int64_t pitch) {
    const int64_t bytes = pitch * (int64_t)sizeof(float);
    _tile_stored(0, to, bytes);
    _tile_stored(1, to + SIDE, bytes);
    _tile_stored(2, to + SIDE * pitch, bytes);
    _tile_stored(3, to + SIDE * pitch + SIDE, bytes);
}

// Adds rows × columns to the sums, `steps` times 32 deep.
TILES_INLINE void multiply_block(factor rows, factor columns, int64_t steps) {
    const int64_t row_bytes = rows.pitch * (int64_t)sizeof(uint16_t);
    const int64_t column_bytes = columns.pitch * (int64_t)sizeof(uint16_t);
    const uint16_t *r = rows.first, *c = columns.first;
    for (int64_t step = 0; step < steps; step++, r += rows.step, c += columns.step) {
        _tile_loadd(4, r, row_bytes);
        _tile_loadd(6, c, column_bytes);
        _tile_dpbf16ps(0, 4, 6);
        _tile_loadd(7, c + columns.second, column_bytes);
        _tile_dpbf16ps(1, 4, 7);
        _tile_loadd(5, r + rows.second, row_bytes);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
    }
}

#endif
#endif
