#include "CKernels.h"
#include "support.h"

typedef struct {
    const float *x, *dy;
    float *y;
    int64_t channels, area;
    const zk_window *window;
} arguments;

static void channels_last(const void *context, int64_t begin, int64_t end) {
    const arguments *a = context;
    for (int64_t n = begin; n < end; n++) {
        const float *x = a->x + n * a->channels * a->area;
        float *y = a->y + n * a->channels * a->area;
        for (int64_t p = 0; p < a->area; p++) {
            for (int64_t c = 0; c < a->channels; c++) y[p * a->channels + c] = x[c * a->area + p];
        }
    }
}

static void channels_first(const void *context, int64_t begin, int64_t end) {
    const arguments *a = context;
    for (int64_t n = begin; n < end; n++) {
        const float *x = a->x + n * a->channels * a->area;
        float *y = a->y + n * a->channels * a->area;
        for (int64_t c = 0; c < a->channels; c++) {
            for (int64_t p = 0; p < a->area; p++) y[c * a->area + p] = x[p * a->channels + c];
        }
    }
}

void zk_channels_last(const float *x, float *y, int64_t images, int64_t channels, int64_t area) {
    arguments a = {.x = x, .y = y, .channels = channels, .area = area};
    zk_parallel(images, LANES, channels_last, &a);
}

void zk_channels_first(const float *x, float *y, int64_t images, int64_t channels, int64_t area) {
    arguments a = {.x = x, .y = y, .channels = channels, .area = area};
    zk_parallel(images, LANES, channels_first, &a);
}

static int64_t input_count(const zk_window *w) { return w->channels * w->input_height * w->input_width; }
static int64_t output_count(const zk_window *w) { return w->channels * w->output_height * w->output_width; }

static void upsample(const void *context, int64_t begin, int64_t end) {
    const arguments *a = context;
    const zk_window *w = a->window;
    for (int64_t n = begin; n < end; n++) {
        for (int64_t r = 0; r < w->output_height; r++) {
            for (int64_t q = 0; q < w->output_width; q++) {
                int64_t from = (r / w->stride[0]) * w->input_width + q / w->stride[1];
                memcpy(
                    a->y + n * output_count(w) + (r * w->output_width + q) * w->channels,
                    a->x + n * input_count(w) + from * w->channels, (size_t)w->channels * sizeof(float));
            }
        }
    }
}

void zk_upsample(const float *x, float *y, int64_t images, const zk_window *window) {
    arguments a = {.x = x, .y = y, .window = window};
    zk_parallel(images, LANES, upsample, &a);
}

ZK_CLONES static void upsample_backward(const void *context, int64_t begin, int64_t end) {
    const arguments *a = context;
    const zk_window *w = a->window;
    for (int64_t n = begin; n < end; n++) {
        float *dx = a->y + n * input_count(w);
        memset(dx, 0, (size_t)input_count(w) * sizeof(float));
        for (int64_t r = 0; r < w->output_height; r++) {
            for (int64_t q = 0; q < w->output_width; q++) {
                float *to = dx + ((r / w->stride[0]) * w->input_width + q / w->stride[1]) * w->channels;
                const float *dy = a->dy + n * output_count(w) + (r * w->output_width + q) * w->channels;
                for (int64_t c = 0; c < w->channels; c++) to[c] += dy[c];
            }
        }
    }
}

void zk_upsample_backward(const float *dy, float *dx, int64_t images, const zk_window *window) {
    arguments a = {.dy = dy, .y = dx, .window = window};
    zk_parallel(images, LANES, upsample_backward, &a);
}

// Calls `each` for every input position inside the window of output (r, q).
#define FOR_WINDOW(w, r, q, each) \
    for (int64_t i = 0; i < (w)->kernel[0]; i++) { \
        int64_t row = (r) * (w)->stride[0] - (w)->padding[0] + i; \
        if (row < 0 || row >= (w)->input_height) continue; \
        for (int64_t j = 0; j < (w)->kernel[1]; j++) { \
            int64_t column = (q) * (w)->stride[1] - (w)->padding[1] + j; \
            if (column < 0 || column >= (w)->input_width) continue; \
            int64_t at = (row * (w)->input_width + column) * (w)->channels; \
            each \
        } \
    }

ZK_CLONES static void max_pool(const void *context, int64_t begin, int64_t end) {
    const arguments *a = context;
    const zk_window *w = a->window;
    for (int64_t n = begin; n < end; n++) {
        const float *x = a->x + n * input_count(w);
        for (int64_t r = 0; r < w->output_height; r++) {
            for (int64_t q = 0; q < w->output_width; q++) {
                float *y = a->y + n * output_count(w) + (r * w->output_width + q) * w->channels;
                for (int64_t c = 0; c < w->channels; c++) y[c] = -INFINITY;
                FOR_WINDOW(w, r, q, {
                    for (int64_t c = 0; c < w->channels; c++) y[c] = x[at + c] > y[c] ? x[at + c] : y[c];
                })
            }
        }
    }
}

void zk_max_pool(const float *x, float *y, int64_t images, const zk_window *window) {
    arguments a = {.x = x, .y = y, .window = window};
    zk_parallel(images, LANES, max_pool, &a);
}

static void max_pool_backward(const void *context, int64_t begin, int64_t end) {
    const arguments *a = context;
    const zk_window *w = a->window;
    for (int64_t n = begin; n < end; n++) {
        const float *x = a->x + n * input_count(w);
        float *dx = a->y + n * input_count(w);
        memset(dx, 0, (size_t)input_count(w) * sizeof(float));
        for (int64_t r = 0; r < w->output_height; r++) {
            for (int64_t q = 0; q < w->output_width; q++) {
                const float *dy = a->dy + n * output_count(w) + (r * w->output_width + q) * w->channels;
                for (int64_t c = 0; c < w->channels; c++) {
                    float best = -INFINITY;
                    int64_t winner = -1;
                    FOR_WINDOW(w, r, q, {
                        if (x[at + c] > best || winner < 0) {
                            best = x[at + c];
                            winner = at + c;
                        }
                    })
                    if (winner >= 0) dx[winner] += dy[c];
                }
            }
        }
    }
}

void zk_max_pool_backward(const float *dy, const float *x, float *dx, int64_t images, const zk_window *window) {
    arguments a = {.x = x, .dy = dy, .y = dx, .window = window};
    zk_parallel(images, LANES, max_pool_backward, &a);
}

ZK_CLONES static void average_pool(const void *context, int64_t begin, int64_t end) {
    const arguments *a = context;
    const zk_window *w = a->window;
    const float share = 1.0f / (float)(w->kernel[0] * w->kernel[1]);
    for (int64_t n = begin; n < end; n++) {
        const float *x = a->x + n * input_count(w);
        for (int64_t r = 0; r < w->output_height; r++) {
            for (int64_t q = 0; q < w->output_width; q++) {
                float *y = a->y + n * output_count(w) + (r * w->output_width + q) * w->channels;
                for (int64_t c = 0; c < w->channels; c++) y[c] = 0;
                FOR_WINDOW(w, r, q, {
                    for (int64_t c = 0; c < w->channels; c++) y[c] += x[at + c];
                })
                for (int64_t c = 0; c < w->channels; c++) y[c] *= share;
            }
        }
    }
}

void zk_average_pool(const float *x, float *y, int64_t images, const zk_window *window) {
    arguments a = {.x = x, .y = y, .window = window};
    zk_parallel(images, LANES, average_pool, &a);
}

ZK_CLONES static void average_pool_backward(const void *context, int64_t begin, int64_t end) {
    const arguments *a = context;
    const zk_window *w = a->window;
    const float share = 1.0f / (float)(w->kernel[0] * w->kernel[1]);
    for (int64_t n = begin; n < end; n++) {
        float *dx = a->y + n * input_count(w);
        memset(dx, 0, (size_t)input_count(w) * sizeof(float));
        for (int64_t r = 0; r < w->output_height; r++) {
            for (int64_t q = 0; q < w->output_width; q++) {
                const float *dy = a->dy + n * output_count(w) + (r * w->output_width + q) * w->channels;
                FOR_WINDOW(w, r, q, {
                    for (int64_t c = 0; c < w->channels; c++) dx[at + c] += dy[c] * share;
                })
            }
        }
    }
}

void zk_average_pool_backward(const float *dy, float *dx, int64_t images, const zk_window *window) {
    arguments a = {.dy = dy, .y = dx, .window = window};
    zk_parallel(images, LANES, average_pool_backward, &a);
}
