/* What Learn Amp should show for an HR system under the default policy and mapping, worked out independently of
 * Rollcall, and how it differs from what is there: the oracle of end-to-end tests. The caller holds both locks of the
 * integration. */
#ifndef RC_TESTS_SANDBOX_EXPECTED_H
#define RC_TESTS_SANDBOX_EXPECTED_H

#include "tests/sandbox/sandbox.h"

typedef enum {
    SB_EMPLOYED,
    SB_GONE,
    SB_UNCLEAR /* deleted, vanished, without address or name, or sharing an address: it depends on what was before */
} sb_presence_t;

/* What is expected of one person on that day. Returns new; *presence may be NULL. */
json_t *sb_expected_json(const sb_hr_t *hr, uint32_t index, rc_wall_t now, rc_date_t today, sb_presence_t *presence);

/* {"employees", "employed", "gone", "unclear", "users", "active_users", "equal", "difference_count", "differences":
 * [{"employee", "field", "hr", "learnamp"}], "strangers": users with an external id that no employee has}. At most
 * `limit` differences are listed. Returns new. */
json_t *sb_compare(const sb_integration_t *integration, rc_wall_t now, rc_date_t today, size_t limit);

#endif
