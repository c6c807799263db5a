/* common/domain: keys, symbols, and when two employees are the same. */
#include "common/domain.h"

#include <string.h>

#include "tests/support/gen.h"
#include "tests/support/unit.h"

START_TEST(every_symbol_names_its_value_and_no_other)
{
    static const rc_enum_t *const enums[] = {&RC_ENUM_STATUS,  &RC_ENUM_GROUP,   &RC_ENUM_TRIGGER,  &RC_ENUM_EVENT,
                                             &RC_ENUM_CREATED, &RC_ENUM_GONE,    &RC_ENUM_PRESENCE, &RC_ENUM_PENDING,
                                             &RC_ENUM_BRAKE,   &RC_ENUM_COMMAND, &RC_ENUM_STATE,    &RC_ENUM_OUTCOME};
    for (size_t i = 0; i < sizeof enums / sizeof *enums; i++) {
        for (int value = 0; value < enums[i]->count; value++)
            ck_assert_int_eq(rc_enum_parse(enums[i], rc_enum_str(enums[i], value)), value);
        ck_assert_int_eq(rc_enum_parse(enums[i], "no such thing"), -1);
        ck_assert_int_eq(rc_enum_parse(enums[i], ""), -1);
    }
    ck_assert_str_eq(rc_enum_str(&RC_ENUM_EVENT, RC_EVENT_TEAM_CHANGED), "team-changed");
    ck_assert_int_eq(rc_enum_parse(&RC_ENUM_STATUS, "active"), -1);
}
END_TEST

START_TEST(a_key_is_split_at_its_last_slash)
{
    rc_arena_t *arena = rc_arena_new();
    const char *integration = NULL, *employee = NULL;
    const char *key = rc_employee_key(arena, "personio:A", "42");
    ck_assert_str_eq(key, "personio:A/42");
    ck_assert(rc_employee_key_split(arena, key, strlen(key), &integration, &employee));
    ck_assert_str_eq(integration, "personio:A");
    ck_assert_str_eq(employee, "42");
    ck_assert(rc_employee_key_split(arena, "a/b/c", 5, &integration, &employee));
    ck_assert_str_eq(integration, "a/b");
    ck_assert_str_eq(employee, "c");
    static const char *const wrong[] = {"", "abc", "/", "a/", "/b"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ck_assert_msg(!rc_employee_key_split(arena, wrong[i], strlen(wrong[i]), &integration, &employee), "%s",
                      wrong[i]);
    rc_arena_free(arena);
}
END_TEST

START_TEST(an_identity_is_one_that_a_producer_would_write)
{
    char long_id[RC_EMPLOYEE_KEY_MAX_BYTES + 1];
    memset(long_id, '7', sizeof long_id);
    long_id[RC_EMPLOYEE_KEY_MAX_BYTES - 2] = '\0';
    ck_assert_ptr_null(rc_identity_fault("a", long_id, 0)); /* with the slash exactly what fits */
    ck_assert_ptr_null(rc_identity_fault("personio:A", "42", RC_VERSION_MAX));
    static const struct {
        const char *integration, *employee;
        int64_t version;
    } wrong[] = {{"", "42", 1},   {"a", "", 1},           {"a/b", "42", 1}, {"a", "4/2", 1},
                 {"a", "42", -1}, {"a", "42", INT64_MAX}, /* would be the newest for ever, and has no next one */
                 {"ab", NULL, 1}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ck_assert_msg(rc_identity_fault(wrong[i].integration, wrong[i].employee ? wrong[i].employee : long_id,
                                        wrong[i].version) != NULL,
                      "%zu", i);
}
END_TEST

START_TEST(pictures_are_the_same_whatever_their_signature)
{
    ck_assert(rc_avatar_equal("https://x/a.png?sig=1", "https://x/a.png?sig=2"));
    ck_assert(rc_avatar_equal("https://x/a.png", "https://x/a.png?sig=2"));
    ck_assert(!rc_avatar_equal("https://x/a.png", "https://x/b.png"));
    ck_assert(!rc_avatar_equal("https://x/a.png", "https://x/a.pn"));
    ck_assert(rc_avatar_equal(NULL, NULL));
    ck_assert(!rc_avatar_equal("", NULL));
}
END_TEST

START_TEST(a_difference_in_any_field_is_a_difference)
{
    static const rc_ref_t teams[] = {{"t1", "One"}, {"t2", "Two"}};
    static const rc_ref_t renamed[] = {{"t1", "One"}, {"t2", "Zwei"}};
    static const rc_custom_t custom[] = {{"Cost centre", "42"}}, other[] = {{"Cost centre", NULL}};
    const rc_employee_t base = {.email = "ada@x",
                                .first_name = "Ada",
                                .last_name = "L",
                                .job_title = "Lead",
                                .avatar = "https://x/a",
                                .manager_email = "bob@x",
                                .language = "en",
                                .status = RC_STATUS_ACTIVE,
                                .hire_date = {100},
                                .leave_date = RC_DATE_NONE,
                                .primary_location = {"l", "Berlin"},
                                .primary_team = {"t", "Team"},
                                .secondary_teams = teams,
                                .secondary_team_count = 2,
                                .custom = custom,
                                .custom_count = 1};
    rc_employee_t changed[16];
    for (size_t i = 0; i < 16; i++) changed[i] = base;
    changed[0].email = "eve@x";
    changed[1].first_name = NULL;
    changed[2].last_name = "M";
    changed[3].job_title = "lead";
    changed[4].avatar = "https://x/b";
    changed[5].manager_email = NULL;
    changed[6].language = "de";
    changed[7].status = RC_STATUS_LEAVE;
    changed[8].hire_date.days = 101;
    changed[9].leave_date.days = 200;
    changed[10].primary_location.id = "m";
    changed[11].primary_team.name = "Other";
    changed[12].secondary_team_count = 1;
    changed[13].secondary_teams = renamed;
    changed[14].custom = other;
    changed[15].custom_count = 0;
    for (size_t i = 0; i < 16; i++) {
        ck_assert_msg(!rc_employee_equal(&base, &changed[i]), "field %zu", i);
        ck_assert_msg(!rc_employee_equal(&changed[i], &base), "field %zu", i);
    }
    rc_employee_t same = base;
    same.email = "ADA@X", same.manager_email = "Bob@x", same.avatar = "https://x/a?signed";
    ck_assert(rc_employee_equal(&base, &same));
}
END_TEST

START_TEST(a_copy_is_the_same_and_its_own)
{
    rc_arena_t *from = rc_arena_new(), *to = rc_arena_new();
    rc_ref_t *teams = rc_arena_alloc(from, sizeof *teams);
    *teams = (rc_ref_t){rc_arena_strdup(from, "t1"), NULL};
    rc_custom_t *custom = rc_arena_alloc(from, sizeof *custom);
    *custom = (rc_custom_t){rc_arena_strdup(from, "n"), rc_arena_strdup(from, "v")};
    const rc_employee_t original = {.email = rc_arena_strdup(from, "ada@x"),
                                    .primary_team = {rc_arena_strdup(from, "t"), NULL},
                                    .hire_date = {7},
                                    .leave_date = RC_DATE_NONE,
                                    .secondary_teams = teams,
                                    .secondary_team_count = 1,
                                    .custom = custom,
                                    .custom_count = 1};
    rc_employee_t copy = rc_employee_copy(to, &original);
    ck_assert(rc_employee_equal(&original, &copy));
    rc_arena_free(from); /* what was shared would be read after its end below */
    ck_assert_str_eq(copy.email, "ada@x");
    ck_assert_str_eq(copy.primary_team.id, "t");
    ck_assert_str_eq(copy.secondary_teams[0].id, "t1");
    ck_assert_str_eq(copy.custom[0].value, "v");
    rc_arena_free(to);
}
END_TEST

START_TEST(a_custom_field_is_found_by_its_whole_name)
{
    const rc_custom_t custom[] = {{NULL, "nameless"}, {"Cost", "1"}, {"Cost centre", "2"}, {"Shift", NULL}};
    const rc_employee_t employee = {.custom = custom, .custom_count = 4};
    ck_assert_ptr_eq(rc_custom_find(custom, 4, "Cost centre"), &custom[2]);
    ck_assert_ptr_null(rc_custom_find(custom, 4, "cost"));
    ck_assert_ptr_null(rc_custom_find(NULL, 0, "Cost"));
    ck_assert_str_eq(rc_employee_custom(&employee, "Cost"), "1");
    ck_assert_ptr_null(rc_employee_custom(&employee, "Shift"));
    ck_assert_ptr_null(rc_employee_custom(&employee, "Sh"));
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("domain");
    TCase *tests = tcase_create("domain");
    tcase_add_test(tests, every_symbol_names_its_value_and_no_other);
    tcase_add_test(tests, a_key_is_split_at_its_last_slash);
    tcase_add_test(tests, an_identity_is_one_that_a_producer_would_write);
    tcase_add_test(tests, pictures_are_the_same_whatever_their_signature);
    tcase_add_test(tests, a_difference_in_any_field_is_a_difference);
    tcase_add_test(tests, a_copy_is_the_same_and_its_own);
    tcase_add_test(tests, a_custom_field_is_found_by_its_whole_name);
    suite_add_tcase(all, tests);
    return all;
}

int main(void)
{
    return rc_unit_run(suite());
}
