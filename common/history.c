#include "common/history.h"

#include <stdlib.h>
#include <string.h>

#include "common/log.h"

enum { IDLE_TIMEOUT_MS = 10000 };

struct rc_history {
    rc_kafka_t *kafka;
    rc_enrolment_t enrolment;
    bool has_schemas;        /* the `schemas` topic was read */
    uint32_t unavailable_id; /* of the registry, asked for last and not had; 0: none */
    rc_error_t why_unavailable;
};

rc_code_t rc_history_open(const rc_config_t *config, const char *client, bool writes, const atomic_bool *cancelled,
                          rc_history_t **out, rc_error_t *error)
{
    rc_history_t *history = rc_zalloc(sizeof *history);
    rc_code_t code = rc_kafka_new(config, client, &history->kafka, error);
    if (code == RC_OK && writes) code = rc_enrol_writer(history->kafka, cancelled, &history->enrolment, error);
    if (code == RC_OK && !writes) rc_enrol_reader(config, &history->enrolment);
    if (code == RC_OK)
        *out = history;
    else
        rc_history_close(history);
    return code;
}

void rc_history_close(rc_history_t *history)
{
    if (!history) return;
    rc_enrolment_fini(&history->enrolment);
    rc_kafka_free(history->kafka);
    free(history);
}

const rc_kafka_t *rc_history_kafka(const rc_history_t *history)
{
    return history->kafka;
}

rc_codec_t *rc_history_codec(const rc_history_t *history)
{
    return history->enrolment.codec;
}

int32_t rc_history_partition(const rc_history_t *history, const char *integration_id, const char *employee_id)
{
    char *key = rc_sprintf("%s/%s", integration_id, employee_id);
    int32_t partition = rc_kafka_partition(key, strlen(key), rc_kafka_config(history->kafka)->kafka.partitions);
    free(key);
    return partition;
}

/* --- writers' schemas --- */

static bool take_schema(void *opaque, const rc_kafka_message_t *message)
{
    rc_history_t *history = opaque;
    rc_error_t error = RC_ERROR_INIT;
    if (rc_schema_store_add_record(history->enrolment.store, message->key, message->key_bytes, message->value,
                                   message->value_bytes, &error) != RC_OK)
        rc_log(RC_LEVEL_WARN, "a record of the schemas topic was passed over", RC_LOG_STR(TOPIC, message->topic),
               RC_LOG_INT(PARTITION, message->partition), RC_LOG_INT(OFFSET, message->offset), RC_LOG_ERR(&error));
    return true;
}

static rc_code_t read_schemas(rc_history_t *history, const atomic_bool *cancelled, rc_error_t *error)
{
    rc_arena_t *arena = rc_arena_new_sized(256);
    const rc_kafka_span_t all = {.topic = rc_topic_name(rc_kafka_config(history->kafka), RC_TOPIC_SCHEMAS, arena),
                                 .partition = -1};
    rc_code_t code =
        rc_kafka_read_all(history->kafka, &all, 1, IDLE_TIMEOUT_MS, take_schema, history, cancelled, error);
    history->has_schemas = code == RC_OK;
    rc_arena_free(arena);
    return code;
}

/* RC_OK: it was looked for where it should be, once. */
static rc_code_t find_schema(rc_history_t *history, const rc_framing_t *missing, const atomic_bool *cancelled,
                             rc_error_t *error)
{
    if (missing->wire == RC_WIRE_SINGLE_OBJECT)
        return history->has_schemas ? RC_OK : read_schemas(history, cancelled, error);
    if (!history->enrolment.registry) return RC_OK;
    if (missing->registry_id == history->unavailable_id) {
        *error = history->why_unavailable;
        return error->code;
    }
    rc_code_t code = rc_registry_fetch(history->enrolment.registry, missing->registry_id, history->enrolment.store,
                                       cancelled, error);
    if (code == RC_OK || code == RC_CANCELLED) return code;
    history->unavailable_id = missing->registry_id;
    history->why_unavailable = *error;
    return code;
}

/* --- decoding --- */

static rc_code_t decode_once(const rc_history_t *history, rc_arena_t *arena, rc_history_record_t *record,
                             rc_framing_t *missing, rc_error_t *error)
{
    const rc_codec_t *codec = history->enrolment.codec;
    const void *value = record->message.value;
    size_t size_bytes = record->message.value_bytes;
    switch (record->kind) {
    case RC_TOPIC_SNAPSHOT:
        return rc_codec_decode_snapshot(codec, value, size_bytes, arena, &record->snapshot, missing, error);
    case RC_TOPIC_PENDING:
        return rc_codec_decode_pending(codec, value, size_bytes, arena, &record->pending, missing, error);
    case RC_TOPIC_STATE:
        return rc_codec_decode_state(codec, value, size_bytes, arena, &record->state, missing, error);
    case RC_TOPIC_COMMANDS:
        return rc_codec_decode_command(codec, value, size_bytes, arena, &record->command, missing, error);
    case RC_TOPIC_LEDGER:
        return rc_codec_decode_ledger(codec, value, size_bytes, arena, &record->ledger, missing, error);
    default:
        return rc_codec_decode_event(codec, value, size_bytes, arena, &record->event, missing, error);
    }
}

void rc_history_decode(rc_history_t *history, rc_arena_t *arena, rc_history_record_t *record,
                       const atomic_bool *cancelled)
{
    rc_framing_t missing;
    rc_error_t error = RC_ERROR_INIT;
    record->fault = RC_ERROR_INIT;
    rc_code_t code = decode_once(history, arena, record, &missing, &error);
    if (code == RC_UNKNOWN_SCHEMA) {
        code = find_schema(history, &missing, cancelled, &error);
        if (code == RC_OK) code = decode_once(history, arena, record, &missing, &error);
    }
    if (code != RC_OK) record->fault = error;
}

/* --- reading --- */

typedef struct {
    rc_history_t *history;
    const rc_history_part_t *parts;
    const rc_kafka_span_t *spans; /* of the same places */
    size_t count;
    size_t last; /* which part the last record was of */
    const rc_history_filter_t *filter;
    const char *employee_key; /* of the filter; NULL: of everybody */
    size_t employee_key_bytes;
    rc_arena_t *arena;
    bool (*visit)(void *opaque, const rc_history_record_t *record);
    void *opaque;
    const atomic_bool *cancelled;
} reading_t;

static const rc_history_part_t *part_of(reading_t *reading, const rc_kafka_message_t *message)
{
    for (size_t i = 0; i < reading->count; i++) {
        size_t at = (reading->last + i) % reading->count;
        const rc_kafka_span_t *span = &reading->spans[at];
        if (strcmp(span->topic, message->topic) != 0) continue;
        if (span->partition >= 0 && span->partition != message->partition) continue;
        reading->last = at;
        return &reading->parts[at];
    }
    RC_DIE("a record of %s, which nobody asked for", message->topic);
}

static bool is_about_integrations(rc_topic_kind_t kind)
{
    return kind == RC_TOPIC_STATE || kind == RC_TOPIC_COMMANDS;
}

/* Whether the key, of an employee or an integration, is one that the filter names. */
static bool is_named(const reading_t *reading, rc_topic_kind_t kind, const char *key, size_t key_bytes)
{
    const char *integration_id = reading->filter->integration_id;
    if (!integration_id) return true;
    size_t length = strlen(integration_id);
    if (is_about_integrations(kind)) return key_bytes == length && memcmp(key, integration_id, length) == 0;
    if (reading->employee_key)
        return key_bytes == reading->employee_key_bytes && memcmp(key, reading->employee_key, key_bytes) == 0;
    /* Neither id has a slash: what stands in front of the only one is the integration. */
    return key_bytes > length && key[length] == '/' && memcmp(key, integration_id, length) == 0;
}

/* What the key of a record says. */
typedef struct {
    const char *name; /* the employee's or the integration's; NULL: there is none */
    size_t name_bytes;
    int lane; /* of the ledger; -1: none */
} name_t;

static name_t key_of(rc_topic_kind_t kind, const rc_kafka_message_t *message)
{
    name_t key = {message->key, message->key_bytes, -1};
    size_t begin;
    if (kind != RC_TOPIC_LEDGER || !key.name) return key;
    key.lane = rc_ledger_key_split(key.name, key.name_bytes, &begin);
    if (key.lane < 0) return key;
    key.name += begin;
    key.name_bytes -= begin;
    return key;
}

static bool is_wanted(const reading_t *reading, rc_topic_kind_t kind, const rc_kafka_message_t *message,
                      const name_t *key)
{
    const rc_history_filter_t *filter = reading->filter;
    if (!filter) return true;
    if (filter->integration_id && (!key->name || !is_named(reading, kind, key->name, key->name_bytes))) return false;
    return !filter->wants || filter->wants(filter->opaque, kind, message);
}

static bool take(void *opaque, const rc_kafka_message_t *message)
{
    reading_t *reading = opaque;
    const rc_history_part_t *part = part_of(reading, message);
    const name_t key = key_of(part->kind, message);
    if (!is_wanted(reading, part->kind, message, &key)) return true;
    rc_history_record_t record = {.kind = part->kind,
                                  .tier = part->tier,
                                  .message = *message,
                                  .parking = RC_PARKING_INIT,
                                  .lane = key.lane,
                                  .tombstone = message->value == NULL,
                                  .fault = RC_ERROR_INIT};
    if (key.name && is_about_integrations(part->kind))
        record.integration_id = rc_arena_strndup(reading->arena, key.name, key.name_bytes);
    else if (key.name)
        (void)rc_employee_key_split(reading->arena, key.name, key.name_bytes, &record.integration_id,
                                    &record.employee_id);
    if (record.kind == RC_TOPIC_RETRY || record.kind == RC_TOPIC_DLQ) {
        record.headers = rc_kafka_message_headers(message, reading->arena);
        record.parking = rc_headers_parking_parse(record.headers, reading->arena);
        record.lane = record.parking.lane;
    }
    if (!record.tombstone) rc_history_decode(reading->history, reading->arena, &record, reading->cancelled);
    return reading->visit(reading->opaque, &record);
}

rc_code_t rc_history_read(rc_history_t *history, const rc_history_part_t *parts, size_t count,
                          const rc_history_filter_t *filter, rc_arena_t *arena,
                          bool (*visit)(void *opaque, const rc_history_record_t *record), void *opaque,
                          const atomic_bool *cancelled, rc_error_t *error)
{
    const rc_config_t *config = rc_kafka_config(history->kafka);
    rc_arena_t *names = rc_arena_new_sized(1024); /* not the visitor's, which may be reset */
    history->has_schemas = false;                 /* one that was not there may be there by now */
    history->unavailable_id = 0;
    rc_kafka_span_t *spans = rc_arena_alloc(names, count * sizeof *spans);
    for (size_t i = 0; i < count; i++)
        spans[i] = (rc_kafka_span_t){.topic = parts[i].kind == RC_TOPIC_RETRY
                                                  ? rc_topic_retry_name(config, parts[i].tier, names)
                                                  : rc_topic_name(config, parts[i].kind, names),
                                     .partition = parts[i].partition,
                                     .offset = parts[i].offset,
                                     .since = parts[i].since};
    reading_t reading = {.history = history,
                         .parts = parts,
                         .spans = spans,
                         .count = count,
                         .filter = filter,
                         .arena = arena,
                         .visit = visit,
                         .opaque = opaque,
                         .cancelled = cancelled};
    if (filter && filter->integration_id && filter->employee_id) {
        reading.employee_key = rc_employee_key(names, filter->integration_id, filter->employee_id);
        reading.employee_key_bytes = strlen(reading.employee_key);
    }
    rc_code_t code = rc_kafka_read_all(history->kafka, spans, count, IDLE_TIMEOUT_MS, take, &reading, cancelled, error);
    rc_arena_free(names);
    return code;
}
