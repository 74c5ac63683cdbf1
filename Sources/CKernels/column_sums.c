#include "CKernels.h"
#include "support.h"

// Sums of the columns of a matrix. Some rows side by side are one row of a wider matrix, so that vectors are full however few
// the columns; its rows are shared out in a fixed number of parts, so that sums do not depend on the threads.

#define WIDTH 256  // columns done at once
#define PARTS 16   // of the rows of a large matrix
#define RUN 256    // rows that are summed in float; their sums are summed in double
#define GRAIN 16384

typedef struct {
    const void *x;
    bool bf16;
    int64_t rows, columns;  // of the wider matrix
    int64_t parts, blocks;  // blocks of WIDTH columns; of several parts there is one
    double *sums;           // parts × columns, or NULL for a single part, which goes to y
    float *y;
} arguments;

ZK_CLONES static void sum_blocks(const void *context, int64_t begin, int64_t end) {
    const arguments *a = context;
    for (int64_t unit = begin / LANES; unit < end / LANES; unit++) {
        const int64_t part = unit / a->blocks, first = unit % a->blocks * WIDTH;
        const int64_t width = a->columns - first < WIDTH ? a->columns - first : WIDTH;
        const int64_t last = a->rows * (part + 1) / a->parts;
        double total[WIDTH] = {0};
        for (int64_t row = a->rows * part / a->parts; row < last;) {
            float sum[WIDTH] = {0}, buffer[WIDTH];
            const int64_t stop = row + RUN < last ? row + RUN : last;
            for (; row < stop; row++) {
                const float *x = floats(a->x, row * a->columns + first, width, a->bf16, buffer);
                for (int64_t c = 0; c < width; c++) sum[c] += x[c];
            }
            for (int64_t c = 0; c < width; c++) total[c] += sum[c];
        }
        if (a->sums) {
            memcpy(a->sums + part * a->columns, total, (size_t)width * sizeof(double));
        } else {
            for (int64_t c = 0; c < width; c++) a->y[first + c] = (float)total[c];
        }
    }
}

static void sum(const arguments *a) {
    const int64_t units = a->parts * a->blocks;
    zk_parallel(units * LANES, a->rows * a->columns > GRAIN ? LANES : units * LANES, sum_blocks, a);
}

void zk_column_sums(const void *x, bool bf16, int64_t rows, int64_t channels, float *y) {
    if (channels < 1) return;
    arguments a = {.x = x, .bf16 = bf16, .rows = rows, .columns = channels, .parts = 1, .blocks = 1, .y = y};
    if (channels > WIDTH) {
        a.blocks = (channels + WIDTH - 1) / WIDTH;
        sum(&a);
        return;
    }
    // As many rows as fill the width; so many that they are whole vectors, if there are enough.
    int64_t side = WIDTH / channels;
    if (channels % LANES != 0 && side > LANES) side = side / LANES * LANES;
    double sums[PARTS * WIDTH];
    a.sums = sums;
    a.rows = rows / side;
    a.columns = side * channels;
    a.parts = rows * channels > GRAIN ? PARTS : 1;
    sum(&a);
    for (int64_t c = 0; c < channels; c++) {
        double total = 0;
        for (int64_t part = 0; part < a.parts; part++) {
            for (int64_t i = 0; i < side; i++) total += sums[part * a.columns + i * channels + c];
        }
        for (int64_t row = a.rows * side; row < rows; row++) {
            const int64_t index = row * channels + c;
            total += bf16 ? from_bf16(((const uint16_t *)x)[index]) : ((const float *)x)[index];
        }
        y[c] = (float)total;
    }
}
