/* What `undo` does with an employee whom the sync has changed since a moment. Nobody is ever deactivated: that destroys
 * what no undo brings back. Pure; any thread. */
#ifndef RC_CONSUMER_UNDO_H
#define RC_CONSUMER_UNDO_H

#include <stdbool.h>

#include "consumer/rules/past.h"

/* clang-format off */
#define RC_UNDOS(X) \
    X(RESTORE, "restore")     /* the user becomes what the employee was */ \
    X(UNSEEN, "unseen")       /* the sync changed only what Learn Amp does not show: it is written, needed or not */ \
    X(NOTHING, "nothing")     /* the user is that, as far as can be seen */ \
    X(STAYS, "stays")         /* they came or came back since: the user stays active, and as they are */ \
    X(NO_USER, "no_user")     /* nobody bears their id at Learn Amp, and undo creates nobody */ \
    X(FORGOTTEN, "forgotten") /* they were erased since: nothing of them is touched */
/* clang-format on */
typedef enum {
#define X(name, text) RC_UNDO_##name,
    RC_UNDOS(X)
#undef X
        RC_UNDO_COUNT
} rc_undo_t;

const char *rc_undo_str(rc_undo_t undo); /* "restore" … */

typedef struct {
    rc_past_kind_t past;
    bool is_gone;      /* as it is published now */
    bool is_forgotten; /* nothing is published of them any more */
    bool has_user;     /* somebody bears their id at Learn Amp */
    bool differs;      /* that user is deactivated, or shows something else than the employee was */
    bool may_differ;   /* in what is not shown */
} rc_undo_case_t;

rc_undo_t rc_undo_judge(const rc_undo_case_t *about);

#endif
