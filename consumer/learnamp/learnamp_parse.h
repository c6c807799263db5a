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

typedef struct {
    bool found;
    rc_learnamp_user_t user;
    rc_learnamp_team_t team;
    rc_learnamp_teams_t teams;
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
