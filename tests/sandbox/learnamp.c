#include "tests/sandbox/learnamp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sandbox/exchange.h"
#include "tests/sandbox/learnamp_params.h"

static void fail(rc_httpd_reply_t *reply, int status, const char *error)
{
    rc_httpd_reply_json(reply, status, json_pack("{s:s}", "error", error));
}

/* ---- tokens ---- */

static void serve_token(sb_exchange_t *exchange, const json_t *params)
{
    sb_integration_t *integration = exchange->integration;
    const char *grant = rc_json_str(params, "grant_type"), *scope = rc_json_str(params, "scope");
    const char *id = rc_json_str(params, "client_id"), *secret = rc_json_str(params, "client_secret");
    char token[SB_TOKEN_SIZE];
    if (!grant || strcmp(grant, "client_credentials") != 0) {
        fail(exchange->reply, 400, "unsupported_grant_type");
        return;
    }
    if (!id || !secret || strcmp(id, integration->client_id) != 0 || strcmp(secret, integration->client_secret) != 0) {
        fail(exchange->reply, 401, "invalid_client");
        return;
    }
    (void)pthread_mutex_lock(&integration->learnamp_lock);
    bool issued = sb_tokens_issue(integration->tokens, scope ? scope : "", exchange->now, token);
    int64_t ttl_s = sb_tokens_ttl(integration->tokens);
    (void)pthread_mutex_unlock(&integration->learnamp_lock);
    if (issued)
        rc_httpd_reply_json(exchange->reply, 200,
                            json_pack("{s:s, s:s, s:I, s:s, s:I}", "access_token", token, "token_type", "Bearer",
                                      "expires_in", (json_int_t)ttl_s, "scope", scope, "created_at",
                                      (json_int_t)(exchange->now.ms / 1000)));
    else
        fail(exchange->reply, 400, "invalid_scope");
}

/* Whether the request's token is good for `scope`; answers otherwise. The store's lock is held. */
static bool token_is_good(sb_exchange_t *exchange, sb_scope_t scope)
{
    const char *given = rc_httpd_header(exchange->request, "Authorization");
    bool bearer = given && !strncmp(given, "Bearer ", 7);
    switch (sb_tokens_check(exchange->integration->tokens, bearer ? given + 7 : "", scope, exchange->now)) {
    case SB_TOKEN_GOOD:
        return true;
    case SB_TOKEN_EXPIRED:
        fail(exchange->reply, 401, "The access token expired");
        break;
    case SB_TOKEN_UNKNOWN:
        fail(exchange->reply, 401, "The access token is invalid");
        break;
    case SB_TOKEN_LACKS_SCOPE:
        fail(exchange->reply, 403, "Access to this resource requires another scope");
        break;
    }
    return false;
}

/* ---- calls ---- */

static void show(sb_exchange_t *exchange, sb_answer_t *answer)
{
    rc_httpd_reply_t *reply = exchange->reply;
    char text[32];
    if (answer->total >= 0) {
        (void)snprintf(text, sizeof text, "%ld", answer->total);
        rc_httpd_reply_header(reply, "Total", text);
        (void)snprintf(text, sizeof text, "%ld", answer->per_page);
        rc_httpd_reply_header(reply, "Per-Page", text);
        (void)snprintf(text, sizeof text, "%ld", (answer->total + answer->per_page - 1) / answer->per_page);
        rc_httpd_reply_header(reply, "Total-Pages", text);
    }
    if (answer->body)
        rc_httpd_reply_json(reply, answer->status, answer->body);
    else
        reply->status = answer->status;
    exchange->user_id = answer->user_id;
    if (*answer->employee) exchange->employee = rc_arena_strdup(exchange->request->arena, answer->employee);
}

/* A list that a fault wants empty or halved; single objects stay as they are. */
static void thin_out(const sb_exchange_t *exchange, sb_answer_t *answer)
{
    json_t *list = answer->total < 0 ? NULL : json_object_iter_value(json_object_iter(answer->body));
    if (!list) return;
    if (sb_exchange_empties(exchange)) {
        (void)json_array_clear(list);
        answer->total = 0;
    } else if (sb_exchange_halves(exchange)) {
        for (size_t i = 1; i < json_array_size(list); i++) (void)json_array_remove(list, i);
    }
}

static void make_call(sb_exchange_t *exchange, const sb_call_t *call)
{
    sb_integration_t *integration = exchange->integration;
    sb_answer_t answer;
    (void)pthread_mutex_lock(&integration->learnamp_lock);
    bool good = token_is_good(exchange, sb_learnamp_scope(call->endpoint));
    if (good) sb_learnamp_call(integration->store, call, exchange->now, &answer);
    (void)pthread_mutex_unlock(&integration->learnamp_lock);
    if (!good) return;
    thin_out(exchange, &answer);
    show(exchange, &answer);
}

/* ---- a call that takes effect after its connection is gone ---- */

typedef struct {
    sb_sandbox_t *sandbox;
    sb_integration_t *integration;
    sb_call_t call;
    char *target, *body; /* for the book */
} late_t;

static void late_free(void *arg)
{
    late_t *late = arg;
    free(late->call.id[0]);
    free(late->call.id[1]);
    json_decref(late->call.params);
    free(late->target);
    free(late->body);
    free(late);
}

static void late_make(void *arg)
{
    late_t *late = arg;
    sb_answer_t answer;
    rc_wall_t now = sb_now(late->sandbox);
    (void)pthread_mutex_lock(&late->integration->learnamp_lock);
    sb_learnamp_call(late->integration->store, &late->call, now, &answer);
    (void)pthread_mutex_unlock(&late->integration->learnamp_lock);
    sb_request_t entry = {
        .at = now,
        .machine_at = rc_wall_now(),
        .method = "LATE",
        .target = late->target,
        .employee = *answer.employee ? answer.employee : NULL,
        .user_id = answer.user_id,
        .status = answer.status,
        .effect = answer.status < 300 ? "done" : "none",
        .answer = "dropped",
        .body = late->body,
        .body_size_bytes = strlen(late->body),
    };
    sb_requests_add(late->integration->requests[SB_SIDE_LEARNAMP], &entry);
    json_decref(answer.body);
    late_free(late);
}

/* Keeps the call for later, when its token is good now. */
static void call_later(sb_exchange_t *exchange, const sb_call_t *call)
{
    (void)pthread_mutex_lock(&exchange->integration->learnamp_lock);
    bool good = token_is_good(exchange, sb_learnamp_scope(call->endpoint));
    (void)pthread_mutex_unlock(&exchange->integration->learnamp_lock);
    if (!good) return;
    late_t *late = rc_zalloc(sizeof *late);
    late->sandbox = exchange->sandbox;
    late->integration = exchange->integration;
    late->call =
        (sb_call_t){call->endpoint, {rc_strdup(call->id[0]), rc_strdup(call->id[1])}, json_incref(call->params)};
    late->target = rc_sprintf("/late%s", exchange->target);
    late->body = rc_strndup(exchange->request->body, exchange->request->body_size_bytes);
    rc_httpd_call_later(exchange->sandbox->httpd, exchange->shot.delay_ms, late_make, late_free, late);
}

/* ---- requests ---- */

/* The book names the employee of a call that was never made, too. */
static void guess_employee(sb_exchange_t *exchange, const sb_call_t *call)
{
    const char *external_id = rc_json_str(call->params, "integrationExternalId");
    if (external_id)
        exchange->employee = rc_arena_strdup(exchange->request->arena, external_id);
    else if (strstr(exchange->target, "/by_integration_external_id/"))
        exchange->employee = call->id[0];
}

static void serve_v1(sb_exchange_t *exchange, const char *const *segments, size_t count, json_t *params)
{
    const char *ids[SB_PATH_IDS];
    int endpoint = sb_learnamp_endpoint(exchange->request->method, segments, count, ids);
    bool serve = sb_exchange_begin(exchange);
    if (endpoint < 0) {
        if (serve) fail(exchange->reply, 404, "Not found");
        return;
    }
    sb_call_t call = {
        endpoint,
        {rc_arena_strdup(exchange->request->arena, ids[0]), rc_arena_strdup(exchange->request->arena, ids[1])},
        params};
    guess_employee(exchange, &call);
    if (serve)
        make_call(exchange, &call);
    else if (exchange->shot.kind == SB_FAULT_LATE)
        call_later(exchange, &call);
}

static bool path_is(const char *const *segments, size_t count, const char *first, const char *second)
{
    return count == 2 && !strcmp(segments[0], first) && !strcmp(segments[1], second);
}

void sb_learnamp_serve(const rc_httpd_request_t *request, rc_httpd_reply_t *reply, void *arg)
{
    sb_sandbox_t *sandbox = arg;
    rc_error_t error = RC_ERROR_INIT;
    json_t *params = NULL;
    /* {"learnamp", integration, "oauth" or "v1", …} */
    sb_integration_t *integration =
        request->segment_count > 2 ? sb_integration_find(sandbox, request->segments[1]) : NULL;
    if (!integration) {
        fail(reply, 404, "Not found");
        return;
    }
    const char *const *segments = request->segments + 2;
    size_t count = request->segment_count - 2;
    const char *target = strchr(request->target + strlen("/learnamp/"), '/');
    sb_exchange_t exchange = {
        .sandbox = sandbox,
        .integration = integration,
        .side = SB_SIDE_LEARNAMP,
        .request = request,
        .reply = reply,
        .target = target,
        .now = sb_now(sandbox),
    };
    if (sb_params_parse(request, &params, &error)) {
        if (sb_exchange_begin(&exchange)) fail(reply, 400, error.message);
    } else if (!strcmp(request->method, "POST") && path_is(segments, count, "oauth", "token")) {
        if (sb_exchange_begin(&exchange)) serve_token(&exchange, params);
    } else if (!strcmp(segments[0], "v1")) {
        serve_v1(&exchange, segments + 1, count - 1, params);
    } else if (sb_exchange_begin(&exchange)) {
        fail(reply, 404, "Not found");
    }
    sb_exchange_end(&exchange);
    json_decref(params);
}
