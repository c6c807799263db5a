#include "common/json_pick.h"

#include <string.h>

#include "common/text.h"

/* Numbers of more digits may not fit jansson's integers. */
enum { DEPTH_MAX = 32, DIGITS_MAX = 18 };

typedef struct {
    const char *at;
    const char *end;
    const char *const *names;
    size_t count;
    rc_json_span_t *spans;
} scan_t;

static char peek(const scan_t *scan)
{
    return scan->at < scan->end ? *scan->at : '\0';
}

static void skip_space(scan_t *scan)
{
    while (scan->at < scan->end && (*scan->at == ' ' || *scan->at == '\n' || *scan->at == '\r' || *scan->at == '\t'))
        scan->at++;
}

static bool skip_char(scan_t *scan, char expected)
{
    if (peek(scan) != expected) return false;
    scan->at++;
    return true;
}

/* That it is UTF-8 was looked at before. */
static bool skip_string(scan_t *scan)
{
    if (!skip_char(scan, '"')) return false;
    while (scan->at < scan->end) {
        unsigned char byte = (unsigned char)*scan->at++;
        if (byte == '"') return true;
        if (byte < 0x20) return false;
        if (byte != '\\') continue;
        char escaped = peek(scan);
        if (!escaped || !strchr("\"\\/bfnrt", escaped)) return false;
        scan->at++;
    }
    return false;
}

static size_t skip_digits(scan_t *scan)
{
    const char *from = scan->at;
    while (peek(scan) >= '0' && peek(scan) <= '9') scan->at++;
    return (size_t)(scan->at - from);
}

static bool skip_number(scan_t *scan)
{
    if (peek(scan) == '-') scan->at++;
    bool zero = peek(scan) == '0';
    size_t digits = skip_digits(scan);
    if (digits == 0 || digits > DIGITS_MAX || (zero && digits > 1)) return false;
    if (peek(scan) == 'e' || peek(scan) == 'E') return false;
    if (!skip_char(scan, '.')) return true;
    digits = skip_digits(scan);
    return digits > 0 && digits <= DIGITS_MAX && peek(scan) != 'e' && peek(scan) != 'E';
}

static bool skip_word(scan_t *scan, const char *word)
{
    size_t length = strlen(word);
    if ((size_t)(scan->end - scan->at) < length || memcmp(scan->at, word, length) != 0) return false;
    scan->at += length;
    return true;
}

static bool skip_members(scan_t *scan, int depth);

static bool skip_elements(scan_t *scan, int depth);

static bool skip_value(scan_t *scan, int depth)
{
    switch (peek(scan)) {
    case '"':
        return skip_string(scan);
    case '{':
        return skip_members(scan, depth + 1);
    case '[':
        return skip_elements(scan, depth + 1);
    case 't':
        return skip_word(scan, "true");
    case 'f':
        return skip_word(scan, "false");
    case 'n':
        return skip_word(scan, "null");
    default:
        return skip_number(scan);
    }
}

static bool skip_elements(scan_t *scan, int depth)
{
    if (depth > DEPTH_MAX || !skip_char(scan, '[')) return false;
    skip_space(scan);
    if (skip_char(scan, ']')) return true;
    for (;;) {
        skip_space(scan);
        if (!skip_value(scan, depth)) return false;
        skip_space(scan);
        if (skip_char(scan, ']')) return true;
        if (!skip_char(scan, ',')) return false;
    }
}

/* Notes the value of a wanted name; false: it has one already. */
static bool note(scan_t *scan, rc_json_span_t name, rc_json_span_t value)
{
    for (size_t i = 0; i < scan->count; i++) {
        if (strncmp(scan->names[i], name.at, name.size_bytes) != 0 || scan->names[i][name.size_bytes]) continue;
        if (scan->spans[i].at) return false;
        scan->spans[i] = value;
        return true;
    }
    return true;
}

static bool skip_members(scan_t *scan, int depth)
{
    if (depth > DEPTH_MAX || !skip_char(scan, '{')) return false;
    skip_space(scan);
    if (skip_char(scan, '}')) return true;
    for (;;) {
        rc_json_span_t quoted, name;
        skip_space(scan);
        quoted.at = scan->at;
        if (!skip_string(scan)) return false;
        quoted.size_bytes = (size_t)(scan->at - quoted.at);
        if (!rc_json_span_str(quoted, &name)) return false;
        skip_space(scan);
        if (!skip_char(scan, ':')) return false;
        skip_space(scan);
        const char *value = scan->at;
        if (!skip_value(scan, depth)) return false;
        if (depth == 1 && !note(scan, name, (rc_json_span_t){value, (size_t)(scan->at - value)})) return false;
        skip_space(scan);
        if (skip_char(scan, '}')) return true;
        if (!skip_char(scan, ',')) return false;
    }
}

bool rc_json_pick(const char *bytes, size_t size_bytes, const char *const *names, size_t count, rc_json_span_t *spans)
{
    scan_t scan = {.at = bytes, .end = bytes + size_bytes, .names = names, .count = count, .spans = spans};
    for (size_t i = 0; i < count; i++) spans[i] = (rc_json_span_t){NULL, 0};
    if (!rc_utf8_valid(bytes, size_bytes)) return false;
    skip_space(&scan);
    if (!skip_members(&scan, 1)) return false;
    skip_space(&scan);
    return scan.at == scan.end;
}

bool rc_json_span_is_null(rc_json_span_t span)
{
    return span.at && *span.at == 'n';
}

bool rc_json_span_is_object(rc_json_span_t span)
{
    return span.at && *span.at == '{';
}

bool rc_json_span_str(rc_json_span_t span, rc_json_span_t *text)
{
    if (!span.at || *span.at != '"' || memchr(span.at, '\\', span.size_bytes)) return false;
    *text = (rc_json_span_t){span.at + 1, span.size_bytes - 2};
    return true;
}

bool rc_json_span_int(rc_json_span_t span, int64_t *value)
{
    if (!span.at) return false;
    size_t at = *span.at == '-' ? 1 : 0;
    int64_t number = 0;
    if (at == span.size_bytes) return false;
    for (; at < span.size_bytes; at++) {
        if (span.at[at] < '0' || span.at[at] > '9') return false;
        number = number * 10 + (span.at[at] - '0');
    }
    *value = *span.at == '-' ? -number : number;
    return true;
}
