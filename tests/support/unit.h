/* What every unit test program ends with: runs one suite and turns its result into an exit code. */
#ifndef RC_TESTS_SUPPORT_UNIT_H
#define RC_TESTS_SUPPORT_UNIT_H

#include <check.h>
#include <stdint.h>
#include <stdlib.h>

/* A limit of time that a test sets itself, for a machine that may be slow (valgrind, sanitizers): times
 * CK_TIMEOUT_MULTIPLIER, as Check's own limits. */
static inline int64_t rc_unit_patience_ms(int64_t limit_ms)
{
    const char *multiplier = getenv("CK_TIMEOUT_MULTIPLIER");
    long times = multiplier ? strtol(multiplier, NULL, 10) : 1;
    return times > 1 ? limit_ms * times : limit_ms;
}

/* How many rounds of a loop over random cases: fewer where each takes so many times as long. */
static inline int rc_unit_rounds(int rounds)
{
    return (int)(rounds / rc_unit_patience_ms(1));
}

/* Takes the suite. */
static inline int rc_unit_run(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
