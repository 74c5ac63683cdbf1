#include "products.h"

// Sums stay in registers over the whole depth: STRIP rows of A by one panel of B at a time where a vector is one register (AVX-512).
// It is two of AVX2 and four of SSE or NEON, so there LOW_STRIP rows by one vector of the panel are done at a time, which leaves registers
// for B.

#define STRIP 8
#define LOW_STRIP 6

ZK_INLINE void fetch_line(zk_fetch *f) {
    if (f->next >= f->end) return;
    if (f->writes) __builtin_prefetch(f->from[0] + f->next, 1, 3);
    for (int i = f->writes; i < f->count; i++) __builtin_prefetch(f->from[i] + f->next, 0, 2);
    f->next += LANES;
}

// Rows of A for which one pointer serves: the processor adds once or twice a row's length while it loads.
#define ROWS_PER_POINTER 3
#define POINTERS ((STRIP + ROWS_PER_POINTER - 1) / ROWS_PER_POINTER)

ZK_INLINE void steps(
    const zk_product *p, const int rows, const int vectors, const bool by_rows, const float *const a[POINTERS],
    const float *b, const int count, vector sums[STRIP][2]) {
    UNROLL for (int k = 0; k < count; k++) {
        vector right[2];
        UNROLL for (int v = 0; v < vectors; v++) right[v] = load(b + k * p->b_step + LANES * v);
        UNROLL for (int i = 0; i < rows; i++) {
            const float *row = a[i / ROWS_PER_POINTER];
            const int inner = i % ROWS_PER_POINTER;
            const vector left = splat(by_rows ? row[inner * p->a_row + k] : a[0][i + k * p->a_step]);
            UNROLL for (int v = 0; v < vectors; v++) sums[i][v] += left * right[v];
        }
    }
}

// What follows the sums of a row of C, and the way to memory of as many columns as there are.
ZK_INLINE void finish(
    const zk_product *p, int64_t row, int64_t column, const int vectors, const vector bias[2], vector sums[2]) {
    float *c = p->c + row * p->c_row + column;
    const float *mask = p->mask ? p->mask + row * p->c_row + column : NULL;
    const int64_t columns = least(p->columns - column, vectors * LANES);
    const bool whole = columns == vectors * LANES;
    float masks[PANEL] = {0}, result[PANEL];
    if (mask && !whole) {
        memcpy(masks, mask, (size_t)columns * sizeof(float));
        mask = masks;
    }
    UNROLL for (int v = 0; v < vectors; v++) {
        vector sum = sums[v] + bias[v];
        if (p->relu) sum = positive(sum);
        if (mask) sum = masked(sum, load(mask + LANES * v));
        store((whole ? c : result) + LANES * v, sum);
    }
    if (!whole) memcpy(c, result, (size_t)columns * sizeof(float));
}

// So many rows and vectors of C, from row `first` and `column` on.
ZK_INLINE void strip(
    const zk_product *p, const int rows, const int vectors, const bool by_rows, int64_t first, int64_t column) {
    const int64_t columns = least(p->columns - column, vectors * LANES);
    const bool whole = columns == vectors * LANES;
    vector sums[STRIP][2];
    UNROLL for (int i = 0; i < rows; i++) {
        UNROLL for (int v = 0; v < vectors; v++) sums[i][v] = (vector){0};
    }
    if (p->accumulates) {
        UNROLL for (int i = 0; i < rows; i++) {
            const float *c = p->c + (first + i) * p->c_row + column;
            float partial[PANEL] = {0};
            if (!whole) {
                memcpy(partial, c, (size_t)columns * sizeof(float));
                c = partial;
            }
            UNROLL for (int v = 0; v < vectors; v++) sums[i][v] = load(c + LANES * v);
        }
    }
    const bool fetches = p->fetch && p->fetch->next < p->fetch->end;
    const zk_part one = {p->a, p->b}, *parts = p->parts ? p->parts : &one;
    for (int64_t part = 0; part < (p->parts ? p->part_count : 1); part++) {
        const float *a[POINTERS], *b = parts[part].b + column;
        UNROLL for (int i = 0; i < POINTERS; i++) a[i] = parts[part].a + (first + ROWS_PER_POINTER * i) * p->a_row;
        int64_t k = 0;
#define STEPS(COUNT)                                                         \
    do {                                                                     \
        steps(p, rows, vectors, by_rows, a, b, COUNT, sums);                 \
        UNROLL for (int i = 0; i < POINTERS; i++) a[i] += COUNT * p->a_step; \
        b += COUNT * p->b_step;                                              \
        k += COUNT;                                                          \
    } while (0)
        if (fetches) {
            while (k + 4 <= p->depth) {
                fetch_line(p->fetch);
                STEPS(4);
            }
        } else {
            while (k + 4 <= p->depth) STEPS(4);
        }
        while (k < p->depth) STEPS(1);
    }
    if (!p->bias && !p->relu && !p->mask && whole) {
        UNROLL for (int i = 0; i < rows; i++) {
            float *c = p->c + (first + i) * p->c_row + column;
            UNROLL for (int v = 0; v < vectors; v++) store(c + LANES * v, sums[i][v]);
        }
        return;
    }
    float buffer[PANEL] = {0};
    if (p->bias) memcpy(buffer, p->bias + column, (size_t)columns * sizeof(float));
    const vector bias[2] = {load(buffer), load(buffer + LANES)};
    UNROLL for (int i = 0; i < rows; i++) finish(p, first + i, column, vectors, bias, sums[i]);
}

// Rows are shared out evenly, for low strips wait for their sums: of 8 rows two strips have four each.
ZK_INLINE void low_strips(const zk_product *p, const bool by_rows) {
    int64_t row = 0;
    for (int64_t left = (p->rows + LOW_STRIP - 1) / LOW_STRIP; left > 0; left--) {
        const int64_t rows = (p->rows - row + left - 1) / left;
        for (int64_t column = 0; column < p->columns; column += LANES) {
            switch (rows) {
            case 6: strip(p, 6, 1, by_rows, row, column); break;
            case 5: strip(p, 5, 1, by_rows, row, column); break;
            case 4: strip(p, 4, 1, by_rows, row, column); break;
            case 3: strip(p, 3, 1, by_rows, row, column); break;
            case 2: strip(p, 2, 1, by_rows, row, column); break;
            default: strip(p, 1, 1, by_rows, row, column);
            }
        }
        row += rows;
    }
}

ZK_LOW static void multiply_low(const zk_product *product) {
    const zk_product p = *product;
    if (p.a_step == 1) {
        low_strips(&p, true);
    } else {
        low_strips(&p, false);
    }
}

ZK_INLINE void wide_strips(const zk_product *p, const int vectors, const bool by_rows) {
    int64_t row = 0;
    for (; row + STRIP <= p->rows; row += STRIP) strip(p, STRIP, vectors, by_rows, row, 0);
    if (row + 4 <= p->rows) {
        strip(p, 4, vectors, by_rows, row, 0);
        row += 4;
    }
    if (row + 3 <= p->rows) {
        strip(p, 3, vectors, by_rows, row, 0);
        row += 3;
    }
    for (; row < p->rows; row++) strip(p, 1, vectors, by_rows, row, 0);
}

ZK_WIDE static void multiply_wide(const zk_product *product) {
    const zk_product p = *product;
    if (p.a_step == 1) {
        if (p.columns > LANES) {
            wide_strips(&p, 2, true);
        } else {
            wide_strips(&p, 1, true);
        }
    } else {
        if (p.columns > LANES) {
            wide_strips(&p, 2, false);
        } else {
            wide_strips(&p, 1, false);
        }
    }
}

bool zk_has_wide_registers(void) {
#if defined(__x86_64__)
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512cd") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
#else
    return false;
#endif
}

void zk_multiply(const zk_product *product) {
    if (zk_has_wide_registers()) {
        multiply_wide(product);
    } else {
        multiply_low(product);
    }
}
