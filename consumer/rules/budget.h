/* The dead-letter budget of one integration: a poison storm opens the breaker instead of filling the dead letters. Over
 * a rolling window, max(count, percent of what finished) may be dead-lettered. Pure: time is passed in. */
#ifndef RC_CONSUMER_BUDGET_H
#define RC_CONSUMER_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#include "common/time.h"

enum { RC_BUDGET_BUCKETS = 60 };

/* In the caller's storage; its members are its own. */
typedef struct {
    int percent;
    int count;
    int64_t bucket_ms;
    int64_t newest; /* number of the newest bucket since the clock's start */
    struct {
        uint32_t finished;
        uint32_t dead;
    } buckets[RC_BUDGET_BUCKETS];
} rc_budget_t;

/* consumer.dead_letter_budget. */
void rc_budget_init(rc_budget_t *budget, int percent, int count, int64_t window_ms, rc_mono_t now);
/* A record finished in whatever way; parked ones are not finished. */
void rc_budget_finished(rc_budget_t *budget, rc_mono_t now);
/* Takes one dead letter: true, and it counts as finished too; false: the budget is spent, hold the record and trip the
 * breaker. */
bool rc_budget_take(rc_budget_t *budget, rc_mono_t now);

#endif
