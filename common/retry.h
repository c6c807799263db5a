/* How long to wait before the next attempt: exponential back-off with full jitter ("Exponential Backoff And Jitter",
 * AWS Architecture Blog), bounded, and never shorter than what the service asked for. Pure, but for rc_retry_pause:
 * randomness is passed in. Any thread. */
#ifndef RC_COMMON_RETRY_H
#define RC_COMMON_RETRY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct {
    int64_t base_ms; /* the first wait is up to this long */
    int64_t cap_ms;  /* no wait is longer, what the service asks for excepted */
} rc_retry_t;

/* Milliseconds to wait after `failures` failures in a row (the first is 1): evenly spread in
 * [0, min(cap, base * 2^(failures-1))] by `random`, any 64 even bits (common/random.h has them). With retry_after_ms
 * >= 0 (rc_error_t) the wait is that, and the same spread again of at most base_ms on top, so that not all come back in
 * one moment. */
int64_t rc_retry_delay_ms(const rc_retry_t *policy, int failures, int64_t retry_after_ms, uint64_t random);

/* For a thread that does nothing else than ask its own brokers or registry until they answer, so without jitter. */

/* Blocks for that long. False: *stop became true (looked at every 20 ms; NULL: never). */
bool rc_retry_pause(int64_t delay_ms, const atomic_bool *stop);
/* The pause after one of delay_ms. */
int64_t rc_retry_doubled(int64_t delay_ms, int64_t cap_ms);

#endif
