#include "producer/commands/reading.h"

#include <stdlib.h>
#include <string.h>

#include "common/kafka_reader.h"
#include "common/log.h"
#include "common/map.h"
#include "common/text.h"
#include "common/topics.h"

enum { IDLE_TIMEOUT_MS = 10000 };

struct rc_reading {
    const rc_config_t *config;
    const atomic_bool *cancelled;
    rc_arena_t *names;
    rc_kafka_t *kafka;
    rc_enrolment_t enrolment;
};

/* The newest value of each key. */
typedef struct {
    size_t bytes;
    char value[];
} row_t;

/* --- decoding --- */

typedef union {
    rc_sync_state_t state;
    rc_pending_t pending;
    rc_snapshot_t snapshot;
} record_t;

static rc_code_t decode_known(const rc_reading_t *reading, rc_record_kind_t kind, const void *value, size_t value_bytes,
                              rc_arena_t *arena, record_t *record, rc_framing_t *missing, rc_error_t *error)
{
    const rc_codec_t *codec = reading->enrolment.codec;
    if (kind == RC_RECORD_STATE)
        return rc_codec_decode_state(codec, value, value_bytes, arena, &record->state, missing, error);
    if (kind == RC_RECORD_PENDING)
        return rc_codec_decode_pending(codec, value, value_bytes, arena, &record->pending, missing, error);
    return rc_codec_decode_snapshot(codec, value, value_bytes, arena, &record->snapshot, missing, error);
}

/* Asks the registry for a schema that nobody has told. */
static rc_code_t decode_value(const rc_reading_t *reading, rc_record_kind_t kind, const void *value, size_t value_bytes,
                              rc_arena_t *arena, record_t *record, rc_error_t *error)
{
    rc_framing_t missing;
    rc_code_t code = decode_known(reading, kind, value, value_bytes, arena, record, &missing, error);
    if (code != RC_UNKNOWN_SCHEMA || missing.wire != RC_WIRE_CONFLUENT || !reading->enrolment.registry) return code;
    code = rc_registry_fetch(reading->enrolment.registry, missing.registry_id, reading->enrolment.store,
                             reading->cancelled, error);
    return code == RC_OK ? decode_known(reading, kind, value, value_bytes, arena, record, &missing, error) : code;
}

static rc_code_t decode(const rc_reading_t *reading, rc_record_kind_t kind, const row_t *row, rc_arena_t *arena,
                        record_t *record, rc_error_t *error)
{
    return decode_value(reading, kind, row->value, row->bytes, arena, record, error);
}

/* --- what is newest --- */

typedef struct {
    rc_reading_t *reading;
    rc_record_kind_t kind;
    const char *integration_id; /* of the keys; NULL: any */
    bool whole_key;             /* the id is the key, not what stands before the employee's */
    const char *contains;       /* of the values: others count as tombstones; NULL: any */
    const rc_map_t *keys;       /* only these; NULL: any */
    bool *wanted;               /* by partition: one of the keys is there */
    int32_t partitions;
    rc_map_t *rows;
} newest_t;

static bool is_wanted(const newest_t *newest, const rc_kafka_message_t *message)
{
    if (!message->key_bytes) return false;
    if (newest->keys) return rc_map_get(newest->keys, message->key, message->key_bytes) != NULL;
    if (!newest->integration_id) return true;
    size_t length = strlen(newest->integration_id);
    if (message->key_bytes < length || memcmp(message->key, newest->integration_id, length) != 0) return false;
    if (newest->whole_key) return message->key_bytes == length;
    const char *slash = memrchr(message->key, '/', message->key_bytes);
    return slash && (size_t)(slash - (const char *)message->key) == length;
}

/* What cannot be read is passed over, as the services do: what stood there before it holds. All schemas that programs
 * told are known by now. */
static bool is_readable(const newest_t *newest, const rc_kafka_message_t *message)
{
    record_t record;
    rc_error_t why = RC_ERROR_INIT;
    rc_arena_t *arena = rc_arena_new();
    if (message->value)
        (void)decode_value(newest->reading, newest->kind, message->value, message->value_bytes, arena, &record, &why);
    rc_arena_free(arena);
    bool is_nobodys = why.code == RC_UNKNOWN_SCHEMA || (why.code && why.disposition == RC_REJECT);
    if (is_nobodys)
        rc_log(RC_LEVEL_WARN, "a record was passed over", RC_LOG_STR(TOPIC, message->topic),
               RC_LOG_INT(PARTITION, message->partition), RC_LOG_INT(OFFSET, message->offset), RC_LOG_ERR(&why));
    return !is_nobodys;
}

static bool take_newest(void *opaque, const rc_kafka_message_t *message)
{
    const newest_t *newest = opaque;
    if (!is_wanted(newest, message) || !is_readable(newest, message)) return true;
    bool kept = message->value && (!newest->contains || memmem(message->value, message->value_bytes, newest->contains,
                                                               strlen(newest->contains)));
    if (!kept) {
        free(rc_map_take(newest->rows, message->key, message->key_bytes));
        return true;
    }
    row_t *row = rc_alloc(sizeof *row + message->value_bytes);
    row->bytes = message->value_bytes;
    memcpy(row->value, message->value, message->value_bytes);
    free(rc_map_set(newest->rows, message->key, message->key_bytes, row));
    return true;
}

static rc_code_t read_spans(rc_reading_t *reading, const rc_kafka_span_t *spans, size_t count, newest_t *newest,
                            rc_error_t *error)
{
    newest->rows = rc_map_new(free);
    return rc_kafka_read_all(reading->kafka, spans, count, IDLE_TIMEOUT_MS, take_newest, newest, reading->cancelled,
                             error);
}

static rc_code_t read_newest(rc_reading_t *reading, rc_topic_kind_t topic, newest_t *newest, rc_error_t *error)
{
    const rc_kafka_span_t all = {.topic = rc_topic_name(reading->config, topic, reading->names), .partition = -1};
    return read_spans(reading, &all, 1, newest, error);
}

static bool take_schema(void *opaque, const rc_kafka_message_t *message)
{
    const rc_reading_t *reading = opaque;
    (void)rc_schema_store_add_record(reading->enrolment.store, message->key, message->key_bytes, message->value,
                                     message->value_bytes, NULL);
    return true;
}

rc_code_t rc_reading_new(const rc_config_t *config, const atomic_bool *cancelled, rc_reading_t **result,
                         rc_error_t *error)
{
    rc_reading_t *reading = rc_zalloc(sizeof *reading);
    *reading = (rc_reading_t){.config = config, .cancelled = cancelled, .names = rc_arena_new_sized(1024)};
    rc_enrol_reader(config, &reading->enrolment);
    rc_code_t code = rc_kafka_new(config, "rollcall-producer-reading", &reading->kafka, error);
    const rc_kafka_span_t schemas = {.topic = rc_topic_name(config, RC_TOPIC_SCHEMAS, reading->names), .partition = -1};
    if (code == RC_OK)
        code = rc_kafka_read_all(reading->kafka, &schemas, 1, IDLE_TIMEOUT_MS, take_schema, reading, cancelled, error);
    if (code != RC_OK) {
        rc_reading_free(reading);
        return code;
    }
    *result = reading;
    return RC_OK;
}

void rc_reading_free(rc_reading_t *reading)
{
    if (!reading) return;
    rc_kafka_free(reading->kafka);
    rc_enrolment_fini(&reading->enrolment);
    rc_arena_free(reading->names);
    free(reading);
}

const rc_kafka_t *rc_reading_kafka(const rc_reading_t *reading)
{
    return reading->kafka;
}

/* --- overviews --- */

typedef struct {
    rc_reading_t *reading;
    rc_overview_t *overviews;
    size_t count;
    rc_arena_t *scratch;
    rc_code_t code;
    rc_error_t *error;
} counting_t;

static bool count_pending(void *opaque, const void *key, size_t key_bytes, void *value)
{
    counting_t *counting = opaque;
    record_t record;
    (void)key;
    (void)key_bytes;
    rc_arena_reset(counting->scratch);
    counting->code = decode(counting->reading, RC_RECORD_PENDING, value, counting->scratch, &record, counting->error);
    for (size_t i = 0; counting->code == RC_OK && i < counting->count; i++) {
        rc_overview_t *overview = &counting->overviews[i];
        if (!rc_text_equal(overview->integration->id, record.pending.integration_id)) continue;
        overview->waiting_people++;
        for (int reason = 0; reason < RC_PENDING_COUNT; reason++)
            overview->waiting[reason] += record.pending.reasons >> reason & 1U;
    }
    return counting->code == RC_OK;
}

static rc_code_t read_states(rc_reading_t *reading, newest_t *newest, rc_arena_t *arena, rc_overview_t *overviews,
                             size_t count, rc_error_t *error)
{
    record_t record;
    rc_code_t code = read_newest(reading, RC_TOPIC_STATE, newest, error);
    for (size_t i = 0; code == RC_OK && i < count; i++) {
        const char *id = overviews[i].integration->id;
        const row_t *row = rc_map_get(newest->rows, id, strlen(id));
        if (!row) continue;
        code = decode(reading, RC_RECORD_STATE, row, arena, &record, error);
        overviews[i].seen = code == RC_OK;
        if (overviews[i].seen) overviews[i].state = record.state;
    }
    return code;
}

rc_code_t rc_reading_overviews(rc_reading_t *reading, const char *integration_id, rc_arena_t *arena,
                               rc_overview_t **overviews, size_t *count, rc_error_t *error)
{
    const rc_config_t *config = reading->config;
    rc_overview_t *found = rc_arena_alloc(arena, config->integrations_count * sizeof *found);
    size_t chosen = 0;
    for (size_t i = 0; i < config->integrations_count; i++)
        if (!integration_id || strcmp(integration_id, config->integrations[i].id) == 0)
            found[chosen++] = (rc_overview_t){.integration = &config->integrations[i]};
    newest_t states = {reading, RC_RECORD_STATE, .integration_id = integration_id, .whole_key = true};
    newest_t pending = {reading, RC_RECORD_PENDING, .integration_id = integration_id};
    counting_t counting = {reading, found, chosen, rc_arena_new(), RC_OK, error};
    rc_code_t code = read_states(reading, &states, arena, found, chosen, error);
    if (code == RC_OK) code = read_newest(reading, RC_TOPIC_PENDING, &pending, error);
    if (code == RC_OK) rc_map_each(pending.rows, count_pending, &counting);
    if (code == RC_OK) code = counting.code;
    rc_map_free(states.rows);
    rc_map_free(pending.rows);
    rc_arena_free(counting.scratch);
    *overviews = found;
    *count = chosen;
    return code;
}

/* --- a hold --- */

typedef struct {
    rc_reading_t *reading;
    const char *hold_id;
    rc_arena_t *arena;
    rc_held_t *held;
    size_t count;
    rc_map_t *by_key; /* of held */
    rc_code_t code;
    rc_error_t *error;
} gathering_t;

static const rc_hold_ref_t *find_ref(const rc_pending_t *pending, const char *hold_id)
{
    for (size_t i = 0; i < pending->hold_count; i++)
        if (rc_text_equal(pending->holds[i].hold_id, hold_id)) return &pending->holds[i];
    return NULL;
}

static bool gather_pending(void *opaque, const void *key, size_t key_bytes, void *value)
{
    gathering_t *gathering = opaque;
    record_t record;
    gathering->code = decode(gathering->reading, RC_RECORD_PENDING, value, gathering->arena, &record, gathering->error);
    if (gathering->code != RC_OK) return false;
    const rc_hold_ref_t *ref = find_ref(&record.pending, gathering->hold_id);
    if (!ref) return true; /* the hold's id stood elsewhere in it */
    rc_held_t *held = &gathering->held[gathering->count++];
    *held = (rc_held_t){.pending = record.pending, .ref = ref};
    (void)rc_map_set(gathering->by_key, key, key_bytes, held);
    return true;
}

static bool gather_snapshot(void *opaque, const void *key, size_t key_bytes, void *value)
{
    gathering_t *gathering = opaque;
    record_t record;
    rc_held_t *held = rc_map_get(gathering->by_key, key, key_bytes);
    gathering->code =
        decode(gathering->reading, RC_RECORD_SNAPSHOT, value, gathering->arena, &record, gathering->error);
    if (gathering->code == RC_OK)
        held->snapshot = rc_arena_memdup(gathering->arena, &record.snapshot, sizeof record.snapshot);
    return gathering->code == RC_OK;
}

static bool note_partition(void *opaque, const void *key, size_t key_bytes, void *value)
{
    const newest_t *newest = opaque;
    (void)value;
    newest->wanted[rc_kafka_partition(key, key_bytes, newest->partitions)] = true;
    return true;
}

/* The snapshots of those who are held; of a few people few partitions are read. */
static rc_code_t read_snapshots(rc_reading_t *reading, newest_t *newest, rc_arena_t *arena, rc_error_t *error)
{
    const int32_t partitions = reading->config->kafka.partitions;
    const char *topic = rc_topic_name(reading->config, RC_TOPIC_SNAPSHOT, reading->names);
    rc_kafka_span_t *spans = rc_arena_alloc(arena, (size_t)partitions * sizeof *spans);
    size_t count = 0;
    newest->partitions = partitions;
    newest->wanted = rc_arena_alloc(arena, (size_t)partitions * sizeof *newest->wanted);
    rc_map_each(newest->keys, note_partition, newest);
    for (int32_t i = 0; i < partitions; i++)
        if (newest->wanted[i]) spans[count++] = (rc_kafka_span_t){.topic = topic, .partition = i};
    return read_spans(reading, spans, count, newest, error);
}

static int by_employee(const void *a, const void *b)
{
    return strcmp(((const rc_held_t *)a)->pending.employee_id, ((const rc_held_t *)b)->pending.employee_id);
}

rc_code_t rc_reading_held(rc_reading_t *reading, const char *integration_id, const char *hold_id, rc_arena_t *arena,
                          rc_held_t **held, size_t *count, rc_error_t *error)
{
    newest_t pending = {reading, RC_RECORD_PENDING, .integration_id = integration_id, .contains = hold_id},
             snapshots = {reading, RC_RECORD_SNAPSHOT, .integration_id = NULL};
    gathering_t gathering = {.reading = reading, .hold_id = hold_id, .arena = arena, .error = error};
    gathering.by_key = rc_map_new(NULL);
    rc_code_t code = read_newest(reading, RC_TOPIC_PENDING, &pending, error);
    if (code == RC_OK) {
        gathering.held = rc_arena_alloc(arena, rc_map_count(pending.rows) * sizeof *gathering.held);
        rc_map_each(pending.rows, gather_pending, &gathering);
        code = gathering.code;
    }
    if (code == RC_OK && gathering.count > 0) {
        snapshots.keys = gathering.by_key;
        code = read_snapshots(reading, &snapshots, arena, error);
        if (code == RC_OK) {
            rc_map_each(snapshots.rows, gather_snapshot, &gathering);
            code = gathering.code;
        }
        qsort(gathering.held, gathering.count, sizeof *gathering.held, by_employee);
    }
    rc_map_free(pending.rows);
    rc_map_free(snapshots.rows);
    rc_map_free(gathering.by_key);
    *held = gathering.held;
    *count = gathering.count;
    return code;
}
