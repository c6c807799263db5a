/* What the producers' topics show, for commands that print it: states, pending changes and snapshots, read to their
 * ends as they are now. No local tables: it works beside a running producer, on any machine, and in seconds with a
 * million employees, as nothing is decoded that was not asked for. One thread. */
#ifndef RC_PRODUCER_READING_H
#define RC_PRODUCER_READING_H

#include <stdatomic.h>

#include "common/enroll.h"
#include "common/kafka.h"

typedef struct rc_reading rc_reading_t;

/* Borrows config and *cancelled. Reads the writers' schemas. Returns new (free with rc_reading_free). */
rc_code_t rc_reading_new(const rc_config_t *config, const atomic_bool *cancelled, rc_reading_t **reading,
                         rc_error_t *error);
void rc_reading_free(rc_reading_t *reading); /* NULL is fine */
const rc_kafka_t *rc_reading_kafka(const rc_reading_t *reading);

/* An integration. */
typedef struct {
    const rc_integration_t *integration;
    bool seen; /* a state was published ever; else all below is zero */
    rc_sync_state_t state;
    int64_t waiting[RC_PENDING_COUNT]; /* people by reason; one may wait for several */
    int64_t waiting_people;
} rc_overview_t;

/* Of every integration of the configuration, in its order, or of that one. In the arena. */
rc_code_t rc_reading_overviews(rc_reading_t *reading, const char *integration_id, rc_arena_t *arena,
                               rc_overview_t **overviews, size_t *count, rc_error_t *error);

/* Somebody who is in a hold. */
typedef struct {
    rc_pending_t pending;
    const rc_hold_ref_t *ref;      /* to that hold */
    const rc_snapshot_t *snapshot; /* NULL: never announced */
} rc_held_t;

/* Everybody in a hold of an integration, by employee id. In the arena. */
rc_code_t rc_reading_held(rc_reading_t *reading, const char *integration_id, const char *hold_id, rc_arena_t *arena,
                          rc_held_t **held, size_t *count, rc_error_t *error);

#endif
