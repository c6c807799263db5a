/* Damage to a finished JSON text. Pure; any thread. */
#ifndef RC_TESTS_SANDBOX_MANGLE_H
#define RC_TESTS_SANDBOX_MANGLE_H

#include "common/buf.h"

/* Puts `raw` in place of the value of the first member of that name, wherever it stands; false when there is none. */
bool sb_mangle_member(rc_buf_t *text, const char *name, const char *raw, size_t raw_bytes);

/* A JSON string of `bytes` letters; `depth` arrays in one another. Returns new (free). */
char *sb_mangle_huge_string(size_t bytes);
char *sb_mangle_nested_arrays(size_t depth);

#endif
