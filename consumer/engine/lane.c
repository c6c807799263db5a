#include "consumer/engine/lane.h"

#include <stdlib.h>
#include <string.h>

#include "common/hash.h"
#include "common/kafka.h"
#include "common/log.h"
#include "common/topics.h"
#include "consumer/engine/engine.h"
#include "consumer/engine/part.h"
#include "consumer/engine/resolver.h"
#include "consumer/engine/settle.h"
#include "consumer/engine/work.h"

enum {
    POLL_ROUND = 100, /* events taken before others have their turn */
    HOLD_MS = 1000,   /* without a look at the queue, and so at a rebalance */
    REOPEN_MS = 1000, /* until a dead handle is opened anew */
    FENCED_AGAIN_MS = 60000,
    LOST_MS = 60000, /* a REVOKE that follows a lost group comes with the next heartbeat */
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
static void hold_over(void *opaque);
static void start_reading(void *opaque);

/* A group gives a static member that comes back what it had, whatever it subscribes to by now. So who reads other
 * topics (other retry tiers) is another member. */
static char *name_member(const rc_lane_t *lane)
{
    uint64_t topics = 0;
    for (size_t i = 0; i < lane->topic_count; i++)
        topics = topics * 31 + rc_hash64(lane->topics[i], strlen(lane->topics[i]));
    return rc_sprintf("%s%s-%08x", lane->engine->config->kafka.topic_prefix, lane->engine->config->instance,
                      (unsigned)(topics >> 32));
}

rc_lane_t *rc_lane_new(rc_engine_t *engine, rc_event_type_t type)
{
    const rc_config_t *config = engine->config;
    rc_lane_t *lane = rc_zalloc(sizeof *lane);
    *lane = (rc_lane_t){.engine = engine, .type = type, .names = rc_arena_new_sized(1024)};
    TAILQ_INIT(&lane->records);
    LIST_INIT(&lane->schema_waits);
    lane->topic_count = 1 + config->consumer.retry_delays_count;
    lane->topics = rc_calloc(lane->topic_count, sizeof *lane->topics);
    lane->topics[0] = rc_topic_name(config, rc_topic_of_event(type), lane->names);
    for (size_t tier = 0; tier + 1 < lane->topic_count; tier++)
        lane->topics[tier + 1] = rc_topic_retry_name(config, tier, lane->names);
    lane->member_name = name_member(lane);
    lane->group_id = rc_sprintf("%s.%s", config->consumer.application, rc_enum_str(&RC_ENUM_EVENT, (int)type));
    lane->parts = rc_calloc(lane->topic_count * (size_t)config->kafka.partitions, sizeof(rc_part_t *));
    lane->again = rc_loop_timer_new(engine->loop, again_over, lane);
    lane->drain_timer = rc_loop_timer_new(engine->loop, drain_over, lane);
    lane->hold_timer = rc_loop_timer_new(engine->loop, hold_over, lane);
    lane->quiet_timer = rc_loop_timer_new(engine->loop, start_reading, lane);
    return lane;
}

static void close_consumer(rc_lane_t *lane)
{
    lane->is_held = false;
    rc_loop_timer_stop(lane->hold_timer);
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
    if (rc_kafka_consumer_open(lane->engine->kafka, lane->group_id, lane->member_name, &lane->consumer, &error) ==
            RC_OK &&
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

rc_part_t **rc_lane_part(const rc_lane_t *lane, size_t topic, int32_t partition)
{
    return &lane->parts[topic * (size_t)lane->engine->config->kafka.partitions + (size_t)partition];
}

size_t rc_lane_topic(const rc_lane_t *lane, const char *topic)
{
    for (size_t i = 0; i < lane->topic_count; i++)
        if (strcmp(lane->topics[i], topic) == 0) return i;
    return lane->topic_count;
}

static void each_part(rc_lane_t *lane, void (*visit)(rc_part_t *part))
{
    size_t count = lane->topic_count * (size_t)lane->engine->config->kafka.partitions;
    for (size_t i = 0; i < count; i++)
        if (lane->parts[i]) visit(lane->parts[i]);
}

static void free_parts(rc_lane_t *lane)
{
    each_part(lane, rc_part_free);
    memset(lane->parts, 0, lane->topic_count * (size_t)lane->engine->config->kafka.partitions * sizeof(rc_part_t *));
}

/* --- pressure ---
 *
 * librdkafka throws away what it has fetched of a partition that is paused, and takes up to a second to fetch again: an
 * integration that is as fast as it should be would run dry. So a lane under pressure leaves its queue alone first, and
 * pauses the partitions when that takes long, because a rebalance speaks by the same queue. */

static void set_held(rc_lane_t *lane, bool is_held)
{
    if (lane->is_held == is_held || !lane->consumer) return;
    lane->is_held = is_held;
    rc_loop_watch_set(lane->watch, is_held ? 0 : RC_LOOP_READ);
    if (is_held) {
        rc_loop_timer_start(lane->hold_timer, HOLD_MS, 0);
    } else {
        rc_loop_timer_stop(lane->hold_timer);
        rc_loop_timer_start(lane->again, 0, 0);
    }
}

static void pause_parts(rc_lane_t *lane, bool paused)
{
    if (lane->state != RC_LANE_RUNNING) return; /* begin_reading does it then */
    size_t count = lane->topic_count * (size_t)lane->engine->config->kafka.partitions;
    for (size_t i = 0; i < count; i++)
        if (lane->parts[i]) rc_part_set_paused(lane->parts[i], RC_PAUSED_PRESSURE, paused);
}

static void hold_over(void *opaque)
{
    rc_lane_t *lane = opaque;
    set_held(lane, false);
    pause_parts(lane, true);
}

void rc_lane_press(rc_lane_t *lane, bool under_pressure)
{
    if (lane->under_pressure == under_pressure) return;
    lane->under_pressure = under_pressure;
    set_held(lane, under_pressure);
    if (!under_pressure) pause_parts(lane, false);
}

void rc_lane_finish(rc_lane_t *lane, rc_record_t *record)
{
    TAILQ_REMOVE(&lane->records, record, of_lane);
    if (record->given_up || record->assignment != lane->assignment) return;
    rc_part_t *part = *rc_lane_part(lane, record->topic, record->partition);
    rc_offsets_finish(&part->offsets, record->offset);
    part->touched = true;
}

/* --- assignment --- */

static void reopen(rc_lane_t *lane, const rc_error_t *error);

static void begin_reading(rc_lane_t *lane)
{
    rc_error_t error = RC_ERROR_INIT;
    if (rc_kafka_consumer_assign(lane->consumer, lane->assigned, lane->assigned_count, &error) != RC_OK) {
        reopen(lane, &error);
        return;
    }
    for (size_t i = 0; i < lane->assigned_count; i++) lane->assigned[i].offset = RC_OFFSET_NONE;
    lane->state = RC_LANE_RUNNING;
    if (!lane->under_pressure) return;
    lane->under_pressure = false;
    rc_lane_press(lane, true);
}

static void wait_for_tables(rc_lane_t *lane);

static void start_reading(void *opaque)
{
    rc_lane_t *lane = opaque;
    if (lane->state != RC_LANE_STARTING || lane->barriers > 0) return;
    int64_t wait_ms = rc_quiet_wait_ms(&lane->engine->quiet, rc_loop_now(lane->engine->loop));
    if (wait_ms > 0)
        rc_loop_timer_start(lane->quiet_timer, wait_ms, 0);
    else
        begin_reading(lane);
}

static void tables_are_there(void *opaque, rc_code_t code)
{
    rc_lane_t *lane = opaque;
    lane->barriers--;
    if (lane->state != RC_LANE_STARTING) return;
    if (code != RC_OK)
        wait_for_tables(lane); /* the partitions that are followed changed meanwhile */
    else
        start_reading(lane);
}

static void wait_for_tables(rc_lane_t *lane)
{
    int32_t *partitions = rc_calloc(lane->assigned_count, sizeof *partitions);
    size_t count = 0;
    for (size_t i = 0; i < lane->assigned_count; i++)
        if (rc_lane_topic(lane, lane->assigned[i].topic) == 0) partitions[count++] = lane->assigned[i].partition;
    lane->barriers++;
    rc_tables_barrier_all(lane->engine->tables, partitions, count, tables_are_there, lane);
    free(partitions);
}

/* Whether the event topic's partition of that number is among those assigned. */
static bool has_events(const rc_lane_t *lane, const rc_kafka_event_t *event, int32_t partition)
{
    for (size_t i = 0; i < event->partition_count; i++)
        if (event->partitions[i].partition == partition && rc_lane_topic(lane, event->partitions[i].topic) == 0)
            return true;
    return false;
}

/* Takes what is assigned, but retry partitions without the event topic's: records of one employee would be worked in
 * two processes, and by rows that nobody here keeps. The range assignor gives them together once every member knows
 * all topics (common/kafka_consumer.h, rc_kafka_consumer_subscribe). */
static void take_assigned(rc_lane_t *lane, const rc_kafka_event_t *event)
{
    lane->assigned = rc_calloc(event->partition_count, sizeof *lane->assigned);
    lane->assigned_count = 0;
    for (size_t i = 0; i < event->partition_count; i++) {
        const rc_kafka_offset_t *place = &event->partitions[i];
        size_t topic = rc_lane_topic(lane, place->topic);
        if (topic == lane->topic_count || !has_events(lane, event, place->partition)) continue;
        lane->assigned[lane->assigned_count++] =
            (rc_kafka_offset_t){lane->topics[topic], place->partition, RC_OFFSET_NONE};
    }
    if (lane->assigned_count < event->partition_count)
        rc_log(RC_LEVEL_WARN, "partitions of other topics, or without the event partition of that number, are not read",
               RC_LOG_STR(GROUP, lane->group_id),
               RC_LOG_INT(PARTITIONS, (int64_t)(event->partition_count - lane->assigned_count)));
}

static void start_assignment(rc_lane_t *lane)
{
    lane->assignment = ++lane->engine->assignments;
    for (size_t i = 0; i < lane->assigned_count; i++) rc_part_add(lane, &lane->assigned[i]);
    lane->state = RC_LANE_STARTING;
    rc_engine_assigned(lane->engine);
    wait_for_tables(lane);
}

static bool is_started(const rc_record_t *record)
{
    return record->state == RC_RECORD_UNDER_WAY || record->state == RC_RECORD_BARRIER;
}

/* Forgets the records that were not started, or all. All are marked first: forgetting one gives its person's next
 * record the turn, which must not end the one that this list goes on with. */
static void give_up_records(rc_lane_t *lane, bool all)
{
    rc_record_t *record, *next;
    TAILQ_FOREACH(record, &lane->records, of_lane)
    record->given_up |= all || !is_started(record);
    for (record = TAILQ_FIRST(&lane->records); record; record = next) {
        next = TAILQ_NEXT(record, of_lane);
        if (record->given_up) rc_work_give_up(record);
    }
}

static bool has_under_way(const rc_lane_t *lane)
{
    const rc_record_t *record;
    TAILQ_FOREACH(record, &lane->records, of_lane)
    if (!record->given_up && record->assignment == lane->assignment) return true;
    return false;
}

/* The drain took too long: whoever reads the partitions next works these records again. */
static void log_unfinished(const rc_lane_t *lane)
{
    const rc_record_t *record;
    size_t count = 0;
    TAILQ_FOREACH(record, &lane->records, of_lane)
    count += !record->given_up && record->assignment == lane->assignment;
    if (count)
        rc_log(RC_LEVEL_WARN, "not finished within drain_timeout, to be worked again",
               RC_LOG_STR(GROUP, lane->group_id), RC_LOG_INT(COUNT, count));
}

/* Forgets all that is in memory and not on its way to Kafka. What is not committed counts as never done. */
static void drop_work(rc_lane_t *lane)
{
    give_up_records(lane, true);
    rc_batch_drop(lane->engine->batch, lane->type);
    rc_fresh_drop(lane->engine->fresh, lane->type);
    free_parts(lane);
}

static void unassign(rc_lane_t *lane);

/* The assignment is over: what is left of it is forgotten. */
static void end_assignment(rc_lane_t *lane)
{
    lane->state = RC_LANE_IDLE;
    rc_loop_timer_stop(lane->drain_timer);
    drop_work(lane);
    free(lane->assigned);
    lane->assigned = NULL;
    lane->assigned_count = 0;
    lane->assignment = 0;
    rc_kafka_group_free(lane->group);
    lane->group = NULL;
    rc_engine_assigned(lane->engine);
}

static void on_assign(rc_lane_t *lane, const rc_kafka_event_t *event)
{
    rc_log(RC_LEVEL_INFO, "partitions assigned", RC_LOG_STR(GROUP, lane->group_id),
           RC_LOG_INT(PARTITIONS, event->partition_count));
    end_assignment(lane); /* one without partitions is not revoked */
    if (lane->stopping) {
        unassign(lane);
        return;
    }
    take_assigned(lane, event);
    lane->group = rc_kafka_consumer_group(lane->consumer);
    start_assignment(lane);
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

static bool is_dirty(const rc_lane_t *lane)
{
    size_t count = lane->topic_count * (size_t)lane->engine->config->kafka.partitions;
    for (size_t i = 0; i < count; i++)
        if (lane->parts[i] && rc_part_is_dirty(lane->parts[i])) return true;
    return false;
}

/* Ends a drain when nothing is under way and everything is committed. */
static void check_drain(rc_lane_t *lane)
{
    if (lane->state != RC_LANE_DRAINING || has_under_way(lane)) return;
    if (is_dirty(lane) || rc_committer_is_busy(lane->engine->committer))
        rc_engine_commit_soon(lane->engine);
    else
        unassign(lane);
}

static void drain_over(void *opaque)
{
    rc_lane_t *lane = opaque;
    if (lane->state == RC_LANE_LOST) {
        rc_error_t error;
        (void)rc_error_set(&error, RC_OWNERSHIP, RC_FATAL, "the group refused a commit and did not revoke");
        reopen(lane, &error);
        return;
    }
    log_unfinished(lane);
    give_up_records(lane, true);
    check_drain(lane);
}

static void drain(rc_lane_t *lane)
{
    if (lane->state == RC_LANE_IDLE || lane->state == RC_LANE_DRAINING) return;
    if (lane->state == RC_LANE_LOST) {
        unassign(lane);
        return;
    }
    lane->state = RC_LANE_DRAINING;
    give_up_records(lane, false);
    rc_loop_timer_start(lane->drain_timer, lane->engine->config->consumer.drain_timeout_ms, 0);
    check_drain(lane);
}

static void on_revoke(rc_lane_t *lane, const rc_kafka_event_t *event)
{
    rc_log(RC_LEVEL_INFO, event->lost ? "partitions lost" : "partitions revoked", RC_LOG_STR(GROUP, lane->group_id),
           RC_LOG_INT(PARTITIONS, event->partition_count));
    if (lane->state == RC_LANE_IDLE || lane->state == RC_LANE_LOST || event->lost)
        unassign(lane);
    else
        drain(lane);
}

/* --- the queue --- */

/* Twice within a minute: two processes have one name. Once happens by itself, and to all lanes at the same time: when a
 * coordinator goes away with the answer to a member that joins, that member comes back as its own double. */
static void note_fenced(rc_lane_t *lane)
{
    rc_mono_t now = rc_loop_now(lane->engine->loop);
    bool again = lane->fenced_at.ms && now.ms - lane->fenced_at.ms < FENCED_AGAIN_MS;
    lane->fenced_at = now;
    if (again) rc_engine_fenced(lane->engine);
}

static void reopen(rc_lane_t *lane, const rc_error_t *error)
{
    rc_log(RC_LEVEL_ERROR, "a consumer handle died and is built anew", RC_LOG_STR(GROUP, lane->group_id),
           RC_LOG_ERR(error));
    rc_metrics_count(lane->engine->metrics, RC_METRIC_HANDLES_REBUILT, error->code == RC_FENCED ? "fenced" : "fatal",
                     NULL, NULL);
    end_assignment(lane);
    close_consumer(lane);
    rc_loop_timer_start(lane->again, REOPEN_MS, 0);
    if (lane->stopping) rc_engine_lane_idle(lane->engine);
    if (error->code == RC_FENCED) note_fenced(lane);
}

/* What was read or committed is gone, by retention or because the topic was made anew: the beginning holds the oldest
 * there is, and every employee is brought to N whatever event is missing. */
static void read_from_beginning(rc_lane_t *lane, const rc_kafka_offset_t *at, const char *why)
{
    rc_log(RC_LEVEL_ERROR, "reading from the beginning of what is there", RC_LOG_STR(REASON, why),
           RC_LOG_STR(TOPIC, at->topic), RC_LOG_INT(PARTITION, at->partition), RC_LOG_INT(OFFSET, at->offset));
    for (size_t i = 0; i < lane->assigned_count; i++)
        if (lane->assigned[i].partition == at->partition && strcmp(lane->assigned[i].topic, at->topic) == 0)
            lane->assigned[i].offset = RC_OFFSET_BEGINNING;
    rc_lane_restart(lane);
}

/* librdkafka goes to the beginning by itself, without a word, when the position is out of range. */
static void on_gone_back(rc_lane_t *lane, const rc_kafka_offset_t *at)
{
    read_from_beginning(lane, at, "the partition goes back behind what was read: the topic was made anew, or cut");
}

static void on_message(rc_lane_t *lane, const rc_kafka_message_t *message)
{
    const rc_kafka_offset_t at = {message->topic, message->partition, message->offset};
    if (!rc_part_take(lane, message)) on_gone_back(lane, &at);
}

static void on_event(rc_lane_t *lane, const rc_kafka_event_t *event)
{
    switch (event->kind) {
    case RC_KAFKA_MESSAGE:
        on_message(lane, &event->message);
        break;
    case RC_KAFKA_EOF:
        if (!rc_part_note_end(lane, &event->at)) on_gone_back(lane, &event->at);
        break;
    case RC_KAFKA_ASSIGN:
        on_assign(lane, event);
        break;
    case RC_KAFKA_REVOKE:
        on_revoke(lane, event);
        break;
    case RC_KAFKA_OUT_OF_RANGE:
        read_from_beginning(lane, &event->at, "the committed offset is out of range");
        break;
    case RC_KAFKA_NONE:
        break;
    }
}

static void poll_queue(rc_lane_t *lane)
{
    for (int i = 0; i < POLL_ROUND && !lane->is_held; i++) {
        rc_kafka_event_t event;
        rc_error_t error = RC_ERROR_INIT;
        rc_code_t code = rc_kafka_consumer_poll(lane->consumer, 0, &event, &error);
        if (code != RC_OK && error.disposition == RC_FATAL) {
            reopen(lane, &error);
            return;
        }
        if (code != RC_OK) continue;
        if (event.kind == RC_KAFKA_NONE) return;
        on_event(lane, &event);
        rc_kafka_event_release(&event);
    }
    if (!lane->is_held) rc_loop_timer_start(lane->again, 0, 0);
}

/* --- batches --- */

void rc_lane_seal(rc_lane_t *lane, rc_batch_t *batch)
{
    if (lane->assignment == 0 || !is_dirty(lane)) return;
    size_t slots = lane->topic_count * (size_t)lane->engine->config->kafka.partitions, count = 0;
    rc_kafka_offset_t *offsets = rc_calloc(slots, sizeof *offsets);
    for (size_t i = 0; i < slots; i++) {
        rc_part_t *part = lane->parts[i];
        if (!part || !rc_part_is_dirty(part)) continue;
        offsets[count++] =
            (rc_kafka_offset_t){lane->topics[part->topic], part->partition, rc_offsets_watermark(&part->offsets)};
        part->touched = false;
    }
    rc_batch_seal(batch, lane->type, offsets, count, rc_kafka_group_copy(lane->group), lane->assignment);
    free(offsets);
}

/* The partitions may be somebody else's. Where a REVOKE is being answered no second one would come. */
static void on_lost(rc_lane_t *lane)
{
    if (lane->state == RC_LANE_DRAINING) {
        unassign(lane);
        return;
    }
    end_assignment(lane);
    lane->state = RC_LANE_LOST;
    rc_loop_timer_start(lane->drain_timer, LOST_MS, 0);
}

void rc_lane_committed(rc_lane_t *lane, const rc_batch_lane_t *batch)
{
    bool ours = batch->assignment != 0 && batch->assignment == lane->assignment;
    if (ours && batch->lost) {
        on_lost(lane);
        return;
    }
    for (size_t i = 0; ours && i < batch->offset_count; i++) {
        const rc_kafka_offset_t *at = &batch->offsets[i];
        rc_offsets_committed(&(*rc_lane_part(lane, rc_lane_topic(lane, at->topic), at->partition))->offsets,
                             at->offset);
    }
    check_drain(lane);
}

void rc_lane_restart(rc_lane_t *lane)
{
    if (lane->state != RC_LANE_STARTING && lane->state != RC_LANE_RUNNING) {
        if (lane->state == RC_LANE_DRAINING) unassign(lane);
        return;
    }
    lane->state = RC_LANE_STARTING;
    drop_work(lane);
    /* The membership stays the one that was captured; pauses end. A handle that is dead says so to the next poll. */
    rc_error_t error = RC_ERROR_INIT;
    if (rc_kafka_consumer_unassign(lane->consumer, &error) != RC_OK)
        rc_log(RC_LEVEL_WARN, "partitions could not be given up", RC_LOG_STR(GROUP, lane->group_id),
               RC_LOG_ERR(&error));
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
    rc_loop_timer_free(lane->hold_timer);
    rc_loop_timer_free(lane->quiet_timer);
    close_consumer(lane);
    rc_part_free_waits(lane);
    free(lane->parts);
    free(lane->topics);
    free(lane->group_id);
    free(lane->member_name);
    rc_arena_free(lane->names);
    free(lane);
}
