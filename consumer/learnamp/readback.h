/* Reads back what Learn Amp has, for commands: all users of an integration, all teams, one user anew. Each function
 * blocks, running a loop of its own until it is done; requests go out at the integration's configured rate, a few side
 * by side, wait for what 429 asks for, and are repeated while trouble passes. One thread.
 *
 * A list that leaves somebody out proves nothing (people are created while it is read, pages shift): whoever is missed
 * is asked for directly before it is said aloud (rc_readback_again). */
#ifndef RC_CONSUMER_READBACK_H
#define RC_CONSUMER_READBACK_H

#include <stdatomic.h>

#include "consumer/learnamp/learnamp.h"
#include "consumer/learnamp/userset.h"

typedef struct rc_readback rc_readback_t;

typedef struct {
    const rc_config_t *config;
    const rc_integration_t *integration;
    int64_t patience_ms;          /* trouble, and what 429 asks for, is waited out for so long */
    const atomic_bool *cancelled; /* looked at every tenth of a second; NULL: never */
    /* After each page: how many of them were read, and how many there are (-1: not known yet). NULL: nobody asks. */
    void (*progress)(void *opaque, const char *what, int64_t read, int64_t total);
    /* Of the client's hooks (consumer/learnamp/learnamp.h); NULL: every request is sent. */
    bool (*instead)(void *opaque, const rc_learnamp_request_t *request, rc_learnamp_answer_t *answer);
    void *opaque;         /* of progress */
    void *instead_opaque; /* of instead */
} rc_readback_options_t;

/* Borrows what the options point to. Returns new (free with rc_readback_free). Nothing is asked yet. */
rc_readback_t *rc_readback_new(const rc_readback_options_t *options);
void rc_readback_free(rc_readback_t *readback); /* NULL is fine */

/* The client and its loop, which paces and waits as above: for requests of the command's own, while none of the
 * functions below runs. */
rc_learnamp_t *rc_readback_client(rc_readback_t *readback);

/* What was read so far. Borrows, until the next rc_readback_users. */
rc_userset_t *rc_readback_set(rc_readback_t *readback);

/* Reads all users anew, deactivated ones too, with their teams; what was known of users and teams is forgotten.
 * RC_MISCONFIGURED: credentials, scope or base URL; RC_HTTP: trouble that did not pass; RC_CANCELLED. The messages say
 * what to do. */
rc_code_t rc_readback_users(rc_readback_t *readback, rc_error_t *error);
/* Whether the lists showed as many users as the service says there are: then who is not in the set is not there. */
bool rc_readback_is_complete(const rc_readback_t *readback);
/* Reads all teams into the set. */
rc_code_t rc_readback_teams(rc_readback_t *readback, rc_error_t *error);
/* Reads some users anew, by external id: into the set, or out of it when they are not there. */
rc_code_t rc_readback_again(rc_readback_t *readback, const char *const *external_ids, size_t count, rc_error_t *error);

#endif
