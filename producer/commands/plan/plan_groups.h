/* A plan as people read it: who begins, who leaves, and what changes for how many, so that ten people and ten thousand
 * take a page each. Of a list the first people are kept, of a change everybody who shares it is counted. Pure; one
 * thread. */
#ifndef RC_PRODUCER_PLAN_GROUPS_H
#define RC_PRODUCER_PLAN_GROUPS_H

#include "common/map.h"
#include "producer/poll/poll.h"

enum {
    RC_PLAN_ROWS = 20,    /* of a list */
    RC_PLAN_CELLS = 6,    /* of a row */
    RC_PLAN_EXAMPLES = 3, /* of who shares a change */
    RC_PLAN_KINDS = 10000 /* of one field that are told apart */
};

typedef struct {
    char *key; /* rows rise by it */
    char *cells[RC_PLAN_CELLS];
} rc_plan_row_t;

/* People, of whom the first are shown. */
typedef struct {
    size_t people;
    size_t held;
    uint32_t held_by; /* set of 1 << rc_brake_t */
    rc_plan_row_t rows[RC_PLAN_ROWS];
    size_t row_count;
} rc_plan_list_t;

/* The same change of some people; whatever becomes empty is one. */
typedef struct {
    char *before; /* NULL: empty; of the first */
    char *after;
    bool various; /* others had another value before */
    size_t people;
    char *employee_id;                /* of the first */
    char *examples[RC_PLAN_EXAMPLES]; /* names */
} rc_plan_kind_t;

/* All changes of one field. */
typedef struct {
    char *name; /* as events name it; of teams "primary_team", "secondary_teams" */
    size_t people;
    size_t emptied;
    size_t held;
    uint32_t held_by;
    rc_map_t *kinds; /* by both values */
} rc_plan_field_t;

typedef struct rc_plan_groups {
    const rc_integration_t *integration;
    size_t published;                         /* people of whom something is published now */
    size_t held;                              /* people whose change is held */
    rc_plan_list_t created;                   /* employee, name, address, team, starts, why */
    size_t created_by[RC_CREATED_COUNT];      /* reason */
    rc_plan_list_t gone;                      /* employee, name, address, team, last day, why */
    size_t gone_by[RC_GONE_COUNT];            /* reason */
    rc_plan_field_t **moves;                  /* who changes teams */
    size_t move_count;                        /* */
    size_t moved;                             /* people */
    size_t renamed;                           /* members of teams that are called otherwise */
    rc_plan_field_t renames;                  /* the names of those */
    rc_plan_field_t **fields;                 /* profiles */
    size_t field_count;                       /* */
    size_t changed;                           /* people */
    rc_plan_list_t waiting[RC_PENDING_COUNT]; /* employee, name, address, until; by reason, HELD apart */
    size_t waiting_people;                    /* who wait for any of those */
    rc_arena_t *arena;                        /* of the person at hand */
} rc_plan_groups_t;

/* Returns new (free with rc_plan_groups_free). Borrows. */
rc_plan_groups_t *rc_plan_groups_new(const rc_integration_t *integration);
void rc_plan_groups_free(rc_plan_groups_t *groups); /* NULL is fine */

/* Somebody of whom something changes, and somebody who waits as before. */
void rc_plan_groups_add(rc_plan_groups_t *groups, const rc_settled_t *settled);
void rc_plan_groups_wait(rc_plan_groups_t *groups, const rc_pending_t *pending);

/* The kinds of a field's changes, those that most share first. Returns new (free); borrows the kinds. */
const rc_plan_kind_t **rc_plan_field_kinds(const rc_plan_field_t *field, size_t *count);

/* Whether a field that becomes empty for so many looks like a mistake of the source: a lost permission. */
bool rc_plan_field_is_alarming(const rc_plan_field_t *field, int64_t announced);

#endif
