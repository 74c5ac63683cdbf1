#include "tiles.h"

#ifdef ZK_TILES

#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { FEATURE_TILE = 24, FEATURE_BF16 = 22, REQUEST_PERMISSION = 0x1023, TILE_DATA = 18 };

static bool asked_for_tiles(void) {
    unsigned a, b, c, d;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return false;
    const bool tiles = (d >> FEATURE_TILE & 1) && (d >> FEATURE_BF16 & 1);
    if (!tiles || !__get_cpuid_count(7, 1, &a, &b, &c, &d) || !(a >> 5 & 1)) return false;  // avx512_bf16
    // Linux saves these registers only for processes that ask.
    return syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) == 0;
}

bool zk_has_tiles(void) {
    static _Atomic int answer;  // 0 before the first question; asking is slow on a virtual machine
    if (answer == 0) answer = asked_for_tiles() ? 1 : -1;
    return answer > 0;
}

#else

bool zk_has_tiles(void) { return false; }

#endif
