/* What `trace` asks Learn Amp: impatiently, because a person waits, and trouble is an answer too. The main thread. */
#ifndef RC_CONSUMER_TRACE_ASK_H
#define RC_CONSUMER_TRACE_ASK_H

#include "consumer/commands/trace/trace.h"

typedef struct {
    bool found;
    rc_learnamp_user_t user;
    const char *trouble; /* why nobody answered; NULL: Learn Amp did */
} rc_trace_asked_t;

/* The user with that address. In the arena. */
rc_trace_asked_t rc_trace_ask_email(const rc_config_t *config, const rc_integration_t *integration, const char *email,
                                    const atomic_bool *cancelled, rc_arena_t *arena);

/* Fills in the facts: the user who bears the employee's id, or else who has their address. In the arena. */
void rc_trace_ask_user(const rc_config_t *config, const atomic_bool *cancelled, rc_arena_t *arena,
                       rc_trace_facts_t *facts);

#endif
