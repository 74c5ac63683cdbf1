#ifndef vectors_h
#define vectors_h

#include "support.h"

// Vectors of 16 floats: one register of AVX-512, two of AVX2, four of SSE or NEON.

typedef float vector __attribute__((vector_size(64), aligned(4)));
typedef uint32_t bits_vector __attribute__((vector_size(64)));

// Everything that takes or returns vectors is inlined into the copies for each instruction set; nothing passes them across a call.
#pragma clang diagnostic ignored "-Wpsabi"

#define UNROLL _Pragma("clang loop unroll(full)")

// ReLU; NaN stays
ZK_INLINE vector positive(vector v) { return (vector)((bits_vector)v & ~(bits_vector)(v <= 0)); }

// Zero where `mask` is zero or less: the gradient of a ReLU by its output.
ZK_INLINE vector masked(vector v, vector mask) { return (vector)((bits_vector)v & ~(bits_vector)(mask <= 0)); }

#endif
