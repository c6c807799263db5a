/* The inside of the command `plan`, private to its folder: plan.c reads and goes through everybody, preview_rehearse.c
 * carries the rules out, preview_instead.c answers their requests in Learn Amp's place, so that nothing is written,
 * preview_report.c says it. The main thread. */
#ifndef RC_CONSUMER_PREVIEW_STATE_H
#define RC_CONSUMER_PREVIEW_STATE_H

#include "consumer/commands/backlog.h"
#include "consumer/commands/inquiry.h"
#include "consumer/learnamp/compare.h"
#include "consumer/learnamp/teams.h"

/* What the next run would do, the unusual first: the order in which people read it. */
/* clang-format off */
#define RC_PREVIEW(X) \
    X(CONFLICT, "conflict", "conflict: a person has to look") \
    X(DEACTIVATE, "deactivate", "would be deactivated") \
    X(REACTIVATE, "reactivate", "would be reactivated") \
    X(ADOPT, "adopt", "would be adopted: the user is there, without our id") \
    X(CREATE, "create", "would be created") \
    X(UPDATE, "update", "would be updated") \
    X(NOTHING, "nothing", "nothing to do")
/* clang-format on */
typedef enum {
#define X(name, text, words) RC_PREVIEW_##name,
    RC_PREVIEW(X)
#undef X
        RC_PREVIEW_COUNT
} rc_preview_kind_t;

/* What is planned for a person. All of it lives until the end. */
typedef struct {
    rc_preview_kind_t kind;
    const char *employee_id;
    const char *name;
    int64_t user_id; /* 0: none */
    const char *why; /* NULL: nothing to say */
    const rc_difference_t *changes;
    size_t change_count;
    const char *waits_for; /* the former employee id, whose user is active still; NULL: none */
    const char *holder;    /* the external id of whom the address belongs to; NULL: none */
    bool gives_address_up; /* the write changes the address of the user */
} rc_preview_person_t;

/* A write about a team. */
typedef struct {
    const char *what; /* "create", "adopt", "rename" */
    const char *team_id;
    const char *name;
} rc_preview_team_t;

/* One integration. */
typedef struct {
    rc_inquiry_t *inquiry;
    const rc_integration_t *integration;
    rc_arena_t *arena;
    rc_readback_t *readback;
    rc_teams_t *teams;
    rc_backlog_t *backlog;
    bool rehearses; /* requests are answered instead of sent */
    rc_error_t error;
    uint32_t paused; /* bit set of 1 << rc_event_type_t */

    rc_preview_person_t **planned;
    size_t planned_count;
    size_t planned_room;
    rc_map_t *by_employee;
    rc_preview_team_t *planned_teams;
    size_t team_count;
    size_t team_room;
    rc_userset_user_t **unknown; /* active users whom HR does not know */
    size_t unknown_count;
    int64_t waiting;
    int64_t unreadable;
} rc_preview_t;

/* Of rc_readback_options_t: answers from what was read, and lets nothing be written. */
bool rc_preview_instead(void *opaque, const rc_learnamp_request_t *request, rc_learnamp_answer_t *answer);

/* Carries the rules out for everybody of the backlog's wave who has a record that waits. */
rc_code_t rc_preview_rehearse(rc_preview_t *plan, rc_error_t *error);
/* What depends on what others do in the same run; when all were rehearsed. */
void rc_preview_settle(rc_preview_t *plan);

/* Prints an integration for people, and for programs (new reference). */
void rc_preview_report(const rc_preview_t *plan);
json_t *rc_preview_json(const rc_preview_t *plan);

#endif
