/* The commands of rollcall-producer: each is one function, and prints what docs/cli.md says. */
#ifndef RC_PRODUCER_COMMANDS_H
#define RC_PRODUCER_COMMANDS_H

#include "common/cli.h"

/* The service, until SIGTERM or SIGINT. */
rc_exit_t rc_producer_run(const rc_args_t *args);
/* One poll of everything; while services run, by a command to them. */
rc_exit_t rc_producer_once(const rc_args_t *args);
/* What the next poll would publish; writes nothing. */
rc_exit_t rc_producer_plan(const rc_args_t *args);
/* What is in step, what waits and why; or everybody in a hold. */
rc_exit_t rc_producer_status(const rc_args_t *args);
/* Publishes what a hold lists, or keeps these people as they are. */
rc_exit_t rc_producer_approve(const rc_args_t *args);
rc_exit_t rc_producer_reject(const rc_args_t *args);
/* The stop button, and its end. */
rc_exit_t rc_producer_pause(const rc_args_t *args);
rc_exit_t rc_producer_resume(const rc_args_t *args);
/* Publishes people again as they are. */
rc_exit_t rc_producer_resync(const rc_args_t *args);
/* Erases somebody who has left. */
rc_exit_t rc_producer_forget(const rc_args_t *args);
/* Creates and checks the topics. */
rc_exit_t rc_producer_topics(const rc_args_t *args);
/* Reaches every service once and says what is wrong. */
rc_exit_t rc_producer_check(const rc_args_t *args);

#endif
