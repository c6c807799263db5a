/* People who have left, erased: tombstones for their snapshot, their pending change and what the lanes have finished
 * for them. Consumers treat them as gone from then on (design section 5, S6), and a rehire has a higher version than
 * ever before. Events, retries and dead letters about them stay until their topics' retention is over. On the
 * integration's worker thread. */
#ifndef RC_PRODUCER_FORGET_H
#define RC_PRODUCER_FORGET_H

#include "producer/poll/poll.h"

typedef struct {
    const char *employee_id;       /* NULL: everybody who was gone before... */
    rc_wall_t gone_before;         /* ...by rc_forget_gone_since, and has no pending change, */
    size_t most;                   /* of whom at most so many */
    const rc_kafka_group_t *group; /* captured before the step began */
    const char *command_id;        /* NULL: nobody asked */
    int64_t command_offset;        /* -1: none */
} rc_forget_order_t;

typedef struct {
    rc_sync_state_t state; /* as it was published; in the arena */
    size_t forgotten;
    bool behind; /* the views may lack something of it */
} rc_forget_result_t;

/* All in one transaction, with the state; none when there is nobody. `before` as rc_poll_run.
 *   RC_NOT_FOUND, RC_REJECT  nothing is stored of that employee.
 *   RC_CONFLICT, RC_REJECT   the employee is employed.
 * Otherwise as rc_publisher_write; result->behind is set in any case. */
rc_code_t rc_poll_forget(const rc_poll_context_t *context, const rc_forget_order_t *order,
                         const rc_sync_state_t *before, rc_arena_t *arena, rc_forget_result_t *result,
                         rc_error_t *error);

/* Since when somebody is gone: the end of the last day (UTC), or the moment at which it was published if that is later.
 * Pure. */
rc_wall_t rc_forget_gone_since(const rc_snapshot_t *snapshot);

#endif
