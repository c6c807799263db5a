/* The current state of people published again, with a new version: for a Learn Amp that was wiped, for a subscriber who
 * begins. Nobody becomes anything by it: the brakes neither count nor hold it, pending changes stay as they are. On the
 * integration's worker thread. */
#ifndef RC_PRODUCER_RESYNC_H
#define RC_PRODUCER_RESYNC_H

#include "producer/poll/poll.h"

typedef struct {
    const char *employee_id;       /* NULL: everybody */
    rc_wall_t issued_at;           /* of the command: whose state is of then or later is passed over */
    rc_wall_t now;                 /* the time that the step goes by */
    const rc_kafka_group_t *group; /* captured before it began */
    const char *command_id;        /* NULL: nobody asked */
    int64_t command_offset;        /* -1: none */
} rc_resync_order_t;

typedef struct {
    rc_sync_state_t state; /* as it was published; in the arena */
    int64_t created;       /* events */
    int64_t deactivated;
    bool behind; /* the views may lack something of it */
} rc_resync_result_t;

/* Publishes, for everybody whose state is older than the command, `Created` (employed) or `Deactivated` (gone) with
 * reason RESYNC, in transactions of at most context->transaction_employees; the last one answers the command. Broken
 * off, the same order goes on where it ended, as those who are done are newer than the command. `before` as
 * rc_poll_run.
 *   RC_NOT_FOUND, RC_REJECT  that employee was never published.
 *   RC_CONFLICT, RC_REJECT   a type that it would publish is paused.
 * Otherwise as rc_publisher_write; result->behind is set in any case. */
rc_code_t rc_poll_resync(const rc_poll_context_t *context, const rc_resync_order_t *order,
                         const rc_sync_state_t *before, rc_arena_t *arena, rc_resync_result_t *result,
                         rc_error_t *error);

#endif
