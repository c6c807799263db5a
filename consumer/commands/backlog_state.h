/* The inside of a backlog, private to consumer/commands/backlog*.c: backlog.c reads, wave by wave, what no lane has
 * committed, backlog_people.c keeps it by person. One thread. */
#ifndef RC_CONSUMER_BACKLOG_STATE_H
#define RC_CONSUMER_BACKLOG_STATE_H

#include "common/kafka_admin.h"
#include "consumer/commands/backlog.h"

struct rc_backlog {
    rc_history_t *history;
    const rc_config_t *config;
    const char *integration_id;
    int64_t timeout_ms;
    const atomic_bool *cancelled;
    rc_kafka_admin_t *admin;
    rc_arena_t *arena; /* as long as the backlog: names and places */
    int32_t partitions;
    size_t topics;        /* that a lane reads: its event topic, then the retry topics */
    int64_t *committed;   /* [lane][topic][partition]: the first offset that is not committed */
    int64_t *weights;     /* records to read, by partition */
    int32_t next;         /* first partition of the next wave */
    const rc_map_t *only; /* of the wave */
    rc_arena_t *wave;
    rc_map_t *by_id;
    rc_backlog_person_t **people;
    size_t count;
    size_t room;
    int64_t waiting;
    int64_t unreadable;
};

static inline int64_t *rc_backlog_committed(const rc_backlog_t *backlog, int lane, size_t topic, int32_t partition)
{
    size_t row = (size_t)lane * backlog->topics + topic;
    return &backlog->committed[row * (size_t)backlog->partitions + (size_t)partition];
}

/* Takes records of events, retry topics and the ledger; for rc_history_read. */
typedef struct {
    rc_backlog_t *backlog;
    rc_arena_t *arena; /* of one record */
} rc_backlog_take_t;
bool rc_backlog_take(void *opaque, const rc_history_record_t *record);
/* Keeps the bytes of a snapshot: most are never decoded. `opaque` is the backlog; for rc_history_filter_t. */
bool rc_backlog_keep_snapshot(void *opaque, rc_topic_kind_t kind, const rc_kafka_message_t *message);

#endif
