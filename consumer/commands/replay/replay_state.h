/* The inside of the command `replay`, private to its folder: replay.c says what is done, replay_read.c
 * finds out whom it concerns, replay_write.c moves the groups. The main thread. */
#ifndef RC_CONSUMER_REPLAY_STATE_H
#define RC_CONSUMER_REPLAY_STATE_H

#include "common/cli.h"
#include "common/history.h"
#include "common/kafka_admin.h"
#include "common/kafka_txn.h"
#include "common/map.h"
#include "consumer/rules/replay.h"

/* One employee in one lane. */
typedef struct {
    rc_event_type_t lane;
    int32_t partition;
    rc_replay_events_t events;
    bool has_entry;
    rc_ledger_entry_t entry; /* version, outcome and user alone */
    rc_replay_t judged;
    size_t key_bytes;
    char key[]; /* of the ledger: "<event type>:<employee key>" */
} rc_replay_person_t;

/* One concerned consumer group. */
typedef struct {
    rc_event_type_t type;
    const char *group_id;
    const char *topic;
    rc_kafka_offset_t *from;      /* by partition: the first record since the moment */
    rc_kafka_offset_t *committed; /* what the group is past; RC_OFFSET_NONE: nothing */
    rc_kafka_offset_t *first;     /* the first record that there is */
    int64_t events;
    int64_t unreadable;
    int64_t people[RC_REPLAY_COUNT];
    rc_wall_t kept_since; /* where Kafka's records begin after the moment: the earliest; 0: they do not */
    bool moved;           /* its last transaction is committed */
} rc_replay_lane_t;

typedef struct {
    const rc_args_t *args;
    rc_config_t *config;
    atomic_bool cancelled;
    rc_arena_t *arena;
    rc_kafka_t *kafka;
    rc_kafka_admin_t *admin;
    rc_history_t *history;
    rc_kafka_txn_t *txn;
    size_t partitions;
    rc_replay_lane_t lanes[RC_EVENT_COUNT];
    size_t lane_count;
    rc_map_t *people; /* by ledger key */
} rc_replay_run_t;

enum { RC_REPLAY_ANSWER_MS = 30000 };

/* Takes the name under which it writes: what an attempt that died left open ends, and holds up nobody who asks for the
 * group's places. Closed with the run. */
rc_code_t rc_replay_open(rc_replay_run_t *run, rc_error_t *error);
/* Fills in the places of every lane: first, from, committed. */
rc_code_t rc_replay_find_places(rc_replay_run_t *run, rc_error_t *error);
/* Reads the events since the moment and the ledger, and judges everybody. */
rc_code_t rc_replay_find_people(rc_replay_run_t *run, rc_error_t *error);

/* Whether the group of the lane is past what is to be read again in that partition. */
static inline bool rc_replay_is_past(const rc_replay_lane_t *lane, size_t partition)
{
    return lane->committed[partition].offset > lane->from[partition].offset;
}
/* The partitions of which that is so. */
size_t rc_replay_moves(const rc_replay_run_t *run, const rc_replay_lane_t *lane);

/* The members of a lane's group, in the run's arena. */
rc_code_t rc_replay_members(rc_replay_run_t *run, const rc_replay_lane_t *lane, const rc_kafka_member_t **members,
                            size_t *count, rc_error_t *error);

/* Resets the ledger entries of each lane and then moves its group back. RC_OWNERSHIP: somebody joined meanwhile. */
rc_code_t rc_replay_write(rc_replay_run_t *run, rc_error_t *error);

#endif
