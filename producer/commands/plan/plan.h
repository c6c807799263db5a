/* What `plan` shows: the poll that the next `once` would make, person by person, for programs (plan_json.c) and for
 * people (plan_groups.h, plan_people.c). One thread. */
#ifndef RC_PRODUCER_PLAN_H
#define RC_PRODUCER_PLAN_H

#include <stdio.h>

#include "producer/poll/poll.h"

/* How an integration's poll went. */
typedef struct {
    const rc_integration_t *integration;
    bool ok;
    char message[RC_ERROR_MESSAGE_SIZE]; /* why not */
    bool topics;                         /* the cluster has them */
    bool full_asked;                     /* --full */
    rc_sync_state_t before;              /* what was published last */
    rc_poll_result_t result;             /* with `ok` */
} rc_planned_t;

/* ---- One person ---- */

/* The brake that keeps an event back, its own before others of the same person; -1: none does. */
int rc_plan_held_by(const rc_settled_t *settled, const rc_event_t *event);

/* Whether the event is shown: it is published, or held by a brake. Others are known by why the person waits. */
bool rc_plan_shows(const rc_settled_t *settled, const rc_event_t *event);

/* Why the person waits afterwards, a hold aside: set of 1 << rc_pending_reason_t. The record that says so is in
 * *pending when the set is not empty. */
uint32_t rc_plan_waits(const rc_settled_t *settled, const rc_pending_t **pending);

/* Calls `visit` for what the event changes, field by field: of a created person everything that is known. `before` and
 * `after` are NULL where there is nothing; texts are in the arena or the event. */
void rc_plan_each_change(rc_arena_t *arena, const rc_settled_t *settled, const rc_event_t *event,
                         void (*visit)(void *opaque, const char *field, const char *before, const char *after),
                         void *opaque);

/* ---- For programs ---- */

typedef struct rc_plan_json rc_plan_json_t;

/* Collects in files without a name in `directory`, so that memory does not grow with the company. Returns new (free
 * with rc_plan_json_free). */
rc_code_t rc_plan_json_new(const char *directory, rc_plan_json_t **json, rc_error_t *error);
void rc_plan_json_free(rc_plan_json_t *json); /* NULL is fine */
/* Somebody of whom something changes, and somebody who waits as before. */
void rc_plan_json_add(rc_plan_json_t *json, const rc_settled_t *settled);
void rc_plan_json_wait(rc_plan_json_t *json, const rc_pending_t *pending);
/* The integration as docs/cli.md says; `json` NULL: nothing was collected. RC_IO when a file fails. */
rc_code_t rc_plan_json_print(rc_plan_json_t *json, const rc_planned_t *planned, FILE *stream, rc_error_t *error);

/* ---- For people ---- */

struct rc_plan_groups; /* plan_groups.h */

/* A page: what was read, what would be done in figures, what looks wrong, then group by group, and what to type next.
 * `config` as the person gave it, NULL: not at all. */
void rc_plan_print(const struct rc_plan_groups *groups, const rc_planned_t *planned, const char *config, FILE *stream);

#endif
