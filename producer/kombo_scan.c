#include "producer/kombo_scan.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "common/buf.h"
#include "common/mem.h"
#include "common/text.h"

typedef enum { VALUE, FIRST_VALUE, KEY, FIRST_KEY, COLON, COMMA, NOTHING } expect_t;
typedef enum { NO_TOKEN, STRING, ESCAPE, NUMBER, LITERAL, BYTE_ORDER_MARK } token_t;

/* Of a number, by what was read last (RFC 8259, section 6). */
typedef enum { MINUS, ZERO, INTEGER, POINT, FRACTION, EXPONENT, EXPONENT_SIGN, EXPONENT_DIGITS } number_t;

struct rc_kombo_scan {
    const rc_kombo_handler_t *handler;
    void *opaque;
    uint64_t objects; /* one bit a level, the innermost lowest: an object, else an array */
    unsigned depth;
    expect_t expect;
    token_t token; /* what the end of a piece may cut */
    bool started;
    int mark_bytes;
    bool is_key;
    bool skipping;       /* what is being read is not handed out … */
    unsigned skip_depth; /* … until a value at this depth is complete */
    bool has_high;       /* the string has bytes beyond ASCII */
    bool overlong;       /* the text passed the cap */
    number_t number;
    const char *literal; /* what must still come of true, false, null */
    rc_kombo_kind_t literal_kind;
    int escape_digits; /* of \uXXXX, that must still come; 0: the character behind the backslash */
    uint32_t escape_code;
    uint32_t surrogate; /* a high one that waits for its low one; 0: none */
    rc_buf_t text;      /* of a string with escapes, or cut by the end of a piece */
    size_t offset;      /* bytes before this piece */
    rc_code_t fault_code;
    const char *fault;
};

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
    return scan->expect == NOTHING;
}

/* All functions below take the place in the piece and return the place behind what they read, or NULL after this. */
static const char *fail(rc_kombo_scan_t *scan, rc_code_t code, const char *fault)
{
    scan->fault_code = code;
    scan->fault = fault;
    return NULL;
}

static const char *stop(rc_kombo_scan_t *scan)
{
    return fail(scan, RC_CANCELLED, NULL);
}

static inline void end_value(rc_kombo_scan_t *scan)
{
    scan->expect = scan->depth ? COMMA : NOTHING;
    if (scan->skipping && scan->depth == scan->skip_depth) scan->skipping = false;
}

static inline void skip_value(rc_kombo_scan_t *scan)
{
    scan->skipping = true;
    scan->skip_depth = scan->depth;
}

static const char *open_container(rc_kombo_scan_t *scan, const char *at, bool object)
{
    if (scan->depth == RC_KOMBO_SCAN_MAX_DEPTH) return fail(scan, RC_MALFORMED, "more than 64 levels");
    if (!scan->skipping) {
        switch (scan->handler->value(scan->opaque, object ? RC_KOMBO_OBJECT : RC_KOMBO_ARRAY, at, 1)) {
        case RC_KOMBO_GO:
            break;
        case RC_KOMBO_SKIP:
            skip_value(scan);
            break;
        case RC_KOMBO_STOP:
            return stop(scan);
        }
    }
    scan->depth++;
    scan->objects = scan->objects << 1 | object;
    scan->expect = object ? FIRST_KEY : FIRST_VALUE;
    return at + 1;
}

static const char *close_container(rc_kombo_scan_t *scan, const char *at, bool object)
{
    if (object != (bool)(scan->objects & 1)) return fail(scan, RC_MALFORMED, "a closing bracket of the other kind");
    scan->depth--;
    scan->objects >>= 1;
    if (!scan->skipping && scan->handler->end(scan->opaque) == RC_KOMBO_STOP) return stop(scan);
    end_value(scan);
    return at + 1;
}

/* ---- Strings ---- */

/* The first byte from `at` on that ends a run of plain characters (quote, backslash or control), or `end`. Sets
 * *has_high when a byte beyond ASCII was seen on the way; now and then without one, which costs a check for nothing.
 * Most strings of a record are shorter than 16 bytes: one step, and no branch that is hard to foresee. */
static inline const char *find_run_end(const char *at, const char *end, bool *has_high)
{
#ifdef __SSE2__
    const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\'), control = _mm_set1_epi8(0x1F);
    while (end - at >= 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
        __m128i special = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash)),
                                       _mm_cmpeq_epi8(_mm_min_epu8(bytes, control), bytes));
        unsigned found = (unsigned)_mm_movemask_epi8(special);
        *has_high |= _mm_movemask_epi8(bytes) != 0;
        if (found) return at + __builtin_ctz(found);
        at += 16;
    }
#endif
    for (; at < end && *at != '"' && *at != '\\' && (unsigned char)*at >= 0x20; at++)
        *has_high |= (unsigned char)*at >= 0x80;
    return at;
}

static bool keeps(const rc_kombo_scan_t *scan)
{
    return !scan->skipping && !scan->overlong;
}

static void keep_text(rc_kombo_scan_t *scan, const char *text, size_t length)
{
    if (!rc_buf_add(&scan->text, text, length)) scan->overlong = true;
}

static const char *end_string(rc_kombo_scan_t *scan, const char *at, const char *run)
{
    const char *text = run;
    size_t length = (size_t)(at - run);
    scan->token = NO_TOKEN;
    if (!scan->skipping) {
        if (scan->text.size_bytes && keeps(scan)) {
            keep_text(scan, run, length);
            text = scan->text.data;
            length = scan->text.size_bytes;
        }
        bool overlong = scan->overlong || length > RC_KOMBO_SCAN_MAX_TEXT;
        rc_kombo_verdict_t verdict;
        if (scan->surrogate) return fail(scan, RC_MALFORMED, "half of a surrogate pair");
        if (scan->is_key) {
            verdict = overlong ? RC_KOMBO_SKIP : scan->handler->key(scan->opaque, text, length);
        } else {
            if (overlong) return fail(scan, RC_TOO_LARGE, "a text of more than 256 KiB");
            if (scan->has_high && !rc_utf8_valid(text, length)) return fail(scan, RC_MALFORMED, "invalid UTF-8");
            verdict = scan->handler->value(scan->opaque, RC_KOMBO_STRING, text, length);
        }
        if (verdict == RC_KOMBO_STOP) return stop(scan);
        if (scan->is_key && verdict == RC_KOMBO_SKIP) skip_value(scan);
    }
    if (scan->is_key)
        scan->expect = COLON;
    else
        end_value(scan);
    return at + 1;
}

/* Reads on in a string, from behind the quote or from the beginning of a piece. */
static const char *read_string(rc_kombo_scan_t *scan, const char *at, const char *end)
{
    const char *run = at;
    at = find_run_end(at, end, &scan->has_high);
    if (scan->surrogate && at > run && !scan->skipping) return fail(scan, RC_MALFORMED, "half of a surrogate pair");
    if (at < end && *at == '"') return end_string(scan, at, run);
    if (keeps(scan)) keep_text(scan, run, (size_t)(at - run));
    if (at == end) return at;
    if (*at != '\\') return fail(scan, RC_MALFORMED, "a control character in a string");
    scan->token = ESCAPE;
    scan->escape_digits = -1;
    return at + 1;
}

static const char *begin_string(rc_kombo_scan_t *scan, const char *at, const char *end, bool is_key)
{
    scan->token = STRING;
    scan->is_key = is_key;
    scan->has_high = scan->overlong = false;
    scan->text.size_bytes = 0;
    return read_string(scan, at, end);
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
    if (keeps(scan)) keep_text(scan, utf8, length);
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
static const char *read_escape(rc_kombo_scan_t *scan, const char *at)
{
    static const char names[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    if (scan->escape_digits > 0) {
        int digit = hex_value(*at);
        if (digit < 0) return fail(scan, RC_MALFORMED, "\\u without four hexadecimal digits");
        scan->escape_code = scan->escape_code << 4 | (uint32_t)digit;
        if (--scan->escape_digits == 0) {
            scan->token = STRING;
            if (scan->escape_code == 0 && !scan->skipping) return fail(scan, RC_MALFORMED, "\\u0000 in a text");
            if (!end_escape(scan, scan->escape_code)) return fail(scan, RC_MALFORMED, "half of a surrogate pair");
        }
        return at + 1;
    }
    if (*at == 'u') {
        scan->escape_digits = 4;
        scan->escape_code = 0;
        return at + 1;
    }
    const char *name = *at ? strchr(names, *at) : NULL;
    if (!name) return fail(scan, RC_MALFORMED, "an unknown escape in a string");
    if (scan->surrogate && !scan->skipping) return fail(scan, RC_MALFORMED, "half of a surrogate pair");
    if (keeps(scan)) keep_text(scan, &meanings[name - names], 1);
    scan->token = STRING;
    return at + 1;
}

/* ---- Numbers and names ---- */

/* What follows `state` with the byte c; -1: nothing, the number is over. */
static int next_number(number_t state, char c)
{
    bool digit = c >= '0' && c <= '9', exponent = c == 'e' || c == 'E';
    switch (state) {
    case MINUS:
        return c == '0' ? (int)ZERO : digit ? (int)INTEGER : -1;
    case ZERO:
        return c == '.' ? (int)POINT : exponent ? (int)EXPONENT : -1;
    case INTEGER:
        return digit ? (int)INTEGER : c == '.' ? (int)POINT : exponent ? (int)EXPONENT : -1;
    case POINT:
        return digit ? (int)FRACTION : -1;
    case FRACTION:
        return digit ? (int)FRACTION : exponent ? (int)EXPONENT : -1;
    case EXPONENT:
        return c == '+' || c == '-' ? (int)EXPONENT_SIGN : digit ? (int)EXPONENT_DIGITS : -1;
    case EXPONENT_SIGN:
    case EXPONENT_DIGITS:
        return digit ? (int)EXPONENT_DIGITS : -1;
    }
    return -1;
}

static const char *read_number(rc_kombo_scan_t *scan, const char *at, const char *end)
{
    const char *run = at;
    number_t state = scan->number;
    int next = 0;
    while (at < end && (next = next_number(state, *at)) >= 0) {
        state = (number_t)next;
        at++;
    }
    scan->number = state;
    bool cut = at == end;
    if (keeps(scan)) keep_text(scan, run, (size_t)(at - run));
    if (cut) return at;
    if (state != ZERO && state != INTEGER && state != FRACTION && state != EXPONENT_DIGITS)
        return fail(scan, RC_MALFORMED, "a number that is none");
    scan->token = NO_TOKEN;
    if (!scan->skipping) {
        if (scan->overlong) return fail(scan, RC_TOO_LARGE, "a number of more than 256 KiB");
        if (scan->handler->value(scan->opaque, RC_KOMBO_NUMBER, scan->text.data, scan->text.size_bytes) ==
            RC_KOMBO_STOP)
            return stop(scan);
    }
    end_value(scan);
    return at;
}

static const char *begin_number(rc_kombo_scan_t *scan, const char *at, const char *end)
{
    scan->token = NUMBER;
    scan->overlong = false;
    scan->text.size_bytes = 0;
    scan->number = *at == '-' ? MINUS : *at == '0' ? ZERO : INTEGER;
    if (!scan->skipping) keep_text(scan, at, 1);
    return read_number(scan, at + 1, end);
}

static const char *read_literal(rc_kombo_scan_t *scan, const char *at, const char *end)
{
    static const char *const words[] = {[RC_KOMBO_TRUE] = "true", [RC_KOMBO_FALSE] = "false", [RC_KOMBO_NULL] = "null"};
    for (; at < end && *scan->literal; at++, scan->literal++)
        if (*at != *scan->literal) return fail(scan, RC_MALFORMED, "a word that is not true, false or null");
    if (*scan->literal) return at;
    const char *word = words[scan->literal_kind];
    scan->token = NO_TOKEN;
    if (!scan->skipping && scan->handler->value(scan->opaque, scan->literal_kind, word, strlen(word)) == RC_KOMBO_STOP)
        return stop(scan);
    end_value(scan);
    return at;
}

static const char *begin_literal(rc_kombo_scan_t *scan, const char *at, const char *end, rc_kombo_kind_t kind,
                                 const char *rest)
{
    scan->token = LITERAL;
    scan->literal_kind = kind;
    scan->literal = rest;
    return read_literal(scan, at + 1, end);
}

/* ---- The document ---- */

static const char *begin_value(rc_kombo_scan_t *scan, const char *at, const char *end)
{
    switch (*at) {
    case '"':
        return begin_string(scan, at + 1, end, false);
    case '{':
        return open_container(scan, at, true);
    case '[':
        return open_container(scan, at, false);
    case 't':
        return begin_literal(scan, at, end, RC_KOMBO_TRUE, "rue");
    case 'f':
        return begin_literal(scan, at, end, RC_KOMBO_FALSE, "alse");
    case 'n':
        return begin_literal(scan, at, end, RC_KOMBO_NULL, "ull");
    default:
        break;
    }
    if (*at == '-' || (*at >= '0' && *at <= '9')) return begin_number(scan, at, end);
    if (*at == ']' && scan->expect == FIRST_VALUE) return close_container(scan, at, false);
    return fail(scan, RC_MALFORMED, "no value where one is expected");
}

static const char *begin_token(rc_kombo_scan_t *scan, const char *at, const char *end)
{
    if (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t') return at + 1;
    switch (scan->expect) {
    case VALUE:
    case FIRST_VALUE:
        return begin_value(scan, at, end);
    case KEY:
    case FIRST_KEY:
        if (*at == '"') return begin_string(scan, at + 1, end, true);
        if (*at == '}' && scan->expect == FIRST_KEY) return close_container(scan, at, true);
        return fail(scan, RC_MALFORMED, "no key where one is expected");
    case COLON:
        if (*at != ':') return fail(scan, RC_MALFORMED, "no colon behind a key");
        scan->expect = VALUE;
        return at + 1;
    case COMMA:
        if (*at == '}' || *at == ']') return close_container(scan, at, *at == '}');
        if (*at != ',') return fail(scan, RC_MALFORMED, "no comma between two values");
        scan->expect = scan->objects & 1 ? KEY : VALUE;
        return at + 1;
    case NOTHING:
        break;
    }
    return fail(scan, RC_MALFORMED, "something behind the end of the document");
}

/* RFC 8259, section 8.1, allows to ignore a byte order mark. */
static const char *read_mark(rc_kombo_scan_t *scan, const char *at)
{
    static const char mark[] = "\xEF\xBB\xBF";
    if (*at != mark[scan->mark_bytes]) return fail(scan, RC_MALFORMED, "no value where one is expected");
    if (!mark[++scan->mark_bytes]) scan->token = NO_TOKEN;
    return at + 1;
}

/* The way through a skipped object or array, where most bytes of a record lie: what read_string, open_container,
 * close_container and begin_token do, with the state in registers. Ends before whatever is out of the ordinary (an
 * escape, a number, white space, an error, the end of the piece or of the skipped value), which they then meet. */
static const char *skip_quickly(rc_kombo_scan_t *scan, const char *at, const char *end)
{
    expect_t expect = scan->expect;
    unsigned depth = scan->depth;
    uint64_t objects = scan->objects;
    bool has_high = false;
    while (at < end) {
        char c = *at;
        if (c == '"' && expect <= FIRST_KEY) {
            const char *close = find_run_end(at + 1, end, &has_high);
            if (close == end || *close != '"') break;
            at = close + 1;
            if (expect >= KEY) {
                expect = COLON;
                if (at < end && *at == ':') {
                    expect = VALUE;
                    at++;
                }
                continue;
            }
        } else if (c == 'n' && expect <= FIRST_VALUE && end - at >= 4 && memcmp(at, "null", 4) == 0) {
            at += 4;
        } else if ((c == '{' || c == '[') && expect <= FIRST_VALUE && depth < RC_KOMBO_SCAN_MAX_DEPTH) {
            depth++;
            objects = objects << 1 | (c == '{');
            expect = c == '{' ? FIRST_KEY : FIRST_VALUE;
            at++;
            continue;
        } else if ((c == '}' || c == ']') && depth - 1 > scan->skip_depth && (objects & 1) == (c == '}') &&
                   (expect == COMMA || expect == (c == '}' ? FIRST_KEY : FIRST_VALUE))) {
            depth--;
            objects >>= 1;
            at++;
        } else if (c == ':' && expect == COLON) {
            expect = VALUE;
            at++;
            continue;
        } else if (c != ',' || expect != COMMA) {
            break;
        }
        expect = COMMA;
        if (at < end && *at == ',') {
            expect = objects & 1 ? KEY : VALUE;
            at++;
        }
    }
    scan->expect = expect;
    scan->depth = depth;
    scan->objects = objects;
    return at;
}

/* The same for a skipped text behind its key: what most other members are. */
static const char *skip_text(rc_kombo_scan_t *scan, const char *at, const char *end)
{
    bool has_high = false;
    if (scan->expect == COLON && *at == ':') {
        scan->expect = VALUE;
        at++;
    }
    if (scan->expect != VALUE || at == end || *at != '"') return at;
    const char *close = find_run_end(at + 1, end, &has_high);
    if (close == end || *close != '"') return at;
    end_value(scan);
    at = close + 1;
    if (at < end && *at == ',') { /* keys stand in objects only */
        scan->expect = KEY;
        at++;
    }
    return at;
}

rc_code_t rc_kombo_scan_feed(rc_kombo_scan_t *scan, const char *bytes, size_t size_bytes, rc_error_t *error)
{
    const char *at = bytes, *end = bytes + size_bytes, *last = at;
    if (!scan->started && size_bytes) {
        scan->started = true;
        if (*bytes == '\xEF') scan->token = BYTE_ORDER_MARK;
    }
    while (at && at < end) {
        last = at;
        switch (scan->token) {
        case NO_TOKEN:
            if (scan->skipping)
                at = scan->depth > scan->skip_depth ? skip_quickly(scan, at, end) : skip_text(scan, at, end);
            last = at;
            if (at < end) at = begin_token(scan, at, end);
            break;
        case STRING:
            at = read_string(scan, at, end);
            break;
        case ESCAPE:
            at = read_escape(scan, at);
            break;
        case NUMBER:
            at = read_number(scan, at, end);
            break;
        case LITERAL:
            at = read_literal(scan, at, end);
            break;
        case BYTE_ORDER_MARK:
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
