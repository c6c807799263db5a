#include "producer/poll/views.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/kafka_reader.h"
#include "common/log.h"
#include "common/topics.h"

struct rc_views {
    const rc_kafka_t *kafka;
    rc_codec_t *codec;
    rc_registry_t *registry; /* NULL: none */
    rc_metrics_t *metrics;   /* NULL: none */
    pthread_mutex_t asking;  /* one thread at a time asks it */
    int32_t partitions;
    rc_arena_t *names;
    const char *topics[RC_VIEW_COUNT];
    rc_kafka_admin_t *admin;
    rc_store_t *store;
    rc_table_t *snapshot;
    rc_table_t *state;
    rc_table_t *pending;
    rc_tail_t *tail; /* NULL: a picture */
    /* the tail's thread only */
    rc_arena_t *tail_arena;
    rc_mono_t asked_at;    /* for a schema */
    bool has_schemas;      /* all of the topic, then */
    bool registry_answers; /* did then */
    atomic_uint_fast64_t life;
    atomic_uint_fast64_t losses; /* counted before the life that it begins */
};

enum { ASK_TIMEOUT_MS = 10000, FOLLOW_TIMEOUT_MS = 60000, RETRY_MS = 200, ASK_AGAIN_MS = 1000 };

static int topic_index(const rc_views_t *views, const char *topic)
{
    for (int i = 0; i < RC_VIEW_COUNT; i++)
        if (strcmp(views->topics[i], topic) == 0) return i;
    return -1;
}

/* Into an rc_snapshot_t, rc_pending_t or rc_sync_state_t. */
static rc_code_t decode_known(const rc_views_t *views, int topic, const void *value, size_t value_bytes,
                              rc_arena_t *arena, void *record, rc_framing_t *missing, rc_error_t *error)
{
    if (topic == RC_VIEW_SNAPSHOT)
        return rc_codec_decode_snapshot(views->codec, value, value_bytes, arena, record, missing, error);
    if (topic == RC_VIEW_PENDING)
        return rc_codec_decode_pending(views->codec, value, value_bytes, arena, record, missing, error);
    return rc_codec_decode_state(views->codec, value, value_bytes, arena, record, missing, error);
}

static void pass_over(const rc_views_t *views, const rc_kafka_message_t *message, const rc_error_t *why)
{
    rc_log(RC_LEVEL_WARN, "a record was passed over", RC_LOG_STR(TOPIC, message->topic),
           RC_LOG_INT(PARTITION, message->partition), RC_LOG_INT(OFFSET, message->offset), RC_LOG_ERR(why));
    if (views->metrics) rc_metrics_count(views->metrics, RC_METRIC_UNREADABLE, message->topic, "bytes", NULL);
}

static void schemas_hook(void *opaque, const rc_kafka_message_t *message)
{
    rc_views_t *views = opaque;
    rc_error_t error = RC_ERROR_INIT;
    if (rc_schema_store_add_record(rc_codec_store(views->codec), message->key, message->key_bytes, message->value,
                                   message->value_bytes, &error) != RC_OK)
        pass_over(views, message, &error);
}

static bool take_schema(void *opaque, const rc_kafka_message_t *message)
{
    const rc_views_t *views = opaque;
    (void)rc_schema_store_add_record(rc_codec_store(views->codec), message->key, message->key_bytes, message->value,
                                     message->value_bytes, NULL);
    return true;
}

/* Whether nobody told, and nobody will, by which schema a record was written. Every program tells its schemas before
 * its first record: one that is not in the topic of schemas by now, or that the registry does not know, is of no
 * program. Where that cannot be found out the record may yet turn out to be one. */
static bool is_of_no_program(rc_views_t *views, const rc_framing_t *missing)
{
    rc_error_t error = RC_ERROR_INIT;
    rc_schema_store_t *store = rc_codec_store(views->codec);
    rc_mono_t now = rc_mono_now();
    bool asked_lately = views->asked_at.ms && now.ms - views->asked_at.ms < ASK_AGAIN_MS;
    if (missing->wire == RC_WIRE_CONFLUENT && !views->registry) return true;
    if (asked_lately && (missing->wire == RC_WIRE_SINGLE_OBJECT || !views->registry_answers))
        return missing->wire == RC_WIRE_SINGLE_OBJECT && views->has_schemas;
    views->asked_at = now;
    if (missing->wire == RC_WIRE_CONFLUENT) {
        pthread_mutex_lock(&views->asking);
        rc_code_t code = rc_registry_fetch(views->registry, missing->registry_id, store, NULL, &error);
        pthread_mutex_unlock(&views->asking);
        views->registry_answers = code == RC_OK || error.disposition == RC_REJECT;
        return code != RC_OK && error.disposition == RC_REJECT;
    }
    const rc_kafka_span_t all = {.topic = views->topics[RC_VIEW_SCHEMAS], .partition = -1};
    views->has_schemas =
        rc_kafka_read_all(views->kafka, &all, 1, ASK_TIMEOUT_MS, take_schema, views, NULL, &error) == RC_OK;
    return views->has_schemas && !rc_schema_store_find_framing(store, missing);
}

/* Whether a record may stand in its table. */
static bool is_readable(void *opaque, const rc_kafka_message_t *message)
{
    rc_views_t *views = opaque;
    rc_error_t error = RC_ERROR_INIT;
    rc_framing_t missing;
    rc_arena_t *arena = views->tail_arena;
    int topic = topic_index(views, message->topic);
    rc_code_t code = RC_OK;
    union {
        rc_snapshot_t snapshot;
        rc_pending_t pending;
        rc_sync_state_t state;
    } record;
    rc_arena_reset(arena);
    if (rc_kafka_partition(message->key, message->key_bytes, views->partitions) != message->partition)
        code = rc_error_set(&error, RC_MALFORMED, RC_REJECT, "its key belongs to another partition");
    else if (message->value)
        code = decode_known(views, topic, message->value, message->value_bytes, arena, &record, &missing, &error);
    if (code == RC_UNKNOWN_SCHEMA && is_of_no_program(views, &missing))
        code = RC_MALFORMED;
    else if (code == RC_UNKNOWN_SCHEMA)
        code = decode_known(views, topic, message->value, message->value_bytes, arena, &record, &missing, &error);
    if (code != RC_MALFORMED) return true;
    pass_over(views, message, &error);
    return false;
}

static void restarted_hook(void *opaque, int32_t partition, bool lost)
{
    (void)partition;
    rc_views_t *views = opaque;
    if (lost) atomic_fetch_add(&views->losses, 1);
    atomic_fetch_add(&views->life, 1);
}

uint64_t rc_views_life(const rc_views_t *views)
{
    return atomic_load(&views->life);
}

uint64_t rc_views_losses(const rc_views_t *views)
{
    return atomic_load(&views->losses);
}

uint64_t rc_views_edition(const rc_views_t *views)
{
    return rc_table_edition(views->snapshot);
}

static rc_code_t open_store(rc_views_t *views, const char *directory, rc_error_t *error)
{
    rc_code_t code = rc_store_open(directory, &views->store, error);
    if (code == RC_OK) code = rc_table_open(views->store, "snapshot", &views->snapshot, error);
    if (code == RC_OK) code = rc_table_open(views->store, "state", &views->state, error);
    if (code == RC_OK) code = rc_table_open(views->store, "pending", &views->pending, error);
    return code;
}

static rc_code_t start_tail(rc_views_t *views, rc_error_t *error)
{
    const rc_tail_topic_t topics[RC_VIEW_COUNT] = {
        [RC_VIEW_SNAPSHOT] = {.topic = views->topics[RC_VIEW_SNAPSHOT],
                              .table = views->snapshot,
                              .wants = is_readable,
                              .restarted = restarted_hook,
                              .opaque = views},
        [RC_VIEW_STATE] = {.topic = views->topics[RC_VIEW_STATE],
                           .table = views->state,
                           .wants = is_readable,
                           .restarted = restarted_hook,
                           .opaque = views},
        [RC_VIEW_PENDING] = {.topic = views->topics[RC_VIEW_PENDING],
                             .table = views->pending,
                             .wants = is_readable,
                             .restarted = restarted_hook,
                             .opaque = views},
        [RC_VIEW_SCHEMAS] = {.topic = views->topics[RC_VIEW_SCHEMAS], .hook = schemas_hook, .opaque = views},
    };
    return rc_tail_new(views->kafka, views->admin, views->store, topics, RC_VIEW_COUNT, &views->tail, error);
}

static rc_views_t *new_views(const rc_kafka_t *kafka, const rc_enrolment_t *enrolment, rc_metrics_t *metrics)
{
    const rc_config_t *config = rc_kafka_config(kafka);
    rc_views_t *views = rc_zalloc(sizeof *views);
    *views = (rc_views_t){.kafka = kafka,
                          .codec = enrolment->codec,
                          .registry = enrolment->registry,
                          .metrics = metrics,
                          .tail_arena = rc_arena_new(),
                          .partitions = config->kafka.partitions,
                          .names = rc_arena_new_sized(1024)};
    RC_INVARIANT(pthread_mutex_init(&views->asking, NULL) == 0);
    views->topics[RC_VIEW_SNAPSHOT] = rc_topic_name(config, RC_TOPIC_SNAPSHOT, views->names);
    views->topics[RC_VIEW_STATE] = rc_topic_name(config, RC_TOPIC_STATE, views->names);
    views->topics[RC_VIEW_PENDING] = rc_topic_name(config, RC_TOPIC_PENDING, views->names);
    views->topics[RC_VIEW_SCHEMAS] = rc_topic_name(config, RC_TOPIC_SCHEMAS, views->names);
    return views;
}

rc_code_t rc_views_new(const rc_kafka_t *kafka, const rc_enrolment_t *enrolment, rc_metrics_t *metrics,
                       rc_views_t **result, rc_error_t *error)
{
    const rc_config_t *config = rc_kafka_config(kafka);
    rc_views_t *views = new_views(kafka, enrolment, metrics);
    char *directory = rc_store_directory(config->state_dir, config->instance, "rollcall-producer");
    rc_code_t code = open_store(views, directory, error);
    if (code == RC_OK) code = rc_kafka_admin_open(kafka, &views->admin, error);
    if (code == RC_OK) code = start_tail(views, error);
    free(directory);
    if (code != RC_OK) {
        rc_views_free(views);
        return code;
    }
    *result = views;
    return RC_OK;
}

rc_code_t rc_views_picture(const rc_kafka_t *kafka, const rc_enrolment_t *enrolment, const char *directory, bool topics,
                           const atomic_bool *cancelled, rc_views_t **result, rc_error_t *error)
{
    rc_views_t *views = new_views(kafka, enrolment, NULL);
    rc_code_t code = open_store(views, directory, error);
    if (code == RC_OK) code = rc_kafka_admin_open(kafka, &views->admin, error);
    if (code == RC_OK && topics) code = start_tail(views, error);
    if (code == RC_OK && topics) code = rc_views_catch_up(views, cancelled, error);
    if (code != RC_OK) {
        rc_views_free(views);
        return code;
    }
    rc_tail_free(views->tail);
    views->tail = NULL;
    *result = views;
    return RC_OK;
}

void rc_views_free(rc_views_t *views)
{
    if (!views) return;
    rc_tail_free(views->tail);
    rc_kafka_admin_close(views->admin);
    rc_store_close(views->store);
    rc_arena_free(views->tail_arena);
    rc_arena_free(views->names);
    pthread_mutex_destroy(&views->asking);
    free(views);
}

/* --- being up to date --- */

rc_code_t rc_views_catch_up(rc_views_t *views, const atomic_bool *cancelled, rc_error_t *error)
{
    size_t count = (size_t)views->partitions * RC_VIEW_COUNT;
    rc_kafka_offset_t *ends = rc_calloc(count, sizeof *ends);
    rc_tail_target_t *targets = rc_calloc(count, sizeof *targets);
    for (size_t i = 0; i < count; i++)
        ends[i] = (rc_kafka_offset_t){views->topics[i % RC_VIEW_COUNT], (int32_t)(i / RC_VIEW_COUNT), 0};
    rc_code_t code = rc_kafka_admin_ends(views->admin, ends, count, ASK_TIMEOUT_MS, error);
    for (size_t i = 0; i < count; i++)
        targets[i] = (rc_tail_target_t){i % RC_VIEW_COUNT, ends[i].partition, ends[i].offset};
    if (code == RC_OK) code = rc_tail_wait(views->tail, targets, count, -1, cancelled, error);
    free(ends);
    free(targets);
    return code;
}

rc_code_t rc_views_follow(rc_views_t *views, const rc_kafka_offset_t *published, size_t published_count,
                          const atomic_bool *cancelled, rc_error_t *error)
{
    rc_tail_target_t *targets = rc_calloc(published_count, sizeof *targets);
    size_t count = 0;
    for (size_t i = 0; i < published_count; i++) {
        int topic = topic_index(views, published[i].topic);
        if (topic >= 0)
            targets[count++] = (rc_tail_target_t){(size_t)topic, published[i].partition, published[i].offset + 1};
    }
    rc_code_t code = rc_tail_wait(views->tail, targets, count, FOLLOW_TIMEOUT_MS, cancelled, error);
    free(targets);
    return code;
}

bool rc_views_are_ready(rc_views_t *views, char *why, size_t why_bytes)
{
    rc_tail_progress_t progress;
    rc_tail_progress(views->tail, &progress);
    if (progress.ready) return true;
    (void)snprintf(why, why_bytes, "local views: %zu of %zu partitions are behind%s%s", progress.behind,
                   progress.partitions, progress.error.code ? ": " : "",
                   progress.error.code ? progress.error.message : "");
    return false;
}

/* --- rows --- */

static rc_code_t get_row(rc_table_t *table, const char *integration_id, const char *employee_id, rc_arena_t *arena,
                         rc_row_t *row, rc_error_t *error)
{
    const char *key = employee_id ? rc_employee_key(arena, integration_id, employee_id) : integration_id;
    return rc_table_get(table, key, strlen(key), arena, row, error);
}

/* A row that an earlier release wrote bears the registry's id of its schema: asked for once. */
static rc_code_t decode(rc_views_t *views, rc_view_t topic, const rc_row_t *row, rc_arena_t *arena, void *record,
                        rc_error_t *error)
{
    rc_framing_t missing;
    rc_code_t code = decode_known(views, topic, row->value, row->value_bytes, arena, record, &missing, error);
    if (code != RC_UNKNOWN_SCHEMA || missing.wire != RC_WIRE_CONFLUENT || !views->registry) return code;
    pthread_mutex_lock(&views->asking);
    if (!rc_schema_store_find_id(rc_codec_store(views->codec), missing.registry_id))
        code = rc_registry_fetch(views->registry, missing.registry_id, rc_codec_store(views->codec), NULL, error);
    else
        code = RC_OK; /* another thread did */
    pthread_mutex_unlock(&views->asking);
    if (code != RC_OK) return code;
    return decode_known(views, topic, row->value, row->value_bytes, arena, record, &missing, error);
}

/* *found is false when there is no row, or one that can never be read. */
static rc_code_t decode_if_any(rc_views_t *views, rc_view_t topic, const rc_row_t *row, rc_arena_t *arena, void *record,
                               bool *found, rc_error_t *error)
{
    rc_error_t why = RC_ERROR_INIT;
    *found = row->value && decode(views, topic, row, arena, record, &why) == RC_OK;
    if (why.code == RC_OK || why.code == RC_MALFORMED) return RC_OK;
    if (error) *error = why;
    return why.code;
}

rc_code_t rc_views_snapshot(rc_views_t *views, const char *integration_id, const char *employee_id, rc_arena_t *arena,
                            rc_snapshot_t *snapshot, bool *found, rc_error_t *error)
{
    rc_row_t row;
    rc_code_t code = get_row(views->snapshot, integration_id, employee_id, arena, &row, error);
    return code == RC_OK ? decode_if_any(views, RC_VIEW_SNAPSHOT, &row, arena, snapshot, found, error) : code;
}

rc_code_t rc_views_pending(rc_views_t *views, const char *integration_id, const char *employee_id, rc_arena_t *arena,
                           rc_pending_t *pending, bool *found, rc_error_t *error)
{
    rc_row_t row;
    rc_code_t code = get_row(views->pending, integration_id, employee_id, arena, &row, error);
    return code == RC_OK ? decode_if_any(views, RC_VIEW_PENDING, &row, arena, pending, found, error) : code;
}

rc_code_t rc_views_state(rc_views_t *views, const char *integration_id, rc_arena_t *arena, rc_sync_state_t *state,
                         bool *found, rc_error_t *error)
{
    rc_row_t row;
    rc_code_t code = get_row(views->state, integration_id, NULL, arena, &row, error);
    return code == RC_OK ? decode_if_any(views, RC_VIEW_STATE, &row, arena, state, found, error) : code;
}

rc_code_t rc_views_person(rc_views_t *views, const char *integration_id, const char *employee_id, rc_arena_t *arena,
                          rc_person_t *person, rc_error_t *error)
{
    rc_row_t snapshot, pending;
    bool is_published, is_pending;
    rc_code_t code = get_row(views->snapshot, integration_id, employee_id, arena, &snapshot, error);
    if (code == RC_OK) code = get_row(views->pending, integration_id, employee_id, arena, &pending, error);
    if (code == RC_OK)
        code = decode_if_any(views, RC_VIEW_SNAPSHOT, &snapshot, arena, &person->snapshot_row, &is_published, error);
    if (code == RC_OK)
        code = decode_if_any(views, RC_VIEW_PENDING, &pending, arena, &person->pending_row, &is_pending, error);
    if (code != RC_OK) return code;
    person->snapshot = is_published ? &person->snapshot_row : NULL;
    person->pending = is_pending ? &person->pending_row : NULL;
    person->snapshot_ordinal = snapshot.value ? snapshot.ordinal : UINT32_MAX;
    person->pending_ordinal = pending.value ? pending.ordinal : UINT32_MAX;
    return RC_OK;
}

/* --- scans --- */

typedef struct {
    rc_views_t *views;
    rc_arena_t *arena;
    bool (*pass)(void *opaque, const char *employee_id, size_t id_bytes, uint32_t ordinal);
    bool (*snapshot)(void *opaque, const rc_snapshot_t *snapshot, uint32_t ordinal);
    bool (*pending)(void *opaque, const rc_pending_t *pending, uint32_t ordinal);
    rc_roll_t *roll;
    void *opaque;
    size_t prefix_bytes; /* of the key, before the employee id */
    rc_code_t code;
    rc_error_t *error;
} scan_t;

static const char *id_in(const scan_t *scan, const rc_row_t *row, size_t *id_bytes)
{
    *id_bytes = row->key_bytes - scan->prefix_bytes;
    return row->key + scan->prefix_bytes;
}

static bool visit_snapshot(void *opaque, const rc_row_t *row)
{
    scan_t *scan = opaque;
    rc_snapshot_t snapshot;
    bool is_there;
    size_t id_bytes;
    const char *id = id_in(scan, row, &id_bytes);
    if (scan->pass && scan->pass(scan->opaque, id, id_bytes, row->ordinal)) return true;
    rc_arena_reset(scan->arena);
    scan->code = decode_if_any(scan->views, RC_VIEW_SNAPSHOT, row, scan->arena, &snapshot, &is_there, scan->error);
    return scan->code == RC_OK && (!is_there || scan->snapshot(scan->opaque, &snapshot, row->ordinal));
}

static bool visit_pending(void *opaque, const rc_row_t *row)
{
    scan_t *scan = opaque;
    rc_pending_t pending;
    bool is_there;
    rc_arena_reset(scan->arena);
    scan->code = decode_if_any(scan->views, RC_VIEW_PENDING, row, scan->arena, &pending, &is_there, scan->error);
    return scan->code == RC_OK && (!is_there || scan->pending(scan->opaque, &pending, row->ordinal));
}

static rc_code_t scan_rows(scan_t *scan, rc_table_t *table, const char *integration_id,
                           bool (*visit)(void *opaque, const rc_row_t *row))
{
    scan->arena = rc_arena_new();
    char *prefix = rc_sprintf("%s/", integration_id);
    scan->prefix_bytes = strlen(prefix);
    rc_code_t code = rc_table_scan(table, prefix, scan->prefix_bytes, visit, scan, scan->error);
    free(prefix);
    rc_arena_free(scan->arena);
    return code == RC_OK ? scan->code : code;
}

rc_code_t rc_views_each_snapshot(rc_views_t *views, const char *integration_id,
                                 bool (*pass)(void *opaque, const char *employee_id, size_t id_bytes, uint32_t ordinal),
                                 bool (*visit)(void *opaque, const rc_snapshot_t *snapshot, uint32_t ordinal),
                                 void *opaque, rc_error_t *error)
{
    scan_t scan = {.views = views, .pass = pass, .snapshot = visit, .opaque = opaque, .error = error};
    return scan_rows(&scan, views->snapshot, integration_id, visit_snapshot);
}

rc_code_t rc_views_each_pending(rc_views_t *views, const char *integration_id,
                                bool (*visit)(void *opaque, const rc_pending_t *pending, uint32_t ordinal),
                                void *opaque, rc_error_t *error)
{
    scan_t scan = {.views = views, .pending = visit, .opaque = opaque, .error = error};
    return scan_rows(&scan, views->pending, integration_id, visit_pending);
}

static bool count_row(void *opaque, const rc_row_t *row)
{
    (void)row;
    ++*(int64_t *)opaque;
    return true;
}

rc_code_t rc_views_published(rc_views_t *views, const char *integration_id, int64_t *count, rc_error_t *error)
{
    *count = 0;
    char *prefix = rc_sprintf("%s/", integration_id);
    rc_code_t code = rc_table_scan(views->snapshot, prefix, strlen(prefix), count_row, count, error);
    free(prefix);
    return code;
}

static bool call_published(void *opaque, const rc_row_t *row)
{
    scan_t *scan = opaque;
    rc_snapshot_t snapshot;
    bool is_there;
    size_t id_bytes;
    const char *id = id_in(scan, row, &id_bytes);
    if (rc_roll_add(scan->roll, id, id_bytes, row->offset)) return true;
    rc_arena_reset(scan->arena);
    scan->code = decode_if_any(scan->views, RC_VIEW_SNAPSHOT, row, scan->arena, &snapshot, &is_there, scan->error);
    if (scan->code == RC_OK && is_there) rc_roll_learn(scan->roll, id, id_bytes, row->offset, rc_digest_of(&snapshot));
    return scan->code == RC_OK;
}

static bool call_pending(void *opaque, const rc_row_t *row)
{
    scan_t *scan = opaque;
    size_t id_bytes;
    const char *id = id_in(scan, row, &id_bytes);
    rc_roll_add_pending(scan->roll, id, id_bytes);
    return true;
}

rc_code_t rc_views_call_roll(rc_views_t *views, const char *integration_id, rc_roll_t *roll, rc_error_t *error)
{
    scan_t scan = {.views = views, .roll = roll, .error = error};
    rc_roll_begin(roll, rc_views_life(views));
    rc_code_t code = scan_rows(&scan, views->snapshot, integration_id, call_published);
    return code == RC_OK ? scan_rows(&scan, views->pending, integration_id, call_pending) : code;
}

rc_code_t rc_views_ordinals(rc_views_t *views, uint32_t *snapshots, uint32_t *pending, rc_error_t *error)
{
    uint64_t rows;
    rc_code_t code = rc_table_count(views->snapshot, &rows, snapshots, error);
    return code == RC_OK ? rc_table_count(views->pending, &rows, pending, error) : code;
}
