#include "consumer/rules/newest.h"

#include <stddef.h>

#include "common/mutant.h"

rc_newest_t rc_newest_of(const rc_event_t *event, const rc_snapshot_t *row, bool behind_barrier)
{
    if (row != NULL && row->version >= event->version) {
        return (rc_newest_t){.version = row->version,
                             .presence = row->presence,
                             .employee = &row->employee,
                             .replaces = row->replaces,
                             .from = RC_NEWEST_SNAPSHOT};
    }
    bool gone = event->type == RC_EVENT_DEACTIVATED;
    rc_newest_t newest = {.version = event->version,
                          .presence = gone ? RC_PRESENCE_GONE : RC_PRESENCE_EMPLOYED,
                          .employee = &event->employee,
                          .replaces = event->type == RC_EVENT_CREATED ? event->created.replaces : NULL,
                          .from = RC_NEWEST_EVENT};
    if (row != NULL) {
        if (newest.replaces == NULL) newest.replaces = row->replaces;
        return newest;
    }
    newest.from = behind_barrier ? RC_NEWEST_FORGOTTEN : RC_NEWEST_EVENT_ALONE;
    if (behind_barrier && !RC_MUTANT(FORGOTTEN_STAYS)) newest.presence = RC_PRESENCE_GONE;
    newest.in_doubt = behind_barrier && !gone;
    return newest;
}
