#include "CStartup.h"

#include <stdlib.h>

const char *zoo_startup_spin_count(void) { return getenv("GOMP_SPINCOUNT"); }

#if defined(__linux__)
static void set_spin_count(int argument_count, char **arguments, char **environment) {
    (void)argument_count;
    (void)arguments;
    (void)environment;
    if (!getenv("OMP_WAIT_POLICY")) setenv("GOMP_SPINCOUNT", ZOO_SPIN_COUNT, 0);
}

// Functions listed here run before the initialisers of shared libraries, libgomp's among them.
__attribute__((section(".preinit_array"), used)) static void (*const run_before_libraries)(int, char **, char **) =
    set_spin_count;
#endif
