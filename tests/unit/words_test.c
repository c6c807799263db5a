/* common/words: what both programs say alike. */
#include "common/words.h"

#include "tests/support/unit.h"

static rc_arena_t *arena;

static void set_up(void)
{
    arena = rc_arena_new();
}

static void tear_down(void)
{
    rc_arena_free(arena);
}

static const struct {
    int64_t ms; /* from now */
    const char *words;
} distances[] = {{0, "now"},
                 {999, "now"},
                 {-999, "just now"},
                 {-1000, "1 s ago"},
                 {-59999, "59 s ago"},
                 {60000, "in 1 min"},
                 {-119 * INT64_C(60000), "119 min ago"},
                 {-2 * INT64_C(3600000), "2 h ago"},
                 {47 * INT64_C(3600000), "in 47 h"},
                 {-48 * INT64_C(3600000), "2 days ago"}};

START_TEST(words_say_how_long_ago_in_the_unit_that_fits)
{
    const rc_wall_t now = {INT64_C(1795370096839)};
    ck_assert_str_eq(rc_words_distance(arena, (rc_wall_t){now.ms + distances[_i].ms}, now), distances[_i].words);
}
END_TEST

static const char *const fields[][2] = {{"job_title", "job title"},       {"manager_email", "manager"},
                                        {"email", "e-mail address"},      {"leave_date", "last day"},
                                        {"primary_team", "primary team"}, {"custom:Cost_centre", "Cost_centre"}};

START_TEST(words_name_fields_as_people_do_and_customers_fields_as_they_do)
{
    ck_assert_str_eq(rc_words_field(arena, fields[_i][0]), fields[_i][1]);
}
END_TEST

START_TEST(words_say_moments_in_utc)
{
    const rc_wall_t at = {INT64_C(1763827732123)};
    ck_assert_str_eq(rc_words_moment(arena, at), "2025-11-22 16:08:52");
    ck_assert_str_eq(rc_words_moment(arena, (rc_wall_t){0}), "");
    ck_assert_str_eq(rc_words_minute(arena, at), "2025-11-22 16:08 UTC");
}
END_TEST

START_TEST(words_name_all_event_types_at_once)
{
    ck_assert_str_eq(rc_words_events(arena, (1U << RC_EVENT_COUNT) - 1), "everything");
    ck_assert_str_eq(rc_words_events(arena, 1U << RC_EVENT_CREATED | 1U << RC_EVENT_DEACTIVATED),
                     "created, deactivated");
    ck_assert_str_eq(rc_words_events(arena, 0), "");
}
END_TEST

START_TEST(words_pass_over_what_is_missing_in_a_list)
{
    const char *list = rc_words_join(arena, rc_words_join(arena, NULL, ", ", "a"), ", ", NULL);
    ck_assert_str_eq(list, "a");
    ck_assert_str_eq(rc_words_join(arena, rc_words_join(arena, list, "; ", ""), "; ", "b"), "a; b");
    ck_assert_str_eq(rc_words_join(arena, "", "; ", "b"), "b");
    ck_assert_ptr_null(rc_words_join(arena, NULL, ", ", ""));
}
END_TEST

START_TEST(words_say_an_id_once)
{
    const rc_integration_t named = {.id = "personio:A", .name = "Acme GmbH"}, same = {.id = "a:1", .name = "a:1"};
    ck_assert_str_eq(rc_words_integration(arena, &named), "Acme GmbH (personio:A)");
    ck_assert_str_eq(rc_words_integration(arena, &same), "a:1");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("words");
    TCase *words = tcase_create("words");
    tcase_add_checked_fixture(words, set_up, tear_down);
    tcase_add_loop_test(words, words_say_how_long_ago_in_the_unit_that_fits, 0, sizeof distances / sizeof *distances);
    tcase_add_loop_test(words, words_name_fields_as_people_do_and_customers_fields_as_they_do, 0,
                        sizeof fields / sizeof *fields);
    tcase_add_test(words, words_say_moments_in_utc);
    tcase_add_test(words, words_name_all_event_types_at_once);
    tcase_add_test(words, words_pass_over_what_is_missing_in_a_list);
    tcase_add_test(words, words_say_an_id_once);
    suite_add_tcase(suite, words);
    return rc_unit_run(suite);
}
