/* The inside of the command `undo`, private to its folder: undo.c asks and decides, undo_read.c reads the topics,
 * undo_compare.c the users, undo_write.c restores, undo_print.c says it. The main thread. */
#ifndef RC_CONSUMER_UNDO_STATE_H
#define RC_CONSUMER_UNDO_STATE_H

#include "common/cli.h"
#include "common/history.h"
#include "common/map.h"
#include "consumer/learnamp/compare.h"
#include "consumer/learnamp/readback.h"
#include "consumer/rules/undo.h"

typedef enum { RC_UNDO_TO_DO, RC_UNDO_DONE, RC_UNDO_FAILED } rc_undo_result_t;

/* Somebody of whom something was published since the moment. */
typedef struct {
    const char *employee_id;
    int32_t partition;
    rc_wall_t since;                /* when the first of it was published */
    uint32_t types;                 /* bit set of 1 << rc_event_type_t: what was published */
    int64_t newest[RC_EVENT_COUNT]; /* versions, by type; 0: none */
    uint32_t applied;               /* bit set: the lane has brought the newest of its type to Learn Amp */
    rc_event_t first[2];            /* of the lowest version since */
    size_t first_count;
    const rc_event_t *earlier;  /* what they follow; NULL: Kafka has it no more */
    const rc_snapshot_t *state; /* as published now; NULL: forgotten */
    const char *successor;      /* the employee id that took over the user since (`replaces`); NULL: none */
    rc_past_t past;
    rc_undo_t judged;
    int64_t user_id; /* at Learn Amp; 0: none bears the id */
    bool deactivated;
    const rc_difference_t *differences; /* `hr` is what they were, `learnamp` what the user is */
    size_t difference_count;
    const char *unseen; /* fields that changed and cannot be read back, in words; NULL: none */
    rc_undo_result_t result;
    bool without_manager;
    bool tries_again;    /* of a failure */
    const char *message; /* of FAILED, or what is still amiss; NULL: nothing */
} rc_undo_person_t;

typedef struct {
    const rc_args_t *args;
    rc_config_t *config;
    const rc_integration_t *integration;
    atomic_bool cancelled;
    rc_arena_t *arena;
    rc_history_t *history;
    rc_readback_t *readback;
    rc_map_t *by_key;          /* by employee key */
    rc_undo_person_t **people; /* rising by employee id */
    size_t count;
    size_t counts[RC_UNDO_COUNT];
    uint32_t paused;     /* bit set of 1 << rc_event_type_t */
    rc_wall_t paused_at; /* when the state that says so was written */
    int64_t late;        /* ledger entries of changes that were published before, and applied since */
    size_t waiting;      /* people of whom something published since is not applied */
} rc_undo_run_t;

enum { RC_UNDO_ALL_EVENTS = (1 << RC_EVENT_COUNT) - 1 };

static inline bool rc_undo_is_written(const rc_undo_person_t *person)
{
    return person->judged == RC_UNDO_RESTORE || person->judged == RC_UNDO_UNSEEN;
}

/* Reads the integration's pauses. */
rc_code_t rc_undo_read_pause(rc_undo_run_t *run, rc_error_t *error);
/* Reads events, snapshots and ledger: people, in order, with their past. */
rc_code_t rc_undo_read_people(rc_undo_run_t *run, rc_error_t *error);

/* Reads the users of those who are wanted, and all teams, as Learn Amp has them now. */
rc_code_t rc_undo_read_users(rc_undo_run_t *run, bool (*wants)(const rc_undo_person_t *person), rc_error_t *error);
/* Fills in how the user of somebody differs from what they were, by what the readback has of them. */
void rc_undo_compare(rc_undo_run_t *run, rc_undo_person_t *person);

/* Makes the users of those who are to be restored what their employees were. Failures stay with the people; RC_OK when
 * it came to an end. RC_MISCONFIGURED: Learn Amp refuses us; RC_CANCELLED. */
rc_code_t rc_undo_write(rc_undo_run_t *run, rc_error_t *error);

void rc_undo_print_plan(const rc_undo_run_t *run);
void rc_undo_print_result(const rc_undo_run_t *run);
void rc_undo_print_json(const rc_undo_run_t *run);

#endif
