/* producer/page/answers: the JSON of the page's API, from records as they are stored. */
#include "producer/page/answers.h"

#include <stdlib.h>
#include <string.h>

#include "tests/support/unit.h"

static rc_arena_t *arena;
static rc_zone_t *berlin;
static rc_integration_t integration;
static rc_sync_state_t state;
static rc_roster_t roster;
static rc_waiting_t waiting[4];
static rc_hold_t holds[1];
static rc_hold_ref_t in_hold[1], in_two[2];
static rc_rival_t rivals[1];
static rc_day_t days[3];
static rc_known_t known;

/* 23 November 2026, 23:30 UTC: the 24th in Berlin. */
static const rc_wall_t NOW = {1795476600000};

static void set_up(void)
{
    rc_error_t error = RC_ERROR_INIT;
    arena = rc_arena_new();
    ck_assert_int_eq(rc_zone_new("Europe/Berlin", &berlin, &error), RC_OK);
    integration = (rc_integration_t){.id = "personio:A", .name = "Acme", .timezone = "Europe/Berlin", .zone = berlin};
    integration.kombo.poll_interval_ms = 1000;
    integration.policy.primary_team_count = 1;
    holds[0] = (rc_hold_t){.id = "deactivations-1",
                           .brake = RC_BRAKE_DEACTIVATIONS,
                           .since = {1795400000000},
                           .employees = 3,
                           .limit = 5,
                           .changed_at = {1795400000123}};
    state = (rc_sync_state_t){.integration_id = "personio:A",
                              .watermark = {1},
                              .employees = 10,
                              .announced = 8,
                              .holds = holds,
                              .hold_count = 1,
                              .paused = 1U << RC_EVENT_DEACTIVATED,
                              .last_poll = {.started_at = {1795400000000}, .complete = true, .read = 12, .events = 3}};
    in_hold[0] = (rc_hold_ref_t){.brake = RC_BRAKE_DEACTIVATIONS, .hold_id = "deactivations-1"};
    in_two[0] = in_hold[0];
    in_two[1] = (rc_hold_ref_t){.brake = RC_BRAKE_CREATIONS, .hold_id = "creations-2"};
    waiting[0] = (rc_waiting_t){.employee_id = "1",
                                .name = "Åsa",
                                .email = "a@x",
                                .folded = "asa a@x 1",
                                .reasons = 1U << RC_PENDING_HELD,
                                .wanted = RC_PRESENCE_GONE,
                                .holds = in_hold,
                                .hold_count = 1};
    waiting[1] = (rc_waiting_t){.employee_id = "2",
                                .name = "Bo",
                                .folded = "bo 2",
                                .reasons = 1U << RC_PENDING_NO_EMAIL | 1U << RC_PENDING_NO_NAME};
    waiting[2] = (rc_waiting_t){.employee_id = "3",
                                .name = "Cy",
                                .email = "c@x",
                                .folded = "cy c@x 3",
                                .reasons = 1U << RC_PENDING_EMAIL_COLLISION,
                                .rival = 1};
    waiting[3] = (rc_waiting_t){.employee_id = "4",
                                .name = "Di",
                                .folded = "di 4",
                                .reasons = 1U << RC_PENDING_HELD,
                                .holds = in_two,
                                .hold_count = 2};
    rivals[0] = (rc_rival_t){"9", "<b>Eve</b>"};
    days[0] = (rc_day_t){{20781}, true, "5", "Fay", "fay 5", "Lead", NULL};
    days[1] = (rc_day_t){{20781}, false, "6", "Gil", "gil 6", NULL, "Sales"};
    days[2] = (rc_day_t){{20790}, true, "7", "Hal", "hal 7", NULL, NULL};
    roster = (rc_roster_t){.today = {20781},
                           .state = state,
                           .waiting = waiting,
                           .waiting_count = 4,
                           .by_reason = {[RC_PENDING_HELD] = 2, [RC_PENDING_NO_EMAIL] = 1},
                           .rivals = rivals,
                           .days = days,
                           .day_count = 3,
                           .error = RC_ERROR_INIT};
    known = (rc_known_t){&integration, &state, &roster, true, NOW};
}

static void tear_down(void)
{
    rc_zone_free(berlin);
    rc_arena_free(arena);
}

/* Takes the value; the text lives in the arena. */
static const char *text_of(json_t *json)
{
    json_t *sorted = json;
    char *text = json_dumps(sorted, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
    const char *kept = rc_arena_strdup(arena, text);
    free(text);
    json_decref(json);
    return kept;
}

static void has(const char *text, const char *part)
{
    ck_assert_msg(strstr(text, part) != NULL, "%s is not in %s", part, text);
}

static void has_not(const char *text, const char *part)
{
    ck_assert_msg(strstr(text, part) == NULL, "%s is in %s", part, text);
}

/* --- an integration --- */

START_TEST(an_integration_is_told_with_counts_holds_and_the_day_that_it_is_there)
{
    const char *text = text_of(rc_answer_integration(&known));
    has(text, "\"today\":\"2026-11-24\"");
    has(text, "\"state\":\"OK\"");
    has(text, "\"paused\":[\"deactivated\"]");
    has(text, "\"imported\":true");
    has(text, "\"for_decision\":2,\"for_hr\":2,\"fresh\":true,\"total\":4");
    has(text, "\"by_reason\":{\"HELD\":2,\"NO_EMAIL\":1}");
    has_not(text, "\"reason\"");
}
END_TEST

START_TEST(a_hold_is_as_large_as_its_list_and_says_when_it_was_listed_to_the_millisecond)
{
    const char *text = text_of(rc_answer_integration(&known));
    has(text, "{\"class\":\"deactivations\",\"employees\":2,\"id\":\"deactivations-1\",\"in_others\":1,\"limit\":5,"
              "\"listed_at\":\"2026-11-23T02:13:20.123Z\",\"since\":\"2026-11-23T02:13:20.000Z\"}");
}
END_TEST

START_TEST(holds_are_those_of_the_list_and_not_of_a_later_state)
{
    /* Somebody joined since; the person saw the list of before. */
    rc_hold_t later = holds[0];
    later.changed_at.ms += 5000;
    state.holds = &later;
    has(text_of(rc_answer_integration(&known)), "\"listed_at\":\"2026-11-23T02:13:20.123Z\"");
    known.roster = NULL;
    has(text_of(rc_answer_integration(&known)), "\"listed_at\":\"2026-11-23T02:13:25.123Z\"");
}
END_TEST

START_TEST(trouble_is_told_with_its_reason)
{
    state.state = RC_STATE_NEEDS_CUSTOMER;
    state.reason = "Kombo says \"no\"";
    const char *text = text_of(rc_answer_integration(&known));
    has(text, "\"state\":\"NEEDS_CUSTOMER\"");
    has(text, "\"reason\":\"Kombo says \\\"no\\\"\"");
}
END_TEST

START_TEST(an_integration_that_was_never_polled_has_a_name_and_no_counts)
{
    known.state = NULL;
    known.roster = NULL;
    const char *text = text_of(rc_answer_integration(&known));
    has(text, "\"name\":\"Acme\"");
    has(text, "\"holds\":[]");
    has_not(text, "\"state\"");
    has_not(text, "\"waiting\"");
}
END_TEST

/* --- choosing --- */

static const struct {
    uint32_t reasons;
    const char *hold_id, *search;
    size_t offset, limit;
    const char *found; /* employee ids */
    size_t total;
} CHOICES[] = {
    {UINT32_MAX, NULL, "", 0, 50, "1234", 4},
    {UINT32_MAX, NULL, "", 1, 2, "23", 4},
    {UINT32_MAX, NULL, "", 4, 2, "", 4},
    {UINT32_MAX, NULL, "", 0, 0, "", 4},
    {UINT32_MAX, NULL, "x", 0, 50, "13", 2},
    {UINT32_MAX, NULL, "cy x", 0, 50, "3", 1},
    {RC_REASONS_OF_HR, NULL, "", 0, 50, "23", 2},
    {1U << RC_PENDING_NO_NAME, NULL, "", 0, 50, "2", 1},
    {1U << RC_PENDING_PAUSED, NULL, "", 0, 50, "", 0},
    {UINT32_MAX, "deactivations-1", "", 0, 50, "14", 2},
    {UINT32_MAX, "creations-2", "", 0, 50, "4", 1},
    {UINT32_MAX, "creations-3", "", 0, 50, "", 0},
    {UINT32_MAX, "", "", 0, 50, "", 0},
};

START_TEST(a_list_is_chosen_by_reason_hold_and_words_and_cut)
{
    const rc_choice_t choice = {CHOICES[_i].reasons, CHOICES[_i].hold_id};
    const rc_slice_t slice = {CHOICES[_i].search, CHOICES[_i].offset, CHOICES[_i].limit};
    size_t count, total;
    char found[8] = "";
    const size_t *chosen = rc_answer_choose(&roster, &choice, &slice, arena, &count, &total);
    for (size_t i = 0; i < count; i++) strcat(found, waiting[chosen[i]].employee_id);
    ck_assert_str_eq(found, CHOICES[_i].found);
    ck_assert_uint_eq(total, CHOICES[_i].total);
}
END_TEST

/* --- one person --- */

static rc_employee_t employee(const char *job_title)
{
    return (rc_employee_t){.email = "a@x",
                           .first_name = "A",
                           .last_name = "B",
                           .job_title = job_title,
                           .hire_date = {100},
                           .leave_date = RC_DATE_NONE,
                           .primary_team = {"t1", "Sales"}};
}

static rc_mapping_t mapping[] = {{RC_TARGET_JOB_TITLE, NULL, "job_title", 1}};

/* What is said of a person with these records. */
static const char *told(size_t who, const rc_snapshot_t *snapshot, const rc_pending_t *pending)
{
    const rc_person_t person = {.snapshot = snapshot, .pending = pending};
    integration.mapping = mapping;
    integration.mapping_count = 1;
    return text_of(rc_answer_waiting(&known, &waiting[who], &person, arena));
}

START_TEST(a_change_is_told_field_by_field_with_what_becomes_empty)
{
    const rc_snapshot_t snapshot = {.employee_id = "1", .employee = employee("Lead")};
    rc_pending_t pending = {.employee_id = "1", .employee = employee(NULL), .reasons = 1U << RC_PENDING_HELD};
    pending.employee.primary_team = (rc_ref_t){"t2", "Support"};
    const char *text = told(0, &snapshot, &pending);
    has(text, "\"would\":\"update\"");
    has(text, "{\"before\":\"Lead\",\"field\":\"job_title\"}");
    has(text, "{\"after\":\"Support\",\"before\":\"Sales\",\"field\":\"primary_team\"}");
}
END_TEST

START_TEST(who_was_never_announced_would_be_created_also_while_the_address_is_missing)
{
    rc_pending_t pending = {.employee_id = "2", .employee = employee("Lead"), .reasons = 1U << RC_PENDING_NO_EMAIL};
    pending.employee.email = NULL;
    has(told(1, NULL, &pending), "\"would\":\"create\"");
    const rc_snapshot_t gone = {.employee_id = "2", .presence = RC_PRESENCE_GONE, .employee = employee("Lead")};
    has(told(1, &gone, &pending), "\"would\":\"create\"");
}
END_TEST

START_TEST(a_leaver_is_told_with_the_reason_and_the_job_of_before)
{
    const rc_snapshot_t snapshot = {.employee_id = "1", .employee = employee("Lead")};
    const rc_pending_t pending = {.employee_id = "1",
                                  .employee = employee(NULL),
                                  .wanted = RC_PRESENCE_GONE,
                                  .gone_reason = RC_GONE_DELETED,
                                  .effective_date = {20781},
                                  .reasons = 1U << RC_PENDING_HELD};
    const char *text = told(0, &snapshot, &pending);
    has(text, "\"would\":\"deactivate\"");
    has(text, "\"gone_reason\":\"DELETED\"");
    has(text, "\"effective_date\":\"2026-11-24\"");
    has(text, "\"job_title\":\"Lead\"");
    has_not(text, "\"changes\"");
}
END_TEST

START_TEST(an_announced_person_who_loses_the_address_changes_in_nothing_until_it_is_back)
{
    const rc_snapshot_t snapshot = {.employee_id = "2", .employee = employee("Lead")};
    rc_pending_t pending = {.employee_id = "2", .employee = employee("Boss"), .reasons = 1U << RC_PENDING_NO_EMAIL};
    pending.employee.email = NULL;
    const char *text = told(1, &snapshot, &pending);
    has(text, "\"would\":\"nothing\"");
    has_not(text, "\"changes\"");
}
END_TEST

START_TEST(who_has_the_same_address_is_named)
{
    const rc_pending_t pending = {.employee_id = "3", .employee = employee(NULL), .reasons = 1U << RC_PENDING_HELD};
    const char *text = told(2, NULL, &pending);
    has(text, "\"same_address\":{\"employee_id\":\"9\",\"name\":\"<b>Eve</b>\"}");
    rivals[0].name = NULL;
    has_not(told(2, NULL, &pending), "same_address");
}
END_TEST

START_TEST(somebody_who_no_longer_waits_is_told_without_a_change)
{
    const char *text = told(3, NULL, NULL);
    has(text, "\"name\":\"Di\"");
    has(text, "\"holds\":[{\"class\":\"deactivations\",\"id\":\"deactivations-1\"},{\"class\":\"creations\",\"id\":"
              "\"creations-2\"}]");
    has_not(text, "would");
}
END_TEST

/* --- the other lists --- */

START_TEST(the_calendar_counts_all_and_shows_a_part)
{
    const rc_slice_t slice = {"", 1, 1};
    const char *text = text_of(rc_answer_days(&known, &slice));
    has(text, "\"leaves\":1");
    has(text, "\"starts\":2");
    has(text, "\"total\":3");
    has(text, "\"rows\":[{\"day\":\"2026-11-24\",\"employee_id\":\"6\",\"name\":\"Gil\",\"starts\":false,\"team\":"
              "\"Sales\"}]");
}
END_TEST

START_TEST(polls_that_failed_have_a_reason_and_no_numbers)
{
    const rc_poll_note_t notes[] = {{.failed = true, .at = {1000}, .reason = "no", .state = RC_STATE_RETRYING},
                                    {.at = {2000}, .report = {.started_at = {1500}, .read = 7}}};
    const char *text = text_of(rc_answer_polls(notes, 2));
    has(text, "{\"at\":\"1970-01-01T00:00:01.000Z\",\"failed\":true,\"reason\":\"no\",\"state\":\"RETRYING\"}");
    has(text, "\"read\":7");
}
END_TEST

static const struct {
    bool ended, ok;
    int64_t now_ms;
    const char *status;
} ORDERS[] = {
    {false, false, 2000, "\"status\":\"under way\""},
    {false, false, 9001, "\"status\":\"unanswered\""},
    {true, true, 9001, "\"status\":\"done\""},
    {true, false, 2000, "\"message\":\"why\""},
};

START_TEST(an_order_is_under_way_until_it_is_answered_or_too_old)
{
    const rc_order_t order = {.id = "c1",
                              .kind = RC_COMMAND_APPROVE,
                              .hold_id = "h",
                              .brake = RC_BRAKE_CREATIONS,
                              .employees = 7,
                              .issued_at = {1000},
                              .expires_at = {9000}};
    const rc_command_note_t note = {"c1", {1500}, ORDERS[_i].ok, "why"};
    const char *text =
        text_of(rc_answer_order(&order, ORDERS[_i].ended ? &note : NULL, (rc_wall_t){ORDERS[_i].now_ms}));
    has(text, ORDERS[_i].status);
    has(text, "\"class\":\"creations\",\"employees\":7");
}
END_TEST

START_TEST(dead_letters_are_those_of_the_integration_with_words_and_place)
{
    const rc_dead_letter_t letters[] = {
        {.integration_id = "personio:A",
         .employee_id = "1",
         .person = "Åsa",
         .partition = 2,
         .offset = 7,
         .type = RC_EVENT_CREATED,
         .reason = RC_PARK_REJECTED,
         .message = "email is invalid",
         .attempts = 4,
         .is_sendable = true},
        {.integration_id = "personio:B", .employee_id = "1", .type = -1},
        {.integration_id = NULL, .type = -1},
        {.integration_id = "personio:A", .employee_id = "2", .type = -1, .reason = RC_PARK_POISON, .fault = "no frame"},
    };
    const rc_letterbox_t box = {.letters = letters, .count = 4};
    const rc_retry_report_t report = {.busy = true, .sent = 3, .problem = ""};
    const rc_slice_t all = {"", 0, 50}, asa = {"asa", 0, 50};
    const char *text = text_of(rc_answer_letters(&box, "personio:A", &report, &all, arena));
    has(text, "\"total\":2");
    has(text, "{\"attempts\":4,\"can_be_tried\":true,\"employee_id\":\"1\",\"message\":\"email is invalid\",\"name\":"
              "\"Åsa\",\"offset\":7,\"partition\":2,\"reason\":\"REJECTED\",\"type\":\"created\"}");
    has(text, "\"message\":\"no frame\"");
    has(text, "\"retry\":{\"busy\":true,\"sent\":3}");
    has(text_of(rc_answer_letters(&box, "personio:A", &report, &asa, arena)), "\"total\":1");
    ck_assert_int_eq(rc_answer_count_letters(&box, "personio:A"), 2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("answers");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, set_up, tear_down);
    tcase_add_test(all, an_integration_is_told_with_counts_holds_and_the_day_that_it_is_there);
    tcase_add_test(all, a_hold_is_as_large_as_its_list_and_says_when_it_was_listed_to_the_millisecond);
    tcase_add_test(all, holds_are_those_of_the_list_and_not_of_a_later_state);
    tcase_add_test(all, trouble_is_told_with_its_reason);
    tcase_add_test(all, an_integration_that_was_never_polled_has_a_name_and_no_counts);
    tcase_add_loop_test(all, a_list_is_chosen_by_reason_hold_and_words_and_cut, 0, sizeof CHOICES / sizeof *CHOICES);
    tcase_add_test(all, a_change_is_told_field_by_field_with_what_becomes_empty);
    tcase_add_test(all, who_was_never_announced_would_be_created_also_while_the_address_is_missing);
    tcase_add_test(all, a_leaver_is_told_with_the_reason_and_the_job_of_before);
    tcase_add_test(all, an_announced_person_who_loses_the_address_changes_in_nothing_until_it_is_back);
    tcase_add_test(all, who_has_the_same_address_is_named);
    tcase_add_test(all, somebody_who_no_longer_waits_is_told_without_a_change);
    tcase_add_test(all, the_calendar_counts_all_and_shows_a_part);
    tcase_add_test(all, polls_that_failed_have_a_reason_and_no_numbers);
    tcase_add_loop_test(all, an_order_is_under_way_until_it_is_answered_or_too_old, 0, sizeof ORDERS / sizeof *ORDERS);
    tcase_add_test(all, dead_letters_are_those_of_the_integration_with_words_and_place);
    suite_add_tcase(suite, all);
    return rc_unit_run(suite);
}
