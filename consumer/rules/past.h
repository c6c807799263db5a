/* What an employee was before a moment, worked back from the change events since then: what `undo` restores. Every
 * event carries the whole new state and the version that it follows, so the event of that version tells what was,
 * exactly. Where Kafka has it no longer, the first events since the moment do: their state with the previous values
 * that they name. Pure; any thread. */
#ifndef RC_CONSUMER_PAST_H
#define RC_CONSUMER_PAST_H

#include <stdbool.h>
#include <stddef.h>

#include "common/domain.h"
#include "common/mem.h"

typedef enum {
    RC_PAST_NOBODY,  /* nothing was published of them: they came since */
    RC_PAST_GONE,    /* they had left */
    RC_PAST_EMPLOYED /* `employee` */
} rc_past_kind_t;

typedef struct {
    rc_past_kind_t kind;
    rc_employee_t employee; /* of NOBODY: as they came */
    const char *doubt;      /* what of it is not certain, in words (static); NULL: nothing */
} rc_past_t;

/* `first`: the events of the lowest version since the moment: one, or the two of one change. `earlier`: an event of the
 * version that these follow; NULL: there is none any more. Borrows the strings of all of them; what is made lives in
 * the arena. */
rc_past_t rc_past_of(const rc_event_t *const *first, size_t count, const rc_event_t *earlier, rc_arena_t *arena);

#endif
