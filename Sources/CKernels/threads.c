#define _GNU_SOURCE
#include "CKernels.h"
#include "support.h"
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

// A team of threads for each thread that computes. Work is cut into units, which the members of the team take as they are free; the
// thread that leads takes part, and waits only for members that have taken a unit. So a member that the system does not run,
// because another process has its processor, costs no more than its share of the work.
//
// A member without work spins for a while, for the next work mostly comes within microseconds, and then sleeps.

#define SPINS 4000  // some 50 µs

// The team of oneDNN's OpenMP build, on which programs run that call oneDNN: two teams would be in each other's way.
extern void GOMP_parallel(void (*function)(void *), void *data, unsigned thread_count, unsigned flags);
extern int omp_get_thread_num(void);
extern int omp_get_max_threads(void);
extern void omp_set_num_threads(int);
extern int omp_get_dynamic(void);
extern void omp_set_dynamic(int);

#if defined(__x86_64__)
#include <xmmintrin.h>

enum { FLUSH_TO_ZERO = 1 << 15, DENORMALS_ARE_ZERO = 1 << 6 };

static uint32_t begin_flushing(void) {
    const uint32_t setting = _mm_getcsr();
    _mm_setcsr(setting | FLUSH_TO_ZERO | DENORMALS_ARE_ZERO);
    return setting;
}

static void end_flushing(uint32_t setting) { _mm_setcsr(setting); }

static void relax(void) { _mm_pause(); }
#else
static uint32_t begin_flushing(void) { return 0; }

static void end_flushing(uint32_t setting) { (void)setting; }

static void relax(void) {}
#endif

// ---- the team

typedef struct {
    zk_unit_body body;
    const void *context;
    int64_t units, limit;  // of workers
    int64_t next;
} work;

typedef struct team {
    // The number of the work that is open, or of the last one; whether it is open; how many members have joined it.
    uint64_t state;
    work *current;
    int members;  // besides the leader
    bool ends, leader_sleeps;
    int sleepers;
    pthread_mutex_t mutex;
    pthread_cond_t work_comes, members_leave;
    pthread_t *threads;
} team;

#define JOINED 0xffffu
#define OPEN 0x10000u
#define NEXT 0x20000u  // the number of the work is above

typedef struct {
    team *team;
    int64_t number;
} member;

static void take_units(work *w, int64_t worker) {
    for (;;) {
        const int64_t unit = __atomic_fetch_add(&w->next, 1, __ATOMIC_RELAXED);
        if (unit >= w->units) return;
        w->body(w->context, worker, unit);
    }
}

// Waits for other work than that of this number; the state, or 0 where the team ends.
static uint64_t await_work(team *t, uint64_t last) {
    for (int spin = 0; spin < SPINS; spin++) {
        const uint64_t state = __atomic_load_n(&t->state, __ATOMIC_ACQUIRE);
        if ((state & OPEN) && state / NEXT != last) return state;
        relax();
    }
    uint64_t state = 0;
    pthread_mutex_lock(&t->mutex);
    __atomic_fetch_add(&t->sleepers, 1, __ATOMIC_SEQ_CST);
    while (!t->ends) {
        state = __atomic_load_n(&t->state, __ATOMIC_SEQ_CST);
        if ((state & OPEN) && state / NEXT != last) break;
        pthread_cond_wait(&t->work_comes, &t->mutex);
    }
    __atomic_fetch_sub(&t->sleepers, 1, __ATOMIC_SEQ_CST);
    if (t->ends) state = 0;
    pthread_mutex_unlock(&t->mutex);
    return state;
}

static void *serve(void *context) {
    const member m = *(member *)context;
    free(context);
    team *t = m.team;
    begin_flushing();
    uint64_t last = 0;
    for (;;) {
        uint64_t state = await_work(t, last);
        if (state == 0) return NULL;
        last = state / NEXT;
        // Joins, unless the work has been closed meanwhile.
        bool joined = false;
        while (state & OPEN && state / NEXT == last && !joined) {
            joined = __atomic_compare_exchange_n(
                &t->state, &state, state + 1, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
        }
        if (!joined) continue;
        work *w = t->current;
        if (m.number < w->limit) take_units(w, m.number);
        const uint64_t left = __atomic_sub_fetch(&t->state, 1, __ATOMIC_SEQ_CST);
        if ((left & (JOINED | OPEN)) == 0 && __atomic_load_n(&t->leader_sleeps, __ATOMIC_SEQ_CST)) {
            pthread_mutex_lock(&t->mutex);
            pthread_cond_signal(&t->members_leave);
            pthread_mutex_unlock(&t->mutex);
        }
    }
}

static void lead(team *t, work *w) {
    t->current = w;
    const uint64_t closed = __atomic_load_n(&t->state, __ATOMIC_RELAXED);
    __atomic_store_n(&t->state, (closed / NEXT + 1) * NEXT | OPEN, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&t->sleepers, __ATOMIC_SEQ_CST) > 0) {
        pthread_mutex_lock(&t->mutex);
        pthread_cond_broadcast(&t->work_comes);
        pthread_mutex_unlock(&t->mutex);
    }
    take_units(w, 0);
    uint64_t state = __atomic_and_fetch(&t->state, ~(uint64_t)OPEN, __ATOMIC_SEQ_CST);
    for (int spin = 0; spin < SPINS && (state & JOINED); spin++) {
        relax();
        state = __atomic_load_n(&t->state, __ATOMIC_ACQUIRE);
    }
    if ((state & JOINED) == 0) return;
    pthread_mutex_lock(&t->mutex);
    __atomic_store_n(&t->leader_sleeps, true, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&t->state, __ATOMIC_SEQ_CST) & JOINED) pthread_cond_wait(&t->members_leave, &t->mutex);
    __atomic_store_n(&t->leader_sleeps, false, __ATOMIC_SEQ_CST);
    pthread_mutex_unlock(&t->mutex);
}

static void end_team(void *context) {
    team *t = context;
    pthread_mutex_lock(&t->mutex);
    t->ends = true;
    pthread_cond_broadcast(&t->work_comes);
    pthread_mutex_unlock(&t->mutex);
    for (int i = 0; i < t->members; i++) pthread_join(t->threads[i], NULL);
    pthread_cond_destroy(&t->work_comes);
    pthread_cond_destroy(&t->members_leave);
    pthread_mutex_destroy(&t->mutex);
    free(t->threads);
    free(t);
}

// The calling thread's team ends with the thread.
static pthread_key_t team_key;
static pthread_once_t team_once = PTHREAD_ONCE_INIT;

static void make_key(void) { pthread_key_create(&team_key, end_team); }

// A team of at least so many members, or of as many as the system gives; NULL for none.
static team *team_of(int members) {
    pthread_once(&team_once, make_key);
    team *t = pthread_getspecific(team_key);
    if (!t) {
        t = calloc(1, sizeof *t);
        if (!t) return NULL;
        pthread_mutex_init(&t->mutex, NULL);
        pthread_cond_init(&t->work_comes, NULL);
        pthread_cond_init(&t->members_leave, NULL);
        pthread_setspecific(team_key, t);
    }
    if (t->members >= members) return t;
    pthread_t *threads = realloc(t->threads, (size_t)members * sizeof *threads);
    if (!threads) return t;
    t->threads = threads;
    while (t->members < members) {
        member *m = malloc(sizeof *m);
        if (!m) break;
        *m = (member){t, t->members + 1};
        if (pthread_create(&threads[t->members], NULL, serve, m) != 0) {
            free(m);
            break;
        }
        t->members++;
    }
    return t;
}

// ---- how many threads

// of the calling thread; 0 for not set
static _Thread_local int team_size;
static _Thread_local bool uses_openmp;

static int environment_count, environment_limit;  // 0 for none
static pthread_once_t environment_once = PTHREAD_ONCE_INIT;

static int from_environment(const char *name) {
    const char *text = getenv(name);
    return text ? atoi(text) : 0;
}

static void read_environment(void) {
    environment_count = from_environment("OMP_NUM_THREADS");
    environment_limit = from_environment("OMP_THREAD_LIMIT");
}

int zk_processor_count(void) {
#if defined(__linux__)
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
#endif
    const long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count > 0 ? (int)count : 1;
}

static int processor_limit;  // 0 for none

void zk_limit_processors(int count) { __atomic_store_n(&processor_limit, count, __ATOMIC_RELAXED); }

static int usable_processors(void) {
    const int limit = __atomic_load_n(&processor_limit, __ATOMIC_RELAXED), count = zk_processor_count();
    return limit > 0 && limit < count ? limit : count;
}

void zk_set_thread_count(int count) { team_size = count; }

int zk_thread_count(void) {
    pthread_once(&environment_once, read_environment);
    const int count =
        team_size > 0 ? team_size : environment_count > 0 ? environment_count : usable_processors();
    return environment_limit > 0 && environment_limit < count ? environment_limit : count;
}

static void flush(void *unused) {
    (void)unused;
    begin_flushing();
}

zk_thread_settings zk_begin_run(int threads, bool on_openmp) {
    zk_thread_settings before = {
        .threads = team_size, .on_openmp = uses_openmp, .omp_threads = omp_get_max_threads(),
        .omp_dynamic = omp_get_dynamic()};
    team_size = threads;
    uses_openmp = on_openmp;
    before.floating_point = begin_flushing();
    if (on_openmp) {
        // OpenMP may otherwise give fewer threads where the machine is busy.
        omp_set_dynamic(0);
        omp_set_num_threads(threads);
        GOMP_parallel(flush, NULL, (unsigned)threads, 0);
    }
    return before;
}

void zk_end_run(zk_thread_settings before) {
    end_flushing(before.floating_point);
    if (uses_openmp) {
        omp_set_num_threads(before.omp_threads);
        omp_set_dynamic(before.omp_dynamic);
    }
    team_size = before.threads;
    uses_openmp = before.on_openmp;
}

// ---- work

static void take_openmp_units(void *context) { take_units(context, omp_get_thread_num()); }

void zk_share(int64_t units, zk_unit_body body, const void *context) {
    const int64_t most = zk_thread_count(), threads = units < most ? units : most;
    work w = {.body = body, .context = context, .units = units, .limit = threads};
    if (threads > 1 && uses_openmp) {
        GOMP_parallel(take_openmp_units, &w, (unsigned)threads, 0);
        return;
    }
    team *t = threads > 1 ? team_of((int)threads - 1) : NULL;
    if (t && t->members > 0) {
        lead(t, &w);
    } else {
        take_units(&w, 0);
    }
}

typedef struct {
    int64_t count, pieces;
    zk_body body;
    const void *context;
} pieces;

static int64_t bound(int64_t count, int64_t piece, int64_t all) {
    return piece == all ? count : count * piece / all / LANES * LANES;
}

static void run_piece(const void *context, int64_t worker, int64_t piece) {
    (void)worker;
    const pieces *p = context;
    const int64_t begin = bound(p->count, piece, p->pieces), end = bound(p->count, piece + 1, p->pieces);
    if (begin < end) p->body(p->context, begin, end);
}

#define PIECES_PER_THREAD 4

void zk_parallel(int64_t count, int64_t grain, zk_body body, const void *context) {
    const int64_t most = count / (grain > 0 ? grain : 1), threads = zk_thread_count();
    if (most <= 1 || threads <= 1) {
        if (count > 0) body(context, 0, count);
        return;
    }
    const int64_t wanted = threads * PIECES_PER_THREAD;
    const pieces p = {count, most < wanted ? most : wanted, body, context};
    zk_share(p.pieces, run_piece, &p);
}
