/* producer/rules/brakes: who is held, for how long, and what a person's decision does. The tests play the part of the
 * engine for a small company: what was published and what waits is kept in arrays, and every run decides everybody. */
#include "producer/rules/brakes.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/gen.h"
#include "tests/support/unit.h"

enum { PEOPLE = 40, HOUR_MS = 3600000 };
#define R(name) (1U << RC_PENDING_##name)
#define B(name) (1U << RC_BRAKE_##name)

typedef struct {
    char id[8];
    rc_kombo_employee_t record;
    bool there; /* HR has them */
    bool published_once;
    rc_snapshot_t snapshot;
    bool waits;
    rc_pending_t pending;
} person_t;

static rc_arena_t *arena;
static rc_integration_t integration;
static rc_occasion_t occasion;
static person_t people[PEOPLE];
static rc_sync_state_t state;
static uint32_t paused;
static rc_hold_decision_t decision;
static size_t published; /* by the last run */

static void set_up(void)
{
    arena = rc_arena_new();
    integration = rc_test_integration(arena);
    for (int i = 0; i < RC_BRAKE_COUNT; i++) integration.policy.brakes[i] = (rc_brake_limit_t){5, 0};
    occasion = (rc_occasion_t){&integration, RC_TRIGGER_POLL, RC_TEST_NOW, RC_TEST_TODAY, true};
    memset(people, 0, sizeof people);
    state = (rc_sync_state_t){.integration_id = integration.id};
    paused = 0;
    decision = (rc_hold_decision_t){NULL, false, {0}};
    for (int i = 0; i < PEOPLE; i++) {
        person_t *person = &people[i];
        (void)snprintf(person->id, sizeof person->id, "e-%d", i);
        person->record = rc_test_record(arena);
        person->record.id = person->id;
        person->record.values[RC_TARGET_EMAIL] = rc_arena_sprintf(arena, "e%d@acme.example", i);
        person->there = true;
    }
}

static void tear_down(void)
{
    rc_arena_free(arena);
}

/* ---- The engine's part ---- */

typedef struct {
    person_t *person;
    rc_decision_t decision;
    rc_braked_t braked;
} staged_t;

static int64_t count_announced(void)
{
    int64_t announced = 0;
    for (int i = 0; i < PEOPLE; i++)
        announced += people[i].published_once && people[i].snapshot.presence == RC_PRESENCE_EMPLOYED;
    return announced;
}

static void finish(rc_brakes_t *brakes, staged_t *staged)
{
    person_t *person = staged->person;
    rc_obstacles_t obstacles = {.reasons = 0};
    rc_pending_t next;
    const rc_pending_t *stored = person->waits ? &person->pending : NULL;
    const rc_snapshot_t *before = person->published_once ? &person->snapshot : NULL;
    if (staged->decision.diff.count > 0) {
        rc_brakes_obstacles(brakes, arena, staged->braked, stored, &staged->decision, &obstacles);
        ck_assert_int_eq(rc_brakes_let_pass(brakes, staged->braked), !obstacles.reasons);
    }
    rc_pending_action_t action = rc_pending_next(&occasion, person->id, stored, &staged->decision, &obstacles, &next);
    if (staged->decision.diff.count > 0 && !obstacles.reasons) {
        rc_snapshot_t after = rc_snapshot_after(before, &staged->decision.diff);
        rc_brakes_count(brakes, staged->braked, &after);
        person->snapshot = after;
        person->snapshot.employee = rc_employee_copy(arena, &after.employee);
        person->published_once = true;
        published++;
    }
    if (action == RC_PENDING_WRITE) {
        person->pending = next;
        person->pending.employee = rc_employee_copy(arena, &next.employee);
    }
    if (action != RC_PENDING_NOTHING) person->waits = action == RC_PENDING_WRITE;
}

/* One full poll of a company in which whoever is not there is INACTIVE. */
static void run(void)
{
    staged_t staged[PEOPLE];
    rc_brakes_t *brakes = rc_brakes_new(&occasion, &state, paused, decision.hold_id ? &decision : NULL);
    published = 0;
    for (int i = 0; i < PEOPLE; i++) {
        person_t *person = &people[i];
        staged_t *one = &staged[i];
        one->person = person;
        person->record.employment_status = person->there ? "ACTIVE" : "INACTIVE";
        const rc_snapshot_t *before = person->published_once ? &person->snapshot : NULL;
        const rc_pending_t *stored = person->waits ? &person->pending : NULL;
        rc_decide_record(arena, &occasion, &person->record, RC_LOOK_FULL, before, stored, &one->decision);
        if (one->decision.diff.count == 0) continue;
        one->braked = rc_brakes_look(brakes, arena, before, stored, &one->decision);
        rc_brakes_add(brakes, one->braked);
    }
    rc_brakes_decide(brakes, count_announced(), 0x123456789abcdef + (uint64_t)occasion.now.ms);
    for (int i = 0; i < PEOPLE; i++) finish(brakes, &staged[i]);
    rc_brakes_save(brakes, true, arena, &state);
    rc_brakes_free(brakes);
    decision.hold_id = NULL;
    occasion.initial_import = false;
}

static void pass_hours(int hours)
{
    occasion.now.ms += (int64_t)hours * HOUR_MS;
    occasion.today = rc_zone_date(integration.zone, occasion.now);
}

static void import(void)
{
    run();
    ck_assert_uint_eq(published, PEOPLE);
    pass_hours(1);
}

static void leave(int first, int count)
{
    for (int i = first; i < first + count; i++) people[i].there = false;
}

static void change_title(int first, int count, const char *title)
{
    for (int i = first; i < first + count; i++) people[i].record.values[RC_TARGET_JOB_TITLE] = title;
}

static void decide_hold(const rc_hold_t *hold, bool approve)
{
    decision = (rc_hold_decision_t){hold->id, approve, hold->changed_at};
}

static size_t count_waiting(uint32_t reason)
{
    size_t count = 0;
    for (int i = 0; i < PEOPLE; i++) count += people[i].waits && people[i].pending.reasons & reason;
    return count;
}

/* Run `what` again an hour later: nothing is news. */
static void check_quiet(void)
{
    rc_pending_t before[PEOPLE];
    for (int i = 0; i < PEOPLE; i++) before[i] = people[i].pending;
    const rc_sync_state_t was = state;
    pass_hours(1);
    run();
    ck_assert_uint_eq(published, 0);
    ck_assert_uint_eq(state.hold_count, was.hold_count);
    for (size_t i = 0; i < was.hold_count; i++) {
        ck_assert_str_eq(state.holds[i].id, was.holds[i].id);
        ck_assert_int_eq(state.holds[i].employees, was.holds[i].employees);
        ck_assert_int_eq(state.holds[i].changed_at.ms, was.holds[i].changed_at.ms);
    }
    for (int i = 0; i < PEOPLE; i++)
        if (people[i].waits) ck_assert(rc_pending_equal(&before[i], &people[i].pending));
}

/* ---- The limit ---- */

START_TEST(the_limit_is_the_greater_of_count_and_percent)
{
    static const struct {
        rc_brake_limit_t policy;
        int64_t announced, limit;
    } cases[] = {{{5, 10}, 0, 5}, {{5, 10}, 50, 5},   {{5, 10}, 59, 5},  {{5, 10}, 60, 6},
                 {{0, 10}, 9, 0}, {{0, 0}, 1000, -1}, {{3, 0}, 1000, 3}, {{100, 50}, 1000000, 500000}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_int_eq(rc_brake_limit(cases[i].policy, cases[i].announced), cases[i].limit);
}
END_TEST

START_TEST(exactly_the_limit_passes_and_one_more_holds_all)
{
    import();
    leave(0, 5);
    run();
    ck_assert_uint_eq(published, 5);
    ck_assert_uint_eq(state.hold_count, 0);
    leave(5, 1);
    run();
    ck_assert_uint_eq(published, 0);
    ck_assert_uint_eq(state.hold_count, 1);
    ck_assert_int_eq(state.holds[0].brake, RC_BRAKE_DEACTIVATIONS);
    ck_assert_int_eq(state.holds[0].employees, 1);
    ck_assert_int_eq(state.holds[0].limit, 5);
    check_quiet();
}
END_TEST

START_TEST(I3_a_drip_is_held_like_a_flood)
{
    import();
    for (int i = 0; i < 5; i++) {
        leave(i, 1);
        run();
        ck_assert_uint_eq(published, 1);
        pass_hours(4);
    }
    leave(5, 1); /* 20 hours after the first */
    run();
    ck_assert_uint_eq(published, 0);
    ck_assert_uint_eq(count_waiting(R(HELD)), 1);
}
END_TEST

START_TEST(what_is_older_than_the_window_counts_no_more)
{
    import();
    leave(0, 5);
    run();
    pass_hours(24);
    leave(5, 1);
    run();
    ck_assert_uint_eq(published, 0); /* the same hour of yesterday may lie within 24 hours */
    people[5].there = true;
    run();
    ck_assert_uint_eq(state.hold_count, 0);
    pass_hours(1);
    leave(5, 5);
    run();
    ck_assert_uint_eq(published, 5);
}
END_TEST

START_TEST(a_brake_that_is_off_holds_nobody)
{
    integration.policy.brakes[RC_BRAKE_DEACTIVATIONS] = (rc_brake_limit_t){0, 0};
    import();
    leave(0, 30);
    run();
    ck_assert_uint_eq(published, 30);
}
END_TEST

START_TEST(a_person_counts_once_in_a_class)
{
    import();
    for (int round = 0; round < 4; round++) {
        change_title(0, 5, round % 2 ? "Lead" : "Head");
        run();
        ck_assert_uint_eq(published, 5);
        pass_hours(1);
    }
    change_title(5, 1, "Lead");
    run();
    ck_assert_uint_eq(published, 0);
}
END_TEST

START_TEST(the_first_import_has_no_brake_for_creations)
{
    run();
    ck_assert_uint_eq(published, PEOPLE);
    ck_assert_uint_eq(state.windows[RC_BRAKE_CREATIONS].count, 0);
}
END_TEST

START_TEST(everybody_else_goes_on)
{
    import();
    leave(0, 10);
    change_title(20, 3, "Lead");
    run();
    ck_assert_uint_eq(published, 3);
    ck_assert_uint_eq(count_waiting(R(HELD)), 10);
}
END_TEST

START_TEST(a_change_is_held_whole_and_lists_every_reason)
{
    import();
    for (int i = 0; i < 8; i++) {
        people[i].record.values[RC_TARGET_JOB_TITLE] = NULL;
        people[i].record.groups[0].id = "t-9";
    }
    run();
    ck_assert_uint_eq(published, 0);
    ck_assert_uint_eq(state.hold_count, 3);
    ck_assert_uint_eq(people[0].pending.hold_count, 3);
    ck_assert_int_eq(people[0].pending.holds[0].brake, RC_BRAKE_TEAM_CHANGES);
    ck_assert_int_eq(people[0].pending.holds[1].brake, RC_BRAKE_PROFILE_CHANGES);
    ck_assert_int_eq(people[0].pending.holds[2].brake, RC_BRAKE_CLEARED_VALUES);
    check_quiet();
}
END_TEST

/* ---- Holds ---- */

START_TEST(further_changes_join_an_open_hold)
{
    import();
    leave(0, 6);
    run();
    rc_hold_t first = state.holds[0];
    pass_hours(48); /* the window is empty, the hold is not */
    leave(6, 1);
    run();
    ck_assert_uint_eq(published, 0);
    ck_assert_uint_eq(state.hold_count, 1);
    ck_assert_str_eq(state.holds[0].id, first.id);
    ck_assert_int_eq(state.holds[0].employees, 7);
    ck_assert_int_eq(state.holds[0].since.ms, first.since.ms);
    ck_assert_int_eq(state.holds[0].changed_at.ms, occasion.now.ms);
}
END_TEST

START_TEST(a_hold_ends_by_itself_when_nothing_stands)
{
    import();
    leave(0, 6);
    run();
    ck_assert_uint_eq(state.hold_count, 1);
    for (int i = 0; i < 6; i++) people[i].there = true;
    run();
    ck_assert_uint_eq(state.hold_count, 0);
    ck_assert_uint_eq(count_waiting(UINT32_MAX), 0);
    ck_assert_uint_eq(published, 0);
}
END_TEST

START_TEST(what_remains_of_a_hold_stays_held)
{
    import();
    leave(0, 6);
    run();
    for (int i = 0; i < 5; i++) people[i].there = true;
    pass_hours(30);
    run();
    ck_assert_uint_eq(state.hold_count, 1);
    ck_assert_int_eq(state.holds[0].employees, 1);
    ck_assert_uint_eq(published, 0);
}
END_TEST

/* ---- Decisions ---- */

START_TEST(approving_publishes_what_was_listed_and_counts_nothing)
{
    import();
    leave(0, 10);
    run();
    rc_hold_t hold = state.holds[0];
    pass_hours(1);
    leave(10, 2); /* joined after the list was looked at */
    run();
    ck_assert_int_eq(state.holds[0].employees, 12);
    pass_hours(1);
    decide_hold(&hold, true);
    run();
    ck_assert_uint_eq(published, 10);
    for (int i = 0; i < 10; i++) ck_assert_int_eq(people[i].snapshot.presence, RC_PRESENCE_GONE);
    ck_assert_uint_eq(state.hold_count, 1);
    ck_assert_str_ne(state.holds[0].id, hold.id);
    ck_assert_int_eq(state.holds[0].employees, 2);
    ck_assert_uint_eq(state.windows[RC_BRAKE_DEACTIVATIONS].count, 0);
    check_quiet();
}
END_TEST

START_TEST(approving_is_of_what_was_seen)
{
    import();
    leave(0, 6);
    run();
    rc_hold_t hold = state.holds[0];
    pass_hours(1);
    people[0].there = true;                                       /* does not stand any more */
    people[1].record.values[RC_TARGET_LEAVE_DATE] = "2026-11-20"; /* another content */
    run();
    pass_hours(1);
    decide_hold(&hold, true);
    run();
    ck_assert_uint_eq(published, 4);
    ck_assert_int_eq(people[0].snapshot.presence, RC_PRESENCE_EMPLOYED);
    ck_assert_int_eq(people[1].snapshot.presence, RC_PRESENCE_EMPLOYED);
    ck_assert(people[1].waits && people[1].pending.reasons == R(HELD));
    ck_assert_str_ne(people[1].pending.holds[0].hold_id, hold.id);
}
END_TEST

START_TEST(whoever_two_brakes_hold_waits_for_both)
{
    import();
    for (int i = 0; i < 8; i++) {
        people[i].record.values[RC_TARGET_JOB_TITLE] = "Lead";
        people[i].record.groups[0].id = "t-9";
    }
    run();
    ck_assert_uint_eq(state.hold_count, 2);
    rc_hold_t teams = state.holds[0], profiles = state.holds[1];
    decide_hold(&teams, true);
    run();
    ck_assert_uint_eq(published, 0);
    ck_assert_uint_eq(state.hold_count, 1);
    ck_assert_str_eq(state.holds[0].id, profiles.id);
    check_quiet();
    decide_hold(&profiles, true);
    run();
    ck_assert_uint_eq(published, 8);
    ck_assert_uint_eq(state.hold_count, 0);
}
END_TEST

START_TEST(rejecting_keeps_people_as_they_are)
{
    import();
    leave(0, 8);
    run();
    decide_hold(&state.holds[0], false);
    run();
    ck_assert_uint_eq(published, 0);
    ck_assert_uint_eq(state.hold_count, 0);
    ck_assert_uint_eq(count_waiting(R(REJECTED)), 8);
    pass_hours(48);
    check_quiet();
    /* They count nowhere. */
    leave(20, 5);
    run();
    ck_assert_uint_eq(published, 5);
}
END_TEST

START_TEST(a_rejected_deactivation_returns_when_status_leave_date_or_presence_changes)
{
    import();
    leave(0, 8);
    run();
    decide_hold(&state.holds[0], false);
    run();
    pass_hours(1);
    change_title(0, 1, "Lead"); /* not its business */
    run();
    ck_assert_uint_eq(count_waiting(R(REJECTED)), 8);
    people[1].record.values[RC_TARGET_LEAVE_DATE] = "2026-11-20";
    run();
    ck_assert_uint_eq(published, 1);
    ck_assert_int_eq(people[1].snapshot.presence, RC_PRESENCE_GONE);
    people[2].there = true;
    run();
    ck_assert(!people[2].waits);
    leave(2, 1);
    run();
    ck_assert_uint_eq(published, 1);
    ck_assert_uint_eq(count_waiting(R(REJECTED)), 6);
}
END_TEST

START_TEST(a_rejected_profile_returns_when_one_of_its_fields_does)
{
    import();
    change_title(0, 8, "Lead");
    run();
    decide_hold(&state.holds[0], false);
    run();
    ck_assert_uint_eq(count_waiting(R(REJECTED)), 8);
    change_title(0, 1, "Head");
    people[1].record.groups[0].id = "t-9"; /* no field of the class: all of the change still waits */
    run();
    ck_assert_uint_eq(published, 1);
    ck_assert_str_eq(people[0].snapshot.employee.job_title, "Head");
    ck_assert_uint_eq(count_waiting(R(REJECTED)), 7);
}
END_TEST

START_TEST(who_joined_after_the_list_is_not_rejected_with_it)
{
    import();
    leave(0, 8);
    run();
    rc_hold_t hold = state.holds[0];
    pass_hours(1);
    leave(8, 1);
    run();
    decide_hold(&hold, false);
    run();
    ck_assert_uint_eq(count_waiting(R(REJECTED)), 8);
    ck_assert_uint_eq(state.hold_count, 1);
    ck_assert_str_ne(state.holds[0].id, hold.id);
    ck_assert_int_eq(state.holds[0].employees, 1);
}
END_TEST

/* ---- Pauses, addresses, many runs ---- */

START_TEST(the_paused_open_no_hold)
{
    import();
    paused = 1U << RC_EVENT_DEACTIVATED;
    leave(0, 10);
    run();
    ck_assert_uint_eq(count_waiting(R(PAUSED)), 10);
    ck_assert_uint_eq(state.hold_count, 0);
    paused = 0;
    run();
    ck_assert_uint_eq(count_waiting(R(PAUSED)), 0);
    ck_assert_uint_eq(count_waiting(R(HELD)), 10);
}
END_TEST

START_TEST(the_paused_wait_without_counting_and_keep_their_holds)
{
    import();
    leave(0, 6);
    run();
    rc_hold_t hold = state.holds[0];
    paused = 1U << RC_EVENT_DEACTIVATED;
    leave(6, 3);
    pass_hours(1);
    run();
    ck_assert_uint_eq(count_waiting(R(PAUSED)), 9);
    ck_assert_uint_eq(count_waiting(R(HELD)), 6);
    ck_assert_str_eq(state.holds[0].id, hold.id);
    decide_hold(&hold, true);
    run();
    ck_assert_uint_eq(published, 0);
    ck_assert_uint_eq(state.hold_count, 0);
    check_quiet();
    paused = 0;
    run();
    ck_assert_uint_eq(published, 9); /* six approved, three within the limit */
}
END_TEST

START_TEST(waiting_for_an_address_counts_when_it_ends)
{
    import();
    for (int i = 0; i < 8; i++) {
        people[i].record.values[RC_TARGET_EMAIL] = rc_arena_sprintf(arena, "new%d@acme.example", i);
        people[i].waits = true;
        people[i].pending = (rc_pending_t){.integration_id = integration.id,
                                           .employee_id = people[i].id,
                                           .employee = people[i].snapshot.employee,
                                           .effective_date = RC_DATE_NONE,
                                           .reasons = R(EMAIL_COLLISION),
                                           .since = occasion.now};
    }
    people[20].record.values[RC_TARGET_EMAIL] = "other@acme.example";
    rc_brakes_t *brakes = rc_brakes_new(&occasion, &state, 0, NULL);
    rc_decision_t decided;
    for (int i = 0; i < PEOPLE; i++) {
        rc_decide_record(arena, &occasion, &people[i].record, RC_LOOK_FULL, &people[i].snapshot,
                         people[i].waits ? &people[i].pending : NULL, &decided);
        if (decided.diff.count == 0) continue;
        rc_brakes_add(brakes, rc_brakes_look(brakes, arena, &people[i].snapshot,
                                             people[i].waits ? &people[i].pending : NULL, &decided));
    }
    rc_brakes_decide(brakes, PEOPLE, 1);
    rc_braked_t braked = {.classes = B(EMAIL_CHANGES), .fresh = B(EMAIL_CHANGES)};
    ck_assert(rc_brakes_let_pass(brakes, braked)); /* one of nine counts */
    rc_snapshot_t after = people[0].snapshot;
    rc_brakes_count(brakes, (rc_braked_t){.classes = B(EMAIL_CHANGES)}, &after);
    rc_brakes_save(brakes, true, arena, &state);
    ck_assert_int_eq(state.windows[RC_BRAKE_EMAIL_CHANGES].buckets[0].count, 1);
    rc_brakes_free(brakes);
}
END_TEST

/* Whatever happens, never more than the limit goes through a class within 24 hours unless a person approved it. */
START_TEST(I3_never_more_than_the_limit_in_any_24_hours)
{
    enum { ROUNDS = 60 };
    RC_FOR_SEEDS(seed, 40)
    {
        rc_random_t random = {seed};
        int64_t at[PEOPLE * ROUNDS];
        size_t count = 0;
        tear_down();
        set_up();
        import();
        for (int round = 0; round < ROUNDS; round++) {
            for (int i = 0; i < PEOPLE; i++)
                if (rc_random_chance(&random, 4)) people[i].there = !people[i].there;
            rc_snapshot_t before[PEOPLE];
            for (int i = 0; i < PEOPLE; i++) before[i] = people[i].snapshot;
            if (state.hold_count && rc_random_chance(&random, 10))
                decide_hold(&state.holds[rc_random_below(&random, state.hold_count)], false);
            run();
            for (int i = 0; i < PEOPLE; i++) { /* each counts once */
                const rc_snapshot_t *after = &people[i].snapshot;
                if (after->version != before[i].version && after->presence == RC_PRESENCE_GONE &&
                    after->counted_hours[RC_BRAKE_DEACTIVATIONS] != before[i].counted_hours[RC_BRAKE_DEACTIVATIONS])
                    at[count++] = occasion.now.ms;
            }
            for (int i = 0; i < PEOPLE; i++) /* nobody is lost: who should go is gone or waits */
                if (!people[i].there && people[i].published_once)
                    ck_assert(people[i].snapshot.presence == RC_PRESENCE_GONE || people[i].waits);
            occasion.now.ms += (int64_t)rc_random_below(&random, 5 * HOUR_MS);
        }
        ck_assert_uint_gt(count, 5);
        for (size_t i = 0; i + 5 < count; i++)
            ck_assert_msg(at[i + 5] - at[i] >= (int64_t)24 * HOUR_MS, "six within 24 hours (seed %llu)",
                          (unsigned long long)seed);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("brakes");
    TCase *tcase = tcase_create("brakes");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, the_limit_is_the_greater_of_count_and_percent);
    tcase_add_test(tcase, exactly_the_limit_passes_and_one_more_holds_all);
    tcase_add_test(tcase, I3_a_drip_is_held_like_a_flood);
    tcase_add_test(tcase, what_is_older_than_the_window_counts_no_more);
    tcase_add_test(tcase, a_brake_that_is_off_holds_nobody);
    tcase_add_test(tcase, a_person_counts_once_in_a_class);
    tcase_add_test(tcase, the_first_import_has_no_brake_for_creations);
    tcase_add_test(tcase, everybody_else_goes_on);
    tcase_add_test(tcase, a_change_is_held_whole_and_lists_every_reason);
    tcase_add_test(tcase, further_changes_join_an_open_hold);
    tcase_add_test(tcase, a_hold_ends_by_itself_when_nothing_stands);
    tcase_add_test(tcase, what_remains_of_a_hold_stays_held);
    tcase_add_test(tcase, approving_publishes_what_was_listed_and_counts_nothing);
    tcase_add_test(tcase, approving_is_of_what_was_seen);
    tcase_add_test(tcase, whoever_two_brakes_hold_waits_for_both);
    tcase_add_test(tcase, rejecting_keeps_people_as_they_are);
    tcase_add_test(tcase, a_rejected_deactivation_returns_when_status_leave_date_or_presence_changes);
    tcase_add_test(tcase, a_rejected_profile_returns_when_one_of_its_fields_does);
    tcase_add_test(tcase, who_joined_after_the_list_is_not_rejected_with_it);
    tcase_add_test(tcase, the_paused_open_no_hold);
    tcase_add_test(tcase, the_paused_wait_without_counting_and_keep_their_holds);
    tcase_add_test(tcase, waiting_for_an_address_counts_when_it_ends);
    tcase_add_test(tcase, I3_never_more_than_the_limit_in_any_24_hours);
    suite_add_tcase(suite, tcase);
    return rc_unit_run(suite);
}
