#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/topics.h"
#include "common/uuid.h"
#include "producer/poll/settle.h"

enum { VALUE_MAX_BYTES = 1024 * 1024 };

/* One transaction that is being filled. */
typedef struct {
    rc_run_t *run;
    rc_arena_t *lasting; /* for the whole run */
    rc_arena_t *arena;   /* what the records point to; of one transaction */
    const char *topics[RC_TOPIC_COUNT];
    rc_kafka_record_t *records;
    size_t count;
    size_t capacity;
    int64_t events[RC_EVENT_COUNT]; /* of one transaction */
    rc_settlement_t *settlement;
    rc_kafka_offset_t *published; /* of all transactions of the run */
    size_t published_count;
} filling_t;

static const char *topic_name(filling_t *filling, rc_topic_kind_t topic)
{
    if (!filling->topics[topic])
        filling->topics[topic] = rc_topic_name(filling->run->context->config, topic, filling->lasting);
    return filling->topics[topic];
}

static void add_record(filling_t *filling, rc_topic_kind_t topic, const char *key, rc_buf_t *value,
                       rc_headers_t headers)
{
    if (filling->count == filling->capacity) {
        filling->capacity = filling->capacity ? filling->capacity * 2 : 256;
        filling->records = rc_realloc(filling->records, filling->capacity * sizeof *filling->records);
    }
    filling->records[filling->count++] =
        (rc_kafka_record_t){.topic = topic_name(filling, topic),
                            .partition = -1,
                            .key = key,
                            .key_bytes = strlen(key),
                            .value = value ? rc_arena_strndup(filling->arena, value->data, value->size_bytes) : NULL,
                            .value_bytes = value ? value->size_bytes : 0,
                            .headers = headers};
}

/* --- one employee --- */

static rc_code_t add_event(filling_t *filling, const char *key, rc_event_t *event, rc_error_t *error)
{
    rc_run_t *run = filling->run;
    char id[RC_UUID_STR_SIZE];
    event->event_id = rc_arena_strdup(
        filling->arena, rc_uuid_event(event->integration_id, event->employee_id, event->version, event->type, id));
    rc_buf_reset(&run->value);
    rc_code_t code = rc_codec_encode_event(run->context->codec, event, &run->value, error);
    if (code != RC_OK) return code;
    rc_event_t lasting = *event; /* headers borrow the event's ids */
    lasting.integration_id = run->context->integration->id;
    lasting.employee_id = rc_arena_strdup(filling->arena, event->employee_id);
    add_record(filling, rc_topic_of_event(event->type), key, &run->value, rc_headers_event(filling->arena, &lasting));
    filling->events[event->type]++;
    return RC_OK;
}

static rc_code_t add_snapshot(filling_t *filling, const char *key, const rc_snapshot_t *snapshot, rc_error_t *error)
{
    rc_run_t *run = filling->run;
    rc_buf_reset(&run->value);
    rc_code_t code = rc_codec_encode_snapshot(run->context->codec, snapshot, &run->value, error);
    if (code == RC_OK) add_record(filling, RC_TOPIC_SNAPSHOT, key, &run->value, (rc_headers_t){NULL, 0});
    return code;
}

static rc_code_t add_pending(filling_t *filling, const char *key, const rc_pending_t *pending, rc_error_t *error)
{
    rc_run_t *run = filling->run;
    rc_buf_reset(&run->value);
    rc_code_t code = rc_codec_encode_pending(run->context->codec, pending, &run->value, error);
    if (code == RC_OK) add_record(filling, RC_TOPIC_PENDING, key, &run->value, (rc_headers_t){NULL, 0});
    return code;
}

static rc_code_t add_settled(filling_t *filling, rc_settled_t *settled, rc_error_t *error)
{
    const rc_run_t *run = filling->run;
    const char *key = rc_employee_key(filling->arena, run->context->integration->id, settled->employee_id);
    rc_code_t code = RC_OK;
    for (size_t i = 0; settled->publishes && code == RC_OK && i < settled->diff.count; i++)
        code = add_event(filling, key, &settled->diff.events[i], error);
    if (settled->publishes && code == RC_OK) code = add_snapshot(filling, key, &settled->after, error);
    if (code == RC_OK && settled->action == RC_PENDING_WRITE)
        code = add_pending(filling, key, &settled->pending, error);
    if (code == RC_OK && settled->action == RC_PENDING_TOMBSTONE)
        add_record(filling, RC_TOPIC_PENDING, key, NULL, (rc_headers_t){NULL, 0});
    return code == RC_OK ? RC_OK : rc_error_prefix(error, "employee %s", settled->employee_id);
}

/* --- the state --- */

static rc_code_t add_state(filling_t *filling, const rc_sync_state_t *state, rc_error_t *error)
{
    rc_run_t *run = filling->run;
    rc_buf_reset(&run->value);
    rc_code_t code = rc_codec_encode_state(run->context->codec, state, &run->value, error);
    if (code == RC_OK) add_record(filling, RC_TOPIC_STATE, state->integration_id, &run->value, (rc_headers_t){NULL, 0});
    return code;
}

/* --- transactions --- */

static void note_published(filling_t *filling, const rc_published_t *published)
{
    filling->published =
        rc_realloc(filling->published, (filling->published_count + published->count) * sizeof *filling->published);
    for (size_t i = 0; i < published->count; i++) {
        rc_kafka_offset_t *at = &filling->published[filling->published_count++];
        *at = published->items[i];
        at->topic = rc_arena_strdup(filling->lasting, at->topic);
    }
}

static void count_events(filling_t *filling)
{
    rc_run_t *run = filling->run;
    for (int type = 0; type < RC_EVENT_COUNT; type++) {
        rc_series_add(rc_metrics_series(run->context->metrics, RC_METRIC_EVENTS_PUBLISHED,
                                        run->context->integration->id, rc_enum_str(&RC_ENUM_EVENT, type), NULL),
                      filling->events[type]);
        run->result->events[type] += filling->events[type];
        filling->events[type] = 0;
    }
}

/* Rows that are being read anew look like people who were never published. */
static rc_code_t check_views(const rc_run_t *run, rc_error_t *error)
{
    if (rc_views_life(run->context->views) == run->views_life) return RC_OK;
    run->result->behind = true;
    return rc_error_set(error, RC_IO, RC_RETRY, "the local tables were made again during the poll");
}

static rc_code_t write_transaction(filling_t *filling, bool last, rc_error_t *error)
{
    rc_run_t *run = filling->run;
    const rc_sync_state_t state = rc_run_state_after(run, filling->settlement, last, filling->events, filling->lasting);
    rc_code_t code = check_views(run, error);
    if (code == RC_OK) code = add_state(filling, &state, error);
    if (code != RC_OK) return code;
    const rc_transaction_t transaction = {.records = filling->records,
                                          .count = filling->count,
                                          .command_partition = run->context->command_partition,
                                          .command_offset = last ? run->order->command_offset : -1,
                                          .group = run->order->group};
    rc_published_t published = {NULL, 0};
    bool unknown = false;
    code =
        rc_publisher_write(run->context->publisher, &transaction, run->context->cancelled, &published, &unknown, error);
    run->result->behind |= unknown || code == RC_OK; /* until followed */
    if (code != RC_OK) return code;
    note_published(filling, &published);
    free(published.items);
    count_events(filling);
    run->result->state = state;
    filling->count = 0;
    rc_arena_reset(filling->arena);
    return RC_OK;
}

static rc_code_t write_all(filling_t *filling, rc_error_t *error)
{
    rc_run_t *run = filling->run;
    size_t in_transaction = 0;
    while (!rc_settlement_is_done(filling->settlement)) {
        rc_settled_t settled;
        rc_code_t code = rc_settlement_next(filling->settlement, &settled, error);
        if (code == RC_OK) code = add_settled(filling, &settled, error);
        if (code == RC_OK && ++in_transaction == run->context->transaction_employees &&
            !rc_settlement_is_done(filling->settlement)) {
            code = write_transaction(filling, false, error);
            in_transaction = 0;
        }
        if (code != RC_OK) return code;
    }
    return write_transaction(filling, true, error);
}

/* A tick that found nothing publishes nothing. */
static bool has_work(const rc_run_t *run)
{
    return run->kind != RC_POLL_TICK || rc_stage_count(run->stage) > 0 || run->order->command_offset >= 0;
}

rc_code_t rc_run_publish(rc_run_t *run, rc_arena_t *arena, rc_error_t *error)
{
    filling_t filling = {.run = run, .lasting = arena, .arena = rc_arena_new()};
    rc_code_t code = RC_OK;
    run->result->state = *run->before;
    if (!has_work(run)) goto cleanup;
    code = rc_settlement_new(run, &filling.settlement, error);
    if (code == RC_OK) code = write_all(&filling, error);
    if (code == RC_OK)
        code = rc_views_follow(run->context->views, filling.published, filling.published_count, run->context->cancelled,
                               error);
    if (code == RC_OK) run->result->behind = false;
cleanup:
    rc_settlement_free(filling.settlement);
    rc_arena_free(filling.arena);
    free(filling.records);
    free(filling.published);
    return code;
}

rc_code_t rc_poll_publish_state(const rc_poll_context_t *context, const rc_kafka_group_t *group,
                                const rc_sync_state_t *state, int64_t command_offset, bool *behind, rc_error_t *error)
{
    rc_arena_t *arena = rc_arena_new_sized(512);
    rc_buf_t value = RC_BUF_INIT(VALUE_MAX_BYTES);
    rc_published_t published = {NULL, 0};
    rc_code_t code = rc_codec_encode_state(context->codec, state, &value, error);
    if (code == RC_OK) {
        const rc_kafka_record_t record = {.topic = rc_topic_name(context->config, RC_TOPIC_STATE, arena),
                                          .partition = -1,
                                          .key = state->integration_id,
                                          .key_bytes = strlen(state->integration_id),
                                          .value = value.data,
                                          .value_bytes = value.size_bytes};
        const rc_transaction_t transaction = {.records = &record,
                                              .count = 1,
                                              .command_partition = context->command_partition,
                                              .command_offset = command_offset,
                                              .group = group};
        code = rc_publisher_write(context->publisher, &transaction, context->cancelled, &published, behind, error);
    }
    if (code == RC_OK) {
        code = rc_views_follow(context->views, published.items, published.count, context->cancelled, error);
        *behind = code != RC_OK;
    }
    free(published.items);
    rc_buf_fini(&value);
    rc_arena_free(arena);
    return code;
}
