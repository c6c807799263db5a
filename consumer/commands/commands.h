/* The commands of rollcall-consumer: each parses nothing, asks Kafka and Learn Amp, and prints. */
#ifndef RC_CONSUMER_COMMANDS_H
#define RC_CONSUMER_COMMANDS_H

#include "common/cli.h"

/* The service: the lanes of --events, until SIGTERM or SIGINT. */
rc_exit_t rc_consumer_run(const rc_args_t *args);
/* Reaches every service once and says what is wrong. */
rc_exit_t rc_consumer_check(const rc_args_t *args);
/* Moves stopped lanes back to a moment, so that they bring everybody since then to their newest state once more. */
rc_exit_t rc_consumer_replay(const rc_args_t *args);
/* One employee's story, and whether they are in step. */
rc_exit_t rc_consumer_trace(const rc_args_t *args);
/* Dead letters: what waits for a person, all about one, and sending them once more. */
rc_exit_t rc_consumer_dlq_list(const rc_args_t *args);
rc_exit_t rc_consumer_dlq_show(const rc_args_t *args);
rc_exit_t rc_consumer_dlq_replay(const rc_args_t *args);
/* Puts back what was done to users since a moment, as far as Learn Amp lets it. */
rc_exit_t rc_consumer_undo(const rc_args_t *args);

/* What the next run would do, without doing it. */
rc_exit_t rc_consumer_plan(const rc_args_t *args);
/* Compares Learn Amp with what was published, field by field; --repair has the running consumers mend it. */
rc_exit_t rc_consumer_audit(const rc_args_t *args);

#endif
