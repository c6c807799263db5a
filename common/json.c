#include "common/json.h"

#include <stdlib.h>
#include <string.h>

rc_code_t rc_json_parse(const char *bytes, size_t size_bytes, json_t **json, rc_error_t *error)
{
    json_error_t fault;
    json_t *parsed = json_loadb(bytes ? bytes : "", size_bytes, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &fault);
    if (!parsed)
        return rc_error_set(error, RC_MALFORMED, RC_REJECT, "JSON: %s at line %d, column %d", fault.text, fault.line,
                            fault.column);
    *json = parsed;
    return RC_OK;
}

const char *rc_json_str(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

long long rc_json_int(const json_t *object, const char *key, long long otherwise)
{
    const json_t *value = json_object_get(object, key);
    return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

bool rc_json_bool(const json_t *object, const char *key, bool otherwise)
{
    const json_t *value = json_object_get(object, key);
    return json_is_boolean(value) ? json_boolean_value(value) : otherwise;
}

void rc_json_put_str(json_t *object, const char *key, const char *value)
{
    if (value) (void)json_object_set_new(object, key, json_string(value));
}

void rc_json_put_str_or_null(json_t *object, const char *key, const char *value)
{
    if (value)
        rc_json_put_str(object, key, value);
    else
        (void)json_object_set_new(object, key, json_null());
}

void rc_json_put_wall(json_t *object, const char *key, rc_wall_t value)
{
    char text[RC_TIME_STR_SIZE];
    if (value.ms) rc_json_put_str(object, key, rc_wall_str(value, text));
}

void rc_json_put_date(json_t *object, const char *key, rc_date_t value)
{
    char text[RC_TIME_STR_SIZE];
    if (rc_date_is_set(value)) rc_json_put_str(object, key, rc_date_str(value, text));
}

json_t *rc_json_symbols(const char *const *symbols, int count, uint32_t set)
{
    json_t *list = json_array();
    for (int i = 0; i < count; i++)
        if (set >> i & 1U) (void)json_array_append_new(list, json_string(symbols[i]));
    return list;
}

void rc_json_add_change(json_t *changes, const char *field, const char *before, const char *after)
{
    json_t *change = json_object();
    rc_json_put_str(change, "field", field);
    rc_json_put_str(change, "before", before);
    rc_json_put_str(change, "after", after);
    (void)json_array_append_new(changes, change);
}

char *rc_json_text(const json_t *json, bool indented)
{
    char *text = json_dumps(json, (indented ? JSON_INDENT(2) : JSON_COMPACT) | JSON_ENCODE_ANY);
    if (!text) RC_DIE("a JSON value could not be printed");
    return text;
}

void rc_json_print(json_t *document)
{
    char *text = rc_json_text(document, true);
    (void)puts(text);
    free(text);
    json_decref(document);
}
