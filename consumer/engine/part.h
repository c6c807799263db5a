/* One assigned partition of one of a lane's topics: its records in their order, those that have to wait (not due,
 * schema unknown), and what may be committed of it. The loop's thread only. */
#ifndef RC_CONSUMER_PART_H
#define RC_CONSUMER_PART_H

#include "common/kafka.h"
#include "consumer/engine/lane.h"

/* Makes the partition of an assignment and puts it into lane->parts. */
void rc_part_add(rc_lane_t *lane, const rc_kafka_offset_t *place);
/* Frees it with what it holds back. */
void rc_part_free(rc_part_t *part);

/* Frees what waits for schemas, at the end of the lane: nobody calls back any more. */
void rc_part_free_waits(rc_lane_t *lane);

/* Adds or takes away one reason (RC_PAUSED_) not to read it. */
void rc_part_set_paused(rc_part_t *part, unsigned reason, bool on);
/* Takes a message that was read: hands it on, or holds it back. Nothing when the lane does not read. False: it lies
 * before one that was read already, and was not taken. */
bool rc_part_take(rc_lane_t *lane, const rc_kafka_message_t *message);
/* Takes note of the end that was met. False: a partition that ends there cannot be the one whose records were read
 * here. */
bool rc_part_note_end(const rc_lane_t *lane, const rc_kafka_offset_t *end);
/* Whether there is something to commit. */
bool rc_part_is_dirty(const rc_part_t *part);

#endif
