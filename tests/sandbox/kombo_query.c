#include "tests/sandbox/kombo_query.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/hash.h"
#include "common/text.h"
#include "tests/sandbox/kombo_errors.h"

typedef struct {
    const rc_httpd_request_t *request;
    const sb_cursor_rules_t *rules;
    sb_query_t *query;
    rc_error_t *error;
} parse_t;

static rc_code_t invalid(parse_t *parse, const char *name, const char *why)
{
    return rc_error_set(parse->error, RC_MALFORMED, RC_REJECT, "%s: %s", name, why);
}

static rc_code_t parse_list(parse_t *parse, const char *text, sb_any_of_t *filter)
{
    rc_arena_t *arena = parse->request->arena;
    size_t count = 1;
    for (const char *at = text; *at; at++) count += *at == ',';
    const char **values = rc_arena_alloc(arena, count * sizeof *values);
    size_t used = 0;
    for (;;) {
        size_t length = strcspn(text, ",");
        if (length) values[used++] = rc_arena_strndup(arena, text, length);
        if (!text[length]) break;
        text += length + 1;
    }
    *filter = (sb_any_of_t){values, used};
    /* A filter that was given and is empty must not become one that was not given. */
    static const char *const nothing[] = {""};
    if (!used) *filter = (sb_any_of_t){nothing, 1};
    return RC_OK;
}

static rc_code_t parse_bool(parse_t *parse, const char *name, const char *text, bool *value)
{
    if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
        return invalid(parse, name, "must be \"true\" or \"false\"");
    *value = *text == 't';
    return RC_OK;
}

static bool follows(const char *text, const char *pattern)
{
    for (; *pattern; text++, pattern++)
        if (*pattern == '9' ? !isdigit((unsigned char)*text) : *text != *pattern) return false;
    return true;
}

/* The description's pattern: YYYY-MM-DD, optionally a time with a fraction, optionally Z. */
static rc_code_t parse_since(parse_t *parse, const char *text)
{
    char whole[64];
    size_t length = 10;
    if (!follows(text, "9999-99-99") || strlen(text) > 40) return invalid(parse, "updated_after", "Invalid datetime");
    if (follows(text + length, "T99:99:99")) {
        length = 19;
        if (text[19] == '.' && isdigit((unsigned char)text[20])) length = 20 + strspn(text + 20, "0123456789");
    }
    if (text[length] && strcmp(text + length, "Z") != 0) return invalid(parse, "updated_after", "Invalid datetime");
    (void)snprintf(whole, sizeof whole, "%.*s%s", (int)length, text, length == 10 ? "T00:00:00Z" : "Z");
    if (rc_wall_parse(whole, &parse->query->since, parse->error))
        return invalid(parse, "updated_after", "Invalid datetime");
    parse->query->has_since = true;
    return RC_OK;
}

static rc_code_t parse_page_size(parse_t *parse, const char *text, sb_list_t list)
{
    char *end;
    unsigned long size = strtoul(text, &end, 10), most = list == SB_LIST_FIELDS ? 2000 : 250;
    if (!isdigit((unsigned char)*text) || *end || size < 1 || size > most)
        return invalid(parse, "page_size", "must be a whole number from 1 to 250");
    parse->query->page_size = (uint32_t)size;
    return RC_OK;
}

static rc_code_t parse_custom(parse_t *parse, const char *text)
{
    json_t *filter = NULL;
    if (rc_json_parse(text, strlen(text), &filter, parse->error) || !json_is_object(filter) ||
        json_object_size(filter) != 1) {
        json_decref(filter);
        return invalid(parse, "custom_fields", "must be a JSON object with a single key");
    }
    void *only = json_object_iter(filter);
    parse->query->custom_filter = filter;
    parse->query->custom_key = json_object_iter_key(only);
    parse->query->custom_value = json_object_iter_value(only);
    return RC_OK;
}

static rc_code_t check_statuses(parse_t *parse, const char *name)
{
    static const char *const known[] = {"ACTIVE", "PENDING", "INACTIVE", "LEAVE"};
    const sb_any_of_t all = {known, 4};
    for (size_t i = 0; i < parse->query->statuses.count; i++)
        if (!sb_any_of(&all, parse->query->statuses.values[i]))
            return invalid(parse, name, "must be ACTIVE, PENDING, INACTIVE or LEAVE");
    return RC_OK;
}

/* Every parameter, and the lists that take it. */
#define EVERY (SB_LIST_EMPLOYEES | SB_LIST_GROUPS | SB_LIST_LOCATIONS | SB_LIST_LEGAL_ENTITIES)
#define UNITS (SB_LIST_GROUPS | SB_LIST_LOCATIONS | SB_LIST_LEGAL_ENTITIES)
#define PARAMETERS(X)                         \
    X(cursor, EVERY | SB_LIST_FIELDS)         \
    X(page_size, EVERY | SB_LIST_FIELDS)      \
    X(updated_after, EVERY)                   \
    X(include_deleted, EVERY)                 \
    X(ignore_unsupported_filters, EVERY)      \
    X(ids, EVERY)                             \
    X(remote_ids, EVERY)                      \
    X(employment_status, SB_LIST_EMPLOYEES)   \
    X(employment_statuses, SB_LIST_EMPLOYEES) \
    X(group_ids, SB_LIST_EMPLOYEES)           \
    X(legal_entity_ids, SB_LIST_EMPLOYEES)    \
    X(work_location_ids, SB_LIST_EMPLOYEES)   \
    X(work_emails, SB_LIST_EMPLOYEES)         \
    X(personal_emails, SB_LIST_EMPLOYEES)     \
    X(custom_fields, SB_LIST_EMPLOYEES)       \
    X(types, SB_LIST_GROUPS)                  \
    X(name_contains, UNITS)

typedef enum {
#define X(name, lists) PARAMETER_##name,
    PARAMETERS(X)
#undef X
        PARAMETER_COUNT
} parameter_t;

static const struct {
    const char *name;
    unsigned lists;
} KNOWN[PARAMETER_COUNT] = {
#define X(name, lists) {#name, lists},
    PARAMETERS(X)
#undef X
};

static bool has_word(const char *list, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = list; (at = strstr(at, word)) != NULL; at += length)
        if ((at == list || at[-1] == ',') && (!at[length] || at[length] == ',')) return true;
    return false;
}

static rc_code_t parse_one(parse_t *parse, parameter_t parameter, const char *text, sb_list_t list, bool *ignore)
{
    sb_query_t *query = parse->query;
    const char *name = KNOWN[parameter].name;
    switch (parameter) {
    case PARAMETER_cursor:
        query->has_cursor = true;
        return RC_OK;
    case PARAMETER_page_size:
        return parse_page_size(parse, text, list);
    case PARAMETER_updated_after:
        return parse_since(parse, text);
    case PARAMETER_include_deleted:
        return parse_bool(parse, name, text, &query->include_deleted);
    case PARAMETER_ignore_unsupported_filters:
        return parse_bool(parse, name, text, ignore);
    case PARAMETER_ids:
        return parse_list(parse, text, &query->ids);
    case PARAMETER_remote_ids:
        return parse_list(parse, text, &query->remote_ids);
    case PARAMETER_employment_status:
    case PARAMETER_employment_statuses:
        if (parse_list(parse, text, &query->statuses)) return RC_MALFORMED;
        return check_statuses(parse, name);
    case PARAMETER_group_ids:
        return parse_list(parse, text, &query->group_ids);
    case PARAMETER_legal_entity_ids:
        return parse_list(parse, text, &query->legal_entity_ids);
    case PARAMETER_work_location_ids:
        return parse_list(parse, text, &query->work_location_ids);
    case PARAMETER_work_emails:
        return parse_list(parse, text, &query->work_emails);
    case PARAMETER_personal_emails:
        return parse_list(parse, text, &query->personal_emails);
    case PARAMETER_types:
        return parse_list(parse, text, &query->types);
    case PARAMETER_custom_fields:
        return parse_custom(parse, text);
    case PARAMETER_name_contains:
        query->name_contains = text;
        return RC_OK;
    case PARAMETER_COUNT:
        break;
    }
    return invalid(parse, name, "is unknown");
}

static rc_code_t find_parameter(parse_t *parse, const char *name, sb_list_t list, parameter_t *parameter)
{
    for (int i = 0; i < PARAMETER_COUNT; i++) {
        if (strcmp(KNOWN[i].name, name) != 0 || !(KNOWN[i].lists & list)) continue;
        *parameter = (parameter_t)i;
        return RC_OK;
    }
    return invalid(parse, name, "this endpoint has no such parameter");
}

/* ---- cursors ---- */

char *sb_cursor_format(const sb_query_t *query, const sb_cursor_rules_t *rules, uint32_t start,
                       char text[SB_CURSOR_SIZE])
{
    (void)snprintf(text, SB_CURSOR_SIZE, "c%08" PRIx32 "%016" PRIx64 "%08" PRIx64 "%012" PRIx64, start,
                   query->fingerprint, rules->generation, (uint64_t)rules->now.ms);
    return text;
}

static rc_code_t parse_cursor(parse_t *parse, const char *text)
{
    uint32_t start;
    uint64_t fingerprint, generation, issued_ms;
    const sb_cursor_rules_t *rules = parse->rules;
    if (strlen(text) != 45 || sscanf(text, "c%8" SCNx32 "%16" SCNx64 "%8" SCNx64 "%12" SCNx64, &start, &fingerprint,
                                     &generation, &issued_ms) != 4)
        return invalid(parse, "cursor", SB_KOMBO_CURSOR_MESSAGE);
    if (fingerprint != parse->query->fingerprint)
        return invalid(parse, "cursor", "the cursor was issued for other filters; repeat them on every page");
    if (generation != rules->generation || (rules->ttl_ms && (int64_t)issued_ms + rules->ttl_ms < rules->now.ms))
        return invalid(parse, "cursor", SB_KOMBO_CURSOR_MESSAGE);
    parse->query->start = start;
    return RC_OK;
}

static uint64_t fingerprint_of(const rc_httpd_request_t *request, sb_list_t list)
{
    uint64_t sum = rc_hash64(&list, sizeof list);
    for (size_t i = 0; i < request->arg_count; i++) {
        const char *name = request->args[i].name, *value = request->args[i].value;
        if (!strcmp(name, "cursor") || !strcmp(name, "page_size")) continue;
        /* A sum: the order of the filters does not matter. */
        sum += rc_hash64(name, strlen(name)) * 31 + rc_hash64(value, strlen(value));
    }
    return sum;
}

rc_code_t sb_query_parse(const rc_httpd_request_t *request, sb_list_t list, const sb_cursor_rules_t *rules,
                         sb_query_t *query, rc_error_t *error)
{
    parse_t parse = {request, rules, query, error};
    uint32_t seen = 0;
    bool ignore = false, unsupported = false;
    *query = (sb_query_t){.page_size = 100, .fingerprint = fingerprint_of(request, list)};
    for (size_t i = 0; i < request->arg_count; i++) {
        const char *name = request->args[i].name, *value = request->args[i].value;
        parameter_t parameter = PARAMETER_COUNT;
        if (find_parameter(&parse, name, list, &parameter)) return RC_MALFORMED;
        if (seen & 1u << parameter) return invalid(&parse, name, "must not be given twice");
        seen |= 1u << parameter;
        unsupported = unsupported || has_word(rules->unsupported, name);
        if (parse_one(&parse, parameter, value, list, &ignore)) return RC_MALFORMED;
    }
    query->nothing = unsupported && !ignore;
    return query->has_cursor ? parse_cursor(&parse, rc_httpd_arg(request, "cursor")) : RC_OK;
}

bool sb_any_of(const sb_any_of_t *filter, const char *value)
{
    if (!filter->count) return true;
    for (size_t i = 0; value && i < filter->count; i++)
        if (!strcmp(filter->values[i], value)) return true;
    return false;
}

bool sb_any_of_email(const sb_any_of_t *filter, const char *address)
{
    if (!filter->count) return true;
    for (size_t i = 0; address && i < filter->count; i++)
        if (rc_email_equal(filter->values[i], address)) return true;
    return false;
}
