/* Users and teams as Learn Amp shows them (docs/learnamp.md), and as the control interface does. One thread at a time
 * per store. */
#ifndef RC_TESTS_SANDBOX_LEARNAMP_JSON_H
#define RC_TESTS_SANDBOX_LEARNAMP_JSON_H

#include "tests/sandbox/learnamp_store.h"

/* Each returns new (json_decref). */
json_t *sb_user_json(const sb_store_t *store, const sb_user_t *user, bool expanded);
json_t *sb_team_json(const sb_store_t *store, const sb_team_t *team);
/* Everything, also what the API does not show: custom fields, tasks, invitations, ids of teams. */
json_t *sb_user_inside_json(const sb_store_t *store, const sb_user_t *user);
json_t *sb_team_inside_json(const sb_team_t *team);

#endif
