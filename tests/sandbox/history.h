/* What HR said, and when: every state that a record and a unit ever had, in order. From it a test can prove what was
 * published without having watched. The caller holds the integration's HR lock. */
#ifndef RC_TESTS_SANDBOX_HISTORY_H
#define RC_TESTS_SANDBOX_HISTORY_H

#include "tests/sandbox/hr.h"

/* {"employee", "number", "states": [{"at", the fields of operations, "deleted", "vanished"}]}, from the first state to
 * the present one. People and units are named by their ids; of custom and integration fields only what was set is
 * there. Without "at": from the beginning. Returns new. */
json_t *sb_history_person(const sb_hr_t *hr, uint32_t index);
/* [{"id", "kind", "type", "states": [{"at", "name", "deleted"}]}] of all groups, locations and legal entities. New. */
json_t *sb_history_units(const sb_hr_t *hr);

#endif
