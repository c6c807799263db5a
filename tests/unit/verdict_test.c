#include "producer/rules/verdict.h"

#include <string.h>

#include "producer/rules/employee.h"
#include "tests/support/gen.h"
#include "tests/support/unit.h"

#define R(name) (1U << RC_PENDING_##name)

/* Days relative to today; NO_DAY: absent. */
enum { NO_DAY = 100000, AT_ONCE = -1, HOUR_MS = 3600000 };

static rc_date_t day(int offset)
{
    return offset == NO_DAY ? RC_DATE_NONE : (rc_date_t){RC_TEST_TODAY.days + offset};
}

static rc_policy_t policy_of(int lead_days, rc_deactivate_on_t deactivate_on)
{
    return (rc_policy_t){.create = {lead_days == AT_ONCE, lead_days == AT_ONCE ? 0 : lead_days},
                         .deactivate_on = deactivate_on,
                         .absence_grace_ms = INT64_C(3) * HOUR_MS};
}

static rc_employee_t person(rc_status_t status, int hire, int leave)
{
    rc_employee_t employee = RC_EMPLOYEE_NONE;
    employee.email = "a@acme.example";
    employee.first_name = "A";
    employee.last_name = "B";
    employee.status = status;
    employee.hire_date = day(hire);
    employee.leave_date = day(leave);
    return employee;
}

static const rc_standing_t NEVER = {.published = false};
static const rc_standing_t ANNOUNCED = {true, RC_PRESENCE_EMPLOYED, RC_GONE_INACTIVE};
static const rc_standing_t FORMER = {true, RC_PRESENCE_GONE, RC_GONE_INACTIVE};

static rc_verdict_t judge(const rc_employee_t *employee, rc_standing_t standing, const rc_policy_t *policy)
{
    rc_facts_t facts = rc_facts_seen(true);
    return rc_verdict_judge(employee, &facts, standing, policy, RC_TEST_TODAY);
}

#define EITHER RC_DEACTIVATE_ON_EITHER
#define STATUS RC_DEACTIVATE_ON_STATUS
#define LEAVE  RC_DEACTIVATE_ON_LEAVE_DATE

/* ---- Announcing ---- */

static const struct {
    rc_status_t status;
    int hire, leave, lead;
    rc_deactivate_on_t deactivate_on;
    rc_verdict_kind_t kind;
    int not_before, next; /* days from today */
} NEWCOMERS[] = {
    {RC_STATUS_ACTIVE, -100, NO_DAY, AT_ONCE, EITHER, RC_VERDICT_EMPLOYED, NO_DAY, NO_DAY},
    {RC_STATUS_LEAVE, -100, NO_DAY, AT_ONCE, EITHER, RC_VERDICT_EMPLOYED, NO_DAY, NO_DAY},
    {RC_STATUS_ACTIVE, NO_DAY, NO_DAY, 14, EITHER, RC_VERDICT_EMPLOYED, NO_DAY, NO_DAY},
    {RC_STATUS_INACTIVE, -100, NO_DAY, AT_ONCE, EITHER, RC_VERDICT_IGNORE, NO_DAY, NO_DAY},
    {RC_STATUS_INACTIVE, -100, 5, AT_ONCE, LEAVE, RC_VERDICT_IGNORE, NO_DAY, NO_DAY},
    /* The lead is for PENDING. */
    {RC_STATUS_ACTIVE, 30, NO_DAY, 0, EITHER, RC_VERDICT_EMPLOYED, NO_DAY, NO_DAY},
    {RC_STATUS_PENDING, 30, NO_DAY, AT_ONCE, EITHER, RC_VERDICT_EMPLOYED, NO_DAY, NO_DAY},
    {RC_STATUS_PENDING, NO_DAY, NO_DAY, AT_ONCE, EITHER, RC_VERDICT_EMPLOYED, NO_DAY, NO_DAY},
    {RC_STATUS_PENDING, 30, NO_DAY, 0, EITHER, RC_VERDICT_WAIT, 30, 30},
    {RC_STATUS_PENDING, 1, NO_DAY, 0, EITHER, RC_VERDICT_WAIT, 1, 1},
    {RC_STATUS_PENDING, 0, NO_DAY, 0, EITHER, RC_VERDICT_EMPLOYED, NO_DAY, NO_DAY},
    {RC_STATUS_PENDING, -1, NO_DAY, 0, EITHER, RC_VERDICT_EMPLOYED, NO_DAY, NO_DAY},
    {RC_STATUS_PENDING, 15, NO_DAY, 14, EITHER, RC_VERDICT_WAIT, 1, 1},
    {RC_STATUS_PENDING, 14, NO_DAY, 14, EITHER, RC_VERDICT_EMPLOYED, NO_DAY, NO_DAY},
    {RC_STATUS_PENDING, NO_DAY, NO_DAY, 14, EITHER, RC_VERDICT_WAIT, NO_DAY, NO_DAY},
    {RC_STATUS_PENDING, 30, 20, 14, EITHER, RC_VERDICT_WAIT, 16, 16},
    {RC_STATUS_PENDING, 30, 10, 14, EITHER, RC_VERDICT_WAIT, 16, 11},
    /* Unknown: by the dates. */
    {RC_STATUS_UNKNOWN, NO_DAY, NO_DAY, 0, EITHER, RC_VERDICT_EMPLOYED, NO_DAY, NO_DAY},
    {RC_STATUS_UNKNOWN, 0, NO_DAY, 0, EITHER, RC_VERDICT_EMPLOYED, NO_DAY, NO_DAY},
    {RC_STATUS_UNKNOWN, 1, NO_DAY, 0, EITHER, RC_VERDICT_WAIT, 1, 1},
    {RC_STATUS_UNKNOWN, 1, NO_DAY, AT_ONCE, EITHER, RC_VERDICT_EMPLOYED, NO_DAY, NO_DAY},
    {RC_STATUS_UNKNOWN, -100, -1, 0, EITHER, RC_VERDICT_IGNORE, NO_DAY, NO_DAY},
    {RC_STATUS_UNKNOWN, -100, -1, 0, STATUS, RC_VERDICT_IGNORE, NO_DAY, NO_DAY},
    {RC_STATUS_UNKNOWN, -100, 0, 0, STATUS, RC_VERDICT_EMPLOYED, NO_DAY, 1},
    /* Who has left already is not announced. */
    {RC_STATUS_ACTIVE, -100, -1, AT_ONCE, EITHER, RC_VERDICT_IGNORE, NO_DAY, NO_DAY},
    {RC_STATUS_ACTIVE, -100, -1, AT_ONCE, LEAVE, RC_VERDICT_IGNORE, NO_DAY, NO_DAY},
    {RC_STATUS_ACTIVE, -100, -1, AT_ONCE, STATUS, RC_VERDICT_EMPLOYED, NO_DAY, NO_DAY},
    {RC_STATUS_ACTIVE, -100, 0, AT_ONCE, EITHER, RC_VERDICT_EMPLOYED, NO_DAY, 1},
};

static void check_newcomer(int i, rc_standing_t standing)
{
    rc_employee_t employee = person(NEWCOMERS[i].status, NEWCOMERS[i].hire, NEWCOMERS[i].leave);
    rc_policy_t policy = policy_of(NEWCOMERS[i].lead, NEWCOMERS[i].deactivate_on);
    rc_verdict_t verdict = judge(&employee, standing, &policy);
    ck_assert_int_eq(verdict.kind, NEWCOMERS[i].kind);
    ck_assert_uint_eq(verdict.reasons, verdict.kind == RC_VERDICT_WAIT ? R(NOT_YET) : 0);
    ck_assert_int_eq(verdict.not_before.days, day(NEWCOMERS[i].not_before).days);
    ck_assert_int_eq(verdict.next_date.days, day(NEWCOMERS[i].next).days);
}

START_TEST(the_status_or_the_dates_call_for_an_announcement)
{
    check_newcomer(_i, NEVER);
}
END_TEST

START_TEST(whoever_is_gone_is_announced_anew)
{
    check_newcomer(_i, FORMER);
}
END_TEST

static const struct {
    const char *email, *first_name, *last_name;
    uint32_t reasons;
} NEEDED[] = {
    {NULL, "A", "B", R(NO_EMAIL)},
    {"a@acme.example", NULL, "B", R(NO_NAME)},
    {"a@acme.example", "A", NULL, R(NO_NAME)},
    {NULL, NULL, NULL, R(NO_EMAIL) | R(NO_NAME)},
};

START_TEST(email_and_names_must_be_there)
{
    rc_employee_t employee = person(RC_STATUS_ACTIVE, -100, NO_DAY);
    rc_policy_t policy = policy_of(0, EITHER);
    employee.email = NEEDED[_i].email;
    employee.first_name = NEEDED[_i].first_name;
    employee.last_name = NEEDED[_i].last_name;
    const rc_standing_t standings[] = {NEVER, FORMER, ANNOUNCED};
    for (size_t s = 0; s < 3; s++) {
        rc_verdict_t verdict = judge(&employee, standings[s], &policy);
        ck_assert_int_eq(verdict.kind, RC_VERDICT_WAIT);
        ck_assert_uint_eq(verdict.reasons, NEEDED[_i].reasons);
    }
    /* Too early as well: the record says all. */
    employee.status = RC_STATUS_PENDING;
    employee.hire_date = day(3);
    ck_assert_uint_eq(judge(&employee, NEVER, &policy).reasons, NEEDED[_i].reasons | R(NOT_YET));
    /* A leaver whose address was taken away has left all the same. */
    employee.status = RC_STATUS_INACTIVE;
    ck_assert_int_eq(judge(&employee, ANNOUNCED, &policy).kind, RC_VERDICT_GONE);
    ck_assert_int_eq(judge(&employee, NEVER, &policy).kind, RC_VERDICT_IGNORE);
}
END_TEST

/* ---- Leaving ---- */

static const struct {
    rc_status_t status;
    int hire, leave;
    rc_deactivate_on_t deactivate_on;
    bool gone;
    rc_gone_reason_t reason;
    int effective, next;
} ANNOUNCED_ONES[] = {
    {RC_STATUS_ACTIVE, -100, NO_DAY, EITHER, false, 0, NO_DAY, NO_DAY},
    {RC_STATUS_LEAVE, -100, NO_DAY, EITHER, false, 0, NO_DAY, NO_DAY},
    {RC_STATUS_INACTIVE, -100, NO_DAY, EITHER, true, RC_GONE_INACTIVE, 0, NO_DAY},
    {RC_STATUS_INACTIVE, -100, NO_DAY, STATUS, true, RC_GONE_INACTIVE, 0, NO_DAY},
    {RC_STATUS_INACTIVE, -100, NO_DAY, LEAVE, false, 0, NO_DAY, NO_DAY},
    {RC_STATUS_INACTIVE, -100, 3, LEAVE, false, 0, NO_DAY, 4},
    {RC_STATUS_INACTIVE, -100, 3, EITHER, true, RC_GONE_INACTIVE, 0, NO_DAY},
    {RC_STATUS_INACTIVE, -100, -3, EITHER, true, RC_GONE_INACTIVE, -3, NO_DAY},
    {RC_STATUS_INACTIVE, -100, -3, LEAVE, true, RC_GONE_TERMINATION_DATE, -3, NO_DAY},
    /* The last day still belongs to the employee. */
    {RC_STATUS_ACTIVE, -100, 1, EITHER, false, 0, NO_DAY, 2},
    {RC_STATUS_ACTIVE, -100, 0, EITHER, false, 0, NO_DAY, 1},
    {RC_STATUS_ACTIVE, -100, -1, EITHER, true, RC_GONE_TERMINATION_DATE, -1, NO_DAY},
    {RC_STATUS_ACTIVE, -100, 0, LEAVE, false, 0, NO_DAY, 1},
    {RC_STATUS_ACTIVE, -100, -1, LEAVE, true, RC_GONE_TERMINATION_DATE, -1, NO_DAY},
    {RC_STATUS_ACTIVE, -100, -1, STATUS, false, 0, NO_DAY, NO_DAY},
    {RC_STATUS_ACTIVE, -100, 5, STATUS, false, 0, NO_DAY, NO_DAY},
    {RC_STATUS_UNKNOWN, -100, NO_DAY, EITHER, false, 0, NO_DAY, NO_DAY},
    {RC_STATUS_UNKNOWN, -100, -1, STATUS, true, RC_GONE_TERMINATION_DATE, -1, NO_DAY},
    {RC_STATUS_UNKNOWN, -100, 5, STATUS, false, 0, NO_DAY, 6},
    /* The lead decides the first announcement only. */
    {RC_STATUS_PENDING, 300, NO_DAY, EITHER, false, 0, NO_DAY, NO_DAY},
    {RC_STATUS_UNKNOWN, 300, NO_DAY, EITHER, false, 0, NO_DAY, NO_DAY},
};

START_TEST(the_announced_stay_until_they_leave)
{
    rc_employee_t employee = person(ANNOUNCED_ONES[_i].status, ANNOUNCED_ONES[_i].hire, ANNOUNCED_ONES[_i].leave);
    rc_policy_t policy = policy_of(0, ANNOUNCED_ONES[_i].deactivate_on);
    rc_verdict_t verdict = judge(&employee, ANNOUNCED, &policy);
    ck_assert_int_eq(verdict.kind, ANNOUNCED_ONES[_i].gone ? RC_VERDICT_GONE : RC_VERDICT_EMPLOYED);
    if (ANNOUNCED_ONES[_i].gone) ck_assert_int_eq(verdict.gone_reason, ANNOUNCED_ONES[_i].reason);
    ck_assert_int_eq(verdict.effective_date.days, day(ANNOUNCED_ONES[_i].effective).days);
    ck_assert_int_eq(verdict.next_date.days, day(ANNOUNCED_ONES[_i].next).days);
}
END_TEST

/* next_date is what the schedule wakes up on: on every day before it the verdict is the same. */
START_TEST(a_verdict_changes_by_itself_on_its_next_date_only)
{
    RC_FOR_SEEDS(seed, 4000)
    {
        rc_random_t random = {seed};
        rc_employee_t employee =
            person((rc_status_t)rc_random_below(&random, RC_STATUS_COUNT),
                   rc_random_chance(&random, 20) ? NO_DAY : (int)rc_random_below(&random, 40) - 20,
                   rc_random_chance(&random, 30) ? NO_DAY : (int)rc_random_below(&random, 40) - 20);
        if (rc_random_chance(&random, 10)) employee.email = NULL;
        rc_policy_t policy =
            policy_of((int)rc_random_below(&random, 16) - 1, (rc_deactivate_on_t)rc_random_below(&random, 3));
        rc_standing_t standing = rc_random_chance(&random, 50) ? ANNOUNCED : NEVER;
        rc_facts_t facts = rc_facts_seen(!rc_random_chance(&random, 10));
        rc_verdict_t today = rc_verdict_judge(&employee, &facts, standing, &policy, RC_TEST_TODAY);
        if (today.kind == RC_VERDICT_GONE || today.kind == RC_VERDICT_IGNORE) continue; /* nothing is stored */
        for (int d = 1; d < 60; d++) {
            bool due = rc_date_is_set(today.next_date) && day(d).days >= today.next_date.days;
            rc_verdict_t then = rc_verdict_judge(&employee, &facts, standing, &policy, day(d));
            if (due) break;
            ck_assert_msg(then.kind == today.kind && then.reasons == today.reasons, "seed %llu: day %d",
                          (unsigned long long)seed, d);
        }
    }
}
END_TEST

/* ---- Scope ---- */

START_TEST(scope_decides_who_exists)
{
    rc_employee_t employee = person(RC_STATUS_ACTIVE, -100, NO_DAY);
    rc_policy_t policy = policy_of(0, EITHER);
    rc_facts_t outside = rc_facts_seen(false);
    ck_assert_int_eq(rc_verdict_judge(&employee, &outside, NEVER, &policy, RC_TEST_TODAY).kind, RC_VERDICT_IGNORE);
    ck_assert_int_eq(rc_verdict_judge(&employee, &outside, FORMER, &policy, RC_TEST_TODAY).kind, RC_VERDICT_IGNORE);
    rc_verdict_t verdict = rc_verdict_judge(&employee, &outside, ANNOUNCED, &policy, RC_TEST_TODAY);
    ck_assert_int_eq(verdict.kind, RC_VERDICT_GONE);
    ck_assert_int_eq(verdict.gone_reason, RC_GONE_OUT_OF_SCOPE);
    ck_assert_int_eq(verdict.effective_date.days, RC_TEST_TODAY.days);
}
END_TEST

/* ---- Absence ---- */

static rc_wall_t after_hours(int hours)
{
    return (rc_wall_t){RC_TEST_NOW.ms + (int64_t)hours * HOUR_MS};
}

static rc_pending_t absent_once(rc_gone_reason_t reason)
{
    return (rc_pending_t){
        .wanted = RC_PRESENCE_GONE, .gone_reason = reason, .reasons = R(ABSENT_ONCE), .since = RC_TEST_NOW};
}

static const struct {
    rc_gone_reason_t before;
    rc_absence_t absence;
    rc_look_t look;
    int hours;
    bool confirmed;
    bool same; /* the first look is still the first */
} LOOKS[] = {
    {RC_GONE_DELETED, RC_ABSENCE_DELETED, RC_LOOK_BY_ID, 3, true, true},
    {RC_GONE_DELETED, RC_ABSENCE_DELETED, RC_LOOK_BY_ID, 2, false, true},
    /* A page of changes may only repeat the first look. */
    {RC_GONE_DELETED, RC_ABSENCE_DELETED, RC_LOOK_CHANGES, 30, false, true},
    {RC_GONE_DELETED, RC_ABSENCE_DELETED, RC_LOOK_FULL, 30, false, true},
    {RC_GONE_MISSING, RC_ABSENCE_MISSING, RC_LOOK_FULL, 3, true, true},
    {RC_GONE_MISSING, RC_ABSENCE_MISSING, RC_LOOK_FULL, 2, false, true},
    {RC_GONE_MISSING, RC_ABSENCE_MISSING, RC_LOOK_BY_ID, 30, false, true},
    /* Another absence than before is a first look. */
    {RC_GONE_MISSING, RC_ABSENCE_DELETED, RC_LOOK_BY_ID, 30, false, false},
    {RC_GONE_DELETED, RC_ABSENCE_MISSING, RC_LOOK_FULL, 30, false, false},
};

START_TEST(one_absence_is_none_and_a_second_look_confirms)
{
    rc_policy_t policy = policy_of(0, EITHER);
    rc_employee_t employee = person(RC_STATUS_ACTIVE, -100, NO_DAY);
    rc_wall_t now = after_hours(LOOKS[_i].hours);
    rc_pending_t pending = absent_once(LOOKS[_i].before);
    rc_facts_t facts = rc_facts_absent(LOOKS[_i].absence, LOOKS[_i].look, now, &pending, &policy);
    ck_assert_int_eq(facts.absence_confirmed, LOOKS[_i].confirmed);
    ck_assert_int_eq(facts.absent_since.ms, LOOKS[_i].same ? RC_TEST_NOW.ms : now.ms);
    rc_verdict_t verdict = rc_verdict_judge(&employee, &facts, ANNOUNCED, &policy, RC_TEST_TODAY);
    ck_assert_int_eq(verdict.gone_reason, LOOKS[_i].absence == RC_ABSENCE_DELETED ? RC_GONE_DELETED : RC_GONE_MISSING);
    if (LOOKS[_i].confirmed) {
        ck_assert_int_eq(verdict.kind, RC_VERDICT_GONE);
        ck_assert_int_eq(verdict.effective_date.days, RC_TEST_TODAY.days);
    } else {
        ck_assert_int_eq(verdict.kind, RC_VERDICT_WAIT);
        ck_assert_uint_eq(verdict.reasons, R(ABSENT_ONCE));
        ck_assert_int_eq(verdict.look_again_at.ms, facts.absent_since.ms + policy.absence_grace_ms);
    }
}
END_TEST

START_TEST(a_first_look_waits)
{
    rc_policy_t policy = policy_of(0, EITHER);
    rc_employee_t employee = person(RC_STATUS_ACTIVE, -100, NO_DAY);
    rc_pending_t other = {.wanted = RC_PRESENCE_EMPLOYED, .reasons = R(HELD), .since = after_hours(-50)};
    const rc_pending_t *before[] = {NULL, &other};
    for (size_t i = 0; i < 2; i++) {
        rc_facts_t facts = rc_facts_absent(RC_ABSENCE_DELETED, RC_LOOK_BY_ID, RC_TEST_NOW, before[i], &policy);
        rc_verdict_t verdict = rc_verdict_judge(&employee, &facts, ANNOUNCED, &policy, RC_TEST_TODAY);
        ck_assert_int_eq(verdict.kind, RC_VERDICT_WAIT);
        ck_assert_int_eq(verdict.absent_since.ms, RC_TEST_NOW.ms);
    }
}
END_TEST

START_TEST(the_absence_of_somebody_not_announced_is_nothing)
{
    rc_policy_t policy = policy_of(0, EITHER);
    rc_employee_t employee = person(RC_STATUS_ACTIVE, -100, NO_DAY);
    rc_facts_t facts = rc_facts_absent(RC_ABSENCE_DELETED, RC_LOOK_FULL, RC_TEST_NOW, NULL, &policy);
    ck_assert_int_eq(rc_verdict_judge(&employee, &facts, NEVER, &policy, RC_TEST_TODAY).kind, RC_VERDICT_IGNORE);
    ck_assert_int_eq(rc_verdict_judge(&employee, &facts, FORMER, &policy, RC_TEST_TODAY).kind, RC_VERDICT_IGNORE);
}
END_TEST

START_TEST(an_absence_that_was_confirmed_stays_so_while_something_holds_it)
{
    rc_policy_t policy = policy_of(0, EITHER);
    rc_pending_t held = absent_once(RC_GONE_DELETED);
    held.reasons = R(HELD);
    ck_assert(rc_facts_stored(&held).absence_confirmed);
    rc_facts_t facts = rc_facts_absent(RC_ABSENCE_MISSING, RC_LOOK_FULL, after_hours(1), &held, &policy);
    ck_assert(facts.absence_confirmed);
    ck_assert_int_eq(facts.absence, RC_ABSENCE_DELETED);
}
END_TEST

START_TEST(the_leave_date_passes_for_the_absent_too)
{
    rc_policy_t policy = policy_of(0, EITHER);
    rc_employee_t employee = person(RC_STATUS_ACTIVE, -100, 0);
    rc_pending_t pending = absent_once(RC_GONE_DELETED);
    rc_facts_t facts = rc_facts_stored(&pending);
    rc_verdict_t verdict = rc_verdict_judge(&employee, &facts, ANNOUNCED, &policy, RC_TEST_TODAY);
    ck_assert_int_eq(verdict.kind, RC_VERDICT_WAIT);
    ck_assert_int_eq(verdict.next_date.days, day(1).days);
    verdict = rc_verdict_judge(&employee, &facts, ANNOUNCED, &policy, day(1));
    ck_assert_int_eq(verdict.kind, RC_VERDICT_GONE);
    ck_assert_int_eq(verdict.gone_reason, RC_GONE_TERMINATION_DATE);
}
END_TEST

START_TEST(stored_facts_are_those_that_were_stored)
{
    rc_facts_t none = rc_facts_stored(NULL);
    ck_assert(none.in_scope && none.absence == RC_ABSENCE_NONE);
    rc_pending_t outside = {.wanted = RC_PRESENCE_GONE, .gone_reason = RC_GONE_OUT_OF_SCOPE, .reasons = R(HELD)};
    ck_assert(!rc_facts_stored(&outside).in_scope);
    rc_pending_t leaver = {.wanted = RC_PRESENCE_GONE, .gone_reason = RC_GONE_INACTIVE, .reasons = R(HELD)};
    ck_assert(rc_facts_stored(&leaver).in_scope);
    rc_pending_t absent = absent_once(RC_GONE_MISSING);
    rc_facts_t facts = rc_facts_stored(&absent);
    ck_assert_int_eq(facts.absence, RC_ABSENCE_MISSING);
    ck_assert(!facts.absence_confirmed);
    ck_assert_int_eq(facts.absent_since.ms, RC_TEST_NOW.ms);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("verdict");
    TCase *cases = tcase_create("verdict");
    tcase_set_timeout(cases, 60);
    tcase_add_loop_test(cases, the_status_or_the_dates_call_for_an_announcement, 0,
                        sizeof NEWCOMERS / sizeof *NEWCOMERS);
    tcase_add_loop_test(cases, whoever_is_gone_is_announced_anew, 0, sizeof NEWCOMERS / sizeof *NEWCOMERS);
    tcase_add_loop_test(cases, email_and_names_must_be_there, 0, sizeof NEEDED / sizeof *NEEDED);
    tcase_add_loop_test(cases, the_announced_stay_until_they_leave, 0, sizeof ANNOUNCED_ONES / sizeof *ANNOUNCED_ONES);
    tcase_add_test(cases, a_verdict_changes_by_itself_on_its_next_date_only);
    tcase_add_test(cases, scope_decides_who_exists);
    tcase_add_loop_test(cases, one_absence_is_none_and_a_second_look_confirms, 0, sizeof LOOKS / sizeof *LOOKS);
    tcase_add_test(cases, a_first_look_waits);
    tcase_add_test(cases, the_absence_of_somebody_not_announced_is_nothing);
    tcase_add_test(cases, an_absence_that_was_confirmed_stays_so_while_something_holds_it);
    tcase_add_test(cases, the_leave_date_passes_for_the_absent_too);
    tcase_add_test(cases, stored_facts_are_those_that_were_stored);
    suite_add_tcase(suite, cases);
    return rc_unit_run(suite);
}
