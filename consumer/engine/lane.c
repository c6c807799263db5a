#include "consumer/engine/lane.h"

#include <stdlib.h>
#include <string.h>

#include "common/hash.h"
#include "common/log.h"
#include "common/mutant.h"
#include "common/topics.h"
#include "consumer/engine/engine.h"
#include "consumer/engine/lane_state.h"
#include "consumer/engine/part.h"

enum {
    POLL_ROUND = 100, /* events taken before others have their turn */
    HOLD_MS = 1000,   /* without a look at the queue, and so at a rebalance */
    REOPEN_MS = 1000, /* until a dead handle is opened anew */
    FENCED_AGAIN_MS = 60000,
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

static void hold_over(void *opaque);

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
    lane->drain_timer = rc_loop_timer_new(engine->loop, rc_lane_drain_over, lane);
    lane->hold_timer = rc_loop_timer_new(engine->loop, hold_over, lane);
    lane->quiet_timer = rc_loop_timer_new(engine->loop, rc_lane_start_reading, lane);
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

void rc_lane_reopen(rc_lane_t *lane, const rc_error_t *error)
{
    rc_log(RC_LEVEL_ERROR, "a consumer handle died and is built anew", RC_LOG_STR(GROUP, lane->group_id),
           RC_LOG_ERR(error));
    rc_metrics_count(lane->engine->metrics, RC_METRIC_HANDLES_REBUILT, error->code == RC_FENCED ? "fenced" : "fatal",
                     NULL, NULL);
    rc_lane_end_assignment(lane);
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
        rc_lane_on_assign(lane, event);
        break;
    case RC_KAFKA_REVOKE:
        rc_lane_on_revoke(lane, event);
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
            rc_lane_reopen(lane, &error);
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

void rc_lane_finish(rc_lane_t *lane, rc_record_t *record)
{
    TAILQ_REMOVE(&lane->records, record, of_lane);
    if (record->given_up || record->assignment != lane->assignment) return;
    rc_part_t *part = *rc_lane_part(lane, record->topic, record->partition);
    rc_offsets_finish(&part->offsets, record->offset);
    part->touched = true;
}

void rc_lane_seal(rc_lane_t *lane, rc_batch_t *batch)
{
    if (lane->assignment == 0 || !rc_lane_is_dirty(lane)) return;
    size_t slots = lane->topic_count * (size_t)lane->engine->config->kafka.partitions, count = 0;
    rc_kafka_offset_t *offsets = rc_calloc(slots, sizeof *offsets);
    for (size_t i = 0; i < slots; i++) {
        rc_part_t *part = lane->parts[i];
        if (!part || !rc_part_is_dirty(part)) continue;
        offsets[count++] =
            (rc_kafka_offset_t){lane->topics[part->topic], part->partition,
                                RC_MUTANT(OFFSET_FIRST) ? part->offsets.next : rc_offsets_watermark(&part->offsets)};
        part->touched = false;
    }
    rc_batch_seal(batch, lane->type, offsets, count, rc_kafka_group_copy(lane->group), lane->assignment);
    free(offsets);
}

void rc_lane_committed(rc_lane_t *lane, const rc_batch_lane_t *batch)
{
    bool ours = batch->assignment != 0 && batch->assignment == lane->assignment;
    if (ours && batch->lost) {
        rc_lane_on_lost(lane);
        return;
    }
    for (size_t i = 0; ours && i < batch->offset_count; i++) {
        const rc_kafka_offset_t *at = &batch->offsets[i];
        rc_offsets_committed(&(*rc_lane_part(lane, rc_lane_topic(lane, at->topic), at->partition))->offsets,
                             at->offset);
    }
    rc_lane_check_drain(lane);
}

/* --- the end --- */

void rc_lane_free(rc_lane_t *lane)
{
    if (!lane) return;
    if (lane->state != RC_LANE_IDLE) rc_lane_end_assignment(lane);
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
