/* The verdict (design section 4): from an employee's projection, what was seen of their record, whether they are
 * announced, the policy and the day, to whether they are employed, gone, waiting or of no concern. Pure; any thread. */
#ifndef RC_PRODUCER_VERDICT_H
#define RC_PRODUCER_VERDICT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/config.h"
#include "common/domain.h"
#include "common/time.h"

/* How a record was looked for. Only some looks can confirm an absence: a page of changes may repeat, through the
 * overlap, the very change that was seen before. */
typedef enum {
    RC_LOOK_CHANGES, /* a page of an incremental fetch */
    RC_LOOK_FULL,    /* a full fetch; for RC_ABSENCE_MISSING: one that ended normally */
    RC_LOOK_BY_ID    /* a re-read by `ids` */
} rc_look_t;

typedef enum {
    RC_ABSENCE_NONE,
    RC_ABSENCE_DELETED, /* the record says so */
    RC_ABSENCE_MISSING  /* a full fetch that ended normally did not have it */
} rc_absence_t;

/* What is known of somebody's record beside its fields. */
typedef struct {
    bool in_scope;
    rc_absence_t absence;
    rc_wall_t absent_since; /* the first look that found the absence */
    bool absence_confirmed; /* a second look, at least absence_grace later and fit to do so, found the same */
} rc_facts_t;

/* A record was read and is not deleted. */
rc_facts_t rc_facts_seen(bool in_scope);

/* The facts that a pending record keeps; NULL: a person in scope and seen. */
rc_facts_t rc_facts_stored(const rc_pending_t *pending);

/* A record was found deleted, or missing. `pending` is the stored one or NULL: it holds the first look. Another kind of
 * absence than the stored one is a first look again. Deleted ones are confirmed by RC_LOOK_BY_ID alone, missing ones by
 * RC_LOOK_FULL alone. */
rc_facts_t rc_facts_absent(rc_absence_t absence, rc_look_t look, rc_wall_t now, const rc_pending_t *pending,
                           const rc_policy_t *policy);

/* What the snapshot says, without the employee. */
typedef struct {
    bool published; /* ever, and not forgotten */
    rc_presence_t presence;
    rc_gone_reason_t gone_reason; /* when gone */
} rc_standing_t;

rc_standing_t rc_standing_of(const rc_snapshot_t *snapshot); /* NULL: never published */

/* Announced: published and employed. */
static inline bool rc_standing_is_announced(rc_standing_t standing)
{
    return standing.published && standing.presence == RC_PRESENCE_EMPLOYED;
}

typedef enum {
    RC_VERDICT_EMPLOYED, /* is to be published as employed: announced, or kept up to date */
    RC_VERDICT_GONE,     /* announced, and has left */
    RC_VERDICT_WAIT,     /* pending, for `reasons`; what is published stays as it is */
    RC_VERDICT_IGNORE    /* not announced and not to be: nothing is published and nothing stored */
} rc_verdict_kind_t;

typedef struct {
    rc_verdict_kind_t kind;
    rc_gone_reason_t gone_reason; /* GONE, and WAIT for ABSENT_ONCE: why */
    rc_date_t effective_date;     /* GONE: the leave date, or today */
    uint32_t reasons;             /* WAIT: 1u << rc_pending_reason_t: NO_EMAIL, NO_NAME, NOT_YET, ABSENT_ONCE */
    rc_date_t not_before;         /* NOT_YET: the day; RC_DATE_NONE: none is known, the record must change */
    rc_wall_t absent_since;       /* ABSENT_ONCE: the first look */
    rc_wall_t look_again_at;      /* ABSENT_ONCE: from when a second look counts */
    rc_date_t next_date;          /* the next day on which the verdict may change by itself; RC_DATE_NONE: none */
} rc_verdict_t;

/* In this order:
 * - Gone or never announced: deleted, missing, out of scope or left already: IGNORE. Then what keeps them waiting, all
 *   of it: no e-mail, no name, PENDING before the hire date less the lead (without a hire date: until there is one).
 * - Announced: left, by status INACTIVE (INACTIVE) or because the leave date is past (TERMINATION_DATE), as
 *   `deactivate_on` says; out of scope; absent (once: WAIT; confirmed: GONE); without e-mail or name: WAIT; else
 *   EMPLOYED. The lead and a future hire date do not matter any more.
 * A status that is UNKNOWN is INACTIVE after the leave date, PENDING before the hire date, else ACTIVE; so with it the
 * dates decide whatever `deactivate_on` says. With `deactivate_on: leave_date` an INACTIVE person without a leave date
 * stays. `employee` is the newest known projection (that of a deleted record does not count). */
rc_verdict_t rc_verdict_judge(const rc_employee_t *employee, const rc_facts_t *facts, rc_standing_t standing,
                              const rc_policy_t *policy, rc_date_t today);

#endif
