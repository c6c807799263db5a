/* producer/kombo/kombo: what is asked of Kombo, and what becomes of the answers. */
#include "producer/kombo/kombo.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/mem.h"
#include "tests/support/unit.h"
#include "tests/support/wire.h"

/* What the requests are answered, one after the other. */
typedef struct {
    int status; /* 0: the body is the whole answer, then the connection ends; -1: none, and the flag is set */
    const char *headers;
    const char *body;
} step_t;

enum { MAX_STEPS = 12 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards what follows */
static step_t steps[MAX_STEPS];
static int step_count;
static char lines[MAX_STEPS][4096], heads[MAX_STEPS][4096];
static atomic_bool cancelled;
static rc_wire_t *server;
static rc_kombo_fields_t *fields;
static rc_kombo_t *kombo;
static rc_buf_t ids;
static rc_kombo_result_t result;
static rc_error_t error;

static bool follow(void *opaque, const rc_wire_request_t *request)
{
    (void)opaque;
    int i = request->total - 1;
    (void)pthread_mutex_lock(&lock);
    if (i >= step_count) i = MAX_STEPS - 1; /* which has no answer */
    (void)snprintf(lines[i], sizeof lines[i], "%.*s", (int)strcspn(request->head, "\r"), request->head);
    (void)snprintf(heads[i], sizeof heads[i], "%s", request->head);
    const step_t step = steps[i];
    (void)pthread_mutex_unlock(&lock);
    if (step.status == 0) {
        rc_wire_say(request, step.body ? step.body : "");
        return false;
    }
    if (step.status < 0) {
        atomic_store(&cancelled, true);
        rc_wire_wait_gone(request);
        return false;
    }
    rc_wire_answer(request, step.status, step.headers ? step.headers : "", step.body);
    return true;
}

static const char *const PATHS[] = {"first_name", "avatar"};

static void make_client(void)
{
    char base_url[128];
    (void)snprintf(base_url, sizeof base_url, "%s/v1", rc_wire_url(server));
    rc_kombo_options_t options = {.base_url = base_url,
                                  .api_key = "KEY",
                                  .integration_id = "personio:CBNM/x",
                                  .page_size = 250,
                                  .timeout_ms = 20000,
                                  .max_page_bytes = 1 << 20,
                                  .fields = fields};
    kombo = rc_kombo_new(&options);
}

static void start(void)
{
    ck_assert_int_eq(rc_kombo_fields_new(PATHS, 2, &fields, &error), RC_OK);
    server = rc_wire_new(follow, NULL);
    make_client();
    ids = RC_BUF_INIT(1 << 20);
    error = RC_ERROR_INIT;
}

static void finish(void)
{
    rc_kombo_free(kombo);
    rc_wire_free(server);
    rc_kombo_fields_free(fields);
    rc_buf_fini(&ids);
}

static void script(const step_t *wanted, int count)
{
    (void)pthread_mutex_lock(&lock);
    memcpy(steps, wanted, (size_t)count * sizeof *wanted);
    step_count = count;
    (void)pthread_mutex_unlock(&lock);
}
#define SCRIPT(...)                            \
    do {                                       \
        const step_t all[] = {__VA_ARGS__};    \
        script(all, sizeof all / sizeof *all); \
    } while (0)

static rc_code_t on_employee(void *opaque, const rc_kombo_employee_t *employee, rc_error_t *fault)
{
    (void)opaque, (void)fault;
    (void)rc_buf_add_format(&ids, "%s ", employee->id);
    return RC_OK;
}

static rc_code_t on_group(void *opaque, const rc_kombo_group_t *group, rc_error_t *fault)
{
    (void)opaque, (void)fault;
    (void)rc_buf_add_format(&ids, "%s:%s ", group->id, group->name);
    return RC_OK;
}

static rc_code_t on_location(void *opaque, const rc_kombo_location_t *location, rc_error_t *fault)
{
    (void)opaque, (void)fault;
    (void)rc_buf_add_format(&ids, "%s:%s ", location->id, location->name);
    return RC_OK;
}

static rc_code_t fetch(rc_kombo_query_t query)
{
    error = RC_ERROR_INIT;
    rc_buf_reset(&ids);
    return rc_kombo_fetch_employees(kombo, &query, on_employee, NULL, &cancelled, &result, &error);
}

#define PAGE(next, records) "{\"status\":\"success\",\"data\":{\"next\":" next ",\"results\":[" records "]}}"
#define ERROR_OF(code) \
    "{\"status\":\"error\",\"error\":{\"code\":\"" code "\",\"title\":\"t\",\"message\":\"m\",\"log_url\":null}}"
#define FIRST "GET /v1/hris/employees?page_size=250"

/* ---- What is asked ---- */

START_TEST(pages_follow_the_cursor_and_repeat_every_filter)
{
    const char *wanted[] = {"A1", "B/2"};
    SCRIPT({200, "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n", PAGE("\"c+1/=\"", "{\"id\":\"A1\"}")},
           {200, "Date: Sun, 06 Nov 1994 08:59:37 GMT\r\n", PAGE("\"c2\"", "")},
           {200, NULL, PAGE("null", "{\"id\":\"B2\"}")});
    rc_kombo_query_t query = {.updated_after = {1795363732123}, .include_deleted = true, .ids = wanted, .id_count = 2};
    ck_assert_msg(fetch(query) == RC_OK, "%s", error.message);
    ck_assert_str_eq(ids.data, "A1 B2 ");
#define FILTERS "&include_deleted=true&updated_after=2026-11-22T16%3A08%3A52.123Z&ids=A1%2CB%2F2"
    ck_assert_str_eq(lines[0], FIRST FILTERS " HTTP/1.1");
    ck_assert_str_eq(lines[1], FIRST FILTERS "&cursor=c%2B1%2F%3D HTTP/1.1");
    ck_assert_str_eq(lines[2], FIRST FILTERS "&cursor=c2 HTTP/1.1");
    ck_assert_ptr_nonnull(strstr(heads[2], "\r\nAuthorization: Bearer KEY\r\n"));
    ck_assert_ptr_nonnull(strstr(heads[2], "\r\nX-Integration-Id: personio:CBNM/x\r\n"));
    ck_assert_uint_eq(result.records, 2);
    ck_assert_uint_eq(result.pages, 3);
    /* Kombo's clock at the first page, less what the request took. */
    ck_assert_int_le(result.started_at.ms, 784111777000);
    ck_assert_int_gt(result.started_at.ms, 784111777000 - 20000);
    ck_assert_int_eq(rc_wire_connections(server), 1);
}
END_TEST

START_TEST(without_filters_there_are_none_and_without_a_date_our_clock_counts)
{
    SCRIPT({200, NULL, PAGE("null", "{\"id\":\"A\"}")});
    rc_wall_t before = rc_wall_now();
    ck_assert_int_eq(fetch((rc_kombo_query_t){0}), RC_OK);
    ck_assert_str_eq(lines[0], FIRST " HTTP/1.1");
    ck_assert_int_ge(result.started_at.ms, before.ms);
    ck_assert_int_le(result.started_at.ms, rc_wall_now().ms);
    ck_assert_uint_gt(result.bytes, 50);
}
END_TEST

START_TEST(a_clock_that_is_days_ahead_is_not_believed)
{
    SCRIPT({200, "Date: Fri, 06 Nov 2099 08:49:37 GMT\r\n", PAGE("null", "{\"id\":\"A\"}")});
    ck_assert_int_eq(fetch((rc_kombo_query_t){0}), RC_OK);
    ck_assert_int_le(result.started_at.ms, rc_wall_now().ms);
}
END_TEST

START_TEST(many_ids_are_asked_for_in_several_listings)
{
    char *names[250];
    for (int i = 0; i < 250; i++) names[i] = rc_sprintf("E%d", i);
    SCRIPT({200, NULL, PAGE("\"same\"", "{\"id\":\"A\"}")}, {200, NULL, PAGE("null", "{\"id\":\"B\"}")},
           {200, NULL, PAGE("\"same\"", "{\"id\":\"C\"}")}, {200, NULL, PAGE("null", "")},
           {200, NULL, PAGE("null", "{\"id\":\"D\"}")});
    rc_kombo_query_t query = {.ids = (const char *const *)names, .id_count = 250};
    ck_assert_msg(fetch(query) == RC_OK, "%s", error.message);
    ck_assert_str_eq(ids.data, "A B C D ");
    ck_assert_ptr_nonnull(strstr(lines[0], "&ids=E0%2CE1%2C"));
    ck_assert_ptr_nonnull(strstr(lines[0], "%2CE99 "));
    ck_assert_ptr_nonnull(strstr(lines[1], "%2CE99&cursor=same "));
    ck_assert_ptr_nonnull(strstr(lines[2], "&ids=E100%2C"));
    ck_assert_ptr_nonnull(strstr(lines[4], "%2CE249 "));
    ck_assert_uint_eq(result.pages, 5);
    for (int i = 0; i < 250; i++) free(names[i]);
}
END_TEST

START_TEST(groups_and_locations_are_listed_likewise)
{
    SCRIPT({200, NULL, PAGE("\"c\"", "{\"id\":\"G\",\"name\":\"One\"}")},
           {200, NULL, PAGE("null", "{\"id\":\"H\",\"name\":\"Two\"}")},
           {200, NULL, PAGE("null", "{\"id\":\"L\",\"name\":\"HQ\"}")});
    rc_kombo_query_t query = {.updated_after = {1795363732000}, .include_deleted = true};
    ck_assert_int_eq(rc_kombo_fetch_groups(kombo, &query, on_group, NULL, NULL, &result, &error), RC_OK);
    ck_assert_int_eq(rc_kombo_fetch_locations(kombo, &query, on_location, NULL, NULL, &result, &error), RC_OK);
    ck_assert_str_eq(ids.data, "G:One H:Two L:HQ ");
#undef FILTERS
#define FILTERS "?page_size=250&include_deleted=true&updated_after=2026-11-22T16%3A08%3A52.000Z"
    ck_assert_str_eq(lines[0], "GET /v1/hris/groups" FILTERS " HTTP/1.1");
    ck_assert_str_eq(lines[1], "GET /v1/hris/groups" FILTERS "&cursor=c HTTP/1.1");
    ck_assert_str_eq(lines[2], "GET /v1/hris/locations" FILTERS " HTTP/1.1");
}
END_TEST

/* ---- What is answered ---- */

static const struct {
    step_t step;
    rc_code_t code;
    int64_t retry_after_ms;
    const char *says;
} ANSWERS[] = {
    {{429, "Retry-After: 17\r\n", ERROR_OF("PLATFORM.RATE_LIMIT_EXCEEDED")}, RC_HTTP, 17000, "rate limit"},
    {{429, "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nRetry-After: Sun, 06 Nov 1994 08:50:37 GMT\r\n",
      ERROR_OF("PLATFORM.CONCURRENCY_LIMIT_EXCEEDED")},
     RC_HTTP,
     60000,
     "at once"},
    {{200, NULL, ERROR_OF("INTEGRATION.AUTHENTICATION_INVALID")}, RC_NEEDS_CUSTOMER, -1, "reconnects"},
    {{200, NULL, "{\"status\":\"error\",\"error\":{\"code\":null,\"title\":null,\"message\":\"m\",\"log_url\":null}}"},
     RC_HTTP,
     -1,
     ": m)"},
    {{401, NULL, ERROR_OF("PLATFORM.AUTHENTICATION_INVALID")}, RC_MISCONFIGURED, -1, "kombo.api_key"},
    {{503, "Retry-After: 3\r\n", "<html>503 Service Unavailable</html>"}, RC_HTTP, 3000, "out of order"},
    {{502, NULL, ""}, RC_HTTP, -1, "out of order"},
    {{500, NULL, "{\"status\":"}, RC_HTTP, -1, "out of order"},
    {{500, NULL, PAGE("null", "{\"id\":\"NO\"}")}, RC_HTTP, -1, "out of order"},
    {{403, NULL, "Forbidden"}, RC_MISCONFIGURED, -1, "denied"},
    {{404, NULL, "{\"message\":\"no route\"}"}, RC_MISCONFIGURED, -1, "base_url"},
    {{302, "Location: /login\r\n", ""}, RC_MISCONFIGURED, -1, "redirects"},
    {{200, NULL, "<html>Sign in</html>"}, RC_MALFORMED, -1, "no value where one is expected"},
    {{200, NULL, "{}"}, RC_MALFORMED, -1, "data.results"},
    {{200, NULL, "{\"status\":\"success\",\"data\":{\"next\":null}}"}, RC_MALFORMED, -1, "data.results"},
    {{200, NULL, "{\"data\":{\"next\":null,\"results\":[]}}"}, RC_MALFORMED, -1, "data.results"},
    {{200, NULL, PAGE("null", "{\"id\":\"A\",\"first_name\":7}")},
     RC_MALFORMED,
     -1,
     "data.results[0].first_name (id A)"},
    {{200, NULL, PAGE("7", "")}, RC_MALFORMED, -1, "data.next"},
    {{200, NULL, ""}, RC_INTERRUPTED, -1, "cut off"},
    {{200, NULL, "{\"status\":\"success\",\"data\":{\"results\":[{\"id\":\"A\"}"},
     RC_INTERRUPTED,
     -1,
     "cut off at data.results[0]"},
    {{0, NULL, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"status\":\"success\","},
     RC_INTERRUPTED,
     -1,
     "no usable answer"},
    {{0, NULL, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{\"s"},
     RC_INTERRUPTED,
     -1,
     "no usable answer"},
    {{0, NULL, ""}, RC_INTERRUPTED, -1, "no usable answer"},
};
enum { ANSWER_COUNT = sizeof ANSWERS / sizeof *ANSWERS };

START_TEST(every_answer_is_judged)
{
    script(&ANSWERS[_i].step, 1);
    rc_code_t code = fetch((rc_kombo_query_t){0});
    ck_assert_msg(code == ANSWERS[_i].code, "%s: %s", rc_code_str(code), error.message);
    ck_assert_int_eq(error.code, code);
    ck_assert_msg(strstr(error.message, ANSWERS[_i].says) != NULL, "%s", error.message);
    ck_assert_msg(strncmp(error.message, "Kombo, /hris/employees: ", 24) == 0, "%s", error.message);
    ck_assert_int_eq(error.retry_after_ms, ANSWERS[_i].retry_after_ms);
    ck_assert_str_eq(ids.data ? ids.data : "",
                     ANSWERS[_i].step.body && strstr(ANSWERS[_i].step.body, "\"id\":\"A\"}") ? "A " : "");
    bool early = code == RC_INTERRUPTED || code == RC_MALFORMED;
    if (!early) ck_assert_int_eq(error.http_status, ANSWERS[_i].step.status);
    ck_assert_int_eq(rc_wire_requests(server), 1); /* one page, one attempt */
    /* The client works on. */
    SCRIPT({200, NULL, ""}, {200, NULL, PAGE("null", "{\"id\":\"A\"}")});
    ck_assert_msg(fetch((rc_kombo_query_t){0}) == RC_OK, "%s", error.message);
}
END_TEST

START_TEST(a_cursor_that_expires_half_way_asks_for_a_new_listing)
{
    SCRIPT({200, NULL, PAGE("\"c1\"", "{\"id\":\"A\"}")}, {400, NULL, ERROR_OF("PLATFORM.INPUT_INVALID")});
    ck_assert_int_eq(fetch((rc_kombo_query_t){0}), RC_CURSOR_EXPIRED);
    ck_assert_int_eq(error.disposition, RC_RETRY);
    SCRIPT({200, NULL, ""}, {200, NULL, ""}, {400, NULL, ERROR_OF("PLATFORM.INPUT_INVALID")});
    ck_assert_int_eq(fetch((rc_kombo_query_t){0}), RC_MISCONFIGURED);
}
END_TEST

START_TEST(a_listing_that_goes_in_circles_ends)
{
    SCRIPT({200, NULL, PAGE("\"c1\"", "{\"id\":\"A\"}")}, {200, NULL, PAGE("\"c2\"", "{\"id\":\"B\"}")},
           {200, NULL, PAGE("\"c1\"", "{\"id\":\"C\"}")});
    ck_assert_int_eq(fetch((rc_kombo_query_t){0}), RC_MALFORMED);
    ck_assert_ptr_nonnull(strstr(error.message, "the cursor of page 3 is that of an earlier page"));
    ck_assert_int_eq(rc_wire_requests(server), 3);
}
END_TEST

/* Each answer has a cursor that was not there before. */
static bool lead_on(void *opaque, const rc_wire_request_t *request)
{
    char body[256];
    (void)opaque;
    (void)snprintf(body, sizeof body, "{\"status\":\"success\",\"data\":{\"next\":\"c%d\",\"results\":[]}}",
                   request->total);
    rc_wire_answer(request, 200, "", body);
    return true;
}

START_TEST(a_listing_of_empty_pages_ends)
{
    rc_kombo_free(kombo);
    rc_wire_free(server);
    server = rc_wire_new(lead_on, NULL);
    make_client();
    ck_assert_int_eq(fetch((rc_kombo_query_t){0}), RC_MALFORMED);
    ck_assert_ptr_nonnull(strstr(error.message, "1001 pages in a row are empty"));
}
END_TEST

START_TEST(a_page_beyond_the_cap_is_too_large)
{
    char *body = rc_zalloc((1 << 20) + 100);
    memset(body, ' ', (1 << 20) + 1);
    memcpy(body, PAGE("null", ""), sizeof PAGE("null", "") - 1);
    SCRIPT({200, NULL, body});
    ck_assert_int_eq(fetch((rc_kombo_query_t){0}), RC_TOO_LARGE);
    free(body);
}
END_TEST

START_TEST(a_failed_page_fails_the_fetch_and_fills_no_result)
{
    result = (rc_kombo_result_t){.records = 77};
    SCRIPT({200, NULL, PAGE("\"c1\"", "{\"id\":\"A\"}")}, {503, NULL, ""});
    ck_assert_int_eq(fetch((rc_kombo_query_t){0}), RC_HTTP);
    ck_assert_uint_eq(result.records, 77);
}
END_TEST

static rc_code_t refuse(void *opaque, const rc_kombo_employee_t *employee, rc_error_t *fault)
{
    (void)opaque;
    return rc_error_set(fault, RC_IO, RC_FATAL, "no room for %s", employee->id);
}

START_TEST(an_error_of_the_taker_is_the_error_of_the_fetch)
{
    SCRIPT({200, NULL, PAGE("\"c1\"", "{\"id\":\"A\"}")});
    rc_kombo_query_t query = {0};
    ck_assert_int_eq(rc_kombo_fetch_employees(kombo, &query, refuse, NULL, NULL, &result, &error), RC_IO);
    ck_assert_str_eq(error.message, "no room for A");
    ck_assert_int_eq(error.disposition, RC_FATAL);
}
END_TEST

START_TEST(a_flag_ends_the_fetch_in_the_middle_of_a_page)
{
    SCRIPT({200, NULL, PAGE("\"c1\"", "{\"id\":\"A\"}")}, {-1, NULL, NULL});
    rc_mono_t before = rc_mono_now();
    ck_assert_int_eq(fetch((rc_kombo_query_t){0}), RC_CANCELLED);
    ck_assert_int_lt(rc_mono_now().ms - before.ms, 10000);
    ck_assert_int_eq(error.disposition, RC_STOPPED);
}
END_TEST

START_TEST(no_connection_is_tried_thrice_and_named)
{
    rc_kombo_options_t options = {.base_url = "http://127.0.0.1:1/v1",
                                  .api_key = "KEY",
                                  .integration_id = "i",
                                  .page_size = 1,
                                  .timeout_ms = 20000,
                                  .max_page_bytes = 1000,
                                  .fields = fields};
    rc_kombo_t *nowhere = rc_kombo_new(&options);
    rc_kombo_query_t query = {0};
    ck_assert_int_eq(rc_kombo_fetch_employees(nowhere, &query, on_employee, NULL, NULL, &result, &error), RC_CONNECT);
    ck_assert_msg(strncmp(error.message, "Kombo, /hris/employees: GET http://127.0.0.1:1: no connection", 60) == 0,
                  "%s", error.message);
    ck_assert_ptr_null(strstr(error.message, "KEY"));
    rc_kombo_free(nowhere);
}
END_TEST

/* ---- check ---- */

#define KEY_FINE "{\"status\":\"success\",\"data\":{\"environment_id\":\"e\",\"customer_id\":\"c\"}}"
#define INTEGRATION(status, setup, category, more)                                                          \
    "{\"status\":\"success\",\"data\":{\"id\":\"x\",\"tool\":{\"id\":\"personio\",\"label\":\"Personio\"}," \
    "\"category\":\"" category "\",\"status\":\"" status "\",\"setup_status\":\"" setup                     \
    "\",\"end_user\":{\"organization_name\":\"Acme\"},\"data_expired_at\":null," more "}}"
#define EMPLOYEES(available, optout, scope, coverage, model_fields)                                                \
    "\"read_models\":[{\"id\":\"hris_employees\",\"is_available\":" available ",\"opted_out_by_customer\":" optout \
    ",\"scope_config_setting\":\"" scope "\",\"coverage_status\":\"" coverage "\",\"fields\":[" model_fields "]}]"
#define FINE_MODEL EMPLOYEES("true", "false", "ENABLED", "SUPPORTED", "")

static const struct {
    int key_status;
    const char *key_body;
    int status;
    const char *body;
    rc_code_t code;
    const char *says;
} CHECKS[] = {
    {200, KEY_FINE, 200, INTEGRATION("ACTIVE", "COMPLETED", "HRIS", FINE_MODEL), RC_OK, "Personio of Acme can be read"},
    {200, KEY_FINE, 200, INTEGRATION("ACTIVE", "COMPLETED", "HRIS", "\"read_models\":[]"), RC_OK, "can be read"},
    {200, KEY_FINE, 200,
     INTEGRATION("ACTIVE", "COMPLETED", "HRIS",
                 EMPLOYEES("true", "false", "ENABLED", "SUPPORTED",
                           "{\"id\":\"first_name\",\"is_available\":true},{\"id\":\"avatar\",\"is_available\":false}")),
     RC_OK, "Personio of Acme can be read; mapped, but not available: avatar"},
    {401, ERROR_OF("PLATFORM.AUTHENTICATION_INVALID"), 200, "", RC_MISCONFIGURED, "correct kombo.api_key"},
    {200, "<html>", 200, "", RC_MALFORMED, "/check-api-key"},
    {200, KEY_FINE, 404, ERROR_OF("PLATFORM.INTEGRATION_NOT_FOUND"), RC_MISCONFIGURED, "does not know the integration"},
    {200, KEY_FINE, 200, ERROR_OF("PLATFORM.UNKNOWN_ERROR"), RC_HTTP, "error of its own"},
    {200, KEY_FINE, 200, INTEGRATION("INVALID", "COMPLETED", "HRIS", FINE_MODEL), RC_NEEDS_CUSTOMER,
     "Acme: the credentials"},
    {200, KEY_FINE, 200, INTEGRATION("INACTIVE", "COMPLETED", "HRIS", FINE_MODEL), RC_NEEDS_CUSTOMER, "set inactive"},
    {200, KEY_FINE, 200, INTEGRATION("ACTIVE", "INCOMPLETE", "HRIS", FINE_MODEL), RC_NEEDS_CUSTOMER, "completes"},
    {200, KEY_FINE, 200, INTEGRATION("ACTIVE", "FINAL_SYNC_PENDING", "HRIS", FINE_MODEL), RC_NEEDS_CUSTOMER,
     "first sync"},
    {200, KEY_FINE, 200, INTEGRATION("ACTIVE", "COMPLETED", "ATS", FINE_MODEL), RC_MISCONFIGURED, "recruiting"},
    {200, KEY_FINE, 200,
     INTEGRATION("ACTIVE", "COMPLETED", "HRIS", EMPLOYEES("false", "true", "OPTIONAL", "SUPPORTED", "")),
     RC_NEEDS_CUSTOMER, "opt in"},
    {200, KEY_FINE, 200,
     INTEGRATION("ACTIVE", "COMPLETED", "HRIS", EMPLOYEES("false", "false", "DISABLED", "SUPPORTED", "")),
     RC_NEEDS_CUSTOMER, "scope configuration"},
    {200, KEY_FINE, 200,
     INTEGRATION("ACTIVE", "COMPLETED", "HRIS", EMPLOYEES("false", "false", "ENABLED", "UNSUPPORTED", "")),
     RC_NEEDS_CUSTOMER, "cannot read it from this HR system"},
    {200, KEY_FINE, 200, "{\"status\":\"success\",\"data\":null}", RC_MALFORMED, "no data"},
};
enum { CHECK_COUNT = sizeof CHECKS / sizeof *CHECKS };

START_TEST(check_says_in_words_whether_an_integration_can_be_read)
{
    rc_kombo_health_t health;
    SCRIPT({CHECKS[_i].key_status, NULL, CHECKS[_i].key_body}, {CHECKS[_i].status, NULL, CHECKS[_i].body},
           {CHECKS[_i].status, NULL, CHECKS[_i].status == 200 ? PAGE("null", "") : CHECKS[_i].body});
    rc_code_t code = rc_kombo_check(kombo, NULL, &health, &error);
    ck_assert_msg(code == CHECKS[_i].code, "%s: %s", rc_code_str(code), error.message);
    const char *text = code == RC_OK ? health.text : error.message;
    ck_assert_msg(strstr(text, CHECKS[_i].says) != NULL, "%s", text);
    ck_assert_str_eq(lines[0], "GET /v1/check-api-key HTTP/1.1");
    ck_assert_ptr_null(strstr(heads[0], "X-Integration-Id"));
    if (lines[1][0]) ck_assert_str_eq(lines[1], "GET /v1/integrations/personio%3ACBNM%2Fx HTTP/1.1");
}
END_TEST

/* What Kombo says of the integration, and what it answers when an employee is read. */
static const struct {
    int status;
    const char *body;
    int read_status;
    const char *read_body;
    rc_code_t code;
    const char *says;
} PROOFS[] = {
    {200, INTEGRATION("ACTIVE", "COMPLETED", "HRIS", FINE_MODEL), 403, ERROR_OF("INTEGRATION.PERMISSION_MISSING"),
     RC_NEEDS_CUSTOMER, "Kombo, /hris/employees: the credentials that Kombo has may not read this"},
    {200, INTEGRATION("ACTIVE", "COMPLETED", "HRIS", FINE_MODEL), 200, ERROR_OF("INTEGRATION.MODEL_NOT_AVAILABLE"),
     RC_NEEDS_CUSTOMER, "ask Kombo for it"},
    {200, INTEGRATION("ACTIVE", "COMPLETED", "HRIS", FINE_MODEL), 200, KEY_FINE, RC_MALFORMED, "no data.results"},
    {404, "<html>", 200, PAGE("null", "{\"id\":\"A\"}"), RC_OK, "employees can be read"},
    {404, "<html>", 404, "<html>", RC_MISCONFIGURED, "/hris/employees: there is no such endpoint"},
};
enum { PROOF_COUNT = sizeof PROOFS / sizeof *PROOFS };

START_TEST(check_proves_that_employees_can_be_read_whatever_else_kombo_says)
{
    rc_kombo_health_t health;
    SCRIPT({200, NULL, KEY_FINE}, {PROOFS[_i].status, NULL, PROOFS[_i].body},
           {PROOFS[_i].read_status, NULL, PROOFS[_i].read_body});
    rc_code_t code = rc_kombo_check(kombo, NULL, &health, &error);
    ck_assert_msg(code == PROOFS[_i].code, "%s: %s", rc_code_str(code), error.message);
    const char *text = code == RC_OK ? health.text : error.message;
    ck_assert_msg(strstr(text, PROOFS[_i].says) != NULL, "%s", text);
    ck_assert_str_eq(lines[2], "GET /v1/hris/employees?page_size=1 HTTP/1.1");
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("kombo");
    TCase *tests = tcase_create("kombo");
    tcase_add_checked_fixture(tests, start, finish);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, pages_follow_the_cursor_and_repeat_every_filter);
    tcase_add_test(tests, without_filters_there_are_none_and_without_a_date_our_clock_counts);
    tcase_add_test(tests, a_clock_that_is_days_ahead_is_not_believed);
    tcase_add_test(tests, many_ids_are_asked_for_in_several_listings);
    tcase_add_test(tests, groups_and_locations_are_listed_likewise);
    tcase_add_loop_test(tests, every_answer_is_judged, 0, ANSWER_COUNT);
    tcase_add_test(tests, a_cursor_that_expires_half_way_asks_for_a_new_listing);
    tcase_add_test(tests, a_listing_that_goes_in_circles_ends);
    tcase_add_test(tests, a_listing_of_empty_pages_ends);
    tcase_add_test(tests, a_page_beyond_the_cap_is_too_large);
    tcase_add_test(tests, a_failed_page_fails_the_fetch_and_fills_no_result);
    tcase_add_test(tests, an_error_of_the_taker_is_the_error_of_the_fetch);
    tcase_add_test(tests, a_flag_ends_the_fetch_in_the_middle_of_a_page);
    tcase_add_test(tests, no_connection_is_tried_thrice_and_named);
    tcase_add_loop_test(tests, check_says_in_words_whether_an_integration_can_be_read, 0, CHECK_COUNT);
    tcase_add_loop_test(tests, check_proves_that_employees_can_be_read_whatever_else_kombo_says, 0, PROOF_COUNT);
    suite_add_tcase(all, tests);
    return all;
}

int main(void)
{
    return rc_unit_run(suite());
}
