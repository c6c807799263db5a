/* The dead letters of the consuming application: what stands in its DLQ topic, which of it still waits for a person,
 * and how it is tried once more. For commands and the status page; one thread at a time with a history of its own.
 *
 * A dead letter is *open* while nothing became of it since: it was not sent once more, and the lane's ledger still says
 * DEAD at its version. A newer event of the same person, a replay or forgetting them settles it by itself.
 *
 * Sending one once more writes the record unchanged into the first retry tier, with its lane, no attempts counted and
 * the moment it was dead-lettered, by which the copy is known again. Rule S1 lets a retry record pass a ledger entry
 * that says DEAD; a second copy of a record that was applied meanwhile is skipped. */
#ifndef RC_COMMON_DEAD_LETTERS_H
#define RC_COMMON_DEAD_LETTERS_H

#include "common/history.h"

typedef enum {
    RC_DEAD_OPEN,   /* waits for a person */
    RC_DEAD_TRYING, /* was sent once more, and is either done by now or waits for its lane */
    RC_DEAD_SETTLED /* a newer record of the person, or of the same event, says what became of it */
} rc_dead_state_t;

/* Strings live in the arena. */
typedef struct {
    const char *topic; /* where it lies */
    int32_t partition;
    int64_t offset;
    const char *integration_id; /* NULL: its key is none of ours */
    const char *employee_id;
    const char *person; /* first and last name; NULL: the event cannot be read */
    int type;           /* of the event (rc_event_type_t); -1: not known */
    int lane;           /* whose record it is; -1: not known */
    bool is_sendable;   /* its lane is known, and the record was not too large to be copied */
    int64_t version;    /* 0: the event cannot be read */
    rc_park_reason_t reason;
    const char *message; /* the service's words, or ours; NULL: none */
    int64_t attempts;
    rc_wall_t first_failed_at; /* 0: not known */
    rc_wall_t dead_lettered_at;
    const char *origin_topic; /* where the event was first read; NULL: not known */
    int32_t origin_partition;
    int64_t origin_offset;
    const char *fault; /* why the event cannot be read; NULL: it can */
    rc_dead_state_t state;
    const char *became; /* what became of it, in words; NULL when open */
} rc_dead_letter_t;

/* Which of them. */
typedef struct {
    const char *integration_id; /* NULL: of all */
    const char *employee_id;    /* NULL: of everybody; not without integration_id */
    int reason;                 /* rc_park_reason_t; -1: any */
    rc_wall_t since;            /* dead-lettered at that moment or later; 0: all */
    int32_t partition;          /* -1: all */
    int64_t offset;             /* of the partition; -1: all */
} rc_dead_filter_t;

#define RC_DEAD_FILTER_INIT ((rc_dead_filter_t){.reason = -1, .partition = -1, .offset = -1})

/* All that the filter names up to the end as it is now, whatever their state, oldest first. In the arena. */
rc_code_t rc_dead_letters_read(rc_history_t *history, const rc_dead_filter_t *filter, const atomic_bool *cancelled,
                               rc_arena_t *arena, const rc_dead_letter_t **letters, size_t *count, rc_error_t *error);

/* Sends those of the letters that are open and sendable once more, each person's oldest first, and waits until Kafka
 * has them. *sent is filled in whatever happens; what was sent and what was not can be read again. */
rc_code_t rc_dead_letters_replay(rc_history_t *history, const rc_dead_letter_t *letters, size_t count,
                                 const atomic_bool *cancelled, size_t *sent, rc_error_t *error);

/* What a reason means to a person, and what they can do: static sentences without an end mark. Pure. */
const char *rc_dead_reason_means(rc_park_reason_t reason);
const char *rc_dead_reason_mend(rc_park_reason_t reason);

/* ---- The rule, apart from reading. Pure ---- */

/* What is known of a letter beside itself. */
typedef struct {
    bool died_again;                 /* a later dead letter of the same event and lane */
    bool sent_again;                 /* a copy of this one lies in a retry topic */
    const rc_ledger_entry_t *ledger; /* of its lane; NULL: none */
} rc_dead_evidence_t;

/* Fills in `state` and `became`. */
void rc_dead_letter_judge(rc_dead_letter_t *letter, const rc_dead_evidence_t *evidence);

#endif
