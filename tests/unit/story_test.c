/* tests/sandbox/story: what an event says, in words. */
#include "tests/sandbox/story.h"

#include "tests/support/unit.h"

static rc_arena_t *arena;

static void start(void)
{
    arena = rc_arena_new();
}

static void stop(void)
{
    rc_arena_free(arena);
}

static rc_event_t event_of(rc_event_type_t type)
{
    return (rc_event_t){.type = type,
                        .employee_id = "e-1",
                        .employee = {.email = "ada@acme.example",
                                     .first_name = "Ada",
                                     .last_name = "Lovelace",
                                     .job_title = "Lead",
                                     .status = RC_STATUS_ACTIVE,
                                     .primary_team = {"t-1", "Engines"},
                                     .primary_location = {"l-1", "London"}}};
}

START_TEST(story_names_people_as_well_as_it_can)
{
    rc_event_t event = event_of(RC_EVENT_CREATED);
    ck_assert_str_eq(sb_story_who(&event, arena), "Ada Lovelace");
    event.employee.first_name = NULL;
    ck_assert_str_eq(sb_story_who(&event, arena), "Lovelace");
    event.employee.last_name = NULL;
    ck_assert_str_eq(sb_story_who(&event, arena), "ada@acme.example");
    event.employee.email = NULL;
    ck_assert_str_eq(sb_story_who(&event, arena), "e-1");
}
END_TEST

START_TEST(story_of_a_joiner)
{
    rc_event_t event = event_of(RC_EVENT_CREATED);
    event.created.reason = RC_CREATED_NEW_HIRE;
    ck_assert_str_eq(sb_story_what(&event, arena), "new hire, Lead, team Engines");
    event.created.replaces = "e-0";
    event.employee.job_title = NULL;
    ck_assert_str_eq(sb_story_what(&event, arena), "new hire, team Engines, in place of e-0");
}
END_TEST

START_TEST(story_of_a_profile_says_each_field_before_and_now)
{
    const rc_custom_t custom[] = {{"Cost centre", "4100"}};
    const rc_change_t changes[] = {{"job_title", "Analyst"},         {"status", "PENDING"},
                                   {"manager_email", "x@y.example"}, {"primary_location", NULL},
                                   {"avatar", "https://old"},        {"custom:Cost centre", "4000"}};
    rc_event_t event = event_of(RC_EVENT_PROFILE_UPDATED);
    event.employee.custom = custom;
    event.employee.custom_count = 1;
    event.profile.changes = changes;
    event.profile.change_count = sizeof changes / sizeof *changes;
    ck_assert_str_eq(sb_story_what(&event, arena),
                     "job title: Analyst → Lead, status: pending → active, manager: x@y.example → nothing, "
                     "location: nothing → London, no picture, Cost centre: 4000 → 4100");
}
END_TEST

START_TEST(story_tells_a_move_from_a_renamed_team)
{
    rc_event_t event = event_of(RC_EVENT_TEAM_CHANGED);
    event.team.previous = (rc_ref_t){"t-0", "Looms"};
    event.team.current = (rc_ref_t){"t-1", "Engines"};
    ck_assert_str_eq(sb_story_what(&event, arena), "team Looms → Engines");
    event.team.previous = (rc_ref_t){"t-1", "Motors"};
    ck_assert_str_eq(sb_story_what(&event, arena), "team Motors is now called Engines");
    event.team.current = (rc_ref_t){NULL, NULL};
    ck_assert_str_eq(sb_story_what(&event, arena), "team Motors → nothing");
    event.team.previous = event.team.current;
    ck_assert_str_eq(sb_story_what(&event, arena), "other secondary teams");
}
END_TEST

START_TEST(story_of_a_leaver)
{
    rc_event_t event = event_of(RC_EVENT_DEACTIVATED);
    event.deactivated.reason = RC_GONE_TERMINATION_DATE;
    event.deactivated.effective_date = (rc_date_t){20000};
    ck_assert_str_eq(sb_story_what(&event, arena), "termination date, as of 2024-10-04");
    event.deactivated.effective_date = RC_DATE_NONE;
    ck_assert_str_eq(sb_story_what(&event, arena), "termination date");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("story");
    TCase *tests = tcase_create("words");
    tcase_add_checked_fixture(tests, start, stop);
    tcase_add_test(tests, story_names_people_as_well_as_it_can);
    tcase_add_test(tests, story_of_a_joiner);
    tcase_add_test(tests, story_of_a_profile_says_each_field_before_and_now);
    tcase_add_test(tests, story_tells_a_move_from_a_renamed_team);
    tcase_add_test(tests, story_of_a_leaver);
    suite_add_tcase(suite, tests);
    return rc_unit_run(suite);
}
