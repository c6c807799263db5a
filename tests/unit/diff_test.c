#include "producer/rules/diff.h"

#include <string.h>

#include "producer/rules/employee.h"
#include "producer/rules/projection.h"
#include "tests/support/gen.h"
#include "tests/support/unit.h"

#define B(name) (1U << RC_BRAKE_##name)

static rc_arena_t *arena;
static rc_integration_t integration;
static rc_occasion_t occasion;
static rc_snapshot_t snapshot;
static rc_employee_t employee; /* the new state, to be changed by a test */
static rc_diff_t diff;

static const rc_verdict_t EMPLOYED = {.kind = RC_VERDICT_EMPLOYED};

static rc_verdict_t gone(rc_gone_reason_t reason)
{
    return (rc_verdict_t){.kind = RC_VERDICT_GONE, .gone_reason = reason, .effective_date = RC_TEST_TODAY};
}

static rc_employee_t full_employee(void)
{
    static const rc_ref_t teams[] = {{"s-1", "Guild"}};
    rc_kombo_employee_t record = rc_test_record(arena);
    rc_projection_t projection;
    rc_project(arena, &record, &integration, NULL, &projection);
    rc_employee_t full = rc_employee_copy(arena, &projection.employee);
    full.leave_date = (rc_date_t){RC_TEST_TODAY.days + 40};
    full.secondary_teams = teams;
    full.secondary_team_count = 1;
    return full;
}

static void set_up(void)
{
    arena = rc_arena_new();
    integration = rc_test_integration(arena);
    occasion = (rc_occasion_t){&integration, RC_TRIGGER_POLL, RC_TEST_NOW, RC_TEST_TODAY, false};
    employee = full_employee();
    snapshot = (rc_snapshot_t){.integration_id = integration.id,
                               .employee_id = "e-1",
                               .version = 1000,
                               .previous_version = 900,
                               .presence = RC_PRESENCE_EMPLOYED,
                               .employee = full_employee(),
                               .effective_date = RC_DATE_NONE};
    snapshot.counted_hours[RC_BRAKE_TEAM_CHANGES] = 7;
}

static void tear_down(void)
{
    rc_arena_free(arena);
}

static void run(const rc_snapshot_t *before, rc_verdict_t verdict)
{
    rc_diff(arena, &occasion, "e-1", before, &employee, &verdict, &diff);
}

/* ---- Versions ---- */

START_TEST(versions_rise_even_when_a_state_was_lost)
{
    ck_assert_int_eq(rc_version_next(0, (rc_wall_t){5000}), 5000);
    ck_assert_int_eq(rc_version_next(4999, (rc_wall_t){5000}), 5000);
    ck_assert_int_eq(rc_version_next(5000, (rc_wall_t){5000}), 5001);
    ck_assert_int_eq(rc_version_next(9000, (rc_wall_t){5000}), 9001); /* a clock that went back */
}
END_TEST

START_TEST(an_event_says_who_when_and_after_what)
{
    employee.job_title = "Lead";
    run(&snapshot, EMPLOYED);
    const rc_event_t *event = &diff.events[0];
    ck_assert_str_eq(event->integration_id, "personio:test");
    ck_assert_str_eq(event->employee_id, "e-1");
    ck_assert_int_eq(event->version, RC_TEST_NOW.ms);
    ck_assert_int_eq(event->previous_version, 1000);
    ck_assert_int_eq(event->occurred_at.ms, RC_TEST_NOW.ms);
    ck_assert_int_eq(event->trigger, RC_TRIGGER_POLL);
    ck_assert(rc_employee_equal(&event->employee, &employee));
}
END_TEST

/* ---- Created ---- */

static const struct {
    bool former;
    rc_gone_reason_t gone;
    bool initial;
    rc_created_reason_t reason;
} CREATED[] = {
    {false, 0, false, RC_CREATED_NEW_HIRE},
    {false, 0, true, RC_CREATED_INITIAL_IMPORT},
    {true, RC_GONE_INACTIVE, false, RC_CREATED_REHIRE},
    {true, RC_GONE_TERMINATION_DATE, false, RC_CREATED_REHIRE},
    {true, RC_GONE_DELETED, false, RC_CREATED_REHIRE},
    {true, RC_GONE_MISSING, false, RC_CREATED_REHIRE},
    {true, RC_GONE_RESYNC, false, RC_CREATED_REHIRE},
    {true, RC_GONE_OUT_OF_SCOPE, false, RC_CREATED_BACK_IN_SCOPE},
    {true, RC_GONE_INACTIVE, true, RC_CREATED_INITIAL_IMPORT},
};

START_TEST(created_stands_alone_with_its_reason)
{
    snapshot.presence = RC_PRESENCE_GONE;
    snapshot.gone_reason = CREATED[_i].gone;
    occasion.initial_import = CREATED[_i].initial;
    employee.job_title = "Lead"; /* however much differs */
    employee.primary_team = (rc_ref_t){"t-2", "Sales"};
    run(CREATED[_i].former ? &snapshot : NULL, EMPLOYED);
    ck_assert_uint_eq(diff.count, 1);
    ck_assert_int_eq(diff.events[0].type, RC_EVENT_CREATED);
    ck_assert_int_eq(diff.events[0].created.reason, CREATED[_i].reason);
    ck_assert_int_eq(diff.events[0].previous_version, CREATED[_i].former ? 1000 : 0);
    ck_assert_uint_eq(diff.brakes, B(CREATIONS));
}
END_TEST

START_TEST(who_comes_back_unchanged_is_created_again)
{
    snapshot.presence = RC_PRESENCE_GONE;
    run(&snapshot, EMPLOYED);
    ck_assert_uint_eq(diff.count, 1);
}
END_TEST

START_TEST(replaces_makes_a_rehire_and_stays_in_the_snapshot)
{
    run(NULL, EMPLOYED);
    rc_diff_set_replaces(&diff, "e-0");
    ck_assert_int_eq(diff.events[0].created.reason, RC_CREATED_REHIRE);
    rc_snapshot_t after = rc_snapshot_after(NULL, &diff);
    ck_assert_str_eq(after.replaces, "e-0");
    /* Later changes, also a later return, still know it. */
    employee.job_title = "Lead";
    run(&after, EMPLOYED);
    rc_snapshot_t later = rc_snapshot_after(&after, &diff);
    ck_assert_str_eq(later.replaces, "e-0");
    later.presence = RC_PRESENCE_GONE;
    run(&later, EMPLOYED);
    ck_assert_str_eq(diff.events[0].created.replaces, "e-0");
    occasion.initial_import = true;
    run(NULL, EMPLOYED);
    rc_diff_set_replaces(&diff, "e-0");
    ck_assert_int_eq(diff.events[0].created.reason, RC_CREATED_INITIAL_IMPORT);
}
END_TEST

/* ---- Deactivated ---- */

START_TEST(deactivated_stands_alone)
{
    employee.job_title = "Lead";
    employee.primary_team = (rc_ref_t){NULL, NULL};
    employee.status = RC_STATUS_INACTIVE;
    run(&snapshot, gone(RC_GONE_INACTIVE));
    ck_assert_uint_eq(diff.count, 1);
    ck_assert_int_eq(diff.events[0].type, RC_EVENT_DEACTIVATED);
    ck_assert_int_eq(diff.events[0].deactivated.reason, RC_GONE_INACTIVE);
    ck_assert_int_eq(diff.events[0].deactivated.effective_date.days, RC_TEST_TODAY.days);
    ck_assert_uint_eq(diff.brakes, B(DEACTIVATIONS));
    ck_assert_int_eq(diff.events[0].employee.status, RC_STATUS_INACTIVE);
    rc_snapshot_t after = rc_snapshot_after(&snapshot, &diff);
    ck_assert_int_eq(after.presence, RC_PRESENCE_GONE);
    ck_assert_int_eq(after.gone_reason, RC_GONE_INACTIVE);
    ck_assert_int_eq(after.effective_date.days, RC_TEST_TODAY.days);
    ck_assert_int_eq(after.counted_hours[RC_BRAKE_TEAM_CHANGES], 7);
}
END_TEST

START_TEST(a_leaver_keeps_address_and_names)
{
    employee.email = NULL;
    employee.first_name = NULL;
    employee.last_name = NULL;
    run(&snapshot, gone(RC_GONE_TERMINATION_DATE));
    ck_assert_str_eq(diff.events[0].employee.email, "ada@acme.example");
    ck_assert_str_eq(diff.events[0].employee.first_name, "Ada");
    ck_assert_str_eq(diff.events[0].employee.last_name, "Lovelace");
}
END_TEST

static const rc_gone_reason_t UNSEEN[] = {RC_GONE_DELETED, RC_GONE_MISSING, RC_GONE_OUT_OF_SCOPE};

START_TEST(the_absent_are_as_they_were)
{
    employee = RC_EMPLOYEE_NONE;
    run(&snapshot, gone(UNSEEN[_i]));
    ck_assert(rc_employee_equal(&diff.events[0].employee, &snapshot.employee));
}
END_TEST

START_TEST(who_is_not_announced_cannot_be_deactivated)
{
    run(NULL, gone(RC_GONE_INACTIVE));
    ck_assert_uint_eq(diff.count, 0);
    snapshot.presence = RC_PRESENCE_GONE;
    run(&snapshot, gone(RC_GONE_INACTIVE));
    ck_assert_uint_eq(diff.count, 0);
}
END_TEST

START_TEST(waiting_and_ignored_publish_nothing)
{
    employee.job_title = "Lead";
    run(&snapshot, (rc_verdict_t){.kind = RC_VERDICT_WAIT});
    ck_assert_uint_eq(diff.count, 0);
    run(NULL, (rc_verdict_t){.kind = RC_VERDICT_IGNORE});
    ck_assert_uint_eq(diff.count, 0);
}
END_TEST

/* ---- ProfileUpdated ---- */

static const struct {
    const char *field;
    const char *previous;
    const char *now; /* NULL: cleared */
    uint32_t brakes;
} CHANGES[] = {
    {"email", "ada@acme.example", "ada.l@acme.example", B(EMAIL_CHANGES)},
    {"first_name", "Ada", "Augusta", B(PROFILE_CHANGES)},
    {"last_name", "Lovelace", "Byron", B(PROFILE_CHANGES)},
    {"job_title", "Engineer", "Lead", B(PROFILE_CHANGES)},
    {"job_title", "Engineer", NULL, B(PROFILE_CHANGES) | B(CLEARED_VALUES)},
    {"avatar", "https://cdn.example/ada.png?signature=1", "https://cdn.example/eve.png", B(PROFILE_CHANGES)},
    {"avatar", "https://cdn.example/ada.png?signature=1", NULL, B(PROFILE_CHANGES) | B(CLEARED_VALUES)},
    {"manager_email", "grace@acme.example", "eve@acme.example", B(PROFILE_CHANGES)},
    {"manager_email", "grace@acme.example", NULL, B(PROFILE_CHANGES) | B(CLEARED_VALUES)},
    {"language", "en", "de", B(PROFILE_CHANGES)},
    {"language", "en", NULL, B(PROFILE_CHANGES) | B(CLEARED_VALUES)},
    {"status", "ACTIVE", "LEAVE", B(PROFILE_CHANGES)},
    {"hire_date", "2020-01-01", "2020-02-02", B(PROFILE_CHANGES)},
    {"hire_date", "2020-01-01", NULL, B(PROFILE_CHANGES) | B(CLEARED_VALUES)},
    {"leave_date", "2027-01-01", "2027-02-02", B(PROFILE_CHANGES)},
    {"leave_date", "2027-01-01", NULL, B(PROFILE_CHANGES) | B(CLEARED_VALUES)},
    {"primary_location", "Berlin", "Munich", B(PROFILE_CHANGES)},
    {"primary_location", "Berlin", NULL, B(PROFILE_CHANGES) | B(CLEARED_VALUES)},
    {"custom:Badge", "17", "18", B(PROFILE_CHANGES)},
    {"custom:Badge", "17", NULL, B(PROFILE_CHANGES) | B(CLEARED_VALUES)},
    {"custom:Cost centre", "4711", "4712", B(PROFILE_CHANGES)},
};

static void change(const char *field, const char *value)
{
    rc_date_t date = RC_DATE_NONE;
    if (value) (void)rc_date_parse(value, strlen(value), &date, NULL);
    if (strcmp(field, "email") == 0) employee.email = value;
    if (strcmp(field, "first_name") == 0) employee.first_name = value;
    if (strcmp(field, "last_name") == 0) employee.last_name = value;
    if (strcmp(field, "job_title") == 0) employee.job_title = value;
    if (strcmp(field, "avatar") == 0) employee.avatar = value;
    if (strcmp(field, "manager_email") == 0) employee.manager_email = value;
    if (strcmp(field, "language") == 0) employee.language = value;
    if (strcmp(field, "status") == 0) employee.status = (rc_status_t)rc_enum_parse(&RC_ENUM_STATUS, value);
    if (strcmp(field, "hire_date") == 0) employee.hire_date = date;
    if (strcmp(field, "leave_date") == 0) employee.leave_date = date;
    if (strcmp(field, "primary_location") == 0) employee.primary_location = (rc_ref_t){value ? "w-2" : NULL, value};
    if (strncmp(field, "custom:", 7) == 0) {
        rc_custom_t *custom = rc_arena_alloc(arena, 2 * sizeof *custom);
        memcpy(custom, employee.custom, 2 * sizeof *custom);
        custom[field[7] == 'B' ? 0 : 1].value = value;
        employee.custom = custom;
    }
}

START_TEST(a_changed_field_is_named_with_what_it_was)
{
    change(CHANGES[_i].field, CHANGES[_i].now);
    run(&snapshot, EMPLOYED);
    ck_assert_uint_eq(diff.count, 1);
    const rc_event_t *event = &diff.events[0];
    ck_assert_int_eq(event->type, RC_EVENT_PROFILE_UPDATED);
    ck_assert_uint_eq(event->profile.change_count, 1);
    ck_assert_str_eq(event->profile.changes[0].field, CHANGES[_i].field);
    ck_assert_str_eq(event->profile.changes[0].previous, CHANGES[_i].previous);
    ck_assert_uint_eq(diff.brakes, CHANGES[_i].brakes);
    /* And the other way round it was empty, or is what it is now. */
    const char *now = rc_employee_field(arena, &employee, CHANGES[_i].field);
    ck_assert_int_eq(now != NULL, CHANGES[_i].now != NULL);
    if (now) ck_assert_str_eq(now, CHANGES[_i].now);
    rc_employee_t swapped = employee;
    employee = snapshot.employee;
    snapshot.employee = swapped;
    run(&snapshot, EMPLOYED);
    ck_assert_uint_eq(diff.events[0].profile.change_count, 1);
    const char *previous = diff.events[0].profile.changes[0].previous;
    ck_assert_int_eq(previous != NULL, now != NULL);
    ck_assert_uint_eq(diff.brakes & B(CLEARED_VALUES), 0);
}
END_TEST

START_TEST(fields_come_in_the_order_of_the_state)
{
    change("custom:Cost centre", "1");
    change("custom:Badge", "2");
    change("status", "LEAVE");
    change("first_name", "Augusta");
    change("email", "b@acme.example");
    run(&snapshot, EMPLOYED);
    static const char *const want[] = {"email", "first_name", "status", "custom:Badge", "custom:Cost centre"};
    ck_assert_uint_eq(diff.events[0].profile.change_count, 5);
    for (size_t i = 0; i < 5; i++) ck_assert_str_eq(diff.events[0].profile.changes[i].field, want[i]);
    ck_assert_uint_eq(diff.brakes, B(EMAIL_CHANGES) | B(PROFILE_CHANGES));
}
END_TEST

START_TEST(diff_ignores_avatar_signature_and_case_of_addresses)
{
    employee.avatar = "https://cdn.example/ada.png?signature=2&expires=9";
    employee.email = "ADA@ACME.example";
    employee.manager_email = "Grace@acme.example";
    run(&snapshot, EMPLOYED);
    ck_assert_uint_eq(diff.count, 0);
    ck_assert_uint_eq(diff.brakes, 0);
    /* Nor are they named when something else is a change. */
    employee.job_title = "Lead";
    run(&snapshot, EMPLOYED);
    ck_assert_uint_eq(diff.events[0].profile.change_count, 1);
    ck_assert_str_eq(diff.events[0].profile.changes[0].field, "job_title");
    ck_assert_uint_eq(diff.brakes, B(PROFILE_CHANGES));
}
END_TEST

START_TEST(unmapping_a_field_clears_nothing)
{
    integration.mapping_count = RC_TARGET_EMAIL + 1;
    employee.job_title = NULL;
    employee.custom_count = 0;
    run(&snapshot, EMPLOYED);
    ck_assert_uint_eq(diff.events[0].profile.change_count, 3);
    ck_assert_uint_eq(diff.brakes, B(PROFILE_CHANGES));
}
END_TEST

START_TEST(a_newly_mapped_custom_field_was_empty)
{
    static const rc_custom_t custom[] = {{"Badge", "17"}, {"Car", "none"}, {"Cost centre", "4711"}};
    employee.custom = custom;
    employee.custom_count = 3;
    run(&snapshot, EMPLOYED);
    ck_assert_uint_eq(diff.events[0].profile.change_count, 1);
    ck_assert_str_eq(diff.events[0].profile.changes[0].field, "custom:Car");
    ck_assert_ptr_null(diff.events[0].profile.changes[0].previous);
}
END_TEST

/* ---- TeamChanged ---- */

static const rc_ref_t TWO_TEAMS[] = {{"s-1", "Guild"}, {"s-2", "Choir"}};
static const rc_ref_t RENAMED[] = {{"s-1", "Guilds"}};
static const rc_ref_t OTHER_ONE[] = {{"s-9", "Guild"}};

static const struct {
    const char *what;
    rc_ref_t primary;
    const rc_ref_t *secondary;
    size_t secondary_count;
    bool rename_only;
} TEAMS[] = {
    {"moved", {"t-2", "Sales"}, TWO_TEAMS, 1, false},
    {"moved to a team of the same name", {"t-2", "Platform"}, TWO_TEAMS, 1, false},
    {"taken away", {NULL, NULL}, TWO_TEAMS, 1, false},
    {"renamed", {"t-1", "Runtime"}, TWO_TEAMS, 1, true},
    {"another secondary team", {"t-1", "Platform"}, TWO_TEAMS, 2, false},
    {"no secondary team", {"t-1", "Platform"}, NULL, 0, false},
    {"a renamed secondary team", {"t-1", "Platform"}, RENAMED, 1, true},
    {"both renamed", {"t-1", "Runtime"}, RENAMED, 1, true},
    {"renamed and another", {"t-1", "Runtime"}, OTHER_ONE, 1, false},
};

START_TEST(teams_have_an_event_of_their_own)
{
    employee.primary_team = TEAMS[_i].primary;
    employee.secondary_teams = TEAMS[_i].secondary;
    employee.secondary_team_count = TEAMS[_i].secondary_count;
    run(&snapshot, EMPLOYED);
    ck_assert_msg(diff.count == 1 && diff.events[0].type == RC_EVENT_TEAM_CHANGED, "%s", TEAMS[_i].what);
    ck_assert_msg(diff.rename_only == TEAMS[_i].rename_only, "%s", TEAMS[_i].what);
    ck_assert_uint_eq(diff.brakes, TEAMS[_i].rename_only ? 0 : B(TEAM_CHANGES));
    ck_assert_str_eq(diff.events[0].team.previous.id, "t-1");
    ck_assert_str_eq(diff.events[0].team.previous.name, "Platform");
    ck_assert(diff.events[0].team.current.id == TEAMS[_i].primary.id);
    /* A policy that leaves teams alone never moves anybody. */
    integration.policy.primary_team_count = 0;
    run(&snapshot, EMPLOYED);
    ck_assert_uint_eq(diff.count, 0);
}
END_TEST

START_TEST(all_events_of_one_diff_share_the_version)
{
    employee.job_title = "Lead";
    employee.primary_team = (rc_ref_t){"t-2", "Sales"};
    run(&snapshot, EMPLOYED);
    ck_assert_uint_eq(diff.count, 2);
    ck_assert_int_eq(diff.events[0].type, RC_EVENT_PROFILE_UPDATED);
    ck_assert_int_eq(diff.events[1].type, RC_EVENT_TEAM_CHANGED);
    ck_assert_int_eq(diff.events[0].version, diff.events[1].version);
    ck_assert_int_eq(diff.events[0].previous_version, diff.events[1].previous_version);
    ck_assert(rc_employee_equal(&diff.events[0].employee, &diff.events[1].employee));
    ck_assert_uint_eq(diff.brakes, B(PROFILE_CHANGES) | B(TEAM_CHANGES));
    rc_snapshot_t after = rc_snapshot_after(&snapshot, &diff);
    ck_assert_int_eq(after.version, diff.events[0].version);
    ck_assert_int_eq(after.previous_version, 1000);
    ck_assert_int_eq(after.presence, RC_PRESENCE_EMPLOYED);
    ck_assert(rc_employee_equal(&after.employee, &employee));
}
END_TEST

/* ---- Properties ---- */

static bool teams_aside_equal(rc_employee_t a, const rc_employee_t *b)
{
    a.primary_team = b->primary_team;
    a.secondary_teams = b->secondary_teams;
    a.secondary_team_count = b->secondary_team_count;
    return rc_employee_equal(&a, b);
}

START_TEST(a_diff_applied_to_the_old_gives_the_new)
{
    size_t counts[RC_EVENT_COUNT] = {0};
    RC_FOR_SEEDS(seed, 6000)
    {
        rc_random_t random = {seed};
        rc_arena_reset(arena);
        rc_integration_t in = rc_gen_integration(arena, &random);
        rc_integration_t later = in;
        if (rc_random_chance(&random, 10)) later.mapping_count = RC_TARGET_EMAIL + 1; /* another mapping */
        rc_kombo_employee_t one = rc_gen_record(arena, &random, &in);
        rc_kombo_employee_t other = rc_gen_change(arena, &random, &in, &one);
        rc_projection_t before, after;
        rc_project(arena, &one, &in, NULL, &before);
        rc_project(arena, &other, &later, &before.employee, &after);
        rc_occasion_t when = {&later, RC_TRIGGER_POLL, RC_TEST_NOW, RC_TEST_TODAY, false};
        rc_snapshot_t published = {.version = 5, .presence = RC_PRESENCE_EMPLOYED, .employee = before.employee};
        if (rc_random_chance(&random, 10)) published.presence = RC_PRESENCE_GONE;
        const rc_snapshot_t *old = rc_random_chance(&random, 10) ? NULL : &published;
        rc_diff_t made;
        rc_diff(arena, &when, "e-1", old, &after.employee, &EMPLOYED, &made);
        rc_employee_t applied = rc_diff_apply(arena, old ? &old->employee : NULL, &made);
        bool left_alone = later.policy.primary_team_count == 0;
        ck_assert_msg(left_alone ? teams_aside_equal(applied, &after.employee)
                                 : rc_employee_equal(&applied, &after.employee),
                      "seed %llu: %zu events", (unsigned long long)seed, made.count);
        for (size_t i = 0; i < made.count; i++) counts[made.events[i].type]++;
        if (old && old->presence == RC_PRESENCE_EMPLOYED && !left_alone)
            ck_assert_msg((made.count == 0) == rc_employee_equal(&old->employee, &after.employee), "seed %llu",
                          (unsigned long long)seed);
        if (made.count == 0) continue;
        /* Published, it is no difference any more. */
        rc_snapshot_t next = rc_snapshot_after(old, &made);
        rc_diff_t again;
        rc_diff(arena, &when, "e-1", &next, &after.employee, &EMPLOYED, &again);
        ck_assert_msg(again.count == 0 && next.version > next.previous_version, "seed %llu", (unsigned long long)seed);
    }
    ck_assert_uint_gt(counts[RC_EVENT_CREATED], 0);
    ck_assert_uint_gt(counts[RC_EVENT_PROFILE_UPDATED], 0);
    ck_assert_uint_gt(counts[RC_EVENT_TEAM_CHANGED], 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("diff");
    TCase *cases = tcase_create("diff");
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, versions_rise_even_when_a_state_was_lost);
    tcase_add_test(cases, an_event_says_who_when_and_after_what);
    tcase_add_loop_test(cases, created_stands_alone_with_its_reason, 0, sizeof CREATED / sizeof *CREATED);
    tcase_add_test(cases, who_comes_back_unchanged_is_created_again);
    tcase_add_test(cases, replaces_makes_a_rehire_and_stays_in_the_snapshot);
    tcase_add_test(cases, deactivated_stands_alone);
    tcase_add_test(cases, a_leaver_keeps_address_and_names);
    tcase_add_loop_test(cases, the_absent_are_as_they_were, 0, sizeof UNSEEN / sizeof *UNSEEN);
    tcase_add_test(cases, who_is_not_announced_cannot_be_deactivated);
    tcase_add_test(cases, waiting_and_ignored_publish_nothing);
    tcase_add_loop_test(cases, a_changed_field_is_named_with_what_it_was, 0, sizeof CHANGES / sizeof *CHANGES);
    tcase_add_test(cases, fields_come_in_the_order_of_the_state);
    tcase_add_test(cases, diff_ignores_avatar_signature_and_case_of_addresses);
    tcase_add_test(cases, unmapping_a_field_clears_nothing);
    tcase_add_test(cases, a_newly_mapped_custom_field_was_empty);
    tcase_add_loop_test(cases, teams_have_an_event_of_their_own, 0, sizeof TEAMS / sizeof *TEAMS);
    tcase_add_test(cases, all_events_of_one_diff_share_the_version);
    tcase_add_test(cases, a_diff_applied_to_the_old_gives_the_new);
    suite_add_tcase(suite, cases);
    return rc_unit_run(suite);
}
