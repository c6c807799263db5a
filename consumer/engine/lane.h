/* A lane: the consumer group of one event type, from the topic and all retry topics to records, and back to offsets.
 * Everything on the loop's thread.
 *
 *   IDLE      no partitions
 *   STARTING  assigned; waits until the local tables have what was published before (and consumer/rules/quiet)
 *   RUNNING   reads
 *   DRAINING  partitions are to be given up: nothing new is read or started, what is under way may end
 *   LOST      the group refused a commit: nothing is left of the assignment; the REVOKE that says so is awaited */
#ifndef RC_CONSUMER_LANE_H
#define RC_CONSUMER_LANE_H

#include "common/kafka_consumer.h"
#include "common/loop.h"
#include "common/offsets.h"
#include "consumer/engine/batch.h"
#include "consumer/engine/record.h"

struct rc_schema_wait; /* consumer/engine/part.c */

typedef enum { RC_LANE_IDLE, RC_LANE_STARTING, RC_LANE_RUNNING, RC_LANE_DRAINING, RC_LANE_LOST } rc_lane_state_t;

/* One assigned partition of one of the lane's topics. */
typedef struct {
    rc_lane_t *lane;
    size_t topic;
    int32_t partition;
    rc_offsets_t offsets;
    int64_t eof;             /* where the end was met last; -1: never */
    bool touched;            /* a record of it is in the open batch */
    unsigned paused;         /* why it is not read: bits of RC_PAUSED_ */
    rc_record_queue_t held;  /* records that came and have to wait in their order */
    rc_loop_timer_t *timer;  /* until the head is due */
    rc_mono_t doubted_until; /* what was parked at a moment that has not come is due then; 0: no such record */
} rc_part_t;

enum { RC_PAUSED_NOT_DUE = 1, RC_PAUSED_SCHEMA = 2, RC_PAUSED_PRESSURE = 4 };

struct rc_lane {
    rc_engine_t *engine;
    rc_event_type_t type;
    rc_arena_t *names;
    const char **topics; /* the event topic, then the retry topics */
    size_t topic_count;
    char *group_id;
    char *member_name; /* group.instance.id: with the topic prefix, because the group's name has none, and the topics */
    rc_kafka_consumer_t *consumer;
    rc_loop_watch_t *watch;
    rc_loop_timer_t *again; /* more to poll, or a handle to open anew */
    rc_lane_state_t state;
    rc_part_t **parts; /* topic * partitions + partition; NULL: not assigned */
    rc_kafka_offset_t *assigned;
    size_t assigned_count;
    uint64_t assignment; /* 0: none */
    size_t barriers;     /* asked for and not answered, for earlier assignments too: all of them start it */
    rc_kafka_group_t *group;
    rc_record_queue_t records; /* all that have no outcome yet, held ones excepted */
    bool under_pressure;
    bool is_held; /* under pressure: the queue is not looked at for a moment */
    bool stopping;
    rc_mono_t fenced_at;          /* 0: never */
    rc_loop_timer_t *hold_timer;  /* runs while is_held */
    rc_loop_timer_t *quiet_timer; /* of STARTING: until this process may send */
    rc_loop_timer_t *drain_timer; /* also of LOST: how long a REVOKE is awaited */
    LIST_HEAD(, rc_schema_wait) schema_waits;
};

/* Returns new (free with rc_lane_free). Borrows the engine. */
rc_lane_t *rc_lane_new(rc_engine_t *engine, rc_event_type_t type);
void rc_lane_free(rc_lane_t *lane); /* NULL is fine */

/* Joins the group. */
void rc_lane_start(rc_lane_t *lane);
/* Begins to drain for good; rc_lane_is_idle tells when it has ended. */
void rc_lane_stop(rc_lane_t *lane);
bool rc_lane_is_idle(const rc_lane_t *lane);

/* Where the partition of a topic (index) stands in lane->parts. */
rc_part_t **rc_lane_part(const rc_lane_t *lane, size_t topic, int32_t partition);
/* The index of one of the lane's topics; topic_count: it is none of them. */
size_t rc_lane_topic(const rc_lane_t *lane, const char *topic);

/* Stops or goes on reading: the process holds as much as it should. */
void rc_lane_press(rc_lane_t *lane, bool under_pressure);

/* A record of this lane found its outcome, or was given up; its offset counts as finished unless it was given up. */
void rc_lane_finish(rc_lane_t *lane, rc_record_t *record);

/* Seals the lane's part of the batch: offsets and membership. Nothing when nothing changed. */
void rc_lane_seal(rc_lane_t *lane, rc_batch_t *batch);
/* The batch was committed (or, `lost`, refused by the group). Ends a drain when nothing is left. */
void rc_lane_committed(rc_lane_t *lane, const rc_batch_lane_t *part);
/* Throws away what is in memory and reads again from what is committed. */
void rc_lane_restart(rc_lane_t *lane);

#endif
