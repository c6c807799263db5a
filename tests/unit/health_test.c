/* common/health: a service's port, asked by our own client. */
#include "common/health.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/http.h"
#include "tests/support/unit.h"

static rc_metrics_t *metrics;
static rc_health_t *health;
static rc_http_blocking_t *client;
static atomic_bool is_ready;

static bool ready(void *opaque, char *why, size_t why_bytes)
{
    ck_assert_str_eq(opaque, "opaque");
    if (atomic_load(&is_ready)) return true;
    (void)snprintf(why, why_bytes, "3 partitions are behind");
    return false;
}

static void own(const rc_httpd_request_t *request, rc_httpd_reply_t *reply, void *arg)
{
    (void)request;
    rc_httpd_reply_text(reply, 200, arg);
}

static rc_code_t open_port(const char *host, uint16_t port, rc_health_t **result, rc_error_t *error)
{
    static char opaque[] = "opaque", greeting[] = "hello\n";
    rc_listen_t listen = {.port = port};
    (void)snprintf(listen.host, sizeof listen.host, "%s", host);
    const rc_httpd_route_t routes[] = {{"GET", "/own", own, greeting}};
    const rc_health_options_t options = {
        .listen = &listen, .metrics = metrics, .ready = ready, .opaque = opaque, .routes = routes, .route_count = 1};
    return rc_health_new(&options, result, error);
}

static void set_up(void)
{
    rc_error_t error = RC_ERROR_INIT;
    atomic_store(&is_ready, false);
    metrics = rc_metrics_new(RC_METRICS_PRODUCER);
    ck_assert_msg(open_port("127.0.0.1", 0, &health, &error) == RC_OK, "%s", error.message);
    client = rc_http_blocking_new(&(rc_http_options_t){0});
}

static void tear_down(void)
{
    rc_http_blocking_free(client);
    rc_health_free(health);
    rc_metrics_free(metrics);
}

/* The status; the body goes to `body`. */
static int ask(const char *method, const char *path, char *body, size_t body_bytes)
{
    char url[128];
    rc_error_t error = RC_ERROR_INIT;
    rc_http_answer_t answer;
    (void)snprintf(url, sizeof url, "http://%s%s", rc_health_address(health), path);
    const rc_http_request_t request = {
        .method = method, .url = url, .timeout_ms = rc_unit_patience_ms(5000), .max_body_bytes = 1 << 20};
    ck_assert_msg(rc_http_perform(client, &request, NULL, NULL, NULL, &answer, &error) == RC_OK, "%s", error.message);
    (void)snprintf(body, body_bytes, "%.*s", (int)answer.body_bytes, answer.body ? answer.body : "");
    return answer.status;
}

START_TEST(a_process_that_lives_is_healthy_even_when_it_is_not_ready)
{
    char body[256];
    ck_assert_int_eq(ask("GET", "/healthz", body, sizeof body), 200);
    ck_assert_str_eq(body, "ok\n");
}
END_TEST

START_TEST(readiness_is_asked_each_time_and_says_why_not)
{
    char body[256];
    ck_assert_int_eq(ask("GET", "/readyz", body, sizeof body), 503);
    ck_assert_str_eq(body, "not ready: 3 partitions are behind\n");
    atomic_store(&is_ready, true);
    ck_assert_int_eq(ask("GET", "/readyz", body, sizeof body), 200);
    ck_assert_str_eq(body, "ready\n");
    atomic_store(&is_ready, false);
    ck_assert_int_eq(ask("GET", "/readyz", body, sizeof body), 503);
}
END_TEST

START_TEST(metrics_tell_readiness_as_it_is_now)
{
    static char body[1 << 16];
    ck_assert_int_eq(ask("GET", "/metrics", body, sizeof body), 200);
    ck_assert_ptr_nonnull(strstr(body, "rollcall_ready 0"));
    atomic_store(&is_ready, true);
    ck_assert_int_eq(ask("GET", "/metrics", body, sizeof body), 200);
    ck_assert_ptr_nonnull(strstr(body, "rollcall_ready 1"));
}
END_TEST

START_TEST(the_program_adds_routes_and_nothing_else_is_there)
{
    char body[256];
    ck_assert_int_eq(ask("GET", "/own", body, sizeof body), 200);
    ck_assert_str_eq(body, "hello\n");
    ck_assert_int_eq(ask("GET", "/", body, sizeof body), 404);
    ck_assert_int_eq(ask("GET", "/healthz/", body, sizeof body), 404);
    ck_assert_int_eq(ask("POST", "/readyz", body, sizeof body), 405);
}
END_TEST

START_TEST(a_port_that_is_taken_is_named)
{
    rc_health_t *second = NULL;
    rc_error_t error = RC_ERROR_INIT;
    const char *port = strrchr(rc_health_address(health), ':') + 1;
    ck_assert_int_eq(open_port("127.0.0.1", (uint16_t)atoi(port), &second, &error), RC_IO);
    ck_assert_ptr_nonnull(strstr(error.message, port));
    ck_assert_ptr_null(second);
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("health");
    TCase *tests = tcase_create("health");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_process_that_lives_is_healthy_even_when_it_is_not_ready);
    tcase_add_test(tests, readiness_is_asked_each_time_and_says_why_not);
    tcase_add_test(tests, metrics_tell_readiness_as_it_is_now);
    tcase_add_test(tests, the_program_adds_routes_and_nothing_else_is_there);
    tcase_add_test(tests, a_port_that_is_taken_is_named);
    suite_add_tcase(all, tests);
    return all;
}

int main(void)
{
    return rc_unit_run(suite());
}
