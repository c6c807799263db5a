#include "consumer/rules/replay.h"

#include "tests/support/unit.h"

#define O(name) RC_OUTCOME_##name

/* clang-format off */
static const struct {
    const char *rule;
    rc_event_type_t lane;
    int64_t past, newest;
    int64_t version; /* of the entry; -1: there is none */
    rc_outcome_t outcome;
    bool invites;
    rc_replay_t expected;
} CASES[] = {
    {"what was applied is applied once more", RC_EVENT_CREATED, 5, 5, 5, O(APPLIED), true, RC_REPLAY_RESET},
    {"so is what a newer state covered", RC_EVENT_TEAM_CHANGED, 5, 5, 9, O(COVERED), true, RC_REPLAY_RESET},
    {"and what finished ahead of the offsets", RC_EVENT_PROFILE_UPDATED, 0, 5, 5, O(APPLIED), true, RC_REPLAY_RESET},
    {"a second run finds nothing to do", RC_EVENT_CREATED, 5, 5, 0, O(REPLAYED), true, RC_REPLAY_IS_RESET},
    {"also when the offsets were moved", RC_EVENT_CREATED, 0, 5, 0, O(REPLAYED), true, RC_REPLAY_IS_RESET},
    {"who was never worked is invited as they would have been", RC_EVENT_CREATED, 0, 5, -1, O(APPLIED), true, RC_REPLAY_WAITS},
    {"and who has a newer event that waits", RC_EVENT_CREATED, 3, 5, 3, O(APPLIED), true, RC_REPLAY_WAITS},
    {"a lost entry invites nobody twice", RC_EVENT_CREATED, 5, 5, -1, O(APPLIED), true, RC_REPLAY_RESET},
    {"nor does one that is older than the offsets", RC_EVENT_CREATED, 5, 6, 3, O(APPLIED), true, RC_REPLAY_RESET},
    {"who waits in a retry topic keeps the invitation", RC_EVENT_CREATED, 5, 5, 5, O(PARKED), true, RC_REPLAY_INVITES},
    {"so does a dead letter", RC_EVENT_CREATED, 5, 5, 5, O(DEAD), true, RC_REPLAY_INVITES},
    {"without invitations both are tried again", RC_EVENT_CREATED, 5, 5, 5, O(DEAD), false, RC_REPLAY_RESET},
    {"other lanes invite nobody", RC_EVENT_PROFILE_UPDATED, 5, 5, 5, O(DEAD), true, RC_REPLAY_RESET},
    {"what was handed over is looked at again", RC_EVENT_PROFILE_UPDATED, 5, 5, 5, O(HANDED_OVER), true, RC_REPLAY_RESET},
};
/* clang-format on */

START_TEST(an_entry_is_reset_where_nobody_is_skipped_or_invited_twice)
{
    const rc_ledger_entry_t entry = {.version = CASES[_i].version, .outcome = CASES[_i].outcome};
    const rc_replay_events_t events = {CASES[_i].past, CASES[_i].newest};
    rc_replay_t judged =
        rc_replay_judge(CASES[_i].lane, &events, CASES[_i].version >= 0 ? &entry : NULL, CASES[_i].invites);
    ck_assert_msg(judged == CASES[_i].expected, "%s: %d", CASES[_i].rule, (int)judged);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("replay");
    TCase *cases = tcase_create("replay");
    tcase_add_loop_test(cases, an_entry_is_reset_where_nobody_is_skipped_or_invited_twice, 0,
                        sizeof CASES / sizeof *CASES);
    suite_add_tcase(suite, cases);
    return rc_unit_run(suite);
}
