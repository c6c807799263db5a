/* One company at Learn Amp: its users and teams, and the rules of docs/learnamp.md about them. Efficient for a hundred
 * thousand users. One thread at a time: the integration's lock (sandbox.h) covers it. */
#ifndef RC_TESTS_SANDBOX_LEARNAMP_STORE_H
#define RC_TESTS_SANDBOX_LEARNAMP_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/json.h"
#include "common/time.h"

/* A user's texts, by the API's parameter names. */
#define SB_USER_TEXTS(X)                    \
    X(EMAIL, "email")                       \
    X(FIRST_NAME, "firstName")              \
    X(LAST_NAME, "lastName")                \
    X(JOB_TITLE, "jobTitle")                \
    X(LANGUAGE, "language")                 \
    X(ROLE, "role")                         \
    X(EXTERNAL_ID, "integrationExternalId") \
    X(OCCUPATION_ROLE, "occupationRole")    \
    X(HIRE_DATE, "hireDate")                \
    X(LOCATION, "location")                 \
    X(DEPARTMENT, "department")

typedef enum {
#define X(name, text) SB_USER_##name,
    SB_USER_TEXTS(X)
#undef X
        SB_USER_TEXT_COUNT
} sb_user_text_t;
extern const char *const SB_USER_TEXT_NAMES[SB_USER_TEXT_COUNT];

/* Status: value in filters, text in answers. */
#define SB_USER_STATUSES(X)                                     \
    X(NOT_INVITED, "not_invited", "Not invited")                \
    X(INVITE_SCHEDULED, "invite_scheduled", "Invite scheduled") \
    X(INVITE_PENDING, "invite_pending", "Invite pending")       \
    X(CONFIRMED, "confirmed", "Confirmed")                      \
    X(DEACTIVATED, "deactivated", "Deactivated")

typedef enum {
#define X(name, value, text) SB_STATUS_##name,
    SB_USER_STATUSES(X)
#undef X
        SB_STATUS_COUNT
} sb_user_status_t;
extern const char *const SB_STATUS_VALUES[SB_STATUS_COUNT]; /* "not_invited" … */
extern const char *const SB_STATUS_TEXTS[SB_STATUS_COUNT];  /* "Not invited" … */

enum { SB_FIRST_USER_ID = 1001, SB_FIRST_TEAM_ID = 501, SB_TASKS_OF_A_USER = 3 };

typedef struct {
    long id;
    char *text[SB_USER_TEXT_COUNT]; /* NULL: empty */
    sb_user_status_t status;
    rc_wall_t status_at, created_at, updated_at;
    long manager_id, primary_team; /* 0: none */
    long *secondary_teams;
    size_t secondary_count;
    json_t *custom; /* object by name; NULL: none */
    int invitations, deactivations;
    int tasks, tasks_destroyed; /* deactivation destroys a user's tasks for good */
} sb_user_t;

typedef struct {
    long id;
    char *name, *external_id; /* external_id may be NULL */
    long parent_id, manager_id;
    long users; /* members, primary and secondary */
    int renames;
    rc_wall_t created_at, updated_at;
} sb_team_t;

/* Why a call was refused. */
typedef struct {
    int status;          /* 0: it was not */
    rc_buf_t error;      /* "email is missing, email is empty" */
    json_t *full_errors; /* {"email": ["is missing"]}; NULL: none */
} sb_refusal_t;
void sb_refusal_init(sb_refusal_t *refusal);
void sb_refusal_fini(sb_refusal_t *refusal);

typedef struct sb_store sb_store_t;

/* Returns new (free with sb_store_free). */
sb_store_t *sb_store_new(void);
void sb_store_free(sb_store_t *store);
/* Everybody and all teams are gone, as if the company began anew; their numbers are not given out again. Custom fields
 * stay. */
void sb_store_wipe(sb_store_t *store);
/* The names of the company's custom fields: an array of texts (copied). */
void sb_store_set_custom_fields(sb_store_t *store, const json_t *names);
const json_t *sb_store_custom_fields(const sb_store_t *store);

size_t sb_store_users(const sb_store_t *store);
sb_user_t *sb_store_user_at(const sb_store_t *store, size_t index); /* rising by id */
sb_user_t *sb_store_user(const sb_store_t *store, long id);         /* NULL: none; likewise below */
sb_user_t *sb_store_user_by_external_id(const sb_store_t *store, const char *external_id);
sb_user_t *sb_store_user_by_email(const sb_store_t *store, const char *email); /* without case */

size_t sb_store_teams(const sb_store_t *store);
sb_team_t *sb_store_team_at(const sb_store_t *store, size_t index);
sb_team_t *sb_store_team(const sb_store_t *store, long id);
sb_team_t *sb_store_team_by_external_id(const sb_store_t *store, const char *external_id);

/* The calls of the API. `params` is the request's parameters as one object; undeclared ones are ignored. NULL or false:
 * refused, nothing was changed. */
sb_user_t *sb_store_user_create(sb_store_t *store, const json_t *params, rc_wall_t now, sb_refusal_t *refusal);
bool sb_store_user_update(sb_store_t *store, sb_user_t *user, const json_t *params, rc_wall_t now,
                          sb_refusal_t *refusal);
void sb_store_user_deactivate(sb_store_t *store, sb_user_t *user, rc_wall_t now);
void sb_store_user_reactivate(sb_store_t *store, sb_user_t *user, rc_wall_t now);
sb_team_t *sb_store_team_create(sb_store_t *store, const json_t *params, rc_wall_t now, sb_refusal_t *refusal);
bool sb_store_team_update(sb_store_t *store, sb_team_t *team, const json_t *params, rc_wall_t now,
                          sb_refusal_t *refusal);
bool sb_store_member_add(sb_store_t *store, sb_team_t *team, const json_t *params, rc_wall_t now,
                         sb_refusal_t *refusal);
bool sb_store_member_remove(sb_store_t *store, sb_team_t *team, sb_user_t *user, rc_wall_t now);

/* Totals since the start: what was created, deactivated, destroyed. Returns new. */
json_t *sb_store_totals(const sb_store_t *store);

#endif
