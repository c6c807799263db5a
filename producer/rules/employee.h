/* What can be done with a projected employee without the record it came from: recognising it and following new names of
 * groups and locations. Pure; any thread. */
#ifndef RC_PRODUCER_EMPLOYEE_H
#define RC_PRODUCER_EMPLOYEE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/domain.h"
#include "common/mem.h"

/* Nobody: every field absent. */
extern const rc_employee_t RC_EMPLOYEE_NONE;

/* Equal exactly for employees that are rc_employee_equal (but for chance: 64 bits). The same on every machine, so it
 * may be stored; after a release with another value a row is decoded once more, nothing else. No allocation. */
uint64_t rc_employee_hash64(const rc_employee_t *employee);

/* Re-projection of a stored employee after a group or a location got another name (Kombo does not report their members
 * as changed: docs/kombo.md). An empty name changes nothing; others are trimmed. Returns whether *employee changed;
 * what is new is in the arena. */
bool rc_employee_rename_group(rc_arena_t *arena, rc_employee_t *employee, const char *group_id, const char *name);
bool rc_employee_rename_location(rc_arena_t *arena, rc_employee_t *employee, const char *location_id, const char *name);

/* Without white space at both ends; NULL when nothing is left. `text` itself where it can be, else in the arena. */
const char *rc_trimmed(rc_arena_t *arena, const char *text);

#endif
