#include "CKernels.h"
#include "support.h"

// The mixture of discretised logistic distributions: LANES pixels of one image at a time, one component after another.

// Of one channel in one component: log P, and its derivatives by the mean and the log scale.
typedef struct {
    float value[LANES], by_mean[LANES], by_log_scale[LANES];
} byte_terms;

typedef struct {
    const float *parameters, *images, *dloss;
    float *loss, *gradient;
    int64_t area, channels, components, samples;
} arguments;

// A byte at y = -1 … 1 of which the logistic has this mean and log scale.
ZK_INLINE void byte_terms_of(const float *y, const float *mean, const float *log_scale, byte_terms *t) {
    const float half = 1.0f / 255.0f;
    for (int64_t i = 0; i < LANES; i++) {
        const float clamped = log_scale[i] < -7.0f ? -7.0f : log_scale[i];
        const float inverse = fast_exp(-clamped);
        const float above = inverse * (y[i] - mean[i] + half), below = inverse * (y[i] - mean[i] - half);
        const float ea = fast_exp(-fabsf(above)), eb = fast_exp(-fabsf(below));
        const float sa = 1.0f / (1.0f + ea), sb = 1.0f / (1.0f + eb);
        // 1 − sigmoid(above) and sigmoid(below), both without cancellation
        const float upper = above >= 0 ? ea * sa : sa, lower = below >= 0 ? sb : eb * sb;
        // F(above) − F(below) = (1 − e^(below − above))·sigmoid(above)·(1 − sigmoid(below)), above − below being the width
        const float width = 2.0f * half * inverse, share = -fast_expm1(-width);
        const float by_width = width < 1e-30f ? 1.0f : width * (1.0f - share) / share;
        const int first = y[i] < -0.999f, last = y[i] > 0.999f;
        const float straight = (last ? 0.0f : above < 0 ? above : 0.0f) - (first ? 0.0f : below > 0 ? below : 0.0f);
        t->value[i] = straight + fast_log(first ? sa : last ? sb : share * sa * sb);
        const float by_above = last ? 0.0f : upper, by_below = first ? 0.0f : -lower;
        t->by_mean[i] = -inverse * (by_above + by_below);
        const float by_scale = -(above * by_above + below * by_below + (first || last ? 0.0f : by_width));
        t->by_log_scale[i] = log_scale[i] < -7.0f ? 0.0f : by_scale;
    }
}

ZK_INLINE void gather(const float *from, int64_t stride, int64_t count, float *to) {
    for (int64_t i = 0; i < LANES; i++) to[i] = from[(i < count ? i : count - 1) * stride];
}

ZK_INLINE void scatter(const float *from, int64_t stride, int64_t count, float *to) {
    for (int64_t i = 0; i < count; i++) to[i * stride] = from[i];
}

// `count` pixels of an image: the sum of −log p, and the gradient of `scale` times that if there is one.
ZK_INLINE double pixels(
    const float *parameters, const float *image, float *gradient, float scale, int64_t count, int64_t channels,
    int64_t components) {
    const int64_t coefficients = channels == 3 ? 3 : 0;
    const int64_t maps = components * (1 + 2 * channels + coefficients);
    float y[3][LANES];
    for (int64_t c = 0; c < channels; c++) {
        gather(image + c, channels, count, y[c]);
        for (int64_t i = 0; i < LANES; i++) y[c][i] = 2.0f * y[c][i] - 1.0f;
    }
    float most[LANES], normalizer[LANES], logs[components][LANES], logits[components][LANES];
    byte_terms terms[components][channels];
    float tangents[components][coefficients ? coefficients : 1][LANES];
    for (int64_t i = 0; i < LANES; i++) most[i] = -INFINITY;
    for (int64_t k = 0; k < components; k++) {
        gather(parameters + k, maps, count, logits[k]);
        for (int64_t i = 0; i < LANES; i++) most[i] = logits[k][i] > most[i] ? logits[k][i] : most[i];
    }
    for (int64_t i = 0; i < LANES; i++) normalizer[i] = 0;
    for (int64_t k = 0; k < components; k++) {
        for (int64_t i = 0; i < LANES; i++) normalizer[i] += fast_exp(logits[k][i] - most[i]);
    }
    for (int64_t i = 0; i < LANES; i++) normalizer[i] = most[i] + fast_log(normalizer[i]);
    for (int64_t k = 0; k < components; k++) {
        for (int64_t i = 0; i < LANES; i++) logs[k][i] = logits[k][i] - normalizer[i];
        for (int64_t j = 0; j < coefficients; j++) {
            float raw[LANES];
            gather(parameters + components * (1 + 2 * channels + j) + k, maps, count, raw);
            for (int64_t i = 0; i < LANES; i++) tangents[k][j][i] = fast_tanh(raw[i]);
        }
        for (int64_t c = 0; c < channels; c++) {
            float mean[LANES], log_scale[LANES];
            gather(parameters + components * (1 + c) + k, maps, count, mean);
            gather(parameters + components * (1 + channels + c) + k, maps, count, log_scale);
            // green of red; blue of red and of green
            for (int64_t before = 0; before < c; before++) {
                for (int64_t i = 0; i < LANES; i++) mean[i] += tangents[k][c - 1 + before][i] * y[before][i];
            }
            byte_terms_of(y[c], mean, log_scale, &terms[k][c]);
            for (int64_t i = 0; i < LANES; i++) logs[k][i] += terms[k][c].value[i];
        }
    }
    float total[LANES];
    for (int64_t i = 0; i < LANES; i++) most[i] = -INFINITY;
    for (int64_t k = 0; k < components; k++) {
        for (int64_t i = 0; i < LANES; i++) most[i] = logs[k][i] > most[i] ? logs[k][i] : most[i];
    }
    for (int64_t i = 0; i < LANES; i++) total[i] = 0;
    for (int64_t k = 0; k < components; k++) {
        for (int64_t i = 0; i < LANES; i++) total[i] += fast_exp(logs[k][i] - most[i]);
    }
    double sum = 0;
    for (int64_t i = 0; i < LANES; i++) total[i] = most[i] + fast_log(total[i]);
    for (int64_t i = 0; i < count; i++) sum -= total[i];
    if (!gradient) return sum;
    for (int64_t k = 0; k < components; k++) {
        float share[LANES], d[LANES];
        for (int64_t i = 0; i < LANES; i++) {
            const float posterior = fast_exp(logs[k][i] - total[i]);
            const float prior = fast_exp(logits[k][i] - normalizer[i]);
            share[i] = -scale * posterior;
            d[i] = -scale * (posterior - prior);
        }
        scatter(d, maps, count, gradient + k);
        for (int64_t c = 0; c < channels; c++) {
            for (int64_t i = 0; i < LANES; i++) d[i] = share[i] * terms[k][c].by_mean[i];
            scatter(d, maps, count, gradient + components * (1 + c) + k);
            for (int64_t before = 0; before < c; before++) {
                const float *tangent = tangents[k][c - 1 + before];
                float e[LANES];
                for (int64_t i = 0; i < LANES; i++) e[i] = d[i] * (1.0f - tangent[i] * tangent[i]) * y[before][i];
                scatter(e, maps, count, gradient + components * (1 + 2 * channels + c - 1 + before) + k);
            }
            for (int64_t i = 0; i < LANES; i++) d[i] = share[i] * terms[k][c].by_log_scale[i];
            scatter(d, maps, count, gradient + components * (1 + channels + c) + k);
        }
    }
    return sum;
}

ZK_CLONES static void mixture(const void *context, int64_t worker, int64_t row) {
    (void)worker;
    const arguments *a = context;
    const int64_t maps = a->components * (1 + 2 * a->channels + (a->channels == 3 ? 3 : 0));
    const float *parameters = a->parameters + row * a->area * maps;
    const float *image = a->images + row / a->samples * a->area * a->channels;
    float *gradient = a->gradient ? a->gradient + row * a->area * maps : NULL;
    const float scale = a->dloss ? a->dloss[row] : 0;
    double sum = 0;
    for (int64_t pixel = 0; pixel < a->area; pixel += LANES) {
        const int64_t count = a->area - pixel < LANES ? a->area - pixel : LANES;
        sum += pixels(
            parameters + pixel * maps, image + pixel * a->channels, gradient ? gradient + pixel * maps : NULL, scale,
            count, a->channels, a->components);
    }
    if (a->loss) a->loss[row] = (float)sum;
}

void zk_logistic_mixture(
    const float *parameters, const float *images, const float *dloss, float *loss, float *gradient, int64_t rows,
    int64_t area, int64_t channels, int64_t components, int64_t samples) {
    const arguments a = {
        .parameters = parameters, .images = images, .dloss = dloss, .loss = loss, .gradient = gradient, .area = area,
        .channels = channels, .components = components, .samples = samples};
    zk_share(rows, mixture, &a);
}
