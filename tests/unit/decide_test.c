#include "producer/rules/decide.h"

#include <string.h>

#include "tests/support/gen.h"
#include "tests/support/unit.h"

#define R(name) (1U << RC_PENDING_##name)

enum { HOUR_MS = 3600000 };

static rc_arena_t *arena;
static rc_integration_t integration;
static rc_occasion_t occasion;
static rc_kombo_employee_t record;
static rc_decision_t decision;
static rc_pending_t pending;

static void set_up(void)
{
    arena = rc_arena_new();
    integration = rc_test_integration(arena);
    occasion = (rc_occasion_t){&integration, RC_TRIGGER_POLL, RC_TEST_NOW, RC_TEST_TODAY, false};
    record = rc_test_record(arena);
}

static void tear_down(void)
{
    rc_arena_free(arena);
}

static void decide(const rc_snapshot_t *snapshot, const rc_pending_t *stored)
{
    rc_decide_record(arena, &occasion, &record, RC_LOOK_FULL, snapshot, stored, &decision);
}

/* Publishes what the record says now. */
static rc_snapshot_t publish(const rc_snapshot_t *before)
{
    decide(before, NULL);
    ck_assert_uint_gt(decision.diff.count, 0);
    rc_snapshot_t after = rc_snapshot_after(before, &decision.diff);
    after.employee = rc_employee_copy(arena, &after.employee);
    return after;
}

static rc_pending_action_t next(const rc_pending_t *stored, const rc_obstacles_t *obstacles)
{
    return rc_pending_next(&occasion, "e-1", stored, &decision, obstacles, &pending);
}

static void pass_hours(int hours)
{
    occasion.now.ms += (int64_t)hours * HOUR_MS;
    occasion.today = rc_zone_date(integration.zone, occasion.now);
}

/* ---- One life ---- */

START_TEST(a_life_from_hire_to_rehire)
{
    integration.policy.create.immediately = false;
    record.employment_status = "PENDING";
    record.values[RC_TARGET_HIRE_DATE] = "2026-11-24";
    decide(NULL, NULL);
    ck_assert_uint_eq(decision.diff.count, 0);
    ck_assert_int_eq(next(NULL, NULL), RC_PENDING_WRITE);
    ck_assert_uint_eq(pending.reasons, R(NOT_YET));
    ck_assert_int_eq(pending.wanted, RC_PRESENCE_EMPLOYED);
    ck_assert_int_eq(pending.since.ms, RC_TEST_NOW.ms);
    ck_assert_int_eq(pending.until.ms, INT64_C(20781) * 24 * HOUR_MS); /* midnight of the 24th */

    /* The day comes, without a fetch. */
    rc_pending_t stored = pending;
    pass_hours(48);
    rc_decide_stored(arena, &occasion, NULL, &stored, &decision);
    ck_assert_int_eq(decision.diff.events[0].type, RC_EVENT_CREATED);
    ck_assert_int_eq(decision.diff.events[0].created.reason, RC_CREATED_NEW_HIRE);
    ck_assert_int_eq(next(&stored, NULL), RC_PENDING_TOMBSTONE);
    rc_snapshot_t snapshot = rc_snapshot_after(NULL, &decision.diff);

    record.employment_status = "INACTIVE";
    decide(&snapshot, NULL);
    ck_assert_int_eq(decision.diff.events[0].type, RC_EVENT_DEACTIVATED);
    snapshot = rc_snapshot_after(&snapshot, &decision.diff);
    decide(&snapshot, NULL);
    ck_assert_int_eq(decision.verdict.kind, RC_VERDICT_IGNORE);
    ck_assert_int_eq(next(NULL, NULL), RC_PENDING_NOTHING);

    record.employment_status = "ACTIVE";
    decide(&snapshot, NULL);
    ck_assert_int_eq(decision.diff.events[0].created.reason, RC_CREATED_REHIRE);
    ck_assert_int_eq(decision.diff.events[0].previous_version, snapshot.version);
}
END_TEST

START_TEST(a_leave_date_takes_effect_on_the_day_after_it_without_a_fetch)
{
    record.values[RC_TARGET_LEAVE_DATE] = "2026-11-22";
    rc_snapshot_t snapshot = publish(NULL);
    rc_decide_stored(arena, &occasion, &snapshot, NULL, &decision);
    ck_assert_uint_eq(decision.diff.count, 0);
    ck_assert_int_eq(decision.verdict.next_date.days, RC_TEST_TODAY.days + 1);
    pass_hours(12);
    rc_decide_stored(arena, &occasion, &snapshot, NULL, &decision);
    ck_assert_uint_eq(decision.diff.count, 1);
    ck_assert_int_eq(decision.diff.events[0].deactivated.reason, RC_GONE_TERMINATION_DATE);
    ck_assert_int_eq(decision.diff.events[0].deactivated.effective_date.days, RC_TEST_TODAY.days);
}
END_TEST

START_TEST(an_announced_one_who_loses_the_address_waits_and_keeps_what_they_had)
{
    rc_snapshot_t snapshot = publish(NULL);
    record.values[RC_TARGET_EMAIL] = NULL;
    record.values[RC_TARGET_JOB_TITLE] = "Lead";
    decide(&snapshot, NULL);
    ck_assert_uint_eq(decision.diff.count, 0);
    ck_assert_int_eq(next(NULL, NULL), RC_PENDING_WRITE);
    ck_assert_uint_eq(pending.reasons, R(NO_EMAIL));
    ck_assert_str_eq(pending.employee.job_title, "Lead");
    ck_assert_int_eq(pending.until.ms, 0);
    /* With the address everything comes. */
    rc_pending_t stored = pending;
    record.values[RC_TARGET_EMAIL] = "ada@acme.example";
    decide(&snapshot, &stored);
    ck_assert_uint_eq(decision.diff.count, 1);
    ck_assert_int_eq(next(&stored, NULL), RC_PENDING_TOMBSTONE);
}
END_TEST

START_TEST(who_is_out_of_scope_leaves_nothing_behind)
{
    const char *elsewhere[] = {"Acme Ltd"};
    integration.policy.scope.legal_entities = (rc_strings_t){1, elsewhere};
    decide(NULL, NULL);
    ck_assert_int_eq(decision.verdict.kind, RC_VERDICT_IGNORE);
    ck_assert_int_eq(next(NULL, NULL), RC_PENDING_NOTHING);
    ck_assert_str_eq(decision.scope_setting, "legal_entities");

    integration.policy.scope.legal_entities.count = 0;
    rc_snapshot_t snapshot = publish(NULL);
    integration.policy.scope.legal_entities.count = 1;
    record.values[RC_TARGET_JOB_TITLE] = "Secret";
    decide(&snapshot, NULL);
    ck_assert_int_eq(decision.diff.events[0].deactivated.reason, RC_GONE_OUT_OF_SCOPE);
    ck_assert_str_eq(decision.employee.job_title, "Engineer");
    /* Held, and decided again from what was stored: the same. */
    rc_obstacles_t held = {.reasons = R(HELD)};
    ck_assert_int_eq(next(NULL, &held), RC_PENDING_WRITE);
    rc_pending_t stored = pending;
    rc_decide_stored(arena, &occasion, &snapshot, &stored, &decision);
    ck_assert_int_eq(decision.diff.events[0].deactivated.reason, RC_GONE_OUT_OF_SCOPE);
    /* Back in scope before anything was published: no difference but the title. */
    integration.policy.scope.legal_entities.count = 0;
    decide(&snapshot, &stored);
    ck_assert_int_eq(decision.diff.events[0].type, RC_EVENT_PROFILE_UPDATED);
}
END_TEST

/* ---- Absence ---- */

START_TEST(deleted_twice_is_gone)
{
    rc_snapshot_t snapshot = publish(NULL);
    record = (rc_kombo_employee_t){.id = "e-1", .deleted = true}; /* Kombo empties the rest */
    rc_decide_record(arena, &occasion, &record, RC_LOOK_CHANGES, &snapshot, NULL, &decision);
    ck_assert_uint_eq(decision.diff.count, 0);
    ck_assert_int_eq(next(NULL, NULL), RC_PENDING_WRITE);
    ck_assert_uint_eq(pending.reasons, R(ABSENT_ONCE));
    ck_assert_int_eq(pending.wanted, RC_PRESENCE_GONE);
    ck_assert_int_eq(pending.gone_reason, RC_GONE_DELETED);
    ck_assert_int_eq(pending.until.ms, RC_TEST_NOW.ms + 3 * HOUR_MS);
    ck_assert_str_eq(pending.employee.job_title, "Engineer");

    /* Deciding again, or seeing the same change again, writes nothing. */
    rc_pending_t stored = pending;
    pass_hours(1);
    rc_decide_stored(arena, &occasion, &snapshot, &stored, &decision);
    ck_assert_int_eq(next(&stored, NULL), RC_PENDING_NOTHING);
    pass_hours(5);
    rc_decide_record(arena, &occasion, &record, RC_LOOK_CHANGES, &snapshot, &stored, &decision);
    ck_assert_int_eq(next(&stored, NULL), RC_PENDING_NOTHING);

    rc_decide_record(arena, &occasion, &record, RC_LOOK_BY_ID, &snapshot, &stored, &decision);
    ck_assert_int_eq(decision.diff.events[0].deactivated.reason, RC_GONE_DELETED);
    ck_assert_str_eq(decision.diff.events[0].employee.email, "ada@acme.example");
    ck_assert_int_eq(next(&stored, NULL), RC_PENDING_TOMBSTONE);
}
END_TEST

START_TEST(missing_twice_is_gone)
{
    rc_snapshot_t snapshot = publish(NULL);
    rc_decide_missing(arena, &occasion, &snapshot, NULL, &decision);
    ck_assert_int_eq(next(NULL, NULL), RC_PENDING_WRITE);
    rc_pending_t stored = pending;
    pass_hours(2);
    rc_decide_missing(arena, &occasion, &snapshot, &stored, &decision);
    ck_assert_int_eq(next(&stored, NULL), RC_PENDING_NOTHING);
    pass_hours(22);
    rc_decide_missing(arena, &occasion, &snapshot, &stored, &decision);
    ck_assert_int_eq(decision.diff.events[0].deactivated.reason, RC_GONE_MISSING);
}
END_TEST

START_TEST(who_is_seen_again_was_never_away)
{
    rc_snapshot_t snapshot = publish(NULL);
    rc_decide_missing(arena, &occasion, &snapshot, NULL, &decision);
    (void)next(NULL, NULL);
    rc_pending_t stored = pending;
    decide(&snapshot, &stored);
    ck_assert_uint_eq(decision.diff.count, 0);
    ck_assert_int_eq(next(&stored, NULL), RC_PENDING_TOMBSTONE);
}
END_TEST

START_TEST(the_newest_projection_outlives_an_absence)
{
    rc_snapshot_t snapshot = publish(NULL);
    record.values[RC_TARGET_JOB_TITLE] = "Lead";
    decide(&snapshot, NULL);
    rc_obstacles_t held = {.reasons = R(HELD)};
    (void)next(NULL, &held);
    rc_pending_t stored = pending;
    pass_hours(1);
    rc_decide_missing(arena, &occasion, &snapshot, &stored, &decision);
    ck_assert_int_eq(next(&stored, NULL), RC_PENDING_WRITE);
    ck_assert_str_eq(pending.employee.job_title, "Lead");
    ck_assert_int_eq(pending.since.ms, occasion.now.ms); /* the absence is new, whatever waited before */
}
END_TEST

START_TEST(a_pending_newcomer_who_vanishes_is_forgotten)
{
    record.values[RC_TARGET_EMAIL] = NULL;
    decide(NULL, NULL);
    (void)next(NULL, NULL);
    rc_pending_t stored = pending;
    rc_decide_missing(arena, &occasion, NULL, &stored, &decision);
    ck_assert_int_eq(next(&stored, NULL), RC_PENDING_TOMBSTONE);
}
END_TEST

/* ---- Obstacles ---- */

START_TEST(an_obstacle_holds_the_diff_whole)
{
    rc_snapshot_t snapshot = publish(NULL);
    record.values[RC_TARGET_EMAIL] = "b@acme.example";
    record.groups[0].id = "t-9";
    decide(&snapshot, NULL);
    ck_assert_uint_eq(decision.diff.count, 2);
    rc_hold_ref_t holds[] = {{.brake = RC_BRAKE_EMAIL_CHANGES, .hold_id = "h-1"}};
    rc_obstacles_t obstacles = {.reasons = R(EMAIL_COLLISION) | R(HELD), .holds = holds, .hold_count = 1};
    ck_assert_int_eq(next(NULL, &obstacles), RC_PENDING_WRITE);
    ck_assert_uint_eq(pending.reasons, R(EMAIL_COLLISION) | R(HELD));
    rc_pending_t stored = pending;

    /* While it lasts nothing is written and `since` stays; another hold is news. */
    pass_hours(1);
    decide(&snapshot, &stored);
    ck_assert_int_eq(next(&stored, &obstacles), RC_PENDING_NOTHING);
    rc_hold_ref_t other[] = {{.brake = RC_BRAKE_EMAIL_CHANGES, .hold_id = "h-2"}};
    obstacles.holds = other;
    ck_assert_int_eq(next(&stored, &obstacles), RC_PENDING_WRITE);
    ck_assert_int_eq(pending.since.ms, RC_TEST_NOW.ms);
    obstacles.reasons = R(PAUSED);
    ck_assert_int_eq(next(&stored, &obstacles), RC_PENDING_WRITE);
    ck_assert_int_eq(pending.since.ms, occasion.now.ms);

    /* Equal to the snapshot again: whatever stood in the way, nothing is pending. */
    record = rc_test_record(arena);
    decide(&snapshot, &stored);
    ck_assert_int_eq(next(&stored, &obstacles), RC_PENDING_TOMBSTONE);
}
END_TEST

START_TEST(the_day_somebody_was_found_gone_stays_while_they_are_held)
{
    rc_snapshot_t snapshot = publish(NULL);
    record.employment_status = "INACTIVE";
    decide(&snapshot, NULL);
    rc_obstacles_t held = {.reasons = R(HELD)};
    (void)next(NULL, &held);
    rc_pending_t stored = pending;
    ck_assert_int_eq(stored.effective_date.days, RC_TEST_TODAY.days);
    pass_hours(72);
    decide(&snapshot, &stored);
    ck_assert_int_eq(decision.diff.events[0].deactivated.effective_date.days, RC_TEST_TODAY.days);
    ck_assert_int_eq(next(&stored, &held), RC_PENDING_NOTHING);
    /* A leave date that becomes known is better. */
    record.values[RC_TARGET_LEAVE_DATE] = "2026-11-23";
    decide(&snapshot, &stored);
    ck_assert_int_eq(decision.diff.events[0].deactivated.effective_date.days, RC_TEST_TODAY.days + 1);
}
END_TEST

START_TEST(another_reason_to_be_gone_has_a_day_of_its_own)
{
    rc_snapshot_t snapshot = publish(NULL);
    rc_pending_t stored = {.employee_id = "e-1",
                           .employee = snapshot.employee,
                           .wanted = RC_PRESENCE_GONE,
                           .gone_reason = RC_GONE_DELETED,
                           .effective_date = RC_TEST_TODAY,
                           .reasons = R(HELD),
                           .since = RC_TEST_NOW};
    pass_hours(72);
    record.employment_status = "INACTIVE";
    decide(&snapshot, &stored);
    ck_assert_int_eq(decision.diff.events[0].deactivated.reason, RC_GONE_INACTIVE);
    ck_assert_int_eq(decision.diff.events[0].deactivated.effective_date.days, RC_TEST_TODAY.days + 3);
}
END_TEST

/* A date taken from what was published can turn the verdict on somebody gone: their row must be read. */
START_TEST(the_short_way_does_not_guess_a_date_that_is_kept)
{
    static const char *const hires[] = {NULL, "soon"};
    integration.policy.on_null = RC_ON_NULL_KEEP;
    record.values[RC_TARGET_HIRE_DATE] = "2026-11-21";
    rc_snapshot_t snapshot = publish(NULL);
    snapshot.presence = RC_PRESENCE_GONE;
    rc_digest_t row = rc_digest_of(&snapshot);
    record.values[RC_TARGET_HIRE_DATE] = hires[_i];
    record.values[RC_TARGET_LEAVE_DATE] = "2026-11-20"; /* before the hire date that is kept: left over */
    decide(&snapshot, NULL);
    ck_assert_int_eq(decision.diff.events[0].type, RC_EVENT_CREATED);
    ck_assert(!rc_record_is_settled(arena, &occasion, &record, &row));
}
END_TEST

/* ---- Time zones ---- */

START_TEST(the_day_begins_where_the_company_is)
{
    static const struct {
        const char *zone;
        int64_t hours; /* of the 24th's beginning, from midnight UTC */
    } zones[] = {{"Pacific/Kiritimati", -14}, {"Europe/Berlin", -1}, {"America/Los_Angeles", 8}, {"Pacific/Niue", 11}};
    rc_zone_t *zone;
    ck_assert_int_eq(rc_zone_new(zones[_i].zone, &zone, NULL), RC_OK);
    integration.zone = zone;
    integration.policy.create.immediately = false;
    record.employment_status = "PENDING";
    record.values[RC_TARGET_HIRE_DATE] = "2026-11-24";
    decide(NULL, NULL);
    (void)next(NULL, NULL);
    ck_assert_int_eq(pending.until.ms, (INT64_C(20781) * 24 + zones[_i].hours) * HOUR_MS);
    ck_assert_int_eq(rc_zone_date(zone, pending.until).days, 20781);
    ck_assert_int_eq(rc_zone_date(zone, (rc_wall_t){pending.until.ms - 1}).days, 20780);
    rc_zone_free(zone);
}
END_TEST

/* ---- Properties ---- */

/* What an engine does with a poll of one person: the short way first. */
typedef struct {
    bool has_snapshot, has_pending;
    rc_snapshot_t snapshot;
    rc_pending_t pending;
} stored_t;

static void gen_stored(rc_random_t *random, const rc_occasion_t *when, const rc_kombo_employee_t *first,
                       stored_t *stored)
{
    *stored = (stored_t){.has_snapshot = false};
    rc_decision_t made;
    rc_decide_record(arena, when, first, RC_LOOK_FULL, NULL, NULL, &made);
    if (made.diff.count) {
        stored->snapshot = rc_snapshot_after(NULL, &made.diff);
        stored->has_snapshot = true;
        if (rc_random_chance(random, 20)) {
            stored->snapshot.presence = RC_PRESENCE_GONE;
            stored->snapshot.gone_reason = (rc_gone_reason_t)rc_random_below(random, RC_GONE_COUNT);
        }
    } else {
        stored->has_pending = rc_pending_next(when, "e-1", NULL, &made, NULL, &stored->pending) == RC_PENDING_WRITE;
    }
}

START_TEST(the_short_way_is_taken_only_where_the_long_way_does_nothing)
{
    size_t settled = 0, quiet = 0;
    RC_FOR_SEEDS(seed, 8000)
    {
        rc_random_t random = {seed};
        rc_arena_reset(arena);
        rc_integration_t in = rc_gen_integration(arena, &random);
        rc_occasion_t when = {&in, RC_TRIGGER_POLL, RC_TEST_NOW, {RC_TEST_TODAY.days - 2}, false};
        rc_kombo_employee_t first = rc_gen_record(arena, &random, &in);
        stored_t stored;
        gen_stored(&random, &when, &first, &stored);
        when.today = RC_TEST_TODAY; /* two days later */
        rc_kombo_employee_t now = rc_gen_change(arena, &random, &in, &first);
        now.deleted = rc_random_chance(&random, 5);
        rc_digest_t row = stored.has_snapshot ? rc_digest_of(&stored.snapshot) : (rc_digest_t){0};
        bool short_way = rc_record_is_settled(arena, &when, &now, stored.has_snapshot ? &row : NULL);
        rc_decision_t made;
        rc_decide_record(arena, &when, &now, RC_LOOK_FULL, stored.has_snapshot ? &stored.snapshot : NULL, NULL, &made);
        rc_pending_t next_pending;
        bool nothing = made.diff.count == 0 &&
                       rc_pending_next(&when, "e-1", NULL, &made, NULL, &next_pending) == RC_PENDING_NOTHING;
        ck_assert_msg(!short_way || nothing, "seed %llu", (unsigned long long)seed);
        settled += short_way;
        quiet += nothing;
    }
    ck_assert_msg(settled * 10 > quiet * 8, "%zu of %zu", settled, quiet);
}
END_TEST

/* Staged or stored, then decided again: the same events; and writing it twice changes nothing. */
START_TEST(a_stored_decision_comes_to_the_same_again)
{
    RC_FOR_SEEDS(seed, 8000)
    {
        rc_random_t random = {seed};
        rc_arena_reset(arena);
        rc_integration_t in = rc_gen_integration(arena, &random);
        rc_occasion_t when = {&in, RC_TRIGGER_POLL, RC_TEST_NOW, RC_TEST_TODAY, rc_random_chance(&random, 10)};
        rc_kombo_employee_t first = rc_gen_record(arena, &random, &in);
        stored_t stored;
        gen_stored(&random, &when, &first, &stored);
        const rc_snapshot_t *snapshot = stored.has_snapshot ? &stored.snapshot : NULL;
        const rc_pending_t *before = stored.has_pending ? &stored.pending : NULL;
        rc_kombo_employee_t now = rc_gen_change(arena, &random, &in, &first);
        now.deleted = rc_random_chance(&random, 10);
        rc_decision_t made, again;
        rc_decide_record(arena, &when, &now, RC_LOOK_BY_ID, snapshot, before, &made);
        if (made.verdict.kind == RC_VERDICT_IGNORE) continue;
        rc_pending_t staged = rc_pending_of(&when, "e-1", before, &made, NULL);
        rc_decide_stored(arena, &when, snapshot, &staged, &again);
        ck_assert_msg(made.diff.count == again.diff.count && made.diff.brakes == again.diff.brakes &&
                          made.verdict.kind == again.verdict.kind && made.verdict.reasons == again.verdict.reasons,
                      "seed %llu", (unsigned long long)seed);
        for (size_t i = 0; i < made.diff.count; i++) {
            const rc_event_t *a = &made.diff.events[i], *b = &again.diff.events[i];
            ck_assert_msg(a->type == b->type && a->version == b->version &&
                              rc_employee_equal(&a->employee, &b->employee) && a->created.reason == b->created.reason &&
                              a->deactivated.reason == b->deactivated.reason &&
                              a->profile.change_count == b->profile.change_count,
                          "seed %llu", (unsigned long long)seed);
        }
        if (made.verdict.kind != RC_VERDICT_WAIT) continue;
        rc_pending_t written, rewritten;
        if (rc_pending_next(&when, "e-1", before, &made, NULL, &written) == RC_PENDING_WRITE) {
            rc_decide_record(arena, &when, &now, RC_LOOK_CHANGES, snapshot, &written, &again);
            ck_assert_msg(rc_pending_next(&when, "e-1", &written, &again, NULL, &rewritten) == RC_PENDING_NOTHING,
                          "seed %llu", (unsigned long long)seed);
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("decide");
    TCase *cases = tcase_create("decide");
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, a_life_from_hire_to_rehire);
    tcase_add_test(cases, a_leave_date_takes_effect_on_the_day_after_it_without_a_fetch);
    tcase_add_test(cases, an_announced_one_who_loses_the_address_waits_and_keeps_what_they_had);
    tcase_add_test(cases, who_is_out_of_scope_leaves_nothing_behind);
    tcase_add_test(cases, deleted_twice_is_gone);
    tcase_add_test(cases, missing_twice_is_gone);
    tcase_add_test(cases, who_is_seen_again_was_never_away);
    tcase_add_test(cases, the_newest_projection_outlives_an_absence);
    tcase_add_test(cases, a_pending_newcomer_who_vanishes_is_forgotten);
    tcase_add_test(cases, an_obstacle_holds_the_diff_whole);
    tcase_add_test(cases, the_day_somebody_was_found_gone_stays_while_they_are_held);
    tcase_add_test(cases, another_reason_to_be_gone_has_a_day_of_its_own);
    tcase_add_loop_test(cases, the_short_way_does_not_guess_a_date_that_is_kept, 0, 2);
    tcase_add_loop_test(cases, the_day_begins_where_the_company_is, 0, 4);
    tcase_add_test(cases, the_short_way_is_taken_only_where_the_long_way_does_nothing);
    tcase_add_test(cases, a_stored_decision_comes_to_the_same_again);
    suite_add_tcase(suite, cases);
    return rc_unit_run(suite);
}
