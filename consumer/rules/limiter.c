#include "consumer/rules/limiter.h"

#include <math.h>

#include "common/retry.h"

static double burst(const rc_limiter_t *limiter)
{
    double rate = limiter->per_second * limiter->share;
    return rate > 1 ? rate : 1;
}

static void fill(rc_limiter_t *limiter, rc_mono_t now)
{
    double seconds = (double)(now.ms - limiter->filled_at.ms) / 1000;
    if (seconds > 0) {
        limiter->tokens += seconds * limiter->per_second * limiter->share;
        limiter->filled_at = now;
    }
    if (limiter->tokens > burst(limiter)) limiter->tokens = burst(limiter);
}

void rc_limiter_init(rc_limiter_t *limiter, double per_second, rc_mono_t now)
{
    *limiter = (rc_limiter_t){.per_second = per_second, .share = 1, .filled_at = now};
    limiter->tokens = burst(limiter);
}

void rc_limiter_set_share(rc_limiter_t *limiter, double share, rc_mono_t now)
{
    fill(limiter, now); /* what was earned until now was earned at the former share */
    limiter->share = share < 0 ? 0 : share > 1 ? 1 : share;
    fill(limiter, now);
}

int64_t rc_limiter_take(rc_limiter_t *limiter, rc_mono_t now)
{
    enum { NO_SHARE_WAIT_MS = 1000 };

    if (limiter->per_second <= 0) return 0;
    fill(limiter, now);
    if (limiter->tokens >= 1) {
        limiter->tokens -= 1;
        return 0;
    }
    double rate = limiter->per_second * limiter->share;
    if (rate <= 0) return NO_SHARE_WAIT_MS;
    double wait_ms = ceil((1 - limiter->tokens) / rate * 1000);
    return wait_ms < 1 ? 1 : wait_ms > 60000 ? 60000 : (int64_t)wait_ms;
}

void rc_gate_init(rc_gate_t *gate)
{
    *gate = (rc_gate_t){.closed_until = {0}};
}

void rc_gate_throttled(rc_gate_t *gate, int64_t retry_after_ms, uint64_t random, rc_mono_t now)
{
    static const rc_retry_t growing = {.base_ms = 2000, .cap_ms = 5 * 60 * 1000};

    /* What was under way when the gate closed is throttled as well: that says nothing new, unless another of those was
     * answered in between. */
    if (gate->throttled == 0 || rc_gate_wait_ms(gate, now) == 0) gate->throttled++;
    int64_t wait_ms = rc_retry_delay_ms(&growing, gate->throttled, retry_after_ms, random);
    if (wait_ms < 1000 && retry_after_ms < 0) wait_ms = 1000; /* full jitter may say "at once" */
    if (now.ms + wait_ms > gate->closed_until.ms) gate->closed_until.ms = now.ms + wait_ms;
}

void rc_gate_answered(rc_gate_t *gate)
{
    gate->throttled = 0;
}

int64_t rc_gate_wait_ms(const rc_gate_t *gate, rc_mono_t now)
{
    return gate->closed_until.ms > now.ms ? gate->closed_until.ms - now.ms : 0;
}
