/* Any bytes as the target of a request and as a form's body: what is decoded is UTF-8 without NUL, and no longer than
 * what came. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/httpd_target.h"
#include "common/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const char *text, size_t most)
{
    RC_INVARIANT(strlen(text) <= most && rc_utf8_valid(text, strlen(text)));
}

static void check_pairs(const rc_httpd_pair_t *pairs, size_t count, size_t most)
{
    for (size_t i = 0; i < count; i++) {
        check(pairs[i].name, most);
        check(pairs[i].value, most);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    rc_arena_t *arena = rc_arena_new();
    rc_httpd_target_t target;
    const rc_httpd_pair_t *pairs;
    size_t count;
    char *text = rc_strndup(size ? (const char *)data : "", size);
    if (!rc_httpd_target_parse(arena, text, &target, NULL)) {
        for (size_t i = 0; i < target.segment_count; i++) {
            check(target.segments[i], size);
            RC_INVARIANT(*target.segments[i]);
        }
        check_pairs(target.args, target.arg_count, size);
    }
    if (!rc_httpd_pairs_parse(arena, (const char *)data, size, &pairs, &count, NULL)) check_pairs(pairs, count, size);
    free(text);
    rc_arena_free(arena);
    return 0;
}
