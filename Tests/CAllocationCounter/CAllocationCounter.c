#define _GNU_SOURCE
#include "CAllocationCounter.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// glibc's own entry points, which stay reachable under these names.
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

static _Thread_local bool is_counting;
static _Thread_local int64_t counted;
static _Thread_local char first_caller[256];

static const char *const ignored_libraries[] = {"libdnnl", "libstdc++", "libgomp"};

static void count(void *caller) {
    if (!is_counting) return;
    is_counting = false;  // what follows must not count itself
    Dl_info info = {0};
    const char *library = "", *function = "";
    if (dladdr(caller, &info)) {
        if (info.dli_fname) {
            const char *slash = strrchr(info.dli_fname, '/');
            library = slash ? slash + 1 : info.dli_fname;
        }
        if (info.dli_sname) function = info.dli_sname;
    }
    bool is_ignored = false;
    for (size_t i = 0; i < sizeof ignored_libraries / sizeof *ignored_libraries; i++) {
        if (strncmp(library, ignored_libraries[i], strlen(ignored_libraries[i])) == 0) is_ignored = true;
    }
    if (!is_ignored && counted++ == 0) {
        snprintf(first_caller, sizeof first_caller, "%s %s", library, function);
    }
    is_counting = true;
}

void allocation_counter_start(void) {
    counted = 0;
    first_caller[0] = 0;
    is_counting = true;
}

int64_t allocation_counter_stop(void) {
    is_counting = false;
    return counted;
}

const char *allocation_counter_first_caller(void) { return first_caller; }

void *malloc(size_t size) {
    count(__builtin_return_address(0));
    return __libc_malloc(size);
}

void *calloc(size_t number, size_t size) {
    count(__builtin_return_address(0));
    return __libc_calloc(number, size);
}

void *realloc(void *memory, size_t size) {
    count(__builtin_return_address(0));
    return __libc_realloc(memory, size);
}

int posix_memalign(void **result, size_t alignment, size_t size) {
    count(__builtin_return_address(0));
    if (alignment % sizeof(void *) != 0 || alignment == 0 || (alignment & (alignment - 1)) != 0) return EINVAL;
    void *memory = __libc_memalign(alignment, size);
    if (!memory) return ENOMEM;
    *result = memory;
    return 0;
}

void *aligned_alloc(size_t alignment, size_t size) {
    count(__builtin_return_address(0));
    return __libc_memalign(alignment, size);
}
