/* consumer/learnamp/learnamp_request: what is asked and written, to the byte. */
#include "tests/support/unit.h"

#include <stdlib.h>
#include <string.h>

#include "consumer/learnamp/learnamp_request.h"
#include "consumer/rules/rules.h"
#include "consumer/rules/swap.h"

static rc_mapping_t mapping[] = {
    {RC_TARGET_FIRST_NAME, NULL, "first_name", 0},
    {RC_TARGET_LAST_NAME, NULL, "last_name", 0},
    {RC_TARGET_EMAIL, NULL, "work_email", 0},
    {RC_TARGET_JOB_TITLE, NULL, "job_title", 0},
    {RC_TARGET_AVATAR, NULL, "avatar", 0},
    {RC_TARGET_LOCATION, NULL, "work_location.name", 0},
    {RC_TARGET_HIRE_DATE, NULL, "start_date", 0},
    {RC_TARGET_LEAVE_DATE, NULL, "termination_date", 0},
    {RC_TARGET_MANAGER_EMAIL, NULL, "manager.work_email", 0},
    {RC_TARGET_LANGUAGE, NULL, "language", 0},
    {RC_TARGET_CUSTOM, "Cost centre", "custom_fields.cost_centre", 0},
};

static rc_integration_t integration;
static rc_employee_t full;
static rc_employee_t bare;
static const rc_custom_t customs[] = {{"Cost centre", "4711"}};
static const rc_custom_t emptied[] = {{"Cost centre", NULL}};
static const rc_ref_t second[] = {{"g2", "Choir"}, {"g3", "Chess"}};
static rc_learnamp_request_t request;

static void setup(void)
{
    integration = (rc_integration_t){.id = "personio:x", .mapping = mapping, .mapping_count = 11};
    integration.policy.primary_team_count = 1;
    full = (rc_employee_t){.email = "ann@acme.example",
                           .first_name = "Ann",
                           .last_name = "Öz \"Q\"",
                           .job_title = "Lead",
                           .avatar = "https://pics/1?sig=a",
                           .manager_email = "bob@acme.example",
                           .language = "de",
                           .hire_date = {19675},
                           .leave_date = RC_DATE_NONE,
                           .primary_location = {"l1", "Berlin"},
                           .primary_team = {"g1", "Sales"},
                           .secondary_teams = second,
                           .secondary_team_count = 2,
                           .custom = customs,
                           .custom_count = 1};
    bare = (rc_employee_t){.email = "ann@acme.example",
                           .first_name = "Ann",
                           .last_name = "Oz",
                           .hire_date = RC_DATE_NONE,
                           .leave_date = RC_DATE_NONE,
                           .custom = emptied,
                           .custom_count = 1};
    request = (rc_learnamp_request_t){.kind = RC_CALL_READ};
}

static void teardown(void)
{
    rc_learnamp_request_fini(&request);
}

static rc_body_t body_of(const rc_employee_t *employee)
{
    return (rc_body_t){.integration = &integration, .employee_id = "emp/5", .employee = employee};
}

#define IS(method_, path_, body_)                                \
    do {                                                         \
        ck_assert_str_eq(request.method, method_);               \
        ck_assert_str_eq(request.path, path_);                   \
        if ((const char *)(body_) == NULL)                       \
            ck_assert_ptr_null(request.body);                    \
        else                                                     \
            ck_assert_str_eq(request.body, (const char *)body_); \
    } while (0)

START_TEST(a_creation_says_everything_mapped_that_has_a_value)
{
    rc_body_t body = body_of(&full);
    rc_request_create(&request, &body, false);
    IS("POST", "/v1/users",
       "{\"firstName\":\"Ann\",\"lastName\":\"Öz \\\"Q\\\"\",\"email\":\"ann@acme.example\",\"jobTitle\":\"Lead\","
       "\"avatar\":\"https://pics/1?sig=a\",\"location\":\"Berlin\",\"hireDate\":\"2023-11-14\","
       "\"managerEmail\":\"bob@acme.example\",\"language\":\"de\","
       "\"customFields\":[{\"name\":\"Cost centre\",\"value\":\"4711\"}],\"primaryTeamIntegrationExternalId\":\"g1\","
       "\"integrationExternalId\":\"emp/5\",\"skipInvitation\":true}");
    ck_assert_int_eq(request.kind, RC_CALL_WRITE);
    ck_assert_str_eq(request.wanted, "emp/5");
}
END_TEST

START_TEST(a_creation_leaves_out_what_is_empty)
{
    rc_body_t body = body_of(&bare);
    rc_request_create(&request, &body, true);
    IS("POST", "/v1/users",
       "{\"firstName\":\"Ann\",\"lastName\":\"Oz\",\"email\":\"ann@acme.example\",\"integrationExternalId\":\"emp/5\","
       "\"skipInvitation\":false}");
}
END_TEST

START_TEST(an_update_clears_what_became_empty)
{
    rc_body_t body = body_of(&bare);
    rc_request_update(&request, &body, RC_PART_PROFILE, 0);
    IS("PUT", "/v1/users/by_integration_external_id/emp%2F5",
       "{\"firstName\":\"Ann\",\"lastName\":\"Oz\",\"email\":\"ann@acme.example\",\"jobTitle\":\"\",\"avatar\":\"\","
       "\"location\":\"\",\"hireDate\":\"\",\"leaveDate\":\"\",\"managerEmail\":\"\",\"language\":\"\","
       "\"customFields\":[{\"name\":\"Cost centre\",\"value\":\"\"}]}");
}
END_TEST

START_TEST(what_a_user_must_have_is_never_cleared)
{
    rc_employee_t nameless = bare;
    nameless.email = nameless.first_name = nameless.last_name = NULL;
    integration.mapping_count = 3;
    rc_body_t body = body_of(&nameless);
    rc_request_update(&request, &body, RC_PART_PROFILE, 0);
    ck_assert_str_eq(request.body, "{}");
}
END_TEST

START_TEST(what_is_not_mapped_is_not_sent)
{
    integration.mapping_count = 3;
    rc_body_t body = body_of(&full);
    rc_request_update(&request, &body, RC_PART_PROFILE, 17);
    IS("PUT", "/v1/users/17", "{\"firstName\":\"Ann\",\"lastName\":\"Öz \\\"Q\\\"\",\"email\":\"ann@acme.example\"}");
}
END_TEST

START_TEST(a_custom_field_mapped_after_the_state_was_published_is_not_cleared)
{
    rc_employee_t older = full;
    older.custom_count = 0;
    rc_body_t body = body_of(&older);
    rc_request_update(&request, &body, RC_PART_PROFILE, 0);
    ck_assert_ptr_null(strstr(request.body, "customFields"));
}
END_TEST

START_TEST(a_team_update_says_teams_alone)
{
    integration.policy.secondary_teams_count = 1;
    rc_body_t body = body_of(&full);
    rc_request_update(&request, &body, RC_PART_TEAM, 0);
    ck_assert_str_eq(request.body, "{\"primaryTeamIntegrationExternalId\":\"g1\","
                                   "\"secondaryTeamIntegrationExternalIds\":[\"g2\",\"g3\"]}");
}
END_TEST

START_TEST(secondary_teams_that_are_gone_are_an_empty_list)
{
    integration.policy.secondary_teams_count = 1;
    rc_body_t body = body_of(&bare);
    rc_request_update(&request, &body, RC_PART_TEAM, 0);
    ck_assert_str_eq(request.body, "{\"secondaryTeamIntegrationExternalIds\":[]}");
}
END_TEST

START_TEST(a_policy_without_teams_names_none)
{
    integration.policy.primary_team_count = 0;
    rc_body_t body = body_of(&full);
    rc_request_update(&request, &body, RC_PART_ALL, 0);
    ck_assert_ptr_null(strstr(request.body, "Team"));
}
END_TEST

static bool only_g3(const void *opaque, const rc_ref_t *team)
{
    (void)opaque;
    return strcmp(team->id, "g3") == 0;
}

START_TEST(a_team_that_is_not_there_is_not_named)
{
    integration.policy.secondary_teams_count = 1;
    rc_body_t body = body_of(&full);
    body.team_is_there = only_g3;
    rc_request_update(&request, &body, RC_PART_TEAM, 0);
    ck_assert_str_eq(request.body, "{\"secondaryTeamIntegrationExternalIds\":[\"g3\"]}");
}
END_TEST

START_TEST(an_unknown_manager_can_be_left_out)
{
    rc_body_t body = body_of(&full);
    body.without_manager = true;
    rc_request_update(&request, &body, RC_PART_PROFILE, 0);
    ck_assert_ptr_null(strstr(request.body, "managerEmail"));
}
END_TEST

START_TEST(an_adoption_sets_the_external_id)
{
    rc_body_t body = body_of(&full);
    rc_request_update(&request, &body, RC_PART_IDENTITY, 17);
    IS("PUT", "/v1/users/17", "{\"integrationExternalId\":\"emp/5\"}");
}
END_TEST

START_TEST(one_who_moves_aside_takes_the_swap_address_alone)
{
    integration.policy.swap_address = "swap-{id}-{id}@acme.example";
    rc_body_t body = body_of(&full);
    body.employee_id = "e5";
    rc_request_update(&request, &body, RC_PART_ASIDE, 0);
    ck_assert_str_eq(request.body, "{\"email\":\"swap-e5-e5@acme.example\"}");
    integration.policy.swap_address = "";
    ck_assert_ptr_null(rc_swap_address(&integration.policy, "e5"));
}
END_TEST

START_TEST(lookups_encode_what_they_look_for)
{
    rc_request_user_by_external_id(&request, "a/b c?#%");
    IS("GET", "/v1/users/by_integration_external_id/a%2Fb%20c%3F%23%25", NULL);
    ck_assert_int_eq(request.kind, RC_CALL_READ);
    rc_learnamp_request_fini(&request);
    rc_request_user_by_email(&request, "a+b&c@x");
    IS("GET", "/v1/users?filters%5Bemail%5D=a%2Bb%26c%40x&perPage=100", NULL);
    rc_learnamp_request_fini(&request);
    rc_request_user_expanded(&request, "a&b");
    IS("GET", "/v1/users?filters%5Bintegration_external_id%5D=a%26b&expanded=true&perPage=100", NULL);
    rc_learnamp_request_fini(&request);
    rc_request_teams_by_name(&request, "R&D 50%", 3);
    IS("GET", "/v1/teams?page=3&perPage=100&filters%5Bname%5D=R%26D%2050%25", NULL);
}
END_TEST

START_TEST(every_other_call_is_as_documented)
{
    rc_ref_t team = {"g/1", "Sales"};
    rc_request_reactivate(&request, 17);
    IS("PUT", "/v1/users/17/reactivate", NULL);
    rc_learnamp_request_fini(&request);
    rc_request_deactivate(&request, 17);
    IS("PUT", "/v1/users/17/deactivate", NULL);
    rc_learnamp_request_fini(&request);
    rc_request_team_by_external_id(&request, "g/1");
    IS("GET", "/v1/teams/by_external_id/g%2F1", NULL);
    rc_learnamp_request_fini(&request);
    rc_request_create_team(&request, &team);
    IS("POST", "/v1/teams", "{\"name\":\"Sales\",\"integrationExternalId\":\"g/1\"}");
    rc_learnamp_request_fini(&request);
    rc_request_adopt_team(&request, 9, "g/1");
    IS("PUT", "/v1/teams/9", "{\"integrationExternalId\":\"g/1\"}");
    rc_learnamp_request_fini(&request);
    rc_request_rename_team(&request, &team);
    IS("PUT", "/v1/teams/by_external_id/g%2F1", "{\"name\":\"Sales\"}");
    rc_learnamp_request_fini(&request);
    rc_request_remove_from_team(&request, 9, 17);
    IS("DELETE", "/v1/teams/9/users/17", NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("learnamp_request");
    TCase *tcase = tcase_create("requests");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, a_creation_says_everything_mapped_that_has_a_value);
    tcase_add_test(tcase, a_creation_leaves_out_what_is_empty);
    tcase_add_test(tcase, an_update_clears_what_became_empty);
    tcase_add_test(tcase, what_a_user_must_have_is_never_cleared);
    tcase_add_test(tcase, what_is_not_mapped_is_not_sent);
    tcase_add_test(tcase, a_custom_field_mapped_after_the_state_was_published_is_not_cleared);
    tcase_add_test(tcase, a_team_update_says_teams_alone);
    tcase_add_test(tcase, secondary_teams_that_are_gone_are_an_empty_list);
    tcase_add_test(tcase, a_policy_without_teams_names_none);
    tcase_add_test(tcase, a_team_that_is_not_there_is_not_named);
    tcase_add_test(tcase, an_unknown_manager_can_be_left_out);
    tcase_add_test(tcase, an_adoption_sets_the_external_id);
    tcase_add_test(tcase, one_who_moves_aside_takes_the_swap_address_alone);
    tcase_add_test(tcase, lookups_encode_what_they_look_for);
    tcase_add_test(tcase, every_other_call_is_as_documented);
    suite_add_tcase(suite, tcase);
    return rc_unit_run(suite);
}
