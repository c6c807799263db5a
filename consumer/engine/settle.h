/* The outcome of a record, into the open batch: ledger entry, retry or dead-letter record, metrics and log line (design
 * section 5, "Exactly-once effect" and "Parking"). Every function but rc_settle_skipped ends the record. The loop's
 * thread only. */
#ifndef RC_CONSUMER_SETTLE_H
#define RC_CONSUMER_SETTLE_H

#include "consumer/engine/record.h"

/* Done as record->result says; without the manager it is parked once more for that alone, or finished without. */
void rc_settle_applied(rc_record_t *record);
/* S1: nothing was left to do. The caller releases the record. */
void rc_settle_skipped(rc_record_t *record);
/* Into a retry topic, for that lane. */
void rc_settle_parked(rc_record_t *record, rc_event_type_t lane, const rc_parking_decision_t *decision,
                      const char *message);
/* It may not be sent now, and more is held in memory than should be, or its lane must not wait for it: into a retry
 * topic, uncounted. `why` stands in its headers. */
void rc_settle_held(rc_record_t *record, const char *why);
/* A record that cannot be worked on: into the last tier, uncounted. */
void rc_settle_unknown(rc_record_t *record, rc_park_reason_t reason, const char *message);
/* Into the dead letters. */
void rc_settle_dead(rc_record_t *record, const rc_parking_decision_t *decision, const char *message);
/* Bytes that no schema reads: into the dead letters, raw; beyond the integration's budget into a retry topic,
 * uncounted.
 */
void rc_settle_poison(rc_record_t *record, const char *message);

#endif
