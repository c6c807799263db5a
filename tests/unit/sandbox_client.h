/* For the tests of the sandbox: one that serves on a free port, and a client that asks it. Everything belongs to the
 * test's own process (Check forks): call sandbox_start in a checked fixture. */
#ifndef RC_TESTS_UNIT_SANDBOX_CLIENT_H
#define RC_TESTS_UNIT_SANDBOX_CLIENT_H

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/http.h"
#include "common/json.h"
#include "common/mem.h"
#include "tests/sandbox/server.h"

static sb_sandbox_t sandbox;
static sb_integration_t *company;
static rc_http_blocking_t *client;
static int status;     /* of the last answer; 0: there was none */
static rc_code_t code; /* of the last request */
static char header_value[256];

static inline void sandbox_start(uint32_t people, bool quirks)
{
    const rc_http_options_t options = {0};
    const sb_integration_options_t integration = {
        .seed = 3, .people = people, .epoch = {20000}, .quirks = quirks, .bodies = true};
    rc_error_t error = RC_ERROR_INIT;
    sb_sandbox_init(&sandbox, "/kombo/v1", 1);
    company = sb_integration_add(&sandbox, &integration, &error);
    ck_assert_msg(company != NULL, "%s", error.message);
    ck_assert_msg(sb_server_start(&sandbox, "127.0.0.1:0", 2, &error) == RC_OK, "%s", error.message);
    client = rc_http_blocking_new(&options);
}

static inline void sandbox_stop(void)
{
    rc_http_blocking_free(client);
    rc_httpd_free(sandbox.httpd);
    sb_sandbox_fini(&sandbox);
}

/* Asks and keeps status, code and the header `wanted` (NULL: none). Returns the body, new (free). */
static inline char *ask_text(const char *method, const char *path, const char *authorization, const char *content_type,
                             const char *body, const char *wanted)
{
    char *url = rc_sprintf("http://%s%s", rc_httpd_address(sandbox.httpd), path);
    const rc_http_header_t headers[] = {{"Authorization", authorization},
                                        {"X-Integration-Id", company->id},
                                        {"Content-Type", content_type ? content_type : "application/json"}};
    const rc_http_request_t request = {.method = method,
                                       .url = url,
                                       .headers = headers,
                                       .header_count = body ? 3 : 2,
                                       .body = body,
                                       .body_bytes = body ? strlen(body) : 0,
                                       .timeout_ms = 20000,
                                       .max_body_bytes = 64 << 20};
    rc_http_answer_t answer;
    rc_error_t error = RC_ERROR_INIT;
    code = rc_http_perform(client, &request, NULL, NULL, NULL, &answer, &error);
    status = code ? 0 : answer.status;
    header_value[0] = '\0';
    if (!code && wanted) (void)rc_http_answer_header(&answer, wanted, header_value, sizeof header_value);
    char *text = rc_strdup(code ? "" : answer.body);
    free(url);
    return text;
}

/* The answer as JSON, new (json_decref); NULL when it is none. */
static inline json_t *ask(const char *method, const char *path, const char *authorization, const char *body,
                          const char *wanted)
{
    json_t *json = NULL;
    char *text = ask_text(method, path, authorization, NULL, body, wanted);
    (void)rc_json_parse(text, strlen(text), &json, NULL);
    free(text);
    return json;
}

/* POSTs to the control interface, below the integration's own part when `path` has no slash in front. The body is
 * written with ' for ". Returns the answer. */
static inline json_t *control(const char *method, const char *path, const char *body)
{
    char *text = body ? rc_strdup(body) : NULL;
    for (char *at = text; at && *at; at++)
        if (*at == '\'') *at = '"';
    char *full =
        *path == '/' ? rc_sprintf("/control%s", path) : rc_sprintf("/control/integrations/%s/%s", company->slug, path);
    if (full[strlen(full) - 1] == '/') full[strlen(full) - 1] = '\0';
    json_t *answer = ask(method, full, "none", text, NULL);
    ck_assert_msg(status / 100 == 2, "%s %s: %d %s", method, full, status, rc_json_str(answer, "error"));
    free(full);
    free(text);
    return answer;
}

static inline void control_quietly(const char *method, const char *path, const char *body)
{
    json_decref(control(method, path, body));
}

#endif
