/* consumer/learnamp/teams and consumer/learnamp/learnamp where many ask at once: each team is made once, each token
 * asked for once. */
#include "tests/support/unit.h"

#include <stdio.h>
#include <string.h>

#include "common/mem.h"
#include "consumer/learnamp/teams.h"
#include "tests/support/learnamp_script.h"

enum { TIMEOUT_MS = 300, MANY = 20 };
#define NOT_THERE   RC_LINE("GET /v1/teams/by_external_id/g1 HTTP", 404, .answer = RC_NOT_FOUND)
#define THERE(name) RC_LINE("GET /v1/teams/by_external_id/g1 HTTP", 200, .answer = RC_TEAM(70, "g1", name))
#define NONE_NAMED  RC_LINE("GET /v1/teams?page=1&", 200, .answer = "{\"teams\":[]}")

static rc_integration_t integration;
static rc_loop_t *loop;
static rc_http_t *http;
static rc_script_t *script;
static rc_learnamp_t *client;
static rc_teams_t *teams;
static rc_metrics_t *metrics;
static const rc_ref_t sales = {"g1", "Sales"};
static int ended, failed, wanted;
static rc_class_t failure_class;

static uint64_t no_jitter(void *opaque)
{
    (void)opaque;
    return 0;
}

static void setup(void)
{
    integration = (rc_integration_t){.id = "personio:x"};
    integration.policy = (rc_policy_t){.create_teams = true, .primary_team_count = 1};
    integration.learnamp.client_id = "c&1";
    integration.learnamp.client_secret = "s+2";
    integration.learnamp.scope = "users:read teams:read";
    loop = rc_loop_new();
    http = rc_http_new(loop, &(rc_http_options_t){.proxy = NULL});
    metrics = rc_metrics_new(RC_METRICS_CONSUMER);
}

static void teardown(void)
{
    rc_teams_free(teams);
    rc_learnamp_free(client);
    rc_script_free(script);
    rc_http_free(http);
    rc_loop_free(loop);
    rc_metrics_free(metrics);
}

static void open_service(const rc_script_line_t *lines, size_t count)
{
    static const rc_learnamp_hooks_t hooks = {.random = no_jitter};
    script = rc_script_new(lines, count);
    integration.learnamp.base_url = rc_script_url(script);
    client = rc_learnamp_new(loop, http, &integration, rc_unit_patience_ms(TIMEOUT_MS), metrics, &hooks);
    teams = rc_teams_new(client);
}

#define OPEN(...)                                          \
    static const rc_script_line_t lines[] = {__VA_ARGS__}; \
    open_service(lines, sizeof lines / sizeof *lines)

static void give_up(void *opaque)
{
    (void)opaque;
    ck_abort_msg("it does not end: %s", rc_script_fault(script));
}

static void on_team(void *opaque, const rc_learnamp_answer_t *failure)
{
    (void)opaque;
    failed += failure != NULL;
    if (failure != NULL) failure_class = failure->class;
    if (++ended == wanted) rc_loop_stop(loop);
}

static void run_until(int count)
{
    rc_loop_timer_t *patience = rc_loop_timer_new(loop, give_up, NULL);
    rc_loop_timer_start(patience, rc_unit_patience_ms(20000), 0);
    wanted = count;
    rc_loop_run(loop);
    rc_loop_timer_free(patience);
}

static void all_asked(void)
{
    const char *fault = rc_script_fault(script);
    ck_assert_msg(fault == NULL, "%s", fault);
}

static void ensure(const rc_ref_t *team)
{
    ended = failed = 0;
    (void)rc_teams_ensure(teams, team, on_team, NULL);
    run_until(1);
}

/* ---- teams ---- */

START_TEST(many_who_need_a_team_at_once_make_it_once)
{
    OPEN(NOT_THERE, NONE_NAMED, RC_LINE("POST /v1/teams HTTP", 201, .answer = RC_TEAM(70, "g1", "Sales")));
    ended = failed = 0;
    for (int i = 0; i < MANY; i++) (void)rc_teams_ensure(teams, &sales, on_team, NULL);
    run_until(MANY);
    ck_assert_int_eq(failed, 0);
    ck_assert_int_eq(rc_teams_state(teams, &sales, 1, NULL), RC_TEAM_THERE);
    all_asked();
}
END_TEST

START_TEST(a_creation_without_an_answer_is_looked_for_before_it_is_repeated)
{
    OPEN(NOT_THERE, NONE_NAMED, RC_LINE("POST /v1/teams HTTP", RC_SCRIPT_SILENT, .answer = NULL), THERE("Sales"));
    ensure(&sales);
    ck_assert_int_eq(failed, 1);
    ck_assert_int_eq(failure_class, RC_CLASS_TRANSIENT); /* no write of the employee's is in question */
    ck_assert_int_eq(rc_teams_state(teams, &sales, 1, NULL), RC_TEAM_UNKNOWN);
    ensure(&sales);
    ck_assert_int_eq(failed, 0);
    all_asked();
}
END_TEST

START_TEST(a_team_that_somebody_else_made_meanwhile_is_found)
{
    OPEN(NOT_THERE, NONE_NAMED,
         RC_LINE("POST /v1/teams HTTP", 400,
                 .answer = "{\"error\":\"Validation failed: Integration external id has already been taken\"}"),
         THERE("Sales"));
    ensure(&sales);
    ck_assert_int_eq(failed, 0);
    all_asked();
}
END_TEST

START_TEST(others_who_keep_taking_it_do_not_make_a_loop)
{
#define TAKEN_AGAIN RC_LINE("POST /v1/teams HTTP", 400, .answer = "{\"error\":\"Name has already been taken\"}")
    OPEN(NOT_THERE, NONE_NAMED, TAKEN_AGAIN, NOT_THERE, NONE_NAMED, TAKEN_AGAIN, NOT_THERE, NONE_NAMED, TAKEN_AGAIN);
    ensure(&sales);
    ck_assert_int_eq(failed, 1);
    all_asked();
}
END_TEST

START_TEST(the_only_free_team_of_the_name_is_adopted)
{
    OPEN(NOT_THERE,
         RC_LINE("GET /v1/teams?page=1&perPage=100&filters%5Bname%5D=Sales", 200,
                 .answer = "{\"teams\":[{\"id\":8,\"name\":\"Sales North\"},{\"id\":9,\"name\":\"Sales\"}]}"),
         RC_LINE("GET /v1/teams?page=2&", 200, .answer = "{\"teams\":[]}"),
         RC_LINE("PUT /v1/teams/9 HTTP", 200, .answer = RC_TEAM(9, "g1", "Sales"),
                 .says = "{\"integrationExternalId\":\"g1\"}"));
    ensure(&sales);
    ck_assert_int_eq(rc_teams_state(teams, &sales, 1, NULL), RC_TEAM_THERE);
    all_asked();
}
END_TEST

START_TEST(of_two_free_teams_of_the_name_none_is_adopted)
{
    OPEN(NOT_THERE, RC_LINE("GET /v1/teams?page=1&", 200, .answer = "{\"teams\":[{\"id\":8,\"name\":\"Sales\"}]}"),
         RC_LINE("GET /v1/teams?page=2&", 200, .answer = "{\"teams\":[{\"id\":9,\"name\":\"Sales\"}]}"),
         RC_LINE("GET /v1/teams?page=3&", 200, .answer = "{\"teams\":[]}"),
         RC_LINE("POST /v1/teams HTTP", 201, .answer = RC_TEAM(70, "g1", "Sales")));
    ensure(&sales);
    ck_assert_int_eq(failed, 0);
    all_asked();
}
END_TEST

START_TEST(without_leave_to_create_the_team_stays_away_and_is_not_asked_for_again)
{
    integration.policy.create_teams = false;
    OPEN(NOT_THERE, NONE_NAMED);
    ensure(&sales);
    ck_assert_int_eq(failed, 0);
    ck_assert_int_eq(rc_teams_state(teams, &sales, 1, NULL), RC_TEAM_ABSENT);
    all_asked();
}
END_TEST

START_TEST(without_leave_to_create_a_team_of_the_name_is_still_adopted)
{
    integration.policy.create_teams = false;
    OPEN(NOT_THERE, RC_LINE("GET /v1/teams?page=1&", 200, .answer = "{\"teams\":[{\"id\":9,\"name\":\"Sales\"}]}"),
         RC_LINE("GET /v1/teams?page=2&", 200, .answer = "{\"teams\":[]}"),
         RC_LINE("PUT /v1/teams/9 HTTP", 200, .answer = RC_TEAM(9, "g1", "Sales")));
    ensure(&sales);
    ck_assert_int_eq(rc_teams_state(teams, &sales, 1, NULL), RC_TEAM_THERE);
    all_asked();
}
END_TEST

START_TEST(a_team_without_a_name_is_found_or_left_out)
{
    static const rc_ref_t nameless = {"g1", NULL};
    OPEN(NOT_THERE);
    ensure(&nameless);
    ck_assert_int_eq(rc_teams_state(teams, &nameless, 1, NULL), RC_TEAM_ABSENT);
    all_asked();
}
END_TEST

START_TEST(a_rejected_team_fails_those_who_need_it)
{
    OPEN(NOT_THERE, NONE_NAMED, RC_LINE("POST /v1/teams HTTP", 422, .answer = "{\"error\":\"name is too long\"}"));
    ensure(&sales);
    ck_assert_int_eq(failed, 1);
    ck_assert_int_eq(failure_class, RC_CLASS_REJECTED);
    all_asked();
}
END_TEST

static bool is_rename_due(const char *name, int64_t version)
{
    rc_ref_t team = {"g1", name};
    bool due;
    (void)rc_teams_state(teams, &team, version, &due);
    return due;
}

START_TEST(only_a_state_newer_than_the_last_rename_renames)
{
    OPEN(THERE("Vertrieb"), RC_LINE("PUT /v1/teams/by_external_id/g1 HTTP", 200, .answer = RC_TEAM(70, "g1", "Sales"),
                                    .says = "{\"name\":\"Sales\"}"));
    ensure(&sales);
    ck_assert(!is_rename_due("Vertrieb", 5));
    ck_assert(!is_rename_due("Old", 5)); /* version 5 was seen with the present name */
    ck_assert(is_rename_due("Sales", 6));
    ck_assert(!is_rename_due(NULL, 6));
    ended = 0;
    for (int i = 0; i < MANY; i++) (void)rc_teams_rename(teams, &sales, 6, on_team, NULL);
    run_until(MANY);
    ck_assert_int_eq(failed, 0);
    ck_assert(!is_rename_due("Sales", 7));
    ck_assert(!is_rename_due("Vertrieb", 6));
    ck_assert(is_rename_due("Vertrieb", 8));
    all_asked();
}
END_TEST

/* The members of a renamed team come one after the other, each with a version of their own. */
START_TEST(newer_states_that_say_the_same_name_need_no_second_rename)
{
    OPEN(THERE("Vertrieb"), RC_LINE("PUT /v1/teams/by_external_id/g1 HTTP", 200, .answer = RC_TEAM(70, "g1", "Sales")));
    ensure(&sales);
    ended = failed = 0;
    for (int i = 0; i < MANY; i++) (void)rc_teams_rename(teams, &sales, 6 + i, on_team, NULL);
    run_until(MANY);
    ck_assert_int_eq(failed, 0);
    ck_assert(!is_rename_due("Vertrieb", 6 + MANY - 1)); /* older than the newest that was asked for */
    all_asked();
}
END_TEST

START_TEST(a_newer_name_asked_for_meanwhile_is_written_too)
{
    static const rc_ref_t newest = {"g1", "Sales & More"};
    OPEN(THERE("Vertrieb"),
         RC_LINE("PUT /v1/teams/by_external_id/g1 HTTP", 200, .answer = RC_TEAM(70, "g1", "x"),
                 .says = "{\"name\":\"Sales\"}"),
         RC_LINE("PUT /v1/teams/by_external_id/g1 HTTP", 200, .answer = RC_TEAM(70, "g1", "x"),
                 .says = "{\"name\":\"Sales & More\"}"));
    ensure(&sales);
    ended = 0;
    (void)rc_teams_rename(teams, &sales, 6, on_team, NULL); /* on its way already */
    (void)rc_teams_rename(teams, &newest, 7, on_team, NULL);
    run_until(2);
    ck_assert(!is_rename_due("Sales & More", 9));
    all_asked();
}
END_TEST

START_TEST(a_team_that_vanished_before_its_rename_is_made_again)
{
    OPEN(THERE("Vertrieb"), RC_LINE("PUT /v1/teams/by_external_id/g1 HTTP", 404, .answer = RC_NOT_FOUND), NOT_THERE,
         NONE_NAMED, RC_LINE("POST /v1/teams HTTP", 201, .answer = RC_TEAM(71, "g1", "Sales")),
         RC_LINE("PUT /v1/teams/by_external_id/g1 HTTP", 200, .answer = RC_TEAM(71, "g1", "Sales")));
    ensure(&sales);
    ended = 0;
    (void)rc_teams_rename(teams, &sales, 6, on_team, NULL);
    run_until(1);
    ck_assert_int_eq(failed, 0);
    all_asked();
}
END_TEST

START_TEST(a_rename_in_question_is_not_overtaken)
{
    OPEN(THERE("Vertrieb"), RC_LINE("PUT /v1/teams/by_external_id/g1 HTTP", RC_SCRIPT_HANGS_UP, .answer = NULL),
         RC_LINE("PUT /v1/teams/by_external_id/g1 HTTP", 200, .answer = RC_TEAM(70, "g1", "Sales")));
    ensure(&sales);
    ended = failed = 0;
    for (int i = 1; i <= 2; i++) { /* the second is too early to be sent */
        (void)rc_teams_rename(teams, &sales, 6, on_team, NULL);
        run_until(i);
        ck_assert_int_eq(failed, i);
        ck_assert_int_eq(failure_class, RC_CLASS_TRANSIENT);
    }
    ck_assert(is_rename_due("Vertrieb", 7)); /* nobody knows what it is called */
    while (failed == ended) {
        (void)rc_teams_rename(teams, &sales, 6, on_team, NULL);
        run_until(ended + 1);
    }
    ck_assert(!is_rename_due("Sales", 7));
    all_asked();
}
END_TEST

static rc_teams_wait_t *other_wait;

static void cancel_other(void *opaque, const rc_learnamp_answer_t *failure)
{
    on_team(opaque, failure);
    rc_teams_cancel(other_wait);
}

START_TEST(who_no_longer_waits_is_not_called)
{
    OPEN(THERE("Sales"));
    ended = 0;
    rc_teams_wait_t *gone = rc_teams_ensure(teams, &sales, on_team, NULL);
    (void)rc_teams_ensure(teams, &sales, cancel_other, NULL);
    other_wait = rc_teams_ensure(teams, &sales, on_team, NULL);
    rc_teams_cancel(gone);
    rc_teams_cancel(NULL);
    run_until(1);
    ck_assert_int_eq(ended, 1);
    ck_assert_int_eq(rc_teams_state(teams, &sales, 1, NULL), RC_TEAM_THERE); /* what was asked for went on */
}
END_TEST

/* ---- tokens ---- */

static void stop(void *opaque)
{
    (void)opaque;
    rc_loop_stop(loop);
}

static bool ask_for_team(void *opaque, bool waited, rc_learnamp_request_t *request)
{
    (void)waited;
    rc_request_team_by_external_id(request, opaque);
    return true;
}

static void on_call(void *opaque, const rc_learnamp_answer_t *answer)
{
    (void)opaque;
    failed += answer->class != RC_CLASS_APPLIED;
    if (answer->class != RC_CLASS_APPLIED) failure_class = answer->class;
    if (++ended == wanted) rc_loop_stop(loop);
}

static void call_many(int count)
{
    static char id[] = "g1";
    ended = failed = 0;
    for (int i = 0; i < count; i++) (void)rc_learnamp_call(client, ask_for_team, on_call, id);
    run_until(count);
}

START_TEST(many_calls_ask_for_one_token)
{
    OPEN(RC_LINE("POST /oauth/token", 200, .answer = "{\"access_token\":\"t\",\"expires_in\":7200}",
                 .says = "grant_type=client_credentials&client_id=c%261&client_secret=s%2B2&"
                         "scope=users%3Aread%20teams%3Aread"),
         THERE("Sales"), THERE("Sales"), THERE("Sales"), THERE("Sales"), THERE("Sales"));
    call_many(5);
    ck_assert_int_eq(failed, 0);
    ck_assert_int_eq(rc_script_tokens(script), 1);
    all_asked();
    rc_series_t *answered = rc_metrics_series(metrics, RC_METRIC_LEARNAMP_REQUESTS, "personio:x", "200", NULL);
    ck_assert_int_eq((int)rc_series_value(answered), 6);
}
END_TEST

START_TEST(a_token_is_renewed_before_it_expires)
{
    OPEN(RC_LINE("POST /oauth/token", 200, .answer = "{\"access_token\":\"short\",\"expires_in\":1}"), THERE("Sales"),
         RC_LINE("POST /oauth/token", 200, .answer = "{\"access_token\":\"next\",\"expires_in\":7200}"),
         THERE("Sales"));
    call_many(1);
    rc_loop_timer_t *timer = rc_loop_timer_new(loop, stop, NULL);
    rc_loop_timer_start(timer, 950, 0); /* of the second that it lives */
    rc_loop_run(loop);
    rc_loop_timer_free(timer);
    call_many(1);
    ck_assert_int_eq(failed, 0);
    all_asked();
}
END_TEST

START_TEST(a_token_that_fails_for_a_moment_is_asked_for_again)
{
    OPEN(RC_LINE("POST /oauth/token", 503, .answer = ""), RC_LINE("POST /oauth/token", 502, .answer = ""),
         RC_LINE("POST /oauth/token", 200, .answer = "{\"access_token\":\"t\",\"expires_in\":7200}"), THERE("Sales"));
    call_many(1);
    ck_assert_int_eq(failed, 0);
    all_asked();
}
END_TEST

START_TEST(an_unusable_token_fails_the_calls_that_wait_for_it)
{
    OPEN(RC_LINE("POST /oauth/token", 400, .answer = "{\"error\":\"invalid_scope\"}"));
    call_many(7);
    ck_assert_int_eq(failed, 7);
    ck_assert_int_eq(failure_class, RC_CLASS_CREDENTIALS);
    all_asked();
}
END_TEST

START_TEST(a_client_can_go_with_calls_under_way)
{
    static char id[] = "g1";
    OPEN(RC_LINE("POST /oauth/token", RC_SCRIPT_SILENT, .answer = NULL));
    for (int i = 0; i < 3; i++) (void)rc_learnamp_call(client, ask_for_team, on_call, id);
    (void)rc_teams_ensure(teams, &sales, on_team, NULL);
    ended = 0;
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("teams");
    TCase *tcase = tcase_create("teams");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_set_timeout(tcase, 30);
    tcase_add_test(tcase, many_who_need_a_team_at_once_make_it_once);
    tcase_add_test(tcase, a_creation_without_an_answer_is_looked_for_before_it_is_repeated);
    tcase_add_test(tcase, a_team_that_somebody_else_made_meanwhile_is_found);
    tcase_add_test(tcase, others_who_keep_taking_it_do_not_make_a_loop);
    tcase_add_test(tcase, the_only_free_team_of_the_name_is_adopted);
    tcase_add_test(tcase, of_two_free_teams_of_the_name_none_is_adopted);
    tcase_add_test(tcase, without_leave_to_create_the_team_stays_away_and_is_not_asked_for_again);
    tcase_add_test(tcase, without_leave_to_create_a_team_of_the_name_is_still_adopted);
    tcase_add_test(tcase, a_team_without_a_name_is_found_or_left_out);
    tcase_add_test(tcase, a_rejected_team_fails_those_who_need_it);
    tcase_add_test(tcase, only_a_state_newer_than_the_last_rename_renames);
    tcase_add_test(tcase, newer_states_that_say_the_same_name_need_no_second_rename);
    tcase_add_test(tcase, a_newer_name_asked_for_meanwhile_is_written_too);
    tcase_add_test(tcase, a_team_that_vanished_before_its_rename_is_made_again);
    tcase_add_test(tcase, a_rename_in_question_is_not_overtaken);
    tcase_add_test(tcase, who_no_longer_waits_is_not_called);
    suite_add_tcase(suite, tcase);
    tcase = tcase_create("tokens");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_set_timeout(tcase, 30);
    tcase_add_test(tcase, many_calls_ask_for_one_token);
    tcase_add_test(tcase, a_token_is_renewed_before_it_expires);
    tcase_add_test(tcase, a_token_that_fails_for_a_moment_is_asked_for_again);
    tcase_add_test(tcase, an_unusable_token_fails_the_calls_that_wait_for_it);
    tcase_add_test(tcase, a_client_can_go_with_calls_under_way);
    suite_add_tcase(suite, tcase);
    return rc_unit_run(suite);
}
