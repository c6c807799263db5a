/* The steps of a run, private to producer/poll/poll*: looking at people and putting what differs on the stage, then
 * publishing the stage. */
#ifndef RC_PRODUCER_POLL_STEPS_H
#define RC_PRODUCER_POLL_STEPS_H

#include "producer/poll/addresses.h"
#include "producer/poll/poll.h"
#include "producer/poll/stage.h"
#include "producer/rules/brakes.h"

/* Rows of a table that this run has dealt with, by ordinal. */
typedef struct {
    uint8_t *bits;
    uint32_t count;
} rc_seen_t;

enum { RC_POLL_OVERLAP_MS = 120000 }; /* design section 4: `updated_after` is kept back by it */

/* What stands on the stage of one person: as value an encoded PendingChange (of a tombstone nothing), as tag this. */
typedef enum { RC_STAGED_CHANGE, RC_STAGED_PENDING, RC_STAGED_TOMBSTONE } rc_staged_kind_t;
typedef struct {
    rc_braked_t braked;
    rc_staged_kind_t kind : 2;
    bool has_snapshot : 1; /* before this run */
    bool has_pending : 1;
} rc_tag_t;
_Static_assert(sizeof(rc_tag_t) == sizeof(uint64_t), "a tag of the stage");

typedef struct {
    const rc_poll_context_t *context;
    const rc_poll_order_t *order;
    const rc_sync_state_t *before;
    rc_poll_kind_t kind;
    rc_mono_t began; /* when `occasion.now` was */
    rc_occasion_t occasion;
    uint64_t views_life; /* of the views that the run began with (rc_views_life) */
    rc_brakes_t *brakes;
    rc_stage_t *stage;
    bool address_changes; /* a staged change wants an address that the person does not have */
    rc_arena_t *record;   /* of the person at hand */
    rc_buf_t value;       /* of the record at hand, encoded */
    rc_seen_t snapshots;
    rc_seen_t pending;
    rc_kombo_result_t fetched;
    rc_poll_result_t *result;
} rc_run_t;

void rc_seen_add(rc_seen_t *seen, uint32_t ordinal); /* one beyond the count was given out later: not ours */
bool rc_seen_has(const rc_seen_t *seen, uint32_t ordinal);

/* What was decided about somebody goes on the stage: a change that would be published, a pending record to write or to
 * erase, or nothing. A later decision about the same person takes the place of an earlier one. */
rc_code_t rc_run_stage(rc_run_t *run, const char *employee_id, const rc_snapshot_t *snapshot,
                       const rc_pending_t *stored, const rc_decision_t *decision, rc_error_t *error);

/* Puts on the stage whatever this run finds. */
rc_code_t rc_run_look(rc_run_t *run, rc_error_t *error);
/* Groups and locations that changed: Kombo does not report their members as changed (docs/kombo.md, `updated_after`).
 */
rc_code_t rc_run_follow_names(rc_run_t *run, rc_error_t *error);
/* From when on an incremental fetch asks for changes; 0 for a full one. */
rc_wall_t rc_run_updated_after(const rc_run_t *run);
/* Runs a listing, again from its start (at most three times) when its cursor expires. */
rc_code_t rc_run_list(rc_run_t *run, rc_code_t (*list)(void *opaque, const rc_kombo_query_t *query, rc_error_t *error),
                      void *opaque, const rc_kombo_query_t *query, rc_error_t *error);

/* Publishes the sealed stage and the state behind it. */
rc_code_t rc_run_publish(rc_run_t *run, rc_arena_t *arena, rc_error_t *error);

#endif
