#ifndef support_h
#define support_h

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

// One copy of the function for each level of the x86-64 psABI; the loader picks the best for the processor.
#if defined(__x86_64__) && defined(__linux__)
#define ZK_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define ZK_CLONES
#endif

// A function in two bodies: one for the 32 registers of 16 floats of AVX-512, and one for fewer or smaller registers. Which runs is
// for zk_has_wide_registers() to say.
#if defined(__x86_64__) && defined(__linux__)
#define ZK_WIDE __attribute__((target("arch=x86-64-v4")))
#define ZK_LOW __attribute__((target_clones("arch=x86-64-v3", "default")))
#else
#define ZK_WIDE
#define ZK_LOW
#endif

bool zk_has_wide_registers(void);

#define ZK_INLINE static inline __attribute__((always_inline))

#define LANES 16

typedef void (*zk_body)(const void *context, int64_t begin, int64_t end);

// Runs body over 0..<count on the team, in pieces of at least `grain`; piece bounds are multiples of LANES.
void zk_parallel(int64_t count, int64_t grain, zk_body body, const void *context);

typedef void (*zk_unit_body)(const void *context, int64_t worker, int64_t unit);

// Runs body for each of `units` on the team: a thread takes the next unit when it is free, so which thread does which
// depends on the load of the machine. Workers are numbered from 0, below zk_thread_count(): each may have memory of its own.
void zk_share(int64_t units, zk_unit_body body, const void *context);

ZK_INLINE float as_float(int32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

ZK_INLINE int32_t as_bits(float value) {
    int32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

// bfloat16: the upper half of a float. To it: rounded to nearest even, NaN stays NaN.
ZK_INLINE float from_bf16(uint16_t bf16) { return as_float((int32_t)((uint32_t)bf16 << 16)); }

ZK_INLINE uint16_t to_bf16(float x) {
    uint32_t bits = (uint32_t)as_bits(x);
    uint32_t rounded = bits + 0x7fff + ((bits >> 16) & 1);
    return (uint16_t)((x == x ? rounded : bits | 0x400000) >> 16);
}

// Input and output may be the same memory, but element i depends on element i alone.
#define INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")

// Bfloat16 is computed in floats, a chunk at a time: elements [begin, begin + count) as floats, in `buffer` if need be.
ZK_INLINE const float *floats(const void *x, int64_t begin, int64_t count, bool bf16, float *buffer) {
    if (!bf16) return (const float *)x + begin;
    const uint16_t *from = (const uint16_t *)x + begin;
    INDEPENDENT for (int64_t i = 0; i < count; i++) buffer[i] = from_bf16(from[i]);
    return buffer;
}

// √x without errno: a call that may set it is never vectorised.
ZK_INLINE float square_root(float x) {
#if __has_builtin(__builtin_elementwise_sqrt)
    return __builtin_elementwise_sqrt(x);
#else
    return sqrtf(x);
#endif
}

// e^x − 1 for |x| < ½ ln 2: a polynomial of degree 7.
ZK_INLINE float exp_series(float x) {
    float p = 1.9875691500e-4f;
    p = p * x + 1.3981999507e-3f;
    p = p * x + 8.3334519073e-3f;
    p = p * x + 4.1665795894e-2f;
    p = p * x + 1.6666665459e-1f;
    p = p * x + 5.0000001201e-1f;
    return p * x * x + x;
}

// e^x within 2 ulp for |x| < 87; clamped beyond. Cody and Waite reduction.
ZK_INLINE float fast_exp(float x) {
    x = x > 88.0f ? 88.0f : x;
    x = x < -87.0f ? -87.0f : x;
    const float magic = 12582912.0f;  // 1.5 · 2^23: adding it rounds to the nearest integer
    float shifted = x * 1.44269504088896341f + magic;
    float n = shifted - magic;
    float r = x - n * 0.693359375f;
    r = r + n * 2.12194440e-4f;
    float p = exp_series(r) + 1.0f;
    return p * as_float((as_bits(shifted) << 23) + 0x3f800000);
}

// e^x − 1 within 3 ulp: near 0 without the 1, which would swallow the digits. There fast_exp's polynomial needs no reduction.
ZK_INLINE float fast_expm1(float x) {
    float small = exp_series(x), large = fast_exp(x) - 1.0f;
    return fabsf(x) < 0.34f ? small : large;
}

// log x for normal x > 0, within 2 ulp. Polynomial of degree 8 on [√½, √2).
ZK_INLINE float fast_log(float x) {
    int32_t bits = as_bits(x);
    int32_t exponent = (bits - 0x3f3504f3) >> 23;
    float m = as_float(bits - (exponent << 23)) - 1.0f;
    float e = (float)exponent;
    float z = m * m;
    float p = 7.0376836292e-2f;
    p = p * m - 1.1514610310e-1f;
    p = p * m + 1.1676998740e-1f;
    p = p * m - 1.2420140846e-1f;
    p = p * m + 1.4249322787e-1f;
    p = p * m - 1.6668057665e-1f;
    p = p * m + 2.0000714765e-1f;
    p = p * m - 2.4999993993e-1f;
    p = p * m + 3.3333331174e-1f;
    float y = m * z * p;
    y = y - e * 2.12194440e-4f;
    y = y - 0.5f * z;
    return m + y + e * 0.693359375f;
}

ZK_INLINE float fast_sigmoid(float x) {
    float e = fast_exp(-fabsf(x));
    float s = 1.0f / (1.0f + e);
    return x >= 0 ? s : e * s;
}

// log(1 + x) for 0 ≤ x ≤ 1: what rounding takes from 1 + x is given back by the factor (Goldberg 1991, theorem 4).
ZK_INLINE float fast_log1p(float x) {
    float sum = 1.0f + x;
    float corrected = fast_log(sum) * (x / (sum - 1.0f));
    return sum == 1.0f ? x : corrected;
}

// log(1 + e^x)
ZK_INLINE float fast_softplus(float x) { return (x > 0 ? x : 0) + fast_log1p(fast_exp(-fabsf(x))); }

ZK_INLINE float fast_tanh(float x) {
    float a = fabsf(x);
    float e = fast_exp(-2.0f * a);
    float large = (1.0f - e) / (1.0f + e);
    float z = a * a;
    float p = -5.70498872745e-3f;
    p = p * z + 2.06390887954e-2f;
    p = p * z - 5.37397155531e-2f;
    p = p * z + 1.33314422036e-1f;
    p = p * z - 3.33332819422e-1f;
    float small = p * z * a + a;
    float t = a < 0.625f ? small : large;
    return x < 0 ? -t : t;
}

// Φ(x), the standard normal distribution function; absolute error below 1.5e-7 (Abramowitz and Stegun 7.1.26).
ZK_INLINE float normal_distribution(float x) {
    float a = fabsf(x) * 0.70710678118654752f;
    float t = 1.0f / (1.0f + 0.3275911f * a);
    float p = 1.061405429f;
    p = p * t - 1.453152027f;
    p = p * t + 1.421413741f;
    p = p * t - 0.284496736f;
    p = p * t + 0.254829592f;
    float tail = 0.5f * p * t * fast_exp(-a * a);
    return x < 0 ? tail : 1.0f - tail;
}

#endif
