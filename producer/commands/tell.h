/* What commands about one integration share: the integration they name, one command to whoever works it, and the
 * answer. One thread. */
#ifndef RC_PRODUCER_TELL_H
#define RC_PRODUCER_TELL_H

#include "common/json.h"
#include "producer/commands/act.h"
#include "producer/commands/reading.h"

typedef struct {
    const rc_args_t *args;
    rc_config_t *config;
    const rc_integration_t *integration; /* --integration */
    const char *config_words;            /* behind every command line that is printed: " --config FILE", or "" */
    rc_arena_t *arena;
    rc_answer_t answer;
} rc_tell_t;

/* Loads the configuration, finds the integration and calls `work`, whose exit code it returns, or else the one of what
 * it said is wrong. `tell` is `work`'s until that returns. */
rc_exit_t rc_tell_run(const rc_args_t *args, rc_exit_t (*work)(rc_tell_t *tell));

/* The integration as the topics show it. False: it was said what is wrong, and *exit is the exit code. */
bool rc_tell_read(rc_tell_t *tell, rc_overview_t *overview, rc_exit_t *exit);

/* Has the command carried out (integration and trigger are filled in). RC_EXIT_DONE: it was; tell->answer says more.
 * Else it was said why not. */
rc_exit_t rc_tell(rc_tell_t *tell, rc_command_t *command);

/* For --json: {"integration_id", "message"} with what is wanted beside; takes `more` (NULL: nothing). */
void rc_tell_print_json(const rc_tell_t *tell, json_t *more);

#endif
