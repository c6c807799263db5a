/* What the three verbs of `dlq` share: the command line as a filter, reading, and how dead letters are shown. The main
 * thread. */
#ifndef RC_CONSUMER_DLQ_H
#define RC_CONSUMER_DLQ_H

#include "common/cli.h"
#include "common/dead_letters.h"
#include "common/json.h"

typedef struct {
    const rc_args_t *args;
    rc_config_t *config;
    rc_history_t *history;
    rc_arena_t *arena;
    rc_dead_filter_t filter;
    const rc_dead_letter_t *letters; /* all that the command line names, oldest first */
    size_t count;
    size_t open; /* of them */
    atomic_bool cancelled;
} rc_dlq_t;

/* Reads the configuration, judges the options and reads the letters; what is wrong was said. Ends with rc_dlq_close in
 * any case. */
rc_exit_t rc_dlq_open(const rc_args_t *args, rc_dlq_t *dlq);
void rc_dlq_close(rc_dlq_t *dlq);

/* The open letters as a table: a line each, or, when there are many, a line for those with the same reason. */
void rc_dlq_print_open(const rc_dlq_t *dlq);
/* The options of this command line that name letters, to be typed again: " --integration … --reason …". In the arena.
 */
const char *rc_dlq_options(const rc_dlq_t *dlq);

/* "Learn Amp refused what was sent: email is invalid". In the arena. */
const char *rc_dlq_why(rc_arena_t *arena, const rc_dead_letter_t *letter);
/* docs/cli.md, and what is known beside. New reference. */
json_t *rc_dlq_json(const rc_dead_letter_t *letter);
/* The open ones: an array; new reference. */
json_t *rc_dlq_open_json(const rc_dlq_t *dlq);

#endif
