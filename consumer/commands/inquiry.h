/* What `audit` and `plan` share: opening configuration, topics and Learn Amp, saying how far the reading is, and words
 * for people. The main thread. */
#ifndef RC_CONSUMER_INQUIRY_H
#define RC_CONSUMER_INQUIRY_H

#include "common/cli.h"
#include "common/history.h"
#include "common/json.h"
#include "consumer/learnamp/readback.h"

typedef struct {
    const rc_args_t *args;
    rc_config_t *config;
    rc_history_t *history;
    rc_arena_t *arena; /* until the end */
    atomic_bool cancelled;
    rc_mono_t told_at; /* when how far it is was written last */
    bool is_told;      /* there is a line to be wiped away */
} rc_inquiry_t;

/* Reads the configuration and opens the topics; signals cancel from now on. Says itself what is wrong. `client` names
 * the command to brokers; `writes` as of rc_history_open. In the caller's storage; rc_inquiry_close in any case. */
rc_exit_t rc_inquiry_open(rc_inquiry_t *inquiry, const rc_args_t *args, const char *client, bool writes);
void rc_inquiry_close(rc_inquiry_t *inquiry);

/* What reads Learn Amp of one integration, with the command's patience and progress. */
rc_readback_options_t rc_inquiry_readback(rc_inquiry_t *inquiry, const rc_integration_t *integration);

/* On a terminal's standard error: "reading users: 1,200 of 40,000", now and then; and the line is wiped again. */
void rc_inquiry_tell(rc_inquiry_t *inquiry, const char *what, int64_t done, int64_t total);
void rc_inquiry_hush(rc_inquiry_t *inquiry);

/* A whole command line: "rollcall-consumer audit --integration X --config FILE", the last where it was given. In the
 * arena. */
const char *rc_inquiry_command(const rc_inquiry_t *inquiry, const char *program, const char *command);

#endif
