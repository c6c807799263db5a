#include "common/httpd_target.h"

#include <string.h>

#include "common/text.h"

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Decodes one piece into the arena; `plus` turns '+' into a space. */
static rc_code_t decode(rc_arena_t *arena, const char *text, size_t length, bool plus, const char **decoded,
                        rc_error_t *error)
{
    char *out = rc_arena_alloc(arena, length + 1);
    size_t size = 0;
    for (size_t i = 0; i < length; i++) {
        int high, low;
        if (text[i] != '%') {
            out[size++] = text[i] == '+' && plus ? ' ' : text[i];
        } else if (length - i > 2 && (high = hex_digit(text[i + 1])) >= 0 && (low = hex_digit(text[i + 2])) >= 0) {
            out[size++] = (char)(high * 16 + low);
            i += 2;
        } else {
            return rc_error_set(error, RC_MALFORMED, RC_REJECT, "a percent sign is not followed by two hex digits");
        }
    }
    if (!rc_utf8_valid(out, size))
        return rc_error_set(error, RC_MALFORMED, RC_REJECT, "an address or form field is not UTF-8");
    *decoded = out;
    return RC_OK;
}

static size_t count_of(const char *text, size_t length, char separator)
{
    size_t count = 1;
    for (size_t i = 0; i < length; i++) count += text[i] == separator;
    return count;
}

rc_code_t rc_httpd_pairs_parse(rc_arena_t *arena, const char *text, size_t size_bytes, const rc_httpd_pair_t **pairs,
                               size_t *count, rc_error_t *error)
{
    rc_httpd_pair_t *found = rc_arena_alloc(arena, count_of(text, size_bytes, '&') * sizeof *found);
    const char *end = text + size_bytes;
    size_t used = 0;
    while (text < end) {
        const char *stop = memchr(text, '&', (size_t)(end - text));
        if (!stop) stop = end;
        const char *equals = memchr(text, '=', (size_t)(stop - text));
        size_t name_length = (size_t)((equals ? equals : stop) - text);
        if (stop > text) {
            rc_httpd_pair_t *pair = &found[used++];
            pair->value = "";
            if (decode(arena, text, name_length, true, &pair->name, error) ||
                (equals && decode(arena, equals + 1, (size_t)(stop - equals - 1), true, &pair->value, error)))
                return RC_MALFORMED;
        }
        text = stop + 1;
    }
    *pairs = found;
    *count = used;
    return RC_OK;
}

rc_code_t rc_httpd_target_parse(rc_arena_t *arena, const char *text, rc_httpd_target_t *target, rc_error_t *error)
{
    rc_httpd_target_t parsed = {0};
    size_t path_length = strcspn(text, "?");
    parsed.path = rc_arena_strndup(arena, text, path_length);
    const char **segments = rc_arena_alloc(arena, count_of(text, path_length, '/') * sizeof *segments);
    for (const char *at = parsed.path; *at;) {
        size_t length = strcspn(at, "/");
        if (length && decode(arena, at, length, false, &segments[parsed.segment_count++], error)) return RC_MALFORMED;
        at += length + (at[length] == '/');
    }
    parsed.segments = segments;
    const char *query = text[path_length] ? text + path_length + 1 : "";
    if (rc_httpd_pairs_parse(arena, query, strlen(query), &parsed.args, &parsed.arg_count, error)) return RC_MALFORMED;
    *target = parsed;
    return RC_OK;
}
