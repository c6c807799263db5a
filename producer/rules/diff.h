/* The difference between what is published and what should be: the change events of one employee, the brake classes
 * they touch, and the snapshot that follows. Pure; any thread. */
#ifndef RC_PRODUCER_DIFF_H
#define RC_PRODUCER_DIFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/config.h"
#include "common/domain.h"
#include "common/mem.h"
#include "common/mutant.h"
#include "producer/rules/verdict.h"

/* What all decisions of one poll or tick share. */
typedef struct {
    const rc_integration_t *integration;
    rc_trigger_t trigger;
    rc_wall_t now;       /* of the poll: versions and occurred_at come from it */
    rc_date_t today;     /* `now` in the integration's time zone */
    bool initial_import; /* no watermark was written yet */
} rc_occasion_t;

/* Rises even when a state was lost or forgotten: max(previous + 1, milliseconds since 1970 of the poll). */
static inline int64_t rc_version_next(int64_t previous, rc_wall_t now)
{
    if (RC_MUTANT(VERSION_FALLS)) return now.ms;
    return previous + 1 > now.ms ? previous + 1 : now.ms;
}

enum { RC_DIFF_MAX_EVENTS = 2 };

typedef struct {
    rc_event_t events[RC_DIFF_MAX_EVENTS]; /* event_id is NULL: the publisher's (common/uuid.h) */
    size_t count;                          /* 0: nothing to publish */
    uint32_t brakes;                       /* 1u << rc_brake_t: the classes in which this person counts */
    bool rename_only; /* the TeamChanged only follows other names of the same teams; it counts for no brake */
} rc_diff_t;

/* The events that bring the published state (`snapshot`; NULL: none) to `employee` with that verdict, in the arena,
 * borrowing the strings of both. None for WAIT and IGNORE, and where nothing differs.
 * - EMPLOYED and not announced: Created alone. Reason INITIAL_IMPORT during the first import, NEW_HIRE for who was
 * never published, BACK_IN_SCOPE for who went OUT_OF_SCOPE, else REHIRE.
 * - GONE: Deactivated alone. Its state is the newest with e-mail and names filled in from the published one; of
 * somebody deleted, missing or out of scope it is the published one.
 * - EMPLOYED and announced: ProfileUpdated for any field but the teams (changed_fields as the state names them, in the
 *   order of the state, then "custom:NAME" by name; a location by its name, a date as YYYY-MM-DD), TeamChanged for the
 *   teams. With `primary_team: []` teams never differ.
 * Classes: deactivations, creations; team_changes unless rename_only; email_changes for the address; profile_changes
 * for every other field of ProfileUpdated, and cleared_values too when a field that is still mapped became empty. */
void rc_diff(rc_arena_t *arena, const rc_occasion_t *occasion, const char *employee_id, const rc_snapshot_t *snapshot,
             const rc_employee_t *employee, const rc_verdict_t *verdict, rc_diff_t *diff);

/* Says in a diff with a Created which former employee id it takes the place of (collision.h), and makes it the REHIRE
 * that this is (but INITIAL_IMPORT stays). `former_id` is borrowed. */
void rc_diff_set_replaces(rc_diff_t *diff, const char *former_id);

/* The snapshot after a diff with events. `counted_hours` are those before: the brakes write them. Borrows all strings.
 */
rc_snapshot_t rc_snapshot_after(const rc_snapshot_t *before, const rc_diff_t *diff);

/* What a subscriber who follows only the named changes arrives at: `old` (NULL: nothing) with the events applied, each
 * by what is particular to it. rc_employee_equal to the new state: the property that proves the events complete. */
rc_employee_t rc_diff_apply(rc_arena_t *arena, const rc_employee_t *old, const rc_diff_t *diff);

#endif
