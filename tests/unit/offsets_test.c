/* common/offsets: only what is finished without a gap may be committed. */
#include <check.h>
#include <stdlib.h>

#include "common/offsets.h"
#include "tests/support/unit.h"

START_TEST(watermark_stops_at_the_first_open_record)
{
    rc_offsets_t offsets = RC_OFFSETS_INIT;
    ck_assert_int_eq(rc_offsets_pending(&offsets), -1);
    rc_offsets_add(&offsets, 10);
    rc_offsets_add(&offsets, 11);
    rc_offsets_add(&offsets, 13); /* 12 is a transaction's marker */
    rc_offsets_finish(&offsets, 11);
    ck_assert_int_eq(rc_offsets_watermark(&offsets), 10);
    ck_assert_int_eq(rc_offsets_watermark_with(&offsets, (int64_t[]){10}, 1), 13);
    ck_assert_int_eq(rc_offsets_watermark_with(&offsets, (int64_t[]){13}, 1), 10);
    ck_assert_int_eq(rc_offsets_watermark_with(&offsets, (int64_t[]){9, 10, 11, 13}, 4), 14);
    ck_assert_int_eq(rc_offsets_watermark_with(&offsets, NULL, 0), 10);
    rc_offsets_finish(&offsets, 10);
    ck_assert_int_eq(rc_offsets_watermark(&offsets), 13);
    ck_assert_int_eq(rc_offsets_open(&offsets), 1);
    rc_offsets_finish(&offsets, 13);
    ck_assert_int_eq(rc_offsets_watermark(&offsets), 14);
    rc_offsets_fini(&offsets);
}
END_TEST

START_TEST(a_record_that_lies_before_others_is_not_taken)
{
    rc_offsets_t offsets = RC_OFFSETS_INIT;
    ck_assert(rc_offsets_takes(&offsets, 0));
    rc_offsets_add(&offsets, 5);
    ck_assert(!rc_offsets_takes(&offsets, 0));
    ck_assert(!rc_offsets_takes(&offsets, 5));
    ck_assert(rc_offsets_takes(&offsets, 6));
    rc_offsets_finish(&offsets, 5); /* nor when none is open */
    ck_assert(!rc_offsets_takes(&offsets, 5));
    rc_offsets_fini(&offsets);
}
END_TEST

START_TEST(pending_is_told_once)
{
    rc_offsets_t offsets = RC_OFFSETS_INIT;
    rc_offsets_add(&offsets, 0);
    ck_assert_int_eq(rc_offsets_pending(&offsets), 0);
    rc_offsets_finish(&offsets, 0);
    ck_assert_int_eq(rc_offsets_pending(&offsets), 1);
    rc_offsets_committed(&offsets, 1);
    ck_assert_int_eq(rc_offsets_pending(&offsets), -1);
    rc_offsets_fini(&offsets);
}
END_TEST

/* Whatever the order of finishing, the watermark equals the naive answer. */
START_TEST(watermark_equals_the_naive_one)
{
    enum { COUNT = 300 };
    rc_offsets_t offsets = RC_OFFSETS_INIT;
    bool finished[COUNT] = {false};
    int added = 0;
    srand((unsigned)_i + 1);
    for (int step = 0; step < 2000; step++) {
        int pick = rand() % COUNT;
        if (rand() % 2 && added < COUNT)
            rc_offsets_add(&offsets, added++);
        else if (pick < added && !finished[pick])
            rc_offsets_finish(&offsets, pick), finished[pick] = true;
        int naive = 0;
        while (naive < added && finished[naive]) naive++;
        ck_assert_int_eq(rc_offsets_watermark(&offsets), added ? naive : -1);
    }
    rc_offsets_fini(&offsets);
}
END_TEST

START_TEST(finishing_twice_aborts)
{
    rc_offsets_t offsets = RC_OFFSETS_INIT;
    rc_offsets_add(&offsets, 5);
    rc_offsets_finish(&offsets, 5);
    rc_offsets_finish(&offsets, 5);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("offsets");
    TCase *cases = tcase_create("offsets");
    tcase_add_test(cases, watermark_stops_at_the_first_open_record);
    tcase_add_test(cases, a_record_that_lies_before_others_is_not_taken);
    tcase_add_test(cases, pending_is_told_once);
    tcase_add_loop_test(cases, watermark_equals_the_naive_one, 0, 20);
    tcase_add_test_raise_signal(cases, finishing_twice_aborts, 6);
    suite_add_tcase(suite, cases);
    return rc_unit_run(suite);
}
