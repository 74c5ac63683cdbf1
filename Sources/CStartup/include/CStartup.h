// Settings that libgomp reads before main() begins. A program that links this target has them; environment variables
// that the user has set are left alone.
#ifndef CStartup_h
#define CStartup_h

// Spins of a waiting OpenMP thread before it sleeps. libgomp's default waits for milliseconds, which on a busy machine
// burns the very core that the other thread of the team needs.
#define ZOO_SPIN_COUNT "20000"

// Names the settings; calling it makes sure that the linker keeps this target.
const char *zoo_startup_spin_count(void);

#endif
