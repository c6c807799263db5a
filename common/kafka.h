/* What all Kafka handles share: the settings they are opened with, records, offsets and errors. The files common/kafka*
 * are the only ones that include librdkafka.
 *
 * Handles are disposable: whatever returns disposition RC_FATAL has lost its handle; close it and open a new one.
 * Errors everywhere:
 *   RC_KAFKA, RC_RETRY    brokers away, leader moving, coordinator loading: the same call may succeed later.
 *   RC_TIMEOUT, RC_RETRY  no answer in the time that the caller gave.
 *   RC_KAFKA, RC_REJECT   not authorised, unknown topic, record too large: the same call never succeeds.
 *   RC_KAFKA, RC_FATAL    the handle is dead.
 *   RC_FENCED, RC_FATAL   another handle took the transactional id, or the transaction outlived its time-out.
 *   RC_OWNERSHIP          the group has moved on: the partitions are no longer ours.
 *   RC_CANCELLED          *cancelled became true; looked at every tenth of a second (NULL: never).
 * A settings value serves any number of threads and must outlive every handle opened with it. */
#ifndef RC_COMMON_KAFKA_H
#define RC_COMMON_KAFKA_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/config.h"
#include "common/error.h"
#include "common/headers.h"
#include "common/mem.h"

typedef struct rc_kafka rc_kafka_t;

/* The settings of every handle. `program` ("rollcall-producer") and the instance make the
 * client id. Borrows config and program for its life. Returns new (free with rc_kafka_free). RC_CONFIG, naming file,
 * line and property, for the first property that librdkafka does not take; a configuration that was loaded has none. */
rc_code_t rc_kafka_new(const rc_config_t *config, const char *program, rc_kafka_t **kafka, rc_error_t *error);
void rc_kafka_free(rc_kafka_t *kafka); /* NULL is fine */

/* The configuration that the settings were made from. Borrows. */
const rc_config_t *rc_kafka_config(const rc_kafka_t *kafka);

/* The partition of a key among `partitions`, as every producer of ours and Java's default partitioner places it. Pure.
 * The key is not empty. */
int32_t rc_kafka_partition(const void *key, size_t key_bytes, int32_t partitions);

/* A place in a topic, or a request about one. */
typedef struct {
    const char *topic;
    int32_t partition;
    int64_t offset; /* a real one, or one of the next */
} rc_kafka_offset_t;

enum {
    RC_OFFSET_END = -1,       /* behind the last record */
    RC_OFFSET_BEGINNING = -2, /* the first record there is */
    RC_OFFSET_NONE = -1001    /* committed(): nothing is committed; assign(): start at what is committed */
};

/* A record to produce. All is copied by the call that takes it. */
typedef struct {
    const char *topic;
    int32_t partition; /* -1: rc_kafka_partition of the key */
    const void *key;
    size_t key_bytes;
    const void *value; /* NULL: a tombstone */
    size_t value_bytes;
    rc_headers_t headers;
} rc_kafka_record_t;

/* A record that was read. It and all it points to live until the event that brought it is released. */
typedef struct {
    const char *topic;
    int32_t partition;
    int64_t offset;
    int64_t timestamp_ms; /* since 1970; -1: none */
    const void *key;      /* not NUL-terminated; NULL: no key */
    size_t key_bytes;
    const void *value; /* NULL: a tombstone */
    size_t value_bytes;
    const void *raw; /* librdkafka's message; for rc_kafka_message_headers */
} rc_kafka_message_t;

/* The headers in their order: an array in the arena whose names and values borrow from the message. */
rc_headers_t rc_kafka_message_headers(const rc_kafka_message_t *message, rc_arena_t *arena);

/* What a reader or a consumer gives. */
typedef enum {
    RC_KAFKA_NONE,         /* nothing in the time given */
    RC_KAFKA_MESSAGE,      /* .message */
    RC_KAFKA_EOF,          /* .at: the end was reached; .at.offset is the next offset, behind markers too */
    RC_KAFKA_ASSIGN,       /* .partitions are ours (the whole assignment); answer with rc_kafka_consumer_assign */
    RC_KAFKA_REVOKE,       /* .partitions are to be given up; answer with rc_kafka_consumer_unassign, late if need be */
    RC_KAFKA_OUT_OF_RANGE, /* .at: the offset asked for is gone or not there yet; the partition has stopped */
} rc_kafka_event_kind_t;

typedef struct {
    rc_kafka_event_kind_t kind;
    bool lost; /* REVOKE: others may own the partitions already (session over): there is nothing to commit */
    rc_kafka_message_t message;
    rc_kafka_offset_t at;
    const rc_kafka_offset_t *partitions; /* offsets are RC_OFFSET_NONE */
    size_t partition_count;
    void *handle; /* what is released */
} rc_kafka_event_t;

/* Releases what the event holds. Any thread, before the handle that gave it is closed. A kept message pins the whole
 * fetch that brought it: copy what has to wait for long. An event that is zero or released already is fine. */
void rc_kafka_event_release(rc_kafka_event_t *event);

#endif
