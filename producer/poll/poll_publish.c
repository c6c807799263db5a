#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/topics.h"
#include "common/uuid.h"
#include "producer/poll/poll_steps.h"
#include "producer/rules/collision.h"

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
    int64_t announced;              /* gained in this run so far */
    int64_t employees;
    rc_addresses_t *addresses; /* NULL: no address changes */
    rc_collisions_t *collisions;
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

static rc_code_t add_snapshot(filling_t *filling, const char *key, const rc_snapshot_t *before, const rc_diff_t *diff,
                              rc_error_t *error)
{
    rc_run_t *run = filling->run;
    const rc_snapshot_t after = rc_snapshot_after(before, diff);
    rc_buf_reset(&run->value);
    rc_code_t code = rc_codec_encode_snapshot(run->context->codec, &after, &run->value, error);
    if (code != RC_OK) return code;
    add_record(filling, RC_TOPIC_SNAPSHOT, key, &run->value, (rc_headers_t){NULL, 0});
    bool was = before && before->presence == RC_PRESENCE_EMPLOYED, is = after.presence == RC_PRESENCE_EMPLOYED;
    filling->announced += is - was;
    filling->employees += !before;
    return RC_OK;
}

static rc_code_t add_pending(filling_t *filling, const char *key, const rc_pending_t *pending, rc_error_t *error)
{
    rc_run_t *run = filling->run;
    rc_buf_reset(&run->value);
    rc_code_t code = rc_codec_encode_pending(run->context->codec, pending, &run->value, error);
    if (code == RC_OK) add_record(filling, RC_TOPIC_PENDING, key, &run->value, (rc_headers_t){NULL, 0});
    return code;
}

/* What stands in the way of a change: somebody else has the address. */
static void find_obstacles(filling_t *filling, size_t index, const char *employee_id, rc_obstacles_t *obstacles)
{
    *obstacles = (rc_obstacles_t){.reasons = 0};
    if (!filling->collisions) return;
    if (rc_collisions_winner(filling->collisions, employee_id)) {
        obstacles->reasons = 1U << RC_PENDING_EMAIL_COLLISION;
        return;
    }
    rc_claim_t claim;
    if (rc_addresses_claim(filling->addresses, index, filling->run->record, &claim) && claim.wanted && !claim.published)
        obstacles->replaces = rc_collisions_replaced(filling->collisions, filling->run->record, &claim);
}

/* Publishes a staged change, or leaves it pending when somebody else has the address. */
static rc_code_t add_change(filling_t *filling, size_t index, const char *employee_id, const char *key,
                            const rc_pending_t *change, rc_error_t *error)
{
    rc_run_t *run = filling->run;
    rc_person_t stored;
    rc_pending_t next;
    rc_code_t code =
        rc_views_person(run->context->views, run->context->integration->id, employee_id, run->record, &stored, error);
    if (code != RC_OK) return code;
    rc_decision_t decision;
    rc_obstacles_t obstacles;
    rc_decide_stored(run->record, &run->occasion, stored.snapshot, change, &decision);
    find_obstacles(filling, index, employee_id, &obstacles);
    code = filling->addresses ? rc_addresses_result(filling->addresses, error) : RC_OK;
    if (code == RC_OK && !obstacles.reasons) {
        if (obstacles.replaces) rc_diff_set_replaces(&decision.diff, obstacles.replaces);
        for (size_t i = 0; code == RC_OK && i < decision.diff.count; i++)
            code = add_event(filling, key, &decision.diff.events[i], error);
        if (code == RC_OK && decision.diff.count > 0)
            code = add_snapshot(filling, key, stored.snapshot, &decision.diff, error);
    }
    if (code != RC_OK) return code;
    switch (rc_pending_next(&run->occasion, employee_id, stored.pending, &decision, &obstacles, &next)) {
    case RC_PENDING_WRITE:
        return add_pending(filling, key, &next, error);
    case RC_PENDING_TOMBSTONE:
        add_record(filling, RC_TOPIC_PENDING, key, NULL, (rc_headers_t){NULL, 0});
        return RC_OK;
    case RC_PENDING_NOTHING:
        return RC_OK;
    }
    RC_DIE("a pending change has no next step");
}

static rc_code_t add_staged(filling_t *filling, size_t index, rc_error_t *error)
{
    rc_run_t *run = filling->run;
    rc_staged_t staged;
    rc_pending_t change;
    rc_arena_reset(run->record);
    rc_code_t code = rc_stage_get(run->stage, index, run->record, &staged, error);
    if (code != RC_OK) return code;
    const char *key = rc_employee_key(filling->arena, run->context->integration->id, staged.employee_id);
    const char *bytes = staged.value;
    switch ((rc_staged_kind_t)bytes[0]) {
    case RC_STAGED_TOMBSTONE:
        add_record(filling, RC_TOPIC_PENDING, key, NULL, (rc_headers_t){NULL, 0});
        return RC_OK;
    case RC_STAGED_PENDING:
    case RC_STAGED_CHANGE:
        break;
    }
    code = rc_codec_decode_pending(run->context->codec, bytes + 1, staged.value_bytes - 1, run->record, &change, NULL,
                                   error);
    if (code != RC_OK) return code;
    code = (rc_staged_kind_t)bytes[0] == RC_STAGED_PENDING
               ? add_pending(filling, key, &change, error)
               : add_change(filling, index, staged.employee_id, key, &change, error);
    return code == RC_OK ? RC_OK : rc_error_prefix(error, "employee %s", staged.employee_id);
}

/* --- the state --- */

/* The state behind the run so far; `complete`: it ends with this transaction. */
static rc_sync_state_t state_after(const filling_t *filling, bool complete)
{
    const rc_run_t *run = filling->run;
    rc_sync_state_t state = *run->before;
    state.integration_id = run->context->integration->id;
    if (run->kind == RC_POLL_FULL) { /* counted, whatever the sum of all changes has come to */
        state.announced = (int64_t)rc_roll_announced(run->context->roll);
        state.employees = (int64_t)rc_roll_published(run->context->roll);
    }
    state.announced += filling->announced;
    state.employees += filling->employees;
    if (!complete) return state;
    if (run->order->command_id) {
        state.last_command_id = run->order->command_id;
        state.last_command_ok = true;
        state.last_command_message = NULL;
    }
    if (run->kind == RC_POLL_TICK) return state; /* says nothing about Kombo */
    state.state = RC_STATE_OK;
    state.reason = NULL;
    state.failures = 0;
    state.watermark = run->fetched.started_at;
    state.last_poll = (rc_poll_report_t){.started_at = run->occasion.now,
                                         .finished_at = rc_wall_now(),
                                         .trigger = run->order->trigger,
                                         .full = run->kind == RC_POLL_FULL,
                                         .complete = true,
                                         .read = (int64_t)run->fetched.records};
    for (int type = 0; type < RC_EVENT_COUNT; type++)
        state.last_poll.events += run->result->events[type] + filling->events[type];
    state.next_poll_at = (rc_wall_t){run->occasion.now.ms + run->context->integration->kombo.poll_interval_ms};
    if (run->kind != RC_POLL_FULL) return state;
    char digest[RC_DIGEST_SIZE];
    state.last_full_at = run->occasion.now;
    state.projection_digest =
        rc_arena_strdup(filling->lasting, rc_integration_digest(run->context->integration, digest));
    return state;
}

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
    const rc_sync_state_t state = state_after(filling, last);
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
    size_t count = rc_stage_count(run->stage), in_transaction = 0;
    for (size_t index = 0; index < count; index++) {
        rc_code_t code = add_staged(filling, index, error);
        if (code == RC_OK && ++in_transaction == run->context->transaction_employees && index + 1 < count) {
            code = write_transaction(filling, false, error);
            in_transaction = 0;
        }
        if (code != RC_OK) return code;
    }
    return write_transaction(filling, true, error);
}

/* Who gets which address, decided over the whole stage. */
static rc_code_t settle_addresses(filling_t *filling, rc_error_t *error)
{
    rc_run_t *run = filling->run;
    if (!run->address_changes) return RC_OK;
    rc_code_t code = rc_addresses_new(run->context->views, run->context->codec, run->context->integration->id,
                                      run->stage, &filling->addresses, error);
    if (code != RC_OK) return code;
    filling->collisions = rc_collisions_new(rc_addresses_index(filling->addresses));
    for (size_t index = 0; index < rc_stage_count(run->stage); index++) {
        rc_claim_t claim;
        rc_arena_reset(run->record);
        if (rc_addresses_claim(filling->addresses, index, run->record, &claim))
            rc_collisions_add(filling->collisions, &claim);
    }
    if (rc_collisions_count(filling->collisions) > 0)
        rc_log(RC_LEVEL_WARN, "e-mail addresses that two people want; the later ones wait",
               RC_LOG_STR(INTEGRATION, run->context->integration->id),
               RC_LOG_INT(EMPLOYEES, rc_collisions_count(filling->collisions)));
    return rc_addresses_result(filling->addresses, error);
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
    code = settle_addresses(&filling, error);
    if (code == RC_OK) code = write_all(&filling, error);
    if (code == RC_OK)
        code = rc_views_follow(run->context->views, filling.published, filling.published_count, run->context->cancelled,
                               error);
    if (code == RC_OK) run->result->behind = false;
cleanup:
    rc_collisions_free(filling.collisions);
    rc_addresses_free(filling.addresses);
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
