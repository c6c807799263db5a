#include "tests/sandbox/mangle.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

/* The end of the string that begins at `at`. */
static const char *string_end(const char *at)
{
    for (at++; *at && *at != '"'; at++)
        if (*at == '\\' && at[1]) at++;
    return *at ? at + 1 : at;
}

static const char *value_end(const char *at)
{
    int depth = 0;
    if (*at == '"') return string_end(at);
    for (; *at; at++) {
        if (*at == '"') {
            at = string_end(at) - 1;
            continue;
        }
        if (*at == '{' || *at == '[') depth++;
        if ((*at == '}' || *at == ']') && --depth <= 0) return depth < 0 ? at : at + 1;
        if (*at == ',' && depth == 0) return at;
    }
    return at;
}

bool sb_mangle_member(rc_buf_t *text, const char *name, const char *raw, size_t raw_bytes)
{
    char *key = rc_sprintf("\"%s\":", name);
    const char *found = text->data ? strstr(text->data, key) : NULL;
    if (found) {
        rc_buf_t mangled = RC_BUF_INIT(text->cap_bytes);
        const char *value = found + strlen(key), *end = value_end(value);
        (void)rc_buf_add(&mangled, text->data, (size_t)(value - text->data));
        (void)rc_buf_add(&mangled, raw, raw_bytes);
        (void)rc_buf_add(&mangled, end, (size_t)(text->data + text->size_bytes - end));
        rc_buf_fini(text);
        *text = mangled;
    }
    free(key);
    return found != NULL;
}

char *sb_mangle_huge_string(size_t bytes)
{
    char *text = rc_alloc(bytes + 3);
    memset(text, 'x', bytes + 2);
    text[0] = text[bytes + 1] = '"';
    text[bytes + 2] = '\0';
    return text;
}

char *sb_mangle_nested_arrays(size_t depth)
{
    char *text = rc_alloc(2 * depth + 1);
    memset(text, '[', depth);
    memset(text + depth, ']', depth);
    text[2 * depth] = '\0';
    return text;
}
