#include "tests/sandbox/events.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/enroll.h"
#include "common/kafka_admin.h"
#include "common/kafka_reader.h"
#include "common/map.h"
#include "common/text.h"
#include "common/topics.h"

enum { ANSWER_TIMEOUT_MS = 10000, POLL_MS = 200, BATCH = 256, AT_ONCE_MS = 50 };

typedef struct {
    const rc_config_t *config;
    const sb_events_filter_t *filter;
    sb_event_fn *fn;
    void *opaque;
    rc_enrolment_t enrolment;
    rc_kafka_reader_t *reader;
    rc_arena_t *names, *arena; /* of the run, of one event */
    const char *topics[RC_EVENT_COUNT];
    rc_map_t *unfinished; /* partitions whose end was not seen yet */
    size_t given;
} reading_t;

/* The schemas of writers that are newer than this program. */
static bool take_schema(void *opaque, const rc_kafka_message_t *message)
{
    reading_t *reading = opaque;
    (void)rc_schema_store_add_record(reading->enrolment.store, message->key, message->key_bytes, message->value,
                                     message->value_bytes, NULL);
    return true;
}

static rc_code_t start(reading_t *reading, const rc_kafka_t *kafka, rc_error_t *error)
{
    rc_kafka_topic_info_t infos[RC_EVENT_COUNT] = {0};
    rc_kafka_admin_t *admin = NULL;
    for (int type = 0; type < RC_EVENT_COUNT; type++) {
        reading->topics[type] =
            rc_topic_name(reading->config, rc_topic_of_event((rc_event_type_t)type), reading->names);
        infos[type].name = reading->topics[type];
    }
    rc_code_t code = rc_kafka_admin_open(kafka, &admin, error);
    if (!code) code = rc_kafka_admin_topics(admin, infos, RC_EVENT_COUNT, false, ANSWER_TIMEOUT_MS, error);
    for (int type = 0; !code && type < RC_EVENT_COUNT; type++) {
        if (infos[type].partitions == 0)
            code = rc_error_set(error, RC_NOT_FOUND, RC_REJECT,
                                "there is no topic %s; is the prefix right, and was `rollcall-producer topics` run?",
                                infos[type].name);
        for (int32_t partition = 0; !code && partition < infos[type].partitions; partition++) {
            const char *key = rc_arena_sprintf(reading->names, "%s/%d", infos[type].name, (int)partition);
            (void)rc_map_set(reading->unfinished, key, strlen(key), reading);
            code = rc_kafka_reader_start(reading->reader, infos[type].name, partition, RC_OFFSET_BEGINNING, error);
        }
    }
    rc_kafka_admin_close(admin);
    return code;
}

static rc_code_t decode(reading_t *reading, const rc_kafka_message_t *message, rc_event_t *event, rc_error_t *error)
{
    rc_framing_t missing;
    rc_code_t code = rc_codec_decode_event(reading->enrolment.codec, message->value, message->value_bytes,
                                           reading->arena, event, &missing, error);
    if (code != RC_UNKNOWN_SCHEMA || missing.wire != RC_WIRE_CONFLUENT || !reading->enrolment.registry) return code;
    code = rc_registry_fetch(reading->enrolment.registry, missing.registry_id, reading->enrolment.store, NULL, error);
    if (code) return code;
    return rc_codec_decode_event(reading->enrolment.codec, message->value, message->value_bytes, reading->arena, event,
                                 &missing, error);
}

static bool fits(const sb_events_filter_t *filter, const rc_event_t *event)
{
    if (filter->integration_id && !rc_text_equal(filter->integration_id, event->integration_id)) return false;
    if (filter->employee_id && !rc_text_equal(filter->employee_id, event->employee_id)) return false;
    return (filter->types & 1u << event->type) != 0;
}

static void take_event(reading_t *reading, const rc_kafka_message_t *message)
{
    rc_event_t event;
    rc_error_t error = RC_ERROR_INIT;
    if (message->timestamp_ms < reading->filter->since.ms) return;
    rc_arena_reset(reading->arena);
    if (decode(reading, message, &event, &error)) {
        (void)fprintf(stderr, "%s, partition %d, offset %lld: %s\n", message->topic, (int)message->partition,
                      (long long)message->offset, error.message);
        return;
    }
    if (!fits(reading->filter, &event)) return;
    const sb_published_t published = {message->topic, message->partition, message->offset, {message->timestamp_ms}};
    reading->given++;
    reading->fn(reading->opaque, &event, &published);
}

static void take(reading_t *reading, rc_kafka_event_t *polled)
{
    if (polled->kind == RC_KAFKA_MESSAGE) {
        take_event(reading, &polled->message);
    } else if (polled->kind == RC_KAFKA_EOF) {
        char key[512];
        (void)snprintf(key, sizeof key, "%s/%d", polled->at.topic, (int)polled->at.partition);
        (void)rc_map_take(reading->unfinished, key, strlen(key));
    }
    rc_kafka_event_release(polled);
}

static rc_code_t read_on(reading_t *reading, size_t enough, int64_t timeout_ms, rc_error_t *error)
{
    rc_kafka_event_t events[BATCH];
    int64_t deadline_ms = rc_mono_now().ms + timeout_ms;
    for (;;) {
        size_t count = 0;
        bool is_enough = rc_map_count(reading->unfinished) == 0 && reading->given >= enough;
        rc_code_t code =
            rc_kafka_reader_poll(reading->reader, is_enough ? AT_ONCE_MS : POLL_MS, events, BATCH, &count, error);
        if (code && error->disposition != RC_RETRY) return code;
        for (size_t i = 0; i < count; i++) take(reading, &events[i]);
        if (is_enough && count == 0) return RC_OK;
        if (timeout_ms && rc_mono_now().ms >= deadline_ms)
            return rc_error_set(error, RC_TIMEOUT, RC_RETRY, "%zu events came in %lld s, %zu were wanted",
                                reading->given, (long long)timeout_ms / 1000, enough);
    }
}

rc_code_t sb_events_read(const rc_config_t *config, const sb_events_filter_t *filter, size_t enough, int64_t timeout_ms,
                         sb_event_fn *fn, void *opaque, rc_error_t *error)
{
    reading_t reading = {.config = config,
                         .filter = filter,
                         .fn = fn,
                         .opaque = opaque,
                         .names = rc_arena_new(),
                         .arena = rc_arena_new(),
                         .unfinished = rc_map_new(NULL)};
    rc_kafka_t *kafka = NULL;
    rc_enrol_reader(config, &reading.enrolment);
    rc_code_t code = rc_kafka_new(config, "rollcall-events", &kafka, error);
    if (!code)
        code = rc_kafka_read_all(
            kafka, &(rc_kafka_span_t){.topic = rc_topic_name(config, RC_TOPIC_SCHEMAS, reading.names), .partition = -1},
            1, ANSWER_TIMEOUT_MS, take_schema, &reading, NULL, error);
    if (!code) code = rc_kafka_reader_open(kafka, &reading.reader, error);
    if (!code) code = start(&reading, kafka, error);
    if (!code) code = read_on(&reading, enough, timeout_ms, error);
    rc_kafka_reader_close(reading.reader);
    rc_kafka_free(kafka);
    rc_enrolment_fini(&reading.enrolment);
    rc_map_free(reading.unfinished);
    rc_arena_free(reading.arena);
    rc_arena_free(reading.names);
    return code;
}
