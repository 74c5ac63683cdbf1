#include "tiles.h"

// Products of pixels with few weights on tile registers, for the kernels between maps and images (image_convolution.c).

#ifdef ZK_TILES

// The weights are the first factor and the pixels the second, so that a row of the product belongs to a tap. Their tiles: for each
// 32 maps those of 16 taps each.
TILES void zk_tile_factors(const float *weights, int64_t depth, int64_t taps, uint16_t *factors) {
    for (int64_t k = 0; k < depth; k += DEPTH) {
        for (int64_t t = 0; t < round_up(taps, SIDE); t++, factors += DEPTH) {
            _mm512_storeu_si512(factors, load_row(weights, t * depth + k, t < taps ? DEPTH : 0, false));
        }
    }
}

TILES void zk_tile_planes(
    const uint16_t *maps, const uint16_t *factors, int64_t depth, int64_t taps, int64_t pixels, int64_t width, float *planes,
    int64_t pitch, int64_t plane) {
    uint16_t block[TILE];
    float products[3][SIDE * SIDE];
    configure();
    for (int64_t pixel = 0; pixel < pixels; pixel += SIDE) {
        _tile_zero(0);
        _tile_zero(1);
        _tile_zero(2);
        const uint16_t *weights = factors;
        for (int64_t k = 0; k < depth; k += DEPTH) {
            __m512i rows[SIDE];
            for (int i = 0; i < SIDE; i++) {
                rows[i] = pixel + i < pixels ? _mm512_loadu_si512(maps + (pixel + i) * depth + k) : _mm512_setzero_si512();
            }
            transpose(rows);
            store_tile(rows, block);
            _tile_loadd(4, block, DEPTH * sizeof(uint16_t));
            for (int64_t t = 0; t < taps; t += SIDE, weights += TILE) {
                _tile_loadd(5, weights, DEPTH * sizeof(uint16_t));
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
            const __mmask16 mask = (__mmask16)lanes(last - first);
            float *to = planes + row * pitch + first % width;
            for (int64_t t = 0; t < taps; t++) {
                const __m512 values = _mm512_maskz_loadu_ps(mask, products[0] + t * SIDE + first - pixel);
                _mm512_mask_storeu_ps(to + t * plane, mask, values);
            }
            first = last;
        }
    }
    _tile_release();
}

#else

void zk_tile_factors(const float *weights, int64_t depth, int64_t taps, uint16_t *factors) {}

void zk_tile_planes(
    const uint16_t *maps, const uint16_t *factors, int64_t depth, int64_t taps, int64_t pixels, int64_t width, float *planes,
    int64_t pitch, int64_t plane) {}

#endif
