#include "tests/sandbox/path.h"

#include <string.h>

bool sb_path_fits(const char *pattern, const char *const *segments, size_t count, const char *ids[SB_PATH_IDS])
{
    size_t found = 0;
    ids[0] = ids[1] = NULL;
    for (size_t i = 0; i < count; i++) {
        size_t length = strcspn(pattern, "/");
        if (!length) return false;
        if (length == 1 && *pattern == '*' && found < SB_PATH_IDS)
            ids[found++] = segments[i];
        else if (strlen(segments[i]) != length || strncmp(pattern, segments[i], length) != 0)
            return false;
        pattern += length + (pattern[length] == '/');
    }
    return !*pattern;
}
