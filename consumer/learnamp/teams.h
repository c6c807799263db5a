/* The teams of one integration at Learn Amp: a group id of ours is ensured once however many records ask at the same
 * time, and never twice. Everything on the loop's thread.
 *
 * A team is found by its external id (our group id), else a unique team of that name without an external id is adopted,
 * else it is created. With policy.create_teams off a team that is not there stays away: people are written without it,
 * and the outcome says so. */
#ifndef RC_CONSUMER_TEAMS_H
#define RC_CONSUMER_TEAMS_H

#include <stdbool.h>
#include <stdint.h>

#include "consumer/learnamp/learnamp.h"
#include "consumer/rules/rules.h"

typedef struct rc_teams rc_teams_t;
typedef struct rc_teams_wait rc_teams_wait_t;

/* Borrows the client. Returns new (free with rc_teams_free, before the client). */
rc_teams_t *rc_teams_new(rc_learnamp_t *client);
/* Cancels what is under way, without callbacks. NULL is fine. */
void rc_teams_free(rc_teams_t *teams);

/* What is known of a team. *rename_due (may be NULL): it is called otherwise, and `version` is newer than the state
 * that gave it the present name. A state that confirms the name is remembered. */
rc_team_state_t rc_teams_state(rc_teams_t *teams, const rc_ref_t *team, int64_t version, bool *rename_due);

/* The answer is NULL when the team is known now (there or absent), else what went wrong; borrowed. The wait is gone. */
typedef void rc_teams_done_fn(void *opaque, const rc_learnamp_answer_t *failure);

/* Finds, adopts or creates the team; joins whoever does it already. `done` never runs before this returned. */
rc_teams_wait_t *rc_teams_ensure(rc_teams_t *teams, const rc_ref_t *team, rc_teams_done_fn *done, void *opaque);
/* Gives it the name of that version, or of a newer one that somebody asked for meanwhile. */
rc_teams_wait_t *rc_teams_rename(rc_teams_t *teams, const rc_ref_t *team, int64_t version, rc_teams_done_fn *done,
                                 void *opaque);
/* Stops waiting; what was asked for goes on for the others. NULL is fine. */
void rc_teams_cancel(rc_teams_wait_t *wait);

/* An answer said that the team is not there: it is unknown again. */
void rc_teams_forget(rc_teams_t *teams, const char *group_id);

#endif
