/* Which dead letters wait for a person: the rule, apart from reading. */
#include "common/dead_letters.h"
#include "tests/support/unit.h"

enum { VERSION = 100 };

static const struct {
    const char *what;
    rc_park_reason_t reason;
    int64_t version; /* of the letter; 0: it cannot be read */
    bool died_again, sent_again;
    int64_t ledger_version; /* 0: the ledger has no entry; -1: REPLAYED, whose version is 0 */
    rc_outcome_t outcome;
    rc_dead_state_t state;
} CASES[] = {
    {"the ledger still says DEAD", RC_PARK_REJECTED, VERSION, false, false, VERSION, RC_OUTCOME_DEAD, RC_DEAD_OPEN},
    {"it was sent once more", RC_PARK_REJECTED, VERSION, false, true, VERSION, RC_OUTCOME_DEAD, RC_DEAD_TRYING},
    {"it was sent once more and done", RC_PARK_REJECTED, VERSION, false, true, VERSION, RC_OUTCOME_APPLIED,
     RC_DEAD_SETTLED},
    {"it died again", RC_PARK_REJECTED, VERSION, true, true, VERSION, RC_OUTCOME_DEAD, RC_DEAD_SETTLED},
    {"it was parked", RC_PARK_REJECTED, VERSION, false, false, VERSION, RC_OUTCOME_PARKED, RC_DEAD_TRYING},
    {"it was applied", RC_PARK_REJECTED, VERSION, false, false, VERSION, RC_OUTCOME_APPLIED, RC_DEAD_SETTLED},
    {"a newer event died", RC_PARK_REJECTED, VERSION, false, false, VERSION + 1, RC_OUTCOME_DEAD, RC_DEAD_SETTLED},
    {"a newer event was applied", RC_PARK_IDENTITY_CONFLICT, VERSION, false, false, VERSION + 1, RC_OUTCOME_APPLIED,
     RC_DEAD_SETTLED},
    {"all is replayed", RC_PARK_REJECTED, VERSION, false, false, -1, RC_OUTCOME_REPLAYED, RC_DEAD_TRYING},
    {"the person was forgotten", RC_PARK_REJECTED, VERSION, false, false, 0, RC_OUTCOME_DEAD, RC_DEAD_SETTLED},
    {"an older entry came back", RC_PARK_REJECTED, VERSION, false, false, VERSION - 1, RC_OUTCOME_APPLIED,
     RC_DEAD_OPEN},
    {"poison that nobody reads", RC_PARK_POISON, 0, false, false, 0, RC_OUTCOME_DEAD, RC_DEAD_OPEN},
    {"poison that can be read now", RC_PARK_POISON, VERSION, false, false, 0, RC_OUTCOME_DEAD, RC_DEAD_OPEN},
    {"poison behind which the person went on", RC_PARK_POISON, VERSION, false, false, VERSION + 1, RC_OUTCOME_APPLIED,
     RC_DEAD_SETTLED},
    {"poison that was sent once more", RC_PARK_POISON, 0, false, true, 0, RC_OUTCOME_DEAD, RC_DEAD_TRYING},
};
enum { CASE_COUNT = sizeof CASES / sizeof *CASES };

START_TEST(a_dead_letter_is_open_until_something_became_of_it)
{
    rc_dead_letter_t letter = {.reason = CASES[_i].reason, .version = CASES[_i].version, .state = RC_DEAD_SETTLED};
    const rc_ledger_entry_t entry = {.version = CASES[_i].ledger_version < 0 ? 0 : CASES[_i].ledger_version,
                                     .outcome = CASES[_i].outcome};
    const rc_dead_evidence_t evidence = {.died_again = CASES[_i].died_again,
                                         .sent_again = CASES[_i].sent_again,
                                         .ledger = CASES[_i].ledger_version != 0 ? &entry : NULL};
    rc_dead_letter_judge(&letter, &evidence);
    ck_assert_msg(letter.state == CASES[_i].state, "%s: %d", CASES[_i].what, (int)letter.state);
    ck_assert_int_eq(letter.became == NULL, letter.state == RC_DEAD_OPEN);
}
END_TEST

START_TEST(every_reason_says_what_it_means_and_what_to_do)
{
    ck_assert_str_ne(rc_dead_reason_means((rc_park_reason_t)_i), "");
    ck_assert_str_ne(rc_dead_reason_mend((rc_park_reason_t)_i), "");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("dead_letters");
    TCase *tests = tcase_create("rule");
    tcase_add_loop_test(tests, a_dead_letter_is_open_until_something_became_of_it, 0, CASE_COUNT);
    tcase_add_loop_test(tests, every_reason_says_what_it_means_and_what_to_do, 0, RC_PARK_COUNT);
    suite_add_tcase(suite, tests);
    return rc_unit_run(suite);
}
