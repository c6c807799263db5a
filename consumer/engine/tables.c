#include "consumer/engine/tables.h"

#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/topics.h"
#include "consumer/engine/barrier.h"

struct rc_tables {
    rc_codec_t *codec;
    rc_loop_t *loop;
    rc_metrics_t *metrics;
    int32_t partitions; /* of every topic */
    rc_tables_paused_fn *paused;
    void *opaque;
    rc_arena_t *names;
    const char *topics[RC_TABLE_COUNT];
    rc_kafka_admin_t *admin;
    rc_store_t *store;
    rc_table_t *snapshot;
    rc_table_t *ledger;
    rc_tail_t *tail;
    rc_barrier_t *barrier;
    rc_arena_t *hook_arena; /* the tail's thread only */
    bool stopped;           /* loop only */
};

/* A pause on its way from the tail's thread to the loop. */
typedef struct {
    rc_tables_t *tables;
    uint32_t paused;
    char integration_id[];
} pause_t;

static void deliver_pause(void *opaque)
{
    pause_t *pause = opaque;
    if (!pause->tables->stopped) pause->tables->paused(pause->tables->opaque, pause->integration_id, pause->paused);
    free(pause);
}

static void count_unread(const rc_tables_t *tables, const rc_kafka_message_t *message)
{
    rc_metrics_count(tables->metrics, RC_METRIC_UNREADABLE, message->topic, "bytes", NULL);
}

static void state_hook(void *opaque, const rc_kafka_message_t *message)
{
    rc_tables_t *tables = opaque;
    rc_error_t error = RC_ERROR_INIT;
    rc_sync_state_t state;
    if (!message->value) return;
    rc_arena_reset(tables->hook_arena);
    if (rc_codec_decode_state(tables->codec, message->value, message->value_bytes, tables->hook_arena, &state, NULL,
                              &error)) {
        rc_log(RC_LEVEL_ERROR, "a state record cannot be read; its pauses are not followed",
               RC_LOG_STR(TOPIC, message->topic), RC_LOG_INT(PARTITION, message->partition),
               RC_LOG_INT(OFFSET, message->offset), RC_LOG_ERR(&error));
        count_unread(tables, message);
        return;
    }
    size_t length = strlen(state.integration_id);
    pause_t *pause = rc_zalloc(sizeof *pause + length + 1);
    pause->tables = tables;
    pause->paused = state.paused;
    memcpy(pause->integration_id, state.integration_id, length);
    rc_loop_post(tables->loop, deliver_pause, pause);
}

static void schemas_hook(void *opaque, const rc_kafka_message_t *message)
{
    rc_tables_t *tables = opaque;
    rc_error_t error = RC_ERROR_INIT;
    if (rc_schema_store_add_record(rc_codec_store(tables->codec), message->key, message->key_bytes, message->value,
                                   message->value_bytes, &error) == RC_OK)
        return;
    rc_log(RC_LEVEL_WARN, "a record of the schemas topic was passed over", RC_LOG_STR(TOPIC, message->topic),
           RC_LOG_INT(PARTITION, message->partition), RC_LOG_INT(OFFSET, message->offset), RC_LOG_ERR(&error));
    count_unread(tables, message);
}

/* A row of another partition's key would stand in the place of the right one. What the value says is looked at when it
 * is needed: one that cannot be read must not count as none. */
static bool is_at_home(void *opaque, const rc_kafka_message_t *message)
{
    const rc_tables_t *tables = opaque;
    size_t begin = 0;
    bool is_ledger = strcmp(message->topic, tables->topics[RC_TABLE_LEDGER]) == 0;
    bool is_key = !is_ledger || rc_ledger_key_split(message->key, message->key_bytes, &begin) >= 0;
    if (is_key && begin < message->key_bytes &&
        rc_kafka_partition((const char *)message->key + begin, message->key_bytes - begin, tables->partitions) ==
            message->partition)
        return true;
    rc_log(RC_LEVEL_WARN, "a record was passed over: its key is not one of this partition",
           RC_LOG_STR(TOPIC, message->topic), RC_LOG_INT(PARTITION, message->partition),
           RC_LOG_INT(OFFSET, message->offset));
    count_unread(tables, message);
    return false;
}

static rc_code_t open_store(rc_tables_t *tables, const rc_config_t *config, rc_error_t *error)
{
    char *directory = rc_store_directory(config->state_dir, config->instance, "rollcall-consumer");
    rc_code_t code = rc_store_open(directory, &tables->store, error);
    if (code == RC_OK) code = rc_table_open(tables->store, "snapshot", &tables->snapshot, error);
    if (code == RC_OK) code = rc_table_open(tables->store, "ledger", &tables->ledger, error);
    free(directory);
    return code;
}

static rc_code_t start_tail(rc_tables_t *tables, const rc_kafka_t *kafka, rc_error_t *error)
{
    const rc_tail_topic_t topics[RC_TABLE_COUNT] = {
        [RC_TABLE_SNAPSHOT] = {.topic = tables->topics[RC_TABLE_SNAPSHOT],
                               .table = tables->snapshot,
                               .chosen = true,
                               .wants = is_at_home,
                               .opaque = tables},
        [RC_TABLE_LEDGER] = {.topic = tables->topics[RC_TABLE_LEDGER],
                             .table = tables->ledger,
                             .chosen = true,
                             .wants = is_at_home,
                             .opaque = tables},
        [RC_TABLE_STATE] = {.topic = tables->topics[RC_TABLE_STATE], .hook = state_hook, .opaque = tables},
        [RC_TABLE_SCHEMAS] = {.topic = tables->topics[RC_TABLE_SCHEMAS], .hook = schemas_hook, .opaque = tables},
    };
    return rc_tail_new(kafka, tables->admin, tables->store, topics, RC_TABLE_COUNT, &tables->tail, error);
}

rc_code_t rc_tables_new(const rc_kafka_t *kafka, rc_codec_t *codec, rc_loop_t *loop, rc_metrics_t *metrics,
                        rc_tables_paused_fn *paused, void *opaque, rc_tables_t **result, rc_error_t *error)
{
    const rc_config_t *config = rc_kafka_config(kafka);
    rc_tables_t *tables = rc_zalloc(sizeof *tables);
    *tables = (rc_tables_t){.codec = codec,
                            .loop = loop,
                            .metrics = metrics,
                            .partitions = config->kafka.partitions,
                            .paused = paused,
                            .opaque = opaque,
                            .names = rc_arena_new_sized(1024),
                            .hook_arena = rc_arena_new()};
    tables->topics[RC_TABLE_SNAPSHOT] = rc_topic_name(config, RC_TOPIC_SNAPSHOT, tables->names);
    tables->topics[RC_TABLE_LEDGER] = rc_topic_name(config, RC_TOPIC_LEDGER, tables->names);
    tables->topics[RC_TABLE_STATE] = rc_topic_name(config, RC_TOPIC_STATE, tables->names);
    tables->topics[RC_TABLE_SCHEMAS] = rc_topic_name(config, RC_TOPIC_SCHEMAS, tables->names);
    rc_code_t code = open_store(tables, config, error);
    if (code == RC_OK) code = rc_kafka_admin_open(kafka, &tables->admin, error);
    if (code == RC_OK) code = start_tail(tables, kafka, error);
    if (code != RC_OK) {
        rc_tables_free(tables);
        return code;
    }
    tables->barrier = rc_barrier_new(loop, tables->admin, tables->tail, tables->topics);
    *result = tables;
    return RC_OK;
}

const char *rc_tables_snapshot_topic(const rc_tables_t *tables)
{
    return tables->topics[RC_TABLE_SNAPSHOT];
}

void rc_tables_stop(rc_tables_t *tables)
{
    if (!tables || tables->stopped) return;
    tables->stopped = true;
    rc_barrier_free(tables->barrier);
    rc_tail_free(tables->tail);
}

void rc_tables_free(rc_tables_t *tables)
{
    if (!tables) return;
    rc_tables_stop(tables);
    rc_kafka_admin_close(tables->admin);
    rc_store_close(tables->store);
    rc_arena_free(tables->hook_arena);
    rc_arena_free(tables->names);
    free(tables);
}

void rc_tables_set_partitions(rc_tables_t *tables, const int32_t *partitions, size_t count)
{
    rc_tail_set_partitions(tables->tail, partitions, count);
}

rc_code_t rc_tables_snapshot(rc_tables_t *tables, const char *key, size_t key_bytes, rc_arena_t *arena,
                             rc_snapshot_t *snapshot, bool *found, rc_framing_t *missing, rc_error_t *error)
{
    rc_row_t row;
    rc_code_t code = rc_table_get(tables->snapshot, key, key_bytes, arena, &row, error);
    if (code != RC_OK) return code;
    *found = row.value != NULL;
    if (!row.value) return RC_OK;
    return rc_codec_decode_snapshot(tables->codec, row.value, row.value_bytes, arena, snapshot, missing, error);
}

bool rc_tables_was_cut_short(const rc_tables_t *tables)
{
    return rc_store_was_left_open(tables->store);
}

bool rc_tables_are_new(const rc_tables_t *tables)
{
    return rc_store_is_new(tables->store);
}

rc_code_t rc_tables_members(rc_tables_t *tables, const char *group_id, int64_t timeout_ms, rc_arena_t *arena,
                            const rc_kafka_member_t **members, size_t *count, rc_error_t *error)
{
    char *cluster;
    rc_code_t code = rc_kafka_admin_cluster_id(tables->admin, timeout_ms, &cluster, error);
    if (code != RC_OK) return code;
    bool is_mock = rc_kafka_is_mock(cluster);
    free(cluster);
    *count = 0;
    return is_mock ? RC_OK : rc_kafka_admin_group(tables->admin, group_id, timeout_ms, arena, members, count, error);
}

void rc_tables_leave_open(rc_tables_t *tables)
{
    rc_store_leave_open(tables->store);
}

uint64_t rc_tables_edition(const rc_tables_t *tables)
{
    return rc_table_edition(tables->snapshot);
}

rc_code_t rc_tables_ledger(rc_tables_t *tables, rc_event_type_t lane, const char *key, size_t key_bytes,
                           rc_arena_t *arena, rc_ledger_entry_t *entry, bool *found, rc_error_t *error)
{
    char *ledger_key = rc_ledger_key(arena, lane, key, key_bytes);
    rc_row_t row;
    rc_code_t code = rc_table_get(tables->ledger, ledger_key, strlen(ledger_key), arena, &row, error);
    if (code != RC_OK) return code;
    *found = row.value != NULL;
    if (!row.value) return RC_OK;
    return rc_codec_decode_ledger(tables->codec, row.value, row.value_bytes, arena, entry, NULL, error);
}

void rc_tables_barrier(rc_tables_t *tables, int32_t partition, rc_tables_passed_fn *passed, void *opaque)
{
    const rc_tail_target_t place = {RC_TABLE_SNAPSHOT, partition, 0};
    rc_barrier_ask(tables->barrier, &place, 1, passed, opaque);
}

void rc_tables_barrier_all(rc_tables_t *tables, const int32_t *partitions, size_t count, rc_tables_passed_fn *passed,
                           void *opaque)
{
    size_t total = 2 * count + (size_t)tables->partitions, at = 0;
    rc_tail_target_t *places = rc_calloc(total, sizeof *places);
    for (size_t i = 0; i < count; i++) {
        places[at++] = (rc_tail_target_t){RC_TABLE_SNAPSHOT, partitions[i], 0};
        places[at++] = (rc_tail_target_t){RC_TABLE_LEDGER, partitions[i], 0};
    }
    for (int32_t i = 0; i < tables->partitions; i++) places[at++] = (rc_tail_target_t){RC_TABLE_STATE, i, 0};
    rc_barrier_ask(tables->barrier, places, total, passed, opaque);
    free(places);
}

void rc_tables_barrier_schemas(rc_tables_t *tables, rc_tables_passed_fn *passed, void *opaque)
{
    rc_tail_target_t *places = rc_calloc((size_t)tables->partitions, sizeof *places);
    for (int32_t i = 0; i < tables->partitions; i++) places[i] = (rc_tail_target_t){RC_TABLE_SCHEMAS, i, 0};
    rc_barrier_ask(tables->barrier, places, (size_t)tables->partitions, passed, opaque);
    free(places);
}

void rc_tables_ledger_passed(rc_tables_t *tables, const rc_kafka_offset_t *offsets, size_t count,
                             rc_tables_passed_fn *passed, void *opaque)
{
    rc_tail_target_t *targets = rc_calloc(count, sizeof *targets);
    for (size_t i = 0; i < count; i++)
        targets[i] = (rc_tail_target_t){RC_TABLE_LEDGER, offsets[i].partition, offsets[i].offset};
    rc_barrier_await(tables->barrier, targets, count, passed, opaque);
    free(targets);
}

rc_code_t rc_tables_ends(rc_tables_t *tables, rc_kafka_offset_t *partitions, size_t count, int64_t timeout_ms,
                         rc_error_t *error)
{
    return rc_kafka_admin_ends(tables->admin, partitions, count, timeout_ms, error);
}

rc_code_t rc_tables_count(rc_tables_t *tables, uint64_t *snapshots, uint64_t *ledger, rc_error_t *error)
{
    uint32_t ordinals;
    rc_code_t code = rc_table_count(tables->snapshot, snapshots, &ordinals, error);
    return code == RC_OK ? rc_table_count(tables->ledger, ledger, &ordinals, error) : code;
}

void rc_tables_progress(rc_tables_t *tables, rc_tail_progress_t *progress)
{
    rc_tail_progress(tables->tail, progress);
}
