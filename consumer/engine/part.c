#include "consumer/engine/part.h"

#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "consumer/engine/engine.h"
#include "consumer/engine/settle.h"
#include "consumer/engine/work.h"

enum { RECORD_BLOCK_BYTES = 2048 };

static void due(void *opaque);
static void serve_held(rc_part_t *part, bool resolved);

void rc_part_add(rc_lane_t *lane, const rc_kafka_offset_t *place)
{
    size_t topic = rc_lane_topic(lane, place->topic);
    if (place->partition < 0 || place->partition >= lane->engine->config->kafka.partitions)
        RC_DIE("%s has a partition %d, but kafka.partitions is %d", place->topic, place->partition,
               lane->engine->config->kafka.partitions);
    rc_part_t *part = rc_zalloc(sizeof *part);
    *part =
        (rc_part_t){.lane = lane, .topic = topic, .partition = place->partition, .offsets = RC_OFFSETS_INIT, .eof = -1};
    TAILQ_INIT(&part->held);
    part->timer = rc_loop_timer_new(lane->engine->loop, due, part);
    *rc_lane_part(lane, topic, place->partition) = part;
}

void rc_part_free(rc_part_t *part)
{
    rc_record_t *record;
    while ((record = TAILQ_FIRST(&part->held))) {
        TAILQ_REMOVE(&part->held, record, of_part);
        rc_engine_free_record(record);
    }
    rc_loop_timer_free(part->timer);
    rc_offsets_fini(&part->offsets);
    free(part);
}

/* Adds or takes away one reason not to read a partition. */
void rc_part_set_paused(rc_part_t *part, unsigned reason, bool on)
{
    unsigned before = part->paused;
    part->paused = on ? before | reason : before & ~reason;
    if (!before == !part->paused || part->lane->state != RC_LANE_RUNNING) return;
    const rc_kafka_offset_t place = {part->lane->topics[part->topic], part->partition, 0};
    rc_error_t error = RC_ERROR_INIT;
    rc_code_t code = part->paused ? rc_kafka_consumer_pause(part->lane->consumer, &place, 1, &error)
                                  : rc_kafka_consumer_resume(part->lane->consumer, &place, 1, &error);
    if (code != RC_OK)
        rc_log(RC_LEVEL_WARN, "a partition could not be paused or resumed", RC_LOG_STR(TOPIC, place.topic),
               RC_LOG_INT(PARTITION, place.partition), RC_LOG_ERR(&error));
}

bool rc_part_is_dirty(const rc_part_t *part)
{
    return part->touched || rc_offsets_pending(&part->offsets) >= 0;
}

/* --- records --- */

static rc_record_t *new_record(rc_part_t *part, const rc_kafka_message_t *message)
{
    rc_arena_t *arena = rc_arena_new_sized(RECORD_BLOCK_BYTES);
    rc_record_t *record = rc_arena_alloc(arena, sizeof *record);
    *record = (rc_record_t){.arena = arena,
                            .engine = part->lane->engine,
                            .lane = part->lane,
                            .assignment = part->lane->assignment,
                            .topic = part->topic,
                            .partition = message->partition,
                            .offset = message->offset,
                            .key = rc_arena_memdup(arena, message->key, message->key_bytes),
                            .key_bytes = message->key_bytes,
                            .value = rc_arena_memdup(arena, message->value, message->value_bytes),
                            .value_bytes = message->value_bytes,
                            .headers = rc_headers_copy(arena, rc_kafka_message_headers(message, arena)),
                            .parking = RC_PARKING_INIT};
    if (record->topic == 0) return record;
    record->parking = rc_headers_parking_parse(record->headers, arena);
    record->parking.not_before = rc_parking_due(record->parking.not_before, rc_wall_now(),
                                                record->engine->config->consumer.retry_delays_ms[record->topic - 1]);
    return record;
}

typedef enum { ROUTE_TAKEN, ROUTE_NOT_DUE, ROUTE_UNKNOWN_SCHEMA } route_t;

static void poison(rc_record_t *record, const char *why)
{
    TAILQ_INSERT_TAIL(&record->lane->records, record, of_lane);
    rc_metrics_count(record->engine->metrics, RC_METRIC_UNREADABLE, record->lane->topics[record->topic], "bytes", NULL);
    rc_settle_poison(record, why);
}

/* For how long a parked record has to wait yet. One that was parked later than it is by our clock tells that a clock
 * was set since: it waits as long as it was meant to at most, from the first such record on. */
static int64_t due_in_ms(const rc_record_t *record)
{
    const rc_lane_t *lane = record->lane;
    rc_part_t *part = *rc_lane_part(lane, record->topic, record->partition);
    rc_wall_t now = rc_wall_now();
    int64_t left_ms = record->parking.not_before.ms - now.ms;
    if (record->parking.failed_at.ms <= now.ms) part->doubted_until = (rc_mono_t){0};
    if (left_ms <= 0 || record->parking.failed_at.ms <= now.ms) return left_ms > 0 ? left_ms : 0;
    rc_mono_t here = rc_mono_now();
    if (!part->doubted_until.ms)
        part->doubted_until.ms = here.ms + lane->engine->config->consumer.retry_delays_ms[record->topic - 1];
    int64_t doubted_ms = part->doubted_until.ms - here.ms;
    return doubted_ms <= 0 ? 0 : doubted_ms < left_ms ? doubted_ms : left_ms;
}

/* Snapshot and ledger of an employee are looked for in the partition of their key: elsewhere they would count as
 * forgotten, and who is forgotten is deactivated. */
static bool is_at_home(rc_record_t *record)
{
    const char *key = rc_employee_key(record->arena, record->event.integration_id, record->event.employee_id);
    return rc_kafka_partition(key, strlen(key), record->engine->config->kafka.partitions) == record->partition;
}

/* Decodes a record and hands it on. `resolved`: its schema was looked for already. */
static route_t route(rc_record_t *record, bool resolved, rc_framing_t *missing)
{
    rc_engine_t *engine = record->engine;
    rc_lane_t *lane = record->lane;
    if (record->topic > 0) {
        int owner = record->parking.lane < 0 ? RC_EVENT_CREATED : record->parking.lane;
        if (owner != (int)lane->type) {
            rc_offsets_finish(&(*rc_lane_part(lane, record->topic, record->partition))->offsets, record->offset);
            rc_engine_free_record(record);
            return ROUTE_TAKEN;
        }
        if (record->parking.lane < 0) {
            poison(record, "a record in a retry topic that does not say whose it is");
            return ROUTE_TAKEN;
        }
        if (due_in_ms(record) > 0) return ROUTE_NOT_DUE;
    }
    rc_error_t error = RC_ERROR_INIT;
    rc_code_t code = record->value ? rc_codec_decode_event(engine->codec, record->value, record->value_bytes,
                                                           record->arena, &record->event, missing, &error)
                                   : rc_error_set(&error, RC_MALFORMED, RC_REJECT, "an event without a value");
    if (code == RC_UNKNOWN_SCHEMA && !resolved) return ROUTE_UNKNOWN_SCHEMA;
    if (code == RC_OK && !is_at_home(record))
        code = rc_error_set(&error, RC_MALFORMED, RC_REJECT, "an event in a partition that is not its employee's");
    if (code != RC_OK && code != RC_UNKNOWN_SCHEMA) {
        poison(record, error.message);
        return ROUTE_TAKEN;
    }
    TAILQ_INSERT_TAIL(&lane->records, record, of_lane);
    if (code == RC_UNKNOWN_SCHEMA) {
        rc_metrics_count(engine->metrics, RC_METRIC_UNREADABLE, lane->topics[record->topic], "schema", NULL);
        rc_settle_unknown(record, RC_PARK_UNKNOWN_SCHEMA, error.message);
    } else {
        rc_work_take(record);
    }
    return ROUTE_TAKEN;
}

/* Asks for the schema of the head of a partition; the partition may be gone when the answer comes. */
typedef struct rc_schema_wait {
    LIST_ENTRY(rc_schema_wait) link;
    rc_lane_t *lane;
    uint64_t assignment;
    size_t topic;
    int32_t partition;
} schema_wait_t;

void rc_part_free_waits(rc_lane_t *lane)
{
    schema_wait_t *wait;
    while ((wait = LIST_FIRST(&lane->schema_waits))) {
        LIST_REMOVE(wait, link);
        free(wait);
    }
}

static void schema_found(void *opaque)
{
    schema_wait_t wait = *(schema_wait_t *)opaque;
    rc_lane_t *lane = wait.lane;
    LIST_REMOVE((schema_wait_t *)opaque, link);
    free(opaque);
    if (lane->assignment != wait.assignment || lane->state != RC_LANE_RUNNING) return;
    rc_part_t *part = *rc_lane_part(lane, wait.topic, wait.partition);
    rc_part_set_paused(part, RC_PAUSED_SCHEMA, false);
    serve_held(part, true);
}

/* Holds a partition's head back. */
static void hold(rc_part_t *part, const rc_record_t *head, route_t why, const rc_framing_t *missing)
{
    rc_lane_t *lane = part->lane;
    if (why == ROUTE_NOT_DUE) {
        rc_loop_timer_start(part->timer, due_in_ms(head), 0);
        rc_part_set_paused(part, RC_PAUSED_NOT_DUE, true);
        return;
    }
    schema_wait_t *wait = rc_zalloc(sizeof *wait);
    *wait = (schema_wait_t){
        .lane = lane, .assignment = lane->assignment, .topic = part->topic, .partition = part->partition};
    LIST_INSERT_HEAD(&lane->schema_waits, wait, link);
    rc_part_set_paused(part, RC_PAUSED_SCHEMA, true);
    rc_resolver_find(lane->engine->resolver, missing, schema_found, wait);
}

/* Hands on what is held in a partition, up to one that has to wait. `resolved` is about the first. */
static void serve_held(rc_part_t *part, bool resolved)
{
    rc_record_t *head;
    while (part->lane->state == RC_LANE_RUNNING && !(part->paused & (RC_PAUSED_NOT_DUE | RC_PAUSED_SCHEMA)) &&
           (head = TAILQ_FIRST(&part->held))) {
        TAILQ_REMOVE(&part->held, head, of_part);
        rc_framing_t missing;
        route_t routed = route(head, resolved, &missing);
        resolved = false;
        if (routed == ROUTE_TAKEN) continue;
        TAILQ_INSERT_HEAD(&part->held, head, of_part);
        hold(part, head, routed, &missing);
    }
}

static void due(void *opaque)
{
    rc_part_t *part = opaque;
    rc_part_set_paused(part, RC_PAUSED_NOT_DUE, false);
    serve_held(part, false);
}

bool rc_part_note_end(const rc_lane_t *lane, const rc_kafka_offset_t *end)
{
    if (lane->state != RC_LANE_RUNNING) return true;
    rc_part_t *part = *rc_lane_part(lane, rc_lane_topic(lane, end->topic), end->partition);
    if (!part) return true;
    part->eof = end->offset;
    return rc_offsets_takes(&part->offsets, end->offset);
}

bool rc_part_take(rc_lane_t *lane, const rc_kafka_message_t *message)
{
    if (lane->state != RC_LANE_RUNNING) return true;
    rc_part_t *part = *rc_lane_part(lane, rc_lane_topic(lane, message->topic), message->partition);
    if (!part) return true;
    if (!rc_offsets_takes(&part->offsets, message->offset)) return false;
    rc_record_t *record = new_record(part, message);
    rc_offsets_add(&part->offsets, message->offset);
    TAILQ_INSERT_TAIL(&part->held, record, of_part);
    serve_held(part, false);
    return true;
}
