#include "consumer/rules/replay.h"

#include <stddef.h>

rc_replay_t rc_replay_judge(rc_event_type_t lane, const rc_replay_events_t *events, const rc_ledger_entry_t *entry,
                            bool invites)
{
    int64_t known = entry != NULL ? entry->version : 0;
    bool is_set_aside =
        entry != NULL && (entry->outcome == RC_OUTCOME_PARKED || entry->outcome == RC_OUTCOME_DEAD) && known > 0;
    if (lane == RC_EVENT_CREATED && invites && is_set_aside && known >= events->newest) return RC_REPLAY_INVITES;
    if (entry != NULL && entry->outcome == RC_OUTCOME_REPLAYED) return RC_REPLAY_IS_RESET;
    if (known >= events->newest) return RC_REPLAY_RESET;
    /* The lane is past an event that the ledger knows nothing of (an entry that was lost): read again without a mark,
     * it would invite once more. */
    return events->past > known ? RC_REPLAY_RESET : RC_REPLAY_WAITS;
}
