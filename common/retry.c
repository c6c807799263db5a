#include "common/retry.h"

#include <time.h>

#include "common/error.h"
#include "common/time.h"

enum { STEP_MS = 20 };

/* Evenly in [0, bound]: the high 64 bits of random * (bound + 1), so that no division is skewed. */
static int64_t spread(uint64_t random, int64_t bound)
{
    return (int64_t)(((unsigned __int128)random * ((uint64_t)bound + 1)) >> 64);
}

int64_t rc_retry_delay_ms(const rc_retry_t *policy, int failures, int64_t retry_after_ms, uint64_t random)
{
    RC_INVARIANT(policy->base_ms >= 0 && policy->cap_ms >= policy->base_ms && failures >= 1);
    if (retry_after_ms >= 0) return retry_after_ms + spread(random, policy->base_ms);
    int64_t bound = policy->base_ms;
    for (int i = 1; i < failures && bound < policy->cap_ms; i++)
        bound = bound > policy->cap_ms / 2 ? policy->cap_ms : bound * 2;
    return spread(random, bound);
}

bool rc_retry_pause(int64_t delay_ms, const atomic_bool *stop)
{
    rc_mono_t until = {rc_mono_now().ms + delay_ms};
    for (;;) {
        if (stop && atomic_load(stop)) return false;
        int64_t left_ms = until.ms - rc_mono_now().ms;
        if (left_ms <= 0) return true;
        const struct timespec step = {0, (left_ms < STEP_MS ? left_ms : STEP_MS) * 1000000};
        (void)nanosleep(&step, NULL);
    }
}

int64_t rc_retry_doubled(int64_t delay_ms, int64_t cap_ms)
{
    return delay_ms < cap_ms / 2 ? delay_ms * 2 : cap_ms;
}
