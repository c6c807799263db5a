/* What a plan's page is made of: lists cut to their first rows, changes counted with everybody who shares them. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producer/commands/plan/plan.h"
#include "producer/commands/plan/plan_groups.h"
#include "tests/support/unit.h"

#define BIT(value) (1U << (value))

static rc_integration_t integration;
static rc_plan_groups_t *groups;

static void setup(void)
{
    rc_error_t error = RC_ERROR_INIT;
    rc_zone_t *zone;
    ck_assert_int_eq(rc_zone_new("UTC", &zone, &error), RC_OK);
    integration = (rc_integration_t){.id = "personio:a", .name = "A", .zone = zone};
    groups = rc_plan_groups_new(&integration);
}

static void teardown(void)
{
    rc_plan_groups_free(groups);
    rc_zone_free((rc_zone_t *)(uintptr_t)integration.zone);
}

static rc_settled_t one_event(const char *id, rc_event_t event)
{
    event.employee_id = id;
    return (rc_settled_t){
        .employee_id = id, .diff = {.events = {event}, .count = 1}, .publishes = true, .action = RC_PENDING_NOTHING};
}

static rc_event_t created(const char *name, int32_t starts)
{
    return (rc_event_t){.type = RC_EVENT_CREATED,
                        .employee = {.first_name = name, .email = "a@b.example", .hire_date = {starts}},
                        .created = {.reason = RC_CREATED_NEW_HIRE}};
}

static rc_event_t profile(const char *name, const rc_change_t *changes, size_t count, const char *job_title)
{
    return (rc_event_t){.type = RC_EVENT_PROFILE_UPDATED,
                        .employee = {.first_name = name, .job_title = job_title},
                        .profile = {.changes = changes, .change_count = count}};
}

START_TEST(a_list_keeps_the_first_by_day_and_counts_all)
{
    for (int i = 0; i < 1000; i++) {
        char id[16], name[16];
        int day = i * 7919 % 1000; /* every day once, in disorder */
        (void)snprintf(id, sizeof id, "e%d", day);
        (void)snprintf(name, sizeof name, "N%d", day);
        rc_settled_t settled = one_event(id, created(name, 10000 + day));
        rc_plan_groups_add(groups, &settled);
    }
    ck_assert_uint_eq(groups->created.people, 1000);
    ck_assert_uint_eq(groups->created_by[RC_CREATED_NEW_HIRE], 1000);
    ck_assert_uint_eq(groups->published, 1000);
    ck_assert_uint_eq(groups->created.row_count, RC_PLAN_ROWS);
    for (int i = 0; i < RC_PLAN_ROWS; i++) {
        char id[16];
        (void)snprintf(id, sizeof id, "e%d", i);
        ck_assert_str_eq(groups->created.rows[i].cells[0], id);
    }
}
END_TEST

START_TEST(what_becomes_empty_for_many_is_one_change)
{
    for (int i = 0; i < 1000; i++) {
        char id[16], before[16];
        (void)snprintf(id, sizeof id, "e%d", i);
        (void)snprintf(before, sizeof before, "Title %d", i);
        const rc_change_t change = {"job_title", before};
        rc_settled_t settled = one_event(id, profile(id, &change, 1, i == 5 ? "Lead" : NULL));
        rc_plan_groups_add(groups, &settled);
    }
    size_t count;
    ck_assert_uint_eq(groups->field_count, 1);
    const rc_plan_field_t *field = groups->fields[0];
    ck_assert_str_eq(field->name, "job_title");
    ck_assert_uint_eq(field->people, 1000);
    ck_assert_uint_eq(field->emptied, 999);
    ck_assert(rc_plan_field_is_alarming(field, 100000));
    const rc_plan_kind_t **kinds = rc_plan_field_kinds(field, &count);
    ck_assert_uint_eq(count, 2);
    ck_assert_uint_eq(kinds[0]->people, 999);
    ck_assert(!kinds[0]->after && kinds[0]->various);
    ck_assert_str_eq(kinds[0]->examples[0], "e0");
    ck_assert_str_eq(kinds[1]->after, "Lead");
    free(kinds);
}
END_TEST

START_TEST(the_same_change_of_many_is_told_from_others)
{
    const rc_change_t same = {"job_title", "Engineer"}, empty = {"job_title", NULL};
    for (int i = 0; i < 3; i++) {
        rc_settled_t settled = one_event("x", profile("Same", &same, 1, "Lead"));
        rc_plan_groups_add(groups, &settled);
    }
    rc_settled_t other = one_event("y", profile("Other", &empty, 1, "Lead"));
    rc_plan_groups_add(groups, &other);
    size_t count;
    const rc_plan_kind_t **kinds = rc_plan_field_kinds(groups->fields[0], &count);
    ck_assert_uint_eq(count, 2);
    ck_assert_uint_eq(kinds[0]->people, 3);
    ck_assert_str_eq(kinds[0]->before, "Engineer");
    ck_assert(!kinds[0]->various);
    ck_assert_ptr_null(kinds[1]->before);
    ck_assert_uint_eq(groups->changed, 4);
    free(kinds);
}
END_TEST

START_TEST(kinds_beyond_the_cap_count_only)
{
    for (int i = 0; i < RC_PLAN_KINDS + 10; i++) {
        char title[16];
        (void)snprintf(title, sizeof title, "T%d", i);
        const rc_change_t change = {"job_title", NULL};
        rc_settled_t settled = one_event("x", profile("N", &change, 1, title));
        rc_plan_groups_add(groups, &settled);
    }
    ck_assert_uint_eq(groups->fields[0]->people, RC_PLAN_KINDS + 10);
    ck_assert_uint_eq(rc_map_count(groups->fields[0]->kinds), RC_PLAN_KINDS);
}
END_TEST

static const struct {
    size_t emptied;
    int64_t announced;
    bool alarming;
} ALARMS[] = {{0, 10, false}, {1, 1, false},     {2, 5, false},      {3, 30, true},
              {3, 31, false}, {19, 1000, false}, {20, 100000, true}, {1000, 1150, true}};

START_TEST(only_what_is_emptied_for_many_is_alarming)
{
    const rc_plan_field_t field = {.emptied = ALARMS[_i].emptied};
    ck_assert_int_eq(rc_plan_field_is_alarming(&field, ALARMS[_i].announced), ALARMS[_i].alarming);
}
END_TEST

static rc_settled_t team_change(const rc_snapshot_t *snapshot, rc_ref_t after, bool rename_only)
{
    rc_settled_t settled = one_event(
        "x", (rc_event_t){.type = RC_EVENT_TEAM_CHANGED, .employee = {.first_name = "N", .primary_team = after}});
    settled.stored.snapshot = snapshot;
    settled.diff.rename_only = rename_only;
    return settled;
}

START_TEST(a_renamed_team_moves_nobody)
{
    const rc_snapshot_t snapshot = {.employee = {.primary_team = {"t1", "Sales"}}};
    rc_settled_t renamed = team_change(&snapshot, (rc_ref_t){"t1", "Growth"}, true);
    rc_settled_t moved = team_change(&snapshot, (rc_ref_t){"t2", "Ops"}, false);
    for (int i = 0; i < 4; i++) rc_plan_groups_add(groups, &renamed);
    rc_plan_groups_add(groups, &moved);
    size_t count;
    ck_assert_uint_eq(groups->moved, 1);
    ck_assert_uint_eq(groups->move_count, 1);
    ck_assert_str_eq(groups->moves[0]->name, "primary_team");
    ck_assert_uint_eq(groups->renames.people, 4);
    const rc_plan_kind_t **kinds = rc_plan_field_kinds(&groups->renames, &count);
    ck_assert_uint_eq(count, 1);
    ck_assert_str_eq(kinds[0]->before, "Sales");
    ck_assert_str_eq(kinds[0]->after, "Growth");
    free(kinds);
}
END_TEST

START_TEST(a_held_event_names_its_own_brake_before_others)
{
    const rc_hold_ref_t holds[] = {{.brake = RC_BRAKE_TEAM_CHANGES},
                                   {.brake = RC_BRAKE_PROFILE_CHANGES, .approved = true},
                                   {.brake = RC_BRAKE_CLEARED_VALUES}};
    const rc_change_t change = {"job_title", "x"};
    rc_settled_t settled = one_event("x", profile("N", &change, 1, NULL));
    settled.publishes = false;
    settled.obstacles = (rc_obstacles_t){.reasons = BIT(RC_PENDING_HELD), .holds = holds, .hold_count = 3};
    ck_assert_int_eq(rc_plan_held_by(&settled, &settled.diff.events[0]), RC_BRAKE_CLEARED_VALUES);
    settled.obstacles.hold_count = 2;
    ck_assert_int_eq(rc_plan_held_by(&settled, &settled.diff.events[0]), RC_BRAKE_TEAM_CHANGES);
    rc_plan_groups_add(groups, &settled);
    ck_assert_uint_eq(groups->held, 1);
    ck_assert_uint_eq(groups->published, 0);
    ck_assert_uint_eq(groups->fields[0]->held_by, BIT(RC_BRAKE_TEAM_CHANGES));
}
END_TEST

START_TEST(what_waits_for_something_else_is_no_event)
{
    rc_settled_t settled = one_event("x", created("N", 10000));
    settled.publishes = false;
    settled.obstacles.reasons = BIT(RC_PENDING_PAUSED);
    settled.action = RC_PENDING_WRITE;
    settled.pending = (rc_pending_t){.employee_id = "x", .reasons = BIT(RC_PENDING_PAUSED) | BIT(RC_PENDING_HELD)};
    rc_plan_groups_add(groups, &settled);
    ck_assert_uint_eq(groups->created.people, 0);
    ck_assert_uint_eq(groups->waiting[RC_PENDING_PAUSED].people, 1);
    ck_assert_uint_eq(groups->waiting[RC_PENDING_HELD].people, 0);
    ck_assert_uint_eq(groups->waiting_people, 1);
}
END_TEST

START_TEST(somebody_who_waits_for_two_reasons_is_one_person)
{
    const rc_pending_t pending = {.employee_id = "x", .reasons = BIT(RC_PENDING_NO_EMAIL) | BIT(RC_PENDING_NO_NAME)};
    rc_plan_groups_wait(groups, &pending);
    ck_assert_uint_eq(groups->waiting_people, 1);
    ck_assert_uint_eq(groups->waiting[RC_PENDING_NO_EMAIL].people, 1);
    ck_assert_uint_eq(groups->waiting[RC_PENDING_NO_NAME].people, 1);
}
END_TEST

static char page[16384];

static void print(const rc_planned_t *planned)
{
    FILE *stream = fmemopen(page, sizeof page, "w");
    rc_plan_print(groups, planned, NULL, stream);
    (void)fclose(stream);
}

START_TEST(the_page_begins_with_what_looks_wrong_and_ends_with_what_to_type)
{
    const rc_hold_t hold = {
        .id = "cleared_values-1", .brake = RC_BRAKE_CLEARED_VALUES, .employees = 1000, .limit = 115};
    const rc_hold_ref_t ref = {.brake = RC_BRAKE_CLEARED_VALUES};
    for (int i = 0; i < 1000; i++) {
        const rc_change_t change = {"job_title", "Engineer"};
        rc_settled_t settled = one_event("x", profile("N", &change, 1, NULL));
        settled.publishes = false;
        settled.obstacles = (rc_obstacles_t){.reasons = BIT(RC_PENDING_HELD), .holds = &ref, .hold_count = 1};
        rc_plan_groups_add(groups, &settled);
    }
    const rc_planned_t planned = {.integration = &integration,
                                  .ok = true,
                                  .topics = true,
                                  .before = {.watermark = {1}, .announced = 1150},
                                  .result = {.updated_after = {1}, .state = {.holds = &hold, .hold_count = 1}}};
    print(&planned);
    const char *alarm = strstr(page, "! job title would become empty for 1,000 of 1,150 people");
    const char *held = strstr(page, "! 1,000 cleared values would be held");
    const char *group = strstr(page, "To change, job title: 1,000 people");
    const char *next = strstr(page, "  rollcall-producer once --integration personio:a ");
    ck_assert(alarm && held && group && next);
    ck_assert(alarm < held && held < group && group < next);
    ck_assert_msg(strlen(page) < 2000, "%s", page);
}
END_TEST

START_TEST(a_failed_reading_says_so_and_nothing_else)
{
    const rc_planned_t planned = {.integration = &integration, .message = "Kombo is away"};
    print(&planned);
    ck_assert(strstr(page, "Kombo is away") && strstr(page, "rollcall-producer check"));
    ck_assert(!strstr(page, "Nothing would change"));
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("plan_groups");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, a_list_keeps_the_first_by_day_and_counts_all);
    tcase_add_test(tests, what_becomes_empty_for_many_is_one_change);
    tcase_add_test(tests, the_same_change_of_many_is_told_from_others);
    tcase_add_test(tests, kinds_beyond_the_cap_count_only);
    tcase_add_loop_test(tests, only_what_is_emptied_for_many_is_alarming, 0, sizeof ALARMS / sizeof *ALARMS);
    tcase_add_test(tests, a_renamed_team_moves_nobody);
    tcase_add_test(tests, a_held_event_names_its_own_brake_before_others);
    tcase_add_test(tests, what_waits_for_something_else_is_no_event);
    tcase_add_test(tests, somebody_who_waits_for_two_reasons_is_one_person);
    tcase_add_test(tests, the_page_begins_with_what_looks_wrong_and_ends_with_what_to_type);
    tcase_add_test(tests, a_failed_reading_says_so_and_nothing_else);
    Suite *suite = suite_create("plan_groups");
    suite_add_tcase(suite, tests);
    return rc_unit_run(suite);
}
