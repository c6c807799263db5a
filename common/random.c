#include "common/random.h"

#include <sys/random.h>

#include "common/error.h"

uint64_t rc_random64(void)
{
    uint64_t bits;
    /* Up to 256 bytes come whole, once the kernel's pool is ready (getrandom(2)). */
    RC_INVARIANT(getrandom(&bits, sizeof bits, 0) == (ssize_t)sizeof bits);
    return bits;
}
