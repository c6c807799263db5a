/* The pace of one integration in one process: a token bucket for learnamp.requests_per_second, shared between processes
 * by their part of the partitions, and a gate that 429 closes. Pure: time and randomness are passed in. */
#ifndef RC_CONSUMER_LIMITER_H
#define RC_CONSUMER_LIMITER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/time.h"

/* In the caller's storage; its members are its own. */
typedef struct {
    double per_second; /* 0: no limit */
    double share;
    double tokens;
    rc_mono_t filled_at;
} rc_limiter_t;

/* The burst is a second's worth, at least one request. */
void rc_limiter_init(rc_limiter_t *limiter, double per_second, rc_mono_t now);
/* This process's part: assigned partitions of all lanes divided by those that exist; 0 to 1. */
void rc_limiter_set_share(rc_limiter_t *limiter, double share, rc_mono_t now);
/* Takes one request's worth: 0; else nothing is taken, and the milliseconds until there is one. */
int64_t rc_limiter_take(rc_limiter_t *limiter, rc_mono_t now);

typedef struct {
    rc_mono_t closed_until;
    int throttled; /* in a row */
} rc_gate_t;

void rc_gate_init(rc_gate_t *gate);
/* 429: closed for retry_after_ms, or exponentially longer each time when the service does not say (-1). An answer to an
 * older request never opens it earlier. */
void rc_gate_throttled(rc_gate_t *gate, int64_t retry_after_ms, uint64_t random, rc_mono_t now);
/* Any other answer of the service. */
void rc_gate_answered(rc_gate_t *gate);
/* Milliseconds until it opens; 0: it is open. */
int64_t rc_gate_wait_ms(const rc_gate_t *gate, rc_mono_t now);

#endif
