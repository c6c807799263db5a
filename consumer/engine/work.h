/* A record's way from its person's queue to its outcome: skip, wait at the site, apply, barrier, and again when N moved
 * (rules S1, S3, S4). docs/architecture.md draws it. The loop's thread only. */
#ifndef RC_CONSUMER_WORK_H
#define RC_CONSUMER_WORK_H

#include "consumer/engine/record.h"

/* Takes a decoded record of whatever integration. */
void rc_work_take(rc_record_t *record);
/* Starts the head of a person's queue if nothing holds it. */
void rc_work_advance(rc_person_t *person);
/* Starts a record that has its slot. */
void rc_work_begin(rc_record_t *record);
/* The record's partition is gone, perhaps to somebody who writes newer states: nothing more is sent for it, and it is
 * forgotten, now or when the barrier that it waits for is answered. */
void rc_work_give_up(rc_record_t *record);
/* Likewise, but what is finished can still be committed: a record of which a write is under way is parked and marked as
 * unanswered. Whoever has the partition next sends at once, and the write may take effect after that: the mark brings
 * the record back (S1). */
void rc_work_leave(rc_record_t *record);
/* Ends a record wherever it stands, at the process's end. */
void rc_work_abandon(rc_record_t *record);

#endif
