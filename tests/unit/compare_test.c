/* consumer/learnamp/compare: a difference is what a write would change and a person would want to know. */
#include "tests/support/unit.h"

#include <stdio.h>
#include <string.h>

#include "common/mem.h"
#include "consumer/learnamp/compare.h"

static rc_mapping_t mapping[] = {{RC_TARGET_FIRST_NAME, NULL, "first_name", 0},
                                 {RC_TARGET_LAST_NAME, NULL, "last_name", 0},
                                 {RC_TARGET_EMAIL, NULL, "work_email", 0},
                                 {RC_TARGET_JOB_TITLE, NULL, "job_title", 0},
                                 {RC_TARGET_AVATAR, NULL, "avatar", 0},
                                 {RC_TARGET_LOCATION, NULL, "work_location.name", 0},
                                 {RC_TARGET_HIRE_DATE, NULL, "start_date", 0},
                                 {RC_TARGET_LEAVE_DATE, NULL, "termination_date", 0},
                                 {RC_TARGET_MANAGER_EMAIL, NULL, "manager.work_email", 0},
                                 {RC_TARGET_LANGUAGE, NULL, "integration_fields.language", 0},
                                 {RC_TARGET_CUSTOM, "Cost centre", "custom_fields.cost", 0}};
static rc_integration_t integration;
static rc_employee_t hr;
static rc_learnamp_profile_t user;
static rc_userset_t *set;
static rc_arena_t *arena;
static rc_ref_t secondary[2];
static int64_t secondary_ids[2];
static rc_custom_t wanted_custom, shown_custom;

static void add_team(int64_t id, const char *external_id, const char *name)
{
    rc_userset_put_team(set, &(rc_learnamp_team_t){.id = id, .external_id = external_id, .name = name});
}

static void add_user(int64_t id, const char *email, bool deactivated)
{
    const rc_learnamp_profile_t profile = {.user = {.id = id, .email = email, .deactivated = deactivated}};
    rc_userset_put(set, &profile);
}

static void setup(void)
{
    arena = rc_arena_new();
    set = rc_userset_new();
    add_team(3, "g3", "Sales");
    add_team(4, "g4", "Choir");
    add_team(5, "g5", "Football");
    add_team(6, NULL, "Made by hand");
    add_user(1, "boss@acme.example", false);
    add_user(2, "chief@acme.example", false);
    add_user(7, "former@acme.example", true);
    integration =
        (rc_integration_t){.id = "personio:x", .mapping = mapping, .mapping_count = sizeof mapping / sizeof *mapping};
    integration.policy.primary_team_count = integration.policy.secondary_teams_count = 1;
    integration.policy.create_teams = true;
    secondary[0] = (rc_ref_t){"g4", "Choir"};
    secondary[1] = (rc_ref_t){"g5", "Football"};
    secondary_ids[0] = 5;
    secondary_ids[1] = 4;
    wanted_custom = shown_custom = (rc_custom_t){"Cost centre", "4711"};
    hr = (rc_employee_t){.email = "ann@acme.example",
                         .first_name = "Ann",
                         .last_name = "Oz",
                         .job_title = "Lead",
                         .avatar = "https://x/a.png",
                         .manager_email = "Boss@acme.example",
                         .language = "de",
                         .hire_date = {19754},
                         .leave_date = {30000},
                         .primary_location = {"l1", "Berlin"},
                         .primary_team = {"g3", "Sales"},
                         .secondary_teams = secondary,
                         .secondary_team_count = 2,
                         .custom = &wanted_custom,
                         .custom_count = 1};
    user = (rc_learnamp_profile_t){
        .user = {.id = 17, .email = "Ann@acme.example", .external_id = "e5", .team_known = true, .primary_team_id = 3},
        .first_name = "Ann",
        .last_name = "Oz",
        .job_title = "Lead",
        .language = "DE",
        .hire_date = "2024-02-01T00:00:00Z",
        .expanded = true,
        .location = "Berlin",
        .manager_email = "boss@acme.example",
        .primary_team_name = "Sales",
        .secondary_team_ids = secondary_ids,
        .secondary_team_count = 2};
}

static void teardown(void)
{
    rc_userset_free(set);
    rc_arena_free(arena);
}

/* "job_title: Lead / Engineer; …", "" when nothing differs. */
static const char *differences(void)
{
    static char text[512];
    size_t count;
    const rc_difference_t *found = rc_compare_user(&integration, set, &hr, &user, arena, &count);
    text[0] = '\0';
    for (size_t i = 0; i < count; i++)
        (void)snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s: %s / %s", i > 0 ? "; " : "",
                       found[i].field, found[i].hr != NULL ? found[i].hr : "-",
                       found[i].learnamp != NULL ? found[i].learnamp : "-");
    return text;
}

START_TEST(a_user_who_equals_has_no_difference)
{
    ck_assert_str_eq(differences(), "");
}
END_TEST

/* One text of the user, or of HR, is another. */
static void set_member(void *of, size_t member, const char *value)
{
    memcpy((char *)of + member, &value, sizeof value);
}

#define OF_USER(member) offsetof(rc_learnamp_profile_t, member)
static const struct {
    size_t member;
    const char *value, *want;
} texts[] = {
    {OF_USER(user.email), "bo@acme.example", "email: ann@acme.example / bo@acme.example"},
    {OF_USER(first_name), "Anna", "first_name: Ann / Anna"},
    {OF_USER(last_name), NULL, "last_name: Oz / -"},
    {OF_USER(job_title), "lead", "job_title: Lead / lead"},
    {OF_USER(location), "Paris", "primary_location: Berlin / Paris"},
    {OF_USER(location), NULL, "primary_location: Berlin / -"},
    {OF_USER(language), "en", "language: de / en"},
    {OF_USER(hire_date), "2024-02-02", "hire_date: 2024-02-01 / 2024-02-02"},
    {OF_USER(hire_date), NULL, "hire_date: 2024-02-01 / -"},
    {OF_USER(hire_date), "soon", "hire_date: 2024-02-01 / soon"},
    {OF_USER(manager_email), NULL, "manager_email: Boss@acme.example / -"},
    {OF_USER(manager_email), "chief@acme.example", "manager_email: Boss@acme.example / chief@acme.example"},
};

START_TEST(each_field_is_compared)
{
    set_member(&user, texts[_i].member, texts[_i].value);
    ck_assert_str_eq(differences(), texts[_i].want);
}
END_TEST

#define OF_HR(member) offsetof(rc_employee_t, member)
static const struct {
    size_t member;
    const char *want;
} cleared[] = {
    {OF_HR(job_title), "job_title: - / Lead"},
    {OF_HR(manager_email), "manager_email: - / boss@acme.example"},
    {OF_HR(primary_location.name), "primary_location: - / Berlin"},
    {OF_HR(language), ""}, /* the company's own then */
    {OF_HR(avatar), ""},   /* never shown */
};

START_TEST(an_empty_value_is_a_value)
{
    set_member(&hr, cleared[_i].member, NULL);
    ck_assert_str_eq(differences(), cleared[_i].want);
    set_member(&hr, cleared[_i].member, "");
    ck_assert_str_eq(differences(), cleared[_i].want);
}
END_TEST

START_TEST(what_is_not_mapped_is_nobodys_concern)
{
    integration.mapping_count = 3;
    integration.policy.primary_team_count = integration.policy.secondary_teams_count = 0;
    user.job_title = user.location = user.manager_email = user.language = user.hire_date = NULL;
    user.user.primary_team_id = 0;
    user.secondary_team_count = 0;
    ck_assert_str_eq(differences(), "");
}
END_TEST

START_TEST(a_deactivation_is_said_alone)
{
    user.user.deactivated = true;
    user.user.primary_team_id = 0;
    user.manager_email = NULL;
    ck_assert_str_eq(differences(), "status: active / deactivated");
}
END_TEST

START_TEST(a_manager_who_is_no_active_user_is_waited_for)
{
    user.manager_email = NULL;
    hr.manager_email = "nobody@acme.example";
    ck_assert_str_eq(differences(), "");
    hr.manager_email = "former@acme.example";
    ck_assert_str_eq(differences(), "");
}
END_TEST

START_TEST(custom_fields_are_compared_where_they_are_shown)
{
    wanted_custom.value = "4712";
    ck_assert_str_eq(differences(), "");
    user.custom_known = true;
    user.custom = &shown_custom;
    user.custom_count = 1;
    ck_assert_str_eq(differences(), "custom:Cost centre: 4712 / 4711");
    wanted_custom.value = NULL;
    ck_assert_str_eq(differences(), "custom:Cost centre: - / 4711");
    shown_custom.value = "";
    ck_assert_str_eq(differences(), "");
    hr.custom_count = 0; /* mapped since it was published */
    shown_custom.value = "4711";
    ck_assert_str_eq(differences(), "");
}
END_TEST

START_TEST(teams_are_compared_by_id_and_not_by_name)
{
    hr.primary_team.name = "Renamed";
    ck_assert_str_eq(differences(), "");
    hr.primary_team = (rc_ref_t){"g4", "Choir"};
    hr.secondary_team_count = 0;
    user.secondary_team_count = 0;
    ck_assert_str_eq(differences(), "primary_team: Choir / Sales");
    user.user.primary_team_id = 0;
    ck_assert_str_eq(differences(), "primary_team: Choir / -");
    hr.primary_team = (rc_ref_t){NULL, NULL};
    ck_assert_str_eq(differences(), "");
    user.user.primary_team_id = 6;
    user.primary_team_name = "Made by hand";
    ck_assert_str_eq(differences(), "primary_team: - / Made by hand");
}
END_TEST

START_TEST(a_team_that_the_policy_does_not_create_is_left_out)
{
    hr.primary_team = (rc_ref_t){"g9", "New"};
    ck_assert_str_eq(differences(), "primary_team: New / Sales");
    integration.policy.create_teams = false;
    ck_assert_str_eq(differences(), "");
    integration.policy.create_teams = true;
    hr.primary_team.name = NULL;
    ck_assert_str_eq(differences(), "");
}
END_TEST

START_TEST(secondary_teams_are_a_set_of_ours)
{
    user.secondary_team_count = 1;
    ck_assert_str_eq(differences(), "secondary_teams: Choir, Football / Football");
    secondary_ids[1] = 6; /* the company's own */
    user.secondary_team_count = 2;
    ck_assert_str_eq(differences(), "secondary_teams: Choir, Football / Football");
    hr.secondary_team_count = 0;
    ck_assert_str_eq(differences(), "secondary_teams: - / Football");
    secondary_ids[0] = 6;
    ck_assert_str_eq(differences(), "");
}
END_TEST

START_TEST(a_user_whom_only_the_direct_call_shows_is_compared_by_what_it_shows)
{
    user = (rc_learnamp_profile_t){.user = {.id = 17, .email = "ann@acme.example", .external_id = "e5"}};
    ck_assert_str_eq(differences(), "");
    user.user.email = "bo@acme.example";
    ck_assert_str_eq(differences(), "email: ann@acme.example / bo@acme.example");
}
END_TEST

START_TEST(what_cannot_be_told_is_said)
{
    ck_assert_str_eq(rc_compare_left_out(&integration, false, arena), "avatar, leave date, custom fields");
    ck_assert_str_eq(rc_compare_left_out(&integration, true, arena), "avatar, leave date");
    integration.mapping_count = 3;
    ck_assert_str_eq(rc_compare_left_out(&integration, false, arena), "");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("compare");
    TCase *tests = tcase_create("compare");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, a_user_who_equals_has_no_difference);
    tcase_add_loop_test(tests, each_field_is_compared, 0, sizeof texts / sizeof *texts);
    tcase_add_loop_test(tests, an_empty_value_is_a_value, 0, sizeof cleared / sizeof *cleared);
    tcase_add_test(tests, what_is_not_mapped_is_nobodys_concern);
    tcase_add_test(tests, a_deactivation_is_said_alone);
    tcase_add_test(tests, a_manager_who_is_no_active_user_is_waited_for);
    tcase_add_test(tests, custom_fields_are_compared_where_they_are_shown);
    tcase_add_test(tests, teams_are_compared_by_id_and_not_by_name);
    tcase_add_test(tests, a_team_that_the_policy_does_not_create_is_left_out);
    tcase_add_test(tests, secondary_teams_are_a_set_of_ours);
    tcase_add_test(tests, a_user_whom_only_the_direct_call_shows_is_compared_by_what_it_shows);
    tcase_add_test(tests, what_cannot_be_told_is_said);
    suite_add_tcase(suite, tests);
    return rc_unit_run(suite);
}
