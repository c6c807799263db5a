/* Users and teams of one Learn Amp company in memory, found by external id, address or number: what a command read of
 * them. About 600 bytes a user; texts that many have (titles, managers, languages) are kept once. Pure; one thread. */
#ifndef RC_CONSUMER_USERSET_H
#define RC_CONSUMER_USERSET_H

#include "consumer/learnamp/learnamp_parse.h"

typedef struct rc_userset rc_userset_t;

/* A user, until the set is freed. */
typedef struct {
    rc_learnamp_profile_t profile;
    unsigned mark; /* the caller's; 0 at first, and kept when the user is read again */
} rc_userset_user_t;

/* Returns new (free with rc_userset_free). */
rc_userset_t *rc_userset_new(void);
void rc_userset_free(rc_userset_t *set); /* NULL is fine */

/* Adds a user, or replaces what was known of that number. Copies. */
void rc_userset_put(rc_userset_t *set, const rc_learnamp_profile_t *profile);
/* The user who bears the external id is not there any more. */
void rc_userset_drop(rc_userset_t *set, const char *external_id);
void rc_userset_put_team(rc_userset_t *set, const rc_learnamp_team_t *team);

/* NULL: none. Addresses are compared without case; with NULL or "" there is none. */
rc_userset_user_t *rc_userset_by_external_id(const rc_userset_t *set, const char *external_id);
rc_userset_user_t *rc_userset_by_email(const rc_userset_t *set, const char *email);
rc_userset_user_t *rc_userset_by_id(const rc_userset_t *set, int64_t user_id);
const rc_learnamp_team_t *rc_userset_team(const rc_userset_t *set, int64_t team_id);
const rc_learnamp_team_t *rc_userset_team_by_external_id(const rc_userset_t *set, const char *external_id);

/* How many teams of that name have no external id; one of them in *team_id (left alone when there is none). */
int rc_userset_free_teams(const rc_userset_t *set, const char *name, int64_t *team_id);

/* Users that were put and not dropped. */
size_t rc_userset_count(const rc_userset_t *set);
/* One after the other, in the order in which they were put first; *cursor begins at 0. NULL: the end. */
rc_userset_user_t *rc_userset_next(const rc_userset_t *set, size_t *cursor);

#endif
