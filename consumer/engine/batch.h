/* What one transaction of a consumer holds: the outcomes of records, by lane. The loop fills a batch while the
 * committer writes the one before; a batch belongs to one of them at a time. */
#ifndef RC_CONSUMER_BATCH_H
#define RC_CONSUMER_BATCH_H

#include "common/domain.h"
#include "common/kafka.h"
#include "common/kafka_txn.h"
#include "common/mem.h"

/* Dead letters of one integration for one reason. */
typedef struct {
    const char *integration_id; /* "": none that we know */
    const char *reason;         /* static */
    int64_t count;
} rc_batch_dead_t;

typedef struct {
    rc_kafka_record_t *records; /* ledger entries, retry and dead-letter records */
    size_t record_count;
    size_t record_capacity;
    rc_batch_dead_t *dead; /* among the records */
    size_t dead_count;
    rc_kafka_offset_t *offsets; /* the low watermark of each partition that a record touched; set when it is sealed */
    size_t offset_count;
    rc_kafka_group_t *group; /* of the assignment under which all of it was read; NULL: the lane has nothing here */
    uint64_t assignment;
    bool lost; /* the group refused it: nothing of this lane was written */
} rc_batch_lane_t;

typedef struct {
    rc_arena_t *arena;
    rc_batch_lane_t lanes[RC_EVENT_COUNT];
    size_t number;   /* rc_fresh_seal */
    size_t outcomes; /* records that found their outcome here */
} rc_batch_t;

/* Returns new (free with rc_batch_free). */
rc_batch_t *rc_batch_new(void);
void rc_batch_free(rc_batch_t *batch); /* NULL is fine */

/* Adds a record to a lane's part; copies all of it. */
void rc_batch_add(rc_batch_t *batch, rc_event_type_t lane, const rc_kafka_record_t *record);
/* Notes that one of the records is a dead letter, for those who are told when it is committed. */
void rc_batch_note_dead(rc_batch_t *batch, rc_event_type_t lane, const char *integration_id, const char *reason);
/* Throws a lane's part away. */
void rc_batch_drop(rc_batch_t *batch, rc_event_type_t lane);
/* Gives a lane's part its offsets (copied, at least one) and membership (takes it). */
void rc_batch_seal(rc_batch_t *batch, rc_event_type_t lane, const rc_kafka_offset_t *offsets, size_t count,
                   rc_kafka_group_t *group, uint64_t assignment);
/* Whether any lane was sealed. */
bool rc_batch_is_sealed(const rc_batch_t *batch);

#endif
