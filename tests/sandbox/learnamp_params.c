#include "tests/sandbox/learnamp_params.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* The list at `key`, made when it is not there; NULL when something else is. */
static json_t *list_at(json_t *object, const char *key)
{
    json_t *list = json_object_get(object, key);
    if (!list) {
        list = json_array();
        (void)json_object_set_new(object, key, list);
    }
    return json_is_array(list) ? list : NULL;
}

/* a[][b]: joins the last member of the list, unless that has a `b` already. */
static bool put_in_list_of_objects(json_t *list, const char *inner, const char *value)
{
    json_t *last = json_array_get(list, json_array_size(list) - 1);
    if (!last || json_object_get(last, inner)) {
        last = json_object();
        (void)json_array_append_new(list, last);
    }
    return json_is_object(last) && json_object_set_new(last, inner, json_string(value)) == 0;
}

/* Puts one pair of a form into an object. False when the brackets make no sense. */
static bool put(json_t *params, const char *name, const char *value)
{
    char key[128], inner[128];
    size_t key_length = strcspn(name, "[");
    const char *rest = name + key_length;
    if (!key_length || key_length >= sizeof key || strlen(rest) >= sizeof inner) return false;
    memcpy(key, name, key_length);
    key[key_length] = '\0';
    if (!*rest) return json_object_set_new(params, key, json_string(value)) == 0;

    bool in_list = !strncmp(rest, "[]", 2);
    json_t *list = in_list ? list_at(params, key) : NULL;
    if (in_list && !rest[2]) return list && json_array_append_new(list, json_string(value)) == 0;
    const char *open = in_list ? rest + 2 : rest;
    size_t inner_length = strcspn(open, "]");
    if (*open != '[' || open[inner_length] != ']') return false;
    const char *behind = open + inner_length + 1;
    if (in_list) {
        memcpy(inner, open + 1, inner_length - 1);
        inner[inner_length - 1] = '\0';
        return list && !*behind && put_in_list_of_objects(list, inner, value);
    }
    /* a[b]…: the member b… of the object a. */
    json_t *object = json_object_get(params, key);
    if (!object) {
        object = json_object();
        (void)json_object_set_new(params, key, object);
    }
    (void)snprintf(inner, sizeof inner, "%.*s%s", (int)inner_length - 1, open + 1, behind);
    return json_is_object(object) && put(object, inner, value);
}

static rc_code_t put_all(json_t *params, const rc_httpd_pair_t *pairs, size_t count, rc_error_t *error)
{
    for (size_t i = 0; i < count; i++)
        if (!put(params, pairs[i].name, pairs[i].value))
            return rc_error_set(error, RC_MALFORMED, RC_REJECT, "the parameter \"%s\" cannot be read", pairs[i].name);
    return RC_OK;
}

static rc_code_t put_json(json_t *params, const rc_httpd_request_t *request, rc_error_t *error)
{
    json_t *body = NULL;
    if (rc_json_parse(request->body, request->body_size_bytes, &body, error)) return error->code;
    rc_code_t code = RC_OK;
    if (!json_is_object(body))
        code = rc_error_set(error, RC_MALFORMED, RC_REJECT, "the body must be an object");
    else
        (void)json_object_update(params, body);
    json_decref(body);
    return code;
}

rc_code_t sb_params_parse(const rc_httpd_request_t *request, json_t **params, rc_error_t *error)
{
    json_t *parsed = json_object();
    const char *type = rc_httpd_header(request, "Content-Type");
    const rc_httpd_pair_t *pairs;
    size_t count;
    rc_code_t code = put_all(parsed, request->args, request->arg_count, error);
    if (!code && request->body_size_bytes) {
        if (type && !strncasecmp(type, "application/json", 16))
            code = put_json(parsed, request, error);
        else if (type && !strncasecmp(type, "application/x-www-form-urlencoded", 33))
            code = rc_httpd_pairs_parse(request->arena, request->body, request->body_size_bytes, &pairs, &count, error)
                       ? error->code
                       : put_all(parsed, pairs, count, error);
        else
            code = rc_error_set(error, RC_MALFORMED, RC_REJECT,
                                "the Content-Type must be application/json or application/x-www-form-urlencoded");
    }
    if (code)
        json_decref(parsed);
    else
        *params = parsed;
    return code;
}
