/* The inside of a lane, private to consumer/engine/lane*.c: lane.c has its handle and its queue, lane_assign.c an
 * assignment from its beginning to its end. Everything on the loop's thread. */
#ifndef RC_CONSUMER_LANE_STATE_H
#define RC_CONSUMER_LANE_STATE_H

#include "consumer/engine/lane.h"

/* --- lane_assign.c --- */

void rc_lane_on_assign(rc_lane_t *lane, const rc_kafka_event_t *event);
void rc_lane_on_revoke(rc_lane_t *lane, const rc_kafka_event_t *event);
/* The group refused a commit: the partitions may be somebody else's. */
void rc_lane_on_lost(rc_lane_t *lane);
/* The assignment is over: what is left of it is forgotten. */
void rc_lane_end_assignment(rc_lane_t *lane);
/* Ends a drain when nothing is under way and everything is committed. */
void rc_lane_check_drain(rc_lane_t *lane);
/* Whether something finished is not committed yet. */
bool rc_lane_is_dirty(const rc_lane_t *lane);

/* Timers (the lane): quiet_timer, drain_timer. */
void rc_lane_start_reading(void *opaque);
void rc_lane_drain_over(void *opaque);

/* --- lane.c --- */

/* The handle is dead: it is closed, and opened anew in a moment. */
void rc_lane_reopen(rc_lane_t *lane, const rc_error_t *error);

#endif
