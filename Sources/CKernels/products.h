#ifndef products_h
#define products_h

#include "vectors.h"

// The matrix product under linear layers and convolutions in f32: C = A·B for a panel of columns, in registers.

#define PANEL 32  // columns of a panel: two vectors

ZK_INLINE vector load(const float *x) { return *(const vector *)x; }

ZK_INLINE void store(float *x, vector v) { *(vector *)x = v; }

ZK_INLINE vector splat(float x) { return (vector){x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x}; }

ZK_INLINE int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

ZK_INLINE int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }

// The next multiple of `unit`.
ZK_INLINE int64_t round_up(int64_t count, int64_t unit) { return (count + unit - 1) / unit * unit; }

// Memory that is fetched between the steps of a product, a line of each at a time, for who comes next.
typedef struct {
    const float *from[4];
    int count;
    bool writes;        // for who writes the memory first named
    int64_t next, end;  // floats of each
} zk_fetch;

// A share of a product's depth: where its rows of A and B begin.
typedef struct {
    const float *a, *b;
} zk_part;

typedef struct {
    // A[i][k] = a[i · a_row + k · a_step], one of the two being 1; B[k][j] = b[k · b_step + j], C[i][j] = c[i · c_row + j]
    const float *a, *b;
    float *c;
    int64_t a_row, a_step, b_step, c_row;
    int64_t rows, depth;
    // If there are parts, the sum of their products, each of `depth`, in place of a and b.
    const zk_part *parts;
    int64_t part_count;
    int64_t columns;   // at most PANEL; of B whole vectors are read
    bool accumulates;  // C += A·B
    // Then C += bias, ReLU if `relu`, and zero where `mask` (which lies as C) is not positive; bias and mask may be NULL.
    const float *bias, *mask;
    bool relu;
    zk_fetch *fetch;  // or NULL
} zk_product;

void zk_multiply(const zk_product *product);

#define HALVES(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)

// 16 × 16 numbers in place
ZK_INLINE void transpose(vector r[LANES]) {
    vector t[LANES];
    UNROLL for (int i = 0; i < 16; i += 2) {
        t[i] = HALVES(r[i], r[i + 1], 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29);
        t[i + 1] = HALVES(r[i], r[i + 1], 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31);
    }
    UNROLL for (int i = 0; i < 16; i += 4) {
        UNROLL for (int j = 0; j < 2; j++) {
            vector a = t[i + j], b = t[i + j + 2];
            r[i + 2 * j] = HALVES(a, b, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29);
            r[i + 2 * j + 1] = HALVES(a, b, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
        }
    }
    // r[4 g + c] holds, in each quarter q, column 4 q + c of rows 4 g … 4 g + 3.
    UNROLL for (int c = 0; c < 4; c++) {
        vector low = HALVES(r[c], r[4 + c], 0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23);
        vector high = HALVES(r[8 + c], r[12 + c], 0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23);
        t[c] = HALVES(low, high, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23);
        t[4 + c] = HALVES(low, high, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31);
        low = HALVES(r[c], r[4 + c], 8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31);
        high = HALVES(r[8 + c], r[12 + c], 8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31);
        t[8 + c] = HALVES(low, high, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23);
        t[12 + c] = HALVES(low, high, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31);
    }
    UNROLL for (int i = 0; i < 16; i++) r[i] = t[i];
}

#endif
