#include "CKernels.h"
#include "support.h"

// The entry points of libgomp, which oneDNN's OpenMP build uses too: one team of threads serves both.
extern void GOMP_parallel(void (*function)(void *), void *data, unsigned thread_count, unsigned flags);
extern int omp_get_thread_num(void);
extern int omp_get_num_threads(void);
extern int omp_get_max_threads(void);
extern void omp_set_num_threads(int);
extern int omp_get_num_procs(void);
extern int omp_get_thread_limit(void);
extern int omp_get_dynamic(void);
extern void omp_set_dynamic(int);

void zk_set_thread_count(int count) { omp_set_num_threads(count); }

int zk_processor_count(void) { return omp_get_num_procs(); }

int zk_thread_count(void) {
    const int count = omp_get_max_threads(), limit = omp_get_thread_limit();
    return count < limit ? count : limit;
}

#if defined(__x86_64__)
#include <xmmintrin.h>

enum { FLUSH_TO_ZERO = 1 << 15, DENORMALS_ARE_ZERO = 1 << 6 };

static void flush(void *unused) {
    (void)unused;
    _mm_setcsr(_mm_getcsr() | FLUSH_TO_ZERO | DENORMALS_ARE_ZERO);
}

static uint32_t begin_flushing(int threads) {
    uint32_t setting = _mm_getcsr();
    GOMP_parallel(flush, NULL, (unsigned)threads, 0);
    return setting;
}

static void end_flushing(uint32_t setting) { _mm_setcsr(setting); }
#else
static uint32_t begin_flushing(int threads) {
    (void)threads;
    return 0;
}

static void end_flushing(uint32_t setting) { (void)setting; }
#endif

zk_thread_settings zk_begin_run(int threads) {
    zk_thread_settings before = {.threads = omp_get_max_threads(), .dynamic = omp_get_dynamic()};
    // OpenMP may otherwise give fewer threads where the machine is busy.
    omp_set_dynamic(0);
    omp_set_num_threads(threads);
    before.floating_point = begin_flushing(threads);
    return before;
}

void zk_end_run(zk_thread_settings before) {
    end_flushing(before.floating_point);
    omp_set_num_threads(before.threads);
    omp_set_dynamic(before.dynamic);
}

typedef struct {
    int64_t count;
    zk_body body;
    const void *context;
} work;

static int64_t bound(int64_t count, int64_t part, int64_t parts) {
    return part == parts ? count : count * part / parts / LANES * LANES;
}

static void run_part(void *data) {
    const work *w = data;
    int64_t part = omp_get_thread_num(), parts = omp_get_num_threads();
    int64_t begin = bound(w->count, part, parts), end = bound(w->count, part + 1, parts);
    if (begin < end) w->body(w->context, begin, end);
}

void zk_parallel(int64_t count, int64_t grain, zk_body body, const void *context) {
    int64_t threads = omp_get_max_threads();
    int64_t useful = count / (grain > 0 ? grain : 1);
    if (useful < threads) threads = useful;
    if (threads <= 1) {
        if (count > 0) body(context, 0, count);
        return;
    }
    work w = {count, body, context};
    GOMP_parallel(run_part, &w, (unsigned)threads, 0);
}
