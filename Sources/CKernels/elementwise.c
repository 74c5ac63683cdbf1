#include "CKernels.h"
#include "support.h"

#define GRAIN 16384

typedef struct {
    zk_activation kind;
    float parameter;
    const float *x, *s, *bias;
    const uint8_t *pixels;
    float *y;
    int64_t channels, rows;
} arguments;

ZK_CLONES static void scale_pixels(const void *context, int64_t begin, int64_t end) {
    const arguments *a = context;
    const uint8_t *pixels = a->pixels;
    float *x = a->y;
    for (int64_t i = begin; i < end; i++) x[i] = (float)pixels[i] / 255.0f;
}

void zk_scale_pixels(const uint8_t *pixels, float *x, int64_t count) {
    arguments a = {.pixels = pixels, .y = x};
    zk_parallel(count, GRAIN, scale_pixels, &a);
}

#define EACH(expression) \
    for (int64_t i = begin; i < end; i++) { \
        float v = x[i]; \
        y[i] = (expression); \
    } \
    break

ZK_INLINE void activate_range(
    zk_activation kind, float p, const float *x, float *y, int64_t begin, int64_t end) {
    switch (kind) {
    case ZK_IDENTITY: EACH(v);
    case ZK_RELU: EACH(v > 0 ? v : 0);
    case ZK_LEAKY_RELU: EACH(v > 0 ? v : p * v);
    case ZK_ELU: EACH(v > 0 ? v : p * (fast_exp(v) - 1.0f));
    case ZK_GELU: EACH(v * normal_distribution(v));
    case ZK_SILU: EACH(v * fast_sigmoid(v));
    case ZK_TANH: EACH(fast_tanh(v));
    case ZK_SIGMOID: EACH(fast_sigmoid(v));
    case ZK_SOFTPLUS: EACH(fast_softplus(v));
    }
}

ZK_CLONES static void activate(const void *context, int64_t begin, int64_t end) {
    const arguments *a = context;
    activate_range(a->kind, a->parameter, a->x, a->y, begin, end);
}

void zk_activate(zk_activation kind, float parameter, const float *x, float *y, int64_t count) {
    arguments a = {.kind = kind, .parameter = parameter, .x = x, .y = y};
    zk_parallel(count, GRAIN, activate, &a);
}

ZK_CLONES static void bias_activate(const void *context, int64_t begin, int64_t end) {
    const arguments *a = context;
    const int64_t channels = a->channels;
    for (int64_t row = begin; row < end; row++) {
        float *y = a->y + row * channels;
        if (a->bias) {
            for (int64_t c = 0; c < channels; c++) y[c] += a->bias[c];
        }
        activate_range(a->kind, a->parameter, y, y, 0, channels);
    }
}

void zk_bias_activate(
    zk_activation kind, float parameter, float *y, const float *bias, int64_t rows, int64_t channels) {
    arguments a = {.kind = kind, .parameter = parameter, .y = y, .bias = bias, .channels = channels};
    zk_parallel(rows, GRAIN / channels + 1, bias_activate, &a);
}

#define EACH_GRADIENT(expression) \
    for (int64_t i = begin; i < end; i++) { \
        float v = s[i]; \
        dx[i] = dy[i] * (expression); \
    } \
    break

ZK_CLONES static void activate_backward(const void *context, int64_t begin, int64_t end) {
    const arguments *a = context;
    const float *dy = a->x, *s = a->s, p = a->parameter;
    float *dx = a->y;
    switch (a->kind) {
    case ZK_IDENTITY: EACH_GRADIENT(1.0f + 0 * v);
    case ZK_RELU: EACH_GRADIENT(v > 0 ? 1.0f : 0.0f);
    case ZK_LEAKY_RELU: EACH_GRADIENT(v > 0 ? 1.0f : p);
    case ZK_ELU: EACH_GRADIENT(v > 0 ? 1.0f : v + p);
    case ZK_GELU:
        EACH_GRADIENT(normal_distribution(v) + v * 0.39894228040143268f * fast_exp(-0.5f * v * v));
    case ZK_SILU: {
        for (int64_t i = begin; i < end; i++) {
            float g = fast_sigmoid(s[i]);
            dx[i] = dy[i] * (g * (1.0f + s[i] * (1.0f - g)));
        }
        break;
    }
    case ZK_TANH: EACH_GRADIENT(1.0f - v * v);
    case ZK_SIGMOID: EACH_GRADIENT(v * (1.0f - v));
    case ZK_SOFTPLUS: EACH_GRADIENT(1.0f - fast_exp(-v));
    }
}

void zk_activate_backward(
    zk_activation kind, float parameter, const float *dy, const float *s, float *dx, int64_t count) {
    arguments a = {.kind = kind, .parameter = parameter, .x = dy, .s = s, .y = dx};
    zk_parallel(count, GRAIN, activate_backward, &a);
}

ZK_CLONES static void add(const void *context, int64_t begin, int64_t end) {
    const arguments *a = context;
    const float *x = a->x, *s = a->s;
    float *y = a->y;
    for (int64_t i = begin; i < end; i++) y[i] = x[i] + s[i];
}

void zk_add(const float *a, const float *b, float *y, int64_t count) {
    arguments arguments = {.x = a, .s = b, .y = y};
    zk_parallel(count, GRAIN, add, &arguments);
}

#define SUM_ROWS 256

// Columns [begin, end) over all rows: sums of SUM_ROWS rows in float, those in double.
ZK_CLONES static void column_sums(const void *context, int64_t begin, int64_t end) {
    const arguments *a = context;
    const int64_t channels = a->channels, rows = a->rows;
    for (int64_t first = begin; first < end; first += LANES) {
        const int64_t width = end - first < LANES ? end - first : LANES;
        double total[LANES] = {0};
        for (int64_t row = 0; row < rows; row += SUM_ROWS) {
            const int64_t last = row + SUM_ROWS < rows ? row + SUM_ROWS : rows;
            float sum[LANES] = {0};
            if (width == LANES) {
                for (int64_t r = row; r < last; r++) {
                    for (int64_t c = 0; c < LANES; c++) sum[c] += a->x[r * channels + first + c];
                }
            } else {
                for (int64_t r = row; r < last; r++) {
                    for (int64_t c = 0; c < width; c++) sum[c] += a->x[r * channels + first + c];
                }
            }
            for (int64_t c = 0; c < width; c++) total[c] += sum[c];
        }
        for (int64_t c = 0; c < width; c++) a->y[first + c] = (float)total[c];
    }
}

void zk_column_sums(const float *x, int64_t rows, int64_t channels, float *y) {
    arguments a = {.x = x, .y = y, .rows = rows, .channels = channels};
    zk_parallel(channels, rows * channels > GRAIN ? LANES : channels + 1, column_sums, &a);
}
