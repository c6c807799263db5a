/* Brings one record to Learn Amp: carries out what consumer/rules/rules decides, one request after the other, reading N
 * again immediately before each. Everything on the loop's thread.
 *
 * The engine starts a record when its turn has come (order per employee, slots, S1), answers its questions, and does
 * with the result what consumer/rules/parking says. S4 is the engine's: behind a barrier after the end, if N moved,
 * again. */
#ifndef RC_CONSUMER_APPLY_H
#define RC_CONSUMER_APPLY_H

#include <stdbool.h>
#include <stdint.h>

#include "consumer/learnamp/learnamp.h"
#include "consumer/learnamp/teams.h"
#include "consumer/rules/rules.h"

typedef struct {
    rc_event_type_t lane;
    const rc_event_t *event; /* borrowed until the end */
    bool replayed;           /* header of the `replay` command: nobody is invited */
    int conflict_attempts;   /* header `attempt` where header `reason` is CONFLICT; else 0 */
    bool behind_barrier;     /* one was passed since this record was read */
    int64_t written_version; /* a second look: what the first one wrote (result.version); else 0 */
} rc_apply_input_t;

typedef enum {
    RC_APPLY_DONE,      /* `outcome`, `version`, `user_id`, `manager_missing`, `look_again`, `reason` */
    RC_APPLY_HAND_OVER, /* to *created*, in the first retry tier: rc_parking_hand_over */
    RC_APPLY_FAILED     /* `class` and what follows it: rc_parking_decide */
} rc_apply_kind_t;

typedef struct {
    rc_apply_kind_t kind;
    rc_outcome_t outcome;
    int64_t version;        /* of N as it was written or judged last: for the ledger, and for S4 */
    int64_t user_id;        /* at Learn Amp; 0: unknown */
    bool manager_missing;   /* written without: the engine parks a retry with the reason MANAGER */
    bool look_again;        /* start again, http_timeout from now, with written_version = version */
    rc_class_t class;       /* APPLIED unless it failed */
    bool unanswered;        /* a write may take effect yet: nothing of this employee is sent for http_timeout */
    bool moved_aside;       /* CONFLICT: the user waits at policy.swap_address now */
    int http_status;        /* 0: none */
    int64_t retry_after_ms; /* -1: not said */
    const char *reason;     /* the service's words, or ours; at most 1 KiB; NULL: nothing to say; borrowed */
} rc_apply_result_t;

typedef struct {
    /* N as of now; called before every request. What it points to stays until the next call, or the end. */
    void (*newest)(void *opaque, bool behind_barrier, rc_newest_t *newest);
    /* Take a barrier (S3), and call rc_apply_barrier_passed when it is passed; not from inside this. */
    void (*barrier)(void *opaque);
    /* The end; never before rc_apply_start returned. The apply is gone. */
    void (*done)(void *opaque, const rc_apply_result_t *result);
} rc_apply_callbacks_t;

typedef struct rc_apply rc_apply_t;

/* Starts. Borrows client, teams and callbacks until the end. */
rc_apply_t *rc_apply_start(rc_learnamp_t *client, rc_teams_t *teams, const rc_apply_input_t *input,
                           const rc_apply_callbacks_t *callbacks, void *opaque);
/* The barrier that was asked for is passed. */
void rc_apply_barrier_passed(rc_apply_t *apply);
/* The action that was decided last. Inside `done` the one it ended with: where RC_CLASS_HELD says so, the request that
 * was not sent. Borrows until `done` returns. */
const rc_action_t *rc_apply_action(const rc_apply_t *apply);
/* Ends it without `done`. Whether a write was under way that may take effect yet. */
bool rc_apply_cancel(rc_apply_t *apply);

#endif
