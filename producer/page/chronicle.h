/* What happened lately, of every integration: polls and the ends of commands, as `sync.state` tells. The topic is
 * compacted, so after a start there is what the last states that Kafka has kept say, and from then on everything. A
 * tail of its own, whose thread fills it in; any thread may look. */
#ifndef RC_PRODUCER_CHRONICLE_H
#define RC_PRODUCER_CHRONICLE_H

#include "common/codec.h"
#include "common/kafka.h"

typedef struct rc_chronicle rc_chronicle_t;

enum { RC_CHRONICLE_POLLS = 25, RC_CHRONICLE_COMMANDS = 50 };

/* One that ended well, or one that failed. */
typedef struct {
    bool failed;
    rc_wall_t at;            /* when the state said so */
    rc_poll_report_t report; /* when it ended well */
    const char *reason;      /* when it failed: in words */
    rc_integration_state_t state;
} rc_poll_note_t;

typedef struct {
    const char *id;
    rc_wall_t at;
    bool ok;
    const char *message; /* NULL: none */
} rc_command_note_t;

/* Starts the tail. Borrows both. Returns new (free with rc_chronicle_free). */
rc_code_t rc_chronicle_new(const rc_kafka_t *kafka, const rc_codec_t *codec, rc_chronicle_t **chronicle,
                           rc_error_t *error);
void rc_chronicle_free(rc_chronicle_t *chronicle); /* NULL is fine */

/* The newest first, copied into the arena. */
const rc_poll_note_t *rc_chronicle_polls(rc_chronicle_t *chronicle, const char *integration_id, rc_arena_t *arena,
                                         size_t *count);
/* How a command ended; false: not yet, or too long ago. In the arena. */
bool rc_chronicle_command(rc_chronicle_t *chronicle, const char *integration_id, const char *command_id,
                          rc_arena_t *arena, rc_command_note_t *note);

/* Takes one state; what the tail's thread does with each record. For it and for tests: rc_chronicle_empty makes one
 * without a tail. */
void rc_chronicle_take(rc_chronicle_t *chronicle, const rc_sync_state_t *state, rc_wall_t at);
rc_chronicle_t *rc_chronicle_empty(void);

#endif
