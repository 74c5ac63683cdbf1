// The kernels that compute: fused, vectorised for the processor they run on (target_clones), each shared out to a team of threads
// (threads.c).
//
// Feature maps are N H W C. `rows` counts positions (images × H × W), `channels` the elements of each. Sums are split by
// problem shape and not by thread count, so results do not depend on the number of threads; zk_tile_weights is the exception.
#ifndef CKernels_h
#define CKernels_h

#include <stdbool.h>
#include <stdint.h>

// ---- threads
// of the calling thread, which leads the team
void zk_set_thread_count(int count);
int zk_thread_count(void);
// processors that the system lets this process run on
int zk_processor_count(void);
// the most threads of a team whose number nobody has set, where that is fewer than there are processors
void zk_limit_processors(int count);

// Between these two calls the calling thread leads a team of exactly `threads` threads, OpenMP's if `on_openmp`, and all of them
// flush denormal numbers to zero: Adam's second moments decay into them, and arithmetic on them is a hundred times slower on many
// processors. The caller's own settings are restored at the end; the other threads of the team keep flushing.
typedef struct {
    int threads, omp_threads, omp_dynamic;
    bool on_openmp;
    uint32_t floating_point;
} zk_thread_settings;

zk_thread_settings zk_begin_run(int threads, bool on_openmp);
void zk_end_run(zk_thread_settings before);

// f32 operations per second of a multiply-add loop on registers on all threads: the best of some runs within `seconds`
double zk_peak_flops(double seconds);

// ---- element-wise
typedef enum {
    ZK_IDENTITY = 0,
    ZK_RELU = 1,
    ZK_LEAKY_RELU = 2,
    ZK_ELU = 3,
    ZK_GELU = 4,
    ZK_SILU = 5,
    ZK_TANH = 6,
    ZK_SIGMOID = 7,
    ZK_SOFTPLUS = 8
} zk_activation;

// Tensors behind `void *` are floats or, if `bf16`, bfloat16; arithmetic is in floats.

// x = pixels / 255
void zk_scale_pixels(const uint8_t *pixels, float *x, int64_t count);
// from float to bfloat16, rounded to nearest even, and back
void zk_to_bf16(const float *x, void *y, int64_t count);
void zk_from_bf16(const void *x, float *y, int64_t count);
// y = f(x); x and y may be the same
void zk_activate(zk_activation kind, float parameter, const void *x, void *y, bool bf16, int64_t count);
// y = f(y + bias), rows × channels; bias may be NULL
void zk_bias_activate(
    zk_activation kind, float parameter, void *y, const float *bias, bool bf16, int64_t rows, int64_t channels);
// dx = dy · f'(s), s being the input for gelu and silu and the output for all others; dx may be dy
void zk_activate_backward(
    zk_activation kind, float parameter, const void *dy, const void *s, void *dx, bool bf16, int64_t count);
// y = a + b; y may be a or b
void zk_add(const void *a, const void *b, void *y, bool bf16, int64_t count);
// y[c] = sum over rows of x[row][c]
void zk_column_sums(const void *x, bool bf16, int64_t rows, int64_t channels, float *y);

// ---- moving elements
// N × C × area to N × area × C and back
void zk_channels_last(const float *x, float *y, int64_t images, int64_t channels, int64_t area);
void zk_channels_first(const float *x, float *y, int64_t images, int64_t channels, int64_t area);

typedef struct {
    int64_t channels, input_height, input_width, output_height, output_width;
    int64_t kernel[2], stride[2], padding[2];
} zk_window;

void zk_upsample(const float *x, float *y, int64_t images, const zk_window *window);
void zk_upsample_backward(const float *dy, float *dx, int64_t images, const zk_window *window);
void zk_max_pool(const float *x, float *y, int64_t images, const zk_window *window);
void zk_max_pool_backward(const float *dy, const float *x, float *dx, int64_t images, const zk_window *window);
void zk_average_pool(const float *x, float *y, int64_t images, const zk_window *window);
void zk_average_pool_backward(const float *dy, float *dx, int64_t images, const zk_window *window);

// ---- convolutions between images of few channels and maps of many (`channels`, a multiple of 16)
//
// `window` describes the convolution from the image (input, window->channels) to the maps (output). Weights are
// kernel height × kernel width × image channels × maps. Images are floats; maps are floats or, if `bf16`, bfloat16. The images
// are done in `parts` that may run at the same time, each with its share of the workspace.

// whether the kernels below take such a convolution
bool zk_image_convolution_fits(const zk_window *window, int64_t channels);
// floats of workspace that the others need
int64_t zk_image_convolution_workspace(const zk_window *window, int64_t channels, int64_t parts);
// maps = W·image + bias, then ReLU if `relu`, then zero where `mask` (maps of the same type) is not positive; bias and mask may be
// NULL
void zk_image_to_maps(
    const float *image, const float *weights, const float *bias, bool relu, const void *mask, void *maps, bool bf16,
    float *workspace, int64_t parts, int64_t images, int64_t channels, const zk_window *window);
// image = Wᵀ·maps + bias (of the image's channels; may be NULL)
void zk_maps_to_image(
    const void *maps, bool bf16, const float *weights, const float *bias, float *image, float *workspace, int64_t parts,
    int64_t images, int64_t channels, const zk_window *window);
// dW = sum of window × maps, dbias = sum of maps; maps count as zero where `mask` is not positive. dbias and mask may be NULL.
void zk_image_convolution_weights(
    const float *image, const void *maps, const void *mask, bool bf16, float *dweights, float *dbias, float *workspace,
    int64_t parts, int64_t images, int64_t channels, const zk_window *window);

// ---- mixtures of discretised logistic distributions
//
// Pixels of 1 or 3 channels at 0 … 1 and, for each, `components` logits, then as many means of each channel, log scales of each channel
// and, of 3 channels, three coefficients (green of red, blue of red, blue of green): both N H W C. There are `samples` rows of
// parameters for each image. loss = −log p of each row, gradient = that of dloss·loss; loss, or dloss and gradient, may be NULL.
void zk_logistic_mixture(
    const float *parameters, const float *images, const float *dloss, float *loss, float *gradient, int64_t rows,
    int64_t area, int64_t channels, int64_t components, int64_t samples);

// ---- codebooks of vectors
//
// Vectors are rows of `size` floats, of which the first `rows` of `batch` count; what belongs to the others becomes zero.

// floats of workspace that the next needs
int64_t zk_quantize_workspace(int64_t codes, int64_t size);
// y = the nearest of the `codes` rows of the codebook, the first of those equally near; indices = their numbers
void zk_quantize(
    const float *x, const float *codebook, float *y, float *indices, float *workspace, int64_t rows, int64_t batch,
    int64_t size, int64_t codes);
// sizes = decay·sizes + (1 - decay)·the number of rows with that index, sums = decay·sums + (1 - decay)·the sum of these rows
void zk_codebook_sums(
    const float *x, const float *indices, float *sizes, float *sums, float decay, int64_t rows, int64_t size,
    int64_t codes);

// ---- gated convolutions
// the upper left of N H W C maps: from one height and width to another; where the result is larger, zeros are added
void zk_crop(
    const float *x, float *y, int64_t images, int64_t channels, int64_t height, int64_t width, int64_t new_height,
    int64_t new_width);
// y = tanh(a)·sigmoid(b) of rows of `channels` a and as many b
void zk_gate(const float *x, float *y, int64_t rows, int64_t channels);
void zk_gate_backward(const float *dy, const float *x, float *dx, int64_t rows, int64_t channels);

// ---- updates
typedef enum { ZK_SGD = 0, ZK_NESTEROV = 1, ZK_ADAM = 2, ZK_ADAMW = 3 } zk_method;

typedef struct {
    zk_method method;
    float rate, momentum, beta1, beta2, epsilon, weight_decay;
    float correction1, correction2;  // 1 - beta^t
    float gradient_scale;            // from clipping
    float average_decay;             // used if average != NULL
} zk_update;

// sqrt(sum of squares)
double zk_norm(const float *x, int64_t count);

// Parameters and their state; those that the method does not use are NULL.
typedef struct {
    const zk_update *update;
    float *parameters, *first, *second, *average;
} zk_target;

// All `count` elements, on the team.
void zk_update_parameters(const zk_target *target, const float *gradients, int64_t count);
// On the calling thread, the elements from `first` on; gradients are those of these elements.
void zk_update_range(const zk_target *target, int64_t first, int64_t count, const float *gradients);

// ---- linear layers y = W·x + b in f32
//
// Weights and their gradient lie in panels of 32 outputs: panel × input × 32; the last panel has 16 or 32, of which those beyond the
// outputs are zero. mask, of the side written, may be NULL: zero is written where it is not positive.

int64_t zk_linear_weight_count(int64_t inputs, int64_t outputs);
// floats that the two functions below need
int64_t zk_linear_workspace(int64_t images, int64_t inputs, int64_t outputs, int64_t workers);
// y = W·x + bias, then ReLU if `relu`; bias may be NULL
void zk_linear(
    const float *x, const float *weights, const float *bias, bool relu, const float *mask, float *y, int64_t images,
    int64_t inputs, int64_t outputs);
void zk_linear_data(
    const float *dy, const float *weights, const float *mask, float *dx, float *workspace, int64_t images, int64_t inputs,
    int64_t outputs);
// dbias may be NULL. With a target the weights are updated as soon as their gradient is computed, and dweights is not written.
void zk_linear_weights(
    const float *x, const float *dy, float *dweights, float *dbias, const zk_target *target, float *workspace,
    int64_t images, int64_t inputs, int64_t outputs);

// ---- convolutions between maps with fewer operations (Winograd by phases), in f32
//
// `window` describes the convolution from the wide side, whose channels are the window's, to the narrow side of `maps` channels.
// Weights, and their gradient, are kernel height × kernel width × channels × maps.

// whether the functions below take such a window
bool zk_winograd_fits(const zk_window *window, int64_t maps);
// floats of the transformed weights for one direction, and of workspace for all
int64_t zk_winograd_filter_count(const zk_window *window, int64_t maps, bool to_wide);
int64_t zk_winograd_workspace(const zk_window *window, int64_t maps, int64_t images, int64_t workers);
void zk_winograd_pack(const float *weights, float *filter, bool to_wide, const zk_window *window, int64_t maps);
// From the narrow to the wide side if `to_wide`, else the other way. bias, of the side written, may be NULL; ReLU if `relu`; then
// zero where `mask`, of the side written, is not positive, unless it is NULL.
void zk_winograd(
    const float *x, const float *filter, bool to_wide, const float *bias, bool relu, const float *mask, float *y,
    float *workspace, int64_t images, int64_t maps, const zk_window *window);
void zk_winograd_weights(
    const float *wide, const float *narrow, float *dweights, float *workspace, int64_t images, int64_t maps,
    const zk_window *window);

// The same convolutions with any window and any number of channels, tap by tap. To the wide side the weights are read as kernel height
// × kernel width × maps × channels, as zk_direct_convolution_pack writes them. Weights are read in whole vectors: 15 floats
// behind them must be readable, and behind the narrow side in the gradient.

int64_t zk_direct_convolution_workspace(const zk_window *window, int64_t maps, int64_t images, int64_t workers);
void zk_direct_convolution_pack(const float *weights, float *packed, const zk_window *window, int64_t maps);
void zk_direct_convolution(
    const float *x, const float *weights, bool to_wide, const float *bias, bool relu, const float *mask, float *y,
    float *workspace, int64_t images, int64_t maps, const zk_window *window);
void zk_direct_convolution_weights(
    const float *wide, const float *narrow, float *dweights, float *workspace, int64_t images, int64_t maps,
    const zk_window *window);

// ---- matrix products on tile registers (AMX)
//
// In bfloat16 with sums in f32, of tensors that are bfloat16 or f32. The work is done in `parts` that may run at the same time.
// bias, of the side written, may be NULL; ReLU if `relu`; then zero where `mask`, of the side and type written, is not
// positive, unless it is NULL.

// whether this processor and system have them
bool zk_has_tiles(void);

// Convolutions, between a wide side, which the window slides over and whose channels are the window's, and a narrow side of `maps`
// channels with a pixel for each place of the window. Weights and their gradient: kernel height × kernel width × maps × channels.

// whether the functions below take such a window
bool zk_tile_convolution_fits(const zk_window *window, int64_t maps);
// bytes
int64_t zk_tile_convolution_workspace(const zk_window *window, int64_t maps, int64_t images, int64_t parts);
// The weights in bfloat16, in the order in which the product to the wide or the narrow side reads them.
void zk_tile_pack(const float *weights, void *packed, bool to_wide, const zk_window *window, int64_t maps);
// From the narrow to the wide side if `to_wide`, else the other way.
void zk_tile_convolution(
    const void *x, bool x_bf16, const void *packed, bool to_wide, const float *bias, bool relu, const void *mask, void *y,
    bool y_bf16, void *workspace, int64_t parts, int64_t images, int64_t maps, const zk_window *window);
// Sums over a part's images come one after another, then the parts' are added: they depend on the number of parts.
void zk_tile_weights(
    const void *wide, bool wide_bf16, const void *narrow, bool narrow_bf16, float *dweights, void *workspace,
    int64_t parts, int64_t images, int64_t maps, const zk_window *window);

// Linear layers y = W·x + b. Weights and their gradient: outputs × inputs.

// bytes
int64_t zk_tile_linear_workspace(int64_t images, int64_t inputs, int64_t outputs, int64_t parts);
// From inputs to outputs if `forward`, else from outputs to inputs.
void zk_tile_linear(
    const void *x, bool x_bf16, const float *weights, bool forward, const float *bias, bool relu, const void *mask, void *y,
    bool y_bf16, void *workspace, int64_t parts, int64_t images, int64_t inputs, int64_t outputs);
void zk_tile_linear_weights(
    const void *x, bool x_bf16, const void *dy, bool dy_bf16, float *dweights, void *workspace, int64_t parts,
    int64_t images, int64_t inputs, int64_t outputs);

// ---- normalisation
// statistics over the first `rows` of `all_rows`
void zk_batch_norm(
    const float *x, const float *scale, const float *shift, float *running_mean, float *running_variance, float *y,
    float *mean, float *inverse_deviation, int64_t rows, int64_t all_rows, int64_t channels, float epsilon,
    float momentum);
void zk_batch_norm_evaluate(
    const float *x, const float *scale, const float *shift, const float *running_mean, const float *running_variance,
    float *y, int64_t rows, int64_t channels, float epsilon);
// rows are those of the images in the batch; dx is zero for the rest up to all_rows
void zk_batch_norm_backward(
    const float *dy, const float *x, const float *scale, const float *mean, const float *inverse_deviation, float *dx,
    float *dscale, float *dshift, int64_t rows, int64_t all_rows, int64_t channels);
void zk_group_norm(
    const float *x, const float *scale, const float *shift, float *y, float *mean, float *inverse_deviation,
    int64_t images, int64_t area, int64_t channels, int64_t groups, float epsilon);
// workspace holds 2 × images × channels floats
void zk_group_norm_backward(
    const float *dy, const float *x, const float *scale, const float *mean, const float *inverse_deviation, float *dx,
    float *dscale, float *dshift, float *workspace, int64_t images, int64_t area, int64_t channels, int64_t groups);

// ---- random numbers (Philox4x32-10, see Philox.swift for what the counters mean)
typedef struct {
    uint32_t key[2];
    uint32_t step;
    uint32_t purpose;
} zk_stream;

// Per image, `count` standard normal numbers from the elements that belong to its index, those of input number `input`.
void zk_normal(
    const zk_stream *stream, uint32_t input, const int32_t *image_indices, float *x, int64_t images, int64_t count);
// Element e (N C H W order) of an image is kept with probability 1 - rate and scaled by 1 / (1 - rate).
void zk_dropout(
    const zk_stream *stream, uint32_t layer, float rate, const int32_t *image_indices, const float *x, float *y,
    int64_t images, int64_t channels, int64_t area);

// ---- losses
// z, `samples` of each row of mean, log_variance, and KL per row and, as means over the `images` first of the `batch` rows, per
// dimension
void zk_latent(
    const float *mean, const float *log_variance, const float *noise, float *z, float *kl, float *kl_per_dimension,
    int64_t images, int64_t batch, int64_t size, int64_t samples);
// The gradients with respect to z, kl and kl_per_dimension may each be NULL for zero.
void zk_latent_backward(
    const float *dz, const float *dkl, const float *dkl_per_dimension, const float *mean, const float *log_variance,
    const float *noise, float *dmean, float *dlog_variance, int64_t images, int64_t batch, int64_t size,
    int64_t samples);

typedef enum { ZK_BERNOULLI = 0, ZK_GAUSSIAN = 1, ZK_GAUSSIAN_LEARNED = 2, ZK_LAPLACE = 3 } zk_likelihood;

// Adds weight × loss per row to `loss` and weight × gradient with respect to `prediction` (logits if `sigmoid`), times what
// `dloss` says of the row, to `gradient`; `first` overwrites both instead. dloss may be NULL: then each row's is
// loss_weight / images. gradient may be NULL. Rows from `images` to `batch` get zeros; `samples` rows in succession share a
// target. log_sigma and dlog_sigma only for the learned variance.
void zk_reconstruction(
    zk_likelihood likelihood, bool sigmoid, float weight, bool first, float loss_weight, const float *dloss,
    const float *prediction, const float *target, const float *log_sigma, float *loss, float *gradient,
    float *dlog_sigma, int64_t images, int64_t batch, int64_t pixels, int64_t samples);

#endif
