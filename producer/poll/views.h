/* What a producer knows locally, of all integrations: snapshots, states and pending changes as views that only the tail
 * writes. Any thread, but for new and free. */
#ifndef RC_PRODUCER_VIEWS_H
#define RC_PRODUCER_VIEWS_H

#include <stdatomic.h>

#include "common/codec.h"
#include "common/enroll.h"
#include "common/kafka.h"
#include "common/metrics.h"
#include "common/tail.h"
#include "producer/poll/roll.h"

typedef struct rc_views rc_views_t;

/* The topics that are followed, in the order of rc_tail_target_t.topic. */
typedef enum { RC_VIEW_SNAPSHOT, RC_VIEW_STATE, RC_VIEW_PENDING, RC_VIEW_SCHEMAS, RC_VIEW_COUNT } rc_view_t;

/* Opens the store (RC_CONFLICT: another process of this instance holds it) and starts the tail. Borrows all. Returns
 * new (free with rc_views_free). Schemas that only the registry knows are asked for where a row of theirs is decoded.
 *
 * A record that cannot be read, or whose key belongs to another partition, is passed over with a warning and counted:
 * what its key had before stays. Where there is nothing before it, in files of an earlier release or in a topic that
 * was compacted since, it counts as none: the next poll announces the person again, and writes a row that can be read.
 */
rc_code_t rc_views_new(const rc_kafka_t *kafka, const rc_enrolment_t *enrolment, rc_metrics_t *metrics,
                       rc_views_t **views, rc_error_t *error);
/* A picture for a command beside the services: what Kafka had at the call, open transactions of others included, in a
 * store of its own in `directory` (which stays), and followed no more. Without `topics` there are none yet, and it is
 * empty. RC_CANCELLED. */
rc_code_t rc_views_picture(const rc_kafka_t *kafka, const rc_enrolment_t *enrolment, const char *directory, bool topics,
                           const atomic_bool *cancelled, rc_views_t **views, rc_error_t *error);
void rc_views_free(rc_views_t *views); /* NULL is fine */

/* Waits until the views hold everything that Kafka has at the time of the call, open transactions of others included
 * (design section 4, "Takeover"). */
rc_code_t rc_views_catch_up(rc_views_t *views, const atomic_bool *cancelled, rc_error_t *error);
/* Waits until they hold what was just committed (rc_published_t). */
rc_code_t rc_views_follow(rc_views_t *views, const rc_kafka_offset_t *published, size_t count,
                          const atomic_bool *cancelled, rc_error_t *error);
/* Whether the tail has seen, for every partition, the end that was there at the start. */
bool rc_views_are_ready(rc_views_t *views, char *why, size_t why_bytes);

/* Changes whenever rows of a table are thrown away to be read anew: whoever saw another value since they caught up
 * cannot trust what they read. */
uint64_t rc_views_life(const rc_views_t *views);
/* Grows when a topic turned out to be made anew, or cut: rows that were published are gone for ever, perhaps. Known no
 * later than the life that follows. */
uint64_t rc_views_losses(const rc_views_t *views);

/* Grows with every change of the views: what was read after asking for it holds as long as it stays the same. */
uint64_t rc_views_edition(const rc_views_t *views);

/* A row decoded into the arena; *found is false when there is none that can be read. */
rc_code_t rc_views_snapshot(rc_views_t *views, const char *integration_id, const char *employee_id, rc_arena_t *arena,
                            rc_snapshot_t *snapshot, bool *found, rc_error_t *error);
rc_code_t rc_views_pending(rc_views_t *views, const char *integration_id, const char *employee_id, rc_arena_t *arena,
                           rc_pending_t *pending, bool *found, rc_error_t *error);
rc_code_t rc_views_state(rc_views_t *views, const char *integration_id, rc_arena_t *arena, rc_sync_state_t *state,
                         bool *found, rc_error_t *error);

/* All that is stored of somebody; NULL where there is nothing. The ordinals mark both rows as seen in a bitmap
 * (UINT32_MAX: no row). */
typedef struct {
    const rc_snapshot_t *snapshot;
    const rc_pending_t *pending;
    uint32_t snapshot_ordinal;
    uint32_t pending_ordinal;
    rc_snapshot_t snapshot_row; /* which the pointers are to */
    rc_pending_t pending_row;
} rc_person_t;
rc_code_t rc_views_person(rc_views_t *views, const char *integration_id, const char *employee_id, rc_arena_t *arena,
                          rc_person_t *person, rc_error_t *error);

/* How many of an integration have a snapshot, those who have left included. */
rc_code_t rc_views_published(rc_views_t *views, const char *integration_id, int64_t *count, rc_error_t *error);

/* Calls the roll of an integration: as of one moment, decoding the rows that it does not know. */
rc_code_t rc_views_call_roll(rc_views_t *views, const char *integration_id, rc_roll_t *roll, rc_error_t *error);

/* Every row of an integration, decoded into an arena that is reset after each; a row that can never be read is passed
 * over, one whose schema is not to be had ends the scan with that error. `visit` must not wait; returning false ends
 * the scan. `pass` (may be NULL) is asked first; true: the row is neither decoded nor visited. */
rc_code_t rc_views_each_snapshot(rc_views_t *views, const char *integration_id,
                                 bool (*pass)(void *opaque, const char *employee_id, size_t id_bytes, uint32_t ordinal),
                                 bool (*visit)(void *opaque, const rc_snapshot_t *snapshot, uint32_t ordinal),
                                 void *opaque, rc_error_t *error);
rc_code_t rc_views_each_pending(rc_views_t *views, const char *integration_id,
                                bool (*visit)(void *opaque, const rc_pending_t *pending, uint32_t ordinal),
                                void *opaque, rc_error_t *error);
/* Ordinals of snapshots and pending changes are below these. */
rc_code_t rc_views_ordinals(rc_views_t *views, uint32_t *snapshots, uint32_t *pending, rc_error_t *error);

#endif
