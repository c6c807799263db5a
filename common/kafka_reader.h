/* Reads explicit partitions without a group, read_committed: for local tables and for commands. One thread at a time.
 */
#ifndef RC_COMMON_KAFKA_READER_H
#define RC_COMMON_KAFKA_READER_H

#include "common/kafka.h"

typedef struct rc_kafka_reader rc_kafka_reader_t;

/* Returns new (close with rc_kafka_reader_close). No broker is asked. */
rc_code_t rc_kafka_reader_open(const rc_kafka_t *kafka, rc_kafka_reader_t **reader, rc_error_t *error);
void rc_kafka_reader_close(rc_kafka_reader_t *reader); /* every event was released; NULL is fine */

/* Starts one partition at `offset` (or RC_OFFSET_BEGINNING, RC_OFFSET_END). Its first EOF says that all there was has
 * been given; a later one comes within about 20 ms after every record or marker behind which there is nothing more. An
 * open transaction is an end: what stands behind its first record is not given before it ends. */
rc_code_t rc_kafka_reader_start(rc_kafka_reader_t *reader, const char *topic, int32_t partition, int64_t offset,
                                rc_error_t *error);
/* Nothing of the partition is given afterwards. One that was not started is fine. */
void rc_kafka_reader_stop(rc_kafka_reader_t *reader, const char *topic, int32_t partition);

/* Waits up to timeout_ms for the first event, then takes what is there already, up to `cap`. Each is to be released.
 * Errors come alone (*count is 0): RC_RETRY: go on; RC_REJECT: a topic that is not there or not ours to read, named;
 * RC_FATAL: close and open anew. */
rc_code_t rc_kafka_reader_poll(rc_kafka_reader_t *reader, int64_t timeout_ms, rc_kafka_event_t *events, size_t cap,
                               size_t *count, rc_error_t *error);

/* Any thread: a poll that waits, or the next one, returns at once. */
void rc_kafka_reader_wake(rc_kafka_reader_t *reader);

/* What is read of a topic, always to the end as it is when the reading begins. */
typedef struct {
    const char *topic;
    int32_t partition; /* -1: all */
    int64_t offset;    /* from this one on; 0: from the first there is */
    rc_wall_t since;   /* only what was produced at that moment or later; 0: all */
} rc_kafka_span_t;

/* Calls `visit` for every committed record of the spans, which name each partition once at most, by a reader of its
 * own: all side by side, in order within a partition. `visit` returning false ends it with RC_OK. A transaction that is
 * open when the reading begins is waited for; what stands behind one that stays open for two seconds is left out, with
 * a warning. Without any progress for idle_timeout_ms: RC_TIMEOUT. */
rc_code_t rc_kafka_read_all(const rc_kafka_t *kafka, const rc_kafka_span_t *spans, size_t count,
                            int64_t idle_timeout_ms, bool (*visit)(void *opaque, const rc_kafka_message_t *message),
                            void *opaque, const atomic_bool *cancelled, rc_error_t *error);

#endif
