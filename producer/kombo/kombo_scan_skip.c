/* Over what nobody wants: most bytes of a record. What the other parts do, with the state in registers and without a
 * turn of the scanner's loop for every token. */
#include <string.h>

#include "producer/kombo/kombo_scan_run.h"
#include "producer/kombo/kombo_scan_state.h"

/* Behind the closing quote of the string whose first byte is at `at`; NULL: the piece ends before, or it has a \u or an
 * error. */
static inline __attribute__((always_inline)) const char *end_of_text(const char *at, const char *end)
{
    bool has_high = false;
    for (;;) {
        at = rc_kombo_run_end(at, end, &has_high);
        if (at == end) return NULL;
        if (*at == '"') return at + 1;
        if (*at != '\\' || end - at < 2 || !at[1] || !strchr("\"\\/bfnrt", at[1])) return NULL;
        at += 2;
    }
}

static inline bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Behind an integer; NULL: it is none, or may go on in the next piece. */
static inline const char *end_of_integer(const char *at, const char *end)
{
    if (*at == '-') at++;
    if (at == end || !is_digit(*at)) return NULL;
    const char *first = at++;
    while (at < end && is_digit(*at)) at++;
    if (at == end || *at == '.' || *at == 'e' || *at == 'E') return NULL;
    return *first == '0' && at - first > 1 ? NULL : at;
}

static inline const char *end_of_word(const char *at, const char *end, const char *word, size_t length)
{
    return (size_t)(end - at) >= length && memcmp(at, word, length) == 0 ? at + length : NULL;
}

/* Behind a value that is no object and no array; NULL: there is none, or it is for the others. */
static inline const char *end_of_value(const char *at, const char *end)
{
    switch (*at) {
    case '"':
        return end_of_text(at + 1, end);
    case 'n':
        return end_of_word(at, end, "null", 4);
    case 't':
        return end_of_word(at, end, "true", 4);
    case 'f':
        return end_of_word(at, end, "false", 5);
    default:
        return end_of_integer(at, end);
    }
}

/* Inside an object or array that is skipped as a whole. */
static const char *skip_inside(rc_kombo_scan_t *scan, const char *at, const char *end)
{
    rc_kombo_expect_t expect = scan->expect;
    unsigned depth = scan->depth;
    uint64_t objects = scan->objects;
    while (at < end) {
        char c = *at;
        const char *behind = NULL;
        if (expect == RC_KOMBO_EXPECT_COMMA) {
            if (c == ',') {
                expect = objects & 1 ? RC_KOMBO_EXPECT_KEY : RC_KOMBO_EXPECT_VALUE;
                at++;
                continue;
            }
        } else if (expect == RC_KOMBO_EXPECT_KEY || expect == RC_KOMBO_EXPECT_FIRST_KEY) {
            if (c == '"') {
                if (!(behind = end_of_text(at + 1, end))) break;
                at = behind;
                expect = RC_KOMBO_EXPECT_COLON;
                if (at == end || *at != ':') continue;
                at++;
                expect = RC_KOMBO_EXPECT_VALUE;
                continue;
            }
        } else if (expect == RC_KOMBO_EXPECT_COLON) {
            if (c != ':') break;
            at++;
            expect = RC_KOMBO_EXPECT_VALUE;
            continue;
        } else if (c == '{' || c == '[') {
            if (depth == RC_KOMBO_SCAN_MAX_DEPTH) break;
            depth++;
            objects = objects << 1 | (c == '{');
            expect = c == '{' ? RC_KOMBO_EXPECT_FIRST_KEY : RC_KOMBO_EXPECT_FIRST_VALUE;
            at++;
            continue;
        } else if (c != ']') {
            if (!(behind = end_of_value(at, end))) break;
            at = behind;
            expect = RC_KOMBO_EXPECT_COMMA;
            if (at < end && *at == ',') {
                expect = objects & 1 ? RC_KOMBO_EXPECT_KEY : RC_KOMBO_EXPECT_VALUE;
                at++;
            }
            continue;
        }
        /* A closing bracket, of the right kind and not the one that ends the skipping. */
        bool closes =
            objects & 1 ? c == '}' && expect != RC_KOMBO_EXPECT_KEY : c == ']' && expect != RC_KOMBO_EXPECT_VALUE;
        if (!closes || depth - 1 == scan->skip_depth) break;
        depth--;
        objects >>= 1;
        expect = RC_KOMBO_EXPECT_COMMA;
        at++;
    }
    scan->expect = expect;
    scan->depth = depth;
    scan->objects = objects;
    return at;
}

/* From behind a key to the next one. */
static const char *skip_member(rc_kombo_scan_t *scan, const char *at, const char *end)
{
    if (scan->expect == RC_KOMBO_EXPECT_COLON && *at == ':') {
        scan->expect = RC_KOMBO_EXPECT_VALUE;
        at++;
    }
    if (scan->expect != RC_KOMBO_EXPECT_VALUE || at == end) return at;
    const char *behind = end_of_value(at, end);
    return behind ? rc_kombo_scan_end_value(scan, behind, end) : at;
}

const char *rc_kombo_scan_skip(rc_kombo_scan_t *scan, const char *at, const char *end)
{
    return scan->depth > scan->skip_depth ? skip_inside(scan, at, end) : skip_member(scan, at, end);
}
