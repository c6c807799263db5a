/* What the topics tell a command: typed records of a part of them, read from a place to the end as it is at the start,
 * of everybody or of one employee. Nothing is joined, committed or written. One thread at a time.
 *
 * Keys are looked at before anything is decoded: one employee among a million is found in the time that it takes to
 * fetch one partition. A writer's schema that is not known is looked for in the `schemas` topic or at the registry. */
#ifndef RC_COMMON_HISTORY_H
#define RC_COMMON_HISTORY_H

#include "common/enroll.h"
#include "common/kafka_reader.h"
#include "common/topics.h"

typedef struct rc_history rc_history_t;

/* Opens Kafka and the codec for a command. `client` ("rollcall-consumer-trace") names it to the brokers; borrowed, as
 * is config. `writes`: records are encoded too (rc_enrol_writer: a registry is asked, and waited for until `cancelled`,
 * which may be NULL). Otherwise no broker is asked. Returns new (close with rc_history_close). */
rc_code_t rc_history_open(const rc_config_t *config, const char *client, bool writes, const atomic_bool *cancelled,
                          rc_history_t **history, rc_error_t *error);
void rc_history_close(rc_history_t *history); /* NULL is fine */

/* For what else the command does. Borrow. */
const rc_kafka_t *rc_history_kafka(const rc_history_t *history);
rc_codec_t *rc_history_codec(const rc_history_t *history);

/* The partition, of all topics but `sync.*` of an integration, that holds everything about an employee. */
int32_t rc_history_partition(const rc_history_t *history, const char *integration_id, const char *employee_id);

/* A part of a topic. */
typedef struct {
    rc_topic_kind_t kind; /* an event topic, SNAPSHOT, STATE, PENDING, COMMANDS, LEDGER, DLQ or RETRY */
    size_t tier;          /* of RETRY: index of its delay */
    int32_t partition;    /* -1: all */
    int64_t offset;       /* from this one on; 0: from the first there is */
    rc_wall_t since;      /* only what was produced at that moment or later; 0: all */
} rc_history_part_t;

/* Whose records; the rest is passed over undecoded. */
typedef struct {
    const char *integration_id; /* NULL: of all; records without a key of ours are left out else */
    const char *employee_id;    /* NULL: of everybody */
    /* Looks at the bytes of what is left; NULL: all are wanted. */
    bool (*wants)(void *opaque, rc_topic_kind_t kind, const rc_kafka_message_t *message);
    void *opaque;
} rc_history_filter_t;

typedef struct {
    rc_topic_kind_t kind;
    size_t tier;                /* of RETRY */
    rc_kafka_message_t message; /* place, time, key and value as bytes; until the visit ends */
    rc_headers_t headers;       /* of RETRY and DLQ; borrow from the message */
    rc_parking_t parking;       /* RETRY, DLQ; else RC_PARKING_INIT */
    const char *integration_id; /* of the key; NULL: the key is none of ours */
    const char *employee_id;    /* of the key; NULL likewise, and of STATE and COMMANDS */
    int lane;                   /* of the ledger's key, or as RETRY and DLQ say (rc_event_type_t); -1: none */
    bool tombstone;             /* there is no value, and nothing below is filled in */
    rc_error_t fault;           /* code RC_OK: decoded; else why the value cannot be read: nothing below is filled in */
    union {
        rc_event_t event; /* event topics, RETRY, DLQ */
        rc_snapshot_t snapshot;
        rc_pending_t pending;
        rc_sync_state_t state;
        rc_command_t command;
        rc_ledger_entry_t ledger;
    };
} rc_history_record_t;

/* Calls `visit` for every record of the parts that the filter (NULL: none) lets through: all parts side by side, in
 * order within a partition. Each partition is named once at most. Strings live in the arena, which `visit` may reset
 * when it keeps nothing. `visit` returning false ends it with RC_OK. Errors are those of rc_kafka_read_all. */
rc_code_t rc_history_read(rc_history_t *history, const rc_history_part_t *parts, size_t count,
                          const rc_history_filter_t *filter, rc_arena_t *arena,
                          bool (*visit)(void *opaque, const rc_history_record_t *record), void *opaque,
                          const atomic_bool *cancelled, rc_error_t *error);

/* Fills in what a record says whose bytes were kept: `kind`, `message.value` and `message.value_bytes` are given. For
 * who keeps many, and decodes few. The bytes may be gone afterwards; strings live in the arena. */
void rc_history_decode(rc_history_t *history, rc_arena_t *arena, rc_history_record_t *record,
                       const atomic_bool *cancelled);

#endif
