/* The requests of docs/learnamp.md as values: method, path and JSON body. What a write says comes from the
 * integration's mapping alone: a parameter that is not mapped is not sent, so unmapping a field clears nothing. Pure;
 * any thread. */
#ifndef RC_CONSUMER_LEARNAMP_REQUEST_H
#define RC_CONSUMER_LEARNAMP_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "common/config.h"
#include "common/domain.h"
#include "consumer/rules/outcome.h"

/* What a successful answer holds. */
typedef enum {
    RC_EXPECT_NOTHING,   /* 204; an object is fine too, but not a page that a proxy says in the service's place */
    RC_EXPECT_USER,      /* one user; `wanted` NULL, or the external id that it must bear */
    RC_EXPECT_USERS,     /* a list, of which the user with the address `wanted` counts */
    RC_EXPECT_MEMBER,    /* a list, of which the user with the external id `wanted` counts */
    RC_EXPECT_TEAM,      /* one team; `wanted` likewise */
    RC_EXPECT_TEAMS,     /* a list, of which the teams named `wanted` count */
    RC_EXPECT_USER_PAGE, /* a page of users, all of which count */
    RC_EXPECT_TEAM_PAGE  /* a page of teams, likewise */
} rc_expect_t;

typedef struct {
    rc_call_kind_t kind;
    const char *method; /* static */
    char *path;         /* behind the base URL, "/v1/…"; owned */
    char *body;         /* JSON; NULL: none; owned */
    rc_expect_t expect;
    char *wanted; /* owned */
} rc_learnamp_request_t;

void rc_learnamp_request_fini(rc_learnamp_request_t *request);

/* Lookups. Only a record itself is evidence: what a list holds beside the wanted one is ignored. */
void rc_request_user_by_external_id(rc_learnamp_request_t *request, const char *external_id);
void rc_request_user_by_email(rc_learnamp_request_t *request, const char *email);
/* The user with their teams: the list is the documented call that knows `expanded`. */
void rc_request_user_expanded(rc_learnamp_request_t *request, const char *external_id);
/* Whether users and teams can be read at all: nothing is wanted of what the lists hold. */
void rc_request_any_user(rc_learnamp_request_t *request);
void rc_request_any_team(rc_learnamp_request_t *request);

/* Lists, page by page from 1. `status` is a filter value ("deactivated"); NULL: none. */
void rc_request_user_page(rc_learnamp_request_t *request, const char *status, int64_t page);
void rc_request_team_page(rc_learnamp_request_t *request, int64_t page);
/* A page that holds the user with that external id, if the list shows them. */
void rc_request_user_shown(rc_learnamp_request_t *request, const char *external_id);

/* What a body is made of. */
typedef struct {
    const rc_integration_t *integration;
    const char *employee_id; /* the external id */
    const rc_employee_t *employee;
    bool without_manager;
    /* Whether a team may be named: it is there (consumer/learnamp/teams). NULL: all. */
    bool (*team_is_there)(const void *opaque, const rc_ref_t *team);
    const void *opaque;
} rc_body_t;

/* POST /v1/users: everything mapped that has a value, and `skipInvitation` unless invited. */
void rc_request_create(rc_learnamp_request_t *request, const rc_body_t *body, bool invite);
/* PUT /v1/users/…: `parts` of RC_PART_… (consumer/rules/rules.h); by numeric id, or by our external id when user_id is
 * 0. An optional value that is empty is sent as "". */
void rc_request_update(rc_learnamp_request_t *request, const rc_body_t *body, unsigned parts, int64_t user_id);
void rc_request_reactivate(rc_learnamp_request_t *request, int64_t user_id);
void rc_request_deactivate(rc_learnamp_request_t *request, int64_t user_id);

void rc_request_team_by_external_id(rc_learnamp_request_t *request, const char *external_id);
void rc_request_teams_by_name(rc_learnamp_request_t *request, const char *name, int page);
void rc_request_create_team(rc_learnamp_request_t *request, const rc_ref_t *team);
void rc_request_adopt_team(rc_learnamp_request_t *request, int64_t team_id, const char *external_id);
void rc_request_rename_team(rc_learnamp_request_t *request, const rc_ref_t *team);
void rc_request_remove_from_team(rc_learnamp_request_t *request, int64_t team_id, int64_t user_id);

#endif
