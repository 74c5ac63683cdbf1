// Counts heap allocations. Linked into an executable, it takes the place of the C library's malloc, calloc, realloc,
// posix_memalign and aligned_alloc for the whole process, and passes every call on.
#ifndef CAllocationCounter_h
#define CAllocationCounter_h

#include <stdint.h>

// From here on, allocations on the calling thread are counted, from 0.
void allocation_counter_start(void);

// Ends the counting and returns the number of allocations since the start. Those that libdnnl, libstdc++ and libgomp made
// for themselves are left out: oneDNN allocates in every execution.
int64_t allocation_counter_stop(void);

// The library and function that made the first allocation which was counted, for instance "libswiftCore.so
// swift_slowAlloc"; empty if there was none. Valid until the next start.
const char *allocation_counter_first_caller(void);

#endif
