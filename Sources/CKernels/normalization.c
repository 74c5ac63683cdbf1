#include "CKernels.h"
#include "support.h"

typedef struct {
    const float *x, *dy, *scale, *shift, *mean, *inverse_deviation;
    float *y, *out_mean, *out_deviation, *running_mean, *running_variance, *dscale, *dshift, *workspace;
    int64_t rows, all_rows, channels, area, groups;
    float epsilon, momentum;
} arguments;

// Channels [begin, end) over all rows.
ZK_CLONES static void batch_norm(const void *context, int64_t begin, int64_t end) {
    const arguments *a = context;
    const int64_t channels = a->channels, rows = a->rows;
    for (int64_t c = begin; c < end; c++) {
        double sum = 0, squares = 0;
        for (int64_t r = 0; r < rows; r++) sum += a->x[r * channels + c];
        const double mean = sum / (double)rows;
        for (int64_t r = 0; r < rows; r++) {
            double d = a->x[r * channels + c] - mean;
            squares += d * d;
        }
        const double variance = squares / (double)rows;
        const double unbiased = rows > 1 ? squares / (double)(rows - 1) : variance;
        const double inverse = 1.0 / sqrt(variance + a->epsilon);
        a->out_mean[c] = (float)mean;
        a->out_deviation[c] = (float)inverse;
        a->running_mean[c] += a->momentum * ((float)mean - a->running_mean[c]);
        a->running_variance[c] += a->momentum * ((float)unbiased - a->running_variance[c]);
        const float factor = (float)inverse * a->scale[c];
        const float offset = a->shift[c] - (float)mean * factor;
        for (int64_t r = 0; r < a->all_rows; r++) a->y[r * channels + c] = a->x[r * channels + c] * factor + offset;
    }
}

void zk_batch_norm(
    const float *x, const float *scale, const float *shift, float *running_mean, float *running_variance, float *y,
    float *mean, float *inverse_deviation, int64_t rows, int64_t all_rows, int64_t channels, float epsilon,
    float momentum) {
    arguments a = {
        .x = x, .scale = scale, .shift = shift, .running_mean = running_mean, .running_variance = running_variance,
        .y = y, .out_mean = mean, .out_deviation = inverse_deviation, .rows = rows, .all_rows = all_rows,
        .channels = channels, .epsilon = epsilon, .momentum = momentum};
    zk_parallel(channels, LANES, batch_norm, &a);
}

ZK_CLONES static void batch_norm_evaluate(const void *context, int64_t begin, int64_t end) {
    const arguments *a = context;
    for (int64_t r = begin; r < end; r++) {
        const float *x = a->x + r * a->channels;
        float *y = a->y + r * a->channels;
        for (int64_t c = 0; c < a->channels; c++) {
            float factor = a->scale[c] / square_root(a->inverse_deviation[c] + a->epsilon);
            y[c] = (x[c] - a->mean[c]) * factor + a->shift[c];
        }
    }
}

void zk_batch_norm_evaluate(
    const float *x, const float *scale, const float *shift, const float *running_mean, const float *running_variance,
    float *y, int64_t rows, int64_t channels, float epsilon) {
    arguments a = {
        .x = x, .scale = scale, .shift = shift, .mean = running_mean, .inverse_deviation = running_variance, .y = y,
        .channels = channels, .epsilon = epsilon};
    zk_parallel(rows, 4096 / channels + LANES, batch_norm_evaluate, &a);
}

ZK_CLONES static void batch_norm_backward(const void *context, int64_t begin, int64_t end) {
    const arguments *a = context;
    const int64_t channels = a->channels, rows = a->rows;
    for (int64_t c = begin; c < end; c++) {
        double sum = 0, product = 0;
        for (int64_t r = 0; r < rows; r++) {
            double dy = a->dy[r * channels + c];
            sum += dy;
            product += dy * ((a->x[r * channels + c] - a->mean[c]) * a->inverse_deviation[c]);
        }
        a->dshift[c] = (float)sum;
        a->dscale[c] = (float)product;
        const float factor = a->scale[c] * a->inverse_deviation[c];
        const float mean_dy = (float)(sum / (double)rows), mean_product = (float)(product / (double)rows);
        for (int64_t r = 0; r < rows; r++) {
            int64_t i = r * channels + c;
            float normalized = (a->x[i] - a->mean[c]) * a->inverse_deviation[c];
            a->y[i] = factor * (a->dy[i] - mean_dy - normalized * mean_product);
        }
        for (int64_t r = rows; r < a->all_rows; r++) a->y[r * channels + c] = 0;
    }
}

void zk_batch_norm_backward(
    const float *dy, const float *x, const float *scale, const float *mean, const float *inverse_deviation, float *dx,
    float *dscale, float *dshift, int64_t rows, int64_t all_rows, int64_t channels) {
    arguments a = {
        .dy = dy, .x = x, .scale = scale, .mean = mean, .inverse_deviation = inverse_deviation, .y = dx,
        .dscale = dscale, .dshift = dshift, .rows = rows, .all_rows = all_rows, .channels = channels};
    zk_parallel(channels, LANES, batch_norm_backward, &a);
}

static void group_norm(const void *context, int64_t begin, int64_t end) {
    const arguments *a = context;
    const int64_t width = a->channels / a->groups;
    const double count = (double)(width * a->area);
    for (int64_t n = begin; n < end; n++) {
        const float *x = a->x + n * a->area * a->channels;
        float *y = a->y + n * a->area * a->channels;
        for (int64_t g = 0; g < a->groups; g++) {
            double sum = 0, squares = 0;
            for (int64_t p = 0; p < a->area; p++) {
                for (int64_t c = g * width; c < (g + 1) * width; c++) sum += x[p * a->channels + c];
            }
            const double mean = sum / count;
            for (int64_t p = 0; p < a->area; p++) {
                for (int64_t c = g * width; c < (g + 1) * width; c++) {
                    double d = x[p * a->channels + c] - mean;
                    squares += d * d;
                }
            }
            const float inverse = (float)(1.0 / sqrt(squares / count + a->epsilon));
            a->out_mean[n * a->groups + g] = (float)mean;
            a->out_deviation[n * a->groups + g] = inverse;
            for (int64_t p = 0; p < a->area; p++) {
                for (int64_t c = g * width; c < (g + 1) * width; c++) {
                    int64_t i = p * a->channels + c;
                    y[i] = (x[i] - (float)mean) * inverse * a->scale[c] + a->shift[c];
                }
            }
        }
    }
}

void zk_group_norm(
    const float *x, const float *scale, const float *shift, float *y, float *mean, float *inverse_deviation,
    int64_t images, int64_t area, int64_t channels, int64_t groups, float epsilon) {
    arguments a = {
        .x = x, .scale = scale, .shift = shift, .y = y, .out_mean = mean, .out_deviation = inverse_deviation,
        .area = area, .channels = channels, .groups = groups, .epsilon = epsilon};
    zk_parallel(images, LANES, group_norm, &a);
}

// Per image: dx, and the image's share of the parameter gradients into the workspace.
static void group_norm_backward(const void *context, int64_t begin, int64_t end) {
    const arguments *a = context;
    const int64_t width = a->channels / a->groups;
    const double count = (double)(width * a->area);
    for (int64_t n = begin; n < end; n++) {
        const float *x = a->x + n * a->area * a->channels, *dy = a->dy + n * a->area * a->channels;
        float *dx = a->y + n * a->area * a->channels;
        float *dscale = a->workspace + n * 2 * a->channels, *dshift = dscale + a->channels;
        for (int64_t g = 0; g < a->groups; g++) {
            const float mean = a->mean[n * a->groups + g], inverse = a->inverse_deviation[n * a->groups + g];
            double sum = 0, product = 0;
            for (int64_t c = g * width; c < (g + 1) * width; c++) {
                double shift_sum = 0, scale_sum = 0;
                for (int64_t p = 0; p < a->area; p++) {
                    int64_t i = p * a->channels + c;
                    shift_sum += dy[i];
                    scale_sum += dy[i] * (x[i] - mean) * inverse;
                }
                dshift[c] = (float)shift_sum;
                dscale[c] = (float)scale_sum;
                sum += shift_sum * a->scale[c];
                product += scale_sum * a->scale[c];
            }
            for (int64_t p = 0; p < a->area; p++) {
                for (int64_t c = g * width; c < (g + 1) * width; c++) {
                    int64_t i = p * a->channels + c;
                    double normalized = (x[i] - mean) * inverse;
                    dx[i] = (float)(inverse * (dy[i] * a->scale[c] - sum / count - normalized * product / count));
                }
            }
        }
    }
}

void zk_group_norm_backward(
    const float *dy, const float *x, const float *scale, const float *mean, const float *inverse_deviation, float *dx,
    float *dscale, float *dshift, float *workspace, int64_t images, int64_t area, int64_t channels, int64_t groups) {
    arguments a = {
        .dy = dy, .x = x, .scale = scale, .mean = mean, .inverse_deviation = inverse_deviation, .y = dx,
        .workspace = workspace, .area = area, .channels = channels, .groups = groups};
    zk_parallel(images, LANES, group_norm_backward, &a);
    for (int64_t c = 0; c < channels; c++) {
        double scale_sum = 0, shift_sum = 0;
        for (int64_t n = 0; n < images; n++) {
            scale_sum += workspace[n * 2 * channels + c];
            shift_sum += workspace[n * 2 * channels + channels + c];
        }
        dscale[c] = (float)scale_sum;
        dshift[c] = (float)shift_sum;
    }
}
