/* Matching of paths for the tables of endpoints. Pure; any thread. */
#ifndef RC_TESTS_SANDBOX_PATH_H
#define RC_TESTS_SANDBOX_PATH_H

#include <stdbool.h>
#include <stddef.h>

enum { SB_PATH_IDS = 2 };

/* Whether the segments are "users/" "*" "/deactivate": literal ones, and ids where a star stands. The ids are borrowed;
 * those that are not there are NULL. */
bool sb_path_fits(const char *pattern, const char *const *segments, size_t count, const char *ids[SB_PATH_IDS]);

#endif
