/* consumer/engine/lag: what is not finished, and nothing else. */
#include "consumer/engine/lag.h"

#include "tests/support/unit.h"

enum { NONE = -1 };

/* Records were read up to `read` (exclusive; NONE: nothing), of which `open` have no outcome. */
static const struct {
    const char *what;
    int64_t read, eof, end;
    int open;
    int64_t lag;
} cases[] = {
    {"nothing is known before the first read", NONE, NONE, 7, 0, NONE},
    {"an empty partition has none", NONE, 0, 0, 0, 0},
    {"nothing was read since the end that was committed", NONE, 7, 7, 0, 0},
    {"the marker behind the last record is no record", 6, 7, 7, 0, 0},
    {"what was read and is not finished counts", 6, 7, 7, 2, 2},
    {"what was not read counts", 6, NONE, 10, 0, 4},
    {"both count", 6, NONE, 10, 2, 6},
    {"new ones behind an end that was met count", 6, 7, 9, 0, 2},
    {"an end asked for before the last read is no debt", 12, 10, 9, 1, 1},
};

START_TEST(lag_counts_what_is_not_finished)
{
    rc_offsets_t offsets = RC_OFFSETS_INIT;
    for (int64_t at = 0; at < cases[_i].read; at++) {
        rc_offsets_add(&offsets, at);
        if (at < cases[_i].read - cases[_i].open) rc_offsets_finish(&offsets, at);
    }
    int64_t lag = rc_lag_of(&offsets, cases[_i].eof, cases[_i].end);
    ck_assert_msg(lag == cases[_i].lag, "%s: %lld", cases[_i].what, (long long)lag);
    rc_offsets_fini(&offsets);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lag");
    TCase *table = tcase_create("lag");
    tcase_add_loop_test(table, lag_counts_what_is_not_finished, 0, sizeof cases / sizeof *cases);
    suite_add_tcase(suite, table);
    return rc_unit_run(suite);
}
