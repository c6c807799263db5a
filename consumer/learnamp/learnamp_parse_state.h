/* The inside of learnamp_parse: what answers about one record (learnamp_parse.c) and pages of lists (learnamp_page.c)
 * have in common. Pure; any thread. */
#ifndef RC_CONSUMER_LEARNAMP_PARSE_STATE_H
#define RC_CONSUMER_LEARNAMP_PARSE_STATE_H

#include "common/json.h"
#include "consumer/learnamp/learnamp_parse.h"

/* RC_MALFORMED, with what is wrong. */
rc_code_t rc_learnamp_malformed(rc_error_t *error, const char *what);
/* A member that is a string, null or absent; "" counts as absent. */
rc_code_t rc_learnamp_take_text(rc_arena_t *arena, const json_t *object, const char *key, const char **text,
                                rc_error_t *error);
/* The member `id`; `what` is said when it is none. */
rc_code_t rc_learnamp_take_id(const json_t *object, const char *what, int64_t *id, rc_error_t *error);
rc_code_t rc_learnamp_list_of(const json_t *json, const char *key, const json_t **list, rc_error_t *error);
rc_code_t rc_learnamp_parse_user(rc_arena_t *arena, const json_t *object, rc_learnamp_user_t *user, rc_error_t *error);
rc_code_t rc_learnamp_parse_team(rc_arena_t *arena, const json_t *object, rc_learnamp_team_t *team, rc_error_t *error);

/* All users, or teams, of a page. */
rc_code_t rc_learnamp_parse_users(rc_arena_t *arena, const json_t *json, rc_learnamp_page_t *page, rc_error_t *error);
rc_code_t rc_learnamp_parse_teams(rc_arena_t *arena, const json_t *json, rc_learnamp_page_t *page, rc_error_t *error);

#endif
