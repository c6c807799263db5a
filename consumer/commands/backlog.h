/* What is published and what is not applied yet, of one integration: the snapshots, each lane's ledger, and the records
 * beyond what each lane has committed, those in the retry topics too. For `audit` and `plan`. Joins no group, commits
 * and writes nothing.
 *
 * A company is worked through in waves of partitions, so that memory does not grow with it; everything about an
 * employee is in one partition. One thread. */
#ifndef RC_CONSUMER_BACKLOG_H
#define RC_CONSUMER_BACKLOG_H

#include "common/history.h"
#include "common/map.h"

/* A record that a lane has not finished. */
typedef struct rc_waiting {
    struct rc_waiting *next;
    rc_event_type_t lane;
    bool from_event_topic; /* else from a retry topic */
    bool unreadable;       /* nobody knows its schema, or it is none: the next run parks or dead-letters it */
    int64_t version;
    bool unanswered; /* headers */
    bool waits_for_manager;
    bool replayed;
    int conflict_attempts;
    rc_park_reason_t reason;
    rc_topic_kind_t kind; /* what it is decoded as */
    const void *value;
    size_t value_bytes;
} rc_waiting_t;

typedef struct {
    const char *employee_id;
    int32_t partition;
    void *snapshot; /* as on Kafka; NULL: there is none */
    size_t snapshot_bytes;
    struct {
        bool known;
        rc_outcome_t outcome;
        int64_t version;
    } ledger[RC_EVENT_COUNT];
    rc_waiting_t *waiting; /* in the order in which a lane reads them; by lane: created, deactivated, then the others */
} rc_backlog_person_t;

typedef struct rc_backlog rc_backlog_t;

/* Borrows all but the error. Returns new (free with rc_backlog_free). Asks what the groups have committed: what is
 * finished later still counts as waiting, unless the ledger says otherwise. */
rc_code_t rc_backlog_new(rc_history_t *history, const rc_config_t *config, const char *integration_id,
                         int64_t timeout_ms, const atomic_bool *cancelled, rc_backlog_t **backlog, rc_error_t *error);
void rc_backlog_free(rc_backlog_t *backlog); /* NULL is fine */

/* The next wave: forgets the former one's people and reads those of some more partitions; *more is false, and nobody is
 * read, when all were. `only` (NULL: everybody): employee ids as keys; partitions without any of them are passed over.
 * The snapshots are as new as the records, or newer. */
rc_code_t rc_backlog_next_wave(rc_backlog_t *backlog, const rc_map_t *only, bool *more, rc_error_t *error);
/* Begins with the first wave again. What the groups have committed is asked once more. */
rc_code_t rc_backlog_rewind(rc_backlog_t *backlog, rc_error_t *error);

/* The people of the wave, one after the other; *cursor begins at 0. NULL: the end. */
const rc_backlog_person_t *rc_backlog_next(const rc_backlog_t *backlog, size_t *cursor);

/* Decodes. *found is false when there is none, or (person->snapshot says so, and the log) one that can never be read.
 * In the arena. */
rc_code_t rc_backlog_snapshot(rc_backlog_t *backlog, const rc_backlog_person_t *person, rc_arena_t *arena,
                              rc_snapshot_t *snapshot, bool *found, rc_error_t *error);
rc_code_t rc_backlog_event(rc_backlog_t *backlog, const rc_waiting_t *waiting, rc_arena_t *arena, rc_event_t *event,
                           rc_error_t *error);

/* Rule S1 for a record of the person: why it is skipped; NULL: it is not. */
const char *rc_backlog_skips(const rc_backlog_person_t *person, const rc_waiting_t *waiting);

/* Records of the waves so far that wait and are not skipped; and of those the ones that nobody can read. */
int64_t rc_backlog_waiting(const rc_backlog_t *backlog);
int64_t rc_backlog_unreadable(const rc_backlog_t *backlog);

#endif
