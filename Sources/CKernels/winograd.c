#include "CKernels.h"
#include "winograd.h"

// Convolutions of stride 2 with 3 or 4 taps in each direction by phases: the even and the odd rows and columns of the wide side are
// four maps of their own, between each of which and the narrow side lies a convolution of stride 1 with two taps or one (DWM,
// arXiv:2002.00552). Those are done by Winograd's algorithm in blocks of tiles that stay in the cache: transform, products of
// all tiles of a block at each point, transform back. The four phases add up before the transform back.
//
// A block's tiles lie by kind, first those cut short at the lower edge, then the whole ones, then those cut at the right and at
// both edges; so the tiles that use a point lie side by side.

#define PADDING LANES    // floats between rows, against conflicts in the cache
#define MAXIMUM_CHANNELS 2048
#define SIDE (LARGEST + 1)

static const float zeros[MAXIMUM_CHANNELS];

// A row or column of outputs cut into tiles. The last one of the largest size 4 may be of three; what hangs over is not written.
typedef struct {
    int64_t first, count;  // outputs
    int64_t whole;         // tiles of the largest size
    bool edge;             // whether one more, of three, follows
} cut;

#define EDGE 3

static cut cut_into(int64_t first, int64_t count, int64_t largest) {
    if (largest < LARGEST) return (cut){first, count, (count + largest - 1) / largest, false};
    return (cut){first, count, count / LARGEST, count % LARGEST > 0};
}

static int64_t tiles(cut c) { return c.whole + c.edge; }

typedef struct {
    zk_window window;
    int64_t maps, images, largest;
    // whether the odd phase of rows and columns has a single tap
    bool single[2];
    const float *wide, *narrow, *filter, *bias, *mask;
    float *out;
    bool relu;
    // images of a block, or else rows of tiles of one image
    int64_t block_images, block_rows, bands;
    float *workspace;
    int64_t workspace_size, tiles, workers;
    // of the weights' gradient
    int64_t group, splits;
    float *sums;
} arguments;

// The tiles of a block: images from `image`, rows of tiles from `row`.
typedef struct {
    int64_t image, images, row, whole_rows, edge_rows;
    cut rows, columns;
    int64_t start[5];  // of the tiles of each kind, and their end
} block;

static block make_block(const arguments *a, cut rows, cut columns, int64_t unit) {
    block b = {.rows = rows, .columns = columns};
    b.image = unit / a->bands * a->block_images;
    b.images = least(a->block_images, a->images - b.image);
    b.row = unit % a->bands * a->block_rows;
    const int64_t end = least(b.row + a->block_rows, tiles(rows));
    b.row = least(b.row, end);
    b.whole_rows = most(0, least(end, rows.whole) - b.row);
    b.edge_rows = end - b.row - b.whole_rows;
    const int64_t edge_columns = columns.edge;
    const int64_t counts[4] = {
        b.edge_rows * columns.whole, b.whole_rows * columns.whole, b.whole_rows * edge_columns,
        b.edge_rows * edge_columns};
    for (int kind = 0; kind < 4; kind++) b.start[kind + 1] = b.start[kind] + b.images * counts[kind];
    return b;
}

// The images of the block that this thread may take after `unit`, to be fetched in the meantime; those of the block at `out` to be
// written.
static zk_fetch fetch_next(
    const arguments *a, const block *b, int64_t unit, const float *in, int64_t in_size, const float *out, int64_t out_size) {
    zk_fetch f = {.next = 0};
    if (a->bands > 1) return f;
    const int64_t next = (unit + a->workers) * a->block_images;
    if (out) {
        f.from[f.count++] = out + b->image * out_size;
        f.writes = true;
        f.end = b->images * out_size;
    }
    if (next + a->block_images <= a->images) {
        f.from[f.count++] = in + next * in_size;
        f.end = most(f.end, b->images * in_size);
    }
    return f;
}

// The tiles of a block that use a point.
static void range(const arguments *a, const block *b, int64_t i, int64_t j, int64_t *begin, int64_t *end) {
    const bool edge_row = i == a->largest || i < EDGE, edge_column = j == a->largest || j < EDGE;
    *begin = b->start[edge_row ? 0 : 1];
    *end = b->start[edge_column ? (edge_row ? 4 : 3) : 2];
}

// A tile of h × w outputs of which those before `rows` and `columns` exist.
typedef struct {
    int64_t image, row, column, rows, columns;
} place;

// Calls CALL(rows, columns, its place, its number) for each tile of a block, the first two as constants.
#define FOR_TILES(A, B, CALL)                                                                                      \
    for (int kind = 0; kind < 4; kind++) {                                                                         \
        const bool bottom = kind == 0 || kind == 3, right = kind >= 2;                                             \
        const int64_t first_row = bottom ? (B)->rows.whole : (B)->row;                                             \
        const int64_t last_row = first_row + (bottom ? (B)->edge_rows : (B)->whole_rows);                          \
        const int64_t first_column = right ? (B)->columns.whole : 0;                                               \
        const int64_t last_column = right ? tiles((B)->columns) : (B)->columns.whole;                              \
        int64_t tile = (B)->start[kind];                                                                           \
        for (int64_t n = (B)->image; n < (B)->image + (B)->images; n++) {                                          \
            for (int64_t ty = first_row; ty < last_row; ty++) {                                                    \
                for (int64_t tx = first_column; tx < last_column; tx++, tile++) {                                  \
                    const int64_t y = ty * (A)->largest, x = tx * (A)->largest;                                    \
                    const place t = {                                                                              \
                        n, (B)->rows.first + y, (B)->columns.first + x, (B)->rows.count - y, (B)->columns.count - x}; \
                    if ((A)->largest == 2) {                                                                       \
                        CALL(2, 2, t, tile)                                                                        \
                    } else if (kind == 0) {                                                                        \
                        CALL(3, 4, t, tile)                                                                        \
                    } else if (kind == 1) {                                                                        \
                        CALL(4, 4, t, tile)                                                                        \
                    } else if (kind == 2) {                                                                        \
                        CALL(4, 3, t, tile)                                                                        \
                    } else {                                                                                       \
                        CALL(3, 3, t, tile)                                                                        \
                    }                                                                                              \
                }                                                                                                  \
            }                                                                                                      \
        }                                                                                                          \
    }

// Where a point of a tile lies among all points: the last is ∞.
#define POINT(I, T) ((I) < (T) ? (I) : largest)

// ---- transforms of tiles

// The inputs of a tile of h × w outputs on the wide side, of all four phases: values[point · step + phase · channels + channel].
ZK_INLINE void wide_points(
    const arguments *a, const int h, const int w, place t, int64_t channel, int64_t channels, float *values, int64_t step) {
    const zk_window *p = &a->window;
    const int64_t largest = a->largest, all = p->channels;
    const float *image = a->wide + t.image * p->input_height * p->input_width * all + channel;
    const float *at[2 * SIDE][2 * SIDE];
    UNROLL for (int i = 0; i < 2 * h + 2; i++) {
        const int64_t y = 2 * t.row - p->padding[0] + i;
        const bool inside = y >= 0 && y < p->input_height;
        const float *row = image + y * p->input_width * all;
        UNROLL for (int j = 0; j < 2 * w + 2; j++) {
            const int64_t x = 2 * t.column - p->padding[1] + j;
            at[i][j] = inside && x >= 0 && x < p->input_width ? row + x * all : zeros;
        }
    }
    for (int phase = 0; phase < 4; phase++) {
        const int odd_row = phase >> 1, odd_column = phase & 1;
        // A single tap has no use for the last row or column.
        const bool short_row = odd_row && a->single[0], short_column = odd_column && a->single[1];
        for (int64_t c = 0; c < channels; c += LANES) {
            vector d[SIDE * SIDE];
            UNROLL for (int i = 0; i <= h; i++) {
                UNROLL for (int j = 0; j <= w; j++) {
                    const bool unused = (i == h && short_row) || (j == w && short_column);
                    d[i * SIDE + j] = unused ? (vector){0} : load(at[2 * i + odd_row][2 * j + odd_column] + c);
                }
            }
            UNROLL for (int j = 0; j <= w; j++) {
                if (!(j == w && short_column)) input_points(h, d + j, SIDE);
            }
            UNROLL for (int i = 0; i <= h; i++) {
                if (!(i == h && short_row)) input_points(w, d + i * SIDE, 1);
            }
            float *to = values + phase * channels + c;
            UNROLL for (int i = 0; i <= h; i++) {
                UNROLL for (int j = 0; j <= w; j++) {
                    if ((i == h && short_row) || (j == w && short_column)) continue;
                    store(to + (POINT(i, h) * (largest + 1) + POINT(j, w)) * step, d[i * SIDE + j]);
                }
            }
        }
    }
}

// The inputs of a tile of h × w outputs of a phase of the wide side, on the narrow side.
ZK_INLINE void narrow_points(
    const arguments *a, const int h, const int w, place t, float *values, int64_t step) {
    const zk_window *p = &a->window;
    const int64_t largest = a->largest, maps = a->maps;
    const float *image = a->narrow + t.image * p->output_height * p->output_width * maps;
    const float *at[SIDE][SIDE];
    UNROLL for (int i = 0; i <= h; i++) {
        const int64_t y = t.row - 1 + i;
        const bool inside = y >= 0 && y < p->output_height;
        const float *row = image + y * p->output_width * maps;
        UNROLL for (int j = 0; j <= w; j++) {
            const int64_t x = t.column - 1 + j;
            at[i][j] = inside && x >= 0 && x < p->output_width ? row + x * maps : zeros;
        }
    }
    for (int64_t c = 0; c < maps; c += LANES) {
        vector d[SIDE * SIDE];
        UNROLL for (int i = 0; i <= h; i++) {
            UNROLL for (int j = 0; j <= w; j++) d[i * SIDE + j] = load(at[i][j] + c);
        }
        UNROLL for (int j = 0; j <= w; j++) input_points(h, d + j, SIDE);
        UNROLL for (int i = 0; i <= h; i++) input_points(w, d + i * SIDE, 1);
        UNROLL for (int i = 0; i <= h; i++) {
            UNROLL for (int j = 0; j <= w; j++) {
                store(values + c + (POINT(i, h) * (largest + 1) + POINT(j, w)) * step, d[i * SIDE + j]);
            }
        }
    }
}

// The gradients of the h × w outputs of a tile of the narrow side at its points.
ZK_INLINE void gradient_points(
    const arguments *a, const int h, const int w, place t, float *values, int64_t step) {
    const zk_window *p = &a->window;
    const int64_t largest = a->largest, maps = a->maps;
    const float *from = a->narrow + ((t.image * p->output_height + t.row) * p->output_width + t.column) * maps;
    for (int64_t c = 0; c < maps; c += LANES) {
        vector d[SIDE * SIDE];
        UNROLL for (int i = 0; i < h; i++) {
            UNROLL for (int j = 0; j < w; j++) {
                const bool exists = i < t.rows && j < t.columns;
                d[i * SIDE + j] = exists ? load(from + (i * p->output_width + j) * maps + c) : (vector){0};
            }
        }
        UNROLL for (int i = 0; i < h; i++) output_gradients(w, d + i * SIDE, 1);
        UNROLL for (int j = 0; j <= w; j++) output_gradients(h, d + j, SIDE);
        UNROLL for (int i = 0; i <= h; i++) {
            UNROLL for (int j = 0; j <= w; j++) {
                store(values + c + (POINT(i, h) * (largest + 1) + POINT(j, w)) * step, d[i * SIDE + j]);
            }
        }
    }
}

// The h × w outputs of a tile from its points, to memory with steps of `row` and `column`. The points that `no_row` or
// `no_column` name, the first row or column, count as zero.
ZK_INLINE void tile_outputs(
    const arguments *a, const int h, const int w, place t, const float *points, int64_t step, bool no_row,
    bool no_column, int64_t channels, int64_t out, int64_t row, int64_t column) {
    const int64_t largest = a->largest;
    for (int64_t c = 0; c < channels; c += LANES) {
        vector d[SIDE * SIDE];
        UNROLL for (int i = 0; i <= h; i++) {
            UNROLL for (int j = 0; j <= w; j++) {
                const bool none = (i == 0 && no_row) || (j == 0 && no_column);
                d[i * SIDE + j] =
                    none ? (vector){0} : load(points + c + (POINT(i, h) * (largest + 1) + POINT(j, w)) * step);
            }
        }
        UNROLL for (int j = 0; j <= w; j++) output_values(h, d + j, SIDE);
        UNROLL for (int i = 0; i < h; i++) output_values(w, d + i * SIDE, 1);
        const vector bias = a->bias ? load(a->bias + c) : (vector){0};
        UNROLL for (int i = 0; i < h; i++) {
            UNROLL for (int j = 0; j < w; j++) {
                if (i >= t.rows || j >= t.columns) continue;
                const int64_t index = out + i * row + j * column + c;
                vector y = d[i * SIDE + j] + bias;
                if (a->relu) y = positive(y);
                if (a->mask) y = masked(y, load(a->mask + index));
                store(a->out + index, y);
            }
        }
    }
}

// ---- to the narrow side

// Products at a point of all tiles that use it, with the filter of the phases that have taps there.
static void multiply_phases(
    const arguments *a, int64_t i, int64_t j, const float *values, int64_t values_row, float *points, int64_t points_row,
    int64_t count, zk_fetch *fetch) {
    const int64_t largest = a->largest, channels = a->window.channels, depth = 4 * channels;
    const float *filter = a->filter + (i * (largest + 1) + j) * depth * a->maps;
    bool uses[5] = {false};
    for (int phase = 0; phase < 4; phase++) {
        uses[phase] =
            !(i == largest && phase >= 2 && a->single[0]) && !(j == largest && (phase & 1) && a->single[1]);
    }
    for (int64_t k = 0; k < a->maps; k += PANEL) {
        const int64_t columns = least(PANEL, a->maps - k);
        bool accumulates = false;
        for (int phase = 0; phase < 4; phase++) {
            if (!uses[phase]) continue;
            int end = phase + 1;
            while (uses[end]) end++;
            const zk_product p = {
                .a = values + phase * channels, .a_row = values_row, .a_step = 1,
                .b = filter + k * depth + phase * channels * columns, .b_step = columns, .c = points + k,
                .c_row = points_row, .rows = count, .depth = (end - phase) * channels, .columns = columns,
                .accumulates = accumulates, .fetch = fetch};
            zk_multiply(&p);
            accumulates = true;
            phase = end - 1;
        }
    }
}

ZK_CLONES static void narrow_block(const void *context, int64_t worker, int64_t unit) {
    const arguments *a = context;
    const zk_window *p = &a->window;
    const int64_t side = a->largest + 1, depth = 4 * p->channels;
    const int64_t values_row = depth + PADDING, points_row = a->maps + PADDING;
    const int64_t values_step = a->tiles * values_row + LANES, points_step = a->tiles * points_row + LANES;
    float *values = a->workspace + worker * a->workspace_size, *points = values + side * side * values_step;
    const block b = make_block(
        a, cut_into(0, p->output_height, a->largest), cut_into(0, p->output_width, a->largest), unit);
#define CALL(H, W, PLACE, TILE) wide_points(a, H, W, PLACE, 0, p->channels, values + TILE * values_row, values_step);
    FOR_TILES(a, &b, CALL)
#undef CALL
    zk_fetch fetch = fetch_next(
        a, &b, unit, a->wide, p->input_height * p->input_width * p->channels, a->out,
        p->output_height * p->output_width * a->maps);
    for (int64_t i = 0; i < side; i++) {
        for (int64_t j = 0; j < side; j++) {
            int64_t begin, end;
            range(a, &b, i, j, &begin, &end);
            const int64_t point = i * side + j;
            multiply_phases(
                a, i, j, values + point * values_step + begin * values_row, values_row,
                points + point * points_step + begin * points_row, points_row, end - begin, &fetch);
        }
    }
    const int64_t row = p->output_width * a->maps;
#define CALL(H, W, PLACE, TILE)                                                                  \
    tile_outputs(                                                                                \
        a, H, W, PLACE, points + TILE * points_row, points_step, false, false, a->maps,          \
        (PLACE.image * p->output_height + PLACE.row) * row + PLACE.column * a->maps, row, a->maps);
    FOR_TILES(a, &b, CALL)
#undef CALL
}

// ---- to the wide side

// The outputs of a phase along one side: pixels 2 i + phase − padding of it.
static cut phase_cut(int64_t phase, int64_t padding, int64_t extent, int64_t largest) {
    const int64_t first = padding > phase ? (padding - phase + 1) / 2 : 0;
    const int64_t end = (extent - 1 + padding - phase) / 2 + 1;
    return cut_into(first, extent - 1 + padding < phase || end < first ? 0 : end - first, largest);
}

ZK_CLONES static void wide_block(const void *context, int64_t worker, int64_t unit) {
    const arguments *a = context;
    const zk_window *p = &a->window;
    const int64_t side = a->largest + 1, channels = p->channels;
    const int64_t values_row = a->maps + PADDING, points_row = channels + PADDING;
    const int64_t values_step = a->tiles * values_row + LANES, points_step = a->tiles * points_row + LANES;
    float *values = a->workspace + worker * a->workspace_size, *points = values + side * side * values_step;
    const int64_t row = p->input_width * channels;
    for (int phase = 0; phase < 4; phase++) {
        const int odd_row = phase >> 1, odd_column = phase & 1;
        const bool no_row = odd_row && a->single[0], no_column = odd_column && a->single[1];
        const block b = make_block(
            a, phase_cut(odd_row, p->padding[0], p->input_height, a->largest),
            phase_cut(odd_column, p->padding[1], p->input_width, a->largest), unit);
#define CALL(H, W, PLACE, TILE) narrow_points(a, H, W, PLACE, values + TILE * values_row, values_step);
        FOR_TILES(a, &b, CALL)
#undef CALL
        zk_fetch fetch = {.next = 0};
        if (phase == 3) {
            fetch = fetch_next(a, &b, unit, a->narrow, p->output_height * p->output_width * a->maps, NULL, 0);
        }
        for (int64_t i = no_row; i < side; i++) {
            for (int64_t j = no_column; j < side; j++) {
                int64_t begin, end;
                range(a, &b, i, j, &begin, &end);
                const int64_t point = i * side + j;
                for (int64_t c = 0; c < channels; c += PANEL) {
                    const int64_t columns = least(PANEL, channels - c);
                    const zk_product product = {
                        .a = values + point * values_step + begin * values_row, .a_row = values_row, .a_step = 1,
                        .b = a->filter + ((phase * side * side + point) * channels + c) * a->maps, .b_step = columns,
                        .c = points + point * points_step + begin * points_row + c, .c_row = points_row,
                        .rows = end - begin, .depth = a->maps, .columns = columns, .fetch = &fetch};
                    zk_multiply(&product);
                }
            }
        }
#define CALL(H, W, PLACE, TILE)                                                                  \
    tile_outputs(                                                                                \
        a, H, W, PLACE, points + TILE * points_row, points_step, no_row, no_column, channels,    \
        (PLACE.image * p->input_height + 2 * PLACE.row + odd_row - p->padding[0]) * row +        \
            (2 * PLACE.column + odd_column - p->padding[1]) * channels,                          \
        2 * row, 2 * channels);
        FOR_TILES(a, &b, CALL)
#undef CALL
    }
}

// ---- the weights' gradient

// One group of channels, one share of the images: sums[point][phase · group + channel][map].
ZK_CLONES static void sum_weights(const void *context, int64_t worker, int64_t unit) {
    const arguments *a = context;
    const zk_window *p = &a->window;
    const int64_t largest = a->largest, side = largest + 1, groups = p->channels / a->group;
    const int64_t channel = unit % groups * a->group, split = unit / groups, depth = 4 * a->group;
    const int64_t values_row = depth + PADDING, points_row = a->maps + PADDING;
    const int64_t values_step = a->tiles * values_row + LANES, points_step = a->tiles * points_row + LANES;
    float *values = a->workspace + worker * a->workspace_size, *points = values + side * side * values_step;
    float *sums = a->sums + unit * side * side * depth * a->maps;
    const int64_t blocks = (a->images + a->block_images - 1) / a->block_images * a->bands;
    const int64_t first = blocks * split / a->splits, last = blocks * (split + 1) / a->splits;
    bool written[SIDE * SIDE] = {false};
    for (int64_t index = first; index < last; index++) {
        const block b = make_block(
            a, cut_into(0, p->output_height, largest), cut_into(0, p->output_width, largest), index);
#define CALL(H, W, PLACE, TILE)                                                                  \
    wide_points(a, H, W, PLACE, channel, a->group, values + TILE * values_row, values_step);     \
    gradient_points(a, H, W, PLACE, points + TILE * points_row, points_step);
        FOR_TILES(a, &b, CALL)
#undef CALL
        zk_fetch fetch = {.next = 0};
        if (a->bands == 1 && index + 1 < last && b.image + b.images + a->block_images <= a->images) {
            const int64_t wide = p->input_height * p->input_width * p->channels;
            const int64_t narrow = p->output_height * p->output_width * a->maps;
            fetch = (zk_fetch){
                .from = {a->wide + (b.image + b.images) * wide, a->narrow + (b.image + b.images) * narrow}, .count = 2,
                .end = b.images * most(wide, narrow)};
        }
        for (int64_t i = 0; i < side; i++) {
            for (int64_t j = 0; j < side; j++) {
                int64_t begin, end;
                range(a, &b, i, j, &begin, &end);
                const int64_t point = i * side + j;
                if (begin == end) continue;
                for (int phase = 0; phase < 4; phase++) {
                    // A single tap has no gradient at ∞.
                    if ((i == largest && phase >= 2 && a->single[0]) || (j == largest && (phase & 1) && a->single[1])) {
                        continue;
                    }
                    for (int64_t k = 0; k < a->maps; k += PANEL) {
                        const zk_product product = {
                            .a = values + point * values_step + begin * values_row + phase * a->group, .a_row = 1,
                            .a_step = values_row, .b = points + point * points_step + begin * points_row + k,
                            .b_step = points_row, .c = sums + (point * depth + phase * a->group) * a->maps + k,
                            .c_row = a->maps, .rows = a->group, .depth = end - begin,
                            .columns = least(PANEL, a->maps - k), .accumulates = written[point], .fetch = &fetch};
                        zk_multiply(&product);
                    }
                }
                written[point] = true;
            }
        }
    }
    for (int64_t point = 0; point < side * side; point++) {
        if (!written[point]) {
            memset(sums + point * depth * a->maps, 0, (size_t)(depth * a->maps) * sizeof(float));
        }
    }
}

// A filter's taps of one phase and channel, vectors of maps: those that are missing are zero.
ZK_INLINE void phase_taps(const arguments *a, int phase, vector taps[4], const float *weights, int64_t tap) {
    for (int t = 0; t < 4; t++) {
        const int64_t y = 2 * (t >> 1) + (phase >> 1), x = 2 * (t & 1) + (phase & 1);
        const bool present = y < a->window.kernel[0] && x < a->window.kernel[1];
        taps[t] = present ? load(weights + (y * a->window.kernel[1] + x) * tap) : (vector){0};
    }
}

ZK_INLINE void all_points(const int largest, const vector taps[4], vector u[SIDE * SIDE]) {
    vector rows[2 * SIDE];
    filter_points(largest, taps[0], taps[2], rows, 2);
    filter_points(largest, taps[1], taps[3], rows + 1, 2);
    UNROLL for (int i = 0; i <= largest; i++) {
        filter_points(largest, rows[2 * i], rows[2 * i + 1], u + i * (largest + 1), 1);
    }
}

ZK_INLINE void finish_channel(const arguments *a, const int largest, int64_t channel) {
    const int64_t points = (largest + 1) * (largest + 1), depth = 4 * a->group, groups = a->window.channels / a->group;
    const int64_t part = points * depth * a->maps, tap = a->window.channels * a->maps;
    for (int phase = 0; phase < 4; phase++) {
        const float *from = a->sums + channel / a->group * part + (phase * a->group + channel % a->group) * a->maps;
        for (int64_t k = 0; k < a->maps; k += LANES) {
            vector u[SIDE * SIDE], rows[2 * SIDE], taps[4];
            UNROLL for (int e = 0; e < points; e++) u[e] = load(from + e * depth * a->maps + k);
            for (int64_t split = 1; split < a->splits; split++) {
                UNROLL for (int e = 0; e < points; e++) {
                    u[e] += load(from + split * groups * part + e * depth * a->maps + k);
                }
            }
            // At ∞ a missing tap alone counts.
            UNROLL for (int i = 0; i <= largest; i++) {
                const bool none = i == largest && phase >= 2 && a->single[0];
                if ((phase & 1) && a->single[1]) u[i * (largest + 1) + largest] = (vector){0};
                filter_gradient(largest, u + i * (largest + 1), 1, &rows[2 * i], &rows[2 * i + 1]);
                if (none) rows[2 * i] = rows[2 * i + 1] = (vector){0};
            }
            filter_gradient(largest, rows, 2, &taps[0], &taps[2]);
            filter_gradient(largest, rows + 1, 2, &taps[1], &taps[3]);
            for (int t = 0; t < 4; t++) {
                const int64_t y = 2 * (t >> 1) + (phase >> 1), x = 2 * (t & 1) + (phase & 1);
                if (y >= a->window.kernel[0] || x >= a->window.kernel[1]) continue;
                store(a->out + (y * a->window.kernel[1] + x) * tap + channel * a->maps + k, taps[t]);
            }
        }
    }
}

ZK_CLONES static void finish_weights(const void *context, int64_t worker, int64_t channel) {
    (void)worker;
    const arguments *a = context;
    if (a->largest == 2) {
        finish_channel(a, 2, channel);
    } else {
        finish_channel(a, 4, channel);
    }
}

// ---- the filter at its points

// For the way to the narrow side: point, panel of maps, phase · channels + channel, map.
ZK_INLINE void pack_channel(const arguments *a, const int largest, int64_t channel) {
    const int64_t channels = a->window.channels, depth = 4 * channels, points = (largest + 1) * (largest + 1);
    for (int phase = 0; phase < 4; phase++) {
        for (int64_t k = 0; k < a->maps; k += LANES) {
            vector taps[4], u[SIDE * SIDE];
            phase_taps(a, phase, taps, a->filter + channel * a->maps + k, channels * a->maps);
            all_points(largest, taps, u);
            const int64_t panel = k / PANEL * PANEL, columns = least(PANEL, a->maps - panel);
            float *to = a->out + panel * depth + (phase * channels + channel) * columns + (k - panel);
            UNROLL for (int e = 0; e < points; e++) store(to + e * depth * a->maps, u[e]);
        }
    }
}

// For the way to the wide side, 16 channels: phase, point, panel of channels, map, channel; taps in reverse.
ZK_INLINE void pack_channels(const arguments *a, const int largest, int64_t channel) {
    const int64_t channels = a->window.channels, points = (largest + 1) * (largest + 1);
    const int64_t panel = channel / PANEL * PANEL, columns = least(PANEL, channels - panel);
    float turned[4][LANES][LANES];
    for (int phase = 0; phase < 4; phase++) {
        for (int64_t k = 0; k < a->maps; k += LANES) {
            for (int t = 0; t < 4; t++) {
                const int64_t y = 2 * (t >> 1) + (phase >> 1), x = 2 * (t & 1) + (phase & 1);
                vector block[LANES] = {{0}};
                if (y < a->window.kernel[0] && x < a->window.kernel[1]) {
                    const float *from =
                        a->filter + ((y * a->window.kernel[1] + x) * channels + channel) * a->maps + k;
                    UNROLL for (int c = 0; c < LANES; c++) block[c] = load(from + c * a->maps);
                    transpose(block);
                }
                UNROLL for (int c = 0; c < LANES; c++) store(turned[3 - t][c], block[c]);
            }
            for (int map = 0; map < LANES; map++) {
                vector taps[4], u[SIDE * SIDE];
                UNROLL for (int t = 0; t < 4; t++) taps[t] = load(turned[t][map]);
                all_points(largest, taps, u);
                float *to = a->out + (phase * points * channels + panel) * a->maps + (k + map) * columns +
                            (channel - panel);
                UNROLL for (int e = 0; e < points; e++) store(to + e * channels * a->maps, u[e]);
            }
        }
    }
}

ZK_CLONES static void pack_narrow(const void *context, int64_t worker, int64_t channel) {
    (void)worker;
    const arguments *a = context;
    if (a->largest == 2) {
        pack_channel(a, 2, channel);
    } else {
        pack_channel(a, 4, channel);
    }
}

ZK_CLONES static void pack_wide(const void *context, int64_t worker, int64_t unit) {
    (void)worker;
    const arguments *a = context;
    if (a->largest == 2) {
        pack_channels(a, 2, unit * LANES);
    } else {
        pack_channels(a, 4, unit * LANES);
    }
}

// ---- sizes

typedef enum { TO_NARROW, TO_WIDE, WEIGHTS } direction;

// The filter at the points of tiles of 4 is 25 numbers for each tap's channel and map, of tiles of 2 nine: beyond this many bytes it
// falls out of the cache.
#define MAXIMUM_FILTER (1 << 20)

static int64_t choose_largest(const zk_window *w, int64_t maps, direction d) {
    if (w->output_height <= 2 && w->output_width <= 2) return 2;
    if (d != WEIGHTS && 25 * 4 * w->channels * maps * (int64_t)sizeof(float) > MAXIMUM_FILTER) return 2;
    return 4;
}

static int64_t most_tiles(const arguments *a, direction d, int64_t *rows_of_tiles) {
    const zk_window *p = &a->window;
    int64_t most_rows = 0, most_columns = 0;
    for (int phase = 0; phase < (d == TO_WIDE ? 2 : 1); phase++) {
        const cut rows = d == TO_WIDE ? phase_cut(phase, p->padding[0], p->input_height, a->largest)
                                      : cut_into(0, p->output_height, a->largest);
        const cut columns = d == TO_WIDE ? phase_cut(phase, p->padding[1], p->input_width, a->largest)
                                         : cut_into(0, p->output_width, a->largest);
        most_rows = most(most_rows, tiles(rows));
        most_columns = most(most_columns, tiles(columns));
    }
    *rows_of_tiles = most_rows;
    return most_columns;
}

static arguments prepare(const zk_window *window, int64_t maps, int64_t images, direction d) {
    arguments a = {.window = *window, .maps = maps, .images = images};
    a.largest = choose_largest(window, maps, d);
    a.single[0] = window->kernel[0] == 3;
    a.single[1] = window->kernel[1] == 3;
    a.group = window->channels % 32 == 0 && window->channels > 32 ? 32 : 16;
    a.splits = 1;
    a.workers = zk_thread_count();
    int64_t rows;
    const int64_t columns = most_tiles(&a, d, &rows);
    const int64_t wanted = a.largest == 2 || d == WEIGHTS || a.single[0] ? 32 : 16;
    if (rows * columns >= wanted) {
        a.block_images = 1;
        a.block_rows = least(rows, (wanted + columns - 1) / columns);
        a.bands = (rows + a.block_rows - 1) / a.block_rows;
    } else {
        a.block_images = least(images, wanted / (rows * columns));
        a.block_rows = rows;
        a.bands = 1;
    }
    a.tiles = a.block_images * a.block_rows * columns;
    const int64_t points = (a.largest + 1) * (a.largest + 1);
    const int64_t wide = d == TO_NARROW ? 4 * window->channels : d == WEIGHTS ? 4 * a.group : window->channels;
    a.workspace_size = points * (a.tiles * (wide + maps + 2 * PADDING) + 2 * LANES);
    return a;
}

static int64_t sum_count(const arguments *a) {
    return (a->largest + 1) * (a->largest + 1) * 4 * a->window.channels * a->maps * a->splits;
}

bool zk_winograd_fits(const zk_window *w, int64_t maps) {
    for (int d = 0; d < 2; d++) {
        if (w->stride[d] != 2 || (w->kernel[d] != 3 && w->kernel[d] != 4) || w->padding[d] >= w->kernel[d]) return false;
    }
    return w->channels % LANES == 0 && maps % LANES == 0 && w->channels <= MAXIMUM_CHANNELS &&
           maps <= MAXIMUM_CHANNELS && w->output_height > 1 && w->output_width > 1;
}

int64_t zk_winograd_filter_count(const zk_window *window, int64_t maps, bool to_wide) {
    const int64_t side = choose_largest(window, maps, to_wide ? TO_WIDE : TO_NARROW) + 1;
    return side * side * 4 * window->channels * maps;
}

int64_t zk_winograd_workspace(const zk_window *window, int64_t maps, int64_t images, int64_t workers) {
    int64_t largest = 0;
    for (direction d = TO_NARROW; d <= WEIGHTS; d++) {
        const arguments a = prepare(window, maps, images, d);
        const int64_t count = workers * a.workspace_size + (d == WEIGHTS ? sum_count(&a) : 0);
        largest = most(largest, count);
    }
    return largest;
}

void zk_winograd_pack(const float *weights, float *filter, bool to_wide, const zk_window *window, int64_t maps) {
    arguments a = prepare(window, maps, 1, to_wide ? TO_WIDE : TO_NARROW);
    a.filter = weights;
    a.out = filter;
    if (to_wide) {
        zk_share(window->channels / LANES, pack_wide, &a);
    } else {
        zk_share(window->channels, pack_narrow, &a);
    }
}

void zk_winograd(
    const float *x, const float *filter, bool to_wide, const float *bias, bool relu, const float *mask, float *y,
    float *workspace, int64_t images, int64_t maps, const zk_window *window) {
    arguments a = prepare(window, maps, images, to_wide ? TO_WIDE : TO_NARROW);
    a.wide = a.narrow = x;
    a.filter = filter;
    a.bias = bias;
    a.relu = relu;
    a.mask = mask;
    a.out = y;
    a.workspace = workspace;
    zk_share((images + a.block_images - 1) / a.block_images * a.bands, to_wide ? wide_block : narrow_block, &a);
}

void zk_winograd_weights(
    const float *wide, const float *narrow, float *dweights, float *workspace, int64_t images, int64_t maps,
    const zk_window *window) {
    arguments a = prepare(window, maps, images, WEIGHTS);
    a.wide = wide;
    a.narrow = narrow;
    a.out = dweights;
    a.sums = workspace;
    a.workspace = workspace + sum_count(&a);
    zk_share(window->channels / a.group * a.splits, sum_weights, &a);
    zk_share(window->channels, finish_weights, &a);
}
