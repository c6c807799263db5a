#include "producer/rules/decide.h"

#include <string.h>

#include "common/text.h"

#define REASON(name) (1U << RC_PENDING_##name)

/* ---- Deciding ---- */

rc_digest_t rc_digest_of(const rc_snapshot_t *snapshot)
{
    return (rc_digest_t){rc_employee_hash64(&snapshot->employee), rc_standing_of(snapshot)};
}

static const rc_employee_t *newest_employee(const rc_snapshot_t *snapshot, const rc_pending_t *pending)
{
    return pending ? &pending->employee : snapshot ? &snapshot->employee : NULL;
}

/* For who is not announced it is enough that the verdict is to ignore them; it must not hang on what was published. */
static bool is_ignored(rc_arena_t *arena, const rc_occasion_t *occasion, const rc_kombo_employee_t *record,
                       rc_standing_t standing)
{
    const rc_policy_t *policy = &occasion->integration->policy;
    if (record->deleted) return true;
    rc_projection_t projection;
    rc_project(arena, record, occasion->integration, NULL, &projection);
    bool hangs =
        projection.unreadable || (policy->on_null == RC_ON_NULL_KEEP && !rc_date_is_set(projection.employee.hire_date));
    if (standing.published && hangs) return false;
    rc_facts_t facts = rc_facts_seen(projection.in_scope);
    return rc_verdict_judge(&projection.employee, &facts, standing, policy, occasion->today).kind == RC_VERDICT_IGNORE;
}

bool rc_record_is_settled(rc_arena_t *arena, const rc_occasion_t *occasion, const rc_kombo_employee_t *record,
                          const rc_digest_t *row)
{
    rc_standing_t standing = row ? row->standing : rc_standing_of(NULL);
    if (!rc_standing_is_announced(standing)) return is_ignored(arena, occasion, record, standing);
    rc_projection_t projection;
    if (!rc_project_matches(arena, record, occasion->integration, row->hash, &projection)) return false;
    rc_facts_t facts = rc_facts_seen(projection.in_scope);
    return rc_verdict_judge(&projection.employee, &facts, standing, &occasion->integration->policy, occasion->today)
               .kind == RC_VERDICT_EMPLOYED;
}

/* A day that is only "when we saw it" stays the day on which we saw it first. */
static void keep_effective_date(rc_verdict_t *verdict, const rc_pending_t *pending, rc_date_t today)
{
    if (verdict->kind == RC_VERDICT_GONE && pending && pending->wanted == RC_PRESENCE_GONE &&
        pending->gone_reason == verdict->gone_reason && verdict->effective_date.days == today.days &&
        rc_date_is_set(pending->effective_date))
        verdict->effective_date = pending->effective_date;
}

static void decide(rc_arena_t *arena, const rc_occasion_t *occasion, const char *employee_id,
                   const rc_snapshot_t *snapshot, const rc_pending_t *pending, rc_decision_t *decision)
{
    const rc_employee_t *newest = newest_employee(snapshot, pending);
    decision->verdict = rc_verdict_judge(&decision->employee, &decision->facts, rc_standing_of(snapshot),
                                         &occasion->integration->policy, occasion->today);
    keep_effective_date(&decision->verdict, pending, occasion->today);
    /* Whoever is out of scope is none of our business: nothing new about them is kept. */
    if (decision->verdict.kind == RC_VERDICT_GONE && decision->verdict.gone_reason == RC_GONE_OUT_OF_SCOPE)
        decision->employee = *newest;
    rc_diff(arena, occasion, employee_id, snapshot, &decision->employee, &decision->verdict, &decision->diff);
}

static const char *stored_id(const rc_snapshot_t *snapshot, const rc_pending_t *pending)
{
    RC_INVARIANT(snapshot || pending);
    return snapshot ? snapshot->employee_id : pending->employee_id;
}

void rc_decide_record(rc_arena_t *arena, const rc_occasion_t *occasion, const rc_kombo_employee_t *record,
                      rc_look_t look, const rc_snapshot_t *snapshot, const rc_pending_t *pending,
                      rc_decision_t *decision)
{
    rc_projection_t projection;
    rc_project(arena, record, occasion->integration, snapshot ? &snapshot->employee : NULL, &projection);
    *decision = (rc_decision_t){
        .employee = projection.employee,
        .facts = rc_facts_seen(projection.in_scope),
        .scope_setting = projection.scope_setting,
        .unreadable = projection.unreadable,
    };
    if (projection.deleted) {
        const rc_employee_t *newest = newest_employee(snapshot, pending);
        if (newest) decision->employee = *newest;
        decision->facts =
            rc_facts_absent(RC_ABSENCE_DELETED, look, occasion->now, pending, &occasion->integration->policy);
    }
    decide(arena, occasion, record->id, snapshot, pending, decision);
}

void rc_decide_missing(rc_arena_t *arena, const rc_occasion_t *occasion, const rc_snapshot_t *snapshot,
                       const rc_pending_t *pending, rc_decision_t *decision)
{
    const char *employee_id = stored_id(snapshot, pending);
    *decision = (rc_decision_t){
        .employee = *newest_employee(snapshot, pending),
        .facts =
            rc_facts_absent(RC_ABSENCE_MISSING, RC_LOOK_FULL, occasion->now, pending, &occasion->integration->policy),
    };
    decide(arena, occasion, employee_id, snapshot, pending, decision);
}

void rc_decide_stored(rc_arena_t *arena, const rc_occasion_t *occasion, const rc_snapshot_t *snapshot,
                      const rc_pending_t *pending, rc_decision_t *decision)
{
    const char *employee_id = stored_id(snapshot, pending);
    *decision = (rc_decision_t){
        .employee = *newest_employee(snapshot, pending),
        .facts = rc_facts_stored(pending),
    };
    decide(arena, occasion, employee_id, snapshot, pending, decision);
}

/* ---- Pending ---- */

/* The first moment of a day in a zone. */
static rc_wall_t day_start(const rc_zone_t *zone, rc_date_t date)
{
    const int64_t day_ms = INT64_C(24) * 3600 * 1000;
    rc_wall_t at = {(date.days - 2) * day_ms}; /* before that day in every zone */
    while (rc_zone_date(zone, at).days < date.days) at = rc_zone_next_midnight(zone, at);
    return at;
}

static rc_wall_t find_until(const rc_occasion_t *occasion, const rc_verdict_t *verdict)
{
    if (verdict->kind != RC_VERDICT_WAIT) return (rc_wall_t){0};
    if (verdict->reasons & REASON(ABSENT_ONCE)) return verdict->look_again_at;
    if (!rc_date_is_set(verdict->not_before)) return (rc_wall_t){0};
    return day_start(occasion->integration->zone, verdict->not_before);
}

static rc_wall_t find_since(const rc_occasion_t *occasion, const rc_pending_t *stored, const rc_verdict_t *verdict,
                            uint32_t reasons)
{
    if (verdict->kind == RC_VERDICT_WAIT && (verdict->reasons & REASON(ABSENT_ONCE))) return verdict->absent_since;
    return stored && (stored->reasons & reasons) ? stored->since : occasion->now;
}

rc_pending_t rc_pending_of(const rc_occasion_t *occasion, const char *employee_id, const rc_pending_t *stored,
                           const rc_decision_t *decision, const rc_obstacles_t *obstacles)
{
    static const rc_obstacles_t none = {.reasons = 0};
    const rc_verdict_t *verdict = &decision->verdict;
    if (!obstacles) obstacles = &none;
    bool gone = verdict->kind == RC_VERDICT_GONE || (verdict->reasons & REASON(ABSENT_ONCE));
    uint32_t reasons = verdict->reasons | obstacles->reasons;
    return (rc_pending_t){
        .integration_id = occasion->integration->id,
        .employee_id = employee_id,
        .employee = decision->employee,
        .wanted = gone ? RC_PRESENCE_GONE : RC_PRESENCE_EMPLOYED,
        .gone_reason = gone ? verdict->gone_reason : RC_GONE_INACTIVE,
        .effective_date = gone ? verdict->effective_date : RC_DATE_NONE,
        .replaces = obstacles->replaces,
        .reasons = reasons,
        .holds = obstacles->holds,
        .hold_count = obstacles->hold_count,
        .since = find_since(occasion, stored, verdict, reasons),
        .until = find_until(occasion, verdict),
        .rejected_digest = obstacles->rejected_digest,
    };
}

rc_pending_action_t rc_pending_next(const rc_occasion_t *occasion, const char *employee_id, const rc_pending_t *stored,
                                    const rc_decision_t *decision, const rc_obstacles_t *obstacles, rc_pending_t *next)
{
    bool stopped = obstacles && obstacles->reasons && decision->diff.count > 0;
    if (decision->verdict.kind != RC_VERDICT_WAIT && !stopped)
        return stored ? RC_PENDING_TOMBSTONE : RC_PENDING_NOTHING;
    *next = rc_pending_of(occasion, employee_id, stored, decision, stopped ? obstacles : NULL);
    return stored && rc_pending_equal(stored, next) ? RC_PENDING_NOTHING : RC_PENDING_WRITE;
}

static bool holds_equal(const rc_pending_t *a, const rc_pending_t *b)
{
    if (a->hold_count != b->hold_count) return false;
    for (size_t i = 0; i < a->hold_count; i++) {
        const rc_hold_ref_t *left = &a->holds[i], *right = &b->holds[i];
        if (left->brake != right->brake || left->approved != right->approved || left->since.ms != right->since.ms ||
            !rc_text_equal(left->hold_id, right->hold_id) || !rc_text_equal(left->digest, right->digest))
            return false;
    }
    return true;
}

bool rc_pending_equal(const rc_pending_t *a, const rc_pending_t *b)
{
    return a->wanted == b->wanted && a->reasons == b->reasons && a->since.ms == b->since.ms &&
           a->until.ms == b->until.ms &&
           (a->wanted != RC_PRESENCE_GONE ||
            (a->gone_reason == b->gone_reason && a->effective_date.days == b->effective_date.days)) &&
           rc_text_equal(a->replaces, b->replaces) && rc_text_equal(a->rejected_digest, b->rejected_digest) &&
           rc_text_equal(a->employee_id, b->employee_id) && rc_text_equal(a->integration_id, b->integration_id) &&
           holds_equal(a, b) && rc_employee_equal(&a->employee, &b->employee);
}
