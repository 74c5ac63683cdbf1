#include "CKernels.h"
#include "support.h"

#define GRAIN 16384

#define CHUNK 512

typedef struct {
    zk_activation kind;
    float parameter;
    const void *x, *s;
    const float *bias;
    const uint8_t *pixels;
    void *y;
    bool bf16;
    int64_t channels, rows;
} arguments;

ZK_INLINE float *target(void *y, int64_t begin, bool bf16, float *buffer) {
    return bf16 ? buffer : (float *)y + begin;
}

ZK_INLINE void finish(void *y, int64_t begin, int64_t count, bool bf16, const float *buffer) {
    if (!bf16) return;
    uint16_t *to = (uint16_t *)y + begin;
    INDEPENDENT for (int64_t i = 0; i < count; i++) to[i] = to_bf16(buffer[i]);
}

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

ZK_CLONES static void halves(const void *context, int64_t begin, int64_t end) {
    const arguments *a = context;
    finish(a->y, begin, end - begin, true, (const float *)a->x + begin);
}

void zk_to_bf16(const float *x, void *y, int64_t count) {
    arguments a = {.x = x, .y = y};
    zk_parallel(count, GRAIN, halves, &a);
}

void zk_from_bf16(const void *x, float *y, int64_t count) { floats(x, 0, count, true, y); }

#define EACH(expression) \
    INDEPENDENT for (int64_t i = begin; i < end; i++) { \
        float v = x[i]; \
        y[i] = (expression); \
    } \
    break

ZK_INLINE void activate_range(
    zk_activation kind, float p, const float *x, float *y, int64_t begin, int64_t end) {
    switch (kind) {
    case ZK_IDENTITY: EACH(v);
    case ZK_RELU: EACH(v <= 0 ? 0 : v);  // NaN stays
    case ZK_LEAKY_RELU: EACH(v > 0 ? v : p * v);
    case ZK_ELU: EACH(v > 0 ? v : p * fast_expm1(v));
    case ZK_GELU: EACH(v * normal_distribution(v));
    case ZK_SILU: EACH(v * fast_sigmoid(v));
    case ZK_TANH: EACH(fast_tanh(v));
    case ZK_SIGMOID: EACH(fast_sigmoid(v));
    case ZK_SOFTPLUS: EACH(fast_softplus(v));
    }
}

ZK_CLONES static void activate(const void *context, int64_t begin, int64_t end) {
    const arguments *a = context;
    float input[CHUNK], output[CHUNK];
    for (int64_t i = begin; i < end; i += CHUNK) {
        const int64_t count = end - i < CHUNK ? end - i : CHUNK;
        float *y = target(a->y, i, a->bf16, output);
        activate_range(a->kind, a->parameter, floats(a->x, i, count, a->bf16, input), y, 0, count);
        finish(a->y, i, count, a->bf16, output);
    }
}

void zk_activate(zk_activation kind, float parameter, const void *x, void *y, bool bf16, int64_t count) {
    arguments a = {.kind = kind, .parameter = parameter, .x = x, .y = y, .bf16 = bf16};
    zk_parallel(count, GRAIN, activate, &a);
}

ZK_CLONES static void bias_activate(const void *context, int64_t begin, int64_t end) {
    const arguments *a = context;
    const int64_t channels = a->channels;
    float input[CHUNK];
    for (int64_t row = begin; row < end; row++) {
        for (int64_t c = 0; c < channels; c += CHUNK) {
            const int64_t count = channels - c < CHUNK ? channels - c : CHUNK, place = row * channels + c;
            const float *x = floats(a->y, place, count, a->bf16, input);
            float *y = target(a->y, place, a->bf16, input);
            if (a->bias) {
                INDEPENDENT for (int64_t i = 0; i < count; i++) y[i] = x[i] + a->bias[c + i];
            }
            activate_range(a->kind, a->parameter, y, y, 0, count);
            finish(a->y, place, count, a->bf16, input);
        }
    }
}

void zk_bias_activate(
    zk_activation kind, float parameter, void *y, const float *bias, bool bf16, int64_t rows, int64_t channels) {
    arguments a = {.kind = kind, .parameter = parameter, .y = y, .bias = bias, .bf16 = bf16, .channels = channels};
    zk_parallel(rows, GRAIN / channels + 1, bias_activate, &a);
}

#define EACH_GRADIENT(expression) \
    INDEPENDENT for (int64_t i = begin; i < end; i++) { \
        float v = s[i]; \
        dx[i] = dy[i] * (expression); \
    } \
    break

ZK_INLINE void gradient_range(
    zk_activation kind, float p, const float *dy, const float *s, float *dx, int64_t begin, int64_t end) {
    switch (kind) {
    case ZK_IDENTITY: EACH_GRADIENT(1.0f + 0 * v);
    case ZK_RELU: EACH_GRADIENT(v > 0 ? 1.0f : 0.0f);
    case ZK_LEAKY_RELU: EACH_GRADIENT(v > 0 ? 1.0f : p);
    case ZK_ELU: EACH_GRADIENT(v > 0 ? 1.0f : v + p);
    case ZK_GELU:
        EACH_GRADIENT(normal_distribution(v) + v * 0.39894228040143268f * fast_exp(-0.5f * v * v));
    case ZK_SILU: {
        INDEPENDENT for (int64_t i = begin; i < end; i++) {
            float g = fast_sigmoid(s[i]);
            dx[i] = dy[i] * (g * (1.0f + s[i] * (1.0f - g)));
        }
        break;
    }
    case ZK_TANH: EACH_GRADIENT(1.0f - v * v);
    case ZK_SIGMOID: EACH_GRADIENT(v * (1.0f - v));
    case ZK_SOFTPLUS: EACH_GRADIENT(-fast_expm1(-v));
    }
}

ZK_CLONES static void activate_backward(const void *context, int64_t begin, int64_t end) {
    const arguments *a = context;
    if (a->bf16 && a->kind == ZK_RELU) {
        const uint16_t *dy = a->x;
        const int16_t *s = a->s;
        uint16_t *dx = a->y;
        INDEPENDENT for (int64_t i = begin; i < end; i++) dx[i] = s[i] > 0 ? dy[i] : 0;
        return;
    }
    float first[CHUNK], second[CHUNK];
    for (int64_t i = begin; i < end; i += CHUNK) {
        const int64_t count = end - i < CHUNK ? end - i : CHUNK;
        const float *dy = floats(a->x, i, count, a->bf16, first), *s = floats(a->s, i, count, a->bf16, second);
        gradient_range(a->kind, a->parameter, dy, s, target(a->y, i, a->bf16, first), 0, count);
        finish(a->y, i, count, a->bf16, first);
    }
}

void zk_activate_backward(
    zk_activation kind, float parameter, const void *dy, const void *s, void *dx, bool bf16, int64_t count) {
    arguments a = {.kind = kind, .parameter = parameter, .x = dy, .s = s, .y = dx, .bf16 = bf16};
    zk_parallel(count, GRAIN, activate_backward, &a);
}

ZK_CLONES static void add(const void *context, int64_t begin, int64_t end) {
    const arguments *a = context;
    float first[CHUNK], second[CHUNK];
    for (int64_t i = begin; i < end; i += CHUNK) {
        const int64_t count = end - i < CHUNK ? end - i : CHUNK;
        const float *x = floats(a->x, i, count, a->bf16, first), *s = floats(a->s, i, count, a->bf16, second);
        float *y = target(a->y, i, a->bf16, first);
        INDEPENDENT for (int64_t j = 0; j < count; j++) y[j] = x[j] + s[j];
        finish(a->y, i, count, a->bf16, first);
    }
}

void zk_add(const void *a, const void *b, void *y, bool bf16, int64_t count) {
    arguments arguments = {.x = a, .s = b, .y = y, .bf16 = bf16};
    zk_parallel(count, GRAIN, add, &arguments);
}
