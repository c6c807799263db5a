#include "consumer/commands/backlog_state.h"

#include <stdlib.h>
#include <string.h>

#include "common/kafka_admin.h"

enum { WAVE_RECORDS = 200 * 1000 }; /* about 150 MB with all that belongs to them */

/* ---- What is committed ---- */

/* Of one lane: its event topic (topic 0) and all retry topics. */
static rc_code_t ask_committed(rc_backlog_t *backlog, rc_event_type_t lane, rc_error_t *error)
{
    rc_arena_t *scratch = rc_arena_new();
    size_t count = backlog->topics * (size_t)backlog->partitions, at = 0;
    rc_kafka_offset_t *offsets = rc_arena_alloc(scratch, count * sizeof *offsets);
    for (size_t topic = 0; topic < backlog->topics; topic++) {
        const char *name = topic == 0 ? rc_topic_name(backlog->config, rc_topic_of_event(lane), scratch)
                                      : rc_topic_retry_name(backlog->config, topic - 1, scratch);
        for (int32_t i = 0; i < backlog->partitions; i++) offsets[at++] = (rc_kafka_offset_t){name, i, RC_OFFSET_NONE};
    }
    const char *group = rc_arena_sprintf(scratch, "%s.%s", backlog->config->consumer.application,
                                         rc_enum_str(&RC_ENUM_EVENT, (int)lane));
    rc_code_t code = rc_kafka_admin_committed(backlog->admin, group, offsets, count, backlog->timeout_ms, error);
    for (size_t i = 0; code == RC_OK && i < count; i++) {
        int64_t *place =
            rc_backlog_committed(backlog, (int)lane, i / (size_t)backlog->partitions, offsets[i].partition);
        *place = offsets[i].offset >= 0 ? offsets[i].offset : 0; /* nothing committed: all of it */
    }
    rc_arena_free(scratch);
    return code;
}

/* Records of a topic between a place and its end, added to each partition's weight. */
static rc_code_t weigh(rc_backlog_t *backlog, rc_topic_kind_t kind, int lane, rc_error_t *error)
{
    rc_arena_t *scratch = rc_arena_new();
    size_t count = (size_t)backlog->partitions;
    rc_kafka_offset_t *ends = rc_arena_alloc(scratch, count * sizeof *ends);
    rc_kafka_offset_t *begins = rc_arena_alloc(scratch, count * sizeof *begins);
    const char *name = rc_topic_name(backlog->config, kind, scratch);
    for (size_t i = 0; i < count; i++) ends[i] = begins[i] = (rc_kafka_offset_t){name, (int32_t)i, 0};
    rc_code_t code = rc_kafka_admin_ends(backlog->admin, ends, count, backlog->timeout_ms, error);
    if (code == RC_OK) code = rc_kafka_admin_beginnings(backlog->admin, begins, count, backlog->timeout_ms, error);
    for (size_t i = 0; code == RC_OK && i < count; i++) {
        int64_t begin = begins[i].offset;
        if (lane >= 0 && *rc_backlog_committed(backlog, lane, 0, (int32_t)i) > begin)
            begin = *rc_backlog_committed(backlog, lane, 0, (int32_t)i);
        if (ends[i].offset > begin) backlog->weights[i] += ends[i].offset - begin;
    }
    rc_arena_free(scratch);
    return code;
}

rc_code_t rc_backlog_rewind(rc_backlog_t *backlog, rc_error_t *error)
{
    rc_code_t code = RC_OK;
    backlog->next = 0;
    backlog->waiting = backlog->unreadable = 0;
    memset(backlog->weights, 0, (size_t)backlog->partitions * sizeof *backlog->weights);
    for (int lane = 0; code == RC_OK && lane < RC_EVENT_COUNT; lane++) {
        code = ask_committed(backlog, (rc_event_type_t)lane, error);
        if (code == RC_OK) code = weigh(backlog, rc_topic_of_event((rc_event_type_t)lane), lane, error);
    }
    return code == RC_OK ? weigh(backlog, RC_TOPIC_SNAPSHOT, -1, error) : code;
}

rc_code_t rc_backlog_new(rc_history_t *history, const rc_config_t *config, const char *integration_id,
                         int64_t timeout_ms, const atomic_bool *cancelled, rc_backlog_t **out, rc_error_t *error)
{
    rc_backlog_t *backlog = rc_zalloc(sizeof *backlog);
    *backlog = (rc_backlog_t){.history = history,
                              .config = config,
                              .integration_id = integration_id,
                              .timeout_ms = timeout_ms,
                              .cancelled = cancelled,
                              .arena = rc_arena_new(),
                              .wave = rc_arena_new(),
                              .by_id = rc_map_new(NULL),
                              .partitions = config->kafka.partitions,
                              .topics = 1 + config->consumer.retry_delays_count};
    size_t partitions = (size_t)backlog->partitions;
    backlog->committed = rc_calloc(RC_EVENT_COUNT * backlog->topics * partitions, sizeof *backlog->committed);
    backlog->weights = rc_calloc(partitions, sizeof *backlog->weights);
    rc_code_t code = rc_kafka_admin_open(rc_history_kafka(history), &backlog->admin, error);
    if (code == RC_OK) code = rc_backlog_rewind(backlog, error);
    if (code == RC_KAFKA && error->disposition == RC_REJECT)
        (void)rc_error_prefix(error, "the topics cannot be read (are they there? `rollcall-producer topics`)");
    if (code == RC_OK)
        *out = backlog;
    else
        rc_backlog_free(backlog);
    return code;
}

void rc_backlog_free(rc_backlog_t *backlog)
{
    if (backlog == NULL) return;
    rc_kafka_admin_close(backlog->admin);
    rc_map_free(backlog->by_id);
    rc_arena_free(backlog->wave);
    rc_arena_free(backlog->arena);
    free(backlog->people);
    free(backlog->committed);
    free(backlog->weights);
    free(backlog);
}

/* ---- Waves ---- */

static int64_t lowest_committed(const rc_backlog_t *backlog, size_t topic, int32_t partition)
{
    int64_t lowest = INT64_MAX;
    for (int lane = 0; lane < RC_EVENT_COUNT; lane++) {
        int64_t offset = *rc_backlog_committed(backlog, lane, topic, partition);
        if (offset < lowest) lowest = offset;
    }
    return lowest;
}

static bool has_asked_for(const rc_backlog_t *backlog, const bool *asked, int32_t partition)
{
    return backlog->only == NULL || asked[partition];
}

typedef struct {
    const rc_backlog_t *backlog;
    bool *asked; /* by partition */
} marking_t;

static bool mark_partition(void *opaque, const void *key, size_t key_bytes, void *value)
{
    marking_t *marking = opaque;
    char *id = rc_strndup(key, key_bytes);
    (void)value;
    marking->asked[rc_history_partition(marking->backlog->history, marking->backlog->integration_id, id)] = true;
    free(id);
    return true;
}

/* The partitions of the next wave. */
static size_t choose(rc_backlog_t *backlog, const bool *asked, int32_t *chosen)
{
    size_t count = 0;
    int64_t records = 0;
    for (; backlog->next < backlog->partitions; backlog->next++) {
        if (!has_asked_for(backlog, asked, backlog->next)) continue;
        records += backlog->weights[backlog->next];
        if (count > 0 && records > WAVE_RECORDS) break;
        chosen[count++] = backlog->next;
    }
    return count;
}

static rc_code_t read_records(rc_backlog_t *backlog, const int32_t *chosen, size_t count, rc_error_t *error)
{
    rc_backlog_take_t take = {backlog, rc_arena_new()};
    const rc_history_filter_t filter = {.integration_id = backlog->integration_id};
    size_t per_partition = RC_EVENT_COUNT + (backlog->topics - 1) + 1, at = 0;
    rc_history_part_t *parts = rc_calloc(count * per_partition, sizeof *parts);
    for (size_t i = 0; i < count; i++) {
        int32_t partition = chosen[i];
        for (int lane = 0; lane < RC_EVENT_COUNT; lane++)
            parts[at++] = (rc_history_part_t){.kind = rc_topic_of_event((rc_event_type_t)lane),
                                              .partition = partition,
                                              .offset = *rc_backlog_committed(backlog, lane, 0, partition)};
        for (size_t tier = 0; tier + 1 < backlog->topics; tier++)
            parts[at++] = (rc_history_part_t){.kind = RC_TOPIC_RETRY,
                                              .tier = tier,
                                              .partition = partition,
                                              .offset = lowest_committed(backlog, 1 + tier, partition)};
        parts[at++] = (rc_history_part_t){.kind = RC_TOPIC_LEDGER, .partition = partition};
    }
    rc_code_t code = rc_history_read(backlog->history, parts, at, &filter, take.arena, rc_backlog_take, &take,
                                     backlog->cancelled, error);
    free(parts);
    rc_arena_free(take.arena);
    return code;
}

static bool nothing_left(void *opaque, const rc_history_record_t *record)
{
    (void)opaque;
    (void)record;
    return true;
}

static rc_code_t read_snapshots(rc_backlog_t *backlog, const int32_t *chosen, size_t count, rc_error_t *error)
{
    rc_arena_t *scratch = rc_arena_new();
    const rc_history_filter_t filter = {
        .integration_id = backlog->integration_id, .wants = rc_backlog_keep_snapshot, .opaque = backlog};
    rc_history_part_t *parts = rc_arena_alloc(scratch, count * sizeof *parts);
    for (size_t i = 0; i < count; i++)
        parts[i] = (rc_history_part_t){.kind = RC_TOPIC_SNAPSHOT, .partition = chosen[i]};
    rc_code_t code = rc_history_read(backlog->history, parts, count, &filter, scratch, nothing_left, NULL,
                                     backlog->cancelled, error);
    rc_arena_free(scratch);
    return code;
}

static void count_waiting(rc_backlog_t *backlog)
{
    for (size_t i = 0; i < backlog->count; i++) {
        for (const rc_waiting_t *waiting = backlog->people[i]->waiting; waiting != NULL; waiting = waiting->next) {
            if (!waiting->unreadable && rc_backlog_skips(backlog->people[i], waiting) != NULL) continue;
            backlog->waiting++;
            backlog->unreadable += waiting->unreadable;
        }
    }
}

rc_code_t rc_backlog_next_wave(rc_backlog_t *backlog, const rc_map_t *only, bool *more, rc_error_t *error)
{
    size_t partitions = (size_t)backlog->partitions;
    int32_t *chosen = rc_calloc(partitions, sizeof *chosen);
    bool *asked = rc_calloc(partitions, sizeof *asked);
    backlog->only = only;
    backlog->count = 0;
    rc_map_free(backlog->by_id);
    backlog->by_id = rc_map_new(NULL);
    rc_arena_reset(backlog->wave);
    if (only != NULL) rc_map_each(only, mark_partition, &(marking_t){backlog, asked});
    size_t count = choose(backlog, asked, chosen);
    *more = count > 0;
    rc_code_t code = count > 0 ? read_records(backlog, chosen, count, error) : RC_OK;
    if (code == RC_OK && count > 0) code = read_snapshots(backlog, chosen, count, error);
    if (code == RC_OK) count_waiting(backlog);
    free(chosen);
    free(asked);
    return code;
}

const rc_backlog_person_t *rc_backlog_next(const rc_backlog_t *backlog, size_t *cursor)
{
    return *cursor < backlog->count ? backlog->people[(*cursor)++] : NULL;
}

int64_t rc_backlog_waiting(const rc_backlog_t *backlog)
{
    return backlog->waiting;
}

int64_t rc_backlog_unreadable(const rc_backlog_t *backlog)
{
    return backlog->unreadable;
}
