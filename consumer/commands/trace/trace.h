/* One employee's story: what is known of them on Kafka and at Learn Amp (trace_read.c gathers it), told in the order of
 * time (trace_story.c), and whether that means that they are in step, else why not and what to type
 * (trace_verdict.c). Gathering is the main thread's; the other two are pure. */
#ifndef RC_CONSUMER_TRACE_H
#define RC_CONSUMER_TRACE_H

#include "common/dead_letters.h"
#include "common/history.h"
#include "consumer/learnamp/compare.h"

/* --- what is known --- */

/* A record that a lane reads: an event, or what was parked of one. */
typedef struct {
    rc_kafka_offset_t at;
    rc_wall_t written_at; /* as Kafka keeps it */
    int lane;             /* rc_event_type_t; -1: nobody's */
    bool is_behind;       /* the lane has committed behind it */
    rc_event_t event;     /* when `fault` is NULL */
    const char *fault;    /* why it cannot be read */
    rc_parking_t parking; /* of a parked one */
    const char *tier;     /* of a parked one: "5m" */
} rc_trace_record_t;

typedef struct {
    const rc_trace_record_t *items;
    size_t count;
} rc_trace_records_t;

/* Who reads a lane. */
typedef enum { RC_READERS_UNKNOWN, RC_READERS_NONE, RC_READERS_SOME } rc_trace_readers_t;

typedef struct {
    const rc_integration_t *integration;
    const char *employee_id;
    rc_wall_t now;
    rc_trace_records_t events; /* of all lanes, by version */
    rc_trace_records_t parked; /* in the order in which they were parked */
    const rc_dead_letter_t *letters;
    size_t letter_count;
    bool has_snapshot;
    rc_snapshot_t snapshot;
    bool has_pending;
    rc_pending_t pending;
    rc_kafka_offset_t pending_at;
    bool has_ledger[RC_EVENT_COUNT];
    rc_ledger_entry_t ledger[RC_EVENT_COUNT];
    rc_kafka_offset_t ledger_at[RC_EVENT_COUNT];
    rc_trace_readers_t readers[RC_EVENT_COUNT];
    bool has_state;
    rc_sync_state_t state;
    const char *trouble;                /* why Learn Amp could not be asked; NULL: it answered */
    bool has_user;                      /* one bears our external id */
    rc_learnamp_profile_t user;         /* that one */
    const rc_difference_t *differences; /* between that one and the snapshot of an employed person */
    size_t difference_count;
    const rc_learnamp_user_t *namesake; /* another user, who has the address; NULL: none */
    const char *unreadable;             /* why a snapshot or a pending change cannot be read; NULL: it can */
} rc_trace_facts_t;

/* Whether anything at all is known of them. */
bool rc_trace_is_known(const rc_trace_facts_t *facts);
/* The newest that HR is known to say: the pending projection, else the snapshot, else the last event's; NULL: none. */
const rc_employee_t *rc_trace_employee(const rc_trace_facts_t *facts);

/* Whether an event still has to be taken up: neither its lane's ledger nor its place says that it was, and the person
 * was not forgotten. */
bool rc_trace_event_waits(const rc_trace_facts_t *facts, const rc_trace_record_t *event);
/* Whether a parked record is still to be tried again. */
bool rc_trace_parked_waits(const rc_trace_facts_t *facts, size_t index);

/* --- the story --- */

typedef struct {
    rc_wall_t at;
    const char *what; /* docs/cli.md: published, applied, skipped, parked, dead-lettered, held, waiting */
    int type;         /* rc_event_type_t; -1: of no event */
    int64_t version;  /* 0: of none */
    const char *why;
    rc_kafka_offset_t place; /* topic NULL: none */
    size_t times;            /* how often in a row; at and place are the first's */
    rc_wall_t last_at;       /* the last's */
} rc_trace_line_t;

/* In the order of time. In the arena; borrows from the facts. */
const rc_trace_line_t *rc_trace_story(const rc_trace_facts_t *facts, rc_arena_t *arena, size_t *count);
/* The same with what happened again and again told once. */
const rc_trace_line_t *rc_trace_shorten(const rc_trace_line_t *lines, size_t count, rc_arena_t *arena,
                                        size_t *shortened);

/* --- the verdict --- */

typedef enum {
    RC_TRACE_IN_STEP,
    RC_TRACE_LATER, /* in step; something that is known comes on its day */
    RC_TRACE_NOT_IN_STEP
} rc_trace_verdict_kind_t;

typedef struct {
    const char *program; /* NULL: this one */
    const char *command; /* without --config; whole where it is none of our programs */
    const char *what;    /* it does */
    bool is_foreign;
} rc_trace_next_t;

enum { RC_TRACE_FINDINGS_MAX = 16, RC_TRACE_NEXT_MAX = 24 };

typedef struct {
    rc_trace_verdict_kind_t kind;
    const char *because[RC_TRACE_FINDINGS_MAX]; /* why not, or what comes; sentences without an end mark */
    size_t because_count;
    const char *notes[RC_TRACE_FINDINGS_MAX]; /* what is worth knowing beside */
    size_t note_count;
    rc_trace_next_t next[RC_TRACE_NEXT_MAX];
    size_t next_count;
} rc_trace_verdict_t;

/* In the arena; borrows from the facts. */
rc_trace_verdict_t rc_trace_judge(const rc_trace_facts_t *facts, rc_arena_t *arena);

/* --- gathering --- */

/* Reads all of it; Learn Amp's trouble is in the facts. In the arena. */
rc_code_t rc_trace_read(rc_history_t *history, const rc_integration_t *integration, const char *employee_id,
                        const atomic_bool *cancelled, rc_arena_t *arena, rc_trace_facts_t *facts, rc_error_t *error);

/* Somebody with an address. */
typedef struct {
    const char *employee_id;
    const char *name;  /* NULL: not known */
    const char *where; /* in words: "published", "waiting", "at Learn Amp" */
} rc_trace_match_t;

/* Who has that address: by the snapshots and pending changes, else by Learn Amp. *count 0: nobody; `said` (may stay
 * empty) is what there is to say about that. In the arena. */
rc_code_t rc_trace_find(rc_history_t *history, const rc_integration_t *integration, const char *email,
                        const atomic_bool *cancelled, rc_arena_t *arena, const rc_trace_match_t **matches,
                        size_t *count, const char **said, rc_error_t *error);

#endif
