#include "producer/rules/verdict.h"

#include "common/mutant.h"
#include "common/text.h"

#define REASON(name) (1U << RC_PENDING_##name)

/* ---- Facts ---- */

rc_facts_t rc_facts_seen(bool in_scope)
{
    return (rc_facts_t){.in_scope = in_scope};
}

static rc_absence_t stored_absence(const rc_pending_t *pending)
{
    if (!pending || pending->wanted != RC_PRESENCE_GONE) return RC_ABSENCE_NONE;
    return pending->gone_reason == RC_GONE_DELETED   ? RC_ABSENCE_DELETED
           : pending->gone_reason == RC_GONE_MISSING ? RC_ABSENCE_MISSING
                                                     : RC_ABSENCE_NONE;
}

rc_facts_t rc_facts_stored(const rc_pending_t *pending)
{
    rc_facts_t facts = {.in_scope = true, .absence = stored_absence(pending)};
    if (facts.absence != RC_ABSENCE_NONE) {
        facts.absent_since = pending->since;
        /* Stored as gone and no longer as absent once: it is something else that holds it. */
        facts.absence_confirmed = !(pending->reasons & REASON(ABSENT_ONCE));
    } else if (pending && pending->wanted == RC_PRESENCE_GONE && pending->gone_reason == RC_GONE_OUT_OF_SCOPE) {
        facts.in_scope = false;
    }
    return facts;
}

rc_facts_t rc_facts_absent(rc_absence_t absence, rc_look_t look, rc_wall_t now, const rc_pending_t *pending,
                           const rc_policy_t *policy)
{
    rc_facts_t facts = rc_facts_stored(pending);
    if (facts.absence_confirmed) return facts; /* only a record that is seen ends it */
    if (facts.absence != absence) {
        facts.absence = absence;
        facts.absent_since = now;
        facts.absence_confirmed = RC_MUTANT(ABSENT_ONCE);
        return facts;
    }
    rc_look_t fit = absence == RC_ABSENCE_DELETED ? RC_LOOK_BY_ID : RC_LOOK_FULL;
    facts.absence_confirmed = look == fit && now.ms - facts.absent_since.ms >= policy->absence_grace_ms;
    return facts;
}

rc_standing_t rc_standing_of(const rc_snapshot_t *snapshot)
{
    if (!snapshot) return (rc_standing_t){.published = false};
    return (rc_standing_t){true, snapshot->presence, snapshot->gone_reason};
}

/* ---- The rules ---- */

static bool is_past(rc_date_t date, rc_date_t today)
{
    return rc_date_is_set(date) && date.days < today.days;
}

/* The status, or what the dates say where there is none that we know. */
static rc_status_t effective_status(const rc_employee_t *employee, rc_date_t today)
{
    if (employee->status != RC_STATUS_UNKNOWN) return employee->status;
    if (is_past(employee->leave_date, today)) return RC_STATUS_INACTIVE;
    return rc_date_is_set(employee->hire_date) && employee->hire_date.days > today.days ? RC_STATUS_PENDING
                                                                                        : RC_STATUS_ACTIVE;
}

static bool leaves_by_date(const rc_employee_t *employee, const rc_policy_t *policy)
{
    return policy->deactivate_on != RC_DEACTIVATE_ON_STATUS || employee->status == RC_STATUS_UNKNOWN;
}

static bool has_left(const rc_employee_t *employee, const rc_policy_t *policy, rc_date_t today, rc_verdict_t *verdict)
{
    bool past = is_past(employee->leave_date, today);
    if (employee->status == RC_STATUS_INACTIVE && policy->deactivate_on != RC_DEACTIVATE_ON_LEAVE_DATE)
        verdict->gone_reason = RC_GONE_INACTIVE;
    else if (past && leaves_by_date(employee, policy))
        verdict->gone_reason = RC_GONE_TERMINATION_DATE;
    else
        return false;
    /* Inactive before the last day: gone as of today. */
    verdict->effective_date = past ? employee->leave_date : today;
    return true;
}

static uint32_t find_missing_values(const rc_employee_t *employee)
{
    uint32_t reasons = rc_text_empty(employee->email) ? REASON(NO_EMAIL) : 0;
    if (rc_text_empty(employee->first_name) || rc_text_empty(employee->last_name)) reasons |= REASON(NO_NAME);
    return reasons;
}

static void notice_date(rc_verdict_t *verdict, rc_date_t date, rc_date_t today)
{
    if (!rc_date_is_set(date) || date.days <= today.days) return;
    if (!rc_date_is_set(verdict->next_date) || date.days < verdict->next_date.days) verdict->next_date = date;
}

static void notice_leave_date(rc_verdict_t *verdict, const rc_employee_t *employee, const rc_policy_t *policy,
                              rc_date_t today)
{
    if (rc_date_is_set(employee->leave_date) && leaves_by_date(employee, policy))
        notice_date(verdict, (rc_date_t){employee->leave_date.days + 1}, today); /* the last day is still theirs */
}

/* Whether somebody PENDING is still to wait; fills not_before. */
static bool is_too_early(const rc_employee_t *employee, const rc_policy_t *policy, rc_date_t today,
                         rc_verdict_t *verdict)
{
    if (policy->create.immediately || effective_status(employee, today) != RC_STATUS_PENDING) return false;
    if (!rc_date_is_set(employee->hire_date)) return true;
    rc_date_t day = {employee->hire_date.days - policy->create.lead_days};
    if (day.days <= today.days) return false;
    verdict->not_before = day;
    notice_date(verdict, day, today);
    return true;
}

static void judge_newcomer(const rc_employee_t *employee, const rc_facts_t *facts, const rc_policy_t *policy,
                           rc_date_t today, rc_verdict_t *verdict)
{
    verdict->kind = RC_VERDICT_IGNORE;
    if (facts->absence != RC_ABSENCE_NONE || !facts->in_scope) return;
    if (effective_status(employee, today) == RC_STATUS_INACTIVE) return;
    rc_verdict_t left = *verdict;
    if (has_left(employee, policy, today, &left)) return;
    verdict->reasons = find_missing_values(employee);
    if (is_too_early(employee, policy, today, verdict)) verdict->reasons |= REASON(NOT_YET);
    verdict->kind = verdict->reasons ? RC_VERDICT_WAIT : RC_VERDICT_EMPLOYED;
    notice_leave_date(verdict, employee, policy, today);
}

static void judge_absent(const rc_facts_t *facts, const rc_policy_t *policy, rc_date_t today, rc_verdict_t *verdict)
{
    verdict->gone_reason = facts->absence == RC_ABSENCE_DELETED ? RC_GONE_DELETED : RC_GONE_MISSING;
    if (facts->absence_confirmed) {
        verdict->kind = RC_VERDICT_GONE;
        verdict->effective_date = today;
        return;
    }
    verdict->kind = RC_VERDICT_WAIT;
    verdict->reasons = REASON(ABSENT_ONCE);
    verdict->absent_since = facts->absent_since;
    verdict->look_again_at = (rc_wall_t){facts->absent_since.ms + policy->absence_grace_ms};
}

static void judge_announced(const rc_employee_t *employee, const rc_facts_t *facts, const rc_policy_t *policy,
                            rc_date_t today, rc_verdict_t *verdict)
{
    verdict->kind = RC_VERDICT_GONE;
    if (has_left(employee, policy, today, verdict)) return;
    if (!facts->in_scope) {
        verdict->gone_reason = RC_GONE_OUT_OF_SCOPE;
        verdict->effective_date = today;
        return;
    }
    notice_leave_date(verdict, employee, policy, today);
    if (facts->absence != RC_ABSENCE_NONE) {
        judge_absent(facts, policy, today, verdict);
        return;
    }
    verdict->reasons = find_missing_values(employee);
    verdict->kind = verdict->reasons ? RC_VERDICT_WAIT : RC_VERDICT_EMPLOYED;
}

rc_verdict_t rc_verdict_judge(const rc_employee_t *employee, const rc_facts_t *facts, rc_standing_t standing,
                              const rc_policy_t *policy, rc_date_t today)
{
    rc_verdict_t verdict = {.effective_date = RC_DATE_NONE, .not_before = RC_DATE_NONE, .next_date = RC_DATE_NONE};
    if (rc_standing_is_announced(standing))
        judge_announced(employee, facts, policy, today, &verdict);
    else
        judge_newcomer(employee, facts, policy, today, &verdict);
    return verdict;
}
