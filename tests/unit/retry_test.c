/* common/retry: the waits between attempts. */
#include "common/retry.h"

#include "common/time.h"
#include "tests/support/unit.h"

static const rc_retry_t POLICY = {.base_ms = 1000, .cap_ms = 60000};

START_TEST(waits_are_spread_over_everything_below_a_bound_that_doubles_up_to_the_cap)
{
    static const struct {
        int failures;
        int64_t bound_ms;
    } cases[] = {{1, 1000}, {2, 2000}, {3, 4000}, {6, 32000}, {7, 60000}, {8, 60000}, {1000000, 60000}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_int_eq(rc_retry_delay_ms(&POLICY, cases[i].failures, -1, 0), 0);
        ck_assert_int_eq(rc_retry_delay_ms(&POLICY, cases[i].failures, -1, UINT64_MAX), cases[i].bound_ms);
        ck_assert_int_eq(rc_retry_delay_ms(&POLICY, cases[i].failures, -1, UINT64_MAX / 2), cases[i].bound_ms / 2);
    }
}
END_TEST

START_TEST(a_wait_is_never_shorter_than_what_the_service_asked_for)
{
    ck_assert_int_eq(rc_retry_delay_ms(&POLICY, 1, 0, 0), 0);
    ck_assert_int_eq(rc_retry_delay_ms(&POLICY, 1, 7000, 0), 7000);
    ck_assert_int_eq(rc_retry_delay_ms(&POLICY, 9, 7000, UINT64_MAX), 8000);
    ck_assert_int_eq(rc_retry_delay_ms(&POLICY, 1, 3600000, UINT64_MAX), 3601000); /* the cap is for our own guesses */
}
END_TEST

START_TEST(a_huge_cap_does_not_overflow)
{
    rc_retry_t policy = {.base_ms = 3, .cap_ms = INT64_MAX};
    for (int failures = 1; failures < 200; failures++) {
        int64_t wait_ms = rc_retry_delay_ms(&policy, failures, -1, UINT64_MAX);
        ck_assert_int_ge(wait_ms, 3);
    }
    rc_retry_t none = {0, 0};
    ck_assert_int_eq(rc_retry_delay_ms(&none, 5, -1, UINT64_MAX), 0);
}
END_TEST

START_TEST(the_mean_is_half_of_the_bound)
{
    uint64_t random = 88172645463325252u;
    int64_t sum = 0;
    enum { ROUNDS = 20000 };
    for (int i = 0; i < ROUNDS; i++) {
        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        sum += rc_retry_delay_ms(&POLICY, 3, -1, random);
    }
    ck_assert_int_gt(sum / ROUNDS, 1900);
    ck_assert_int_lt(sum / ROUNDS, 2100);
}
END_TEST

START_TEST(a_pause_lasts_as_long_as_it_says)
{
    rc_mono_t began = rc_mono_now();
    ck_assert(rc_retry_pause(30, NULL));
    ck_assert_int_ge(rc_mono_now().ms - began.ms, 30);
    ck_assert(rc_retry_pause(0, NULL));
}
END_TEST

START_TEST(a_pause_ends_when_the_program_stops)
{
    atomic_bool stop = true;
    ck_assert(!rc_retry_pause(INT64_MAX / 2, &stop));
    ck_assert(!rc_retry_pause(0, &stop));
}
END_TEST

START_TEST(pauses_double_up_to_the_cap)
{
    ck_assert_int_eq(rc_retry_doubled(200, 5000), 400);
    ck_assert_int_eq(rc_retry_doubled(2499, 5000), 4998);
    ck_assert_int_eq(rc_retry_doubled(2500, 5000), 5000);
    ck_assert_int_eq(rc_retry_doubled(5000, 5000), 5000);
    ck_assert_int_eq(rc_retry_doubled(INT64_MAX, INT64_MAX), INT64_MAX);
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("retry");
    TCase *tests = tcase_create("retry");
    tcase_add_test(tests, waits_are_spread_over_everything_below_a_bound_that_doubles_up_to_the_cap);
    tcase_add_test(tests, a_wait_is_never_shorter_than_what_the_service_asked_for);
    tcase_add_test(tests, a_huge_cap_does_not_overflow);
    tcase_add_test(tests, the_mean_is_half_of_the_bound);
    tcase_add_test(tests, a_pause_lasts_as_long_as_it_says);
    tcase_add_test(tests, a_pause_ends_when_the_program_stops);
    tcase_add_test(tests, pauses_double_up_to_the_cap);
    suite_add_tcase(all, tests);
    return all;
}

int main(void)
{
    return rc_unit_run(suite());
}
