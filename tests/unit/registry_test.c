/* common/registry: what each answer means for the caller: wait, mend something, or it is not there. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/registry.h"
#include "tests/support/unit.h"
#include "tests/support/wire.h"

typedef struct {
    const char *start; /* of the request line */
    int status;
    const char *body;
} script_t;

enum { SCRIPT_MAX = 4 };

static script_t script[SCRIPT_MAX];
static const char *given_once; /* the body of an answer that is not given a second time */
static char last_head[4096];
static rc_wire_t *wire;
static rc_registry_t *registry;
static rc_schema_store_t *store;
static rc_codec_t *codec;

static bool play(void *opaque, const rc_wire_request_t *request)
{
    (void)opaque;
    (void)snprintf(last_head, sizeof last_head, "%s", request->head);
    for (int i = 0; i < SCRIPT_MAX && script[i].start; i++) {
        if (!rc_wire_is(request, script[i].start)) continue;
        if (script[i].body == given_once) script[i].start = "never again";
        rc_wire_answer(request, script[i].status, "", script[i].body);
        return true;
    }
    rc_wire_answer(request, 500, "", "{\"message\":\"not in the script\"}");
    return true;
}

static void setup(void)
{
    memset(script, 0, sizeof script);
    wire = rc_wire_new(play, NULL);
    char *url = rc_sprintf("%s/base/", rc_wire_url(wire));
    registry = rc_registry_new(&(rc_registry_options_t){.url = url, .basic_auth = "user:pass~?", .timeout_ms = 5000});
    free(url);
    store = rc_schema_store_new();
    codec = rc_codec_new(store, RC_WIRE_CONFLUENT);
}

static void teardown(void)
{
    rc_codec_free(codec);
    rc_schema_store_free(store);
    rc_registry_free(registry);
    rc_wire_free(wire);
}

#define FOUND   "{\"subject\":\"s\",\"id\":7,\"version\":1,\"schema\":\"\"}"
#define UNKNOWN "{\"error_code\":40403,\"message\":\"Schema not found\"}"

START_TEST(known_schema_is_only_looked_up)
{
    rc_error_t error = RC_ERROR_INIT;
    script[0] = (script_t){"POST /base/subjects/hris.employee.created-value ", 200, FOUND};
    ck_assert_msg(rc_registry_enroll(registry, codec, RC_RECORD_CREATED, "hris.employee.created", NULL, &error) ==
                      RC_OK,
                  "%s", error.message);
    ck_assert_int_eq(rc_wire_requests(wire), 1);
    ck_assert_ptr_eq(rc_schema_store_find_id(store, 7), rc_schema_store_current(store, RC_RECORD_CREATED));
    ck_assert_ptr_nonnull(strstr(last_head, "Authorization: Basic dXNlcjpwYXNzfj8=\r\n"));
}
END_TEST

START_TEST(unknown_schema_is_registered)
{
    rc_error_t error = RC_ERROR_INIT;
    script[0] = (script_t){"POST /base/subjects/t-value/versions ", 200, "{\"id\":8}"};
    script[1] = (script_t){"POST /base/subjects/t-value ", 404, "{\"error_code\":40401,\"message\":\"no subject\"}"};
    script[2] = (script_t){"PUT /base/config/t-value ", 403, "{}"}; /* may be refused */
    ck_assert_msg(rc_registry_enroll(registry, codec, RC_RECORD_LEDGER, "t", NULL, &error) == RC_OK, "%s",
                  error.message);
    ck_assert_int_eq(rc_wire_requests(wire), 3);
    ck_assert_ptr_eq(rc_schema_store_find_id(store, 8), rc_schema_store_current(store, RC_RECORD_LEDGER));
}
END_TEST

START_TEST(schema_that_another_registers_at_the_same_time_is_no_conflict)
{
    rc_error_t error = RC_ERROR_INIT;
    given_once = "{\"message\":\"already exists\"}";
    script[0] = (script_t){"POST /base/subjects/t-value/versions ", 409, given_once};
    script[1] = (script_t){"POST /base/subjects/t-value/versions ", 200, "{\"id\":8}"};
    script[2] = (script_t){"POST /base/subjects/t-value ", 404, UNKNOWN};
    script[3] = (script_t){"PUT /base/config/t-value ", 200, "{}"};
    ck_assert_msg(rc_registry_enroll(registry, codec, RC_RECORD_LEDGER, "t", NULL, &error) == RC_OK, "%s",
                  error.message);
    ck_assert_ptr_eq(rc_schema_store_find_id(store, 8), rc_schema_store_current(store, RC_RECORD_LEDGER));
}
END_TEST

START_TEST(incompatible_schema_is_a_conflict_with_the_mend)
{
    rc_error_t error = RC_ERROR_INIT;
    script[0] = (script_t){"POST /base/subjects/t-value/versions ", 409, "{\"message\":\"reader lacks a\"}"};
    script[1] = (script_t){"POST /base/subjects/t-value ", 404, UNKNOWN};
    ck_assert_int_eq(rc_registry_enroll(registry, codec, RC_RECORD_LEDGER, "t", NULL, &error), RC_CONFLICT);
    ck_assert_ptr_nonnull(strstr(error.message, "subject t-value"));
    ck_assert_ptr_nonnull(strstr(error.message, "kafka.topic_prefix"));
    ck_assert_ptr_nonnull(strstr(error.message, "reader lacks a"));
}
END_TEST

static const struct {
    int status;
    const char *body;
    rc_code_t code;
    rc_disposition_t disposition;
} answers[] = {
    {404, UNKNOWN, RC_NOT_FOUND, RC_REJECT},
    {404, "<html>", RC_MISCONFIGURED, RC_REJECT},
    {404, "{\"error_code\":0,\"message\":\"no such path\"}", RC_MISCONFIGURED, RC_REJECT},
    {302, "", RC_MISCONFIGURED, RC_REJECT},
    {401, "{}", RC_MISCONFIGURED, RC_REJECT},
    {403, "{}", RC_MISCONFIGURED, RC_REJECT},
    {429, "{}", RC_HTTP, RC_RETRY},
    {500, "{\"error_code\":50001,\"message\":\"store\"}", RC_HTTP, RC_RETRY},
    {503, "", RC_HTTP, RC_RETRY},
    {200, "<html>", RC_MALFORMED, RC_REJECT},
    {200, "{\"schemaType\":\"PROTOBUF\",\"schema\":\"syntax\"}", RC_MALFORMED, RC_REJECT},
    {200, "{\"schema\":\"nonsense\"}", RC_MALFORMED, RC_REJECT},
    {200, "{\"schema\":\"\\\"int\\\"\"}", RC_OK, RC_RETRY},
};

START_TEST(fetching_tells_unknown_from_unreachable)
{
    rc_error_t error = RC_ERROR_INIT;
    script[0] = (script_t){"GET /base/schemas/ids/9 ", answers[_i].status, answers[_i].body};
    ck_assert_int_eq(rc_registry_fetch(registry, 9, store, NULL, &error), answers[_i].code);
    if (answers[_i].code == RC_OK)
        ck_assert_ptr_nonnull(rc_schema_store_find_id(store, 9));
    else
        ck_assert_int_eq(error.disposition, answers[_i].disposition);
}
END_TEST

START_TEST(nobody_there_is_to_be_waited_for)
{
    rc_error_t error = RC_ERROR_INIT;
    rc_registry_t *nowhere = rc_registry_new(&(rc_registry_options_t){.url = "http://127.0.0.1:1", .timeout_ms = 2000});
    ck_assert_int_eq(rc_registry_fetch(nowhere, 9, store, NULL, &error), RC_CONNECT);
    ck_assert_int_eq(error.disposition, RC_RETRY);
    ck_assert_int_eq(rc_registry_ping(nowhere, NULL, &error), RC_CONNECT);
    rc_registry_free(nowhere);
}
END_TEST

START_TEST(ping_knows_a_registry_from_something_else)
{
    rc_error_t error = RC_ERROR_INIT;
    script[0] = (script_t){"GET /base/subjects ", 200, "[\"a-value\"]"};
    ck_assert_int_eq(rc_registry_ping(registry, NULL, &error), RC_OK);
    script[0].body = "<html>welcome</html>";
    ck_assert_int_eq(rc_registry_ping(registry, NULL, &error), RC_MISCONFIGURED);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("registry");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_test(all, known_schema_is_only_looked_up);
    tcase_add_test(all, unknown_schema_is_registered);
    tcase_add_test(all, schema_that_another_registers_at_the_same_time_is_no_conflict);
    tcase_add_test(all, incompatible_schema_is_a_conflict_with_the_mend);
    tcase_add_loop_test(all, fetching_tells_unknown_from_unreachable, 0, (int)(sizeof answers / sizeof *answers));
    tcase_add_test(all, nobody_there_is_to_be_waited_for);
    tcase_add_test(all, ping_knows_a_registry_from_something_else);
    suite_add_tcase(suite, all);
    return rc_unit_run(suite);
}
