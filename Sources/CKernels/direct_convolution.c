#include "CKernels.h"
#include "products.h"

// Convolutions of any window and any number of channels as matrix products of rows of pixels where they lie: a product for each row
// of outputs, summed over the taps in registers.
//
// Sums over images run in a number of shares that the shapes alone decide, so results do not depend on the threads.

#define CHANNELS 64  // of a unit of the weights' gradient
#define SHARES 8     // of the images in a weights' gradient, at least as many units
#define PARTS 64     // rows of pixels summed at once

typedef struct {
    zk_window window;
    int64_t maps, images;
    const float *x, *weights, *bias, *mask;
    float *y;
    bool relu;
    int64_t groups;  // of rows of an image, for threads to share
    // images with zeros around them
    int64_t top, left, padded_height, padded_width;
    float *workspace;
    int64_t workspace_size;
    // of the weights' gradient
    const float *dy;
    float *dweights;
    int64_t blocks, shares;
} arguments;

// Division towards minus infinity.
static int64_t divide(int64_t count, int64_t unit) { return count >= 0 ? count / unit : -((unit - 1 - count) / unit); }

static void pad(const arguments *a, const float *image, int64_t height, int64_t width, int64_t channels, float *padded) {
    const int64_t pitch = a->padded_width * channels;
    const int64_t first = most(0, -a->left), count = least(width, a->padded_width - a->left) - first;
    for (int64_t row = 0; row < a->padded_height; row++, padded += pitch) {
        const int64_t y = row - a->top;
        if (y < 0 || y >= height || count <= 0) {
            memset(padded, 0, (size_t)pitch * sizeof(float));
            continue;
        }
        const int64_t before = (a->left + first) * channels, after = before + count * channels;
        memset(padded, 0, (size_t)before * sizeof(float));
        memcpy(padded + before, image + (y * width + first) * channels, (size_t)(count * channels) * sizeof(float));
        memset(padded + after, 0, (size_t)(pitch - after) * sizeof(float));
    }
}

// ---- to the narrow side

static void to_narrow(const void *context, int64_t worker, int64_t unit) {
    const arguments *a = context;
    const zk_window *w = &a->window;
    const int64_t image = unit / a->groups, group = unit % a->groups;
    const int64_t taps = w->kernel[0] * w->kernel[1];
    float *padded = a->workspace + worker * a->workspace_size;
    zk_part *parts = (zk_part *)(padded + round_up(a->padded_height * a->padded_width * w->channels, LANES));
    pad(a, a->x + image * w->input_height * w->input_width * w->channels, w->input_height, w->input_width, w->channels,
        padded);
    for (int64_t oy = w->output_height * group / a->groups; oy < w->output_height * (group + 1) / a->groups; oy++) {
        for (int64_t k = 0; k < a->maps; k += PANEL) {
            for (int64_t tap = 0; tap < taps; tap++) {
                const int64_t ky = tap / w->kernel[1], kx = tap % w->kernel[1];
                parts[tap].a = padded + ((oy * w->stride[0] + ky) * a->padded_width + kx) * w->channels;
                parts[tap].b = a->weights + tap * w->channels * a->maps + k;
            }
            const int64_t to = (image * w->output_height + oy) * w->output_width * a->maps + k;
            const zk_product p = {
                .parts = parts, .part_count = taps, .a_row = w->stride[1] * w->channels, .a_step = 1, .b_step = a->maps,
                .c = a->y + to, .c_row = a->maps, .rows = w->output_width, .depth = w->channels,
                .columns = least(PANEL, a->maps - k), .bias = a->bias ? a->bias + k : NULL, .relu = a->relu,
                .mask = a->mask ? a->mask + to : NULL};
            zk_multiply(&p);
        }
    }
}

// ---- to the wide side: pixel y of it is s·i + phase − padding, and takes row i − t of the narrow side by tap phase + s·t

static void to_wide(const void *context, int64_t worker, int64_t unit) {
    const arguments *a = context;
    const zk_window *w = &a->window;
    const int64_t image = unit / a->groups, group = unit % a->groups, channels = w->channels;
    float *padded = a->workspace + worker * a->workspace_size;
    zk_part *parts = (zk_part *)(padded + round_up(a->padded_height * a->padded_width * a->maps, LANES));
    pad(a, a->x + image * w->output_height * w->output_width * a->maps, w->output_height, w->output_width, a->maps,
        padded);
    for (int64_t y = w->input_height * group / a->groups; y < w->input_height * (group + 1) / a->groups; y++) {
        const int64_t phase_y = (y + w->padding[0]) % w->stride[0], i = (y + w->padding[0]) / w->stride[0];
        for (int64_t phase_x = 0; phase_x < w->stride[1]; phase_x++) {
            const int64_t first = most(0, -divide(phase_x - w->padding[1], w->stride[1]));
            const int64_t x = first * w->stride[1] + phase_x - w->padding[1];
            if (x >= w->input_width) continue;
            const int64_t count = (w->input_width - 1 - x) / w->stride[1] + 1;
            for (int64_t c = 0; c < channels; c += PANEL) {
                int64_t part = 0;
                for (int64_t ky = phase_y; ky < w->kernel[0]; ky += w->stride[0]) {
                    for (int64_t kx = phase_x; kx < w->kernel[1]; kx += w->stride[1], part++) {
                        const int64_t row = i - ky / w->stride[0] + a->top, column = first - kx / w->stride[1] + a->left;
                        parts[part].a = padded + (row * a->padded_width + column) * a->maps;
                        parts[part].b = a->weights + (ky * w->kernel[1] + kx) * a->maps * channels + c;
                    }
                }
                const int64_t to = ((image * w->input_height + y) * w->input_width + x) * channels + c;
                const zk_product p = {
                    .parts = parts, .part_count = part, .a_row = a->maps, .a_step = 1, .b_step = channels,
                    .c = a->y + to, .c_row = w->stride[1] * channels, .rows = count, .depth = a->maps,
                    .columns = least(PANEL, channels - c), .bias = a->bias ? a->bias + c : NULL, .relu = a->relu,
                    .mask = a->mask ? a->mask + to : NULL};
                zk_multiply(&p);
            }
        }
    }
}

// ---- the weights' gradient: for each tap a product over the pixels that it sees

// One tap, some channels, a share of the images: sums of channels × maps.
static void sum_weights(const void *context, int64_t worker, int64_t unit) {
    (void)worker;
    const arguments *a = context;
    const zk_window *w = &a->window;
    const int64_t share = unit % a->shares, tap = unit / a->shares / a->blocks;
    const int64_t channel = unit / a->shares % a->blocks * CHANNELS, channels = least(CHANNELS, w->channels - channel);
    const int64_t ky = tap / w->kernel[1], kx = tap % w->kernel[1];
    // outputs whose tap lies inside the image
    const int64_t top = most(0, -divide(ky - w->padding[0], w->stride[0]));
    const int64_t left = most(0, -divide(kx - w->padding[1], w->stride[1]));
    const int64_t bottom =
        least(w->output_height, divide(w->input_height - 1 + w->padding[0] - ky, w->stride[0]) + 1);
    const int64_t right = least(w->output_width, divide(w->input_width - 1 + w->padding[1] - kx, w->stride[1]) + 1);
    const int64_t tap_size = w->channels * a->maps;
    float *sums = a->y + (share * w->kernel[0] * w->kernel[1] + tap) * tap_size + channel * a->maps;
    const int64_t height = bottom > top && right > left ? bottom - top : 0;
    const int64_t begin = a->images * share / a->shares * height, end = a->images * (share + 1) / a->shares * height;
    if (begin == end) memset(sums, 0, (size_t)(channels * a->maps) * sizeof(float));
    zk_part parts[PARTS];
    for (int64_t row = begin; row < end; row += PARTS) {
        const int64_t count = least(PARTS, end - row);
        for (int64_t i = 0; i < count; i++) {
            const int64_t image = (row + i) / height, oy = top + (row + i) % height;
            const int64_t y = oy * w->stride[0] + ky - w->padding[0], x = left * w->stride[1] + kx - w->padding[1];
            parts[i].a = a->x + ((image * w->input_height + y) * w->input_width + x) * w->channels + channel;
            parts[i].b = a->dy + ((image * w->output_height + oy) * w->output_width + left) * a->maps;
        }
        for (int64_t k = 0; k < a->maps; k += PANEL) {
            const zk_product p = {
                .parts = parts, .part_count = count, .a_row = 1, .a_step = w->stride[1] * w->channels, .b_step = a->maps,
                .c = sums + k, .c_row = a->maps, .rows = channels, .depth = right - left,
                .columns = least(PANEL, a->maps - k), .accumulates = row > begin};
            zk_multiply(&p);
            for (int64_t i = 0; i < count; i++) parts[i].b += PANEL;
        }
    }
}

static void add_shares(const void *context, int64_t worker, int64_t tap) {
    (void)worker;
    const arguments *a = context;
    const int64_t size = a->window.channels * a->maps, all = size * a->window.kernel[0] * a->window.kernel[1];
    for (int64_t i = 0; i < size; i++) {
        float sum = 0;
        for (int64_t share = 0; share < a->shares; share++) sum += a->y[share * all + tap * size + i];
        a->dweights[tap * size + i] = sum;
    }
}

// ---- sizes

static arguments prepare(const zk_window *window, int64_t maps, int64_t images, bool is_to_wide) {
    arguments a = {.window = *window, .maps = maps, .images = images};
    const zk_window *w = window;
    if (is_to_wide) {
        a.top = (w->kernel[0] - 1) / w->stride[0];
        a.left = (w->kernel[1] - 1) / w->stride[1];
        a.padded_height = a.top + (w->input_height - 1 + w->padding[0]) / w->stride[0] + 1;
        a.padded_width = a.left + (w->input_width - 1 + w->padding[1]) / w->stride[1] + 1;
    } else {
        a.top = w->padding[0];
        a.left = w->padding[1];
        a.padded_height = (w->output_height - 1) * w->stride[0] + w->kernel[0];
        a.padded_width = (w->output_width - 1) * w->stride[1] + w->kernel[1];
    }
    const int64_t channels = is_to_wide ? maps : w->channels, parts = w->kernel[0] * w->kernel[1];
    // Products read whole vectors.
    a.workspace_size = round_up(a.padded_height * a.padded_width * channels, LANES) +
                       round_up(parts * (int64_t)(sizeof(zk_part) / sizeof(float)), LANES) + LANES;
    const int64_t rows = is_to_wide ? w->input_height : w->output_height, wanted = 2 * zk_thread_count();
    a.groups = images >= wanted ? 1 : least(rows, (wanted + images - 1) / images);
    a.blocks = (w->channels + CHANNELS - 1) / CHANNELS;
    a.shares = least(images, (SHARES + parts * a.blocks - 1) / (parts * a.blocks));
    return a;
}

int64_t zk_direct_convolution_workspace(const zk_window *window, int64_t maps, int64_t images, int64_t workers) {
    const arguments narrow = prepare(window, maps, images, false), wide = prepare(window, maps, images, true);
    const int64_t weights = window->kernel[0] * window->kernel[1] * window->channels * maps;
    const int64_t products = workers * most(narrow.workspace_size, wide.workspace_size);
    return most(products, narrow.shares > 1 ? narrow.shares * weights : 0);
}

// From tap × channel × map to tap × map × channel.
void zk_direct_convolution_pack(const float *weights, float *packed, const zk_window *window, int64_t maps) {
    const int64_t taps = window->kernel[0] * window->kernel[1];
    zk_channels_last(weights, packed, taps, window->channels, maps);
}

void zk_direct_convolution(
    const float *x, const float *weights, bool is_to_wide, const float *bias, bool relu, const float *mask, float *y,
    float *workspace, int64_t images, int64_t maps, const zk_window *window) {
    arguments a = prepare(window, maps, images, is_to_wide);
    a.x = x;
    a.weights = weights;
    a.bias = bias;
    a.relu = relu;
    a.mask = mask;
    a.y = y;
    a.workspace = workspace;
    zk_share(images * a.groups, is_to_wide ? to_wide : to_narrow, &a);
}

void zk_direct_convolution_weights(
    const float *wide, const float *narrow, float *dweights, float *workspace, int64_t images, int64_t maps,
    const zk_window *window) {
    arguments a = prepare(window, maps, images, false);
    const int64_t taps = window->kernel[0] * window->kernel[1];
    a.x = wide;
    a.dy = narrow;
    a.y = a.shares > 1 ? workspace : dweights;
    a.dweights = dweights;
    zk_share(taps * a.blocks * a.shares, sum_weights, &a);
    if (a.shares > 1) zk_share(taps, add_shares, &a);
}
