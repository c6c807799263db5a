/* consumer/rules/parking: which tier, when the dead letters, and what is counted. */
#include "tests/support/unit.h"

#include "consumer/rules/parking.h"

enum { TIERS = 3 };

/* What happens on the way through all tiers: the tier of each failure (0, 1, 2), and how it ends. */
static const struct {
    rc_class_t class;
    rc_park_reason_t reason;
    rc_parking_kind_t fourth; /* after three tiers */
    rc_park_reason_t fourth_reason;
} ways[] = {
    {RC_CLASS_TRANSIENT, RC_PARK_TRANSIENT, RC_PARKING_TIER, RC_PARK_TRANSIENT},
    {RC_CLASS_UNANSWERED, RC_PARK_UNANSWERED, RC_PARKING_TIER, RC_PARK_UNANSWERED},
    {RC_CLASS_TEAM_MISSING, RC_PARK_TEAM, RC_PARKING_TIER, RC_PARK_TEAM},
    {RC_CLASS_REPLACED, RC_PARK_REPLACED, RC_PARKING_TIER, RC_PARK_REPLACED},
    {RC_CLASS_NO_SNAPSHOT, RC_PARK_NO_SNAPSHOT, RC_PARKING_TIER, RC_PARK_NO_SNAPSHOT},
    {RC_CLASS_CONFLICT, RC_PARK_CONFLICT, RC_PARKING_DEAD_LETTER, RC_PARK_IDENTITY_CONFLICT},
    {RC_CLASS_UNKNOWN_MANAGER, RC_PARK_MANAGER, RC_PARKING_FINISH, RC_PARK_MANAGER},
};

START_TEST(every_failure_goes_one_tier_further)
{
    rc_parking_input_t input = {.class = ways[_i].class, .tiers = TIERS, .before = -1};
    for (int failure = 0; failure < TIERS; failure++) {
        rc_parking_decision_t way = rc_parking_decide(&input);
        ck_assert_int_eq(way.kind, RC_PARKING_TIER);
        ck_assert_uint_eq(way.tier, (size_t)failure);
        ck_assert_int_eq(way.attempts, failure + 1);
        ck_assert_int_eq(way.reason, ways[_i].reason);
        ck_assert_int_eq(way.unanswered, ways[_i].class == RC_CLASS_UNANSWERED);
        input.attempts = way.attempts;
        input.before = (int)way.reason;
    }
    rc_parking_decision_t end = rc_parking_decide(&input);
    ck_assert_int_eq(end.kind, ways[_i].fourth);
    ck_assert_int_eq(end.reason, ways[_i].fourth_reason);
    ck_assert_int_eq(end.attempts, TIERS + 1);
    if (end.kind == RC_PARKING_TIER) ck_assert_uint_eq(end.tier, TIERS - 1);
}
END_TEST

START_TEST(transient_and_unanswered_repeat_the_last_tier_for_ever)
{
    for (int attempts = TIERS; attempts < 1000; attempts++) {
        rc_class_t class = attempts % 2 ? RC_CLASS_TRANSIENT : RC_CLASS_UNANSWERED;
        rc_parking_input_t input = {.class = class, .tiers = TIERS, .attempts = attempts, .before = -1};
        rc_parking_decision_t way = rc_parking_decide(&input);
        ck_assert_int_eq(way.kind, RC_PARKING_TIER);
        ck_assert_uint_eq(way.tier, TIERS - 1);
    }
}
END_TEST

START_TEST(what_the_service_rejects_is_dead_at_once)
{
    rc_parking_input_t input = {.class = RC_CLASS_REJECTED, .tiers = TIERS, .before = -1};
    rc_parking_decision_t way = rc_parking_decide(&input);
    ck_assert_int_eq(way.kind, RC_PARKING_DEAD_LETTER);
    ck_assert_int_eq(way.reason, RC_PARK_REJECTED);
    ck_assert_int_eq(way.attempts, 1);
}
END_TEST

START_TEST(only_rejections_and_conflicts_reach_the_dead_letters)
{
    for (int class = 0; class < RC_CLASS_COUNT; class ++) {
        if (class == RC_CLASS_APPLIED || class == RC_CLASS_REJECTED || class == RC_CLASS_CONFLICT) continue;
        for (int attempts = 0; attempts < 100; attempts++) {
            for (int before = -1; before < RC_PARK_COUNT; before++) {
                rc_parking_input_t input = {.class = (rc_class_t) class,
                                            .attempts = attempts,
                                            .before = before,
                                            .tiers = (size_t)(attempts % 4 + 1),
                                            .memory_full = attempts % 2 == 0};
                ck_assert_int_ne(rc_parking_decide(&input).kind, RC_PARKING_DEAD_LETTER);
            }
        }
    }
}
END_TEST

static const rc_class_t kept[] = {RC_CLASS_THROTTLED, RC_CLASS_HELD, RC_CLASS_CREDENTIALS, RC_CLASS_MISCONFIGURED,
                                  RC_CLASS_CANCELLED};

START_TEST(what_the_service_refuses_to_all_is_kept_and_counts_nothing)
{
    rc_parking_input_t input = {.class = kept[_i], .tiers = TIERS, .attempts = 7, .before = -1};
    rc_parking_decision_t way = rc_parking_decide(&input);
    ck_assert_int_eq(way.kind, RC_PARKING_HOLD);
    ck_assert_int_eq(way.attempts, 7);

    input.memory_full = true;
    way = rc_parking_decide(&input);
    ck_assert_int_eq(way.kind, RC_PARKING_TIER);
    ck_assert_uint_eq(way.tier, 1);
    ck_assert_int_eq(way.attempts, 7);
    ck_assert_int_eq(way.reason, RC_PARK_HELD);

    input.tiers = 1;
    ck_assert_uint_eq(rc_parking_decide(&input).tier, 0);
}
END_TEST

START_TEST(what_ends_after_the_last_tier_gets_all_tiers_for_its_own_reason)
{
    rc_parking_input_t input = {
        .class = RC_CLASS_CONFLICT, .tiers = TIERS, .attempts = 40, .before = RC_PARK_TRANSIENT};
    rc_parking_decision_t way = rc_parking_decide(&input);
    ck_assert_int_eq(way.kind, RC_PARKING_TIER);
    ck_assert_uint_eq(way.tier, 0);
    ck_assert_int_eq(way.attempts, 1);
}
END_TEST

START_TEST(one_who_moved_aside_gives_the_other_all_tiers)
{
    rc_parking_input_t input = {
        .class = RC_CLASS_CONFLICT, .tiers = TIERS, .attempts = TIERS, .before = RC_PARK_CONFLICT, .moved_aside = true};
    rc_parking_decision_t way = rc_parking_decide(&input);
    ck_assert_int_eq(way.kind, RC_PARKING_TIER);
    ck_assert_uint_eq(way.tier, 0);
    ck_assert_int_eq(way.attempts, 1);
}
END_TEST

START_TEST(a_write_in_question_stays_marked_whatever_comes_next)
{
    rc_parking_input_t input = {
        .class = RC_CLASS_TRANSIENT, .tiers = TIERS, .before = RC_PARK_UNANSWERED, .unanswered = true};
    ck_assert(rc_parking_decide(&input).unanswered);
    input.class = RC_CLASS_HELD;
    ck_assert(rc_parking_decide(&input).unanswered);
}
END_TEST

START_TEST(handed_over_records_begin_anew_in_the_first_tier)
{
    rc_parking_decision_t way = rc_parking_hand_over();
    ck_assert_int_eq(way.kind, RC_PARKING_TIER);
    ck_assert_uint_eq(way.tier, 0);
    ck_assert_int_eq(way.attempts, 0);
    ck_assert_int_eq(way.reason, RC_PARK_HANDED_OVER);
}
END_TEST

START_TEST(the_unknown_waits_in_the_last_tier_uncounted)
{
    rc_parking_decision_t way = rc_parking_unknown(RC_PARK_UNKNOWN_SCHEMA, 5, TIERS);
    ck_assert_int_eq(way.kind, RC_PARKING_TIER);
    ck_assert_uint_eq(way.tier, TIERS - 1);
    ck_assert_int_eq(way.attempts, 5);
    ck_assert_int_eq(rc_parking_unknown(RC_PARK_UNKNOWN_INTEGRATION, 0, 1).reason, RC_PARK_UNKNOWN_INTEGRATION);
}
END_TEST

START_TEST(poison_is_dead)
{
    rc_parking_decision_t way = rc_parking_poison(0);
    ck_assert_int_eq(way.kind, RC_PARKING_DEAD_LETTER);
    ck_assert_int_eq(way.reason, RC_PARK_POISON);
}
END_TEST

START_TEST(no_head_of_a_retry_topic_stands_in_front_of_others_for_longer_than_its_delay)
{
    const rc_wall_t now = {1763827732123};
    static const struct {
        int64_t not_before_ms, due_ms;
    } heads[] = {{0, 0},
                 {1763827732000, 1763827732000},
                 {1763827732123 + 29999, 1763827732123 + 29999},
                 {1763827732123 + 30001, 1763827732123 + 30000},
                 {253402300799999, 1763827732123 + 30000}}; /* a header that says the year 9999 stopped a partition */
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
        ck_assert_int_eq(rc_parking_due((rc_wall_t){heads[i].not_before_ms}, now, 30000).ms, heads[i].due_ms);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("parking");
    TCase *tcase = tcase_create("tiers");
    tcase_add_loop_test(tcase, every_failure_goes_one_tier_further, 0, sizeof ways / sizeof *ways);
    tcase_add_test(tcase, transient_and_unanswered_repeat_the_last_tier_for_ever);
    tcase_add_test(tcase, what_the_service_rejects_is_dead_at_once);
    tcase_add_test(tcase, only_rejections_and_conflicts_reach_the_dead_letters);
    tcase_add_loop_test(tcase, what_the_service_refuses_to_all_is_kept_and_counts_nothing, 0,
                        sizeof kept / sizeof *kept);
    tcase_add_test(tcase, what_ends_after_the_last_tier_gets_all_tiers_for_its_own_reason);
    tcase_add_test(tcase, one_who_moved_aside_gives_the_other_all_tiers);
    tcase_add_test(tcase, a_write_in_question_stays_marked_whatever_comes_next);
    tcase_add_test(tcase, handed_over_records_begin_anew_in_the_first_tier);
    tcase_add_test(tcase, the_unknown_waits_in_the_last_tier_uncounted);
    tcase_add_test(tcase, poison_is_dead);
    tcase_add_test(tcase, no_head_of_a_retry_topic_stands_in_front_of_others_for_longer_than_its_delay);
    suite_add_tcase(suite, tcase);
    return rc_unit_run(suite);
}
