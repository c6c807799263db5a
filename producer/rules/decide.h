/* All pure rules about one employee in a row: from what a fetch or the clock brought to what is published, kept pending
 * or left alone. The engine calls this for every record that it reads and for every stored person whose day has come,
 * puts brakes and collisions on top, and writes what comes out. Pure; any thread. */
#ifndef RC_PRODUCER_DECIDE_H
#define RC_PRODUCER_DECIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/domain.h"
#include "common/mem.h"
#include "producer/rules/diff.h"
#include "producer/rules/projection.h"
#include "producer/rules/verdict.h"

/* What the engine keeps beside the encoded row of its snapshot table, so that an unchanged employee is recognised
 * without decoding it. */
typedef struct {
    uint64_t hash; /* rc_employee_hash64 */
    rc_standing_t standing;
} rc_digest_t;

rc_digest_t rc_digest_of(const rc_snapshot_t *snapshot);

/* The short way of a full scan: whether this record, read and not pending, changes nothing: it neither publishes nor
 * stores anything. `row` is NULL for who was never published. False: decode the row and call rc_decide_record. */
bool rc_record_is_settled(rc_arena_t *arena, const rc_occasion_t *occasion, const rc_kombo_employee_t *record,
                          const rc_digest_t *row);

typedef struct {
    rc_employee_t employee; /* the newest projection; absent as a whole when nothing was ever known */
    rc_facts_t facts;
    rc_verdict_t verdict;
    rc_diff_t diff; /* what would be published; nothing for WAIT and IGNORE */
    /* What the log may say of a record. */
    const char *scope_setting;
    uint32_t unreadable;
} rc_decision_t;

/* A record was read. `snapshot` and `pending` are what is stored, or NULL. All that comes out borrows from what goes in
 * and from the arena. */
void rc_decide_record(rc_arena_t *arena, const rc_occasion_t *occasion, const rc_kombo_employee_t *record,
                      rc_look_t look, const rc_snapshot_t *snapshot, const rc_pending_t *pending,
                      rc_decision_t *decision);

/* A full fetch that ended normally did not have a stored person. At least one of snapshot and pending is there. */
void rc_decide_missing(rc_arena_t *arena, const rc_occasion_t *occasion, const rc_snapshot_t *snapshot,
                       const rc_pending_t *pending, rc_decision_t *decision);

/* No record: a stored person is decided again, because of the date, a name that changed, or what held them. At least
 * one of snapshot and pending is there. */
void rc_decide_stored(rc_arena_t *arena, const rc_occasion_t *occasion, const rc_snapshot_t *snapshot,
                      const rc_pending_t *pending, rc_decision_t *decision);

/* What keeps a decision from being published beside its own verdict. */
typedef struct {
    uint32_t reasons; /* 1u << rc_pending_reason_t: EMAIL_COLLISION, HELD, REJECTED, PAUSED */
    const rc_hold_ref_t *holds;
    size_t hold_count;
    const char *replaces;
    const char *rejected_digest;
} rc_obstacles_t;

typedef enum {
    RC_PENDING_NOTHING,  /* none was stored and none is needed, or the stored one says the same already */
    RC_PENDING_WRITE,    /* *next takes the place of what is stored */
    RC_PENDING_TOMBSTONE /* what is stored is to be erased: published, equal to the snapshot, or of no concern */
} rc_pending_action_t;

/* What becomes of the pending record. `obstacles` NULL: none. `since` is kept while any reason lasts (for an absence:
 * while that absence lasts), `effective_date` while the reason to be gone does, so that deciding again every hour
 * writes nothing. *next borrows from all arguments. A decision with events and no obstacle is taken as published. */
rc_pending_action_t rc_pending_next(const rc_occasion_t *occasion, const char *employee_id, const rc_pending_t *stored,
                                    const rc_decision_t *decision, const rc_obstacles_t *obstacles, rc_pending_t *next);

/* The record itself, whatever its reasons (none when nothing stands in the way): what the stage of a poll keeps of a
 * decision with events. rc_decide_stored with it as `pending` comes to the same decision again. */
rc_pending_t rc_pending_of(const rc_occasion_t *occasion, const char *employee_id, const rc_pending_t *stored,
                           const rc_decision_t *decision, const rc_obstacles_t *obstacles);

/* Whether two records say the same. */
bool rc_pending_equal(const rc_pending_t *a, const rc_pending_t *b);

#endif
