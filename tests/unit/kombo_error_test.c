/* producer/kombo/kombo_error: every code of Kombo's to what it calls for. */
#include "producer/kombo/kombo_error.h"

#include <string.h>

#include "tests/support/unit.h"

/* docs/kombo.md, "Errors", and every code of kombo-hris.openapi.json, ErrorResponseHRIS. */
static const struct {
    int status;
    const char *error_code;
    rc_code_t code;
} CASES[] = {
    {429, "PLATFORM.RATE_LIMIT_EXCEEDED", RC_HTTP},
    {429, "PLATFORM.CONCURRENCY_LIMIT_EXCEEDED", RC_HTTP},
    {504, "PLATFORM.TASK_TIMED_OUT", RC_HTTP},
    {500, "PLATFORM.UNKNOWN_ERROR", RC_HTTP},
    {503, "REMOTE.SERVICE_UNAVAILABLE", RC_HTTP},
    {429, "REMOTE.RATE_LIMIT_EXCEEDED", RC_HTTP},
    {400, "REMOTE.INPUT_INVALID", RC_HTTP},
    {400, "REMOTE.UNKNOWN_HTTP_ERROR", RC_HTTP},
    {401, "INTEGRATION.AUTHENTICATION_INVALID", RC_NEEDS_CUSTOMER},
    {403, "INTEGRATION.PERMISSION_MISSING", RC_NEEDS_CUSTOMER},
    {400, "INTEGRATION.INACTIVE", RC_NEEDS_CUSTOMER},
    {400, "INTEGRATION.SETUP_INCOMPLETE", RC_NEEDS_CUSTOMER},
    {503, "INTEGRATION.SETUP_SYNC_PENDING", RC_NEEDS_CUSTOMER},
    {400, "INTEGRATION.QA_FAILED", RC_NEEDS_CUSTOMER},
    {400, "INTEGRATION.MODEL_NOT_AVAILABLE", RC_NEEDS_CUSTOMER},
    {400, "INTEGRATION.MODEL_DISABLED", RC_NEEDS_CUSTOMER},
    {400, "INTEGRATION.ACTION_NOT_AVAILABLE", RC_NEEDS_CUSTOMER},
    {500, "INTEGRATION.ACTION_DISABLED", RC_NEEDS_CUSTOMER},
    {401, "PLATFORM.AUTHENTICATION_INVALID", RC_MISCONFIGURED},
    {404, "PLATFORM.INTEGRATION_NOT_FOUND", RC_MISCONFIGURED},
    {403, "PLATFORM.IP_NOT_WHITELISTED", RC_MISCONFIGURED},
    {400, "PLATFORM.INPUT_INVALID", RC_MISCONFIGURED},
    /* The code decides, whatever the status is. */
    {200, "PLATFORM.RATE_LIMIT_EXCEEDED", RC_HTTP},
    {200, "INTEGRATION.INACTIVE", RC_NEEDS_CUSTOMER},
    {500, "PLATFORM.AUTHENTICATION_INVALID", RC_MISCONFIGURED},
    /* Codes that nobody knows yet. */
    {400, "INTEGRATION.ON_FIRE", RC_NEEDS_CUSTOMER},
    {400, "REMOTE.ON_FIRE", RC_HTTP},
    {400, "PLATFORM.ON_FIRE", RC_MISCONFIGURED},
    {503, "PLATFORM.ON_FIRE", RC_HTTP},
    {200, "PLATFORM.ON_FIRE", RC_HTTP},
    {409, "HRIS.EMPLOYEE_ALREADY_EXISTS", RC_MISCONFIGURED},
    /* No code. */
    {200, NULL, RC_HTTP},
    {301, NULL, RC_MISCONFIGURED},
    {400, NULL, RC_MISCONFIGURED},
    {401, NULL, RC_MISCONFIGURED},
    {403, NULL, RC_MISCONFIGURED},
    {404, NULL, RC_MISCONFIGURED},
    {408, NULL, RC_HTTP},
    {429, NULL, RC_HTTP},
    {500, NULL, RC_HTTP},
    {502, NULL, RC_HTTP},
    {503, NULL, RC_HTTP},
    {504, NULL, RC_HTTP},
    {599, NULL, RC_HTTP},
    {0, NULL, RC_HTTP},
    {-1, NULL, RC_HTTP},
    {100000, NULL, RC_HTTP},
};

START_TEST(every_code_calls_for_something_and_says_it)
{
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        rc_kombo_page_t page = {.error_code = CASES[i].error_code, .error_message = "Kombo's words"};
        rc_error_t error = RC_ERROR_INIT;
        rc_code_t code = rc_kombo_error_set(&error, CASES[i].status, &page, 7000, false);
        ck_assert_msg(code == CASES[i].code, "%d %s: %s", CASES[i].status, CASES[i].error_code, rc_code_str(code));
        ck_assert_int_eq(error.code, code);
        ck_assert_int_eq(error.disposition, code == RC_HTTP ? RC_RETRY : RC_REJECT);
        ck_assert_int_eq(error.http_status, CASES[i].status);
        ck_assert_int_eq(error.retry_after_ms, 7000);
        ck_assert_ptr_nonnull(strstr(error.message, "Kombo's words"));
        if (CASES[i].error_code) ck_assert_ptr_nonnull(strstr(error.message, CASES[i].error_code));
    }
}
END_TEST

START_TEST(a_request_that_was_right_without_a_cursor_has_an_expired_one)
{
    rc_error_t error = RC_ERROR_INIT;
    rc_kombo_page_t invalid = {.error_code = "PLATFORM.INPUT_INVALID"}, none = {0};
    rc_kombo_page_t other = {.error_code = "PLATFORM.AUTHENTICATION_INVALID"};
    ck_assert_int_eq(rc_kombo_error_set(&error, 400, &invalid, -1, true), RC_CURSOR_EXPIRED);
    ck_assert_int_eq(error.disposition, RC_RETRY);
    ck_assert_int_eq(rc_kombo_error_set(&error, 200, &invalid, -1, true), RC_CURSOR_EXPIRED);
    ck_assert_int_eq(rc_kombo_error_set(&error, 400, &none, -1, true), RC_CURSOR_EXPIRED);
    ck_assert_int_eq(rc_kombo_error_set(&error, 404, &none, -1, true), RC_MISCONFIGURED);
    ck_assert_int_eq(rc_kombo_error_set(&error, 401, &other, -1, true), RC_MISCONFIGURED);
}
END_TEST

START_TEST(an_error_is_known_by_status_code_or_word)
{
    rc_kombo_page_t good = {.status = "success"}, word = {.status = "error"}, code = {.error_code = "X"}, empty = {0};
    ck_assert(!rc_kombo_is_error(200, &good));
    ck_assert(!rc_kombo_is_error(299, &empty));
    ck_assert(rc_kombo_is_error(200, &word));
    ck_assert(rc_kombo_is_error(200, &code));
    ck_assert(rc_kombo_is_error(199, &good));
    ck_assert(rc_kombo_is_error(300, &good));
    ck_assert(rc_kombo_is_error(500, &good));
}
END_TEST

START_TEST(long_words_are_cut)
{
    char words[2000];
    memset(words, 'w', sizeof words - 1);
    words[sizeof words - 1] = '\0';
    rc_kombo_page_t page = {.error_code = words, .error_title = words, .error_message = words};
    rc_error_t error = RC_ERROR_INIT;
    ck_assert_int_eq(rc_kombo_error_set(&error, 500, &page, -1, false), RC_HTTP);
    ck_assert_uint_lt(strlen(error.message), 400);
}
END_TEST

/* How long at most, by the poll's interval. */
static const struct {
    rc_code_t code;
    int failures;
    int64_t interval_ms, longest_ms;
} DELAYS[] = {
    {RC_HTTP, 1, 10800000, 2000},        {RC_HTTP, 3, 10800000, 8000},
    {RC_HTTP, 30, 10800000, 300000},     {RC_HTTP, 30, 60000, 60000},
    {RC_TIMEOUT, 30, 1000, 30000},       {RC_NEEDS_CUSTOMER, 1, 10800000, 900000},
    {RC_NEEDS_CUSTOMER, 9, 1000, 1000},  {RC_MISCONFIGURED, 1, 10800000, 3600000},
    {RC_MISCONFIGURED, 1, 60000, 60000},
};
enum { DELAY_COUNT = sizeof DELAYS / sizeof *DELAYS };

START_TEST(a_failed_poll_is_tried_again_no_later_than_its_interval_or_half_a_minute)
{
    rc_error_t error = RC_ERROR_INIT;
    error.code = DELAYS[_i].code;
    error.retry_after_ms = -1;
    int64_t longest_ms = rc_kombo_error_delay_ms(&error, DELAYS[_i].failures, DELAYS[_i].interval_ms, UINT64_MAX);
    ck_assert_int_le(longest_ms, DELAYS[_i].longest_ms);
    ck_assert_int_ge(longest_ms, DELAYS[_i].longest_ms - 1);
}
END_TEST

START_TEST(what_kombo_asks_for_is_waited_whatever_the_interval)
{
    rc_error_t error = RC_ERROR_INIT;
    error.code = RC_HTTP;
    error.retry_after_ms = 120000;
    ck_assert_int_eq(rc_kombo_error_delay_ms(&error, 1, 1000, 0), 120000);
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("kombo_error");
    TCase *tests = tcase_create("kombo_error");
    tcase_add_test(tests, every_code_calls_for_something_and_says_it);
    tcase_add_test(tests, a_request_that_was_right_without_a_cursor_has_an_expired_one);
    tcase_add_test(tests, an_error_is_known_by_status_code_or_word);
    tcase_add_test(tests, long_words_are_cut);
    tcase_add_loop_test(tests, a_failed_poll_is_tried_again_no_later_than_its_interval_or_half_a_minute, 0,
                        DELAY_COUNT);
    tcase_add_test(tests, what_kombo_asks_for_is_waited_whatever_the_interval);
    suite_add_tcase(all, tests);
    return all;
}

int main(void)
{
    return rc_unit_run(suite());
}
