/* consumer/learnamp/readback, userset: what a command knows of Learn Amp after reading it page by page. */
#include "tests/support/unit.h"

#include <stdio.h>
#include <string.h>

#include "common/mem.h"
#include "consumer/learnamp/readback.h"
#include "tests/support/learnamp_script.h"

#define PAGE(n)         "GET /v1/users?expanded=true&page=" #n "&perPage=100 HTTP"
#define GONE(n)         "GET /v1/users?expanded=true&page=" #n "&perPage=100&filters%5Bstatus%5D%5B%5D=deactivated HTTP"
#define TEAMS(n)        "GET /v1/teams?page=" #n "&perPage=100 HTTP"
#define ONE(id)         "GET /v1/users?filters%5Bintegration_external_id%5D=" id "&expanded=true"
#define LIST(...)       "{\"users\":[" __VA_ARGS__ "]}"
#define TOTAL(n, pages) "Total: " #n "\r\nTotal-Pages: " #pages "\r\n"
#define ANN                                                                                                            \
    "{\"id\":17,\"integrationExternalId\":\"e5\",\"email\":\"Ann@Acme.example\",\"firstName\":\"Ann\","                \
    "\"lastName\":\"Oz\",\"jobTitle\":\"Lead\",\"language\":\"de\",\"hireDate\":\"2024-02-01\","                       \
    "\"status\":{\"status\":\"Confirmed\"},\"manager\":{\"id\":1,\"email\":\"boss@acme.example\"},"                    \
    "\"location\":\"Berlin\",\"primaryTeam\":{\"id\":3,\"name\":\"Sales\"},\"secondaryTeams\":[{\"id\":4},{\"id\":5}]" \
    "}"

static rc_config_t config;
static rc_integration_t integration;
static rc_script_t *script;
static rc_readback_t *readback;
static rc_error_t error;

static void setup(void)
{
    config = (rc_config_t){.path = "x"};
    config.consumer.http_timeout_ms = rc_unit_patience_ms(1500);
    integration = (rc_integration_t){.id = "personio:x"};
    integration.learnamp.client_id = integration.learnamp.client_secret = "c";
    integration.learnamp.scope = "users:read";
    integration.learnamp.max_in_flight = 1;
    error = RC_ERROR_INIT;
}

static void teardown(void)
{
    rc_readback_free(readback);
    rc_script_free(script);
    readback = NULL;
    script = NULL;
}

static void open_service(const rc_script_line_t *lines, size_t count, int64_t patience_ms)
{
    script = rc_script_new(lines, count);
    integration.learnamp.base_url = rc_script_url(script);
    readback = rc_readback_new(
        &(rc_readback_options_t){.config = &config, .integration = &integration, .patience_ms = patience_ms});
}

static void all_asked(void)
{
    const char *fault = rc_script_fault(script);
    ck_assert_msg(fault == NULL, "%s", fault);
}

#define SERVE(patience_ms, ...)                                           \
    do {                                                                  \
        static const rc_script_line_t lines[] = {__VA_ARGS__};            \
        open_service(lines, sizeof lines / sizeof *lines, (patience_ms)); \
    } while (0)

START_TEST(all_pages_are_read_and_users_are_found_by_id_and_address)
{
    SERVE(1000, RC_LINE(PAGE(1), 200, .answer = LIST(ANN), .headers = TOTAL(2, 2)),
          RC_LINE(PAGE(2), 200, .answer = LIST(RC_FREE_USER(18, "bo@acme.example", "Deactivated")),
                  .headers = TOTAL(2, 2)));
    ck_assert_msg(rc_readback_users(readback, &error) == RC_OK, "%s", error.message);
    all_asked();
    const rc_userset_t *set = rc_readback_set(readback);
    ck_assert(rc_readback_is_complete(readback));
    ck_assert_uint_eq(rc_userset_count(set), 2);
    const rc_userset_user_t *ann = rc_userset_by_external_id(set, "e5");
    ck_assert_ptr_nonnull(ann);
    ck_assert_ptr_eq(rc_userset_by_email(set, "ANN@acme.example"), ann);
    ck_assert_ptr_eq(rc_userset_by_id(set, 17), ann);
    const rc_learnamp_profile_t *profile = &ann->profile;
    ck_assert_str_eq(profile->manager_email, "boss@acme.example");
    ck_assert_str_eq(profile->location, "Berlin");
    ck_assert_str_eq(profile->primary_team_name, "Sales");
    ck_assert_int_eq(profile->user.primary_team_id, 3);
    ck_assert_uint_eq(profile->secondary_team_count, 2);
    ck_assert_int_eq(profile->secondary_team_ids[1], 5);
    ck_assert(profile->expanded && !profile->custom_known);
    ck_assert(rc_userset_by_email(set, "bo@acme.example")->profile.user.deactivated);
    ck_assert_ptr_null(rc_userset_by_external_id(set, NULL));
}
END_TEST

START_TEST(deactivated_users_are_asked_for_when_the_list_shows_none)
{
    SERVE(1000, RC_LINE(PAGE(1), 200, .answer = LIST(ANN), .headers = TOTAL(1, 1)),
          RC_LINE(GONE(1), 200, .answer = LIST(RC_USER(18, "e6", "bo@acme.example", "Deactivated")),
                  .headers = TOTAL(1, 1)));
    ck_assert_msg(rc_readback_users(readback, &error) == RC_OK, "%s", error.message);
    all_asked();
    ck_assert(rc_readback_is_complete(readback));
    ck_assert(rc_userset_by_external_id(rc_readback_set(readback), "e6")->profile.user.deactivated);
}
END_TEST

START_TEST(without_totals_an_empty_page_ends_the_list)
{
    SERVE(1000, RC_LINE(PAGE(1), 200, .answer = LIST(ANN)), RC_LINE(PAGE(2), 200, .answer = LIST("")),
          RC_LINE(GONE(1), 200, .answer = LIST("")));
    ck_assert_msg(rc_readback_users(readback, &error) == RC_OK, "%s", error.message);
    all_asked();
    ck_assert_uint_eq(rc_userset_count(rc_readback_set(readback)), 1);
}
END_TEST

START_TEST(a_list_that_shows_fewer_than_it_says_is_not_complete)
{
    SERVE(1000, RC_LINE(PAGE(1), 200, .answer = LIST(ANN), .headers = TOTAL(3, 1)),
          RC_LINE(GONE(1), 200, .answer = LIST(""), .headers = TOTAL(0, 0)));
    ck_assert_int_eq(rc_readback_users(readback, &error), RC_OK);
    all_asked();
    ck_assert(!rc_readback_is_complete(readback));
}
END_TEST

START_TEST(throttling_is_waited_out)
{
    SERVE(20000, RC_LINE(PAGE(1), 429, .answer = "{\"error\":\"slow\"}", .headers = "Retry-After: 0\r\n"),
          RC_LINE(PAGE(1), 200, .answer = LIST(ANN), .headers = TOTAL(1, 1)),
          RC_LINE(GONE(1), 200, .answer = LIST(""), .headers = TOTAL(0, 0)));
    ck_assert_msg(rc_readback_users(readback, &error) == RC_OK, "%s", error.message);
    all_asked();
}
END_TEST

START_TEST(who_asks_for_more_than_our_patience_ends_the_reading)
{
    SERVE(1000, RC_LINE(PAGE(1), 429, .answer = "{\"error\":\"slow\"}", .headers = "Retry-After: 600\r\n"));
    ck_assert_int_eq(rc_readback_users(readback, &error), RC_HTTP);
    ck_assert_ptr_nonnull(strstr(error.message, "--wait"));
}
END_TEST

START_TEST(refused_credentials_say_what_to_type)
{
    SERVE(1000, RC_LINE(PAGE(1), 403, .answer = "{\"error\":\"Forbidden\"}"));
    ck_assert_int_eq(rc_readback_users(readback, &error), RC_MISCONFIGURED);
    ck_assert_ptr_nonnull(strstr(error.message, "rollcall-consumer check --integration personio:x"));
}
END_TEST

START_TEST(a_user_is_read_again_and_missed_only_when_asked_for_directly)
{
    SERVE(1000,
          RC_LINE(PAGE(1), 200, .answer = LIST(ANN "," RC_USER(18, "e6", "bo@acme.example", "Deactivated")),
                  .headers = TOTAL(2, 1)),
          RC_LINE(ONE("e5"), 200, .answer = LIST(RC_USER(17, "e5", "new@acme.example", "Confirmed"))),
          RC_LINE(ONE("e6"), 200, .answer = LIST("")),
          RC_LINE("GET /v1/users/by_integration_external_id/e6 HTTP", 404, .answer = RC_NOT_FOUND),
          RC_LINE(ONE("e7"), 200, .answer = LIST("")),
          RC_LINE("GET /v1/users/by_integration_external_id/e7 HTTP", 200,
                  .answer = RC_USER(19, "e7", "cy@acme.example", "Confirmed")));
    static const char *const ids[] = {"e5", "e6", "e7"};
    ck_assert_int_eq(rc_readback_users(readback, &error), RC_OK);
    rc_userset_by_external_id(rc_readback_set(readback), "e5")->mark = 9;
    ck_assert_msg(rc_readback_again(readback, ids, 3, &error) == RC_OK, "%s", error.message);
    all_asked();
    const rc_userset_t *set = rc_readback_set(readback);
    ck_assert_ptr_null(rc_userset_by_email(set, "ann@acme.example"));
    ck_assert_uint_eq(rc_userset_by_email(set, "new@acme.example")->mark, 9);
    ck_assert_ptr_null(rc_userset_by_external_id(set, "e6"));
    ck_assert(!rc_userset_by_external_id(set, "e7")->profile.expanded);
    ck_assert_uint_eq(rc_userset_count(set), 2);
}
END_TEST

START_TEST(teams_are_found_both_ways)
{
    SERVE(1000, RC_LINE(TEAMS(1), 200,
                        .answer = "{\"teams\":[" RC_TEAM(3, "g3", "Sales") ",{\"id\":4,\"name\":\"Ours\","
                                                                           "\"integrationExternalId\":null}]}",
                        .headers = TOTAL(2, 1)));
    ck_assert_msg(rc_readback_teams(readback, &error) == RC_OK, "%s", error.message);
    all_asked();
    const rc_userset_t *set = rc_readback_set(readback);
    ck_assert_str_eq(rc_userset_team(set, 3)->external_id, "g3");
    ck_assert_ptr_null(rc_userset_team(set, 4)->external_id);
    ck_assert_int_eq(rc_userset_team_by_external_id(set, "g3")->id, 3);
}
END_TEST

START_TEST(a_hundred_thousand_users_take_little)
{
    rc_userset_t *set = rc_userset_new();
    char id[32], email[64];
    for (int i = 0; i < 100000; i++) {
        rc_learnamp_profile_t profile = {.job_title = "Lead", .location = "Berlin", .expanded = true};
        snprintf(id, sizeof id, "e%d", i);
        snprintf(email, sizeof email, "person.%d@acme.example", i);
        profile.user = (rc_learnamp_user_t){.id = i + 1, .external_id = id, .email = email};
        rc_userset_put(set, &profile);
    }
    ck_assert_uint_eq(rc_userset_count(set), 100000);
    ck_assert_int_eq(rc_userset_by_email(set, "Person.77777@acme.example")->profile.user.id, 77778);
    size_t cursor = 0, seen = 0;
    while (rc_userset_next(set, &cursor) != NULL) seen++;
    ck_assert_uint_eq(seen, 100000);
    rc_userset_free(set);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("readback");
    TCase *tests = tcase_create("readback");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, all_pages_are_read_and_users_are_found_by_id_and_address);
    tcase_add_test(tests, deactivated_users_are_asked_for_when_the_list_shows_none);
    tcase_add_test(tests, without_totals_an_empty_page_ends_the_list);
    tcase_add_test(tests, a_list_that_shows_fewer_than_it_says_is_not_complete);
    tcase_add_test(tests, throttling_is_waited_out);
    tcase_add_test(tests, who_asks_for_more_than_our_patience_ends_the_reading);
    tcase_add_test(tests, refused_credentials_say_what_to_type);
    tcase_add_test(tests, a_user_is_read_again_and_missed_only_when_asked_for_directly);
    tcase_add_test(tests, teams_are_found_both_ways);
    tcase_add_test(tests, a_hundred_thousand_users_take_little);
    suite_add_tcase(suite, tests);
    return rc_unit_run(suite);
}
