/* Gathers what is known of one employee: one partition of each topic, the consumer groups, and Learn Amp. */
#include <stdlib.h>
#include <string.h>

#include "common/kafka_admin.h"
#include "consumer/commands/trace/trace.h"
#include "consumer/commands/trace/trace_ask.h"

enum { ANSWER_MS = 5000, LANES = RC_EVENT_COUNT };

typedef struct {
    rc_trace_record_t *items;
    size_t count;
    size_t capacity;
} list_t;

typedef struct {
    rc_history_t *history;
    rc_arena_t *arena;
    rc_trace_facts_t *facts;
    list_t events, parked;
} gathering_t;

/* --- Kafka --- */

static rc_trace_record_t *grow(list_t *list)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity ? list->capacity * 2 : 16;
        list->items = rc_realloc(list->items, list->capacity * sizeof *list->items);
    }
    return &list->items[list->count++];
}

static rc_kafka_offset_t place_of(const gathering_t *gathering, const rc_kafka_message_t *message)
{
    return (rc_kafka_offset_t){rc_arena_strdup(gathering->arena, message->topic), message->partition, message->offset};
}

static void take_event(gathering_t *gathering, const rc_history_record_t *record)
{
    *grow(&gathering->events) = (rc_trace_record_t){
        .at = place_of(gathering, &record->message),
        .written_at = {record->message.timestamp_ms},
        .lane = (int)record->kind,
        .event = record->event,
        .fault = record->tombstone             ? "it has no value"
                 : record->fault.code != RC_OK ? rc_arena_strdup(gathering->arena, record->fault.message)
                                               : NULL,
        .parking = RC_PARKING_INIT,
    };
}

static void take_parked(gathering_t *gathering, const rc_history_record_t *record)
{
    char tier[RC_TIME_STR_SIZE];
    const rc_config_t *config = rc_kafka_config(rc_history_kafka(gathering->history));
    take_event(gathering, record);
    rc_trace_record_t *parked = grow(&gathering->parked);
    *parked = gathering->events.items[--gathering->events.count];
    parked->lane = record->lane >= 0 ? record->lane : (int)RC_EVENT_CREATED;
    parked->parking = record->parking;
    parked->tier =
        rc_arena_strdup(gathering->arena, rc_duration_str(config->consumer.retry_delays_ms[record->tier], tier));
}

static const char *unreadable(gathering_t *gathering, const char *what, const rc_history_record_t *record)
{
    return rc_arena_sprintf(gathering->arena, "their %s cannot be read: %s", what, record->fault.message);
}

static bool take(void *opaque, const rc_history_record_t *record)
{
    gathering_t *gathering = opaque;
    rc_trace_facts_t *facts = gathering->facts;
    bool is_there = !record->tombstone && record->fault.code == RC_OK;
    switch (record->kind) {
    case RC_TOPIC_SNAPSHOT:
        facts->has_snapshot = is_there;
        if (is_there) facts->snapshot = record->snapshot;
        if (record->fault.code != RC_OK) facts->unreadable = unreadable(gathering, "snapshot", record);
        break;
    case RC_TOPIC_PENDING:
        facts->has_pending = is_there;
        facts->pending_at = place_of(gathering, &record->message);
        if (is_there) facts->pending = record->pending;
        if (record->fault.code != RC_OK) facts->unreadable = unreadable(gathering, "pending change", record);
        break;
    case RC_TOPIC_LEDGER:
        if (record->lane < 0) break;
        facts->has_ledger[record->lane] = is_there;
        facts->ledger_at[record->lane] = place_of(gathering, &record->message);
        if (is_there) facts->ledger[record->lane] = record->ledger;
        break;
    case RC_TOPIC_STATE:
        facts->has_state = is_there;
        if (is_there) facts->state = record->state;
        break;
    case RC_TOPIC_RETRY:
        take_parked(gathering, record);
        break;
    default:
        take_event(gathering, record);
    }
    return true;
}

static int by_version(const void *a, const void *b)
{
    const rc_trace_record_t *one = a, *other = b;
    int64_t left = one->fault ? one->written_at.ms : one->event.version;
    int64_t right = other->fault ? other->written_at.ms : other->event.version;
    if (left != right) return left < right ? -1 : 1;
    return one->lane - other->lane;
}

static int by_parking(const void *a, const void *b)
{
    const rc_trace_record_t *one = a, *other = b;
    if (one->written_at.ms != other->written_at.ms) return one->written_at.ms < other->written_at.ms ? -1 : 1;
    return (one->at.offset > other->at.offset) - (one->at.offset < other->at.offset);
}

static rc_trace_records_t keep(rc_arena_t *arena, const list_t *list, int (*order)(const void *, const void *))
{
    rc_trace_record_t *items = rc_arena_alloc(arena, list->count * sizeof *items);
    if (list->count > 0) memcpy(items, list->items, list->count * sizeof *items);
    qsort(items, list->count, sizeof *items, order);
    return (rc_trace_records_t){items, list->count};
}

static rc_code_t read_topics(gathering_t *gathering, const atomic_bool *cancelled, rc_error_t *error)
{
    const rc_config_t *config = rc_kafka_config(rc_history_kafka(gathering->history));
    const char *integration_id = gathering->facts->integration->id, *employee_id = gathering->facts->employee_id;
    int32_t partition = rc_history_partition(gathering->history, integration_id, employee_id);
    const rc_history_filter_t filter = {.integration_id = integration_id, .employee_id = employee_id};
    size_t tiers = config->consumer.retry_delays_count, count = 0;
    rc_history_part_t *parts = rc_arena_alloc(gathering->arena, (LANES + 4 + tiers) * sizeof *parts);
    for (int lane = 0; lane < LANES; lane++)
        parts[count++] = (rc_history_part_t){rc_topic_of_event((rc_event_type_t)lane), .partition = partition};
    parts[count++] = (rc_history_part_t){RC_TOPIC_SNAPSHOT, .partition = partition};
    parts[count++] = (rc_history_part_t){RC_TOPIC_PENDING, .partition = partition};
    parts[count++] = (rc_history_part_t){RC_TOPIC_LEDGER, .partition = partition};
    parts[count++] =
        (rc_history_part_t){RC_TOPIC_STATE, .partition = rc_kafka_partition(integration_id, strlen(integration_id),
                                                                            config->kafka.partitions)};
    for (size_t tier = 0; tier < tiers; tier++)
        parts[count++] = (rc_history_part_t){RC_TOPIC_RETRY, .tier = tier, .partition = partition};
    rc_code_t code =
        rc_history_read(gathering->history, parts, count, &filter, gathering->arena, take, gathering, cancelled, error);
    gathering->facts->events = keep(gathering->arena, &gathering->events, by_version);
    gathering->facts->parked = keep(gathering->arena, &gathering->parked, by_parking);
    return code;
}

/* --- consumer groups --- */

static void note_behind(rc_trace_records_t *records, int lane, const rc_kafka_offset_t *committed, size_t count)
{
    for (size_t i = 0; i < records->count; i++) {
        rc_trace_record_t *record = (rc_trace_record_t *)&records->items[i];
        for (size_t k = 0; record->lane == lane && k < count; k++)
            if (strcmp(committed[k].topic, record->at.topic) == 0 && committed[k].partition == record->at.partition)
                record->is_behind = committed[k].offset > record->at.offset;
    }
}

static void ask_lane(gathering_t *gathering, rc_kafka_admin_t *admin, int lane, int32_t partition)
{
    rc_trace_facts_t *facts = gathering->facts;
    rc_arena_t *arena = gathering->arena;
    const rc_config_t *config = rc_kafka_config(rc_history_kafka(gathering->history));
    const char *group_id =
        rc_arena_sprintf(arena, "%s.%s", config->consumer.application, rc_enum_str(&RC_ENUM_EVENT, lane));
    size_t tiers = config->consumer.retry_delays_count, members;
    const rc_kafka_member_t *list;
    rc_kafka_offset_t *places = rc_arena_alloc(arena, (1 + tiers) * sizeof *places);
    places[0] =
        (rc_kafka_offset_t){rc_topic_name(config, rc_topic_of_event((rc_event_type_t)lane), arena), partition, 0};
    for (size_t tier = 0; tier < tiers; tier++)
        places[1 + tier] = (rc_kafka_offset_t){rc_topic_retry_name(config, tier, arena), partition, 0};
    rc_error_t error = RC_ERROR_INIT;
    if (rc_kafka_admin_group(admin, group_id, ANSWER_MS, arena, &list, &members, &error) == RC_OK)
        facts->readers[lane] = members > 0 ? RC_READERS_SOME : RC_READERS_NONE;
    if (rc_kafka_admin_committed(admin, group_id, places, 1 + tiers, ANSWER_MS, &error) != RC_OK) return;
    note_behind(&facts->events, lane, places, 1 + tiers);
    note_behind(&facts->parked, lane, places, 1 + tiers);
}

/* What the groups say is worth having and not needed: the ledger says nearly as much. */
static void ask_groups(gathering_t *gathering)
{
    rc_kafka_admin_t *admin = NULL;
    char *cluster_id = NULL;
    rc_error_t error = RC_ERROR_INIT;
    int32_t partition =
        rc_history_partition(gathering->history, gathering->facts->integration->id, gathering->facts->employee_id);
    if (rc_kafka_admin_open(rc_history_kafka(gathering->history), &admin, &error) == RC_OK &&
        rc_kafka_admin_cluster_id(admin, ANSWER_MS, &cluster_id, &error) == RC_OK && !rc_kafka_is_mock(cluster_id))
        for (int lane = 0; lane < LANES; lane++) ask_lane(gathering, admin, lane, partition);
    free(cluster_id);
    rc_kafka_admin_close(admin);
}

rc_code_t rc_trace_read(rc_history_t *history, const rc_integration_t *integration, const char *employee_id,
                        const atomic_bool *cancelled, rc_arena_t *arena, rc_trace_facts_t *facts, rc_error_t *error)
{
    *facts = (rc_trace_facts_t){.integration = integration, .employee_id = employee_id};
    gathering_t gathering = {.history = history, .arena = arena, .facts = facts};
    rc_dead_filter_t filter = RC_DEAD_FILTER_INIT;
    filter.integration_id = integration->id;
    filter.employee_id = employee_id;
    rc_code_t code = read_topics(&gathering, cancelled, error);
    if (code == RC_OK)
        code = rc_dead_letters_read(history, &filter, cancelled, arena, &facts->letters, &facts->letter_count, error);
    if (code == RC_OK) {
        ask_groups(&gathering);
        rc_trace_ask_user(rc_kafka_config(rc_history_kafka(history)), cancelled, arena, facts);
    }
    facts->now = rc_wall_now();
    free(gathering.events.items);
    free(gathering.parked.items);
    return code;
}
