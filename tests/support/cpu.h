/* The CPU time of this process: what benchmarks and tests of cost count. */
#ifndef RC_TESTS_SUPPORT_CPU_H
#define RC_TESTS_SUPPORT_CPU_H

#include <time.h>

#include "common/error.h"

static inline double rc_cpu_seconds(void)
{
    struct timespec now;
    RC_INVARIANT(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now) == 0);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

#endif
