#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/mutant.h"
#include "consumer/engine/engine.h"
#include "consumer/engine/lane_state.h"
#include "consumer/engine/part.h"
#include "consumer/engine/work.h"

enum { LOST_MS = 60000 /* a REVOKE that follows a lost group comes with the next heartbeat */ };

/* --- beginning --- */

static void begin_reading(rc_lane_t *lane)
{
    rc_error_t error = RC_ERROR_INIT;
    if (rc_kafka_consumer_assign(lane->consumer, lane->assigned, lane->assigned_count, &error) != RC_OK) {
        rc_lane_reopen(lane, &error);
        return;
    }
    for (size_t i = 0; i < lane->assigned_count; i++) lane->assigned[i].offset = RC_OFFSET_NONE;
    lane->state = RC_LANE_RUNNING;
    if (!lane->under_pressure) return;
    lane->under_pressure = false;
    rc_lane_press(lane, true);
}

static void wait_for_tables(rc_lane_t *lane);

void rc_lane_start_reading(void *opaque)
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
        rc_lane_start_reading(lane);
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
    if (RC_MUTANT(LANE_EARLY))
        rc_lane_start_reading(lane);
    else
        wait_for_tables(lane);
}

/* --- giving up --- */

static bool is_started(const rc_record_t *record)
{
    return record->state == RC_RECORD_UNDER_WAY || record->state == RC_RECORD_BARRIER;
}

/* Forgets the records that were not started, or all. All are marked first: forgetting one gives its person's next
 * record the turn, which must not end the one that this list goes on with. */
static void end_records(rc_lane_t *lane, bool all, void (*end)(rc_record_t *record))
{
    rc_record_t *record, *next;
    TAILQ_FOREACH(record, &lane->records, of_lane)
    record->given_up |= all || !is_started(record);
    for (record = TAILQ_FIRST(&lane->records); record; record = next) {
        next = TAILQ_NEXT(record, of_lane);
        if (record->given_up) end(record);
    }
}

static size_t count_under_way(const rc_lane_t *lane)
{
    const rc_record_t *record;
    size_t count = 0;
    TAILQ_FOREACH(record, &lane->records, of_lane)
    count += !record->given_up && record->assignment == lane->assignment;
    return count;
}

static void free_parts(rc_lane_t *lane)
{
    size_t count = lane->topic_count * (size_t)lane->engine->config->kafka.partitions;
    for (size_t i = 0; i < count; i++) {
        if (lane->parts[i]) rc_part_free(lane->parts[i]);
        lane->parts[i] = NULL;
    }
}

/* Forgets all that is in memory and not on its way to Kafka. What is not committed counts as never done. */
static void drop_work(rc_lane_t *lane)
{
    end_records(lane, true, rc_work_give_up);
    rc_batch_drop(lane->engine->batch, lane->type);
    rc_fresh_drop(lane->engine->fresh, lane->type);
    free_parts(lane);
}

static void give_up_partitions(rc_lane_t *lane)
{
    rc_error_t error = RC_ERROR_INIT;
    if (rc_kafka_consumer_unassign(lane->consumer, &error) != RC_OK)
        rc_log(RC_LEVEL_WARN, "partitions could not be given up", RC_LOG_STR(GROUP, lane->group_id),
               RC_LOG_ERR(&error));
}

void rc_lane_end_assignment(rc_lane_t *lane)
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

static void unassign(rc_lane_t *lane)
{
    rc_lane_end_assignment(lane);
    if (lane->consumer) give_up_partitions(lane);
    if (lane->stopping) rc_engine_lane_idle(lane->engine);
}

void rc_lane_on_assign(rc_lane_t *lane, const rc_kafka_event_t *event)
{
    rc_log(RC_LEVEL_INFO, "partitions assigned", RC_LOG_STR(GROUP, lane->group_id),
           RC_LOG_INT(PARTITIONS, event->partition_count));
    rc_lane_end_assignment(lane); /* one without partitions is not revoked */
    if (lane->stopping) {
        unassign(lane);
        return;
    }
    take_assigned(lane, event);
    lane->group = rc_kafka_consumer_group(lane->consumer);
    start_assignment(lane);
}

/* --- draining --- */

bool rc_lane_is_dirty(const rc_lane_t *lane)
{
    size_t count = lane->topic_count * (size_t)lane->engine->config->kafka.partitions;
    for (size_t i = 0; i < count; i++)
        if (lane->parts[i] && rc_part_is_dirty(lane->parts[i])) return true;
    return false;
}

void rc_lane_check_drain(rc_lane_t *lane)
{
    if (lane->state != RC_LANE_DRAINING || count_under_way(lane) > 0) return;
    if (rc_lane_is_dirty(lane) || rc_committer_is_busy(lane->engine->committer))
        rc_engine_commit_soon(lane->engine);
    else
        unassign(lane);
}

void rc_lane_drain_over(void *opaque)
{
    rc_lane_t *lane = opaque;
    if (lane->state == RC_LANE_LOST) {
        rc_error_t error;
        (void)rc_error_set(&error, RC_OWNERSHIP, RC_FATAL, "the group refused a commit and did not revoke");
        rc_lane_reopen(lane, &error);
        return;
    }
    size_t unfinished = count_under_way(lane);
    if (unfinished > 0) /* whoever reads the partitions next works these again */
        rc_log(RC_LEVEL_WARN, "not finished within drain_timeout, to be worked again",
               RC_LOG_STR(GROUP, lane->group_id), RC_LOG_INT(COUNT, unfinished));
    end_records(lane, true, rc_work_leave);
    rc_lane_check_drain(lane);
}

static void drain(rc_lane_t *lane)
{
    if (lane->state == RC_LANE_IDLE || lane->state == RC_LANE_DRAINING) return;
    if (lane->state == RC_LANE_LOST) {
        unassign(lane);
        return;
    }
    lane->state = RC_LANE_DRAINING;
    end_records(lane, false, rc_work_give_up);
    rc_loop_timer_start(lane->drain_timer, lane->engine->config->consumer.drain_timeout_ms, 0);
    rc_lane_check_drain(lane);
}

void rc_lane_on_revoke(rc_lane_t *lane, const rc_kafka_event_t *event)
{
    rc_log(RC_LEVEL_INFO, event->lost ? "partitions lost" : "partitions revoked", RC_LOG_STR(GROUP, lane->group_id),
           RC_LOG_INT(PARTITIONS, event->partition_count));
    if (lane->state == RC_LANE_IDLE || lane->state == RC_LANE_LOST || event->lost)
        unassign(lane);
    else
        drain(lane);
}

/* The partitions may be somebody else's. Where a REVOKE is being answered no second one would come. */
void rc_lane_on_lost(rc_lane_t *lane)
{
    if (lane->state == RC_LANE_DRAINING) {
        unassign(lane);
        return;
    }
    rc_lane_end_assignment(lane);
    lane->state = RC_LANE_LOST;
    rc_loop_timer_start(lane->drain_timer, LOST_MS, 0);
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
    give_up_partitions(lane);
    start_assignment(lane);
}

void rc_lane_stop(rc_lane_t *lane)
{
    lane->stopping = true;
    drain(lane);
}

bool rc_lane_is_idle(const rc_lane_t *lane)
{
    return lane->state == RC_LANE_IDLE;
}
