/* consumer/engine/fresh: what was finished is known before the table shows it. */
#include "consumer/engine/fresh.h"

#include <string.h>

#include "tests/support/unit.h"

static void set(rc_fresh_t *fresh, const char *key, int64_t version)
{
    const rc_ledger_entry_t entry = {.version = version, .reason = "words", .employee_id = "e"};
    rc_fresh_set(fresh, key, &entry);
}

static int64_t version_of(const rc_fresh_t *fresh, const char *key)
{
    const rc_ledger_entry_t *entry = rc_fresh_get(fresh, key);
    return entry ? entry->version : -1;
}

START_TEST(the_last_note_counts_and_keeps_no_text)
{
    rc_fresh_t *fresh = rc_fresh_new();
    ck_assert_int_eq(version_of(fresh, "created:a/1"), -1);
    set(fresh, "created:a/1", 5);
    set(fresh, "created:a/1", 7);
    set(fresh, "deactivated:a/1", 6);
    ck_assert_int_eq(version_of(fresh, "created:a/1"), 7);
    ck_assert_int_eq(version_of(fresh, "deactivated:a/1"), 6);
    ck_assert_ptr_null(rc_fresh_get(fresh, "created:a/1")->reason);
    ck_assert_ptr_null(rc_fresh_get(fresh, "created:a/1")->employee_id);
    rc_fresh_free(fresh);
}
END_TEST

START_TEST(a_batch_that_the_table_shows_takes_its_own_notes_only)
{
    rc_fresh_t *fresh = rc_fresh_new();
    set(fresh, "a", 1);
    set(fresh, "b", 1);
    size_t first = rc_fresh_seal(fresh);
    set(fresh, "a", 2); /* while the first is being committed */
    size_t second = rc_fresh_seal(fresh);
    set(fresh, "c", 3);
    ck_assert_uint_eq(second, first + 1);
    rc_fresh_shown(fresh, first);
    ck_assert_int_eq(version_of(fresh, "a"), 2); /* not what the first batch said */
    ck_assert_int_eq(version_of(fresh, "b"), -1);
    rc_fresh_shown(fresh, first); /* tails may say so twice */
    ck_assert_int_eq(version_of(fresh, "a"), 2);
    rc_fresh_shown(fresh, second);
    ck_assert_int_eq(version_of(fresh, "a"), -1);
    ck_assert_int_eq(version_of(fresh, "c"), 3);
    rc_fresh_free(fresh);
}
END_TEST

START_TEST(one_answer_shows_all_batches_before_it)
{
    rc_fresh_t *fresh = rc_fresh_new();
    size_t last = 0;
    for (int i = 0; i < 10; i++) {
        set(fresh, "a", i);
        last = rc_fresh_seal(fresh);
    }
    rc_fresh_shown(fresh, last);
    ck_assert_ptr_null(rc_fresh_get(fresh, "a"));
    rc_fresh_free(fresh);
    rc_fresh_free(NULL);
}
END_TEST

START_TEST(clearing_forgets_everything)
{
    rc_fresh_t *fresh = rc_fresh_new();
    set(fresh, "a", 1);
    size_t before = rc_fresh_seal(fresh);
    set(fresh, "b", 1);
    rc_fresh_clear(fresh);
    ck_assert_ptr_null(rc_fresh_get(fresh, "a"));
    ck_assert_ptr_null(rc_fresh_get(fresh, "b"));
    set(fresh, "c", 1);
    rc_fresh_shown(fresh, before); /* late: of what was forgotten */
    ck_assert_int_eq(version_of(fresh, "c"), 1);
    rc_fresh_free(fresh);
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("fresh");
    TCase *tests = tcase_create("fresh");
    tcase_add_test(tests, the_last_note_counts_and_keeps_no_text);
    tcase_add_test(tests, a_batch_that_the_table_shows_takes_its_own_notes_only);
    tcase_add_test(tests, one_answer_shows_all_batches_before_it);
    tcase_add_test(tests, clearing_forgets_everything);
    suite_add_tcase(all, tests);
    return all;
}

int main(void)
{
    return rc_unit_run(suite());
}
