/* The steps of a run, private to producer/poll*: looking at people and putting what differs on the stage, then
 * publishing the stage. */
#ifndef RC_PRODUCER_POLL_STEPS_H
#define RC_PRODUCER_POLL_STEPS_H

#include "producer/addresses.h"
#include "producer/poll.h"

typedef struct {
    const rc_poll_context_t *context;
    const rc_poll_order_t *order;
    const rc_sync_state_t *before;
    rc_poll_kind_t kind;
    rc_occasion_t occasion;
    rc_stage_t *stage;
    bool address_changes;    /* a staged change wants an address that the person does not have */
    rc_arena_t *record;      /* of the person at hand */
    rc_buf_t value;          /* of the record at hand, encoded */
    uint8_t *seen_snapshots; /* bitmaps by ordinal: looked at in this run */
    uint8_t *seen_pending;
    uint32_t snapshot_ordinals;
    uint32_t pending_ordinals;
    rc_kombo_result_t fetched;
    int64_t employed_rows; /* counted when everybody is looked at; -1: not */
    int64_t rows;
    rc_poll_result_t *result;
} rc_run_t;

/* Puts on the stage whatever this run finds. */
rc_code_t rc_run_look(rc_run_t *run, rc_error_t *error);
/* Publishes the sealed stage and the state behind it. */
rc_code_t rc_run_publish(rc_run_t *run, rc_arena_t *arena, rc_error_t *error);

#endif
