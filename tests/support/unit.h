/* What every unit test program ends with: runs one suite and turns its result into an exit code. */
#ifndef RC_TESTS_SUPPORT_UNIT_H
#define RC_TESTS_SUPPORT_UNIT_H

#include <check.h>
#include <stdlib.h>

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
