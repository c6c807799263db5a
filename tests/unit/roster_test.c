/* producer/page/roster: lists out of stored rows; when they are made anew. The views are stood in for (the calls are
 * wrapped). */
#include "producer/page/roster.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tests/support/unit.h"

enum { ROWS = 16, TODAY = 20781 /* 24 November 2026 */ };

static struct {
    rc_pending_t pending[ROWS];
    size_t pending_count;
    rc_snapshot_t snapshots[ROWS];
    size_t snapshot_count;
    rc_code_t code;
    atomic_uint_fast64_t edition;
    atomic_int scans;
} world;

uint64_t __wrap_rc_views_edition(const rc_views_t *);
rc_code_t __wrap_rc_views_state(rc_views_t *, const char *, rc_arena_t *, rc_sync_state_t *, bool *, rc_error_t *);
rc_code_t __wrap_rc_views_each_pending(rc_views_t *, const char *, bool (*)(void *, const rc_pending_t *, uint32_t),
                                       void *, rc_error_t *);
rc_code_t __wrap_rc_views_each_snapshot(rc_views_t *, const char *, bool (*)(void *, const char *, size_t, uint32_t),
                                        bool (*)(void *, const rc_snapshot_t *, uint32_t), void *, rc_error_t *);

uint64_t __wrap_rc_views_edition(const rc_views_t *views)
{
    (void)views;
    return atomic_load(&world.edition);
}

rc_code_t __wrap_rc_views_state(rc_views_t *views, const char *integration_id, rc_arena_t *arena,
                                rc_sync_state_t *state, bool *found, rc_error_t *error)
{
    (void)views, (void)integration_id, (void)arena, (void)state, (void)error;
    *found = false;
    return RC_OK;
}

rc_code_t __wrap_rc_views_each_pending(rc_views_t *views, const char *integration_id,
                                       bool (*visit)(void *opaque, const rc_pending_t *pending, uint32_t ordinal),
                                       void *opaque, rc_error_t *error)
{
    (void)views;
    ck_assert_str_eq(integration_id, "personio:A");
    atomic_fetch_add(&world.scans, 1);
    if (world.code) return rc_error_set(error, world.code, RC_REJECT, "row 7 cannot be read");
    for (size_t i = 0; i < world.pending_count; i++) ck_assert(visit(opaque, &world.pending[i], 0));
    return RC_OK;
}

rc_code_t __wrap_rc_views_each_snapshot(rc_views_t *views, const char *integration_id,
                                        bool (*pass)(void *opaque, const char *id, size_t bytes, uint32_t ordinal),
                                        bool (*visit)(void *opaque, const rc_snapshot_t *snapshot, uint32_t ordinal),
                                        void *opaque, rc_error_t *error)
{
    (void)views, (void)integration_id, (void)pass, (void)error;
    for (size_t i = 0; i < world.snapshot_count; i++) ck_assert(visit(opaque, &world.snapshots[i], 0));
    return RC_OK;
}

static rc_zone_t *utc;
static rc_integration_t integration;
static const rc_roster_t *roster;

static void set_up(void)
{
    rc_error_t error = RC_ERROR_INIT;
    memset(&world, 0, sizeof world);
    ck_assert_int_eq(rc_zone_new("UTC", &utc, &error), RC_OK);
    integration = (rc_integration_t){.id = "personio:A", .zone = utc};
    roster = NULL;
}

static void tear_down(void)
{
    rc_roster_release(roster);
    rc_zone_free(utc);
}

static rc_employee_t employee(const char *first, const char *last, const char *email, int32_t hired, int32_t leaves)
{
    return (rc_employee_t){.first_name = first,
                           .last_name = last,
                           .email = email,
                           .hire_date = hired ? (rc_date_t){hired} : RC_DATE_NONE,
                           .leave_date = leaves ? (rc_date_t){leaves} : RC_DATE_NONE};
}

static rc_pending_t *add_pending(const char *id, uint32_t reasons, rc_employee_t who)
{
    rc_pending_t *pending = &world.pending[world.pending_count++];
    *pending = (rc_pending_t){.employee_id = id, .employee = who, .reasons = reasons};
    return pending;
}

static rc_snapshot_t *add_snapshot(const char *id, rc_employee_t who)
{
    rc_snapshot_t *snapshot = &world.snapshots[world.snapshot_count++];
    *snapshot = (rc_snapshot_t){.employee_id = id, .employee = who};
    return snapshot;
}

static void make(void)
{
    roster = rc_roster_make(&integration, NULL, (rc_wall_t){(int64_t)TODAY * 86400000 + 3600000});
}

/* --- what is in it --- */

START_TEST(who_waits_stands_in_the_order_of_names_and_is_counted_by_reason)
{
    add_pending("3", 1U << RC_PENDING_NOT_YET, employee("Zoe", "A", "z@x", 0, 0));
    add_pending("2", 1U << RC_PENDING_NO_EMAIL | 1U << RC_PENDING_NO_NAME, employee(NULL, NULL, NULL, 0, 0));
    add_pending("1", 1U << RC_PENDING_NO_NAME, employee("Åsa", NULL, "ASA@x", 0, 0));
    make();
    ck_assert_uint_eq(roster->waiting_count, 3);
    ck_assert_str_eq(roster->waiting[0].name, "2"); /* nothing else is known */
    ck_assert_str_eq(roster->waiting[1].name, "Åsa");
    ck_assert_str_eq(roster->waiting[1].folded, "asa asa@x 1");
    ck_assert_str_eq(roster->waiting[2].name, "Zoe A");
    ck_assert_int_eq(roster->by_reason[RC_PENDING_NO_NAME], 2);
    ck_assert_int_eq(roster->by_reason[RC_PENDING_NO_EMAIL], 1);
    ck_assert_int_eq(roster->by_reason[RC_PENDING_NOT_YET], 1);
}
END_TEST

START_TEST(what_is_approved_waits_for_no_decision_any_more)
{
    const rc_hold_ref_t holds[] = {{.brake = RC_BRAKE_TEAM_CHANGES, .hold_id = "t", .approved = true},
                                   {.brake = RC_BRAKE_CREATIONS, .hold_id = "c"}};
    rc_pending_t *pending = add_pending("1", 1U << RC_PENDING_HELD, employee("A", "B", "a@x", 0, 0));
    pending->holds = holds;
    pending->hold_count = 2;
    make();
    ck_assert_uint_eq(roster->waiting[0].hold_count, 1);
    ck_assert_str_eq(roster->waiting[0].holds[0].hold_id, "c");
}
END_TEST

START_TEST(who_has_the_address_that_somebody_waits_for_is_named_whatever_their_letters)
{
    add_pending("1", 1U << RC_PENDING_EMAIL_COLLISION, employee("Late", "Comer", "ASA@X", 0, 0));
    add_pending("2", 1U << RC_PENDING_EMAIL_COLLISION, employee("Later", "Still", "asa@x", 0, 0));
    add_pending("3", 1U << RC_PENDING_EMAIL_COLLISION, employee("Lone", "Ly", "lone@x", 0, 0));
    add_pending("4", 1U << RC_PENDING_EMAIL_COLLISION, employee("After", "Pending", "held@x", 0, 0));
    add_pending("5", 1U << RC_PENDING_HELD, employee("Held", "One", "held@x", 0, 0));
    add_snapshot("8", employee("Gone", "Already", "asa@x", 0, 0))->presence = RC_PRESENCE_GONE;
    add_snapshot("9", employee("Åsa", "First", "asa@x", 0, 0));
    make();
    static const char *const rivals[] = {"Held One", NULL, "Åsa First", "Åsa First", NULL};
    static const char *const names[] = {"After Pending", "Held One", "Late Comer", "Later Still", "Lone Ly"};
    ck_assert_uint_eq(roster->waiting_count, 5);
    for (size_t i = 0; i < 5; i++) {
        const rc_waiting_t *waiting = &roster->waiting[i];
        const char *rival = waiting->rival ? roster->rivals[waiting->rival - 1].name : NULL;
        ck_assert_str_eq(waiting->name, names[i]);
        ck_assert_msg((rival && rivals[i] && strcmp(rival, rivals[i]) == 0) || (!rival && !rivals[i]), "%s: %s",
                      waiting->name, rival ? rival : "nobody");
    }
}
END_TEST

static const struct {
    int32_t hired, leaves;
    bool gone;
    const char *told; /* "+0 -29": first day today, last day in 29 days */
} DAYS[] = {
    {TODAY, 0, false, "+0 "},
    {TODAY + 29, 0, false, "+29 "},
    {TODAY + 30, 0, false, ""},
    {TODAY - 1, 0, false, ""},
    {0, TODAY, false, "-0 "},
    {0, TODAY + 29, false, "-29 "},
    {0, TODAY + 30, false, ""},
    {0, TODAY - 1, false, ""},
    {TODAY + 2, TODAY + 20, false, "+2 -20 "},
    {TODAY + 2, TODAY + 1, false, "+2 "}, /* left over from an earlier employment */
    {TODAY + 2, TODAY + 2, false, "+2 -2 "},
    {TODAY, TODAY + 3, true, ""},
    {0, 0, false, ""},
};

START_TEST(the_calendar_has_first_and_last_days_of_thirty_days_from_today)
{
    char told[64] = "";
    size_t length = 0;
    add_snapshot("1", employee("A", "B", "a@x", DAYS[_i].hired, DAYS[_i].leaves))->presence =
        DAYS[_i].gone ? RC_PRESENCE_GONE : RC_PRESENCE_EMPLOYED;
    make();
    for (size_t i = 0; i < roster->day_count; i++)
        length += (size_t)snprintf(told + length, sizeof told - length, "%s%d ", roster->days[i].starts ? "+" : "-",
                                   (int)(roster->days[i].day.days - TODAY));
    ck_assert_str_eq(told, DAYS[_i].told);
}
END_TEST

START_TEST(of_who_waits_the_newest_dates_count_and_a_held_leaver_has_none)
{
    add_pending("1", 1U << RC_PENDING_HELD, employee("New", "Dates", "n@x", 0, TODAY + 4));
    add_pending("2", 1U << RC_PENDING_HELD, employee("Held", "Leaver", "l@x", 0, TODAY + 4))->wanted = RC_PRESENCE_GONE;
    add_snapshot("1", employee("Old", "Dates", "n@x", 0, TODAY + 9));
    add_snapshot("2", employee("Held", "Leaver", "l@x", 0, TODAY + 9));
    make();
    ck_assert_uint_eq(roster->day_count, 1);
    ck_assert_str_eq(roster->days[0].name, "New Dates");
}
END_TEST

START_TEST(a_day_s_beginners_stand_before_its_leavers)
{
    add_snapshot("1", employee("A", "Leaver", "1@x", 0, TODAY + 4));
    add_snapshot("2", employee("Z", "Starter", "2@x", TODAY + 4, 0));
    add_snapshot("3", employee("B", "Starter", "3@x", TODAY + 4, 0));
    add_snapshot("4", employee("C", "Earlier", "4@x", 0, TODAY + 3));
    make();
    static const char *const ids[] = {"4", "3", "2", "1"};
    for (size_t i = 0; i < 4; i++) ck_assert_str_eq(roster->days[i].employee_id, ids[i]);
}
END_TEST

START_TEST(rows_that_cannot_be_read_leave_an_empty_list_that_says_so)
{
    world.code = RC_MALFORMED;
    make();
    ck_assert_int_eq(roster->error.code, RC_MALFORMED);
    ck_assert_str_eq(roster->error.message, "row 7 cannot be read");
    ck_assert_uint_eq(roster->waiting_count, 0);
}
END_TEST

/* --- when it is made --- */

static rc_config_t config;
static rc_rosters_t *rosters;

static void start_rosters(void)
{
    set_up();
    config = (rc_config_t){.integrations = &integration, .integrations_count = 1};
    rosters = rc_rosters_new(&config, NULL);
}

static void stop_rosters(void)
{
    rc_rosters_free(rosters);
    rc_zone_free(utc);
}

/* Looks until it is up to date; releases it. */
static void look(size_t waiting)
{
    int64_t deadline_ms = rc_mono_now().ms + rc_unit_patience_ms(10000);
    for (;;) {
        bool fresh;
        const rc_roster_t *found = rc_rosters_get(rosters, 0, &fresh);
        bool done = found && fresh;
        if (done) ck_assert_uint_eq(found->waiting_count, waiting);
        rc_roster_release(found);
        if (done) return;
        ck_assert_int_lt(rc_mono_now().ms, deadline_ms);
        (void)nanosleep(&(struct timespec){0, 1000000}, NULL);
    }
}

START_TEST(nobody_looks_and_nothing_is_read)
{
    ck_assert_int_eq(atomic_load(&world.scans), 0);
}
END_TEST

START_TEST(it_is_made_when_somebody_looks_and_again_only_when_something_changed)
{
    look(0);
    ck_assert_int_eq(atomic_load(&world.scans), 1);
    for (int i = 0; i < 100; i++) look(0);
    ck_assert_int_eq(atomic_load(&world.scans), 1);
    add_pending("1", 1U << RC_PENDING_NO_NAME, employee("A", NULL, "a@x", 0, 0));
    atomic_fetch_add(&world.edition, 1);
    look(1);
    ck_assert_int_eq(atomic_load(&world.scans), 2);
}
END_TEST

START_TEST(changes_without_end_do_not_make_it_without_end)
{
    look(0);
    rc_mono_t began = rc_mono_now();
    for (int i = 0; i < 20; i++) {
        bool fresh;
        atomic_fetch_add(&world.edition, 1);
        rc_roster_release(rc_rosters_get(rosters, 0, &fresh));
        ck_assert(!fresh);
    }
    int64_t took_ms = rc_mono_now().ms - began.ms;
    ck_assert_int_le(atomic_load(&world.scans), 2 + took_ms / 250);
}
END_TEST

START_TEST(one_that_somebody_holds_outlives_the_next)
{
    look(0);
    const rc_roster_t *held = rc_rosters_get(rosters, 0, NULL);
    add_pending("1", 1U << RC_PENDING_NO_NAME, employee("A", NULL, "a@x", 0, 0));
    atomic_fetch_add(&world.edition, 1);
    look(1);
    ck_assert_uint_eq(held->waiting_count, 0);
    rc_roster_release(held);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("roster");
    TCase *content = tcase_create("content"), *life = tcase_create("life");
    tcase_add_checked_fixture(content, set_up, tear_down);
    tcase_add_test(content, who_waits_stands_in_the_order_of_names_and_is_counted_by_reason);
    tcase_add_test(content, what_is_approved_waits_for_no_decision_any_more);
    tcase_add_test(content, who_has_the_address_that_somebody_waits_for_is_named_whatever_their_letters);
    tcase_add_loop_test(content, the_calendar_has_first_and_last_days_of_thirty_days_from_today, 0,
                        sizeof DAYS / sizeof *DAYS);
    tcase_add_test(content, of_who_waits_the_newest_dates_count_and_a_held_leaver_has_none);
    tcase_add_test(content, a_day_s_beginners_stand_before_its_leavers);
    tcase_add_test(content, rows_that_cannot_be_read_leave_an_empty_list_that_says_so);
    tcase_add_checked_fixture(life, start_rosters, stop_rosters);
    tcase_add_test(life, nobody_looks_and_nothing_is_read);
    tcase_add_test(life, it_is_made_when_somebody_looks_and_again_only_when_something_changed);
    tcase_add_test(life, changes_without_end_do_not_make_it_without_end);
    tcase_add_test(life, one_that_somebody_holds_outlives_the_next);
    suite_add_tcase(suite, content);
    suite_add_tcase(suite, life);
    return rc_unit_run(suite);
}
