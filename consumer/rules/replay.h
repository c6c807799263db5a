/* What `replay` does with the ledger entry of one lane and employee, when the lane goes back to an earlier moment.
 * Pure; any thread. */
#ifndef RC_CONSUMER_REPLAY_H
#define RC_CONSUMER_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "common/domain.h"

/* The lane's events about an employee since the moment. */
typedef struct {
    int64_t past;   /* the newest version that the lane is past by its offsets; 0: none */
    int64_t newest; /* the newest version of all; never 0 */
} rc_replay_events_t;

/* clang-format off */
#define RC_REPLAYS(X) \
    X(RESET)    /* the entry becomes version 0, REPLAYED: they are brought to their newest state once more */ \
    X(IS_RESET) /* it is so already, from an earlier attempt */ \
    X(WAITS)    /* an event that was not worked yet brings them there anyway, with an invitation if one is due */ \
    X(INVITES)  /* nobody ever created them, and their own record, parked or dead-lettered, would invite them */
/* clang-format on */
typedef enum {
#define X(name) RC_REPLAY_##name,
    RC_REPLAYS(X)
#undef X
        RC_REPLAY_COUNT
} rc_replay_t;

/* `entry`: the lane's about this employee; NULL: none. `invites`: the policy invites who is created. */
rc_replay_t rc_replay_judge(rc_event_type_t lane, const rc_replay_events_t *events, const rc_ledger_entry_t *entry,
                            bool invites);

#endif
