/* consumer/engine/apply: one record brought to a Learn Amp that follows a script, request by request. */
#include "tests/support/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "consumer/engine/apply.h"
#include "tests/support/learnamp_script.h"

enum { V1 = 100, V2 = 200, TIMEOUT_MS = 1500 };
#define MAIL    "ann@acme.example"
#define ACTIVE  RC_USER(17, "e5", MAIL, "Confirmed")
#define GONE    RC_USER(17, "e5", MAIL, "Deactivated")
#define NOBODY  "{\"users\":[]}"
#define BY_ID   "/v1/users/by_integration_external_id/e5 HTTP"
#define BY_OLD  "/v1/users/by_integration_external_id/e1 HTTP"
#define BY_MAIL "/v1/users?filters%5Bemail%5D=ann%40acme.example"

static rc_mapping_t mapping[] = {{RC_TARGET_FIRST_NAME, NULL, "first_name", 0},
                                 {RC_TARGET_LAST_NAME, NULL, "last_name", 0},
                                 {RC_TARGET_EMAIL, NULL, "work_email", 0},
                                 {RC_TARGET_JOB_TITLE, NULL, "job_title", 0},
                                 {RC_TARGET_MANAGER_EMAIL, NULL, "manager.work_email", 0}};

static rc_integration_t integration;
static rc_event_t event;
static rc_employee_t newer; /* N after it moved */
static rc_snapshot_t rows[2];
static bool has_row;
static rc_apply_input_t input;
static rc_loop_t *loop;
static rc_http_t *http;
static rc_script_t *script;
static rc_learnamp_t *client;
static rc_teams_t *teams;
static rc_apply_t *apply;
static rc_apply_result_t result;
static char reason[2048];
static int barriers, results;
static int64_t admits[8]; /* what admit says, one after the other; 0 at the end */
static int admitted;
static int observed[RC_CLASS_COUNT];

/* ---- what the engine would do ---- */

static void read_newest(void *opaque, bool behind_barrier, rc_newest_t *newest)
{
    (void)opaque;
    int moves = script != NULL ? rc_script_moves(script) : 0;
    *newest = rc_newest_of(&event, has_row ? &rows[moves > 0] : NULL, behind_barrier);
}

static void pass_barrier(void *opaque)
{
    (void)opaque;
    rc_apply_barrier_passed(apply);
}

static void take_barrier(void *opaque)
{
    (void)opaque;
    barriers++;
    rc_loop_post(loop, pass_barrier, NULL);
}

static void take_result(void *opaque, const rc_apply_result_t *end)
{
    (void)opaque;
    results++;
    result = *end;
    snprintf(reason, sizeof reason, "%s", end->reason != NULL ? end->reason : "");
    apply = NULL;
    rc_loop_stop(loop);
}

static int64_t admit(void *opaque)
{
    (void)opaque;
    return admitted < 8 ? admits[admitted++] : 0;
}

static void observe(void *opaque, rc_class_t class, int64_t retry_after_ms)
{
    (void)opaque;
    (void)retry_after_ms;
    observed[class]++;
}

static uint64_t no_jitter(void *opaque)
{
    (void)opaque;
    return 0;
}

static const rc_apply_callbacks_t callbacks = {read_newest, take_barrier, take_result};

/* ---- the scene ---- */

static void setup(void)
{
    integration = (rc_integration_t){.id = "personio:x", .mapping = mapping, .mapping_count = 5};
    integration.policy = (rc_policy_t){.match_email = true, .create_teams = true, .swap_address = ""};
    integration.learnamp.client_id = "c";
    integration.learnamp.client_secret = "s";
    integration.learnamp.scope = "users:read";
    event = (rc_event_t){.type = RC_EVENT_CREATED, .integration_id = "personio:x", .employee_id = "e5", .version = V1};
    event.employee = (rc_employee_t){.email = MAIL,
                                     .first_name = "Ann",
                                     .last_name = "Oz",
                                     .job_title = "Lead",
                                     .hire_date = RC_DATE_NONE,
                                     .leave_date = RC_DATE_NONE};
    newer = event.employee;
    newer.job_title = "Head";
    rows[0] = (rc_snapshot_t){.version = V1, .employee = event.employee};
    rows[1] = (rc_snapshot_t){.version = V2, .employee = newer};
    has_row = true;
    input = (rc_apply_input_t){.event = &event};
    barriers = results = admitted = 0;
    memset(admits, 0, sizeof admits);
    memset(observed, 0, sizeof observed);
    loop = rc_loop_new();
    http = rc_http_new(loop, &(rc_http_options_t){.proxy = NULL});
}

static void teardown(void)
{
    if (apply != NULL) (void)rc_apply_cancel(apply);
    apply = NULL;
    rc_teams_free(teams);
    rc_learnamp_free(client);
    rc_script_free(script);
    script = NULL;
    rc_http_free(http);
    rc_loop_free(loop);
}

static void open_service(const rc_script_line_t *lines, size_t count)
{
    static const rc_learnamp_hooks_t hooks = {.admit = admit, .observe = observe, .random = no_jitter};
    script = rc_script_new(lines, count);
    integration.learnamp.base_url = rc_script_url(script);
    client = rc_learnamp_new(loop, http, &integration, rc_unit_patience_ms(TIMEOUT_MS), NULL, &hooks);
    teams = rc_teams_new(client);
}

static void give_up(void *opaque)
{
    (void)opaque;
    ck_abort_msg("no result: %s", rc_script_fault(script));
}

/* One more record, with everything that is known by now. */
static void bring(void)
{
    rc_loop_timer_t *patience = rc_loop_timer_new(loop, give_up, NULL);
    rc_loop_timer_start(patience, rc_unit_patience_ms(20000), 0);
    int before = results;
    input.lane = event.type;
    apply = rc_apply_start(client, teams, &input, &callbacks, NULL);
    ck_assert_int_eq(results, before); /* never before rc_apply_start returned */
    rc_loop_run(loop);
    ck_assert_int_eq(results, before + 1);
    rc_loop_timer_free(patience);
}

static void all_asked(void)
{
    const char *fault = rc_script_fault(script);
    ck_assert_msg(fault == NULL, "%s", fault);
}

#define PLAY(...)                                              \
    do {                                                       \
        static const rc_script_line_t lines[] = {__VA_ARGS__}; \
        open_service(lines, sizeof lines / sizeof *lines);     \
        bring();                                               \
        all_asked();                                           \
    } while (0)

#define ENDS_DONE(outcome_, version_)                 \
    do {                                              \
        ck_assert_int_eq(result.kind, RC_APPLY_DONE); \
        ck_assert_int_eq(result.outcome, outcome_);   \
        ck_assert_int_eq(result.version, version_);   \
        ck_assert(!result.unanswered);                \
    } while (0)

#define ENDS_FAILED(class_)                                                                    \
    do {                                                                                       \
        ck_assert_int_eq(result.kind, RC_APPLY_FAILED);                                        \
        ck_assert_msg(result.class == (class_), "%s: %s", rc_class_str(result.class), reason); \
    } while (0)

static void is_event(rc_event_type_t type)
{
    event.type = type;
    if (type == RC_EVENT_DEACTIVATED) rows[0].presence = RC_PRESENCE_GONE;
}

static void has_team(void)
{
    integration.policy.primary_team_count = 1;
    event.employee.primary_team = rows[0].employee.primary_team = (rc_ref_t){"g1", "Sales"};
    event.team.previous = (rc_ref_t){"g0", "Support"};
    event.team.current = event.employee.primary_team;
    newer.primary_team = event.employee.primary_team;
    rows[1].employee = newer;
}

/* ---- nothing is written ---- */

/* What `plan` does: lookups are answered from what is known, and the first write ends it. */
static bool answer_instead(void *opaque, const rc_learnamp_request_t *request, rc_learnamp_answer_t *answer)
{
    (void)opaque;
    answer->class = request->kind == RC_CALL_WRITE ? RC_CLASS_HELD : RC_CLASS_APPLIED;
    answer->found = false;
    return true;
}

static void note_write(void *opaque, const rc_apply_result_t *end)
{
    const rc_action_t *action = rc_apply_action(apply);
    ck_assert_int_eq(action->kind, RC_ACTION_CREATE);
    take_result(opaque, end);
}

START_TEST(what_is_answered_instead_is_neither_sent_nor_admitted)
{
    static const rc_learnamp_hooks_t hooks = {.admit = admit, .observe = observe, .instead = answer_instead};
    static const rc_apply_callbacks_t only_look = {read_newest, take_barrier, note_write};
    script = rc_script_new(NULL, 0);
    integration.learnamp.base_url = rc_script_url(script);
    client = rc_learnamp_new(loop, http, &integration, rc_unit_patience_ms(TIMEOUT_MS), NULL, &hooks);
    teams = rc_teams_new(client);
    input.lane = event.type;
    apply = rc_apply_start(client, teams, &input, &only_look, NULL);
    ck_assert_int_eq(results, 0);
    rc_loop_run(loop);
    ck_assert_int_eq(results, 1);
    ENDS_FAILED(RC_CLASS_HELD);
    ck_assert_int_eq(rc_script_tokens(script), 0);
    ck_assert_int_eq(admitted, 0);
    ck_assert_int_eq(observed[RC_CLASS_HELD] + observed[RC_CLASS_APPLIED], 0);
    all_asked();
}
END_TEST

/* ---- created ---- */

START_TEST(a_joiner_is_looked_up_and_created)
{
    PLAY(RC_LINE("GET " BY_ID, 404, .answer = RC_NOT_FOUND), RC_LINE("GET " BY_MAIL, 200, .answer = NOBODY),
         RC_LINE("POST /v1/users HTTP", 201, .answer = ACTIVE, .says = "\"skipInvitation\":true"));
    ENDS_DONE(RC_OUTCOME_APPLIED, V1);
    ck_assert_int_eq(result.user_id, 17);
    ck_assert_int_eq(barriers, 0);
    ck_assert_int_eq(rc_script_tokens(script), 1);
}
END_TEST

START_TEST(a_joiner_is_invited_when_the_policy_says_so)
{
    integration.policy.invite = RC_INVITE_ON_CREATE;
    PLAY(RC_LINE("GET " BY_ID, 404, .answer = RC_NOT_FOUND), RC_LINE("GET " BY_MAIL, 200, .answer = NOBODY),
         RC_LINE("POST /v1/users HTTP", 201, .answer = ACTIVE, .says = "\"skipInvitation\":false"));
    ENDS_DONE(RC_OUTCOME_APPLIED, V1);
}
END_TEST

START_TEST(a_joiners_team_is_made_first)
{
    has_team();
    PLAY(RC_LINE("GET " BY_ID, 404, .answer = RC_NOT_FOUND), RC_LINE("GET " BY_MAIL, 200, .answer = NOBODY),
         RC_LINE("GET /v1/teams/by_external_id/g1 HTTP", 404, .answer = RC_NOT_FOUND),
         RC_LINE("GET /v1/teams?page=1&", 200, .answer = "{\"teams\":[]}"),
         RC_LINE("POST /v1/teams HTTP", 201, .answer = RC_TEAM(70, "g1", "Sales"),
                 .says = "\"integrationExternalId\":\"g1\""),
         RC_LINE("POST /v1/users HTTP", 201, .answer = ACTIVE, .says = "\"primaryTeamIntegrationExternalId\":\"g1\""));
    ENDS_DONE(RC_OUTCOME_APPLIED, V1);
}
END_TEST

START_TEST(a_user_with_the_address_and_without_an_id_is_adopted)
{
    PLAY(RC_LINE("GET " BY_ID, 404, .answer = RC_NOT_FOUND),
         RC_LINE("GET " BY_MAIL, 200, .answer = "{\"users\":[" RC_FREE_USER(17, "ANN@acme.example", "Confirmed") "]}"),
         RC_LINE("PUT /v1/users/17 HTTP", 200, .answer = ACTIVE, .says = "\"integrationExternalId\":\"e5\""));
    ENDS_DONE(RC_OUTCOME_APPLIED, V1);
}
END_TEST

START_TEST(a_strangers_address_parks_the_record)
{
    PLAY(RC_LINE("GET " BY_ID, 404, .answer = RC_NOT_FOUND),
         RC_LINE("GET " BY_MAIL, 200, .answer = "{\"users\":[" RC_USER(18, "e9", MAIL, "Confirmed") "]}"));
    ENDS_FAILED(RC_CLASS_CONFLICT);
    ck_assert_str_eq(reason, "the address belongs to user 18, who bears the external id e9");
}
END_TEST

START_TEST(the_second_look_mends_what_came_late)
{
    static const rc_script_line_t lines[] = {
        RC_LINE("GET " BY_ID, 404, .answer = RC_NOT_FOUND),
        RC_LINE("GET " BY_OLD, 200, .answer = RC_USER(17, "e1", MAIL, "Deactivated")),
        RC_LINE("PUT /v1/users/17 HTTP", 200, .answer = GONE, .says = "{\"integrationExternalId\":\"e5\"}"),
        RC_LINE("PUT /v1/users/17/reactivate HTTP", 204, .answer = NULL),
        RC_LINE("PUT " BY_ID, 200, .answer = ACTIVE, .says = "\"firstName\":\"Ann\""),
        RC_LINE("GET " BY_ID, 200, .answer = GONE), /* a late deactivation of the old id */
        RC_LINE("PUT /v1/users/17/reactivate HTTP", 204, .answer = NULL),
        RC_LINE("PUT " BY_ID, 200, .answer = ACTIVE),
        RC_LINE("GET " BY_ID, 200, .answer = ACTIVE), /* all is well */
    };
    event.created.replaces = rows[0].replaces = "e1";
    open_service(lines, sizeof lines / sizeof *lines);
    bring();
    ENDS_DONE(RC_OUTCOME_APPLIED, V1);
    ck_assert(result.look_again);
    input.written_version = result.version;
    bring();
    ENDS_DONE(RC_OUTCOME_APPLIED, V1);
    ck_assert(result.look_again);
    bring();
    ENDS_DONE(RC_OUTCOME_APPLIED, V1);
    ck_assert(!result.look_again);
    all_asked();
}
END_TEST

START_TEST(the_old_employee_id_must_be_deactivated_first)
{
    event.created.replaces = rows[0].replaces = "e1";
    PLAY(RC_LINE("GET " BY_ID, 404, .answer = RC_NOT_FOUND),
         RC_LINE("GET " BY_OLD, 200, .answer = RC_USER(17, "e1", MAIL, "Confirmed")));
    ENDS_FAILED(RC_CLASS_REPLACED);
}
END_TEST

START_TEST(a_rehire_is_reactivated_and_written_again)
{
    has_team();
    PLAY(RC_LINE("GET " BY_ID, 200, .answer = GONE), RC_LINE("PUT /v1/users/17/reactivate HTTP", 204, .answer = NULL),
         RC_LINE("GET /v1/teams/by_external_id/g1 HTTP", 200, .answer = RC_TEAM(70, "g1", "Sales")),
         RC_LINE("PUT " BY_ID, 200, .answer = ACTIVE, .says = "\"primaryTeamIntegrationExternalId\":\"g1\""));
    ENDS_DONE(RC_OUTCOME_APPLIED, V1);
}
END_TEST

START_TEST(a_create_that_is_taken_meanwhile_finds_who_took_it)
{
    PLAY(RC_LINE("GET " BY_ID, 404, .answer = RC_NOT_FOUND), RC_LINE("GET " BY_MAIL, 200, .answer = NOBODY),
         RC_LINE("POST /v1/users HTTP", 400, .answer = RC_TAKEN), RC_LINE("GET " BY_ID, 200, .answer = ACTIVE),
         RC_LINE("GET " BY_MAIL, 200, .answer = "{\"users\":[" ACTIVE "]}"),
         RC_LINE("PUT " BY_ID, 200, .answer = ACTIVE));
    ENDS_DONE(RC_OUTCOME_APPLIED, V1);
}
END_TEST

START_TEST(a_user_who_vanished_is_looked_for_and_made_again)
{
    PLAY(RC_LINE("GET " BY_ID, 200, .answer = ACTIVE), RC_LINE("PUT " BY_ID, 404, .answer = RC_NOT_FOUND),
         RC_LINE("GET " BY_ID, 404, .answer = RC_NOT_FOUND), RC_LINE("GET " BY_MAIL, 200, .answer = NOBODY),
         RC_LINE("POST /v1/users HTTP", 201, .answer = ACTIVE));
    ENDS_DONE(RC_OUTCOME_APPLIED, V1);
}
END_TEST

/* ---- deactivated ---- */

START_TEST(a_leaver_is_deactivated_behind_a_barrier)
{
    is_event(RC_EVENT_DEACTIVATED);
    PLAY(RC_LINE("GET " BY_ID, 200, .answer = ACTIVE),
         RC_LINE("PUT /v1/users/17/deactivate HTTP", 204, .answer = NULL));
    ENDS_DONE(RC_OUTCOME_APPLIED, V1);
    ck_assert_int_eq(barriers, 1);
}
END_TEST

START_TEST(who_came_back_before_the_barrier_is_never_deactivated)
{
    is_event(RC_EVENT_DEACTIVATED);
    PLAY(RC_LINE("GET " BY_ID, 200, .answer = ACTIVE, .moves = 1),
         RC_LINE("PUT " BY_ID, 200, .answer = ACTIVE, .says = "\"jobTitle\":\"Head\""));
    ENDS_DONE(RC_OUTCOME_APPLIED, V2);
}
END_TEST

START_TEST(a_leaver_without_a_user_is_done)
{
    is_event(RC_EVENT_DEACTIVATED);
    PLAY(RC_LINE("GET " BY_ID, 404, .answer = RC_NOT_FOUND));
    ENDS_DONE(RC_OUTCOME_APPLIED, V1);
    ck_assert_int_eq(barriers, 0);
}
END_TEST

START_TEST(a_forgotten_person_is_never_created_again)
{
    has_row = false;
    PLAY(RC_LINE("GET " BY_ID, 404, .answer = RC_NOT_FOUND));
    ENDS_DONE(RC_OUTCOME_COVERED, V1);
    ck_assert_int_eq(barriers, 1);
}
END_TEST

START_TEST(nobody_is_deactivated_because_a_snapshot_is_not_there)
{
    has_row = false;
    PLAY(RC_LINE("GET " BY_ID, 200, .answer = ACTIVE));
    ENDS_FAILED(RC_CLASS_NO_SNAPSHOT);
}
END_TEST

START_TEST(a_forgotten_persons_user_is_deactivated_by_the_event_that_says_so)
{
    is_event(RC_EVENT_DEACTIVATED);
    has_row = false;
    PLAY(RC_LINE("GET " BY_ID, 200, .answer = ACTIVE),
         RC_LINE("PUT /v1/users/17/deactivate HTTP", 204, .answer = NULL));
    ENDS_DONE(RC_OUTCOME_APPLIED, V1);
    ck_assert_int_eq(barriers, 2); /* one that shows they are forgotten, a fresh one for the deactivation */
}
END_TEST

/* ---- profile-updated ---- */

START_TEST(a_change_costs_one_call)
{
    is_event(RC_EVENT_PROFILE_UPDATED);
    PLAY(RC_LINE("PUT " BY_ID, 200, .answer = ACTIVE, .says = "\"jobTitle\":\"Lead\"", .silent = "Team"));
    ENDS_DONE(RC_OUTCOME_APPLIED, V1);
    ck_assert_int_eq(result.user_id, 17);
}
END_TEST

START_TEST(what_moved_while_it_was_written_is_written_again)
{
    is_event(RC_EVENT_PROFILE_UPDATED);
    PLAY(RC_LINE("PUT " BY_ID, 200, .answer = ACTIVE, .says = "\"jobTitle\":\"Lead\"", .moves = 1),
         RC_LINE("PUT " BY_ID, 200, .answer = ACTIVE, .says = "\"jobTitle\":\"Head\""));
    ENDS_DONE(RC_OUTCOME_APPLIED, V2);
}
END_TEST

START_TEST(a_deactivated_user_goes_to_created)
{
    is_event(RC_EVENT_PROFILE_UPDATED);
    PLAY(RC_LINE("PUT " BY_ID, 200, .answer = GONE));
    ck_assert_int_eq(result.kind, RC_APPLY_HAND_OVER);
}
END_TEST

START_TEST(an_absent_user_goes_to_created)
{
    is_event(RC_EVENT_PROFILE_UPDATED);
    PLAY(RC_LINE("PUT " BY_ID, 404, .answer = RC_NOT_FOUND), RC_LINE("GET " BY_ID, 404, .answer = RC_NOT_FOUND));
    ck_assert_int_eq(result.kind, RC_APPLY_HAND_OVER);
}
END_TEST

START_TEST(not_found_with_the_user_there_is_our_configuration)
{
    is_event(RC_EVENT_PROFILE_UPDATED);
    PLAY(RC_LINE("PUT " BY_ID, 404, .answer = RC_NOT_FOUND), RC_LINE("GET " BY_ID, 200, .answer = ACTIVE),
         RC_LINE("PUT " BY_ID, 404, .answer = RC_NOT_FOUND));
    ENDS_FAILED(RC_CLASS_MISCONFIGURED);
    ck_assert_ptr_nonnull(strstr(reason, "custom field"));
}
END_TEST

START_TEST(who_is_gone_is_left_to_deactivated)
{
    is_event(RC_EVENT_PROFILE_UPDATED);
    rows[0].presence = RC_PRESENCE_GONE;
    static const rc_script_line_t lines[] = {RC_LINE("nothing", 0, .answer = NULL)};
    open_service(lines, 0);
    bring();
    ENDS_DONE(RC_OUTCOME_COVERED, V1);
    all_asked();
}
END_TEST

START_TEST(an_unknown_manager_never_blocks)
{
    is_event(RC_EVENT_PROFILE_UPDATED);
    rows[0].employee.manager_email = "boss@acme.example";
    PLAY(RC_LINE("PUT " BY_ID, 400,
                 .answer = "{\"error\":\"managerEmail must match an existing user email within your company\"}",
                 .says = "\"managerEmail\":\"boss@acme.example\""),
         RC_LINE("PUT " BY_ID, 200, .answer = ACTIVE, .says = "\"jobTitle\":\"Lead\"", .silent = "managerEmail"));
    ENDS_DONE(RC_OUTCOME_APPLIED, V1);
    ck_assert(result.manager_missing);
}
END_TEST

START_TEST(another_manager_is_tried_again)
{
    is_event(RC_EVENT_PROFILE_UPDATED);
    rows[0].employee.manager_email = "boss@acme.example";
    rows[1].employee.manager_email = "chief@acme.example";
    PLAY(RC_LINE("PUT " BY_ID, 400,
                 .answer = "{\"error\":\"managerEmail must match an existing user email within your company\"}",
                 .moves = 1),
         RC_LINE("PUT " BY_ID, 200, .answer = ACTIVE, .says = "chief@acme.example"));
    ENDS_DONE(RC_OUTCOME_APPLIED, V2);
    ck_assert(!result.manager_missing);
}
END_TEST

START_TEST(a_manager_who_cannot_be_cleared_is_left_alone)
{
    is_event(RC_EVENT_PROFILE_UPDATED);
    PLAY(RC_LINE("PUT " BY_ID, 400,
                 .answer = "{\"error\":\"managerEmail must match an existing user email within your company\"}",
                 .says = "\"managerEmail\":\"\""),
         RC_LINE("PUT " BY_ID, 200, .answer = ACTIVE, .says = "\"jobTitle\":\"Lead\"", .silent = "managerEmail"));
    ENDS_DONE(RC_OUTCOME_APPLIED, V1);
    ck_assert(!result.manager_missing);
}
END_TEST

START_TEST(a_manager_missed_although_nobody_named_one_is_a_rejection)
{
    is_event(RC_EVENT_PROFILE_UPDATED);
    rows[0].employee.manager_email = "boss@acme.example";
#define NO_MANAGER "{\"error\":\"managerEmail must match an existing user email within your company\"}"
    PLAY(RC_LINE("PUT " BY_ID, 400, .answer = NO_MANAGER), RC_LINE("PUT " BY_ID, 400, .answer = NO_MANAGER));
    ENDS_FAILED(RC_CLASS_REJECTED);
}
END_TEST

START_TEST(one_of_two_who_swap_moves_aside)
{
    is_event(RC_EVENT_PROFILE_UPDATED);
    integration.policy.swap_address = "swap-{id}@acme.example";
    input.conflict_attempts = 2;
    PLAY(RC_LINE("PUT " BY_ID, 400, .answer = RC_TAKEN),
         RC_LINE("GET " BY_ID, 200, .answer = RC_USER(17, "e5", "bob@acme.example", "Confirmed")),
         RC_LINE("GET " BY_MAIL, 200, .answer = "{\"users\":[" RC_USER(18, "e9", MAIL, "Confirmed") "]}"),
         RC_LINE("PUT " BY_ID, 200, .answer = RC_USER(17, "e5", "swap-e5@acme.example", "Confirmed"),
                 .says = "{\"email\":\"swap-e5@acme.example\"}"));
    ENDS_FAILED(RC_CLASS_CONFLICT);
    ck_assert(result.moved_aside);
    ck_assert_ptr_nonnull(strstr(reason, "policy.swap_address"));
}
END_TEST

/* ---- team-changed ---- */

START_TEST(a_move_ensures_the_team_and_writes_the_member)
{
    is_event(RC_EVENT_TEAM_CHANGED);
    has_team();
    PLAY(RC_LINE("GET /v1/teams/by_external_id/g1 HTTP", 200, .answer = RC_TEAM(70, "g1", "Sales")),
         RC_LINE("PUT " BY_ID, 200, .answer = ACTIVE, .says = "{\"primaryTeamIntegrationExternalId\":\"g1\"}"));
    ENDS_DONE(RC_OUTCOME_APPLIED, V1);
}
END_TEST

START_TEST(a_renamed_team_is_renamed_once_and_no_member_is_written)
{
    static const rc_script_line_t lines[] = {
        RC_LINE("GET /v1/teams/by_external_id/g1 HTTP", 200, .answer = RC_TEAM(70, "g1", "Vertrieb")),
        RC_LINE("PUT /v1/teams/by_external_id/g1 HTTP", 200, .answer = RC_TEAM(70, "g1", "Sales"),
                .says = "{\"name\":\"Sales\"}")};
    is_event(RC_EVENT_TEAM_CHANGED);
    has_team();
    event.team.previous = (rc_ref_t){"g1", "Vertrieb"};
    open_service(lines, 2);
    for (int member = 0; member < 3; member++) {
        bring();
        ENDS_DONE(RC_OUTCOME_SKIPPED, V1);
    }
    all_asked();
}
END_TEST

START_TEST(a_renamed_secondary_team_is_renamed_too)
{
    rc_ref_t second = {"g2", "Choir"};
    is_event(RC_EVENT_TEAM_CHANGED);
    has_team();
    integration.policy.secondary_teams_count = 1;
    event.employee.secondary_teams = rows[0].employee.secondary_teams = &second;
    event.employee.secondary_team_count = rows[0].employee.secondary_team_count = 1;
    PLAY(RC_LINE("GET /v1/teams/by_external_id/g1 HTTP", 200, .answer = RC_TEAM(70, "g1", "Sales")),
         RC_LINE("GET /v1/teams/by_external_id/g2 HTTP", 200, .answer = RC_TEAM(71, "g2", "Chor")),
         RC_LINE("PUT /v1/teams/by_external_id/g2 HTTP", 200, .answer = RC_TEAM(71, "g2", "Choir"),
                 .says = "{\"name\":\"Choir\"}"),
         RC_LINE("PUT " BY_ID, 200, .answer = ACTIVE));
    ENDS_DONE(RC_OUTCOME_APPLIED, V1);
}
END_TEST

START_TEST(a_team_that_vanished_is_made_again)
{
    static const rc_script_line_t lines[] = {
        RC_LINE("GET /v1/teams/by_external_id/g1 HTTP", 200, .answer = RC_TEAM(70, "g1", "Sales")),
        RC_LINE("PUT " BY_ID, 200, .answer = ACTIVE),
        RC_LINE(
            "PUT " BY_ID, 400,
            .answer =
                "{\"error\":\"primaryTeamIntegrationExternalId must match existing teams integration external IDs\"}"),
        RC_LINE("GET /v1/teams/by_external_id/g1 HTTP", 404, .answer = RC_NOT_FOUND),
        RC_LINE("GET /v1/teams?page=1&", 200, .answer = "{\"teams\":[]}"),
        RC_LINE("POST /v1/teams HTTP", 201, .answer = RC_TEAM(71, "g1", "Sales")),
        RC_LINE("PUT " BY_ID, 200, .answer = ACTIVE)};
    is_event(RC_EVENT_TEAM_CHANGED);
    has_team();
    open_service(lines, sizeof lines / sizeof *lines);
    bring();
    bring();
    ENDS_DONE(RC_OUTCOME_APPLIED, V1);
    all_asked();
}
END_TEST

START_TEST(not_found_with_the_team_gone_makes_the_team_again)
{
    static const rc_script_line_t lines[] = {
        RC_LINE("GET /v1/teams/by_external_id/g1 HTTP", 200, .answer = RC_TEAM(70, "g1", "Sales")),
        RC_LINE("PUT " BY_ID, 404, .answer = RC_NOT_FOUND),
        RC_LINE("GET " BY_ID, 200, .answer = ACTIVE),
        RC_LINE("GET /v1/teams/by_external_id/g1 HTTP", 404, .answer = RC_NOT_FOUND),
        RC_LINE("GET /v1/teams?page=1&", 200, .answer = "{\"teams\":[]}"),
        RC_LINE("POST /v1/teams HTTP", 201, .answer = RC_TEAM(71, "g1", "Sales")),
        RC_LINE("PUT " BY_ID, 200, .answer = ACTIVE)};
    is_event(RC_EVENT_TEAM_CHANGED);
    has_team();
    open_service(lines, sizeof lines / sizeof *lines);
    bring();
    ENDS_DONE(RC_OUTCOME_APPLIED, V1);
    all_asked();
}
END_TEST

START_TEST(a_team_that_is_never_there_does_not_loop)
{
    is_event(RC_EVENT_TEAM_CHANGED);
    has_team();
#define MISSING "{\"error\":\"primaryTeamIntegrationExternalId must match existing teams integration external IDs\"}"
    PLAY(RC_LINE("GET /v1/teams/by_external_id/g1 HTTP", 200, .answer = RC_TEAM(70, "g1", "Sales")),
         RC_LINE("PUT " BY_ID, 400, .answer = MISSING),
         RC_LINE("GET /v1/teams/by_external_id/g1 HTTP", 200, .answer = RC_TEAM(70, "g1", "Sales")),
         RC_LINE("PUT " BY_ID, 400, .answer = MISSING));
    ENDS_FAILED(RC_CLASS_TEAM_MISSING);
}
END_TEST

START_TEST(who_has_no_team_any_more_is_removed_from_it)
{
    is_event(RC_EVENT_TEAM_CHANGED);
    has_team();
    event.employee.primary_team = rows[0].employee.primary_team = (rc_ref_t){NULL, NULL};
    PLAY(RC_LINE("GET /v1/users?filters%5Bintegration_external_id%5D=e5&expanded=true", 200,
                 .answer =
                     "{\"users\":[{\"id\":17,\"integrationExternalId\":\"e5\",\"status\":{\"status\":\"Confirmed\"},"
                     "\"primaryTeam\":{\"id\":70}}]}"),
         RC_LINE("DELETE /v1/teams/70/users/17 HTTP", 204, .answer = NULL));
    ENDS_DONE(RC_OUTCOME_APPLIED, V1);
}
END_TEST

START_TEST(who_is_shown_without_a_team_has_none)
{
    is_event(RC_EVENT_TEAM_CHANGED);
    has_team();
    event.employee.primary_team = rows[0].employee.primary_team = (rc_ref_t){NULL, NULL};
    PLAY(RC_LINE("GET /v1/users?filters%5Bintegration_external_id%5D=e5", 200, .answer = "{\"users\":[" ACTIVE "]}"));
    ENDS_DONE(RC_OUTCOME_APPLIED, V1);
}
END_TEST

START_TEST(a_list_that_leaves_the_person_out_proves_nothing)
{
    is_event(RC_EVENT_TEAM_CHANGED);
    has_team();
    event.employee.primary_team = rows[0].employee.primary_team = (rc_ref_t){NULL, NULL};
    PLAY(RC_LINE("GET /v1/users?filters%5Bintegration_external_id%5D=e5", 200, .answer = NOBODY),
         RC_LINE("GET " BY_ID, 404, .answer = RC_NOT_FOUND));
    ck_assert_int_eq(result.kind, RC_APPLY_HAND_OVER);
}
END_TEST

START_TEST(without_leave_to_create_teams_people_are_written_without)
{
    has_team();
    integration.policy.create_teams = false;
    PLAY(RC_LINE("GET " BY_ID, 200, .answer = ACTIVE),
         RC_LINE("GET /v1/teams/by_external_id/g1 HTTP", 404, .answer = RC_NOT_FOUND),
         RC_LINE("GET /v1/teams?page=1&", 200, .answer = "{\"teams\":[]}"),
         RC_LINE("PUT " BY_ID, 200, .answer = ACTIVE, .says = "\"firstName\"", .silent = "g1"));
    ENDS_DONE(RC_OUTCOME_APPLIED, V1);
    ck_assert_ptr_nonnull(strstr(reason, "policy.create_teams"));
}
END_TEST

/* ---- trouble ---- */

START_TEST(a_write_without_an_answer_is_in_question_and_never_repeated)
{
    static const rc_script_line_t silent[] = {RC_LINE("PUT " BY_ID, RC_SCRIPT_SILENT, .answer = NULL)},
                                  hangs_up[] = {RC_LINE("PUT " BY_ID, RC_SCRIPT_HANGS_UP, .answer = NULL)},
                                  gateway[] = {RC_LINE("PUT " BY_ID, 504, .answer = "<html>")},
                                  hostile[] = {RC_LINE("PUT " BY_ID, 200, .answer = "[]")};
    static const rc_script_line_t *const all[] = {silent, hangs_up, gateway, hostile};
    is_event(RC_EVENT_PROFILE_UPDATED);
    open_service(all[_i], 1);
    bring();
    all_asked();
    ENDS_FAILED(RC_CLASS_UNANSWERED);
    ck_assert(result.unanswered);
}
END_TEST

START_TEST(what_failed_is_repeated_twice_at_once)
{
    is_event(RC_EVENT_PROFILE_UPDATED);
    PLAY(RC_LINE("PUT " BY_ID, 500, .answer = ""), RC_LINE("PUT " BY_ID, 503, .answer = ""),
         RC_LINE("PUT " BY_ID, 200, .answer = ACTIVE));
    ENDS_DONE(RC_OUTCOME_APPLIED, V1);
    ck_assert_int_eq(observed[RC_CLASS_TRANSIENT], 2);
}
END_TEST

START_TEST(what_keeps_failing_is_parked)
{
    is_event(RC_EVENT_PROFILE_UPDATED);
    PLAY(RC_LINE("PUT " BY_ID, 500, .answer = "{\"error\":\"boom\"}"), RC_LINE("PUT " BY_ID, 500, .answer = ""),
         RC_LINE("PUT " BY_ID, 500, .answer = "{\"error\":\"boom\"}"));
    ENDS_FAILED(RC_CLASS_TRANSIENT);
    ck_assert_str_eq(reason, "HTTP status 500: boom");
    ck_assert_str_eq(rc_learnamp_trouble(client), reason); /* what the breaker's log line says */
    ck_assert_int_eq(result.http_status, 500);
    ck_assert(!result.unanswered);
}
END_TEST

START_TEST(a_repeated_request_says_the_newest_state)
{
    is_event(RC_EVENT_PROFILE_UPDATED);
    PLAY(RC_LINE("PUT " BY_ID, 500, .answer = "", .says = "Lead", .moves = 1),
         RC_LINE("PUT " BY_ID, 200, .answer = ACTIVE, .says = "Head"));
    ENDS_DONE(RC_OUTCOME_APPLIED, V2);
}
END_TEST

START_TEST(patience_that_the_service_asks_for_is_not_waited_out_here)
{
    is_event(RC_EVENT_PROFILE_UPDATED);
    PLAY(RC_LINE("PUT " BY_ID, 503, .answer = "", .headers = "Retry-After: 60\r\n"));
    ENDS_FAILED(RC_CLASS_TRANSIENT);
    ck_assert_int_eq(result.retry_after_ms, 60000);
}
END_TEST

START_TEST(too_many_requests_end_the_run_and_say_until_when)
{
    is_event(RC_EVENT_PROFILE_UPDATED);
    PLAY(RC_LINE("PUT " BY_ID, 429, .answer = "{\"error\":\"You're requesting too many API calls\"}",
                 .headers = "Retry-After: 7\r\n"));
    ENDS_FAILED(RC_CLASS_THROTTLED);
    ck_assert_int_eq(result.retry_after_ms, 7000);
}
END_TEST

START_TEST(a_rejection_keeps_the_services_words)
{
    is_event(RC_EVENT_PROFILE_UPDATED);
    PLAY(RC_LINE("PUT " BY_ID, 422, .answer = "{\"error\":\"firstName is too long\"}"));
    ENDS_FAILED(RC_CLASS_REJECTED);
    ck_assert_str_eq(reason, "firstName is too long");
}
END_TEST

START_TEST(a_withdrawn_token_is_renewed_once)
{
    static const rc_script_line_t lines[] = {
        RC_LINE("PUT " BY_ID, 200, .answer = ACTIVE),
        RC_LINE("PUT " BY_ID, 401, .answer = "{\"error\":\"expired\"}"),
        RC_LINE("POST /oauth/token", 200, .answer = "{\"access_token\":\"new\",\"expires_in\":7200}"),
        RC_LINE("PUT " BY_ID, 200, .answer = ACTIVE),
        RC_LINE("PUT " BY_ID, 401, .answer = "{\"error\":\"expired\"}"),
        RC_LINE("POST /oauth/token", 200, .answer = "{\"access_token\":\"newer\",\"expires_in\":7200}"),
        RC_LINE("PUT " BY_ID, 401, .answer = "{\"error\":\"no way\"}")};
    is_event(RC_EVENT_PROFILE_UPDATED);
    open_service(lines, sizeof lines / sizeof *lines);
    bring();
    bring();
    ENDS_DONE(RC_OUTCOME_APPLIED, V1);
    ck_assert_int_eq(observed[RC_CLASS_CREDENTIALS], 0);
    bring();
    ENDS_FAILED(RC_CLASS_CREDENTIALS);
    ck_assert_int_eq(observed[RC_CLASS_CREDENTIALS], 1);
    all_asked();
}
END_TEST

START_TEST(refused_credentials_send_nothing_else)
{
    PLAY(RC_LINE("POST /oauth/token", 401, .answer = "{\"error\":\"invalid_client\"}"));
    ENDS_FAILED(RC_CLASS_CREDENTIALS);
    ck_assert_ptr_nonnull(strstr(reason, "invalid_client"));
}
END_TEST

START_TEST(nothing_listening_is_transient)
{
    static const rc_script_line_t lines[] = {RC_LINE("nothing", 0, .answer = NULL)};
    open_service(lines, 0);
    integration.learnamp.base_url = "http://127.0.0.1:1";
    bring();
    ENDS_FAILED(RC_CLASS_TRANSIENT);
    ck_assert_int_eq(observed[RC_CLASS_TRANSIENT], 3);
}
END_TEST

START_TEST(a_website_in_the_services_place_makes_nobody_absent)
{
    PLAY(RC_LINE("GET " BY_ID, 404, .answer = "<html>404</html>"));
    ENDS_FAILED(RC_CLASS_MISCONFIGURED);
}
END_TEST

START_TEST(an_open_breaker_holds_the_record)
{
    is_event(RC_EVENT_PROFILE_UPDATED);
    admits[0] = -1;
    static const rc_script_line_t lines[] = {RC_LINE("nothing", 0, .answer = NULL)};
    open_service(lines, 0);
    bring();
    all_asked();
    ENDS_FAILED(RC_CLASS_HELD);
    ck_assert_int_eq(rc_script_tokens(script), 0);
}
END_TEST

static void move_on(void *opaque)
{
    (void)opaque;
    rows[0] = rows[1];
}

START_TEST(what_moved_while_it_waited_for_its_turn_is_sent_as_it_is_then)
{
    is_event(RC_EVENT_PROFILE_UPDATED);
    admits[1] = 50; /* the token's request goes out, the write waits */
    rc_loop_timer_t *mover = rc_loop_timer_new(loop, move_on, NULL);
    rc_loop_timer_start(mover, 10, 0);
    PLAY(RC_LINE("PUT " BY_ID, 200, .answer = ACTIVE, .says = "Head"));
    ENDS_DONE(RC_OUTCOME_APPLIED, V2);
    rc_loop_timer_free(mover);
}
END_TEST

START_TEST(who_leaves_while_a_write_waits_for_its_turn_is_not_written)
{
    is_event(RC_EVENT_PROFILE_UPDATED);
    rows[1].presence = RC_PRESENCE_GONE;
    admits[1] = 50;
    rc_loop_timer_t *mover = rc_loop_timer_new(loop, move_on, NULL);
    rc_loop_timer_start(mover, 10, 0);
    static const rc_script_line_t lines[] = {RC_LINE("nothing", 0, .answer = NULL)};
    open_service(lines, 0);
    bring();
    all_asked();
    ENDS_DONE(RC_OUTCOME_COVERED, V2);
    rc_loop_timer_free(mover);
}
END_TEST

/* ---- cancelling ---- */

static void stop(void *opaque)
{
    (void)opaque;
    rc_loop_stop(loop);
}

START_TEST(a_cancelled_write_is_in_question_and_a_cancelled_look_is_not)
{
    static const rc_script_line_t write[] = {RC_LINE("PUT " BY_ID, RC_SCRIPT_SILENT, .moves = 1)},
                                  look[] = {RC_LINE("GET " BY_ID, RC_SCRIPT_SILENT, .moves = 1)};
    if (_i == 0) is_event(RC_EVENT_PROFILE_UPDATED);
    open_service(_i == 0 ? write : look, 1);
    input.lane = event.type;
    apply = rc_apply_start(client, teams, &input, &callbacks, NULL);
    rc_loop_timer_t *timer = rc_loop_timer_new(loop, stop, NULL);
    while (rc_script_moves(script) == 0) { /* until the request is there */
        rc_loop_timer_start(timer, 5, 0);
        rc_loop_run(loop);
        ck_assert_int_eq(results, 0);
    }
    ck_assert_int_eq(rc_apply_cancel(apply), _i == 0);
    apply = NULL;
    rc_loop_timer_start(timer, rc_unit_patience_ms(TIMEOUT_MS) + 100, 0);
    rc_loop_run(loop);
    ck_assert_int_eq(results, 0);
    rc_loop_timer_free(timer);
}
END_TEST

START_TEST(cancelling_at_any_other_moment_leaves_nothing_behind)
{
    has_team();
    static const rc_script_line_t lines[] = {
        RC_LINE("GET " BY_ID, 200, .answer = ACTIVE),
        RC_LINE("GET /v1/teams/by_external_id/g1 HTTP", RC_SCRIPT_SILENT, .answer = NULL),
    };
    open_service(lines, 2);
    apply = rc_apply_start(client, teams, &input, &callbacks, NULL);
    rc_loop_timer_t *timer = rc_loop_timer_new(loop, stop, NULL);
    rc_loop_timer_start(timer, _i * 15, 0);
    rc_loop_run(loop);
    ck_assert(!rc_apply_cancel(apply));
    apply = NULL;
    rc_loop_timer_free(timer);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("apply");
    TCase *tcase = tcase_create("created");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, what_is_answered_instead_is_neither_sent_nor_admitted);
    tcase_add_test(tcase, a_joiner_is_looked_up_and_created);
    tcase_add_test(tcase, a_joiner_is_invited_when_the_policy_says_so);
    tcase_add_test(tcase, a_joiners_team_is_made_first);
    tcase_add_test(tcase, a_user_with_the_address_and_without_an_id_is_adopted);
    tcase_add_test(tcase, a_strangers_address_parks_the_record);
    tcase_add_test(tcase, the_second_look_mends_what_came_late);
    tcase_add_test(tcase, the_old_employee_id_must_be_deactivated_first);
    tcase_add_test(tcase, a_rehire_is_reactivated_and_written_again);
    tcase_add_test(tcase, a_create_that_is_taken_meanwhile_finds_who_took_it);
    tcase_add_test(tcase, a_user_who_vanished_is_looked_for_and_made_again);
    suite_add_tcase(suite, tcase);

    tcase = tcase_create("deactivated");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, a_leaver_is_deactivated_behind_a_barrier);
    tcase_add_test(tcase, who_came_back_before_the_barrier_is_never_deactivated);
    tcase_add_test(tcase, a_leaver_without_a_user_is_done);
    tcase_add_test(tcase, a_forgotten_person_is_never_created_again);
    tcase_add_test(tcase, nobody_is_deactivated_because_a_snapshot_is_not_there);
    tcase_add_test(tcase, a_forgotten_persons_user_is_deactivated_by_the_event_that_says_so);
    suite_add_tcase(suite, tcase);

    tcase = tcase_create("profile-updated");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, a_change_costs_one_call);
    tcase_add_test(tcase, what_moved_while_it_was_written_is_written_again);
    tcase_add_test(tcase, a_deactivated_user_goes_to_created);
    tcase_add_test(tcase, an_absent_user_goes_to_created);
    tcase_add_test(tcase, not_found_with_the_user_there_is_our_configuration);
    tcase_add_test(tcase, who_is_gone_is_left_to_deactivated);
    tcase_add_test(tcase, an_unknown_manager_never_blocks);
    tcase_add_test(tcase, another_manager_is_tried_again);
    tcase_add_test(tcase, a_manager_who_cannot_be_cleared_is_left_alone);
    tcase_add_test(tcase, a_manager_missed_although_nobody_named_one_is_a_rejection);
    tcase_add_test(tcase, one_of_two_who_swap_moves_aside);
    suite_add_tcase(suite, tcase);

    tcase = tcase_create("team-changed");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, a_move_ensures_the_team_and_writes_the_member);
    tcase_add_test(tcase, a_renamed_team_is_renamed_once_and_no_member_is_written);
    tcase_add_test(tcase, a_renamed_secondary_team_is_renamed_too);
    tcase_add_test(tcase, a_team_that_vanished_is_made_again);
    tcase_add_test(tcase, not_found_with_the_team_gone_makes_the_team_again);
    tcase_add_test(tcase, a_team_that_is_never_there_does_not_loop);
    tcase_add_test(tcase, who_has_no_team_any_more_is_removed_from_it);
    tcase_add_test(tcase, who_is_shown_without_a_team_has_none);
    tcase_add_test(tcase, a_list_that_leaves_the_person_out_proves_nothing);
    tcase_add_test(tcase, without_leave_to_create_teams_people_are_written_without);
    suite_add_tcase(suite, tcase);

    tcase = tcase_create("trouble");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_set_timeout(tcase, 30);
    tcase_add_loop_test(tcase, a_write_without_an_answer_is_in_question_and_never_repeated, 0, 4);
    tcase_add_test(tcase, what_failed_is_repeated_twice_at_once);
    tcase_add_test(tcase, what_keeps_failing_is_parked);
    tcase_add_test(tcase, a_repeated_request_says_the_newest_state);
    tcase_add_test(tcase, patience_that_the_service_asks_for_is_not_waited_out_here);
    tcase_add_test(tcase, too_many_requests_end_the_run_and_say_until_when);
    tcase_add_test(tcase, a_rejection_keeps_the_services_words);
    tcase_add_test(tcase, a_withdrawn_token_is_renewed_once);
    tcase_add_test(tcase, refused_credentials_send_nothing_else);
    tcase_add_test(tcase, nothing_listening_is_transient);
    tcase_add_test(tcase, a_website_in_the_services_place_makes_nobody_absent);
    tcase_add_test(tcase, an_open_breaker_holds_the_record);
    tcase_add_test(tcase, what_moved_while_it_waited_for_its_turn_is_sent_as_it_is_then);
    tcase_add_test(tcase, who_leaves_while_a_write_waits_for_its_turn_is_not_written);
    tcase_add_loop_test(tcase, a_cancelled_write_is_in_question_and_a_cancelled_look_is_not, 0, 2);
    tcase_add_loop_test(tcase, cancelling_at_any_other_moment_leaves_nothing_behind, 0, 4);
    suite_add_tcase(suite, tcase);
    return rc_unit_run(suite);
}
