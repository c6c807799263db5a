/* The projection (design section 4): the pure function from a Kombo record, the integration's mapping and policy, and
 * what was last published about the person, to the employee as Learn Amp should see them. Pure; any thread. */
#ifndef RC_PRODUCER_PROJECTION_H
#define RC_PRODUCER_PROJECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/config.h"
#include "common/domain.h"
#include "common/mem.h"
#include "producer/kombo/kombo.h"
#include "producer/rules/employee.h"

typedef struct {
    /* Strings are those of the record, of `published` and of the integration wherever they could be taken as they are;
     * arrays and trimmed copies are in the arena: rc_employee_copy what must outlive the record. All absent when
     * `deleted`. */
    rc_employee_t employee;
    bool deleted;              /* the record's fields prove nothing; what was known before stands */
    bool in_scope;             /* true for a deleted record: its fields cannot show the contrary */
    const char *scope_setting; /* the first `policy.scope` list that leaves the person out; NULL: none */
    uint32_t unreadable;       /* 1u << RC_TARGET_HIRE_DATE or LEAVE_DATE: text that is no date (for the log) */
} rc_projection_t;

/* Fills *projection. `published` is the employee of the snapshot, employed or gone; NULL: never published, or not
 * looked up yet (rc_project_matches). What depends on it:
 * - the primary team: of several groups of the type the one already held, else the lowest id (as text);
 * - a group without a name keeps the name under which the person had it, and is passed over when they did not have it;
 * - with `on_null: keep`, a mapped value, a hire date or a primary team that is empty now. Not the leave date: empty
 *   says that the person stays. Not the e-mail and the names (verdict.h waits for them), not the secondary teams (an
 *   empty list is a value);
 * - a date that cannot be read leaves the published one.
 * With `primary_team: []` there are no teams at all in the result. A location or group without an id or name that could
 * be shown is absent. */
void rc_project(rc_arena_t *arena, const rc_kombo_employee_t *record, const rc_integration_t *integration,
                const rc_employee_t *published, rc_projection_t *projection);

/* The short way for a full scan, without decoding the snapshot: whether the record projects to the very employee whose
 * hash (rc_employee_hash64) is given, whatever of it the projection would have to look up. False may also mean: cannot
 * be told without the snapshot. *projection is filled as by rc_project, with the matching choice of team. */
bool rc_project_matches(rc_arena_t *arena, const rc_kombo_employee_t *record, const rc_integration_t *integration,
                        uint64_t hash, rc_projection_t *projection);

#endif
