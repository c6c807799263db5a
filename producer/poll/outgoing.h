/* What a step of an integration publishes: records gathered into transactions, each with the integration's state, and
 * what was written, for the local views to follow. On the integration's worker thread. */
#ifndef RC_PRODUCER_OUTGOING_H
#define RC_PRODUCER_OUTGOING_H

#include "common/topics.h"
#include "producer/poll/poll.h"

typedef struct rc_outgoing rc_outgoing_t;

/* `group`: captured before the step began; `views_life`: of the views that it began with. Borrows context and group.
 * Returns new (free with rc_outgoing_free). */
rc_outgoing_t *rc_outgoing_new(const rc_poll_context_t *context, const rc_kafka_group_t *group, uint64_t views_life);
void rc_outgoing_free(rc_outgoing_t *outgoing); /* NULL is fine */

/* --- the transaction at hand --- */

/* All about one employee goes out under this key. Borrowed until the transaction is written. */
const char *rc_outgoing_key(rc_outgoing_t *outgoing, const char *employee_id);
/* Fills in event_id. */
rc_code_t rc_outgoing_event(rc_outgoing_t *outgoing, const char *key, rc_event_t *event, rc_error_t *error);
rc_code_t rc_outgoing_snapshot(rc_outgoing_t *outgoing, const char *key, const rc_snapshot_t *snapshot,
                               rc_error_t *error);
rc_code_t rc_outgoing_pending(rc_outgoing_t *outgoing, const char *key, const rc_pending_t *pending, rc_error_t *error);
/* `key` is borrowed until the transaction is written. `partition` -1: that of the key. */
void rc_outgoing_tombstone(rc_outgoing_t *outgoing, rc_topic_kind_t topic, const char *key, int32_t partition);
/* Events in it, by type. */
const int64_t *rc_outgoing_events(const rc_outgoing_t *outgoing);

/* Writes it, with the state behind all that was gathered; `command_offset` as rc_transaction_t has it. RC_IO, RC_RETRY:
 * the views were made again since the step began, and people look as if they had never been published. Otherwise as
 * rc_publisher_write. On RC_OK the next one is empty. */
rc_code_t rc_outgoing_write(rc_outgoing_t *outgoing, const rc_sync_state_t *state, int64_t command_offset,
                            rc_error_t *error);

/* --- afterwards --- */

/* Waits until the views hold everything that was written. */
rc_code_t rc_outgoing_follow(rc_outgoing_t *outgoing, rc_error_t *error);
/* Whether the views may lack something of it. */
bool rc_outgoing_is_behind(const rc_outgoing_t *outgoing);

#endif
