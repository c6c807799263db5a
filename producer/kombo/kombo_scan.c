#include "producer/kombo/kombo_scan.h"

#include <stdlib.h>

#include "common/mem.h"
#include "producer/kombo/kombo_scan_state.h"

rc_kombo_scan_t *rc_kombo_scan_new(const rc_kombo_handler_t *handler, void *opaque)
{
    rc_kombo_scan_t *scan = rc_zalloc(sizeof *scan);
    scan->handler = handler;
    scan->opaque = opaque;
    scan->text = RC_BUF_INIT(RC_KOMBO_SCAN_MAX_TEXT);
    rc_kombo_scan_reset(scan);
    return scan;
}

void rc_kombo_scan_free(rc_kombo_scan_t *scan)
{
    if (!scan) return;
    rc_buf_fini(&scan->text);
    free(scan);
}

void rc_kombo_scan_reset(rc_kombo_scan_t *scan)
{
    rc_kombo_scan_t fresh = {.handler = scan->handler, .opaque = scan->opaque, .text = scan->text};
    *scan = fresh;
    rc_buf_reset(&scan->text);
}

bool rc_kombo_scan_is_complete(const rc_kombo_scan_t *scan)
{
    return scan->expect == RC_KOMBO_EXPECT_NOTHING;
}

/* --- objects and arrays --- */

static const char *open_container(rc_kombo_scan_t *scan, const char *at, bool object)
{
    if (scan->depth == RC_KOMBO_SCAN_MAX_DEPTH) return rc_kombo_scan_fail(scan, RC_MALFORMED, "more than 64 levels");
    if (!scan->skipping) {
        switch (scan->handler->value(scan->opaque, object ? RC_KOMBO_OBJECT : RC_KOMBO_ARRAY, at, 1)) {
        case RC_KOMBO_GO:
            break;
        case RC_KOMBO_SKIP:
            rc_kombo_scan_skip_value(scan);
            break;
        case RC_KOMBO_STOP:
            return rc_kombo_scan_stop(scan);
        }
    }
    scan->depth++;
    scan->objects = scan->objects << 1 | object;
    scan->expect = object ? RC_KOMBO_EXPECT_FIRST_KEY : RC_KOMBO_EXPECT_FIRST_VALUE;
    return at + 1;
}

static const char *close_container(rc_kombo_scan_t *scan, const char *at, const char *end, bool object)
{
    if (object != (bool)(scan->objects & 1))
        return rc_kombo_scan_fail(scan, RC_MALFORMED, "a closing bracket of the other kind");
    scan->depth--;
    scan->objects >>= 1;
    if (!scan->skipping && scan->handler->end(scan->opaque) == RC_KOMBO_STOP) return rc_kombo_scan_stop(scan);
    return rc_kombo_scan_end_value(scan, at + 1, end);
}

/* --- the document --- */

static const char *begin_value(rc_kombo_scan_t *scan, const char *at, const char *end)
{
    switch (*at) {
    case '"':
        return rc_kombo_scan_begin_text(scan, at + 1, end, false);
    case '{':
        return open_container(scan, at, true);
    case '[':
        return open_container(scan, at, false);
    case 't':
        return rc_kombo_scan_begin_literal(scan, at, end, RC_KOMBO_TRUE, "rue");
    case 'f':
        return rc_kombo_scan_begin_literal(scan, at, end, RC_KOMBO_FALSE, "alse");
    case 'n':
        return rc_kombo_scan_begin_literal(scan, at, end, RC_KOMBO_NULL, "ull");
    default:
        break;
    }
    if (*at == '-' || (*at >= '0' && *at <= '9')) return rc_kombo_scan_begin_number(scan, at, end);
    if (*at == ']' && scan->expect == RC_KOMBO_EXPECT_FIRST_VALUE) return close_container(scan, at, end, false);
    return rc_kombo_scan_fail(scan, RC_MALFORMED, "no value where one is expected");
}

static const char *begin_token(rc_kombo_scan_t *scan, const char *at, const char *end)
{
    if (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t') return at + 1;
    switch (scan->expect) {
    case RC_KOMBO_EXPECT_VALUE:
    case RC_KOMBO_EXPECT_FIRST_VALUE:
        return begin_value(scan, at, end);
    case RC_KOMBO_EXPECT_KEY:
    case RC_KOMBO_EXPECT_FIRST_KEY:
        if (*at == '"') return rc_kombo_scan_begin_text(scan, at + 1, end, true);
        if (*at == '}' && scan->expect == RC_KOMBO_EXPECT_FIRST_KEY) return close_container(scan, at, end, true);
        return rc_kombo_scan_fail(scan, RC_MALFORMED, "no key where one is expected");
    case RC_KOMBO_EXPECT_COLON:
        if (*at != ':') return rc_kombo_scan_fail(scan, RC_MALFORMED, "no colon behind a key");
        scan->expect = RC_KOMBO_EXPECT_VALUE;
        return at + 1;
    case RC_KOMBO_EXPECT_COMMA:
        if (*at == '}' || *at == ']') return close_container(scan, at, end, *at == '}');
        if (*at != ',') return rc_kombo_scan_fail(scan, RC_MALFORMED, "no comma between two values");
        scan->expect = scan->objects & 1 ? RC_KOMBO_EXPECT_KEY : RC_KOMBO_EXPECT_VALUE;
        return at + 1;
    case RC_KOMBO_EXPECT_NOTHING:
        break;
    }
    return rc_kombo_scan_fail(scan, RC_MALFORMED, "something behind the end of the document");
}

/* RFC 8259, section 8.1, allows to ignore a byte order mark. */
static const char *read_mark(rc_kombo_scan_t *scan, const char *at)
{
    static const char mark[] = "\xEF\xBB\xBF";
    if (*at != mark[scan->mark_bytes]) return rc_kombo_scan_fail(scan, RC_MALFORMED, "no value where one is expected");
    if (!mark[++scan->mark_bytes]) scan->token = RC_KOMBO_TOKEN_NONE;
    return at + 1;
}

rc_code_t rc_kombo_scan_feed(rc_kombo_scan_t *scan, const char *bytes, size_t size_bytes, rc_error_t *error)
{
    const char *at = bytes, *end = bytes + size_bytes, *last = at;
    if (!scan->started && size_bytes) {
        scan->started = true;
        if (*bytes == '\xEF') scan->token = RC_KOMBO_TOKEN_MARK;
    }
    while (at && at < end) {
        last = at;
        switch (scan->token) {
        case RC_KOMBO_TOKEN_NONE:
            if (scan->skipping) at = rc_kombo_scan_skip(scan, at, end);
            last = at;
            if (at < end) at = begin_token(scan, at, end);
            break;
        case RC_KOMBO_TOKEN_TEXT:
            at = rc_kombo_scan_read_text(scan, at, end);
            break;
        case RC_KOMBO_TOKEN_ESCAPE:
            at = rc_kombo_scan_read_escape(scan, at);
            break;
        case RC_KOMBO_TOKEN_NUMBER:
            at = rc_kombo_scan_read_number(scan, at, end);
            break;
        case RC_KOMBO_TOKEN_LITERAL:
            at = rc_kombo_scan_read_literal(scan, at, end);
            break;
        case RC_KOMBO_TOKEN_MARK:
            at = read_mark(scan, at);
            break;
        }
    }
    if (at) {
        scan->offset += size_bytes;
        return RC_OK;
    }
    if (scan->fault_code == RC_CANCELLED) return RC_CANCELLED;
    return rc_error_set(error, scan->fault_code, RC_REJECT, "%s (near byte %zu)", scan->fault,
                        scan->offset + (size_t)(last - bytes));
}
