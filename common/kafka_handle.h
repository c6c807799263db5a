/* What common/kafka*.c share, and the one place that includes librdkafka: a client with our settings and our log, and
 * librdkafka's errors as ours. Private to those files. */
#ifndef RC_COMMON_KAFKA_HANDLE_H
#define RC_COMMON_KAFKA_HANDLE_H

#include <librdkafka/rdkafka.h>
#include <pthread.h>

#include "common/kafka.h"
#include "common/time.h"

/* Of the settings (common/kafka.c). */
const char *rc_kafka_client_id(const rc_kafka_t *kafka);
/* Whether a warning may be logged now: one in every_ms of all handles together. */
bool rc_kafka_may_warn(const rc_kafka_t *kafka, int64_t every_ms);

typedef enum {
    RC_ROLE_PRODUCER = 1,
    RC_ROLE_TXN = 2,
    RC_ROLE_CONSUMER = 4,
    RC_ROLE_READER = 8,
    RC_ROLE_ADMIN = 16,
} rc_kafka_role_t;

/* The first member of what owns it. */
typedef struct {
    const rc_kafka_t *kafka;
    rd_kafka_t *rk;
    pthread_mutex_t lock; /* guards what follows */
    char last_error[256]; /* what librdkafka complained about last: tells a time-out's cause */
    rc_mono_t last_error_at;
    bool abandoned; /* it outlives the settings: it says nothing more */
} rc_kafka_handle_t;

typedef struct {
    const char *name;
    const char *value;
} rc_kafka_setting_t;

/* A configuration with the settings of that role: our defaults, the user's properties, what the guarantees rest on,
 * and `extra` (ended by a NULL name; may be NULL). Returns new in *conf (rd_kafka_conf_destroy, or passes to
 * rc_kafka_handle_open). */
rc_code_t rc_kafka_conf(const rc_kafka_t *kafka, rc_kafka_role_t role, const rc_kafka_setting_t *extra,
                        rd_kafka_conf_t **conf, rc_error_t *error);

/* Fills in *handle, which callbacks then get as their opaque. Takes conf, also when it fails. RC_CONFIG when librdkafka
 * refuses the settings together. */
rc_code_t rc_kafka_handle_open(const rc_kafka_t *kafka, rd_kafka_type_t type, rd_kafka_conf_t *conf,
                               rc_kafka_handle_t *handle, rc_error_t *error);

/* Frees what owns the handle, and all that librdkafka's callbacks may look at. */
typedef void rc_kafka_release_fn(rc_kafka_handle_t *handle);

/* Takes the handle and its owner, which `release` frees when librdkafka has let go of them (kafka_close.c). What it
 * does not destroy within 5 s is left behind, with a warning, and released when it ends, on another thread, or never:
 * where a topic is deleted or a broker goes at that moment, 2.0 and later can wait for themselves for ever
 * (confluentinc/librdkafka#4362, #4674). */
void rc_kafka_handle_close(rc_kafka_handle_t *handle, rc_kafka_release_fn *release);
/* An owner with nothing to free but itself. */
void rc_kafka_release(rc_kafka_handle_t *handle);

/* Fills *error from librdkafka's code: "<what>: <detail>", detail NULL for librdkafka's own words. A handle with a
 * fatal error gives that one, whatever `err` is; handle may be NULL. */
rc_code_t rc_kafka_error(rc_error_t *error, rc_kafka_handle_t *handle, rd_kafka_resp_err_t err, const char *detail,
                         const char *format, ...) __attribute__((format(printf, 5, 6)));

rd_kafka_topic_partition_list_t *rc_kafka_list(const rc_kafka_offset_t *offsets, size_t count);

/* Replaces each offset, a moment in milliseconds or librdkafka's word for an end, by the offset there; -1 when no
 * record is that young. What an end is follows the handle's isolation level. Asks again while leaders move or a topic
 * is new. The mock cluster knows ends only. */
rc_code_t rc_kafka_ask_offsets(rc_kafka_handle_t *handle, rc_kafka_offset_t *partitions, size_t count,
                               int64_t timeout_ms, rc_error_t *error);

/* Queues a copy of the record. NULL: done; else why not. Returns new (rd_kafka_error_destroy). */
rd_kafka_error_t *rc_kafka_produce(rd_kafka_t *rk, rd_kafka_topic_t *topic, const rc_kafka_record_t *record,
                                   void *opaque);

/* Wraps what was polled; takes `polled`. RC_KAFKA_NONE in event->kind with RC_OK: nothing to tell anybody. */
rc_code_t rc_kafka_event_from(rc_kafka_handle_t *handle, rd_kafka_event_t *polled, rc_kafka_event_t *event,
                              rc_error_t *error);

/* Whether the caller wants to end. */
static inline bool rc_kafka_is_cancelled(const atomic_bool *cancelled)
{
    return cancelled && atomic_load(cancelled);
}

#endif
