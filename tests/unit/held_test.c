/* Who is in a hold, for people and for programs. */
#include "producer/commands/holds/held.h"

#include <string.h>

#include "tests/support/gen.h"
#include "tests/support/records.h"
#include "tests/support/unit.h"

enum { MANY = 10000, HOUR_MS = 3600000 };

static rc_arena_t *arena;
static rc_integration_t integration;
static rc_snapshot_t snapshot;
static rc_hold_ref_t ref = {.brake = RC_BRAKE_PROFILE_CHANGES, .hold_id = "h-1"};
static rc_buf_t text = RC_BUF_INIT(1 << 22);

static void set_up(void)
{
    arena = rc_arena_new();
    integration = rc_test_integration(arena);
    ref.since.ms = RC_TEST_NOW.ms - HOUR_MS;
    snapshot = rc_sample_snapshot();
    snapshot.presence = RC_PRESENCE_EMPLOYED;
    snapshot.effective_date = RC_DATE_NONE;
    snapshot.employee.job_title = "Engineer";
}

static void tear_down(void)
{
    rc_arena_free(arena);
    rc_buf_fini(&text);
}

static rc_held_t held_with(rc_employee_t employee)
{
    return (rc_held_t){.pending = {.integration_id = integration.id,
                                   .employee_id = "42",
                                   .employee = employee,
                                   .wanted = RC_PRESENCE_EMPLOYED,
                                   .effective_date = RC_DATE_NONE,
                                   .reasons = 1U << RC_PENDING_HELD,
                                   .holds = &ref,
                                   .hold_count = 1},
                       .ref = &ref,
                       .snapshot = &snapshot};
}

static const char *shown(const rc_held_t *held, size_t count)
{
    rc_report_t *report = rc_held_report(&integration, held, count, RC_TEST_NOW);
    rc_buf_reset(&text);
    rc_report_render(report, (rc_report_style_t){0}, &text);
    rc_report_free(report);
    return text.data;
}

#define SAYS(said, word) ck_assert_msg(strstr((said), (word)) != NULL, "\"%s\" is not in: %s", (word), (said))

START_TEST(a_few_people_are_listed_with_what_changes_for_each)
{
    rc_employee_t employee = snapshot.employee;
    employee.job_title = NULL;
    employee.primary_team = (rc_ref_t){"t9", "Sales"};
    const rc_held_t changed = held_with(employee);
    const char *said = shown(&changed, 1);
    SAYS(said, "ana@acme.example");
    SAYS(said, "60 min ago");
    SAYS(said, "job title: \"Engineer\" → empty; team: Platform + ");
    SAYS(said, " → Sales + ");
}
END_TEST

START_TEST(a_leaver_is_listed_with_the_reason_and_the_day)
{
    rc_held_t leaver = held_with(snapshot.employee);
    leaver.pending.employee.status = RC_STATUS_INACTIVE;
    leaver.pending.employee.leave_date = (rc_date_t){RC_TEST_TODAY.days - 1};
    SAYS(shown(&leaver, 1), "is deactivated (INACTIVE) as of 2026-11-21");
    leaver.snapshot = NULL;
    leaver.pending.employee = snapshot.employee;
    SAYS(shown(&leaver, 1), "is created (NEW_HIRE)");
}
END_TEST

START_TEST(ten_thousand_people_are_grouped_by_what_changes)
{
    rc_employee_t blanked = snapshot.employee, renamed = snapshot.employee;
    blanked.job_title = NULL;
    rc_held_t *held = rc_arena_alloc(arena, MANY * sizeof *held);
    for (size_t i = 0; i < MANY; i++) {
        renamed.job_title = rc_arena_sprintf(arena, "Grade %zu", i);
        held[i] = held_with(i % 100 ? blanked : renamed);
        held[i].pending.employee_id = rc_arena_sprintf(arena, "e-%05zu", i);
    }
    const char *said = shown(held, MANY);
    SAYS(said, "9900");
    SAYS(said, "job title becomes empty");
    SAYS(said, "e-00001, e-00002, e-00003");
    SAYS(said, "100  job title changes");
    size_t lines = 0;
    for (const char *at = said; *at; at++) lines += *at == '\n';
    ck_assert_uint_eq(lines, 3);
    json_t *json = rc_held_json(&integration, held, MANY, RC_TEST_NOW);
    ck_assert_uint_eq(json_array_size(json), MANY);
    json_decref(json);
}
END_TEST

START_TEST(programs_get_every_field_before_and_after)
{
    rc_employee_t employee = snapshot.employee;
    employee.job_title = "Lead";
    const rc_held_t changed = held_with(employee);
    json_t *json = rc_held_json(&integration, &changed, 1, RC_TEST_NOW);
    const json_t *person = json_array_get(json, 0), *event = json_array_get(json_object_get(person, "events"), 0);
    const json_t *change = json_array_get(json_object_get(event, "changes"), 0);
    ck_assert_str_eq(rc_json_str(person, "employee_id"), "42");
    ck_assert_str_eq(rc_json_str(event, "type"), "profile-updated");
    ck_assert_str_eq(rc_json_str(change, "field"), "job_title");
    ck_assert_str_eq(rc_json_str(change, "before"), "Engineer");
    ck_assert_str_eq(rc_json_str(change, "after"), "Lead");
    json_decref(json);
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("held");
    TCase *tests = tcase_create("held");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_few_people_are_listed_with_what_changes_for_each);
    tcase_add_test(tests, a_leaver_is_listed_with_the_reason_and_the_day);
    tcase_add_test(tests, ten_thousand_people_are_grouped_by_what_changes);
    tcase_add_test(tests, programs_get_every_field_before_and_after);
    suite_add_tcase(all, tests);
    return all;
}

int main(void)
{
    return rc_unit_run(suite());
}
