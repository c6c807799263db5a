#include "producer/poll/outgoing.h"

#include <stdlib.h>
#include <string.h>

#include "common/mutant.h"
#include "common/uuid.h"

enum { VALUE_MAX_BYTES = 1024 * 1024 };

struct rc_outgoing {
    const rc_poll_context_t *context;
    const rc_kafka_group_t *group;
    uint64_t views_life;
    rc_arena_t *lasting; /* for the whole step */
    rc_arena_t *arena;   /* what the records point to; of one transaction */
    rc_buf_t value;      /* of the record at hand */
    const char *topics[RC_TOPIC_COUNT];
    rc_kafka_record_t *records;
    size_t count;
    size_t capacity;
    int64_t events[RC_EVENT_COUNT]; /* of one transaction */
    rc_kafka_offset_t *published;   /* of all transactions */
    size_t published_count;
    bool behind;
};

rc_outgoing_t *rc_outgoing_new(const rc_poll_context_t *context, const rc_kafka_group_t *group, uint64_t views_life)
{
    rc_outgoing_t *outgoing = rc_zalloc(sizeof *outgoing);
    *outgoing = (rc_outgoing_t){.context = context,
                                .group = group,
                                .views_life = views_life,
                                .lasting = rc_arena_new_sized(1024),
                                .arena = rc_arena_new(),
                                .value = RC_BUF_INIT(VALUE_MAX_BYTES)};
    return outgoing;
}

void rc_outgoing_free(rc_outgoing_t *outgoing)
{
    if (!outgoing) return;
    rc_arena_free(outgoing->lasting);
    rc_arena_free(outgoing->arena);
    rc_buf_fini(&outgoing->value);
    free(outgoing->records);
    free(outgoing->published);
    free(outgoing);
}

/* --- records --- */

static const char *topic_name(rc_outgoing_t *outgoing, rc_topic_kind_t topic)
{
    if (!outgoing->topics[topic])
        outgoing->topics[topic] = rc_topic_name(outgoing->context->config, topic, outgoing->lasting);
    return outgoing->topics[topic];
}

static rc_kafka_record_t *add(rc_outgoing_t *outgoing, rc_topic_kind_t topic, const char *key)
{
    if (outgoing->count == outgoing->capacity) {
        outgoing->capacity = outgoing->capacity ? outgoing->capacity * 2 : 256;
        outgoing->records = rc_realloc(outgoing->records, outgoing->capacity * sizeof *outgoing->records);
    }
    rc_kafka_record_t *record = &outgoing->records[outgoing->count++];
    *record = (rc_kafka_record_t){
        .topic = topic_name(outgoing, topic), .partition = -1, .key = key, .key_bytes = strlen(key)};
    return record;
}

/* With what was encoded. */
static rc_kafka_record_t *add_value(rc_outgoing_t *outgoing, rc_topic_kind_t topic, const char *key)
{
    rc_kafka_record_t *record = add(outgoing, topic, key);
    record->value = rc_arena_strndup(outgoing->arena, outgoing->value.data, outgoing->value.size_bytes);
    record->value_bytes = outgoing->value.size_bytes;
    return record;
}

const char *rc_outgoing_key(rc_outgoing_t *outgoing, const char *employee_id)
{
    return rc_employee_key(outgoing->arena, outgoing->context->integration->id, employee_id);
}

rc_code_t rc_outgoing_event(rc_outgoing_t *outgoing, const char *key, rc_event_t *event, rc_error_t *error)
{
    char id[RC_UUID_STR_SIZE];
    event->event_id = rc_arena_strdup(
        outgoing->arena, rc_uuid_event(event->integration_id, event->employee_id, event->version, event->type, id));
    rc_buf_reset(&outgoing->value);
    rc_code_t code = rc_codec_encode_event(outgoing->context->codec, event, &outgoing->value, error);
    if (code != RC_OK) return code;
    rc_event_t lasting = *event; /* headers borrow the event's ids */
    lasting.integration_id = outgoing->context->integration->id;
    lasting.employee_id = rc_arena_strdup(outgoing->arena, event->employee_id);
    add_value(outgoing, rc_topic_of_event(event->type), key)->headers = rc_headers_event(outgoing->arena, &lasting);
    outgoing->events[event->type]++;
    return RC_OK;
}

rc_code_t rc_outgoing_snapshot(rc_outgoing_t *outgoing, const char *key, const rc_snapshot_t *snapshot,
                               rc_error_t *error)
{
    rc_buf_reset(&outgoing->value);
    rc_code_t code = rc_codec_encode_snapshot(outgoing->context->codec, snapshot, &outgoing->value, error);
    if (code == RC_OK) (void)add_value(outgoing, RC_TOPIC_SNAPSHOT, key);
    return code;
}

rc_code_t rc_outgoing_pending(rc_outgoing_t *outgoing, const char *key, const rc_pending_t *pending, rc_error_t *error)
{
    rc_buf_reset(&outgoing->value);
    rc_code_t code = rc_codec_encode_pending(outgoing->context->codec, pending, &outgoing->value, error);
    if (code == RC_OK) (void)add_value(outgoing, RC_TOPIC_PENDING, key);
    return code;
}

void rc_outgoing_tombstone(rc_outgoing_t *outgoing, rc_topic_kind_t topic, const char *key, int32_t partition)
{
    add(outgoing, topic, key)->partition = partition;
}

const int64_t *rc_outgoing_events(const rc_outgoing_t *outgoing)
{
    return outgoing->events;
}

/* --- transactions --- */

static rc_code_t add_state(rc_outgoing_t *outgoing, const rc_sync_state_t *state, rc_error_t *error)
{
    rc_buf_reset(&outgoing->value);
    rc_code_t code = rc_codec_encode_state(outgoing->context->codec, state, &outgoing->value, error);
    if (code == RC_OK) (void)add_value(outgoing, RC_TOPIC_STATE, outgoing->context->integration->id);
    return code;
}

static void note_published(rc_outgoing_t *outgoing, const rc_published_t *published)
{
    outgoing->published =
        rc_realloc(outgoing->published, (outgoing->published_count + published->count) * sizeof *outgoing->published);
    for (size_t i = 0; i < published->count; i++) {
        rc_kafka_offset_t *at = &outgoing->published[outgoing->published_count++];
        *at = published->items[i];
        at->topic = rc_arena_strdup(outgoing->lasting, at->topic);
    }
}

static void count_events(rc_outgoing_t *outgoing)
{
    const rc_poll_context_t *context = outgoing->context;
    for (int type = 0; type < RC_EVENT_COUNT; type++) {
        rc_series_add(rc_metrics_series(context->metrics, RC_METRIC_EVENTS_PUBLISHED, context->integration->id,
                                        rc_enum_str(&RC_ENUM_EVENT, type), NULL),
                      outgoing->events[type]);
        outgoing->events[type] = 0;
    }
}

/* Rows that are being read anew look like people who were never published. */
static rc_code_t check_views(rc_outgoing_t *outgoing, rc_error_t *error)
{
    if (rc_views_life(outgoing->context->views) == outgoing->views_life) return RC_OK;
    outgoing->behind = true;
    return rc_error_set(error, RC_IO, RC_RETRY, "the local tables were made again meanwhile");
}

rc_code_t rc_outgoing_write(rc_outgoing_t *outgoing, const rc_sync_state_t *state, int64_t command_offset,
                            rc_error_t *error)
{
    const rc_poll_context_t *context = outgoing->context;
    rc_code_t code = check_views(outgoing, error);
    if (code == RC_OK) code = add_state(outgoing, state, error);
    if (code != RC_OK) return code;
    const rc_transaction_t transaction = {.records = outgoing->records,
                                          .count = outgoing->count,
                                          .command_partition = context->command_partition,
                                          .command_offset = command_offset,
                                          .group = outgoing->group};
    rc_published_t published = {NULL, 0};
    bool unknown = false;
    code = rc_publisher_write(context->publisher, &transaction, context->cancelled, &published, &unknown, error);
    outgoing->behind |= unknown || code == RC_OK; /* until followed */
    if (code != RC_OK) return code;
    note_published(outgoing, &published);
    free(published.items);
    count_events(outgoing);
    outgoing->count = 0;
    rc_arena_reset(outgoing->arena);
    return RC_OK;
}

/* --- afterwards --- */

rc_code_t rc_outgoing_follow(rc_outgoing_t *outgoing, rc_error_t *error)
{
    if (RC_MUTANT(COMMIT_UNSEEN)) outgoing->published_count = 0;
    rc_code_t code = rc_views_follow(outgoing->context->views, outgoing->published, outgoing->published_count,
                                     outgoing->context->cancelled, error);
    outgoing->behind = code != RC_OK;
    return code;
}

bool rc_outgoing_is_behind(const rc_outgoing_t *outgoing)
{
    return outgoing->behind;
}
