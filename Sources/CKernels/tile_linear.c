#include "tiles.h"

// The three passes of a linear layer y = x·Wᵀ + b on tile registers. Weights are outputs × inputs, as PyTorch has them.
//
// Of the batch, which all blocks of the product need, tiles are made first. Each weight is needed once for every 32 images, so
// its tiles are made just before and stay in the cache. The batch is the second factor on the way forward and the first on the way
// back: then no tile of weights is transposed.

#ifdef ZK_TILES

// Tiles of weights are made at once for so many steps of the depth and, on the way back, where a row of weights lies across
// blocks, for so many blocks: a few numbers from each of many rows would be a page of memory each.
#define CHUNK 32
#define NEIGHBORS 4

// Below these a thread is not worth waking.
#define TILES_WORTH_A_THREAD 16
#define PRODUCTS_WORTH_A_TEAM 64  // of two tiles by two

typedef struct {
    int64_t images, inputs, outputs, parts;
    int64_t depth, width;        // of what is read and written
    int64_t steps, image_tiles;  // of the batch's tiles
    int64_t blocks, pairs;       // of what is written: 32 channels, 32 images
    int64_t neighbors;           // blocks whose tiles of weights are made at once
    const void *x;
    bool bf16;
    const float *weights;
    bool forward;
    epilogue epilogue;
    uint16_t *tiles;  // of the batch: blocks of 32 images × steps × 2
    char *workspace;
    int64_t part_bytes;
} linear;

static linear linear_arguments(int64_t images, int64_t inputs, int64_t outputs, bool forward, int64_t parts) {
    linear l = {
        .images = images, .inputs = inputs, .outputs = outputs, .parts = parts, .forward = forward,
        .depth = forward ? inputs : outputs, .width = forward ? outputs : inputs};
    l.steps = round_up(l.depth, DEPTH) / DEPTH;
    l.pairs = round_up(images, BLOCK) / BLOCK;
    l.image_tiles = 2 * l.pairs;
    l.blocks = round_up(l.width, BLOCK) / BLOCK;
    const int64_t units = (l.blocks * l.pairs + parts - 1) / parts;
    l.neighbors = forward ? 1 : NEIGHBORS;
    l.part_bytes = l.neighbors * CHUNK * 2 * TILE * (int64_t)sizeof(uint16_t) +
                   (l.steps > CHUNK ? units : 1) * BLOCK * BLOCK * (int64_t)sizeof(float);
    return l;
}

static int64_t batch_bytes(const linear *l) {
    return l->image_tiles * l->steps * TILE * (int64_t)sizeof(uint16_t);
}

// ---- tiles

// The batch in tiles of the first factor if `as_rows` (16 images × 32 numbers), else of the second (16 pairs × 16 images).
TILES_INLINE void batch_tiles(const linear *l, int64_t begin, int64_t end, bool as_rows) {
    for (int64_t tile = begin; tile < end; tile++) {
        const int64_t image = tile / (2 * l->steps) * BLOCK + tile % 2 * SIDE, k = tile / 2 % l->steps * DEPTH;
        __m512i rows[SIDE];
        for (int i = 0; i < SIDE; i++) {
            const int64_t count = image + i < l->images ? l->depth - k : 0;
            rows[i] = load_row(l->x, (image + i) * l->depth + k, count, l->bf16);
        }
        if (!as_rows) transpose(rows);
        store_tile(rows, l->tiles + tile * TILE);
    }
}

TILES static void make_batch_tiles(const void *context, int64_t begin, int64_t end) {
    const linear *l = context;
    if (l->forward) batch_tiles(l, begin / LANES, end / LANES, false);
    else batch_tiles(l, begin / LANES, end / LANES, true);
}

// The processor's own prefetching begins anew in each row. What lies beyond the weights is asked for in vain.
TILES_INLINE void prefetch(const float *weights, int64_t index) {
    _mm_prefetch((const char *)((uintptr_t)weights + (uintptr_t)index * sizeof(float)), _MM_HINT_T0);
}

// Tiles of 16 outputs × 32 inputs: two for each of `steps` steps.
TILES_INLINE void forward_tiles(const linear *l, int64_t block, int64_t first_step, int64_t steps, uint16_t *to) {
    for (int64_t row = 0; row < BLOCK; row++) {
        const int64_t output = block * BLOCK + row;
        for (int64_t step = 0; step < steps; step++) {
            const int64_t input = (first_step + step) * DEPTH, count = output < l->outputs ? l->inputs - input : 0;
            const int64_t next = (output + 1) * l->inputs + input;
            prefetch(l->weights, next);
            prefetch(l->weights, next + SIDE);
            _mm512_storeu_si512(
                to + (step * 2 + row / SIDE) * TILE + row % SIDE * DEPTH,
                load_row(l->weights, output * l->inputs + input, count, false));
        }
    }
}

// Tiles of 16 pairs of outputs × 16 inputs: for each of `blocks` blocks two for each of `steps` steps.
TILES_INLINE void backward_tiles(
    const linear *l, int64_t block, int64_t blocks, int64_t first_step, int64_t steps, uint16_t *to) {
    for (int64_t step = 0; step < steps; step++) {
        for (int i = 0; i < SIDE; i++) {
            const int64_t output = (first_step + step) * DEPTH + 2 * i;
            for (int64_t tile = 0; tile < 2 * blocks; tile++) {
                const int64_t input = block * BLOCK + tile * SIDE;
                const int64_t index = output * l->inputs + input;
                prefetch(l->weights, index + DEPTH * l->inputs);
                prefetch(l->weights, index + (DEPTH + 1) * l->inputs);
                const __m512i pairs = load_pairs(
                    output < l->outputs ? l->weights + index : NULL,
                    output + 1 < l->outputs ? l->weights + index + l->inputs : NULL, l->inputs - input, false);
                _mm512_storeu_si512(to + ((tile / 2 * steps + step) * 2 + tile % 2) * TILE + i * DEPTH, pairs);
            }
        }
    }
}

// ---- products with weights

// The 32 × 32 sums in `block`: channels × images if `forward`, else images × channels.
TILES_INLINE void finish_block(const linear *l, float *block, int64_t channel, int64_t image, bool forward) {
    if (forward) {
        // Each square in its place; the two beside the diagonal are exchanged below.
        for (int square = 0; square < 4; square++) {
            transpose_square(block + square / 2 * SIDE * BLOCK + square % 2 * SIDE, BLOCK);
        }
    }
    const int64_t count = l->width - channel;
    for (int64_t i = 0; i < smaller(BLOCK, l->images - image); i++) {
        const float *left = forward ? block + i % SIDE * BLOCK + i / SIDE * SIDE : block + i * BLOCK;
        const float *right = forward ? left + SIDE * BLOCK : left + SIDE;
        finish(&l->epilogue, left, right, channel, count, (image + i) * l->width + channel);
    }
}

TILES_INLINE void multiply_part(const linear *l, int64_t part, bool forward) {
    const int64_t units = l->blocks * l->pairs;
    const int64_t begin = part_begin(units, part, l->parts), end = part_begin(units, part + 1, l->parts);
    uint16_t *packed = (uint16_t *)(l->workspace + part * l->part_bytes);
    float *sums = (float *)(packed + l->neighbors * CHUNK * 2 * TILE);
    for (int64_t first = 0; first < l->steps; first += CHUNK) {
        const int64_t steps = smaller(CHUNK, l->steps - first);
        const bool last = first + steps == l->steps;
        int64_t packed_from = 0, packed_to = 0;  // blocks
        for (int64_t unit = begin; unit < end; unit++) {
            const int64_t channel = unit / l->pairs * BLOCK, image = unit % l->pairs * BLOCK;
            if (unit == begin || unit / l->pairs == packed_to) {
                packed_from = unit / l->pairs;
                packed_to = smaller(packed_from + l->neighbors, (end - 1) / l->pairs + 1);
                if (forward) forward_tiles(l, packed_from, first, steps, packed);
                else backward_tiles(l, packed_from, packed_to - packed_from, first, steps, packed);
            }
            const factor weights = {
                .first = packed + (unit / l->pairs - packed_from) * steps * 2 * TILE, .pitch = DEPTH, .second = TILE,
                .step = 2 * TILE};
            const factor batch = {
                .first = l->tiles + (image / BLOCK * l->steps + first) * 2 * TILE, .pitch = DEPTH, .second = TILE,
                .step = 2 * TILE};
            float *block = sums + (l->steps > CHUNK ? unit - begin : 0) * BLOCK * BLOCK;
            if (first == 0) clear_block();
            else load_block(block, BLOCK);
            if (forward) multiply_block(weights, batch, steps);
            else multiply_block(batch, weights, steps);
            store_block(block, BLOCK);
            if (last) finish_block(l, block, channel, image, forward);
        }
    }
}

TILES static void multiply_parts(const void *context, int64_t begin, int64_t end) {
    const linear *l = context;
    configure();
    for (int64_t part = begin / LANES; part < end / LANES; part++) {
        if (l->forward) multiply_part(l, part, true);
        else multiply_part(l, part, false);
    }
    _tile_release();
}

void zk_tile_linear(
    const void *x, bool x_bf16, const float *weights, bool forward, const float *bias, bool relu, const void *mask, void *y,
    bool y_bf16, void *workspace, int64_t parts, int64_t images, int64_t inputs, int64_t outputs) {
    linear l = linear_arguments(images, inputs, outputs, forward, parts);
    l.x = x;
    l.bf16 = x_bf16;
    l.weights = weights;
    l.epilogue = (epilogue){.bias = bias, .relu = relu, .mask = mask, .to = y, .bf16 = y_bf16};
    l.tiles = workspace;
    l.workspace = (char *)workspace + batch_bytes(&l);
    zk_parallel(l.image_tiles * l.steps * LANES, TILES_WORTH_A_THREAD * LANES, make_batch_tiles, &l);
    const bool small = l.blocks * l.pairs * l.steps < PRODUCTS_WORTH_A_TEAM;
    zk_parallel(parts * LANES, small ? parts * LANES : LANES, multiply_parts, &l);
}

// ---- the gradient of the weights, dyᵀ·x: sums over pairs of images

typedef struct {
    int64_t images, inputs, outputs, parts;
    int64_t steps;                      // 32 images each
    int64_t input_tiles, output_tiles;  // 16 channels each, an even number
    const void *x, *dy;
    bool x_bf16, dy_bf16;
    uint16_t *x_tiles, *dy_tiles;  // channel tiles × steps
    float *dweights;
} linear_gradient;

static linear_gradient linear_gradient_arguments(
    int64_t images, int64_t inputs, int64_t outputs, int64_t parts) {
    return (linear_gradient){
        .images = images, .inputs = inputs, .outputs = outputs, .parts = parts,
        .steps = round_up(images, DEPTH) / DEPTH, .input_tiles = round_up(inputs, BLOCK) / SIDE,
        .output_tiles = round_up(outputs, BLOCK) / SIDE};
}

// Pairs of images × 16 channels; transposed, 16 channels × images.
TILES_INLINE void channel_tiles(
    const linear_gradient *g, const void *x, bool bf16, int64_t channels, uint16_t *tiles, int64_t begin, int64_t end,
    bool transposed) {
    for (int64_t tile = begin; tile < end; tile++) {
        const int64_t channel = tile / g->steps * SIDE, first = tile % g->steps * DEPTH;
        __m512i rows[SIDE];
        for (int i = 0; i < SIDE; i++) {
            const int64_t image = first + 2 * i, place = image * channels + channel;
            rows[i] = load_pairs(
                image < g->images ? element(x, place, bf16) : NULL,
                image + 1 < g->images ? element(x, place + channels, bf16) : NULL, channels - channel, bf16);
        }
        if (transposed) transpose(rows);
        store_tile(rows, tiles + tile * TILE);
    }
}

TILES static void make_channel_tiles(const void *context, int64_t begin, int64_t end) {
    const linear_gradient *g = context;
    begin /= LANES;
    end /= LANES;
    const int64_t of_x = g->input_tiles * g->steps;
    channel_tiles(g, g->x, g->x_bf16, g->inputs, g->x_tiles, begin, smaller(end, of_x), false);
    channel_tiles(
        g, g->dy, g->dy_bf16, g->outputs, g->dy_tiles, begin > of_x ? begin - of_x : 0, end - of_x, true);
}

TILES_INLINE void gradient_part(const linear_gradient *g, int64_t part) {
    const int64_t width = g->input_tiles / 2, blocks = g->output_tiles / 2 * width;
    const int64_t tile = g->steps * TILE;
    float block[BLOCK * BLOCK];
    for (int64_t unit = part_begin(blocks, part, g->parts); unit < part_begin(blocks, part + 1, g->parts); unit++) {
        const int64_t output = unit / width, input = unit % width;
        clear_block();
        const factor dy = {
            .first = g->dy_tiles + 2 * output * tile, .pitch = DEPTH, .second = tile, .step = TILE};
        const factor x = {
            .first = g->x_tiles + 2 * input * tile, .pitch = DEPTH, .second = tile, .step = TILE};
        multiply_block(dy, x, g->steps);
        float *to = g->dweights + output * BLOCK * g->inputs + input * BLOCK;
        const int64_t rows = g->outputs - output * BLOCK, columns = g->inputs - input * BLOCK;
        if (rows >= BLOCK && columns >= BLOCK) {
            store_block(to, g->inputs);
            continue;
        }
        store_block(block, BLOCK);
        for (int64_t i = 0; i < smaller(rows, BLOCK); i++) {
            memcpy(to + i * g->inputs, block + i * BLOCK, (size_t)smaller(columns, BLOCK) * sizeof(float));
        }
    }
}

TILES static void gradient_parts(const void *context, int64_t begin, int64_t end) {
    const linear_gradient *g = context;
    configure();
    for (int64_t part = begin / LANES; part < end / LANES; part++) {
        gradient_part(g, part);
    }
    _tile_release();
}

void zk_tile_linear_weights(
    const void *x, bool x_bf16, const void *dy, bool dy_bf16, float *dweights, void *workspace, int64_t parts,
    int64_t images, int64_t inputs, int64_t outputs) {
    linear_gradient g = linear_gradient_arguments(images, inputs, outputs, parts);
    g.x = x;
    g.x_bf16 = x_bf16;
    g.dy = dy;
    g.dy_bf16 = dy_bf16;
    g.dweights = dweights;
    g.x_tiles = workspace;
    g.dy_tiles = g.x_tiles + g.input_tiles * g.steps * TILE;
    zk_parallel(
        (g.input_tiles + g.output_tiles) * g.steps * LANES, TILES_WORTH_A_THREAD * LANES, make_channel_tiles, &g);
    const bool small = g.input_tiles * g.output_tiles / 4 * g.steps < PRODUCTS_WORTH_A_TEAM;
    zk_parallel(parts * LANES, small ? parts * LANES : LANES, gradient_parts, &g);
}

int64_t zk_tile_linear_workspace(int64_t images, int64_t inputs, int64_t outputs, int64_t parts) {
    const linear forward = linear_arguments(images, inputs, outputs, true, parts);
    const linear backward = linear_arguments(images, inputs, outputs, false, parts);
    const linear_gradient gradient = linear_gradient_arguments(images, inputs, outputs, parts);
    const int64_t sizes[3] = {
        batch_bytes(&forward) + parts * forward.part_bytes, batch_bytes(&backward) + parts * backward.part_bytes,
        (gradient.input_tiles + gradient.output_tiles) * gradient.steps * TILE * (int64_t)sizeof(uint16_t)};
    int64_t most = 0;
    for (int i = 0; i < 3; i++) most = sizes[i] > most ? sizes[i] : most;
    return most;
}

#else

int64_t zk_tile_linear_workspace(int64_t images, int64_t inputs, int64_t outputs, int64_t parts) { return 0; }

void zk_tile_linear(
    const void *x, bool x_bf16, const float *weights, bool forward, const float *bias, bool relu, const void *mask, void *y,
    bool y_bf16, void *workspace, int64_t parts, int64_t images, int64_t inputs, int64_t outputs) {}

void zk_tile_linear_weights(
    const void *x, bool x_bf16, const void *dy, bool dy_bf16, float *dweights, void *workspace, int64_t parts,
    int64_t images, int64_t inputs, int64_t outputs) {}

#endif
