#include "consumer/rules/past.h"

#include <string.h>

#include "producer/rules/diff.h"
#include "producer/rules/projection.h"
#include "tests/support/gen.h"
#include "tests/support/unit.h"

static rc_arena_t *arena;

static void set_up(void)
{
    arena = rc_arena_new();
}

static void tear_down(void)
{
    rc_arena_free(arena);
}

static rc_employee_t somebody(const char *title)
{
    return (rc_employee_t){.email = "ada@acme.example",
                           .first_name = "Ada",
                           .last_name = "Lovelace",
                           .job_title = title,
                           .status = RC_STATUS_ACTIVE,
                           .hire_date = RC_DATE_NONE,
                           .leave_date = RC_DATE_NONE,
                           .primary_team = {"t-1", "Sales"}};
}

static rc_event_t event(rc_event_type_t type, int64_t version, int64_t previous, const char *title)
{
    return (rc_event_t){.type = type,
                        .version = version,
                        .previous_version = previous,
                        .employee = somebody(title),
                        .deactivated = {.reason = RC_GONE_INACTIVE}};
}

static rc_past_t past_of(const rc_event_t *first, const rc_event_t *earlier)
{
    return rc_past_of(&first, 1, earlier, arena);
}

START_TEST(the_event_that_is_followed_tells_what_was)
{
    const rc_event_t left = event(RC_EVENT_DEACTIVATED, 7, 5, NULL);
    const rc_event_t before = event(RC_EVENT_PROFILE_UPDATED, 5, 3, "Engineer");
    rc_past_t past = past_of(&left, &before);
    ck_assert_int_eq(past.kind, RC_PAST_EMPLOYED);
    ck_assert_str_eq(past.employee.job_title, "Engineer");
    ck_assert_ptr_null(past.doubt);
}
END_TEST

START_TEST(who_had_left_had_left)
{
    const rc_event_t back = event(RC_EVENT_CREATED, 7, 5, "Lead");
    const rc_event_t left = event(RC_EVENT_DEACTIVATED, 5, 3, "Engineer");
    ck_assert_int_eq(past_of(&back, &left).kind, RC_PAST_GONE);
    ck_assert_int_eq(past_of(&back, NULL).kind, RC_PAST_GONE);
}
END_TEST

START_TEST(who_came_since_was_nobody)
{
    const rc_event_t came = event(RC_EVENT_CREATED, 7, 0, "Lead");
    ck_assert_int_eq(past_of(&came, NULL).kind, RC_PAST_NOBODY);
}
END_TEST

START_TEST(a_resync_changes_nobody)
{
    rc_event_t again = event(RC_EVENT_CREATED, 7, 5, "Lead");
    again.created.reason = RC_CREATED_RESYNC;
    ck_assert_int_eq(past_of(&again, NULL).kind, RC_PAST_EMPLOYED);
    rc_event_t gone = event(RC_EVENT_DEACTIVATED, 7, 5, "Lead");
    gone.deactivated.reason = RC_GONE_RESYNC;
    ck_assert_int_eq(past_of(&gone, NULL).kind, RC_PAST_GONE);
}
END_TEST

START_TEST(what_kafka_lost_is_worked_back_and_doubted_where_it_must_be)
{
    const rc_event_t left = event(RC_EVENT_DEACTIVATED, 7, 5, "Engineer");
    rc_past_t past = past_of(&left, NULL);
    ck_assert_int_eq(past.kind, RC_PAST_EMPLOYED);
    ck_assert_ptr_nonnull(past.doubt);

    rc_event_t moved = event(RC_EVENT_TEAM_CHANGED, 7, 5, "Engineer");
    moved.team.previous = (rc_ref_t){"t-0", "Support"};
    past = past_of(&moved, NULL);
    ck_assert_str_eq(past.employee.primary_team.id, "t-0");
    ck_assert_ptr_nonnull(past.doubt);

    static const rc_change_t changes[] = {{"job_title", NULL}, {"a_field_of_tomorrow", "x"}};
    rc_event_t changed = event(RC_EVENT_PROFILE_UPDATED, 7, 5, "Engineer");
    changed.profile.changes = changes;
    changed.profile.change_count = 2;
    past = past_of(&changed, NULL);
    ck_assert_ptr_null(past.employee.job_title);
    ck_assert_ptr_null(past.doubt);
}
END_TEST

/* ---- The property ---- */

enum { STEPS = 8, EVENTS = STEPS * RC_DIFF_MAX_EVENTS };

/* Somebody's life, as the producer publishes it. */
typedef struct {
    rc_event_t events[EVENTS];
    int step[EVENTS]; /* in which it was published */
    size_t count;
    rc_snapshot_t after[STEPS + 1]; /* after so many steps; version 0: nothing was published yet */
} life_t;

static void live(life_t *life, rc_random_t *random)
{
    rc_integration_t in = rc_gen_integration(arena, random);
    rc_kombo_employee_t record = rc_gen_record(arena, random, &in);
    life->count = 0;
    life->after[0] = (rc_snapshot_t){.version = 0};
    for (int step = 0; step < STEPS; step++) {
        const rc_snapshot_t *known = life->after[step].version > 0 ? &life->after[step] : NULL;
        rc_occasion_t when = {&in, RC_TRIGGER_POLL, {RC_TEST_NOW.ms + step * 1000}, RC_TEST_TODAY, step == 0};
        rc_projection_t projection;
        if (rc_random_chance(random, 80)) record = rc_gen_change(arena, random, &in, &record);
        rc_project(arena, &record, &in, known ? &known->employee : NULL, &projection);
        rc_verdict_t verdict = {.kind = RC_VERDICT_EMPLOYED};
        if (rc_random_chance(random, 25))
            verdict = (rc_verdict_t){.kind = RC_VERDICT_GONE,
                                     .gone_reason = rc_random_chance(random, 50) ? RC_GONE_MISSING : RC_GONE_INACTIVE};
        rc_diff_t diff;
        rc_diff(arena, &when, "e-1", known, &projection.employee, &verdict, &diff);
        life->after[step + 1] = diff.count > 0 ? rc_snapshot_after(known, &diff) : life->after[step];
        for (size_t i = 0; i < diff.count; i++) {
            life->step[life->count] = step;
            life->events[life->count++] = diff.events[i];
        }
    }
}

/* Kafka keeps every type for itself: `kept` of each, newest first. */
static const rc_event_t *find_kept(const life_t *life, int64_t version, unsigned lost)
{
    for (size_t i = 0; i < life->count; i++)
        if (life->events[i].version == version && !(lost & 1u << life->events[i].type)) return &life->events[i];
    return NULL;
}

/* All but what work_back cannot know: the secondary teams, and the id of a location. */
static bool is_known_equal(rc_employee_t a, rc_employee_t b)
{
    a.secondary_team_count = b.secondary_team_count = 0;
    a.primary_location.id = b.primary_location.id = NULL;
    return rc_employee_equal(&a, &b);
}

static void check_cut(const life_t *life, int cut, unsigned lost, uint64_t seed, size_t seen[3])
{
    size_t at = 0, count = 1;
    while (at < life->count && life->step[at] < cut) at++;
    if (at == life->count) return;
    const rc_event_t *first[RC_DIFF_MAX_EVENTS] = {&life->events[at]};
    while (at + count < life->count && life->events[at + count].version == first[0]->version) {
        first[count] = &life->events[at + count];
        count++;
    }
    const rc_snapshot_t *then = &life->after[cut];
    const rc_event_t *earlier = find_kept(life, first[0]->previous_version, lost);
    rc_past_t past = rc_past_of(first, count, earlier, arena);
    rc_past_kind_t kind = then->version == 0                       ? RC_PAST_NOBODY
                          : then->presence == RC_PRESENCE_EMPLOYED ? RC_PAST_EMPLOYED
                                                                   : RC_PAST_GONE;
    ck_assert_msg(past.kind == kind, "seed %llu, cut %d: %d is not %d", (unsigned long long)seed, cut, (int)past.kind,
                  (int)kind);
    seen[kind]++;
    if (kind != RC_PAST_EMPLOYED) return;
    bool leaves = first[0]->type == RC_EVENT_DEACTIVATED && earlier == NULL;
    bool equal = earlier != NULL ? rc_employee_equal(&past.employee, &then->employee)
                                 : is_known_equal(past.employee, then->employee);
    ck_assert_msg(equal || leaves, "seed %llu, cut %d, %s kept", (unsigned long long)seed, cut,
                  earlier != NULL ? "all" : "nothing");
    if (!rc_employee_equal(&past.employee, &then->employee) && past.employee.secondary_team_count > 0)
        ck_assert_msg(past.doubt != NULL || is_known_equal(past.employee, then->employee), "seed %llu, cut %d",
                      (unsigned long long)seed, cut);
}

START_TEST(whatever_happened_the_state_before_the_cut_is_found)
{
    size_t seen[3] = {0};
    RC_FOR_SEEDS(seed, 1500)
    {
        rc_random_t random = {seed};
        static life_t life;
        rc_arena_reset(arena);
        live(&life, &random);
        for (int cut = 0; cut <= STEPS; cut++) {
            check_cut(&life, cut, 0, seed, seen);
            check_cut(&life, cut, (1u << RC_EVENT_COUNT) - 1, seed, seen);
            check_cut(&life, cut, 1u << rc_random_below(&random, RC_EVENT_COUNT), seed, seen);
        }
    }
    for (int kind = 0; kind < 3; kind++) ck_assert_uint_gt(seen[kind], 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("past");
    TCase *cases = tcase_create("past");
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, the_event_that_is_followed_tells_what_was);
    tcase_add_test(cases, who_had_left_had_left);
    tcase_add_test(cases, who_came_since_was_nobody);
    tcase_add_test(cases, a_resync_changes_nobody);
    tcase_add_test(cases, what_kafka_lost_is_worked_back_and_doubted_where_it_must_be);
    tcase_add_test(cases, whatever_happened_the_state_before_the_cut_is_found);
    suite_add_tcase(suite, cases);
    return rc_unit_run(suite);
}
