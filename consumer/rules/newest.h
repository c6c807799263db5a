/* N, the newest published state of an employee: what every write brings to Learn Amp, whatever the event says (design
 * section 5). Pure; any thread. */
#ifndef RC_CONSUMER_NEWEST_H
#define RC_CONSUMER_NEWEST_H

#include <stdbool.h>
#include <stdint.h>

#include "common/domain.h"

typedef enum {
    RC_NEWEST_SNAPSHOT,    /* the snapshot row */
    RC_NEWEST_EVENT,       /* the event: it is newer than the row */
    RC_NEWEST_EVENT_ALONE, /* the event: there is no row, and no barrier yet that would prove them forgotten */
    RC_NEWEST_FORGOTTEN    /* no row behind a barrier: counts as gone (S6); that the topic was lost looks the same */
} rc_newest_from_t;

typedef struct {
    int64_t version;
    rc_presence_t presence;
    const rc_employee_t *employee; /* never NULL; of the gone: as they were */
    const char *replaces;          /* the former employee id of the same person; NULL: none */
    rc_newest_from_t from;
    bool in_doubt; /* FORGOTTEN, and nothing that was published says that they left: nobody is deactivated for it */
} rc_newest_t;

/* N of an event and the local snapshot row (NULL: none, or a tombstone). Borrows from both. */
rc_newest_t rc_newest_of(const rc_event_t *event, const rc_snapshot_t *row, bool behind_barrier);

#endif
