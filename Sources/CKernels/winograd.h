#ifndef winograd_h
#define winograd_h

#include "products.h"

// One-dimensional transforms of Winograd's algorithm F(t, 2): t outputs of a filter of two taps by t + 1 products instead of 2 t.
//
// Tiles of 2, 3 and 4 outputs share one set of points, 0, 1, −1, ½ and ∞: a tile of t outputs uses the first t of them and ∞. So the
// filter's transform for tiles of 4 serves one of 3 at the end of a row, too.
// All that divides stands in the filter's transform; the others are sums and halves. In each, elements lie `s` apart.

#define LARGEST 4

// The filter's taps at all points of tiles of at most `largest` outputs.
ZK_INLINE void filter_points(const int largest, vector first, vector second, vector *u, const int s) {
    u[0] = first + first;
    u[s] = first + second;
    if (largest > 2) u[2 * s] = (second - first) * (1.0f / 3);
    if (largest > 3) u[3 * s] = (first + 0.5f * second) * (-8.0f / 3);
    u[largest * s] = second;
}

// Its transpose: the gradient at the points to that of the taps.
ZK_INLINE void filter_gradient(const int largest, const vector *u, const int s, vector *first, vector *second) {
    vector a = u[0] + u[0] + u[s], b = u[largest * s] + u[s];
    if (largest > 2) {
        a -= u[2 * s] * (1.0f / 3);
        b += u[2 * s] * (1.0f / 3);
    }
    if (largest > 3) {
        a -= u[3 * s] * (8.0f / 3);
        b -= u[3 * s] * (4.0f / 3);
    }
    *first = a;
    *second = b;
}

// t + 1 inputs to the t + 1 points of a tile.
ZK_INLINE void input_points(const int t, vector *d, const int s) {
    const vector a = d[0], b = d[s], c = d[2 * s];
    if (t == 2) {
        d[0] = 0.5f * (a - b);
        d[2 * s] = c - b;
    } else if (t == 3) {
        d[0] = 0.5f * (a - c);
        d[s] = 0.5f * (b + c);
        d[2 * s] = 1.5f * (b - c);
        d[3 * s] -= b;
    } else {
        const vector e = d[3 * s] - b;
        d[0] = e + 0.5f * (a - c);
        d[s] = d[3 * s] + 0.5f * (c - b);
        d[2 * s] = d[3 * s] + 0.5f * b - 1.5f * c;
        d[3 * s] = e;
        d[4 * s] = d[4 * s] - c - 0.5f * e;
    }
}

// t + 1 points to t outputs.
ZK_INLINE void output_values(const int t, vector *d, const int s) {
    if (t == 2) {
        d[0] += d[s];
        d[s] += d[2 * s];
    } else if (t == 3) {
        const vector p = d[s] + d[2 * s], q = d[s] - d[2 * s];
        d[0] += p;
        d[s] = q;
        d[2 * s] = p + d[3 * s];
    } else {
        const vector p = d[s] + d[2 * s], q = d[s] - d[2 * s], h = d[3 * s];
        d[0] = d[0] + p + h;
        d[s] = q + 0.5f * h;
        d[2 * s] = p + 0.25f * h;
        d[3 * s] = q + d[4 * s] + 0.125f * h;
    }
}

// Its transpose: gradients of t outputs to t + 1 points.
ZK_INLINE void output_gradients(const int t, vector *d, const int s) {
    const vector a = d[0], b = d[s], c = d[2 * s];
    if (t == 2) {
        d[s] = a + b;
        d[2 * s] = b;
    } else if (t == 3) {
        d[s] = a + c + b;
        d[2 * s] = a + c - b;
        d[3 * s] = c;
    } else {
        const vector e = d[3 * s], p = a + c, q = b + e;
        d[s] = p + q;
        d[2 * s] = p - q;
        d[3 * s] = a + 0.5f * b + 0.25f * c + 0.125f * e;
        d[4 * s] = e;
    }
}

#endif
