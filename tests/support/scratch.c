#include "tests/support/scratch.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/error.h"
#include "common/mem.h"

enum { DESCRIPTORS = 16 };

char *rc_scratch_new(void)
{
    const char *base = getenv("TMPDIR");
    char *path = rc_sprintf("%s/rollcall-test-XXXXXX", base && *base ? base : "/tmp");
    if (!mkdtemp(path)) RC_DIE("no folder %s can be made", path);
    return path;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *where)
{
    (void)status, (void)kind, (void)where;
    return remove(path);
}

void rc_scratch_remove(char *path)
{
    if (path && nftw(path, remove_one, DESCRIPTORS, FTW_DEPTH | FTW_PHYS)) RC_DIE("%s cannot be removed", path);
    free(path);
}
