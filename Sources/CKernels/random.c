#include "CKernels.h"
#include "support.h"

typedef struct {
    const zk_stream *stream;
    const int32_t *image_indices;
    const float *x;
    float *y;
    int64_t count, channels, area;
    uint32_t layer;  // of dropout; for noise, the number of the input
    float rate;
} arguments;

// Salmon et al. 2011: ten rounds on a 128-bit counter under a 64-bit key.
ZK_INLINE void philox(const zk_stream *stream, uint64_t block, uint32_t out[4]) {
    uint32_t a = (uint32_t)block, b = (uint32_t)(block >> 32), c = stream->step, d = stream->purpose;
    uint32_t key0 = stream->key[0], key1 = stream->key[1];
    for (int round = 0; round < 10; round++) {
        uint64_t first = (uint64_t)0xD2511F53u * a, second = (uint64_t)0xCD9E8D57u * c;
        a = (uint32_t)(second >> 32) ^ b ^ key0;
        b = (uint32_t)second;
        c = (uint32_t)(first >> 32) ^ d ^ key1;
        d = (uint32_t)first;
        key0 += 0x9E3779B9u;
        key1 += 0xBB67AE85u;
    }
    out[0] = a;
    out[1] = b;
    out[2] = c;
    out[3] = d;
}

// sin and cos of 2π·u for u in [0, 1): the quadrant by rounding 4u, polynomials on [-π/4, π/4].
ZK_INLINE void sine_cosine(float u, float *sine, float *cosine) {
    float scaled = 4.0f * u;
    float shifted = scaled + 12582912.0f;
    int32_t quadrant = as_bits(shifted) & 3;
    float r = (scaled - (shifted - 12582912.0f)) * 1.57079632679489662f;
    float z = r * r;
    float s = ((-1.9515295891e-4f * z + 8.3321608736e-3f) * z - 1.6666654611e-1f) * z * r + r;
    float c = ((2.443315711809948e-5f * z - 1.388731625493765e-3f) * z + 4.166664568298827e-2f) * z * z - 0.5f * z + 1.0f;
    float sine_part = quadrant & 1 ? c : s, cosine_part = quadrant & 1 ? s : c;
    *sine = quadrant & 2 ? -sine_part : sine_part;
    *cosine = (quadrant + 1) & 2 ? -cosine_part : cosine_part;
}

ZK_INLINE uint64_t first_block(int32_t image, int64_t count) {
    return (uint64_t)(uint32_t)image * (uint64_t)((count + 3) / 4);
}

ZK_CLONES static void normal(const void *context, int64_t begin, int64_t end) {
    const arguments *a = context;
    const zk_stream stream = *a->stream;
    for (int64_t n = begin; n < end; n++) {
        float *x = a->y + n * a->count;
        const uint64_t first = ((uint64_t)a->layer << 46) + first_block(a->image_indices[n], a->count);
        for (int64_t start = 0; start < a->count; start += 4 * LANES) {
            uint32_t words[4][LANES];
            float values[4][LANES];
            for (int64_t lane = 0; lane < LANES; lane++) {
                uint32_t out[4];
                philox(&stream, first + (uint64_t)(start / 4 + lane), out);
                for (int w = 0; w < 4; w++) words[w][lane] = out[w];
            }
            for (int pair = 0; pair < 4; pair += 2) {
                for (int64_t lane = 0; lane < LANES; lane++) {
                    float u = (float)(int32_t)((words[pair][lane] >> 8) + 1) * 0x1p-24f;
                    float v = (float)(int32_t)(words[pair + 1][lane] >> 8) * 0x1p-24f;
                    float square = -2.0f * fast_log(u);
                    float radius = square_root(square > 0 ? square : 0), sine, cosine;
                    sine_cosine(v, &sine, &cosine);
                    values[pair][lane] = radius * cosine;
                    values[pair + 1][lane] = radius * sine;
                }
            }
            const int64_t left = a->count - start < 4 * LANES ? a->count - start : 4 * LANES;
            for (int64_t i = 0; i < left; i++) x[start + i] = values[i % 4][i / 4];
        }
    }
}

void zk_normal(
    const zk_stream *stream, uint32_t input, const int32_t *image_indices, float *x, int64_t images, int64_t count) {
    arguments a = {.stream = stream, .image_indices = image_indices, .y = x, .count = count, .layer = input};
    zk_parallel(images, 4096 / count + LANES, normal, &a);
}

ZK_CLONES static void dropout(const void *context, int64_t begin, int64_t end) {
    const arguments *a = context;
    const int64_t count = a->channels * a->area;
    const float scale = 1.0f / (1.0f - a->rate);
    for (int64_t n = begin; n < end; n++) {
        const uint64_t first = ((uint64_t)a->layer << 46) + first_block(a->image_indices[n], count);
        for (int64_t p = 0; p < a->area; p++) {
            for (int64_t c = 0; c < a->channels; c++) {
                uint64_t element = (uint64_t)(c * a->area + p);
                uint32_t words[4];
                philox(a->stream, first + element / 4, words);
                float uniform = (float)(int32_t)(words[element % 4] >> 8) * 0x1p-24f;
                int64_t i = n * count + p * a->channels + c;
                a->y[i] = uniform >= a->rate ? a->x[i] * scale : 0;
            }
        }
    }
}

void zk_dropout(
    const zk_stream *stream, uint32_t layer, float rate, const int32_t *image_indices, const float *x, float *y,
    int64_t images, int64_t channels, int64_t area) {
    arguments a = {
        .stream = stream, .layer = layer, .rate = rate, .image_indices = image_indices, .x = x, .y = y,
        .channels = channels, .area = area};
    zk_parallel(images, LANES, dropout, &a);
}
