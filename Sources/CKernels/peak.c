#include "CKernels.h"
#include "support.h"

#include <time.h>

// Multiply-adds on registers alone: nothing a program does can be faster.

#define FMA_LOOP(NAME, TARGET, LANES_, COUNT) \
    typedef float NAME##_vector __attribute__((vector_size(LANES_ * 4))); \
    TARGET static double NAME(int64_t rounds) { \
        NAME##_vector sums[COUNT]; \
        for (int i = 0; i < COUNT; i++) sums[i] = (NAME##_vector){0} + (float)i; \
        NAME##_vector a = (NAME##_vector){0} + 0.999f, b = (NAME##_vector){0} + 0.001f; \
        for (int64_t r = 0; r < rounds; r++) { \
            __asm__ volatile("" : "+x"(a), "+x"(b)); \
            _Pragma("clang loop unroll(full)") for (int i = 0; i < COUNT; i++) sums[i] = sums[i] * a + b; \
        } \
        NAME##_vector total = sums[0]; \
        for (int i = 1; i < COUNT; i++) total += sums[i]; \
        volatile float kept = total[0]; \
        (void)kept; \
        return 2.0 * LANES_ * COUNT * (double)rounds; \
    }

#if defined(__x86_64__)
FMA_LOOP(fma512, __attribute__((target("avx512f"))), 16, 12)
FMA_LOOP(fma256, __attribute__((target("avx2,fma"))), 8, 10)
FMA_LOOP(fma128, , 4, 10)

static double multiply_add(int64_t rounds) {
    if (__builtin_cpu_supports("avx512f")) return fma512(rounds);
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return fma256(rounds);
    return fma128(rounds);
}
#else
static double multiply_add(int64_t rounds) {
    float sums[32];
    for (int i = 0; i < 32; i++) sums[i] = (float)i;
    for (int64_t r = 0; r < rounds; r++) {
        for (int i = 0; i < 32; i++) sums[i] = sums[i] * 0.999f + 0.001f;
    }
    volatile float kept = sums[0];
    (void)kept;
    return 64.0 * (double)rounds;
}
#endif

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

typedef struct {
    int64_t rounds;
    double *flops;
} arguments;

static void run(const void *context, int64_t begin, int64_t end) {
    const arguments *a = context;
    for (int64_t part = begin; part < end; part += LANES) a->flops[part / LANES] = multiply_add(a->rounds);
}

double zk_peak_flops(double seconds) {
    enum { MAXIMUM = 1024 };
    double flops[MAXIMUM];
    int64_t threads = zk_thread_count() < MAXIMUM ? zk_thread_count() : MAXIMUM;
    double best = 0, end = now() + seconds;
    arguments a = {.rounds = 1 << 20, .flops = flops};
    do {
        double start = now(), sum = 0;
        zk_parallel(threads * LANES, LANES, run, &a);
        double elapsed = now() - start;
        for (int64_t i = 0; i < threads; i++) sum += flops[i];
        if (sum / elapsed > best) best = sum / elapsed;
    } while (now() < end);
    return best;
}
