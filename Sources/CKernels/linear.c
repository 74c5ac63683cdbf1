#include "CKernels.h"
#include "products.h"

// Linear layers in f32. Weights, and their gradient, lie in panels of 32 outputs: panel × input × 32, the last panel in whole vectors.
//
// A sum over inputs, outputs or images runs from first to last whoever computes it, so results do not depend on the threads.

#define DEPTH 1024  // of a product at once, so that its operands stay in the cache
#define INPUTS 128  // of a unit of the weights' gradient
#define IMAGES 256  // summed at once in a gradient
#define ROWS 8      // a strip of the product

typedef struct {
    const float *x, *weights, *bias, *mask;
    float *y;
    bool relu;
    int64_t images, inputs, outputs;
    int64_t first, depth;  // of the inputs or outputs that are summed
    int64_t columns, groups, group_rows;
    float *workspace;
    int64_t workspace_size;
    // of the weights' gradient
    const float *dy;
    float *dweights, *dbias;
    const zk_target *target;
} arguments;

// Width of the panel that begins at an output.
static int64_t width(int64_t outputs, int64_t first) { return least(PANEL, round_up(outputs - first, LANES)); }

int64_t zk_linear_weight_count(int64_t inputs, int64_t outputs) { return inputs * round_up(outputs, LANES); }

// A sum of `depth` products is done in equal pieces of at most DEPTH.
static int64_t piece(int64_t depth) {
    const int64_t pieces = (depth + DEPTH - 1) / DEPTH;
    return round_up((depth + pieces - 1) / pieces, ROWS);
}

// Shares rows out where there are too few panels for all threads.
static void group_rows(arguments *a) {
    const int64_t panels = (a->columns + PANEL - 1) / PANEL, wanted = 4 * zk_thread_count();
    int64_t groups = (wanted + panels - 1) / panels;
    const int64_t largest = (a->images + 2 * ROWS - 1) / (2 * ROWS);
    if (groups > largest) groups = largest;
    a->group_rows = round_up((a->images + groups - 1) / groups, ROWS);
    a->groups = (a->images + a->group_rows - 1) / a->group_rows;
}

static zk_product product(const arguments *a, int64_t column, int64_t row, int64_t summed) {
    zk_product p = {
        .a = a->x + row * summed + a->first, .a_row = summed, .a_step = 1, .c = a->y + row * a->columns + column,
        .c_row = a->columns, .rows = least(a->group_rows, a->images - row), .depth = a->depth,
        .columns = least(PANEL, a->columns - column), .accumulates = a->first > 0};
    if (a->first + a->depth == summed) {
        p.bias = a->bias ? a->bias + column : NULL;
        p.relu = a->relu;
        p.mask = a->mask ? a->mask + row * a->columns + column : NULL;
    }
    return p;
}

static void forward(const void *context, int64_t worker, int64_t unit) {
    (void)worker;
    const arguments *a = context;
    const int64_t column = unit / a->groups * PANEL, row = unit % a->groups * a->group_rows;
    zk_product p = product(a, column, row, a->inputs);
    p.b_step = width(a->outputs, column);
    p.b = a->weights + column * a->inputs + a->first * p.b_step;
    zk_multiply(&p);
}

// The weights of inputs `column` and following for all summed outputs: outputs × PANEL.
ZK_INLINE void turn_body(const arguments *a, int64_t column, float *turned) {
    for (int64_t o = a->first; o < a->first + a->depth; o += LANES) {
        const int64_t panel = o / PANEL * PANEL, step = width(a->outputs, panel);
        const float *from = a->weights + panel * a->inputs + (o - panel);
        float *to = turned + (o - a->first) * PANEL;
        for (int64_t i = 0; i < PANEL; i += LANES) {
            vector block[LANES];
            const int64_t count = a->inputs - column - i;
            if (count >= LANES) {
                UNROLL for (int j = 0; j < LANES; j++) block[j] = load(from + (column + i + j) * step);
            } else {
                UNROLL for (int j = 0; j < LANES; j++) {
                    block[j] = j < count ? load(from + (column + i + j) * step) : (vector){0};
                }
            }
            transpose(block);
            UNROLL for (int j = 0; j < LANES; j++) store(to + j * PANEL + i, block[j]);
        }
    }
}

ZK_CLONES static void turn(const arguments *a, int64_t column, float *turned) { turn_body(a, column, turned); }

static void data(const void *context, int64_t worker, int64_t unit) {
    const arguments *a = context;
    const int64_t column = unit / a->groups * PANEL, row = unit % a->groups * a->group_rows;
    float *turned = a->workspace + worker * a->workspace_size;
    turn(a, column, turned);
    zk_product p = product(a, column, row, a->outputs);
    p.b = turned;
    p.b_step = PANEL;
    zk_multiply(&p);
}

static int64_t data_workspace(int64_t outputs) { return PANEL * round_up(piece(outputs), LANES); }

// Images × `columns` of a matrix with rows of `step`, in strips of ROWS columns: strip × image × ROWS.
ZK_CLONES static void pack_strips(const float *x, int64_t step, int64_t images, int64_t columns, float *packed) {
    typedef float strip_row __attribute__((vector_size(32), aligned(4)));
    for (int64_t c = 0; c < columns; c += ROWS, packed += images * ROWS) {
        const int64_t count = columns - c;
        for (int64_t n = 0; n < images; n++) {
            if (count >= ROWS) {
                *(strip_row *)(packed + n * ROWS) = *(const strip_row *)(x + n * step + c);
            } else {
                for (int64_t i = 0; i < ROWS; i++) packed[n * ROWS + i] = i < count ? x[n * step + c + i] : 0;
            }
        }
    }
}

// Images × columns of a panel, images × `wide`, and the sums of the columns to `sums` unless it is NULL.
ZK_INLINE void pack_panel_body(
    const float *dy, int64_t step, int64_t images, int64_t columns, int64_t wide, float *packed, float *sums) {
    vector total[2] = {{0}};
    for (int64_t n = 0; n < images; n++) {
        float *to = packed + n * wide;
        const float *from = dy + n * step;
        if (columns == wide) {
            for (int64_t c = 0; c < wide; c += LANES) store(to + c, load(from + c));
        } else {
            for (int64_t c = 0; c < wide; c++) to[c] = c < columns ? from[c] : 0;
        }
        if (!sums) continue;
        total[0] += load(to);
        if (wide > LANES) total[1] += load(to + LANES);
    }
    for (int64_t c = 0; sums && c < columns; c++) sums[c] += total[c / LANES][c % LANES];
}

ZK_CLONES static void pack_panel(
    const float *dy, int64_t step, int64_t images, int64_t columns, int64_t wide, float *packed, float *sums) {
    pack_panel_body(dy, step, images, columns, wide, packed, sums);
}

static int64_t unit_inputs(int64_t inputs) {
    const int64_t units = (inputs + INPUTS - 1) / INPUTS;
    return round_up((inputs + units - 1) / units, ROWS);
}

static int64_t weights_workspace(int64_t images, int64_t inputs) {
    return unit_inputs(inputs) * (images + PANEL) + IMAGES * PANEL;
}

// The gradient of some rows of a panel, and then their update.
static void strip(const arguments *a, zk_product *p, float *slab, int64_t place) {
    if (!a->target) {
        p->c = a->dweights + place;
        zk_multiply(p);
        return;
    }
    p->c = slab;
    const zk_target *t = a->target;
    zk_fetch fetch = {.from = {t->parameters + place}, .count = 1, .end = p->rows * p->columns};
    if (t->first) fetch.from[fetch.count++] = t->first + place;
    if (t->second) fetch.from[fetch.count++] = t->second + place;
    if (t->average) fetch.from[fetch.count++] = t->average + place;
    p->fetch = &fetch;
    zk_multiply(p);
}

static void weights(const void *context, int64_t worker, int64_t unit) {
    const arguments *a = context;
    const int64_t first = unit / a->groups * a->columns, count = least(a->columns, a->inputs - first);
    const int64_t group = unit % a->groups, panels = (a->outputs + PANEL - 1) / PANEL;
    float *packed = a->workspace + worker * a->workspace_size, *slab = packed + a->images * a->columns;
    float *panel = slab + PANEL * a->columns;
    pack_strips(a->x + first, a->inputs, a->images, count, packed);
    for (int64_t q = panels * group / a->groups; q < panels * (group + 1) / a->groups; q++) {
        const int64_t column = q * PANEL, wide = width(a->outputs, column);
        const int64_t columns = least(PANEL, a->outputs - column), place = column * a->inputs + first * wide;
        float *sums = first == 0 && a->dbias ? a->dbias + column : NULL;
        if (sums) memset(sums, 0, (size_t)columns * sizeof(float));
        for (int64_t n = 0; n < a->images; n += IMAGES) {
            const int64_t images = least(IMAGES, a->images - n);
            pack_panel(a->dy + n * a->outputs + column, a->outputs, images, columns, wide, panel, sums);
            for (int64_t i = 0; i < count; i += ROWS) {
                zk_product p = {
                    .a = packed + i * a->images + n * ROWS, .a_row = 1, .a_step = ROWS, .b = panel, .b_step = wide,
                    .c_row = wide, .rows = least(ROWS, count - i), .depth = images, .columns = wide,
                    .accumulates = n > 0};
                strip(a, &p, slab + i * wide, place + i * wide);
            }
        }
        if (a->target) zk_update_range(a->target, place, count * wide, slab);
    }
}

int64_t zk_linear_workspace(int64_t images, int64_t inputs, int64_t outputs, int64_t workers) {
    const int64_t of_data = data_workspace(outputs), of_weights = weights_workspace(images, inputs);
    return most(of_data, of_weights) * workers;
}

void zk_linear(
    const float *x, const float *weights, const float *bias, bool relu, const float *mask, float *y, int64_t images,
    int64_t inputs, int64_t outputs) {
    arguments a = {
        .x = x, .weights = weights, .bias = bias, .mask = mask, .y = y, .relu = relu, .images = images, .inputs = inputs,
        .outputs = outputs, .columns = outputs};
    group_rows(&a);
    for (a.first = 0; a.first < inputs; a.first += a.depth) {
        a.depth = least(piece(inputs), inputs - a.first);
        zk_share((outputs + PANEL - 1) / PANEL * a.groups, forward, &a);
    }
}

void zk_linear_data(
    const float *dy, const float *weights, const float *mask, float *dx, float *workspace, int64_t images, int64_t inputs,
    int64_t outputs) {
    arguments a = {
        .x = dy, .weights = weights, .mask = mask, .y = dx, .images = images, .inputs = inputs, .outputs = outputs,
        .columns = inputs, .workspace = workspace, .workspace_size = data_workspace(outputs)};
    group_rows(&a);
    const int64_t depth = round_up(piece(outputs), LANES);
    for (a.first = 0; a.first < outputs; a.first += a.depth) {
        a.depth = least(depth, outputs - a.first);
        zk_share((inputs + PANEL - 1) / PANEL * a.groups, data, &a);
    }
}

void zk_linear_weights(
    const float *x, const float *dy, float *dweights, float *dbias, const zk_target *target, float *workspace,
    int64_t images, int64_t inputs, int64_t outputs) {
    arguments a = {
        .x = x, .dy = dy, .dweights = dweights, .dbias = dbias, .target = target, .images = images, .inputs = inputs,
        .outputs = outputs, .columns = unit_inputs(inputs), .workspace = workspace,
        .workspace_size = weights_workspace(images, inputs)};
    const int64_t units = (inputs + a.columns - 1) / a.columns, panels = (outputs + PANEL - 1) / PANEL;
    const int64_t wanted = (4 * zk_thread_count() + units - 1) / units;
    a.groups = least(wanted, panels);
    zk_share(units * a.groups, weights, &a);
}
