/* Reads Learn Amp's answers. Whatever they hold (wrong types, lists instead of objects, a million of them) is either
 * understood or an error; nothing is guessed. Pure; any thread. */
#ifndef RC_CONSUMER_LEARNAMP_PARSE_H
#define RC_CONSUMER_LEARNAMP_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "common/mem.h"
#include "consumer/learnamp/learnamp_request.h"

/* Strings live in the arena that was passed; NULL: absent, null or "". */
typedef struct {
    int64_t id;
    const char *email;
    const char *external_id;
    bool deactivated;
    bool team_known; /* the answer has the member primaryTeam */
    int64_t primary_team_id;
} rc_learnamp_user_t;

typedef struct {
    int64_t id;
    const char *name;
    const char *external_id;
} rc_learnamp_team_t;

typedef struct {
    int on_page;           /* teams of any name: 0 ends the listing */
    int free_count;        /* with the wanted name and without an external id */
    int64_t first_free_id; /* the first of them */
} rc_learnamp_teams_t;

/* A user with all that the API shows of them. */
typedef struct {
    rc_learnamp_user_t user;
    const char *first_name;
    const char *last_name;
    const char *job_title;
    const char *language;
    const char *hire_date; /* as shown */
    bool expanded;         /* the answer has the next five */
    const char *location;
    const char *manager_email;
    const char *primary_team_name;
    const int64_t *secondary_team_ids;
    size_t secondary_team_count;
    bool custom_known; /* the answer has custom fields, which the documented API does not show */
    const rc_custom_t *custom;
    size_t custom_count;
} rc_learnamp_profile_t;

/* One page of a list. */
typedef struct {
    const rc_learnamp_profile_t *users; /* of RC_EXPECT_USER_PAGE */
    size_t user_count;
    const rc_learnamp_team_t *teams; /* of RC_EXPECT_TEAM_PAGE */
    size_t team_count;
    int64_t total; /* of all pages, as the answer's headers say; -1: not said */
    int64_t pages; /* likewise */
} rc_learnamp_page_t;

typedef struct {
    bool found;
    rc_learnamp_user_t user;
    rc_learnamp_team_t team;
    rc_learnamp_teams_t teams;
    rc_learnamp_page_t page;
} rc_learnamp_parsed_t;

/* Reads the body of a success. RC_MALFORMED when it is not what was expected; the message says what is wrong, without
 * values. */
rc_code_t rc_learnamp_parse(rc_arena_t *arena, rc_expect_t expect, const char *wanted, const char *body,
                            size_t size_bytes, rc_learnamp_parsed_t *parsed, rc_error_t *error);

enum { RC_LEARNAMP_MESSAGE_SIZE = 1025 };

/* The service's words in the body of a failure: `error`, then what `fullErrors` adds ("email is missing"), cut at 1
 * KiB. Whether the body is the JSON object that the API promises; if not, the words are the beginning of the body. */
bool rc_learnamp_message(const char *body, size_t size_bytes, char message[RC_LEARNAMP_MESSAGE_SIZE]);

/* POST /oauth/token: the token (new, free) and the seconds it lives. */
rc_code_t rc_learnamp_parse_token(const char *body, size_t size_bytes, char **token, int64_t *expires_in_s,
                                  rc_error_t *error);

#endif
