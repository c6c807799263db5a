/* How far the lanes are behind: consumer_lag of every assigned partition, and how large the local tables are. Asks
 * Kafka for the ends every few seconds, on a thread of its own: what a handle that fetches knows is as old as its last
 * fetch, and a retry partition whose head is not due is not fetched. The loop's thread only. */
#ifndef RC_CONSUMER_LAG_H
#define RC_CONSUMER_LAG_H

#include "common/offsets.h"
#include "consumer/engine/engine.h"

typedef struct rc_lag rc_lag_t;

/* Borrows the engine, whose lanes and tables outlive the thread. Returns new (free with rc_lag_free). */
rc_lag_t *rc_lag_new(rc_engine_t *engine);
/* Ends the thread; what is under way is not told any more. Before the loop is freed, and rc_lag_free after it, because
 * a post may be under way. NULL is fine for both. */
void rc_lag_stop(rc_lag_t *lag);
void rc_lag_free(rc_lag_t *lag);

/* Records that are not finished: those that were read, and what lies between there and the end. `eof`: the offset at
 * which the end was met last (-1: never); it lies behind the markers of transactions, which are no records. -1: nothing
 * is known yet. Pure. */
int64_t rc_lag_of(const rc_offsets_t *offsets, int64_t eof, int64_t end);

#endif
