/* Any bytes as Host, Origin, Cookie, Authorization and CSRF header (divided by line breaks), and as a name that is
 * looked for: without the token nothing passes that would need it, and no text grows. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "producer/page/fold.h"
#include "producer/page/guard.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Cuts the next line off; NULL when there is none. */
static const char *line(char **rest)
{
    return strsep(rest, "\n");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const rc_wall_t now = {1795400000000};
    rc_guard_t locked, open_here, open_everywhere;
    const char *why;
    rc_arena_t *arena = rc_arena_new();
    char *text = rc_strndup(size ? (const char *)data : "", size), *rest = text;
    char *folded = rc_fold(arena, text);
    RC_INVARIANT(strlen(folded) <= strlen(text));
    RC_INVARIANT(rc_fold_matches(folded, ""));
    rc_guard_init(&locked, "a token that no fuzzer guesses", false);
    rc_guard_init(&open_here, "", true);
    rc_guard_init(&open_everywhere, "", false);
    rc_guard_request_t request = {.needs_login = true};
    request.host = line(&rest);
    request.origin = line(&rest);
    request.cookie = line(&rest);
    request.authorization = line(&rest);
    request.csrf = line(&rest);
    RC_INVARIANT(rc_guard_look(&locked, &request, now, &why) != RC_GUARD_PASSED && why);
    RC_INVARIANT(rc_guard_look(&open_everywhere, &request, now, &why) == RC_GUARD_FORBIDDEN);
    if (rc_guard_look(&open_here, &request, now, &why) == RC_GUARD_PASSED)
        RC_INVARIANT(strncasecmp(request.host, "localhost", 9) == 0 || strncmp(request.host, "127.", 4) == 0 ||
                     strncmp(request.host, "[::1]", 5) == 0);
    request.writes = true;
    RC_INVARIANT(rc_guard_look(&open_here, &request, now, &why) != RC_GUARD_PASSED);
    free(text);
    rc_arena_free(arena);
    return 0;
}
