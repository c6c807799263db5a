/* The inside of apply, private to consumer/engine/apply*.c: apply.c takes one action after the other, apply_answer.c
 * notes what an answer changes of what is known. Everything on the loop's thread. */
#ifndef RC_CONSUMER_APPLY_STATE_H
#define RC_CONSUMER_APPLY_STATE_H

#include "consumer/engine/apply.h"

struct rc_apply {
    rc_learnamp_t *client;
    rc_teams_t *teams;
    const rc_apply_callbacks_t *callbacks;
    void *opaque;
    rc_arena_t *arena; /* what `seen` points to */
    rc_case_t about;
    rc_seen_t seen;
    rc_newest_t newest;
    rc_action_t action; /* the present one; borrows from `newest`, `seen` and the event */
    bool behind_barrier;
    bool waits_for_barrier;
    rc_learnamp_call_t *call;
    rc_teams_wait_t *wait;
    int requests;
    int teams_missing;
    int64_t writes_version;       /* of N as the write under way says it */
    const char *unknown_manager;  /* the address that Learn Amp refused; left out as long as N names it */
    bool written_without_manager; /* the profile part went out without one that N names */
    bool starts;                  /* rc_apply_start is on the stack */
    rc_apply_result_t result;
    char *reason;
    rc_loop_timer_t *timer; /* delivers a result that was there at once */
};

/* Whether N names the manager whom Learn Amp refused. */
bool rc_apply_leaves_manager_out(const rc_apply_t *apply);

/* A request of the present action succeeded. */
void rc_apply_note_success(rc_apply_t *apply, const rc_learnamp_answer_t *answer);
/* It did not; true: the rules know how to go on. */
bool rc_apply_note_trouble(rc_apply_t *apply, rc_class_t class);

#endif
