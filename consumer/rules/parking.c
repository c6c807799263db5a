#include "consumer/rules/parking.h"

#include "common/mutant.h"

typedef enum {
    KEEP,     /* in memory; when that is full, in the second tier, uncounted */
    FOR_EVER, /* the next tier, then the last one again and again */
    IN_TIERS, /* the next tier; after the last one, `after` */
    AT_ONCE   /* the dead letters */
} how_t;

/* Every class that a record can end with, and what becomes of the record. */
static const struct {
    how_t how;
    rc_park_reason_t reason;
    rc_parking_kind_t after;
    rc_park_reason_t after_reason;
} table[RC_CLASS_COUNT] = {
    [RC_CLASS_APPLIED] = {KEEP, RC_PARK_HELD, RC_PARKING_HOLD, RC_PARK_HELD}, /* refused below */
    [RC_CLASS_THROTTLED] = {KEEP, RC_PARK_HELD, RC_PARKING_HOLD, RC_PARK_HELD},
    [RC_CLASS_CREDENTIALS] = {KEEP, RC_PARK_HELD, RC_PARKING_HOLD, RC_PARK_HELD},
    [RC_CLASS_MISCONFIGURED] = {KEEP, RC_PARK_HELD, RC_PARKING_HOLD, RC_PARK_HELD},
    [RC_CLASS_HELD] = {KEEP, RC_PARK_HELD, RC_PARKING_HOLD, RC_PARK_HELD},
    [RC_CLASS_CANCELLED] = {KEEP, RC_PARK_HELD, RC_PARKING_HOLD, RC_PARK_HELD},
    [RC_CLASS_TRANSIENT] = {FOR_EVER, RC_PARK_TRANSIENT, RC_PARKING_TIER, RC_PARK_TRANSIENT},
    [RC_CLASS_UNANSWERED] = {FOR_EVER, RC_PARK_UNANSWERED, RC_PARKING_TIER, RC_PARK_UNANSWERED},
    [RC_CLASS_AMBIGUOUS] = {FOR_EVER, RC_PARK_TRANSIENT, RC_PARKING_TIER, RC_PARK_TRANSIENT},
    [RC_CLASS_TEAM_MISSING] = {FOR_EVER, RC_PARK_TEAM, RC_PARKING_TIER, RC_PARK_TEAM},
    [RC_CLASS_REPLACED] = {FOR_EVER, RC_PARK_REPLACED, RC_PARKING_TIER, RC_PARK_REPLACED},
    [RC_CLASS_NO_SNAPSHOT] = {FOR_EVER, RC_PARK_NO_SNAPSHOT, RC_PARKING_TIER, RC_PARK_NO_SNAPSHOT},
    [RC_CLASS_REJECTED] = {AT_ONCE, RC_PARK_REJECTED, RC_PARKING_DEAD_LETTER, RC_PARK_REJECTED},
    [RC_CLASS_CONFLICT] = {IN_TIERS, RC_PARK_CONFLICT, RC_PARKING_DEAD_LETTER, RC_PARK_IDENTITY_CONFLICT},
    [RC_CLASS_UNKNOWN_MANAGER] = {IN_TIERS, RC_PARK_MANAGER, RC_PARKING_FINISH, RC_PARK_MANAGER},
};

static size_t last_of(size_t tiers)
{
    return tiers - 1;
}

rc_parking_decision_t rc_parking_decide(const rc_parking_input_t *input)
{
    RC_INVARIANT((unsigned)input->class < RC_CLASS_COUNT && input->class != RC_CLASS_APPLIED);
    RC_INVARIANT(input->tiers > 0 && input->attempts >= 0);

    if (RC_MUTANT(DEAD_AT_ONCE) && input->class == RC_CLASS_TRANSIENT) return rc_parking_poison(input->attempts);
    how_t how = table[input->class].how;
    rc_parking_decision_t parking = {.kind = RC_PARKING_TIER,
                                     .attempts = input->attempts,
                                     .reason = table[input->class].reason,
                                     .unanswered = input->unanswered || input->class == RC_CLASS_UNANSWERED};
    if (how == KEEP) {
        if (!input->memory_full) parking.kind = RC_PARKING_HOLD;
        parking.tier = input->tiers > 1 ? 1 : 0;
        return parking;
    }

    /* What ends after the last tier gets all tiers for its own reason, whatever kept the record before. One who moved
     * aside gets them once more: the other of the two has to come first, and may be in their longest tier. */
    int before = input->attempts;
    if (how == IN_TIERS && (input->before != (int)parking.reason || input->moved_aside)) before = 0;
    parking.attempts = before + 1;
    size_t tier = (size_t)before; /* the first failure goes to the first tier */
    if (how == AT_ONCE || (how == IN_TIERS && tier >= input->tiers)) {
        parking.kind = table[input->class].after;
        parking.reason = table[input->class].after_reason;
        return parking;
    }
    parking.tier = tier < input->tiers ? tier : last_of(input->tiers);
    return parking;
}

rc_parking_decision_t rc_parking_hand_over(void)
{
    return (rc_parking_decision_t){.kind = RC_PARKING_TIER, .tier = 0, .reason = RC_PARK_HANDED_OVER};
}

rc_parking_decision_t rc_parking_unknown(rc_park_reason_t reason, int attempts, size_t tiers)
{
    RC_INVARIANT(reason == RC_PARK_UNKNOWN_INTEGRATION || reason == RC_PARK_UNKNOWN_SCHEMA);
    RC_INVARIANT(tiers > 0);
    return (rc_parking_decision_t){
        .kind = RC_PARKING_TIER, .tier = last_of(tiers), .attempts = attempts, .reason = reason};
}

rc_parking_decision_t rc_parking_poison(int attempts)
{
    return (rc_parking_decision_t){.kind = RC_PARKING_DEAD_LETTER, .attempts = attempts + 1, .reason = RC_PARK_POISON};
}

rc_wall_t rc_parking_due(rc_wall_t not_before, rc_wall_t read_at, int64_t delay_ms)
{
    int64_t latest_ms = read_at.ms + delay_ms;
    return not_before.ms < latest_ms ? not_before : (rc_wall_t){latest_ms};
}
