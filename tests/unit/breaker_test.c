/* consumer/rules/breaker, consumer/rules/limiter, consumer/rules/budget: what keeps one integration's trouble small. */
#include "tests/support/unit.h"

#include "consumer/rules/breaker.h"
#include "consumer/rules/budget.h"
#include "consumer/rules/limiter.h"

enum { THRESHOLD = 10, SLOTS = 8 };

static rc_mono_t at(int64_t ms)
{
    return (rc_mono_t){ms};
}

/* ---- breaker ---- */

START_TEST(failures_in_a_row_open_it_and_one_success_between_does_not)
{
    rc_breaker_t breaker;
    rc_breaker_init(&breaker, THRESHOLD);
    for (int i = 0; i < THRESHOLD - 1; i++) ck_assert(!rc_breaker_request(&breaker, RC_CLASS_TRANSIENT, at(0)));
    ck_assert(!rc_breaker_request(&breaker, RC_CLASS_REJECTED, at(0))); /* an answer, after all */
    for (int i = 0; i < THRESHOLD - 1; i++) ck_assert(!rc_breaker_request(&breaker, RC_CLASS_UNANSWERED, at(0)));
    ck_assert_int_eq(rc_breaker_state(&breaker, at(0)), RC_BREAKER_CLOSED);
    ck_assert(rc_breaker_request(&breaker, RC_CLASS_TRANSIENT, at(0)));
    ck_assert_int_eq(rc_breaker_state(&breaker, at(0)), RC_BREAKER_OPEN);
    ck_assert_int_eq(rc_breaker_cause(&breaker), RC_BREAKER_FAILURES);
    ck_assert_int_eq(rc_breaker_slots(&breaker, SLOTS, at(0)), 0);
    ck_assert(!rc_breaker_admits(&breaker, at(0)));
    ck_assert_int_gt(rc_breaker_wait_ms(&breaker, at(0)), 0);
}
END_TEST

START_TEST(throttling_never_opens_it)
{
    rc_breaker_t breaker;
    rc_breaker_init(&breaker, 1);
    for (int i = 0; i < 100; i++) {
        ck_assert(!rc_breaker_request(&breaker, RC_CLASS_THROTTLED, at(i)));
        ck_assert(!rc_breaker_record(&breaker, RC_CLASS_HELD, at(i)));
    }
    ck_assert_int_eq(rc_breaker_slots(&breaker, SLOTS, at(200)), SLOTS);
}
END_TEST

static const struct {
    rc_class_t class;
    rc_breaker_cause_t cause;
} at_once[] = {{RC_CLASS_CREDENTIALS, RC_BREAKER_CREDENTIALS}, {RC_CLASS_MISCONFIGURED, RC_BREAKER_MISCONFIGURED}};

START_TEST(what_a_person_must_mend_opens_it_at_once)
{
    rc_breaker_t breaker;
    rc_breaker_init(&breaker, THRESHOLD);
    ck_assert(rc_breaker_request(&breaker, at_once[_i].class, at(0)));
    ck_assert_int_eq(rc_breaker_cause(&breaker), at_once[_i].cause);
    rc_breaker_init(&breaker, THRESHOLD);
    ck_assert(rc_breaker_record(&breaker, at_once[_i].class, at(0)));
    ck_assert_int_eq(rc_breaker_cause(&breaker), at_once[_i].cause);
}
END_TEST

START_TEST(one_record_probes_then_ever_more_run)
{
    rc_breaker_t breaker;
    rc_breaker_init(&breaker, THRESHOLD);
    (void)rc_breaker_request(&breaker, RC_CLASS_CREDENTIALS, at(0));
    int64_t wait_ms = rc_breaker_wait_ms(&breaker, at(0));
    ck_assert_int_eq(rc_breaker_state(&breaker, at(wait_ms - 1)), RC_BREAKER_OPEN);
    ck_assert_int_eq(rc_breaker_state(&breaker, at(wait_ms)), RC_BREAKER_HALF_OPEN);
    ck_assert_int_eq(rc_breaker_slots(&breaker, SLOTS, at(wait_ms)), 1);
    /* The probe's lookup alone proves nothing. */
    (void)rc_breaker_request(&breaker, RC_CLASS_APPLIED, at(wait_ms));
    ck_assert_int_eq(rc_breaker_state(&breaker, at(wait_ms)), RC_BREAKER_HALF_OPEN);
    static const int slots[] = {2, 4, 8, 8};
    for (size_t i = 0; i < sizeof slots / sizeof *slots; i++) {
        ck_assert(!rc_breaker_record(&breaker, RC_CLASS_APPLIED, at(wait_ms)));
        ck_assert_int_eq(rc_breaker_state(&breaker, at(wait_ms)), RC_BREAKER_CLOSED);
        ck_assert_int_eq(rc_breaker_slots(&breaker, SLOTS, at(wait_ms)), slots[i]);
    }
}
END_TEST

START_TEST(a_failed_probe_opens_it_for_longer_up_to_a_limit)
{
    rc_breaker_t breaker;
    rc_breaker_init(&breaker, THRESHOLD);
    int64_t now = 0, before = 0;
    for (int i = 0; i < 40; i++) {
        if (i == 0)
            rc_breaker_trip(&breaker, RC_BREAKER_FAILURES, at(now));
        else
            ck_assert(rc_breaker_request(&breaker, RC_CLASS_TRANSIENT, at(now))); /* one is enough */
        int64_t wait_ms = rc_breaker_wait_ms(&breaker, at(now));
        ck_assert_int_ge(wait_ms, before);
        ck_assert_int_le(wait_ms, 5 * 60 * 1000);
        before = wait_ms;
        now += wait_ms;
    }
    ck_assert_int_eq(before, 5 * 60 * 1000);
}
END_TEST

START_TEST(what_was_under_way_when_it_opened_changes_nothing)
{
    rc_breaker_t breaker;
    rc_breaker_init(&breaker, THRESHOLD);
    rc_breaker_trip(&breaker, RC_BREAKER_BUDGET, at(0));
    int64_t wait_ms = rc_breaker_wait_ms(&breaker, at(0));
    (void)rc_breaker_request(&breaker, RC_CLASS_TRANSIENT, at(1));
    (void)rc_breaker_record(&breaker, RC_CLASS_APPLIED, at(1));
    (void)rc_breaker_record(&breaker, RC_CLASS_CREDENTIALS, at(1));
    ck_assert_int_eq(rc_breaker_wait_ms(&breaker, at(0)), wait_ms);
    ck_assert_int_eq(rc_breaker_cause(&breaker), RC_BREAKER_BUDGET);
}
END_TEST

START_TEST(a_pause_ends_with_the_resume_alone)
{
    rc_breaker_t breaker;
    rc_breaker_init(&breaker, THRESHOLD);
    rc_breaker_pause(&breaker, true);
    ck_assert_int_eq(rc_breaker_state(&breaker, at(1000000000)), RC_BREAKER_OPEN);
    ck_assert_int_eq(rc_breaker_cause(&breaker), RC_BREAKER_PAUSED);
    ck_assert_int_eq(rc_breaker_wait_ms(&breaker, at(0)), -1);
    rc_breaker_pause(&breaker, false);
    ck_assert_int_eq(rc_breaker_slots(&breaker, SLOTS, at(0)), SLOTS);
}
END_TEST

START_TEST(after_the_slow_start_the_next_trip_is_short_again)
{
    rc_breaker_t breaker;
    rc_breaker_init(&breaker, THRESHOLD);
    rc_breaker_trip(&breaker, RC_BREAKER_FAILURES, at(0));
    int64_t first_ms = rc_breaker_wait_ms(&breaker, at(0));
    for (int i = 0; i < 20; i++) (void)rc_breaker_record(&breaker, RC_CLASS_APPLIED, at(first_ms));
    rc_breaker_trip(&breaker, RC_BREAKER_FAILURES, at(first_ms));
    ck_assert_int_eq(rc_breaker_wait_ms(&breaker, at(first_ms)), first_ms);
}
END_TEST

/* ---- limiter and gate ---- */

START_TEST(no_more_requests_than_the_rate_leave_in_any_second)
{
    rc_limiter_t limiter;
    rc_limiter_init(&limiter, 10, at(0));
    int taken = 0;
    for (int64_t now = 0; now < 10000;) {
        int64_t wait_ms = rc_limiter_take(&limiter, at(now));
        if (wait_ms == 0)
            taken++;
        else
            now += wait_ms;
    }
    ck_assert_int_le(taken, 10 + 100); /* the first second's worth, and ten seconds */
    ck_assert_int_ge(taken, 10 + 98);
}
END_TEST

START_TEST(the_share_of_the_partitions_is_the_share_of_the_rate)
{
    rc_limiter_t limiter;
    rc_limiter_init(&limiter, 100, at(0));
    rc_limiter_set_share(&limiter, 0.25, at(0));
    int taken = 0;
    for (int64_t now = 0; now < 10000;) {
        int64_t wait_ms = rc_limiter_take(&limiter, at(now));
        if (wait_ms == 0)
            taken++;
        else
            now += wait_ms;
    }
    ck_assert_int_le(taken, 25 + 250);
    ck_assert_int_ge(taken, 25 + 245);
    rc_limiter_set_share(&limiter, 0, at(10000));
    while (rc_limiter_take(&limiter, at(10000)) == 0) continue;
    ck_assert_int_gt(rc_limiter_take(&limiter, at(1000000)), 0); /* without partitions nothing is earned */
}
END_TEST

START_TEST(a_slow_rate_still_lets_one_through)
{
    rc_limiter_t limiter;
    rc_limiter_init(&limiter, 0.5, at(0));
    ck_assert_int_eq(rc_limiter_take(&limiter, at(0)), 0);
    ck_assert_int_eq(rc_limiter_take(&limiter, at(0)), 2000);
    ck_assert_int_eq(rc_limiter_take(&limiter, at(2000)), 0);
}
END_TEST

START_TEST(a_rate_of_zero_is_no_limit)
{
    rc_limiter_t limiter;
    rc_limiter_init(&limiter, 0, at(0));
    for (int i = 0; i < 100000; i++) ck_assert_int_eq(rc_limiter_take(&limiter, at(0)), 0);
}
END_TEST

START_TEST(the_gate_stays_closed_as_long_as_the_service_asks)
{
    rc_gate_t gate;
    rc_gate_init(&gate);
    ck_assert_int_eq(rc_gate_wait_ms(&gate, at(0)), 0);
    rc_gate_throttled(&gate, 30000, 0, at(0));
    ck_assert_int_ge(rc_gate_wait_ms(&gate, at(0)), 30000);
    rc_gate_throttled(&gate, 1000, 0, at(10)); /* what was under way */
    ck_assert_int_ge(rc_gate_wait_ms(&gate, at(0)), 30000);
    ck_assert_int_eq(rc_gate_wait_ms(&gate, at(60000)), 0);
}
END_TEST

START_TEST(answers_under_way_come_in_any_order_behind_a_closed_gate)
{
    rc_gate_t gate;
    rc_gate_init(&gate);
    rc_gate_throttled(&gate, 2000, 0, at(0));
    rc_gate_answered(&gate);
    rc_gate_throttled(&gate, 2000, 0, at(10));
    ck_assert_int_ge(rc_gate_wait_ms(&gate, at(10)), 2000);
    rc_gate_answered(&gate);
    rc_gate_throttled(&gate, -1, UINT64_MAX, at(20));
    ck_assert_int_ge(rc_gate_wait_ms(&gate, at(20)), 1990);
}
END_TEST

START_TEST(without_words_the_gate_closes_longer_each_time)
{
    rc_gate_t gate;
    rc_gate_init(&gate);
    int64_t now = 0, before = 0;
    for (int i = 0; i < 6; i++) {
        rc_gate_throttled(&gate, -1, UINT64_MAX, at(now));
        int64_t wait_ms = rc_gate_wait_ms(&gate, at(now));
        ck_assert_int_gt(wait_ms, before);
        before = wait_ms;
        now += wait_ms;
    }
    rc_gate_answered(&gate);
    rc_gate_throttled(&gate, -1, UINT64_MAX, at(now));
    ck_assert_int_lt(rc_gate_wait_ms(&gate, at(now)), before);
    rc_gate_init(&gate);
    rc_gate_throttled(&gate, -1, 0, at(0));
    ck_assert_int_gt(rc_gate_wait_ms(&gate, at(0)), 0);
}
END_TEST

/* ---- budget ---- */

START_TEST(a_storm_of_rejections_stops_at_the_count)
{
    rc_budget_t budget;
    rc_budget_init(&budget, 10, 20, 600000, at(0));
    int dead = 0;
    for (int i = 0; i < 1000; i++) dead += rc_budget_take(&budget, at(i));
    ck_assert_int_eq(dead, 20); /* exactly the limit passes */
}
END_TEST

START_TEST(among_many_good_ones_the_percentage_counts)
{
    rc_budget_t budget;
    rc_budget_init(&budget, 10, 20, 600000, at(0));
    for (int i = 0; i < 1000; i++) rc_budget_finished(&budget, at(i));
    int dead = 0;
    while (rc_budget_take(&budget, at(1000))) dead++;
    ck_assert_int_ge(dead, 100);
    ck_assert_int_le(dead, 112);
}
END_TEST

START_TEST(what_fell_out_of_the_window_is_forgotten)
{
    rc_budget_t budget;
    rc_budget_init(&budget, 0, 2, 600000, at(5));
    ck_assert(rc_budget_take(&budget, at(5)));
    ck_assert(rc_budget_take(&budget, at(300000)));
    ck_assert(!rc_budget_take(&budget, at(300001)));
    ck_assert(!rc_budget_take(&budget, at(580000)));
    ck_assert(rc_budget_take(&budget, at(610006)));
    ck_assert(!rc_budget_take(&budget, at(610007)));
    ck_assert(rc_budget_take(&budget, at(100000000)));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("breaker");
    TCase *tcase = tcase_create("breaker");
    tcase_add_test(tcase, failures_in_a_row_open_it_and_one_success_between_does_not);
    tcase_add_test(tcase, throttling_never_opens_it);
    tcase_add_loop_test(tcase, what_a_person_must_mend_opens_it_at_once, 0, sizeof at_once / sizeof *at_once);
    tcase_add_test(tcase, one_record_probes_then_ever_more_run);
    tcase_add_test(tcase, a_failed_probe_opens_it_for_longer_up_to_a_limit);
    tcase_add_test(tcase, what_was_under_way_when_it_opened_changes_nothing);
    tcase_add_test(tcase, a_pause_ends_with_the_resume_alone);
    tcase_add_test(tcase, after_the_slow_start_the_next_trip_is_short_again);
    suite_add_tcase(suite, tcase);
    tcase = tcase_create("limiter");
    tcase_add_test(tcase, no_more_requests_than_the_rate_leave_in_any_second);
    tcase_add_test(tcase, the_share_of_the_partitions_is_the_share_of_the_rate);
    tcase_add_test(tcase, a_slow_rate_still_lets_one_through);
    tcase_add_test(tcase, a_rate_of_zero_is_no_limit);
    tcase_add_test(tcase, the_gate_stays_closed_as_long_as_the_service_asks);
    tcase_add_test(tcase, answers_under_way_come_in_any_order_behind_a_closed_gate);
    tcase_add_test(tcase, without_words_the_gate_closes_longer_each_time);
    suite_add_tcase(suite, tcase);
    tcase = tcase_create("budget");
    tcase_add_test(tcase, a_storm_of_rejections_stops_at_the_count);
    tcase_add_test(tcase, among_many_good_ones_the_percentage_counts);
    tcase_add_test(tcase, what_fell_out_of_the_window_is_forgotten);
    suite_add_tcase(suite, tcase);
    return rc_unit_run(suite);
}
