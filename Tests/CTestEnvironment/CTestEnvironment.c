// Gives a process of tests, and those that it starts, a cache of its own: decoded pictures must not pile up in the user's. It is
// removed at the end. Data sets that lie in the user's cache are still found.

#define _GNU_SOURCE
#include "CTestEnvironment.h"

#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char cache[PATH_MAX];
static pid_t owner;

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *place) {
    (void)status, (void)kind, (void)place;
    return remove(path);
}

static void remove_cache(void) {
    // A process that was forked and not yet replaced leaves it alone.
    if (getpid() == owner) nftw(cache, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

__attribute__((constructor)) static void make_cache(void) {
    const char *temporary = getenv("TMPDIR"), *usual = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    char data[PATH_MAX];
    if (usual && *usual)
        snprintf(data, sizeof data, "%s/zoo/data", usual);
    else
        snprintf(data, sizeof data, "%s/.cache/zoo/data", home ? home : "");
    snprintf(cache, sizeof cache, "%s/zoo-test-cache-XXXXXX", temporary && *temporary ? temporary : "/tmp");
    if (!mkdtemp(cache)) return;
    if (access(data, R_OK) == 0) setenv("ZOO_DATA", data, 0);
    setenv("XDG_CACHE_HOME", cache, 1);
    owner = getpid();
    atexit(remove_cache);
}
