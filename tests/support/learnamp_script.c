#include "tests/support/learnamp_script.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "tests/support/wire.h"

struct rc_script {
    rc_wire_t *wire;
    const rc_script_line_t *lines;
    size_t count;
    pthread_mutex_t lock; /* guards next and fault */
    size_t next;
    char fault[1024];
    atomic_int moves;
    atomic_int tokens;
};

static void blame(rc_script_t *script, const rc_wire_request_t *request, const char *why, const char *what)
{
    if (script->fault[0] != '\0') return;
    int line = (int)strcspn(request->head, "\r");
    snprintf(script->fault, sizeof script->fault, "line %zu, %s \"%s\": %.*s %s", script->next, why, what, line,
             request->head, request->body);
}

/* The line that this request is; NULL: it is none. */
static const rc_script_line_t *take_line(rc_script_t *script, const rc_wire_request_t *request)
{
    const rc_script_line_t *line = script->next < script->count ? &script->lines[script->next] : NULL;
    if (rc_wire_is(request, "POST /oauth/token")) {
        atomic_fetch_add(&script->tokens, 1);
        if (line == NULL || strncmp(line->request, "POST /oauth/token", 17) != 0) return NULL;
    } else if (line == NULL || !rc_wire_is(request, line->request)) {
        blame(script, request, "expected", line != NULL ? line->request : "nothing more");
        return NULL;
    }
    if (line->says != NULL && strstr(request->body, line->says) == NULL) blame(script, request, "without", line->says);
    if (line->silent != NULL && strstr(request->body, line->silent) != NULL)
        blame(script, request, "with", line->silent);
    script->next++;
    return line;
}

static bool serve(void *opaque, const rc_wire_request_t *request)
{
    rc_script_t *script = opaque;
    (void)pthread_mutex_lock(&script->lock);
    const rc_script_line_t *line = take_line(script, request);
    (void)pthread_mutex_unlock(&script->lock);
    if (line == NULL && rc_wire_is(request, "POST /oauth/token")) {
        rc_wire_answer(request, 200, "", "{\"access_token\":\"t\",\"token_type\":\"Bearer\",\"expires_in\":7200}");
        return true;
    }
    if (line == NULL) {
        rc_wire_answer(request, 418, "", "{\"error\":\"against the script\"}");
        return true;
    }
    atomic_fetch_add(&script->moves, line->moves);
    if (line->status == RC_SCRIPT_SILENT) rc_wire_wait_gone(request);
    if (line->status < 0) return false;
    rc_wire_answer(request, line->status, line->headers != NULL ? line->headers : "",
                   line->answer != NULL ? line->answer : "");
    return true;
}

rc_script_t *rc_script_new(const rc_script_line_t *lines, size_t count)
{
    rc_script_t *script = rc_zalloc(sizeof *script);
    script->lines = lines;
    script->count = count;
    (void)pthread_mutex_init(&script->lock, NULL);
    script->wire = rc_wire_new(serve, script);
    return script;
}

void rc_script_free(rc_script_t *script)
{
    if (script == NULL) return;
    rc_wire_free(script->wire);
    (void)pthread_mutex_destroy(&script->lock);
    free(script);
}

const char *rc_script_url(const rc_script_t *script)
{
    return rc_wire_url(script->wire);
}

int rc_script_moves(const rc_script_t *script)
{
    return atomic_load(&script->moves);
}

int rc_script_tokens(const rc_script_t *script)
{
    return atomic_load(&script->tokens);
}

const char *rc_script_fault(rc_script_t *script)
{
    (void)pthread_mutex_lock(&script->lock);
    if (script->fault[0] == '\0' && script->next < script->count)
        snprintf(script->fault, sizeof script->fault, "line %zu was never asked: %s", script->next,
                 script->lines[script->next].request);
    (void)pthread_mutex_unlock(&script->lock);
    return script->fault[0] != '\0' ? script->fault : NULL;
}
