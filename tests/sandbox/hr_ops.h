/* What a test can let happen in an HR system, as JSON: {"op": "hire", …}. tests/sandbox/README.md lists the operations.
 * One thread at a time per HR system. */
#ifndef RC_TESTS_SANDBOX_HR_OPS_H
#define RC_TESTS_SANDBOX_HR_OPS_H

#include "tests/sandbox/hr.h"

/* Lets one operation happen; puts what it made ("employee", "group" …) into `result`. An error that says what is wrong
 * otherwise; then nothing happened. */
rc_code_t sb_hr_operate(sb_hr_t *hr, const json_t *operation, rc_wall_t now, json_t *result, rc_error_t *error);

/* `count` changes drawn from the seed, of the kinds named in `only` (NULL: all); adds how many of each kind to
 * `counts`. RC_USAGE for an unknown kind. */
rc_code_t sb_hr_randomise(sb_hr_t *hr, uint64_t seed, uint32_t count, const json_t *only, rc_wall_t now, json_t *counts,
                          rc_error_t *error);

/* `groups` with every group of that type replaced by `group` (SB_NOBODY: by none). Returns the new count. */
size_t sb_hr_replace_group(const sb_hr_t *hr, const char *type, int32_t group, int32_t groups[SB_MAX_GROUPS],
                           size_t count);

#endif
