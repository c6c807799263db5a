/* Asks Kafka for the ends of partitions on a thread of its own, and says on the loop when the tail has passed them. One
 * question serves everybody who asked while the one before was under way. */
#ifndef RC_CONSUMER_BARRIER_H
#define RC_CONSUMER_BARRIER_H

#include "common/kafka_admin.h"
#include "common/loop.h"
#include "common/tail.h"

typedef struct rc_barrier rc_barrier_t;

typedef void rc_barrier_passed_fn(void *opaque, rc_code_t code);

/* `topics` are the names by index of rc_tail_target_t.topic. Borrows all. Returns new (free with rc_barrier_free). */
rc_barrier_t *rc_barrier_new(rc_loop_t *loop, rc_kafka_admin_t *admin, rc_tail_t *tail, const char *const *topics);
/* Ends the thread; no callback follows. Before tail and loop are freed (which may hold what is still under way). NULL
 * is fine. */
void rc_barrier_free(rc_barrier_t *barrier);

/* Loop only. Waits until the tail has passed the ends of these partitions (`offset` is ignored) as they are at some
 * moment after this call; then calls `passed` on the loop, once: RC_OK, or RC_OWNERSHIP when a partition is not
 * followed. While Kafka does not answer it asks again, and logs so. */
void rc_barrier_ask(rc_barrier_t *barrier, const rc_tail_target_t *places, size_t count, rc_barrier_passed_fn *passed,
                    void *opaque);
/* Loop only. The same for given offsets. */
void rc_barrier_await(rc_barrier_t *barrier, const rc_tail_target_t *targets, size_t count,
                      rc_barrier_passed_fn *passed, void *opaque);

#endif
