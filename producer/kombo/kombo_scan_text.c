/* Strings and their escapes. */
#include <string.h>

#include "common/text.h"
#include "producer/kombo/kombo_scan_run.h"
#include "producer/kombo/kombo_scan_state.h"

/* Hands a whole string out; false after a failure. */
static bool hand_out(rc_kombo_scan_t *scan, const char *text, size_t length)
{
    bool overlong = scan->overlong || length > RC_KOMBO_SCAN_MAX_TEXT;
    rc_kombo_verdict_t verdict = RC_KOMBO_SKIP;
    if (scan->is_key) {
        if (!overlong) verdict = scan->handler->key(scan->opaque, text, length);
        if (verdict == RC_KOMBO_SKIP) rc_kombo_scan_skip_value(scan);
    } else if (overlong) {
        (void)rc_kombo_scan_fail(scan, RC_TOO_LARGE, "a text of more than 256 KiB");
        return false;
    } else if (scan->has_high && !rc_utf8_valid(text, length)) {
        (void)rc_kombo_scan_fail(scan, RC_MALFORMED, "invalid UTF-8");
        return false;
    } else {
        verdict = scan->handler->value(scan->opaque, RC_KOMBO_STRING, text, length);
    }
    if (verdict == RC_KOMBO_STOP) (void)rc_kombo_scan_stop(scan);
    return verdict != RC_KOMBO_STOP;
}

/* Goes on behind the closing quote at `at`; a colon or comma there is taken on the way. */
static inline const char *go_on(rc_kombo_scan_t *scan, const char *at, const char *end)
{
    scan->token = RC_KOMBO_TOKEN_NONE;
    if (!scan->is_key) return rc_kombo_scan_end_value(scan, at + 1, end);
    scan->expect = RC_KOMBO_EXPECT_COLON;
    if (end - at < 2 || at[1] != ':') return at + 1;
    scan->expect = RC_KOMBO_EXPECT_VALUE;
    return at + 2;
}

/* Ends a string whose last run is [run, at). */
static const char *end_text(rc_kombo_scan_t *scan, const char *run, const char *at, const char *end)
{
    size_t length = (size_t)(at - run);
    if (!scan->skipping) {
        if (scan->surrogate) return rc_kombo_scan_fail(scan, RC_MALFORMED, "half of a surrogate pair");
        bool kept = scan->text.size_bytes > 0;
        if (kept && !scan->overlong) rc_kombo_scan_keep(scan, run, length);
        if (!(kept ? hand_out(scan, scan->text.data, scan->text.size_bytes) : hand_out(scan, run, length))) return NULL;
    }
    return go_on(scan, at, end);
}

/* Behind a run that began at `run`: the end of the string, a backslash, or the end of the piece. */
static const char *end_run(rc_kombo_scan_t *scan, const char *run, const char *at, const char *end)
{
    if (at < end && *at == '"') return end_text(scan, run, at, end);
    if (rc_kombo_scan_keeps(scan)) rc_kombo_scan_keep(scan, run, (size_t)(at - run));
    if (at == end) return at;
    if (*at != '\\') return rc_kombo_scan_fail(scan, RC_MALFORMED, "a control character in a string");
    scan->token = RC_KOMBO_TOKEN_ESCAPE;
    scan->escape_digits = -1;
    return at + 1;
}

const char *rc_kombo_scan_read_text(rc_kombo_scan_t *scan, const char *at, const char *end)
{
    const char *run = at;
    bool has_high = false;
    at = rc_kombo_run_end(at, end, &has_high);
    scan->has_high |= has_high;
    if (scan->surrogate && at > run && !scan->skipping)
        return rc_kombo_scan_fail(scan, RC_MALFORMED, "half of a surrogate pair");
    return end_run(scan, run, at, end);
}

const char *rc_kombo_scan_begin_text(rc_kombo_scan_t *scan, const char *at, const char *end, bool is_key)
{
    bool has_high = false;
    const char *behind = rc_kombo_run_end(at, end, &has_high);
    scan->is_key = is_key;
    scan->has_high = has_high;
    scan->overlong = false;
    scan->text.size_bytes = 0;
    if (behind < end && *behind == '"' && !scan->skipping) /* as a rule */
        return hand_out(scan, at, (size_t)(behind - at)) ? go_on(scan, behind, end) : NULL;
    scan->token = RC_KOMBO_TOKEN_TEXT;
    return end_run(scan, at, behind, end);
}

/* Takes the code point of \uXXXX. */
static bool end_escape(rc_kombo_scan_t *scan, uint32_t code)
{
    char utf8[4];
    size_t length;
    if (scan->skipping) return true;
    if (scan->surrogate) {
        if (code < 0xDC00 || code > 0xDFFF) return false;
        code = 0x10000 + ((scan->surrogate - 0xD800) << 10) + (code - 0xDC00);
        scan->surrogate = 0;
    } else if (code >= 0xD800 && code <= 0xDBFF) {
        scan->surrogate = code;
        return true;
    } else if (code >= 0xDC00 && code <= 0xDFFF) {
        return false;
    }
    if (code < 0x80) {
        utf8[0] = (char)code;
        length = 1;
    } else if (code < 0x800) {
        utf8[0] = (char)(0xC0 | code >> 6);
        utf8[1] = (char)(0x80 | (code & 0x3F));
        length = 2;
    } else if (code < 0x10000) {
        utf8[0] = (char)(0xE0 | code >> 12);
        utf8[1] = (char)(0x80 | (code >> 6 & 0x3F));
        utf8[2] = (char)(0x80 | (code & 0x3F));
        length = 3;
    } else {
        utf8[0] = (char)(0xF0 | code >> 18);
        utf8[1] = (char)(0x80 | (code >> 12 & 0x3F));
        utf8[2] = (char)(0x80 | (code >> 6 & 0x3F));
        utf8[3] = (char)(0x80 | (code & 0x3F));
        length = 4;
    }
    if (rc_kombo_scan_keeps(scan)) rc_kombo_scan_keep(scan, utf8, length);
    return true;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/* Reads one byte behind a backslash. */
const char *rc_kombo_scan_read_escape(rc_kombo_scan_t *scan, const char *at)
{
    static const char names[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    if (scan->escape_digits > 0) {
        int digit = hex_value(*at);
        if (digit < 0) return rc_kombo_scan_fail(scan, RC_MALFORMED, "\\u without four hexadecimal digits");
        scan->escape_code = scan->escape_code << 4 | (uint32_t)digit;
        if (--scan->escape_digits == 0) {
            scan->token = RC_KOMBO_TOKEN_TEXT;
            if (scan->escape_code == 0 && !scan->skipping)
                return rc_kombo_scan_fail(scan, RC_MALFORMED, "\\u0000 in a text");
            if (!end_escape(scan, scan->escape_code))
                return rc_kombo_scan_fail(scan, RC_MALFORMED, "half of a surrogate pair");
        }
        return at + 1;
    }
    if (*at == 'u') {
        scan->escape_digits = 4;
        scan->escape_code = 0;
        return at + 1;
    }
    const char *name = *at ? strchr(names, *at) : NULL;
    if (!name) return rc_kombo_scan_fail(scan, RC_MALFORMED, "an unknown escape in a string");
    if (scan->surrogate && !scan->skipping) return rc_kombo_scan_fail(scan, RC_MALFORMED, "half of a surrogate pair");
    if (rc_kombo_scan_keeps(scan)) rc_kombo_scan_keep(scan, &meanings[name - names], 1);
    scan->token = RC_KOMBO_TOKEN_TEXT;
    return at + 1;
}
