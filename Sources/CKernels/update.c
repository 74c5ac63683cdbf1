#include "CKernels.h"
#include "support.h"

#define GRAIN 16384
#define PIECE 4096

typedef struct {
    const zk_update *update;
    float *parameters, *first, *second, *average;
    const float *gradients;
} arguments;

ZK_CLONES double zk_norm(const float *x, int64_t count) {
    double total = 0;
    for (int64_t begin = 0; begin < count; begin += PIECE) {
        const int64_t end = begin + PIECE < count ? begin + PIECE : count;
        float sums[LANES] = {0};
        int64_t i = begin;
        for (; i + LANES <= end; i += LANES) {
            for (int64_t j = 0; j < LANES; j++) sums[j] += x[i + j] * x[i + j];
        }
        for (int64_t j = 0; j < LANES; j++) total += sums[j];
        for (; i < end; i++) total += x[i] * x[i];
    }
    return sqrt(total);
}

ZK_CLONES static void adam(const void *context, int64_t begin, int64_t end) {
    const arguments *a = context;
    const zk_update u = *a->update;
    float *restrict p = a->parameters, *restrict m = a->first, *restrict v = a->second;
    const float *restrict gradients = a->gradients;
    const float rate = u.rate / u.correction1, root = 1.0f / square_root(u.correction2);
    const float decay = u.method == ZK_ADAMW ? 1.0f - u.rate * u.weight_decay : 1.0f;
    const float l2 = u.method == ZK_ADAM ? u.weight_decay : 0.0f;
    for (int64_t i = begin; i < end; i++) {
        float g = gradients[i] * u.gradient_scale + l2 * p[i];
        float first = u.beta1 * m[i] + (1.0f - u.beta1) * g;
        float second = u.beta2 * v[i] + (1.0f - u.beta2) * g * g;
        m[i] = first;
        v[i] = second;
        p[i] = p[i] * decay - rate * first / (square_root(second) * root + u.epsilon);
    }
}

ZK_CLONES static void sgd(const void *context, int64_t begin, int64_t end) {
    const arguments *a = context;
    const zk_update u = *a->update;
    float *p = a->parameters, *velocity = a->first;
    // Without momentum there is no velocity, whose address not even a masked load may see.
    if (!velocity) {
        for (int64_t i = begin; i < end; i++) {
            p[i] -= u.rate * (a->gradients[i] * u.gradient_scale + u.weight_decay * p[i]);
        }
        return;
    }
    for (int64_t i = begin; i < end; i++) {
        float g = a->gradients[i] * u.gradient_scale + u.weight_decay * p[i];
        velocity[i] = u.momentum * velocity[i] + g;
        p[i] -= u.rate * (u.method == ZK_NESTEROV ? g + u.momentum * velocity[i] : velocity[i]);
    }
}

ZK_CLONES static void average(const void *context, int64_t begin, int64_t end) {
    const arguments *a = context;
    const float decay = a->update->average_decay;
    for (int64_t i = begin; i < end; i++) a->average[i] = decay * a->average[i] + (1.0f - decay) * a->parameters[i];
}

static bool is_adaptive(const zk_update *u) { return u->method == ZK_ADAM || u->method == ZK_ADAMW; }

void zk_update_range(const zk_target *t, int64_t first, int64_t count, const float *gradients) {
    const arguments a = {
        .update = t->update, .parameters = t->parameters + first, .gradients = gradients,
        .first = t->first ? t->first + first : NULL, .second = t->second ? t->second + first : NULL,
        .average = t->average ? t->average + first : NULL};
    (is_adaptive(t->update) ? adam : sgd)(&a, 0, count);
    if (t->average) average(&a, 0, count);
}

void zk_update_parameters(const zk_target *t, const float *gradients, int64_t count) {
    const arguments a = {
        .update = t->update, .parameters = t->parameters, .gradients = gradients, .first = t->first,
        .second = t->second, .average = t->average};
    zk_parallel(count, GRAIN, is_adaptive(t->update) ? adam : sgd, &a);
    if (t->average) zk_parallel(count, GRAIN, average, &a);
}
