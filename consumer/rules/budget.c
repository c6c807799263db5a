#include "consumer/rules/budget.h"

void rc_budget_init(rc_budget_t *budget, int percent, int count, int64_t window_ms, rc_mono_t now)
{
    int64_t bucket_ms = window_ms / RC_BUDGET_BUCKETS;
    *budget = (rc_budget_t){.percent = percent, .count = count, .bucket_ms = bucket_ms > 0 ? bucket_ms : 1};
    budget->newest = now.ms / budget->bucket_ms;
}

/* Forgets what fell out of the window. */
static void turn(rc_budget_t *budget, rc_mono_t now)
{
    int64_t bucket = now.ms / budget->bucket_ms;
    int64_t steps = bucket - budget->newest;
    if (steps <= 0) return;
    if (steps > RC_BUDGET_BUCKETS) steps = RC_BUDGET_BUCKETS;
    for (int64_t i = 0; i < steps; i++) {
        int64_t slot = (bucket - i) % RC_BUDGET_BUCKETS;
        budget->buckets[slot].finished = 0;
        budget->buckets[slot].dead = 0;
    }
    budget->newest = bucket;
}

void rc_budget_finished(rc_budget_t *budget, rc_mono_t now)
{
    turn(budget, now);
    budget->buckets[budget->newest % RC_BUDGET_BUCKETS].finished++;
}

bool rc_budget_take(rc_budget_t *budget, rc_mono_t now)
{
    turn(budget, now);
    int64_t finished = 0, dead = 0;
    for (int i = 0; i < RC_BUDGET_BUCKETS; i++) {
        finished += budget->buckets[i].finished;
        dead += budget->buckets[i].dead;
    }
    int64_t limit = finished * budget->percent / 100;
    if (limit < budget->count) limit = budget->count;
    if (dead >= limit) return false;
    budget->buckets[budget->newest % RC_BUDGET_BUCKETS].dead++;
    budget->buckets[budget->newest % RC_BUDGET_BUCKETS].finished++;
    return true;
}
