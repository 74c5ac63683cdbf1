#include "CKernels.h"
#include "support.h"

// Rows that are compared with the codebook at a time.
#define TOGETHER 4

typedef struct {
    const float *x, *codebook, *columns;
    float *y, *indices;
    int64_t rows, size, codes;
} arguments;

int64_t zk_quantize_workspace(int64_t codes, int64_t size) { return (codes + LANES - 1) / LANES * LANES * size; }

// The squared distances of `count` rows to LANES codes, whose elements lie side by side.
ZK_INLINE void distances(const float *x, const float *columns, int64_t size, int64_t count, float sums[TOGETHER][LANES]) {
    for (int64_t r = 0; r < TOGETHER; r++) {
        for (int64_t j = 0; j < LANES; j++) sums[r][j] = 0;
    }
    for (int64_t d = 0; d < size; d++) {
        const float *column = columns + d * LANES;
        for (int64_t r = 0; r < count; r++) {
            const float value = x[r * size + d];
            for (int64_t j = 0; j < LANES; j++) {
                const float difference = value - column[j];
                sums[r][j] += difference * difference;
            }
        }
    }
}

ZK_CLONES static void quantize(const void *context, int64_t begin, int64_t end) {
    const arguments *a = context;
    for (int64_t row = begin; row < end; row += TOGETHER) {
        const int64_t count = end - row < TOGETHER ? end - row : TOGETHER;
        float least[TOGETHER];
        int64_t nearest[TOGETHER];
        for (int64_t r = 0; r < TOGETHER; r++) {
            least[r] = INFINITY;
            nearest[r] = 0;
        }
        const float *x = a->x + row * a->size;
        for (int64_t first = 0; first < a->codes; first += LANES) {
            float sums[TOGETHER][LANES];
            const float *columns = a->columns + first * a->size;
            if (count == TOGETHER) distances(x, columns, a->size, TOGETHER, sums);
            else distances(x, columns, a->size, count, sums);
            const int64_t width = a->codes - first < LANES ? a->codes - first : LANES;
            for (int64_t r = 0; r < count; r++) {
                for (int64_t j = 0; j < width; j++) {
                    if (sums[r][j] < least[r]) {
                        least[r] = sums[r][j];
                        nearest[r] = first + j;
                    }
                }
            }
        }
        for (int64_t r = 0; r < count; r++) {
            const bool counts = row + r < a->rows;
            float *y = a->y + (row + r) * a->size;
            a->indices[row + r] = counts ? (float)nearest[r] : 0;
            if (counts) memcpy(y, a->codebook + nearest[r] * a->size, (size_t)a->size * sizeof(float));
            else memset(y, 0, (size_t)a->size * sizeof(float));
        }
    }
}

void zk_quantize(
    const float *x, const float *codebook, float *y, float *indices, float *workspace, int64_t rows, int64_t batch,
    int64_t size, int64_t codes) {
    // LANES codes side by side, element by element; those that fill up the last are not looked at.
    for (int64_t first = 0; first < codes; first += LANES) {
        for (int64_t d = 0; d < size; d++) {
            for (int64_t j = 0; j < LANES; j++) {
                const int64_t code = first + j < codes ? first + j : codes - 1;
                workspace[(first * size) + d * LANES + j] = codebook[code * size + d];
            }
        }
    }
    const arguments a = {
        .x = x, .codebook = codebook, .columns = workspace, .y = y, .indices = indices, .rows = rows, .size = size,
        .codes = codes};
    zk_parallel(batch, 1 << 16 > size * codes ? (1 << 16) / (size * codes) + LANES : LANES, quantize, &a);
}

ZK_CLONES void zk_codebook_sums(
    const float *x, const float *indices, float *sizes, float *sums, float decay, int64_t rows, int64_t size,
    int64_t codes) {
    const float share = 1.0f - decay;
    for (int64_t k = 0; k < codes; k++) sizes[k] *= decay;
    for (int64_t i = 0; i < codes * size; i++) sums[i] *= decay;
    for (int64_t row = 0; row < rows; row++) {
        const int64_t code = (int64_t)indices[row];
        sizes[code] += share;
        float *sum = sums + code * size;
        const float *vector = x + row * size;
        for (int64_t d = 0; d < size; d++) sum[d] += share * vector[d];
    }
}

void zk_crop(
    const float *x, float *y, int64_t images, int64_t channels, int64_t height, int64_t width, int64_t new_height,
    int64_t new_width) {
    const int64_t shared = (width < new_width ? width : new_width) * channels;
    for (int64_t n = 0; n < images; n++) {
        for (int64_t row = 0; row < new_height; row++) {
            float *to = y + (n * new_height + row) * new_width * channels;
            const int64_t kept = row < height ? shared : 0;
            if (kept) memcpy(to, x + (n * height + row) * width * channels, (size_t)kept * sizeof(float));
            memset(to + kept, 0, (size_t)(new_width * channels - kept) * sizeof(float));
        }
    }
}

typedef struct {
    const float *dy, *x;
    float *y;
    int64_t channels;
} gates;

ZK_CLONES static void gate(const void *context, int64_t begin, int64_t end) {
    const gates *g = context;
    for (int64_t row = begin; row < end; row++) {
        const float *a = g->x + row * 2 * g->channels, *b = a + g->channels;
        float *y = g->y + row * g->channels;
        for (int64_t c = 0; c < g->channels; c++) y[c] = fast_tanh(a[c]) * fast_sigmoid(b[c]);
    }
}

ZK_CLONES static void gate_backward(const void *context, int64_t begin, int64_t end) {
    const gates *g = context;
    for (int64_t row = begin; row < end; row++) {
        const float *a = g->x + row * 2 * g->channels, *b = a + g->channels, *dy = g->dy + row * g->channels;
        float *da = g->y + row * 2 * g->channels, *db = da + g->channels;
        for (int64_t c = 0; c < g->channels; c++) {
            const float t = fast_tanh(a[c]), s = fast_sigmoid(b[c]);
            da[c] = dy[c] * (1.0f - t * t) * s;
            db[c] = dy[c] * t * s * (1.0f - s);
        }
    }
}

void zk_gate(const float *x, float *y, int64_t rows, int64_t channels) {
    const gates g = {.x = x, .y = y, .channels = channels};
    zk_parallel(rows, 4096 / channels + LANES, gate, &g);
}

void zk_gate_backward(const float *dy, const float *x, float *dx, int64_t rows, int64_t channels) {
    const gates g = {.dy = dy, .x = x, .y = dx, .channels = channels};
    zk_parallel(rows, 4096 / channels + LANES, gate_backward, &g);
}
