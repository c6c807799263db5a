/* Commands to running producers: written to `sync.commands`, answered in `sync.state`. For the command line; one
 * thread. */
#ifndef RC_PRODUCER_ASK_H
#define RC_PRODUCER_ASK_H

#include <stdatomic.h>

#include "common/codec.h"
#include "common/kafka.h"

/* How a producer ended a command. */
typedef struct {
    bool answered;
    bool ok;
    char message[RC_ERROR_MESSAGE_SIZE]; /* why not */
    rc_sync_state_t state;               /* as of then; in the arena */
} rc_answer_t;

/* Writes the commands (id, issued_at and, where it is 0, expires_at are filled in) and waits for their ends. RC_OK:
 * answers[i] is filled for each; RC_TIMEOUT: for some nobody answered in time; RC_OWNERSHIP: nobody works any more (who
 * was stopped stays a member until the session is over), and what is not answered waits on the topic. */
rc_code_t rc_ask(const rc_kafka_t *kafka, const rc_codec_t *codec, rc_command_t *commands, size_t count,
                 int64_t timeout_ms, const atomic_bool *cancelled, rc_arena_t *arena, rc_answer_t *answers,
                 rc_error_t *error);

/* Who works: members of the producers' group. The mock cluster cannot say: nobody. */
typedef struct {
    bool known;     /* the cluster can say */
    bool services;  /* others than this instance */
    bool own_ghost; /* one of this instance: dead, if this process holds the instance's store */
} rc_producers_t;
enum { RC_ASK_TIMEOUT_MS = 10000 }; /* what an answer may take */
rc_code_t rc_ask_who_works(const rc_kafka_t *kafka, int64_t timeout_ms, rc_producers_t *producers, rc_error_t *error);

#endif
