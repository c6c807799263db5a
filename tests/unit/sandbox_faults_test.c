/* tests/sandbox: the faults, as a client meets them. */
#include "tests/sandbox/mangle.h"
#include "tests/support/unit.h"
#include "tests/unit/sandbox_client.h"

#include <unistd.h>

static char key[96], token[128];

static void start(void)
{
    sandbox_start(60, false);
    (void)snprintf(key, sizeof key, "Bearer %s", sandbox.api_key);
    char *body = rc_sprintf(
        "{\"grant_type\":\"client_credentials\",\"client_id\":\"%s\",\"client_secret\":\"%s\",\"scope\":\"%s\"}",
        company->client_id, company->client_secret, SB_ALL_SCOPES);
    char *path = rc_sprintf("/learnamp/%s/oauth/token", company->slug);
    json_t *answer = ask("POST", path, "none", body, NULL);
    (void)snprintf(token, sizeof token, "Bearer %s", rc_json_str(answer, "access_token"));
    json_decref(answer);
    free(path);
    free(body);
}

static json_t *employees(const char *query)
{
    char *path = rc_sprintf("/kombo/v1/hris/employees?page_size=20%s", query);
    json_t *answer = ask("GET", path, key, NULL, "Retry-After");
    free(path);
    return answer;
}

static json_t *results(const json_t *answer)
{
    return json_object_get(json_object_get(answer, "data"), "results");
}

static void create_user(const char *email)
{
    char *path = rc_sprintf("/learnamp/%s/v1/users", company->slug);
    char *body = rc_sprintf("{\"email\":\"%s\",\"firstName\":\"A\",\"lastName\":\"B\"}", email);
    json_decref(ask("POST", path, token, body, "Retry-After"));
    free(path);
    free(body);
}

static long users(void)
{
    json_t *answer = control("GET", "users", NULL);
    long count = (long)rc_json_int(answer, "count", -1);
    json_decref(answer);
    return count;
}

/* ---- which requests are hit ---- */

START_TEST(the_next_n_are_hit_and_then_no_more)
{
    control_quietly("POST", "/faults", "{'side': 'kombo', 'kind': 'status', 'status': 503, 'next': 2}");
    static const int wanted[] = {503, 503, 200, 200};
    for (size_t i = 0; i < 4; i++) {
        json_decref(employees(""));
        ck_assert_int_eq(status, wanted[i]);
    }
}
END_TEST

START_TEST(every_kth_and_after_are_counted_on_what_matches)
{
    control_quietly("POST", "/faults",
                    "{'side': 'learnamp', 'kind': 'status', 'status': 500, 'every': 3, 'after': 1, "
                    "'match': {'method': 'POST', 'path': '/v1/users'}}");
    static const int wanted[] = {201, 201, 201, 500, 201, 201, 500};
    char email[32];
    for (int i = 0; i < 7; i++) {
        (void)snprintf(email, sizeof email, "u%d@acme.example", i);
        create_user(email);
        ck_assert_int_eq(status, wanted[i]);
        json_decref(employees(""));
        ck_assert_int_eq(status, 200);
    }
}
END_TEST

START_TEST(a_probability_follows_its_seed)
{
    control_quietly("POST", "/faults", "{'side': 'kombo', 'kind': 'status', 'probability': 0.5, 'seed': 4}");
    int hits = 0;
    for (int i = 0; i < 100; i++) {
        json_decref(employees("&ids=x"));
        hits += status == 500;
    }
    ck_assert(hits > 25 && hits < 75);
    json_t *answer = control("GET", "/faults", NULL);
    const json_t *fault = json_array_get(json_object_get(answer, "faults"), 0);
    ck_assert_int_eq(rc_json_int(fault, "hits", 0), hits);
    ck_assert_int_eq(rc_json_int(fault, "matched", 0), 100);
    json_decref(answer);
    control_quietly("DELETE", "/faults", NULL);
    json_decref(employees(""));
    ck_assert_int_eq(status, 200);
}
END_TEST

START_TEST(a_match_can_name_an_employee_and_an_integration)
{
    control_quietly(
        "POST", "/faults",
        "[{'side': 'learnamp', 'kind': 'status', 'status': 500, 'next': -1, 'match': {'contains': 'poison@'}},"
        "{'side': 'kombo', 'kind': 'status', 'integration': 'personio:other'}]");
    create_user("fine@acme.example");
    ck_assert_int_eq(status, 201);
    create_user("poison@acme.example");
    ck_assert_int_eq(status, 500);
    json_decref(employees(""));
    ck_assert_int_eq(status, 200);
}
END_TEST

START_TEST(a_match_can_mean_all_writes)
{
    char *path = rc_sprintf("/learnamp/%s/v1/users/1", company->slug);
    control_quietly("POST", "/faults",
                    "{'side': 'learnamp', 'kind': 'status', 'status': 503, 'next': -1, 'match': {'method': 'P*'}}");
    create_user("fine@acme.example");
    ck_assert_int_eq(status, 503);
    json_decref(ask("PUT", path, token, "{}", NULL));
    ck_assert_int_eq(status, 503);
    json_decref(ask("GET", path, token, NULL, NULL));
    ck_assert_int_eq(status, 404);
    free(path);
}
END_TEST

START_TEST(a_wrong_fault_is_refused)
{
    static const char *const wrong[] = {"{}",
                                        "{'side': 'kombo'}",
                                        "{'side': 'kombo', 'kind': 'earthquake'}",
                                        "{'side': 'moon', 'kind': 'drop'}",
                                        "{'side': 'kombo', 'kind': 'drop', 'nxt': 1}",
                                        "{'side': 'kombo', 'kind': 'drop', 'every': 0}"};
    char *text = rc_strdup(wrong[_i]);
    for (char *at = text; *at; at++)
        if (*at == '\'') *at = '"';
    json_decref(ask("POST", "/control/faults", "none", text, NULL));
    ck_assert_int_eq(status, 400);
    free(text);
}
END_TEST

/* ---- what happens to them ---- */

START_TEST(throttling_says_when_in_seconds_or_as_a_date)
{
    control_quietly("POST", "/faults",
                    "[{'side': 'kombo', 'kind': 'throttle', 'retry_after_s': 7},"
                    "{'side': 'kombo', 'kind': 'throttle', 'retry_after_s': 60, 'retry_after_as': 'date'}]");
    json_decref(employees(""));
    ck_assert_int_eq(status, 429);
    ck_assert_str_eq(header_value, "7");
    json_decref(employees(""));
    ck_assert_int_eq(status, 429);
    int64_t in_ms = rc_http_date(header_value).ms - rc_wall_now().ms;
    ck_assert(in_ms > 50000 && in_ms <= 60000);
}
END_TEST

START_TEST(a_rate_limit_throttles_within_a_second)
{
    control_quietly("PATCH", "", "{'learnamp': {'rate_limit_per_s': 5}}");
    int throttled = 0;
    for (int i = 0; i < 12; i++) {
        create_user("same@acme.example");
        throttled += status == 429;
    }
    ck_assert_int_gt(throttled, 0);
    ck_assert_str_eq(header_value, status == 429 ? "1" : "");
}
END_TEST

START_TEST(an_error_can_come_with_status_200)
{
    control_quietly("POST", "/faults",
                    "{'side': 'kombo', 'kind': 'error_200', 'code': 'INTEGRATION.PERMISSION_MISSING'}");
    json_t *answer = employees("");
    ck_assert_int_eq(status, 200);
    ck_assert_str_eq(rc_json_str(answer, "status"), "error");
    ck_assert_str_eq(rc_json_str(json_object_get(answer, "error"), "code"), "INTEGRATION.PERMISSION_MISSING");
    json_decref(answer);
}
END_TEST

START_TEST(a_dropped_connection_has_an_effect_or_has_none)
{
    control_quietly("POST", "/faults",
                    "[{'side': 'learnamp', 'kind': 'drop'}, {'side': 'learnamp', 'kind': 'drop', 'effect': true},"
                    "{'side': 'learnamp', 'kind': 'cut'}]");
    create_user("a@acme.example");
    ck_assert_int_eq(code, RC_INTERRUPTED);
    ck_assert_int_eq(users(), 0);
    create_user("b@acme.example");
    ck_assert_int_eq(code, RC_INTERRUPTED);
    ck_assert_int_eq(users(), 1);
    create_user("c@acme.example");
    ck_assert_int_eq(code, RC_INTERRUPTED);
    ck_assert_int_eq(users(), 2);
    json_t *answer = control("GET", "requests?after=1", NULL);
    static const char *const effects[] = {"none", "done", "done"}, *const answers[] = {"dropped", "dropped", "cut"};
    for (size_t i = 0; i < 3; i++) {
        const json_t *entry = json_array_get(json_object_get(answer, "requests"), i);
        ck_assert_str_eq(rc_json_str(entry, "effect"), effects[i]);
        ck_assert_str_eq(rc_json_str(entry, "answer"), answers[i]);
    }
    json_decref(answer);
}
END_TEST

START_TEST(a_late_effect_comes_after_the_connection_is_gone)
{
    control_quietly("POST", "/faults", "{'side': 'learnamp', 'kind': 'late', 'delay_ms': 300}");
    create_user("late@acme.example");
    ck_assert_int_eq(code, RC_INTERRUPTED);
    ck_assert_int_eq(users(), 0);
    for (int i = 0; i < 1000 && users() == 0; i++) (void)usleep(10000);
    ck_assert_int_eq(users(), 1);
}
END_TEST

START_TEST(a_delayed_answer_comes_whole)
{
    control_quietly("POST", "/faults", "{'side': 'kombo', 'kind': 'delay', 'delay_ms': 200}");
    rc_mono_t began = rc_mono_now();
    json_t *answer = employees("");
    ck_assert_int_ge(rc_mono_now().ms - began.ms, 199);
    ck_assert_uint_eq(json_array_size(results(answer)), 20);
    json_decref(answer);
}
END_TEST

START_TEST(a_hanging_answer_ends_in_a_closed_connection)
{
    control_quietly("POST", "/faults", "{'side': 'kombo', 'kind': 'hang', 'delay_ms': 100}");
    /* curl itself repeats a GET that got nothing. */
    json_decref(employees(""));
    json_t *answer = control("GET", "requests?side=kombo", NULL);
    ck_assert_str_eq(rc_json_str(json_array_get(json_object_get(answer, "requests"), 0), "answer"), "hanging");
    json_decref(answer);
}
END_TEST

START_TEST(lists_can_be_empty_or_halved)
{
    control_quietly("POST", "/faults",
                    "[{'side': 'kombo', 'kind': 'empty_list'}, {'side': 'kombo', 'kind': 'halved_list'}]");
    json_t *answer = employees("");
    ck_assert_int_eq(status, 200);
    ck_assert_uint_eq(json_array_size(results(answer)), 0);
    ck_assert(json_is_null(json_object_get(json_object_get(answer, "data"), "next")));
    json_decref(answer);
    answer = employees("");
    ck_assert_uint_eq(json_array_size(results(answer)), 10);
    ck_assert(json_is_string(json_object_get(json_object_get(answer, "data"), "next")));
    json_decref(answer);
}
END_TEST

START_TEST(a_field_can_have_another_type_or_be_huge_or_nested)
{
    control_quietly("POST", "/faults",
                    "[{'side': 'kombo', 'kind': 'wrong_type', 'field': 'work_email', 'value': [1]},"
                    "{'side': 'kombo', 'kind': 'huge_field', 'bytes': 10000000},"
                    "{'side': 'kombo', 'kind': 'nested', 'depth': 1000000, 'field': 'custom_fields'},"
                    "{'side': 'kombo', 'kind': 'garbage', 'bytes': 100}]");
    json_t *answer = employees("");
    ck_assert(json_is_array(json_object_get(json_array_get(results(answer), 0), "work_email")));
    ck_assert(json_is_string(json_object_get(json_array_get(results(answer), 1), "work_email")));
    json_decref(answer);
    answer = employees("");
    ck_assert_uint_eq(strlen(rc_json_str(json_array_get(results(answer), 0), "job_title")), 10000000);
    json_decref(answer);
    char *text = ask_text("GET", "/kombo/v1/hris/employees", key, NULL, NULL, NULL);
    ck_assert_ptr_nonnull(strstr(text, "\"custom_fields\":[[[[[["));
    ck_assert_uint_gt(strlen(text), 2000000);
    free(text);
    ck_assert_ptr_null(employees(""));
    ck_assert_int_eq(status, 200);
}
END_TEST

START_TEST(a_cursor_expires_halfway)
{
    control_quietly("POST", "/faults", "{'side': 'kombo', 'kind': 'cursor_expired', 'after': 1}");
    char query[128] = "";
    static const int wanted[] = {200, 200, 400};
    for (int i = 0; i < 3; i++) {
        json_t *answer = employees(query);
        ck_assert_int_eq(status, wanted[i]);
        const char *next = rc_json_str(json_object_get(answer, "data"), "next");
        if (next) (void)snprintf(query, sizeof query, "&cursor=%s", next);
        json_decref(answer);
    }
}
END_TEST

START_TEST(mangling_finds_the_first_member_wherever_it_stands)
{
    static const struct {
        const char *before, *after;
    } cases[] = {
        {"{\"a\":1,\"x\":\"q\\\"}\",\"b\":2}", "{\"a\":1,\"x\":RAW,\"b\":2}"},
        {"{\"x\":{\"y\":[1,{\"z\":\"}\"}]},\"x\":3}", "{\"x\":RAW,\"x\":3}"},
        {"{\"x\":null}", "{\"x\":RAW}"},
        {"[{\"x\":[1,2]}]", "[{\"x\":RAW}]"},
        {"{\"a\":1}", "{\"a\":1}"},
    };
    rc_buf_t text = RC_BUF_INIT(1000);
    (void)rc_buf_add_str(&text, cases[_i].before);
    ck_assert(sb_mangle_member(&text, "x", "RAW", 3) == (strcmp(cases[_i].before, cases[_i].after) != 0));
    ck_assert_str_eq(text.data, cases[_i].after);
    rc_buf_fini(&text);
}
END_TEST

/* ---- the oracle ---- */

START_TEST(comparing_names_every_difference)
{
    json_t *answer = control("GET", "expected?limit=1", NULL),
           *expected = json_array_get(json_object_get(answer, "expected"), 0);
    json_t *result = control("GET", "compare", NULL);
    long long before = rc_json_int(result, "difference_count", -1);
    ck_assert_int_eq(before, rc_json_int(result, "employed", -1));
    json_decref(result);

    const json_t *team = json_array_get(json_object_get(expected, "primaryTeams"), 0);
    json_t *body =
        json_pack("{s:s, s:s}", "name", rc_json_str(team, "name"), "integrationExternalId", rc_json_str(team, "id"));
    char *text = rc_json_text(body, false);
    control_quietly("POST", "teams", text);
    free(text);
    json_decref(body);
    body = json_pack("{s:s, s:s, s:s}", "integrationExternalId", rc_json_str(expected, "employee"),
                     "primaryTeamIntegrationExternalId", rc_json_str(team, "id"), "status", "confirmed");
    static const char *const fields[] = {"email", "firstName", "lastName", "jobTitle", "hireDate", "location"};
    for (size_t i = 0; i < 6; i++) rc_json_put_str(body, fields[i], rc_json_str(expected, fields[i]));
    text = rc_json_text(body, false);
    control_quietly("POST", "users", text);
    free(text);
    json_decref(body);
    result = control("GET", "compare", NULL);
    ck_assert_int_eq(rc_json_int(result, "difference_count", -1), before - 1);
    json_decref(result);

    control_quietly("PATCH", "users/1001", "{'jobTitle': 'Wrong'}");
    result = control("GET", "compare", NULL);
    const json_t *first = json_array_get(json_object_get(result, "differences"), 0);
    ck_assert_str_eq(rc_json_str(first, "field"), "jobTitle");
    ck_assert_str_eq(rc_json_str(first, "learnamp"), "Wrong");
    json_decref(result);
    control_quietly("PATCH", "users/1001", "{'status': 'deactivated'}");
    result = control("GET", "compare", NULL);
    ck_assert_str_eq(rc_json_str(json_array_get(json_object_get(result, "differences"), 0), "field"), "status");
    json_decref(result);
    json_decref(answer);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sandbox_faults");
    TCase *tc = tcase_create("http");
    tcase_add_checked_fixture(tc, start, sandbox_stop);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, the_next_n_are_hit_and_then_no_more);
    tcase_add_test(tc, every_kth_and_after_are_counted_on_what_matches);
    tcase_add_test(tc, a_probability_follows_its_seed);
    tcase_add_test(tc, a_match_can_name_an_employee_and_an_integration);
    tcase_add_test(tc, a_match_can_mean_all_writes);
    tcase_add_loop_test(tc, a_wrong_fault_is_refused, 0, 6);
    tcase_add_test(tc, throttling_says_when_in_seconds_or_as_a_date);
    tcase_add_test(tc, a_rate_limit_throttles_within_a_second);
    tcase_add_test(tc, an_error_can_come_with_status_200);
    tcase_add_test(tc, a_dropped_connection_has_an_effect_or_has_none);
    tcase_add_test(tc, a_late_effect_comes_after_the_connection_is_gone);
    tcase_add_test(tc, a_delayed_answer_comes_whole);
    tcase_add_test(tc, a_hanging_answer_ends_in_a_closed_connection);
    tcase_add_test(tc, lists_can_be_empty_or_halved);
    tcase_add_test(tc, a_field_can_have_another_type_or_be_huge_or_nested);
    tcase_add_test(tc, a_cursor_expires_halfway);
    tcase_add_test(tc, comparing_names_every_difference);
    suite_add_tcase(suite, tc);
    TCase *pure = tcase_create("pure");
    tcase_add_loop_test(pure, mangling_finds_the_first_member_wherever_it_stands, 0, 5);
    suite_add_tcase(suite, pure);
    return rc_unit_run(suite);
}
