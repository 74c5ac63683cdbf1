#include <sys/prctl.h>

/// Asks the kernel to send this process a signal when the thread ends that started it; `prctl` takes any number of
/// arguments, which Swift cannot give. Returns 0, or -1 with `errno`.
static inline int cprocess_signal_at_parents_end(int signal) {
    return prctl(PR_SET_PDEATHSIG, (unsigned long)signal, 0UL, 0UL, 0UL);
}
