#include "CKernels.h"
#include "support.h"

ZK_CLONES void zk_latent(
    const float *mean, const float *log_variance, const float *noise, float *z, float *kl, float *kl_per_dimension,
    int64_t images, int64_t batch, int64_t size, int64_t samples) {
    for (int64_t d = 0; d < size; d++) kl_per_dimension[d] = 0;
    for (int64_t n = 0; n < batch; n++) {
        const float *m = mean + n * size, *v = log_variance + n * size, *e = noise + n * samples * size;
        float *out = z + n * samples * size;
        if (n >= images) {
            for (int64_t d = 0; d < samples * size; d++) out[d] = 0;
            kl[n] = 0;
            continue;
        }
        double sum = 0;
        for (int64_t first = 0; first < size; first += LANES) {
            const int64_t width = size - first < LANES ? size - first : LANES;
            float parts[LANES];
            for (int64_t i = 0; i < width; i++) {
                const int64_t d = first + i;
                float deviation = fast_exp(0.5f * v[d]);
                for (int64_t k = d; k < samples * size; k += size) out[k] = m[d] + deviation * e[k];
                parts[i] = 0.5f * (m[d] * m[d] + deviation * deviation - 1.0f - v[d]);
                kl_per_dimension[d] += parts[i];
            }
            for (int64_t i = 0; i < width; i++) sum += parts[i];
        }
        kl[n] = (float)sum;
    }
    for (int64_t d = 0; d < size; d++) kl_per_dimension[d] /= (float)images;
}

ZK_CLONES void zk_latent_backward(
    const float *dz, const float *dkl, const float *dkl_per_dimension, const float *mean, const float *log_variance,
    const float *noise, float *dmean, float *dlog_variance, int64_t images, int64_t batch, int64_t size,
    int64_t samples) {
    const float share = 1.0f / (float)images;
    for (int64_t n = 0; n < batch; n++) {
        const int64_t row = n * size;
        if (n >= images) {
            for (int64_t d = row; d < row + size; d++) dmean[d] = dlog_variance[d] = 0;
            continue;
        }
        const float common = dkl ? dkl[n] : 0;
        for (int64_t d = 0; d < size; d++) {
            const int64_t i = row + d;
            const float factor = common + (dkl_per_dimension ? dkl_per_dimension[d] * share : 0);
            const float deviation = fast_exp(0.5f * log_variance[i]);
            float g = 0, g_noise = 0;
            if (dz) {
                for (int64_t k = row * samples + d; k < (row + size) * samples; k += size) {
                    g += dz[k];
                    g_noise += dz[k] * noise[k];
                }
            }
            dmean[i] = g + factor * mean[i];
            dlog_variance[i] = 0.5f * (g_noise * deviation + factor * (deviation * deviation - 1.0f));
        }
    }
}

// Images whose quadratic losses are held at a time.
#define PIECE 256

typedef struct {
    zk_likelihood likelihood;
    bool sigmoid, first;
    float weight, precision, share;  // precision = 1/σ², share = the gradient of the loss with respect to each row's
    const float *dloss;              // the same for each row by itself, if not NULL
    double offset;                   // added to each image's loss
    const float *prediction, *target;
    float *loss, *gradient;
    double *quadratic;  // per image ½‖d‖²/σ², if not NULL
    int64_t images, pixels, samples, row;  // row = the number of the first row
} arguments;

// Loss and derivative with respect to `prediction` of one pixel.
ZK_INLINE float pixel_loss(zk_likelihood likelihood, bool sigmoid, float precision, float l, float x, float *derivative) {
    if (likelihood == ZK_BERNOULLI) {
        float e = fast_exp(-fabsf(l));
        float s = 1.0f / (1.0f + e);
        float p = l >= 0 ? s : e * s;
        *derivative = p - x;
        return (l > 0 ? l : 0) - l * x + fast_log(1.0f + e);
    }
    float p = sigmoid ? fast_sigmoid(l) : l;
    float link = sigmoid ? p * (1.0f - p) : 1.0f;
    float d = p - x;
    if (likelihood == ZK_LAPLACE) {
        *derivative = d > 0 ? link : d < 0 ? -link : 0;
        return fabsf(d);
    }
    *derivative = d * precision * link;
    return 0.5f * d * d * precision;
}

// The loss of one image: LANES sums in float, those in double.
ZK_INLINE double image_loss(const arguments *a, zk_likelihood likelihood, bool sigmoid, int64_t n) {
    const float *prediction = a->prediction + n * a->pixels;
    const float *target = a->target + (a->samples == 1 ? n : (a->row + n) / a->samples) * a->pixels;
    float *gradient = a->gradient ? a->gradient + n * a->pixels : NULL;
    const float scale = a->weight * (a->dloss ? a->dloss[n] : a->share);
    float sums[LANES] = {0};
    const int64_t whole = a->pixels / LANES * LANES;
    for (int64_t i = 0; i < whole; i += LANES) {
        float derivatives[LANES];
        for (int64_t j = 0; j < LANES; j++) {
            sums[j] += pixel_loss(likelihood, sigmoid, a->precision, prediction[i + j], target[i + j], &derivatives[j]);
        }
        if (gradient && a->first) {
            for (int64_t j = 0; j < LANES; j++) gradient[i + j] = scale * derivatives[j];
        } else if (gradient) {
            for (int64_t j = 0; j < LANES; j++) gradient[i + j] += scale * derivatives[j];
        }
    }
    double total = 0;
    for (int64_t j = 0; j < LANES; j++) total += sums[j];
    for (int64_t i = whole; i < a->pixels; i++) {
        float derivative;
        total += pixel_loss(likelihood, sigmoid, a->precision, prediction[i], target[i], &derivative);
        if (gradient) gradient[i] = scale * derivative + (a->first ? 0 : gradient[i]);
    }
    return total;
}

ZK_CLONES static void reconstruction(const void *context, int64_t begin, int64_t end) {
    const arguments *a = context;
    for (int64_t n = begin; n < end; n++) {
        if (n >= a->images) {
            a->loss[n] = 0;
            if (a->gradient) memset(a->gradient + n * a->pixels, 0, (size_t)a->pixels * sizeof(float));
            continue;
        }
        double total;
        // The kind is constant here, so each call is a loop of its own.
        switch (a->likelihood) {
        case ZK_BERNOULLI: total = image_loss(a, ZK_BERNOULLI, true, n); break;
        case ZK_LAPLACE:
            total = a->sigmoid ? image_loss(a, ZK_LAPLACE, true, n) : image_loss(a, ZK_LAPLACE, false, n);
            break;
        default:
            total = a->sigmoid ? image_loss(a, ZK_GAUSSIAN, true, n) : image_loss(a, ZK_GAUSSIAN, false, n);
            break;
        }
        if (a->quadratic) a->quadratic[n] = total;
        total = a->weight * (total + a->offset);
        a->loss[n] = (float)(a->first ? total : total + a->loss[n]);
    }
}

void zk_reconstruction(
    zk_likelihood likelihood, bool sigmoid, float weight, bool first, float loss_weight, const float *dloss,
    const float *prediction, const float *target, const float *log_sigma, float *loss, float *gradient,
    float *dlog_sigma, int64_t images, int64_t batch, int64_t pixels, int64_t samples) {
    arguments a = {
        .likelihood = likelihood, .sigmoid = sigmoid, .weight = weight, .first = first, .precision = 1,
        .share = loss_weight * (1.0f / (float)images), .dloss = dloss, .prediction = prediction, .target = target,
        .loss = loss, .gradient = gradient, .images = images, .pixels = pixels, .samples = samples};
    if (likelihood != ZK_GAUSSIAN_LEARNED) {
        zk_parallel(batch, 4096 / pixels + LANES, reconstruction, &a);
        return;
    }
    a.precision = expf(-2.0f * *log_sigma);
    a.offset = (double)pixels * *log_sigma;
    // ∂/∂s (½‖d‖²e^(-2s) + P·s) = P - ‖d‖²e^(-2s)
    double derivative = 0;
    for (int64_t start = 0; start < batch; start += PIECE) {
        double quadratic[PIECE];
        arguments piece = a;
        piece.prediction += start * pixels;
        if (samples == 1) piece.target += start * pixels;
        piece.loss += start;
        if (gradient) piece.gradient += start * pixels;
        if (dloss) piece.dloss += start;
        piece.row = start;
        piece.quadratic = quadratic;
        piece.images = images - start;
        zk_parallel(batch - start < PIECE ? batch - start : PIECE, 4096 / pixels + LANES, reconstruction, &piece);
        for (int64_t n = 0; n < PIECE && start + n < images; n++) {
            const double of_row = (double)pixels - 2 * quadratic[n];
            derivative += dloss ? of_row * dloss[start + n] : of_row;
        }
    }
    if (!dlog_sigma) return;
    *dlog_sigma = (float)(dloss ? weight * derivative : weight * loss_weight * derivative / (double)images);
}
