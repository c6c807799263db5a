#include "producer/rules/employee.h"

#include <string.h>

#include "producer/rules/projection.h"
#include "tests/support/gen.h"
#include "tests/support/unit.h"

static rc_arena_t *arena;
static rc_employee_t ada;

static void set_up(void)
{
    arena = rc_arena_new();
    rc_integration_t integration = rc_test_integration(arena);
    rc_kombo_employee_t record = rc_test_record(arena);
    rc_projection_t projection;
    rc_project(arena, &record, &integration, NULL, &projection);
    ada = rc_employee_copy(arena, &projection.employee);
    rc_ref_t *teams = rc_arena_alloc(arena, 2 * sizeof *teams);
    teams[0] = (rc_ref_t){"s-1", "Guild"};
    teams[1] = (rc_ref_t){"s-2", "Choir"};
    ada.secondary_teams = teams;
    ada.secondary_team_count = 2;
}

static void tear_down(void)
{
    rc_arena_free(arena);
}

START_TEST(the_hash_does_not_see_what_is_no_difference)
{
    uint64_t hash = rc_employee_hash64(&ada);
    ada.email = "ADA@acme.example";
    ada.manager_email = "Grace@Acme.example";
    ada.avatar = "https://cdn.example/ada.png?signature=2&expires=3";
    ck_assert(rc_employee_hash64(&ada) == hash);
    ada.avatar = "https://cdn.example/ada.png";
    ck_assert(rc_employee_hash64(&ada) == hash);
}
END_TEST

START_TEST(the_hash_sees_every_field)
{
    static const rc_custom_t other[] = {{"Badge", "17"}, {"Cost centre", NULL}};
    static const rc_ref_t teams[] = {{"s-1", "Guild"}, {"s-2", "Chorus"}};
    rc_employee_t changed[20];
    size_t count = 0;
#define CHANGED(member, value) \
    changed[count] = ada;      \
    changed[count++].member = (value)
    CHANGED(email, "ada@acme.exampl");
    CHANGED(first_name, NULL);
    CHANGED(first_name, "");
    CHANGED(last_name, "Byron");
    CHANGED(job_title, NULL);
    CHANGED(avatar, "https://cdn.example/ad");
    CHANGED(manager_email, NULL);
    CHANGED(language, "de");
    CHANGED(status, RC_STATUS_LEAVE);
    CHANGED(hire_date.days, 0);
    CHANGED(leave_date.days, 0);
    CHANGED(primary_location.id, NULL);
    CHANGED(primary_location.name, "Munich");
    CHANGED(primary_team.id, "t-2");
    CHANGED(primary_team.name, "platform");
    CHANGED(secondary_team_count, 1);
    CHANGED(secondary_teams, teams);
    CHANGED(custom_count, 1);
    CHANGED(custom, other);
    for (size_t i = 0; i < count; i++) {
        ck_assert_msg(!rc_employee_equal(&changed[i], &ada), "change %zu", i);
        ck_assert_msg(rc_employee_hash64(&changed[i]) != rc_employee_hash64(&ada), "change %zu", i);
    }
}
END_TEST

START_TEST(the_hash_sees_where_one_field_ends)
{
    rc_employee_t a = RC_EMPLOYEE_NONE, b = RC_EMPLOYEE_NONE;
    a.first_name = "ab", a.last_name = "c";
    b.first_name = "a", b.last_name = "bc";
    ck_assert(rc_employee_hash64(&a) != rc_employee_hash64(&b));
}
END_TEST

START_TEST(long_values_are_hashed_whole)
{
    for (size_t length = 900; length < 5000; length += 7) {
        char *text = rc_arena_alloc(arena, length + 1);
        memset(text, 'x', length);
        ada.job_title = text;
        uint64_t hash = rc_employee_hash64(&ada);
        text[length - 1] = 'y';
        ck_assert_msg(rc_employee_hash64(&ada) != hash, "the end of %zu bytes", length);
        text[length - 1] = 'x';
        text[0] = 'y';
        ck_assert_msg(rc_employee_hash64(&ada) != hash, "the beginning of %zu bytes", length);
    }
}
END_TEST

/* A stored value must stay good: with another one every row is decoded once more. */
START_TEST(the_hash_is_what_it_was)
{
    ck_assert_msg(rc_employee_hash64(&RC_EMPLOYEE_NONE) == UINT64_C(0xb6e2ab7382f4b19c), "nobody is %llx",
                  (unsigned long long)rc_employee_hash64(&RC_EMPLOYEE_NONE));
    ck_assert_msg(rc_employee_hash64(&ada) == UINT64_C(0x632c4406c8cc18cc), "Ada is %llx",
                  (unsigned long long)rc_employee_hash64(&ada));
}
END_TEST

START_TEST(equal_hashes_mean_equal_employees)
{
    size_t equal = 0;
    RC_FOR_SEEDS(seed, 6000)
    {
        rc_random_t random = {seed};
        rc_arena_reset(arena);
        rc_integration_t in = rc_gen_integration(arena, &random);
        rc_kombo_employee_t one = rc_gen_record(arena, &random, &in);
        rc_kombo_employee_t other = rc_gen_change(arena, &random, &in, &one);
        rc_projection_t a, b;
        rc_project(arena, &one, &in, NULL, &a);
        rc_project(arena, &other, &in, NULL, &b);
        bool same = rc_employee_equal(&a.employee, &b.employee);
        ck_assert_msg(same == (rc_employee_hash64(&a.employee) == rc_employee_hash64(&b.employee)), "seed %llu",
                      (unsigned long long)seed);
        equal += same;
    }
    ck_assert_uint_gt(equal, 0);
}
END_TEST

START_TEST(a_renamed_group_renames_every_team_of_that_id)
{
    rc_employee_t before = ada;
    ck_assert(rc_employee_rename_group(arena, &ada, "t-1", " Runtime "));
    ck_assert_str_eq(ada.primary_team.name, "Runtime");
    ck_assert(rc_employee_rename_group(arena, &ada, "s-2", "Chorus"));
    ck_assert_str_eq(ada.secondary_teams[1].name, "Chorus");
    /* What was shared with the stored state is left alone. */
    ck_assert_str_eq(before.secondary_teams[1].name, "Choir");
    ck_assert_str_eq(ada.secondary_teams[0].name, "Guild");
}
END_TEST

START_TEST(a_name_that_is_empty_or_the_same_changes_nothing)
{
    rc_employee_t before = ada;
    ck_assert(!rc_employee_rename_group(arena, &ada, "t-1", "Platform"));
    ck_assert(!rc_employee_rename_group(arena, &ada, "t-1", NULL));
    ck_assert(!rc_employee_rename_group(arena, &ada, "t-1", "  "));
    ck_assert(!rc_employee_rename_group(arena, &ada, "t-9", "Other"));
    ck_assert(!rc_employee_rename_location(arena, &ada, "w-1", ""));
    ck_assert(!rc_employee_rename_location(arena, &ada, "t-1", "Munich"));
    ck_assert(rc_employee_equal(&ada, &before));
}
END_TEST

START_TEST(a_renamed_location_follows_its_id)
{
    ck_assert(rc_employee_rename_location(arena, &ada, "w-1", "Berlin Mitte"));
    ck_assert_str_eq(ada.primary_location.name, "Berlin Mitte");
    /* From another source than work_location: not Kombo's to rename. */
    ada.primary_location.id = NULL;
    ck_assert(!rc_employee_rename_location(arena, &ada, "w-1", "Berlin"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("employee");
    TCase *cases = tcase_create("employee");
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, the_hash_does_not_see_what_is_no_difference);
    tcase_add_test(cases, the_hash_sees_every_field);
    tcase_add_test(cases, the_hash_sees_where_one_field_ends);
    tcase_add_test(cases, long_values_are_hashed_whole);
    tcase_add_test(cases, the_hash_is_what_it_was);
    tcase_add_test(cases, equal_hashes_mean_equal_employees);
    tcase_add_test(cases, a_renamed_group_renames_every_team_of_that_id);
    tcase_add_test(cases, a_name_that_is_empty_or_the_same_changes_nothing);
    tcase_add_test(cases, a_renamed_location_follows_its_id);
    suite_add_tcase(suite, cases);
    return rc_unit_run(suite);
}
