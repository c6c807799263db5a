/* What `status` says of an integration. */
#include "producer/commands/overview.h"

#include <string.h>

#include "tests/support/gen.h"
#include "tests/support/unit.h"

enum { MINUTE_MS = 60000, HOUR_MS = 60 * MINUTE_MS };

static rc_arena_t *arena;
static rc_integration_t integration;
static rc_overview_t overview;
static rc_buf_t text = RC_BUF_INIT(65536);

static void set_up(void)
{
    arena = rc_arena_new();
    integration = rc_test_integration(arena);
    integration.id = "personio:A";
    integration.name = "Acme GmbH";
    overview = (rc_overview_t){.integration = &integration,
                               .seen = true,
                               .state = {.employees = 12,
                                         .announced = 10,
                                         .next_poll_at = {RC_TEST_NOW.ms + HOUR_MS},
                                         .last_poll = {.started_at = {RC_TEST_NOW.ms - 2 * HOUR_MS},
                                                       .finished_at = {RC_TEST_NOW.ms - 2 * HOUR_MS}}}};
}

static void tear_down(void)
{
    rc_arena_free(arena);
    rc_buf_fini(&text);
}

static const char *troubles(const char *config)
{
    rc_buf_reset(&text);
    rc_buf_add_str(&text, "");
    rc_overview_troubles(&overview, 1, RC_TEST_NOW, config, &text);
    return text.size_bytes ? text.data : "";
}

static const char *table(void)
{
    rc_report_t *report = rc_overview_report(&overview, 1, RC_TEST_NOW);
    rc_buf_reset(&text);
    rc_report_render(report, (rc_report_style_t){0}, &text);
    rc_report_free(report);
    return text.data;
}

#define SAYS(said, word) ck_assert_msg(strstr((said), (word)) != NULL, "\"%s\" is not in: %s", (word), (said))

START_TEST(what_is_in_step_needs_one_line_and_nobody)
{
    SAYS(table(), "in step");
    SAYS(table(), "2 h ago");
    ck_assert_str_eq(troubles(NULL), "");
    ck_assert(!rc_overview_is_held(&overview, 1));
}
END_TEST

START_TEST(who_was_never_polled_is_not_called_in_step)
{
    overview = (rc_overview_t){.integration = &integration};
    SAYS(table(), "not polled yet");
    SAYS(table(), "never");
    SAYS(troubles(NULL), "rollcall-producer once --integration personio:A");
    json_t *json = rc_overview_json(&overview);
    ck_assert_ptr_null(json_object_get(json, "state"));
    ck_assert_ptr_null(json_object_get(json, "last_poll"));
    ck_assert_str_eq(rc_json_str(json, "reason"), "not polled yet");
    json_decref(json);
}
END_TEST

START_TEST(every_state_says_what_to_type)
{
    static const struct {
        rc_integration_state_t state;
        const char *words, *type;
    } cases[] = {{RC_STATE_RETRYING, "trying again: Kombo is away", "once --integration personio:A"},
                 {RC_STATE_NEEDS_CUSTOMER, "needs the customer: Kombo is away", "once --integration personio:A"},
                 {RC_STATE_MISCONFIGURED, "misconfigured: Kombo is away", "check --integration personio:A"}};
    overview.state.reason = "Kombo is away";
    overview.state.failures = 3;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        overview.state.state = cases[i].state;
        SAYS(troubles("a.yaml"), cases[i].words);
        SAYS(troubles("a.yaml"), "(3 in a row; the next try in 60 min)");
        SAYS(troubles("a.yaml"), cases[i].type);
        SAYS(troubles("a.yaml"), "--config a.yaml");
    }
}
END_TEST

START_TEST(a_poll_that_is_overdue_is_noticed)
{
    overview.state.next_poll_at.ms = RC_TEST_NOW.ms - MINUTE_MS;
    ck_assert_str_eq(troubles(NULL), "");
    overview.state.next_poll_at.ms = RC_TEST_NOW.ms - 3 * HOUR_MS;
    SAYS(troubles(NULL), "was due 3 h ago");
}
END_TEST

START_TEST(a_hold_says_how_many_since_when_and_what_to_type)
{
    const rc_hold_t hold = {"team_changes-1a2b3c",     RC_BRAKE_TEAM_CHANGES, {RC_TEST_NOW.ms - 5 * HOUR_MS}, 240, 115,
                            {RC_TEST_NOW.ms - HOUR_MS}};
    overview.state.holds = &hold;
    overview.state.hold_count = 1;
    const char *said = troubles(NULL);
    SAYS(said,
         "240 team changes held for a person to decide, since 2026-11-22 07:00 UTC (5 h ago); 115 would have passed");
    SAYS(said, "rollcall-producer status --integration personio:A --hold team_changes-1a2b3c");
    SAYS(said, "rollcall-producer approve --integration personio:A --hold team_changes-1a2b3c");
    SAYS(said, "rollcall-producer reject --integration personio:A --hold team_changes-1a2b3c");
    ck_assert(rc_overview_is_held(&overview, 1));
    json_t *json = rc_overview_json(&overview);
    const json_t *shown = json_array_get(json_object_get(json, "holds"), 0);
    ck_assert_str_eq(rc_json_str(shown, "class"), "team_changes");
    ck_assert_int_eq(rc_json_int(shown, "employees", 0), 240);
    ck_assert_int_eq(rc_json_int(shown, "limit", 0), 115);
    ck_assert_str_eq(rc_json_str(shown, "since"), "2026-11-22T07:00:00.000Z");
    json_decref(json);
}
END_TEST

START_TEST(a_pause_says_who_waits_for_it)
{
    overview.state.paused = 1U << RC_EVENT_DEACTIVATED;
    overview.waiting[RC_PENDING_PAUSED] = 7;
    SAYS(troubles(NULL), "paused: deactivated; nothing of it is published or applied, 7 people wait for it");
    SAYS(troubles(NULL), "rollcall-producer resume --integration personio:A");
    SAYS(table(), "deactivated");
    overview.state.paused = (1U << RC_EVENT_COUNT) - 1;
    SAYS(table(), "everything");
}
END_TEST

START_TEST(what_hr_has_to_mend_is_told_apart_from_what_waits_for_its_day)
{
    overview.waiting[RC_PENDING_NOT_YET] = 4;
    ck_assert_str_eq(troubles(NULL), "");
    overview.waiting[RC_PENDING_NO_EMAIL] = 2;
    SAYS(troubles(NULL), "to be mended in HR: 2 no e-mail address\n");
    SAYS(table(), "2 no e-mail address, 4 not yet");
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("overview");
    TCase *tests = tcase_create("overview");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, what_is_in_step_needs_one_line_and_nobody);
    tcase_add_test(tests, who_was_never_polled_is_not_called_in_step);
    tcase_add_test(tests, every_state_says_what_to_type);
    tcase_add_test(tests, a_poll_that_is_overdue_is_noticed);
    tcase_add_test(tests, a_hold_says_how_many_since_when_and_what_to_type);
    tcase_add_test(tests, a_pause_says_who_waits_for_it);
    tcase_add_test(tests, what_hr_has_to_mend_is_told_apart_from_what_waits_for_its_day);
    suite_add_tcase(all, tests);
    return all;
}

int main(void)
{
    return rc_unit_run(suite());
}
