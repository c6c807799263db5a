#include "consumer/lane.h"

#include <stdlib.h>
#include <string.h>

#include "common/kafka.h"
#include "common/log.h"
#include "common/topics.h"
#include "consumer/engine.h"
#include "consumer/resolver.h"

enum {
    POLL_ROUND = 500, /* events taken before others have their turn */
    REOPEN_MS = 1000, /* until a dead handle is opened anew */
    RECORD_BLOCK_BYTES = 2048,
    CONNECT_POLL_MS = 0
};

static void poll_queue(rc_lane_t *lane);
static void open_consumer(rc_lane_t *lane);

/* --- life --- */

static void again_over(void *opaque)
{
    rc_lane_t *lane = opaque;
    if (lane->consumer)
        poll_queue(lane);
    else if (!lane->stopping)
        open_consumer(lane);
}

static void drain_over(void *opaque);

rc_lane_t *rc_lane_new(rc_engine_t *engine, rc_event_type_t type)
{
    const rc_config_t *config = engine->config;
    rc_lane_t *lane = rc_zalloc(sizeof *lane);
    *lane = (rc_lane_t){.engine = engine, .type = type, .names = rc_arena_new_sized(1024)};
    TAILQ_INIT(&lane->records);
    lane->topic_count = 1 + config->consumer.retry_delays_count;
    lane->topics = rc_calloc(lane->topic_count, sizeof *lane->topics);
    lane->topics[0] = rc_topic_name(config, rc_topic_of_event(type), lane->names);
    for (size_t tier = 0; tier + 1 < lane->topic_count; tier++)
        lane->topics[tier + 1] = rc_topic_retry_name(config, tier, lane->names);
    lane->group_id = rc_sprintf("%s.%s", config->consumer.application, rc_enum_str(&RC_ENUM_EVENT, (int)type));
    lane->parts = rc_calloc(lane->topic_count * (size_t)config->kafka.partitions, sizeof(rc_part_t *));
    lane->again = rc_loop_timer_new(engine->loop, again_over, lane);
    lane->drain_timer = rc_loop_timer_new(engine->loop, drain_over, lane);
    return lane;
}

static void close_consumer(rc_lane_t *lane)
{
    rc_loop_watch_free(lane->watch);
    lane->watch = NULL;
    rc_kafka_consumer_close(lane->consumer);
    lane->consumer = NULL;
}

static void readable(void *opaque, int events)
{
    (void)events;
    poll_queue(opaque);
}

static void open_consumer(rc_lane_t *lane)
{
    rc_error_t error = RC_ERROR_INIT;
    if (rc_kafka_consumer_open(lane->engine->kafka, lane->group_id, lane->engine->config->instance, &lane->consumer,
                               &error) == RC_OK &&
        rc_kafka_consumer_subscribe(lane->consumer, lane->topics, lane->topic_count, &error) == RC_OK) {
        lane->watch = rc_loop_watch_new(lane->engine->loop, rc_kafka_consumer_fd(lane->consumer), readable, lane);
        rc_loop_watch_set(lane->watch, RC_LOOP_READ);
        rc_loop_timer_start(lane->again, CONNECT_POLL_MS, 0);
        return;
    }
    rc_log(RC_LEVEL_ERROR, "cannot join the consumer group, trying again", RC_LOG_STR(GROUP, lane->group_id),
           RC_LOG_ERR(&error));
    close_consumer(lane);
    rc_loop_timer_start(lane->again, REOPEN_MS, 0);
}

void rc_lane_start(rc_lane_t *lane)
{
    open_consumer(lane);
}

/* --- partitions --- */

static rc_part_t **part_slot(const rc_lane_t *lane, size_t topic, int32_t partition)
{
    return &lane->parts[topic * (size_t)lane->engine->config->kafka.partitions + (size_t)partition];
}

static size_t topic_index(const rc_lane_t *lane, const char *topic)
{
    for (size_t i = 0; i < lane->topic_count; i++)
        if (strcmp(lane->topics[i], topic) == 0) return i;
    RC_DIE("topic %s is none of lane %s", topic, lane->group_id);
}

static void due(void *opaque);

static void add_part(rc_lane_t *lane, const rc_kafka_offset_t *place)
{
    size_t topic = topic_index(lane, place->topic);
    if (place->partition < 0 || place->partition >= lane->engine->config->kafka.partitions)
        RC_DIE("%s has a partition %d, but kafka.partitions is %d", place->topic, place->partition,
               lane->engine->config->kafka.partitions);
    rc_part_t *part = rc_zalloc(sizeof *part);
    *part = (rc_part_t){.lane = lane, .topic = topic, .partition = place->partition, .offsets = RC_OFFSETS_INIT};
    TAILQ_INIT(&part->held);
    part->timer = rc_loop_timer_new(lane->engine->loop, due, part);
    *part_slot(lane, topic, place->partition) = part;
}

static void free_part(rc_part_t *part)
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

static void each_part(rc_lane_t *lane, void (*visit)(rc_part_t *part))
{
    size_t count = lane->topic_count * (size_t)lane->engine->config->kafka.partitions;
    for (size_t i = 0; i < count; i++)
        if (lane->parts[i]) visit(lane->parts[i]);
}

static void free_parts(rc_lane_t *lane)
{
    each_part(lane, free_part);
    memset(lane->parts, 0, lane->topic_count * (size_t)lane->engine->config->kafka.partitions * sizeof(rc_part_t *));
}

/* Adds or takes away one reason not to read a partition. */
static void set_paused(rc_part_t *part, unsigned reason, bool on)
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

/* --- records --- */

static const void *copy_bytes(rc_arena_t *arena, const void *bytes, size_t size_bytes)
{
    return bytes ? rc_arena_strndup(arena, bytes, size_bytes) : NULL;
}

static rc_headers_t copy_headers(rc_arena_t *arena, rc_headers_t headers)
{
    rc_header_t *copy = rc_arena_alloc(arena, headers.count * sizeof *copy);
    for (size_t i = 0; i < headers.count; i++)
        copy[i] = (rc_header_t){rc_arena_strdup(arena, headers.items[i].name),
                                copy_bytes(arena, headers.items[i].value, headers.items[i].value_bytes),
                                headers.items[i].value_bytes};
    return (rc_headers_t){copy, headers.count};
}

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
                            .key = copy_bytes(arena, message->key, message->key_bytes),
                            .key_bytes = message->key_bytes,
                            .value = copy_bytes(arena, message->value, message->value_bytes),
                            .value_bytes = message->value_bytes,
                            .headers = copy_headers(arena, rc_kafka_message_headers(message, arena)),
                            .parking = RC_PARKING_INIT};
    if (record->topic > 0) record->parking = rc_headers_parking_parse(record->headers, arena);
    return record;
}

const char *rc_record_origin(const rc_record_t *record)
{
    return rc_arena_sprintf(record->arena, "%s/%d/%lld", record->lane->topics[record->topic], record->partition,
                            (long long)record->offset);
}

typedef enum { ROUTE_TAKEN, ROUTE_NOT_DUE, ROUTE_UNKNOWN_SCHEMA } route_t;

/* Decodes a record and hands it on. `resolved`: its schema was looked for already. */
static route_t route(rc_record_t *record, bool resolved, rc_framing_t *missing)
{
    rc_engine_t *engine = record->engine;
    rc_lane_t *lane = record->lane;
    if (record->topic > 0) {
        int owner = record->parking.lane < 0 ? RC_EVENT_CREATED : record->parking.lane;
        if (owner != (int)lane->type) {
            rc_offsets_finish(&(*part_slot(lane, record->topic, record->partition))->offsets, record->offset);
            rc_engine_free_record(record);
            return ROUTE_TAKEN;
        }
        if (record->parking.not_before.ms > rc_wall_now().ms) return ROUTE_NOT_DUE;
    }
    rc_error_t error = RC_ERROR_INIT;
    rc_code_t code = record->value ? rc_codec_decode_event(engine->codec, record->value, record->value_bytes,
                                                           record->arena, &record->event, missing, &error)
                                   : rc_error_set(&error, RC_MALFORMED, RC_REJECT, "an event without a value");
    if (code == RC_UNKNOWN_SCHEMA && !resolved) return ROUTE_UNKNOWN_SCHEMA;
    TAILQ_INSERT_TAIL(&lane->records, record, of_lane);
    if (code == RC_UNKNOWN_SCHEMA) {
        rc_metrics_count(engine->metrics, RC_METRIC_UNREADABLE, lane->topics[record->topic], "schema", NULL);
        rc_engine_park_unknown(record, RC_PARK_UNKNOWN_SCHEMA, error.message);
    } else if (code != RC_OK) {
        rc_metrics_count(engine->metrics, RC_METRIC_UNREADABLE, lane->topics[record->topic], "bytes", NULL);
        rc_engine_poison(record, error.message);
    } else {
        rc_engine_take(record);
    }
    return ROUTE_TAKEN;
}

/* Asks for the schema of the head of a partition; the partition and its lane may be gone when the answer comes. */
typedef struct {
    rc_engine_t *engine;
    rc_event_type_t type;
    uint64_t assignment;
    size_t topic;
    int32_t partition;
} schema_wait_t;

static void serve_held(rc_part_t *part, bool resolved);

static void schema_found(void *opaque)
{
    schema_wait_t wait = *(schema_wait_t *)opaque;
    free(opaque);
    rc_lane_t *lane = wait.engine->lanes[wait.type];
    if (!lane || lane->assignment != wait.assignment || lane->state != RC_LANE_RUNNING) return;
    rc_part_t *part = *part_slot(lane, wait.topic, wait.partition);
    set_paused(part, RC_PAUSED_SCHEMA, false);
    serve_held(part, true);
}

/* Holds a partition's head back. */
static void hold(rc_part_t *part, const rc_record_t *head, route_t why, const rc_framing_t *missing)
{
    rc_lane_t *lane = part->lane;
    if (why == ROUTE_NOT_DUE) {
        int64_t delay_ms = head->parking.not_before.ms - rc_wall_now().ms;
        rc_loop_timer_start(part->timer, delay_ms > 0 ? delay_ms : 0, 0);
        set_paused(part, RC_PAUSED_NOT_DUE, true);
        return;
    }
    schema_wait_t *wait = rc_zalloc(sizeof *wait);
    *wait = (schema_wait_t){lane->engine, lane->type, lane->assignment, part->topic, part->partition};
    set_paused(part, RC_PAUSED_SCHEMA, true);
    rc_resolver_find(lane->engine->resolver, missing, schema_found, wait);
}

/* Hands on what is held in a partition, up to one that has to wait. `resolved` is about the first. */
static void serve_held(rc_part_t *part, bool resolved)
{
    rc_record_t *head;
    while (!(part->paused & (RC_PAUSED_NOT_DUE | RC_PAUSED_SCHEMA)) && (head = TAILQ_FIRST(&part->held))) {
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
    set_paused(part, RC_PAUSED_NOT_DUE, false);
    serve_held(part, false);
}

static void take_message(rc_lane_t *lane, const rc_kafka_message_t *message)
{
    if (lane->state != RC_LANE_RUNNING) return;
    rc_part_t *part = *part_slot(lane, topic_index(lane, message->topic), message->partition);
    if (!part) return;
    rc_record_t *record = new_record(part, message);
    rc_offsets_add(&part->offsets, message->offset);
    TAILQ_INSERT_TAIL(&part->held, record, of_part);
    serve_held(part, false);
}

void rc_lane_press(rc_lane_t *lane, bool under_pressure)
{
    if (lane->under_pressure == under_pressure) return;
    lane->under_pressure = under_pressure;
    size_t count = lane->topic_count * (size_t)lane->engine->config->kafka.partitions;
    for (size_t i = 0; i < count; i++)
        if (lane->parts[i]) set_paused(lane->parts[i], RC_PAUSED_PRESSURE, under_pressure);
}

void rc_lane_finish(rc_lane_t *lane, rc_record_t *record)
{
    TAILQ_REMOVE(&lane->records, record, of_lane);
    if (record->given_up || record->assignment != lane->assignment) return;
    rc_part_t *part = *part_slot(lane, record->topic, record->partition);
    rc_offsets_finish(&part->offsets, record->offset);
    part->touched = true;
}

/* --- assignment --- */

static void begin_reading(rc_lane_t *lane)
{
    rc_error_t error = RC_ERROR_INIT;
    if (rc_kafka_consumer_assign(lane->consumer, lane->assigned, lane->assigned_count, &error) != RC_OK) {
        rc_log(RC_LEVEL_ERROR, "an assignment could not be taken", RC_LOG_STR(GROUP, lane->group_id),
               RC_LOG_ERR(&error));
        return;
    }
    for (size_t i = 0; i < lane->assigned_count; i++) lane->assigned[i].offset = RC_OFFSET_NONE;
    lane->state = RC_LANE_RUNNING;
    if (!lane->under_pressure) return;
    lane->under_pressure = false;
    rc_lane_press(lane, true);
}

typedef struct {
    rc_engine_t *engine;
    rc_event_type_t type;
    uint64_t assignment;
} start_t;

static void wait_for_tables(rc_lane_t *lane);

static void tables_are_there(void *opaque, rc_code_t code)
{
    start_t start = *(start_t *)opaque;
    free(opaque);
    rc_lane_t *lane = start.engine->lanes[start.type];
    if (!lane || lane->assignment != start.assignment || lane->state != RC_LANE_STARTING) return;
    if (code == RC_OK)
        begin_reading(lane);
    else
        wait_for_tables(lane); /* the partitions that are followed changed meanwhile */
}

static void wait_for_tables(rc_lane_t *lane)
{
    int32_t *partitions = rc_calloc(lane->assigned_count, sizeof *partitions);
    size_t count = 0;
    for (size_t i = 0; i < lane->assigned_count; i++)
        if (topic_index(lane, lane->assigned[i].topic) == 0) partitions[count++] = lane->assigned[i].partition;
    start_t *start = rc_zalloc(sizeof *start);
    *start = (start_t){lane->engine, lane->type, lane->assignment};
    rc_tables_barrier_all(lane->engine->tables, partitions, count, tables_are_there, start);
    free(partitions);
}

/* The retry topics' partitions must be those of the event topic, else records of one employee would be worked in two
 * processes: common/kafka_consumer.h, rc_kafka_consumer_subscribe. */
static bool is_aligned(const rc_lane_t *lane)
{
    int32_t partitions = lane->engine->config->kafka.partitions;
    for (int32_t partition = 0; partition < partitions; partition++)
        for (size_t topic = 1; topic < lane->topic_count; topic++)
            if (!*part_slot(lane, topic, partition) != !*part_slot(lane, 0, partition)) return false;
    return true;
}

static void start_assignment(rc_lane_t *lane)
{
    lane->assignment = ++lane->engine->assignments;
    for (size_t i = 0; i < lane->assigned_count; i++) add_part(lane, &lane->assigned[i]);
    if (!is_aligned(lane))
        rc_log(RC_LEVEL_WARN, "partitions of event and retry topics are not assigned alike; a rebalance will mend it",
               RC_LOG_STR(GROUP, lane->group_id));
    lane->group = rc_kafka_consumer_group(lane->consumer);
    lane->state = RC_LANE_STARTING;
    rc_engine_assigned(lane->engine);
    wait_for_tables(lane);
}

static void on_assign(rc_lane_t *lane, const rc_kafka_event_t *event)
{
    RC_INVARIANT(lane->state == RC_LANE_IDLE);
    rc_log(RC_LEVEL_INFO, "partitions assigned", RC_LOG_STR(GROUP, lane->group_id),
           RC_LOG_INT(PARTITIONS, event->partition_count));
    lane->assigned = rc_calloc(event->partition_count, sizeof *lane->assigned);
    lane->assigned_count = event->partition_count;
    for (size_t i = 0; i < event->partition_count; i++)
        lane->assigned[i] = (rc_kafka_offset_t){lane->topics[topic_index(lane, event->partitions[i].topic)],
                                                event->partitions[i].partition, RC_OFFSET_NONE};
    start_assignment(lane);
}

/* Forgets the records that were not started, or all. */
static void give_up_records(rc_lane_t *lane, bool all)
{
    rc_record_t *record, *next;
    for (record = TAILQ_FIRST(&lane->records); record; record = next) {
        next = TAILQ_NEXT(record, of_lane);
        bool started = record->state == RC_RECORD_UNDER_WAY || record->state == RC_RECORD_BARRIER;
        if (all || !started) rc_engine_give_up(record);
    }
}

static bool has_under_way(const rc_lane_t *lane)
{
    const rc_record_t *record;
    TAILQ_FOREACH(record, &lane->records, of_lane)
    if (!record->given_up && record->assignment == lane->assignment) return true;
    return false;
}

/* The assignment is over: what is left of it is forgotten, and the group is told. */
static void end_assignment(rc_lane_t *lane)
{
    rc_loop_timer_stop(lane->drain_timer);
    give_up_records(lane, true);
    rc_batch_drop(lane->engine->batch, lane->type);
    free_parts(lane);
    free(lane->assigned);
    lane->assigned = NULL;
    lane->assigned_count = 0;
    lane->assignment = 0;
    rc_kafka_group_free(lane->group);
    lane->group = NULL;
    lane->state = RC_LANE_IDLE;
    rc_engine_assigned(lane->engine);
}

static void unassign(rc_lane_t *lane)
{
    end_assignment(lane);
    rc_error_t error = RC_ERROR_INIT;
    if (lane->consumer && rc_kafka_consumer_unassign(lane->consumer, &error) != RC_OK)
        rc_log(RC_LEVEL_WARN, "partitions could not be given up", RC_LOG_STR(GROUP, lane->group_id),
               RC_LOG_ERR(&error));
    if (lane->stopping) rc_engine_lane_idle(lane->engine);
}

static bool is_dirty_part(const rc_part_t *part)
{
    return part->touched || rc_offsets_pending(&part->offsets) >= 0;
}

static bool is_dirty(const rc_lane_t *lane)
{
    size_t count = lane->topic_count * (size_t)lane->engine->config->kafka.partitions;
    for (size_t i = 0; i < count; i++)
        if (lane->parts[i] && is_dirty_part(lane->parts[i])) return true;
    return false;
}

bool rc_lane_wants_commit(const rc_lane_t *lane)
{
    return lane->state == RC_LANE_DRAINING && !has_under_way(lane);
}

/* Ends a drain when nothing is under way and everything is committed. */
static void check_drain(rc_lane_t *lane)
{
    if (!rc_lane_wants_commit(lane)) return;
    if (is_dirty(lane) || rc_committer_is_busy(lane->engine->committer))
        rc_engine_commit_soon(lane->engine);
    else
        unassign(lane);
}

static void drain_over(void *opaque)
{
    rc_lane_t *lane = opaque;
    give_up_records(lane, true);
    check_drain(lane);
}

static void drain(rc_lane_t *lane)
{
    if (lane->state == RC_LANE_IDLE || lane->state == RC_LANE_DRAINING) return;
    lane->state = RC_LANE_DRAINING;
    give_up_records(lane, false);
    rc_loop_timer_start(lane->drain_timer, lane->engine->config->consumer.drain_timeout_ms, 0);
    check_drain(lane);
}

static void on_revoke(rc_lane_t *lane, const rc_kafka_event_t *event)
{
    rc_log(RC_LEVEL_INFO, event->lost ? "partitions lost" : "partitions revoked", RC_LOG_STR(GROUP, lane->group_id),
           RC_LOG_INT(PARTITIONS, event->partition_count));
    if (lane->state == RC_LANE_IDLE || event->lost)
        unassign(lane);
    else
        drain(lane);
}

/* --- the queue --- */

static void on_fatal(rc_lane_t *lane, const rc_error_t *error)
{
    rc_log(RC_LEVEL_ERROR, "a consumer handle died and is built anew", RC_LOG_STR(GROUP, lane->group_id),
           RC_LOG_ERR(error));
    rc_metrics_count(lane->engine->metrics, RC_METRIC_HANDLES_REBUILT, error->code == RC_FENCED ? "fenced" : "fatal",
                     NULL, NULL);
    end_assignment(lane);
    close_consumer(lane);
    rc_loop_timer_start(lane->again, REOPEN_MS, 0);
    if (lane->stopping) rc_engine_lane_idle(lane->engine);
    if (error->code == RC_FENCED) rc_engine_fenced(lane->engine);
}

static void on_out_of_range(rc_lane_t *lane, const rc_kafka_offset_t *at)
{
    /* What was committed is gone by retention (or the topic was made anew): the beginning holds the oldest there is,
     * and every employee is brought to N whatever event is missing. */
    rc_log(RC_LEVEL_ERROR, "the committed offset is out of range; reading from the beginning of what is there",
           RC_LOG_STR(TOPIC, at->topic), RC_LOG_INT(PARTITION, at->partition), RC_LOG_INT(OFFSET, at->offset));
    for (size_t i = 0; i < lane->assigned_count; i++)
        if (lane->assigned[i].partition == at->partition && strcmp(lane->assigned[i].topic, at->topic) == 0)
            lane->assigned[i].offset = RC_OFFSET_BEGINNING;
    rc_lane_restart(lane);
}

static void on_event(rc_lane_t *lane, const rc_kafka_event_t *event)
{
    switch (event->kind) {
    case RC_KAFKA_MESSAGE:
        take_message(lane, &event->message);
        break;
    case RC_KAFKA_ASSIGN:
        on_assign(lane, event);
        break;
    case RC_KAFKA_REVOKE:
        on_revoke(lane, event);
        break;
    case RC_KAFKA_OUT_OF_RANGE:
        on_out_of_range(lane, &event->at);
        break;
    case RC_KAFKA_NONE:
    case RC_KAFKA_EOF:
        break;
    }
}

static void poll_queue(rc_lane_t *lane)
{
    for (int i = 0; i < POLL_ROUND; i++) {
        rc_kafka_event_t event;
        rc_error_t error = RC_ERROR_INIT;
        rc_code_t code = rc_kafka_consumer_poll(lane->consumer, 0, &event, &error);
        if (code != RC_OK && error.disposition == RC_FATAL) {
            on_fatal(lane, &error);
            return;
        }
        if (code != RC_OK) continue;
        if (event.kind == RC_KAFKA_NONE) return;
        on_event(lane, &event);
        rc_kafka_event_release(&event);
    }
    rc_loop_timer_start(lane->again, 0, 0);
}

/* --- batches --- */

void rc_lane_seal(rc_lane_t *lane, rc_batch_t *batch)
{
    if (lane->assignment == 0 || !is_dirty(lane)) return;
    size_t slots = lane->topic_count * (size_t)lane->engine->config->kafka.partitions, count = 0;
    rc_kafka_offset_t *offsets = rc_calloc(slots, sizeof *offsets);
    for (size_t i = 0; i < slots; i++) {
        rc_part_t *part = lane->parts[i];
        if (!part || !is_dirty_part(part)) continue;
        offsets[count++] =
            (rc_kafka_offset_t){lane->topics[part->topic], part->partition, rc_offsets_watermark(&part->offsets)};
        part->touched = false;
    }
    rc_batch_seal(batch, lane->type, offsets, count, rc_kafka_group_copy(lane->group), lane->assignment);
    free(offsets);
}

void rc_lane_committed(rc_lane_t *lane, const rc_batch_lane_t *batch)
{
    bool ours = batch->assignment != 0 && batch->assignment == lane->assignment;
    if (ours && batch->lost) {
        /* A REVOKE that says so is on its way; until then nothing of this assignment can be committed. */
        lane->state = RC_LANE_STARTING;
        give_up_records(lane, true);
        return;
    }
    for (size_t i = 0; ours && i < batch->offset_count; i++) {
        const rc_kafka_offset_t *at = &batch->offsets[i];
        rc_offsets_committed(&(*part_slot(lane, topic_index(lane, at->topic), at->partition))->offsets, at->offset);
    }
    check_drain(lane);
}

void rc_lane_restart(rc_lane_t *lane)
{
    if (lane->state != RC_LANE_STARTING && lane->state != RC_LANE_RUNNING) {
        if (lane->state == RC_LANE_DRAINING) unassign(lane);
        return;
    }
    give_up_records(lane, true);
    rc_batch_drop(lane->engine->batch, lane->type);
    free_parts(lane);
    rc_kafka_group_free(lane->group);
    start_assignment(lane);
}

/* --- the end --- */

void rc_lane_stop(rc_lane_t *lane)
{
    lane->stopping = true;
    drain(lane);
}

bool rc_lane_is_idle(const rc_lane_t *lane)
{
    return lane->state == RC_LANE_IDLE;
}

void rc_lane_free(rc_lane_t *lane)
{
    if (!lane) return;
    if (lane->state != RC_LANE_IDLE) end_assignment(lane);
    rc_loop_timer_free(lane->again);
    rc_loop_timer_free(lane->drain_timer);
    close_consumer(lane);
    free(lane->parts);
    free(lane->topics);
    free(lane->group_id);
    rc_arena_free(lane->names);
    free(lane);
}
