#include "consumer/rules/quiet.h"
#include "tests/support/unit.h"

enum { HTTP_MS = 20000, SESSION_MS = 45000, BEAT_MS = 500 };

static rc_quiet_t quiet_of(bool cut_short)
{
    rc_quiet_t quiet;
    rc_quiet_init(&quiet, HTTP_MS, SESSION_MS, BEAT_MS, cut_short, (rc_mono_t){1000});
    return quiet;
}

static rc_mono_t at(int64_t ms)
{
    return (rc_mono_t){1000 + ms};
}

START_TEST(who_follows_a_clean_end_sends_at_once)
{
    rc_quiet_t quiet = quiet_of(false);
    ck_assert_int_eq(rc_quiet_wait_ms(&quiet, at(0)), 0);
    ck_assert(rc_quiet_is_settled(&quiet, at(0)));
}
END_TEST

START_TEST(who_follows_a_killed_process_waits_until_its_requests_have_had_their_effect)
{
    rc_quiet_t quiet = quiet_of(true);
    ck_assert_int_ge(rc_quiet_wait_ms(&quiet, at(0)), HTTP_MS);
    for (int64_t ms = BEAT_MS; ms <= HTTP_MS; ms += BEAT_MS) {
        ck_assert(!rc_quiet_beat(&quiet, at(ms)));
        ck_assert_int_gt(rc_quiet_wait_ms(&quiet, at(ms)), 0);
        ck_assert(!rc_quiet_is_settled(&quiet, at(ms)));
    }
    ck_assert_int_eq(rc_quiet_wait_ms(&quiet, at(HTTP_MS + BEAT_MS)), 0);
    ck_assert(rc_quiet_is_settled(&quiet, at(HTTP_MS + BEAT_MS)));
}
END_TEST

START_TEST(a_process_that_stood_still_waits_for_what_its_groups_say)
{
    rc_quiet_t quiet = quiet_of(false);
    ck_assert(!rc_quiet_beat(&quiet, at(BEAT_MS)));
    int64_t woken = BEAT_MS + SESSION_MS / 2;
    /* The request that an answer calls for comes before the timer does. */
    ck_assert_int_eq(rc_quiet_wait_ms(&quiet, at(woken)), RC_QUIET_AFTER_STALL_MS);
    ck_assert_int_eq(rc_quiet_wait_ms(&quiet, at(woken + 1)), RC_QUIET_AFTER_STALL_MS - 1);
    ck_assert(rc_quiet_beat(&quiet, at(woken + 2)));
    ck_assert_msg(!rc_quiet_beat(&quiet, at(woken + 2 + BEAT_MS)), "one stall was told twice");
    ck_assert_int_eq(rc_quiet_wait_ms(&quiet, at(woken + RC_QUIET_AFTER_STALL_MS)), 0);
}
END_TEST

START_TEST(a_late_beat_of_a_busy_machine_is_no_stall)
{
    rc_quiet_t quiet;
    rc_quiet_init(&quiet, HTTP_MS, 6000, 5000, false, (rc_mono_t){1000});
    ck_assert_msg(!rc_quiet_beat(&quiet, at(6000)), "a session shorter than a beat made every beat late");
    quiet = quiet_of(false);
    ck_assert_int_eq(rc_quiet_wait_ms(&quiet, at(SESSION_MS / 3)), 0);
    ck_assert(!rc_quiet_beat(&quiet, at(SESSION_MS / 3)));
}
END_TEST

START_TEST(a_request_without_an_answer_is_settled_after_its_time)
{
    rc_quiet_t quiet = quiet_of(false);
    rc_quiet_unanswered(&quiet, at(100));
    ck_assert(!rc_quiet_is_settled(&quiet, at(100 + HTTP_MS)));
    ck_assert_int_eq(rc_quiet_wait_ms(&quiet, at(100)), 0);
    ck_assert(rc_quiet_is_settled(&quiet, at(200 + HTTP_MS)));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("quiet");
    TCase *cases = tcase_create("quiet");
    tcase_add_test(cases, who_follows_a_clean_end_sends_at_once);
    tcase_add_test(cases, who_follows_a_killed_process_waits_until_its_requests_have_had_their_effect);
    tcase_add_test(cases, a_process_that_stood_still_waits_for_what_its_groups_say);
    tcase_add_test(cases, a_late_beat_of_a_busy_machine_is_no_stall);
    tcase_add_test(cases, a_request_without_an_answer_is_settled_after_its_time);
    suite_add_tcase(suite, cases);
    return rc_unit_run(suite);
}
