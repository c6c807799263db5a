/* One call of the control interface, shared by the files that serve it. Any thread. */
#ifndef RC_TESTS_SANDBOX_CONTROL_CALL_H
#define RC_TESTS_SANDBOX_CONTROL_CALL_H

#include "tests/sandbox/sandbox.h"

typedef struct {
    sb_sandbox_t *sandbox;
    sb_integration_t *integration; /* NULL where the path names none */
    const char *id;                /* the path's last id */
    const rc_httpd_request_t *request;
    const json_t *body; /* NULL: none was sent */
    rc_httpd_reply_t *reply;
    rc_wall_t now;
} sb_control_t;

/* Answers with a document (takes it), or with {"error": …}. */
void sb_control_answer(const sb_control_t *control, int status, json_t *json);
void sb_control_refuse(const sb_control_t *control, int status, const char *error);
/* A number of the query. */
long sb_control_number(const sb_control_t *control, const char *name, long otherwise);

/* What Learn Amp has, and what it had before us (control_learnamp.c). */
void sb_control_list_users(const sb_control_t *control);
void sb_control_list_teams(const sb_control_t *control);
void sb_control_add_user(const sb_control_t *control);
void sb_control_change_user(const sb_control_t *control);
void sb_control_add_team(const sb_control_t *control);
void sb_control_wipe(const sb_control_t *control);
void sb_control_revoke_tokens(const sb_control_t *control);

#endif
