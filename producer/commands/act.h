/* Has commands carried out: by the producers that run, or, when none does, by this process in their place, under the
 * same rules. For the command line; the main thread. */
#ifndef RC_PRODUCER_ACT_H
#define RC_PRODUCER_ACT_H

#include "common/cli.h"
#include "producer/commands/ask.h"

/* Carries out one command for each of `count` integrations (id, issued_at and, where it is 0, expires_at are filled
 * in), and waits for Kafka and for an answer for at most args->wait_ms. RC_OK: answers[i] tells how each ended.
 * RC_TIMEOUT: Kafka was not there in time, or somebody who runs did not answer; a command that has not expired is still
 * obeyed. */
rc_code_t rc_act(const rc_args_t *args, rc_config_t *config, rc_command_t *commands, size_t count, rc_arena_t *arena,
                 rc_answer_t *answers, rc_error_t *error);

#endif
