/* Mutants: rules broken on purpose, one at a time, to prove that the tests find out. Never in a program that is
 * shipped.
 *
 * RC_MUTANT(NAME) stands where the rule stands in the code. It is the constant false, and leaves no trace in the
 * program, unless that is built with -DRC_MUTANTS=ON; then it is true in a process whose environment variable RC_MUTANT
 * has that name. A name that is none ends the program with a list of them. tests/fault/mutants.py has chaos find each
 * one. Any thread; chosen before main. */
#ifndef RC_COMMON_MUTANT_H
#define RC_COMMON_MUTANT_H

/* The rules are those of docs/design.md, by section or number; behind them the invariant that suffers. */
/* clang-format off */
#define RC_MUTANTS_LIST(X) \
    /* the producer */ \
    X(ABSENT_ONCE,      "one absence is trusted: no second look (section 4, projection rules)", "I3") \
    X(BRAKE_IGNORED,    "no brake ever holds (section 4, brakes)", "I3") \
    X(FETCH_CUT,        "a fetch that failed half-way counts as ended, and concludes who is missing (section 4, a poll)", "I2") \
    X(WATERMARK_MOVED,  "a failed fetch moves the watermark (section 4, failure)", "I6") \
    X(UNCHAINED,        "previous_version is left out (section 3)", "I1") \
    X(VERSION_FALLS,    "the version is the clock's, also when that goes back (section 3)", "I1") \
    X(PUBLISHED_APART,  "events and snapshot go out in two transactions (section 4, exactly once)", "I1") \
    X(UNFENCED,         "transactions do without the command partition's offset (section 4, exactly once)", "I1") \
    X(METADATA_LATE,    "the group metadata is taken at the commit, not when the work began (section 4, exactly once)", "I1") \
    X(TAKEOVER_EARLY,   "an integration is taken over before the table has passed the end (section 4, takeover, 3)", "I1") \
    X(COMMIT_UNSEEN,    "a poll begins before its own last commit was tailed (section 4, takeover)", "I1") \
    /* the consumer */ \
    X(SKIPPED_ANYWAY,   "S1 without its exception: what was unanswered or waits for a manager is skipped", "I6") \
    X(NO_BARRIER_GONE,  "S3: a deactivation is sent without a barrier", "I3") \
    X(NO_BARRIER_DONE,  "S4: a record is finished without a barrier", "I4") \
    X(FORGOTTEN_STAYS,  "S6: who was forgotten counts as employed", "I3") \
    X(LANE_EARLY,       "a lane starts before the table has passed the end (section 5)", "I4") \
    X(TWO_IN_FLIGHT,    "records of one employee go side by side (section 5, bring to the newest state)", "I4") \
    X(UNHELD,           "a person goes on at once after a write without an answer (section 5)", "I4") \
    X(NO_WAIT_AT_START, "nothing is waited for after an unclean end (docs/architecture.md, a killed process)", "I4") \
    X(OFFSET_FIRST,     "offsets are committed as soon as records are read, before their outcome (section 5)", "I5") \
    X(ADOPTS_ANYBODY,   "a user who bears another external id is adopted (section 5, Learn Amp calls)", "I6") \
    X(PAUSE_IGNORED,    "a pause is not followed (section 4, pause)", "pause") \
    X(PARKED_BARE,      "a parked copy has none of the headers of its parking (section 5, parking)", "I7") \
    X(ATTEMPTS_LOST,    "a parked copy counts its attempts from the beginning (section 5, parking)", "I6") \
    X(DEAD_AT_ONCE,     "a transient failure is dead-lettered (section 5, outcomes)", "I7")
/* clang-format on */

typedef enum {
    RC_MUTANT_NONE,
#define X(name, what, invariant) RC_MUTANT_##name,
    RC_MUTANTS_LIST(X)
#undef X
} rc_mutant_t;

#ifdef RC_MUTANTS
extern rc_mutant_t rc_mutant;
#define RC_MUTANT(NAME) (rc_mutant == RC_MUTANT_##NAME)
/* For --version. */
#define RC_MUTANT_NOTE " (with mutants: breaks its own rules for tests, never to be shipped)"
#else
#define RC_MUTANT(NAME) (RC_MUTANT_NONE == RC_MUTANT_##NAME) /* false; and the name is checked all the same */
#define RC_MUTANT_NOTE  ""
#endif

#endif
