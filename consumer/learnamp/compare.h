/* Whether a user of Learn Amp is what was published, field by field: what `audit` reports, and what `plan` says that a
 * write would change. Compares what a write would say (consumer/learnamp/learnamp_request): mapped fields, and teams as
 * far as the policy manages them. Pure; any thread.
 *
 * Left out is what cannot be read back or is nobody's fault: avatar and leave date (docs/learnamp.md: no parameters of
 * the API, and not shown), custom fields where the service does not show them, an empty language (the service falls
 * back to the company's), a manager who is no active user, teams that the policy does not create, and what teams are
 * called (that is of the team, not of its members). */
#ifndef RC_CONSUMER_COMPARE_H
#define RC_CONSUMER_COMPARE_H

#include "common/config.h"
#include "common/domain.h"
#include "consumer/learnamp/userset.h"

typedef struct {
    const char *field; /* as in events: "job_title", "primary_team", "custom:Cost centre"; "status" */
    const char *hr;    /* as it was published; NULL: empty */
    const char *learnamp;
} rc_difference_t;

/* The differences between an employed person and their user; *count is 0 when there are none. `set` has Learn Amp's
 * teams, and its users for managers. In the arena; borrows from both. */
const rc_difference_t *rc_compare_user(const rc_integration_t *integration, const rc_userset_t *set,
                                       const rc_employee_t *employee, const rc_learnamp_profile_t *profile,
                                       rc_arena_t *arena, size_t *count);

/* What the mapping names and no comparison can tell, in words: "avatar, leave date, custom fields"; "" for nothing. In
 * the arena. `custom_known`: custom fields are shown. */
const char *rc_compare_left_out(const rc_integration_t *integration, bool custom_known, rc_arena_t *arena);

#endif
