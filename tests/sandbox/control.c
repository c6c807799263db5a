#include "tests/sandbox/control.h"

#include <stdlib.h>
#include <string.h>

#include "common/text.h"
#include "tests/sandbox/control_call.h"
#include "tests/sandbox/control_settings.h"
#include "tests/sandbox/expected.h"
#include "tests/sandbox/history.h"
#include "tests/sandbox/hr_ops.h"
#include "tests/sandbox/kombo_record.h"
#include "tests/sandbox/path.h"
#include "tests/sandbox/webhook.h"

void sb_control_answer(const sb_control_t *control, int status, json_t *json)
{
    char *text = rc_json_text(json, true);
    rc_httpd_reply_text(control->reply, status, text);
    (void)rc_buf_add_str(&control->reply->body, "\n");
    control->reply->content_type = "application/json";
    free(text);
    json_decref(json);
}

void sb_control_refuse(const sb_control_t *control, int status, const char *error)
{
    sb_control_answer(control, status, json_pack("{s:s}", "error", error));
}

long sb_control_number(const sb_control_t *control, const char *name, long otherwise)
{
    const char *text = rc_httpd_arg(control->request, name);
    return text ? strtol(text, NULL, 10) : otherwise;
}

/* The day that decides who is there: ?date=, else today by the sandbox's clock in UTC. */
static rc_date_t arg_date(const sb_control_t *control)
{
    const char *text = rc_httpd_arg(control->request, "date");
    rc_date_t date = {(int32_t)(control->now.ms / 86400000)};
    if (text) (void)rc_date_parse(text, strlen(text), &date, NULL);
    return date;
}

/* ---- the sandbox ---- */

static void describe(const sb_control_t *control)
{
    sb_control_answer(control, 200, sb_sandbox_describe(control->sandbox));
}

static void add_integration(const sb_control_t *control)
{
    rc_error_t error = RC_ERROR_INIT;
    sb_integration_options_t options;
    sb_integration_t *added = NULL;
    if (!sb_settings_parse_integration(control->body, &options, &error))
        added = sb_integration_add(control->sandbox, &options, &error);
    if (!added) {
        sb_control_refuse(control, error.code == RC_CONFLICT ? 409 : 400, error.message);
        return;
    }
    if (sb_settings_apply(added, control->body, &error)) {
        (void)rc_error_prefix(&error, "%s was added, but not all of its settings", added->id);
        sb_control_refuse(control, 400, error.message);
    } else
        sb_control_answer(control, 201, sb_integration_describe(control->sandbox, added));
}

static void show_clock(const sb_control_t *control)
{
    char text[RC_TIME_STR_SIZE];
    sb_control_answer(control, 200,
                      json_pack("{s:s, s:I}", "now", rc_wall_str(sb_now(control->sandbox), text), "offset_ms",
                                (json_int_t)atomic_load(&control->sandbox->clock_offset_ms)));
}

/* {"offset_ms": N} from the machine's clock, or {"advance_ms": N} from where it stands. */
static void set_clock(const sb_control_t *control)
{
    long long offset_ms = atomic_load(&control->sandbox->clock_offset_ms);
    offset_ms = rc_json_int(control->body, "offset_ms", offset_ms) + rc_json_int(control->body, "advance_ms", 0);
    atomic_store(&control->sandbox->clock_offset_ms, offset_ms);
    show_clock(control);
}

/* ---- faults ---- */

static void add_faults(const sb_control_t *control)
{
    rc_error_t error = RC_ERROR_INIT;
    json_t *numbers = json_array();
    size_t count = json_is_array(control->body) ? json_array_size(control->body) : 1;
    for (size_t i = 0; i < count; i++) {
        const json_t *one = json_is_array(control->body) ? json_array_get(control->body, i) : control->body;
        long number = sb_faults_add(control->sandbox->faults, one, &error);
        if (!number) {
            json_decref(numbers);
            sb_control_refuse(control, 400, error.message);
            return;
        }
        (void)json_array_append_new(numbers, json_integer(number));
    }
    sb_control_answer(control, 201, json_pack("{s:o}", "faults", numbers));
}

static void list_faults(const sb_control_t *control)
{
    sb_control_answer(control, 200, json_pack("{s:o}", "faults", sb_faults_list(control->sandbox->faults)));
}

static void clear_faults(const sb_control_t *control)
{
    (void)sb_faults_remove(control->sandbox->faults, 0);
    list_faults(control);
}

static void remove_fault(const sb_control_t *control)
{
    long number = strtol(control->id, NULL, 10);
    if (number > 0 && sb_faults_remove(control->sandbox->faults, number))
        list_faults(control);
    else
        sb_control_refuse(control, 404, "there is no such fault");
}

/* ---- one integration ---- */

static void show_integration(const sb_control_t *control)
{
    sb_integration_t *integration = control->integration;
    (void)pthread_mutex_lock(&integration->hr_lock);
    (void)pthread_mutex_lock(&integration->learnamp_lock);
    json_t *json = sb_integration_describe(control->sandbox, integration);
    (void)json_object_set_new(json, "settings", sb_settings_json(integration));
    (void)json_object_set_new(json, "changed_records", json_integer((json_int_t)sb_hr_changed(integration->hr)));
    (void)json_object_set_new(json, "totals", sb_store_totals(integration->store));
    (void)pthread_mutex_unlock(&integration->learnamp_lock);
    (void)pthread_mutex_unlock(&integration->hr_lock);
    sb_control_answer(control, 200, json);
}

static void change_settings(const sb_control_t *control)
{
    rc_error_t error = RC_ERROR_INIT;
    if (sb_settings_apply(control->integration, control->body, &error))
        sb_control_refuse(control, 400, error.message);
    else
        show_integration(control);
}

static void change_hr(const sb_control_t *control)
{
    rc_error_t error = RC_ERROR_INIT;
    json_t *results = json_array();
    size_t count = json_is_array(control->body) ? json_array_size(control->body) : 1;
    rc_code_t code = RC_OK;
    (void)pthread_mutex_lock(&control->integration->hr_lock);
    sb_hr_set_clock_offset(control->integration->hr, atomic_load(&control->sandbox->clock_offset_ms));
    for (size_t i = 0; i < count && !code; i++) {
        json_t *result = json_object();
        code = sb_hr_operate(control->integration->hr,
                             json_is_array(control->body) ? json_array_get(control->body, i) : control->body,
                             control->now, result, &error);
        if (code)
            json_decref(result);
        else
            (void)json_array_append_new(results, result);
    }
    (void)pthread_mutex_unlock(&control->integration->hr_lock);
    if (code)
        sb_control_answer(control, 400, json_pack("{s:s, s:o}", "error", error.message, "results", results));
    else
        sb_control_answer(control, 200, json_pack("{s:o}", "results", results));
}

static void list_employees(const sb_control_t *control)
{
    const sb_hr_t *hr = control->integration->hr;
    sb_person_t person;
    rc_buf_t *body = &control->reply->body;
    uint32_t at = (uint32_t)sb_control_number(control, "offset", 0),
             limit = (uint32_t)sb_control_number(control, "limit", 100);
    (void)pthread_mutex_lock(&control->integration->hr_lock);
    uint32_t count = sb_hr_count(hr);
    (void)rc_buf_add_format(body, "{\"count\":%u,\"employees\":[", count);
    for (uint32_t listed = 0; at < count && listed < limit; at++) {
        if (!sb_hr_person(hr, at, control->now, &person)) continue;
        if (listed++) (void)rc_buf_add_str(body, ",");
        sb_record_employee(body, hr, &person, control->now, 0);
    }
    (void)pthread_mutex_unlock(&control->integration->hr_lock);
    (void)rc_buf_add_str(body, "]}\n");
    control->reply->content_type = "application/json";
}

/* By Kombo's id, by number, or by address. */
static bool find_employee(const sb_hr_t *hr, const char *reference, rc_wall_t now, sb_person_t *person)
{
    uint32_t index;
    char *end;
    unsigned long number = strtoul(reference, &end, 10);
    if (sb_hr_find(hr, reference, &index)) return sb_hr_person(hr, index, now, person);
    if (!*end && number < sb_hr_count(hr)) return sb_hr_person(hr, (uint32_t)number, now, person);
    for (index = 0; strchr(reference, '@') && index < sb_hr_count(hr); index++)
        if (sb_hr_person(hr, index, now, person) && rc_email_equal(person->text[SB_TEXT_WORK_EMAIL], reference))
            return true;
    return false;
}

static void show_employee(const sb_control_t *control)
{
    sb_person_t person;
    (void)pthread_mutex_lock(&control->integration->hr_lock);
    bool found = find_employee(control->integration->hr, control->id, control->now, &person);
    if (found) sb_record_employee(&control->reply->body, control->integration->hr, &person, control->now, 0);
    (void)pthread_mutex_unlock(&control->integration->hr_lock);
    control->reply->content_type = "application/json";
    if (!found) sb_control_refuse(control, 404, "there is no such employee, or the record has vanished");
}

static void list_groups(const sb_control_t *control)
{
    static const char *const names[] = {"groups", "locations", "legal_entities"};
    rc_buf_t *body = &control->reply->body;
    (void)pthread_mutex_lock(&control->integration->hr_lock);
    for (int kind = 0; kind < SB_UNIT_COUNT; kind++) {
        (void)rc_buf_add_format(body, "%s\"%s\":[", kind ? "," : "{", names[kind]);
        for (uint32_t i = 0; i < sb_hr_units(control->integration->hr, (sb_unit_kind_t)kind); i++) {
            if (i) (void)rc_buf_add_str(body, ",");
            sb_record_unit(body, control->integration->hr, (sb_unit_kind_t)kind,
                           sb_hr_unit(control->integration->hr, (sb_unit_kind_t)kind, (int32_t)i));
        }
        (void)rc_buf_add_str(body, "]");
    }
    (void)pthread_mutex_unlock(&control->integration->hr_lock);
    (void)rc_buf_add_str(body, "}\n");
    control->reply->content_type = "application/json";
}

/* The people that the call asks for, as `show` has them. Under hr_lock. Returns new. */
static json_t *list_people(const sb_control_t *control, json_t *(*show)(const sb_control_t *control, uint32_t at))
{
    uint32_t at = (uint32_t)sb_control_number(control, "offset", 0),
             limit = (uint32_t)sb_control_number(control, "limit", 1000);
    uint32_t count = sb_hr_count(control->integration->hr);
    json_t *list = json_array();
    for (; at < count && json_array_size(list) < limit; at++) (void)json_array_append_new(list, show(control, at));
    return list;
}

static json_t *expected_of(const sb_control_t *control, uint32_t at)
{
    return sb_expected_json(control->integration->hr, at, control->now, arg_date(control), NULL);
}

static void show_expected(const sb_control_t *control)
{
    (void)pthread_mutex_lock(&control->integration->hr_lock);
    uint32_t count = sb_hr_count(control->integration->hr);
    json_t *list = list_people(control, expected_of);
    (void)pthread_mutex_unlock(&control->integration->hr_lock);
    sb_control_answer(control, 200, json_pack("{s:I, s:o}", "count", (json_int_t)count, "expected", list));
}

static json_t *history_of(const sb_control_t *control, uint32_t at)
{
    return sb_history_person(control->integration->hr, at);
}

static void show_history(const sb_control_t *control)
{
    (void)pthread_mutex_lock(&control->integration->hr_lock);
    uint32_t count = sb_hr_count(control->integration->hr);
    json_t *list = list_people(control, history_of);
    json_t *units = sb_history_units(control->integration->hr);
    (void)pthread_mutex_unlock(&control->integration->hr_lock);
    sb_control_answer(control, 200,
                      json_pack("{s:I, s:o, s:o}", "count", (json_int_t)count, "people", list, "units", units));
}

static void compare(const sb_control_t *control)
{
    (void)pthread_mutex_lock(&control->integration->hr_lock);
    (void)pthread_mutex_lock(&control->integration->learnamp_lock);
    json_t *json = sb_compare(control->integration, control->now, arg_date(control),
                              (size_t)sb_control_number(control, "limit", 100));
    (void)pthread_mutex_unlock(&control->integration->learnamp_lock);
    (void)pthread_mutex_unlock(&control->integration->hr_lock);
    sb_control_answer(control, 200, json);
}

/* ---- books, webhooks ---- */

static sb_side_t arg_side(const sb_control_t *control)
{
    const char *side = rc_httpd_arg(control->request, "side");
    return side && !strcmp(side, SB_SIDE_NAMES[SB_SIDE_KOMBO]) ? SB_SIDE_KOMBO : SB_SIDE_LEARNAMP;
}

static void list_requests(const sb_control_t *control)
{
    json_t *list = sb_requests_list(
        control->integration->requests[arg_side(control)], (uint64_t)sb_control_number(control, "after", 0),
        (size_t)sb_control_number(control, "limit", 1000), rc_httpd_arg(control->request, "employee"));
    sb_control_answer(control, 200, json_pack("{s:o}", "requests", list));
}

static void show_counters(const sb_control_t *control)
{
    json_t *json = json_object();
    for (int side = 0; side < SB_SIDE_COUNT; side++)
        (void)json_object_set_new(json, SB_SIDE_NAMES[side],
                                  sb_requests_counters(control->integration->requests[side]));
    (void)pthread_mutex_lock(&control->integration->learnamp_lock);
    (void)json_object_set_new(json, "totals", sb_store_totals(control->integration->store));
    (void)pthread_mutex_unlock(&control->integration->learnamp_lock);
    sb_control_answer(control, 200, json);
}

static void clear_requests(const sb_control_t *control)
{
    for (int side = 0; side < SB_SIDE_COUNT; side++) sb_requests_clear(control->integration->requests[side]);
    show_counters(control);
}

static void send_webhook(const sb_control_t *control)
{
    rc_error_t error = RC_ERROR_INIT;
    int status = 0;
    long times = (long)rc_json_int(control->body, "times", 1);
    for (long i = 0; i < times; i++) {
        if (!sb_webhook_send(control->sandbox, control->integration, control->body, &status, &error)) continue;
        sb_control_refuse(control, error.code == RC_USAGE ? 400 : 502, error.message);
        return;
    }
    sb_control_answer(control, 200, json_pack("{s:i}", "status", status));
}

/* ---- the table ---- */

static const struct {
    const char *method, *path;
    void (*serve)(const sb_control_t *control);
} ENDPOINTS[] = {
    {"GET", "", describe},
    {"GET", "integrations", describe},
    {"POST", "integrations", add_integration},
    {"GET", "clock", show_clock},
    {"PUT", "clock", set_clock},
    {"GET", "faults", list_faults},
    {"POST", "faults", add_faults},
    {"DELETE", "faults", clear_faults},
    {"DELETE", "faults/*", remove_fault},
    {"GET", "integrations/*", show_integration},
    {"PATCH", "integrations/*", change_settings},
    {"POST", "integrations/*/changes", change_hr},
    {"GET", "integrations/*/employees", list_employees},
    {"GET", "integrations/*/employees/*", show_employee},
    {"GET", "integrations/*/groups", list_groups},
    {"GET", "integrations/*/expected", show_expected},
    {"GET", "integrations/*/history", show_history},
    {"GET", "integrations/*/compare", compare},
    {"GET", "integrations/*/users", sb_control_list_users},
    {"POST", "integrations/*/users", sb_control_add_user},
    {"PATCH", "integrations/*/users/*", sb_control_change_user},
    {"GET", "integrations/*/teams", sb_control_list_teams},
    {"POST", "integrations/*/teams", sb_control_add_team},
    {"DELETE", "integrations/*/tokens", sb_control_revoke_tokens},
    {"DELETE", "integrations/*/users", sb_control_wipe},
    {"GET", "integrations/*/requests", list_requests},
    {"DELETE", "integrations/*/requests", clear_requests},
    {"GET", "integrations/*/counters", show_counters},
    {"POST", "integrations/*/webhook", send_webhook},
};
enum { ENDPOINT_COUNT = sizeof ENDPOINTS / sizeof *ENDPOINTS };

static int find_endpoint(const rc_httpd_request_t *request, const char *ids[SB_PATH_IDS])
{
    for (int i = 0; i < ENDPOINT_COUNT; i++)
        if (!strcmp(ENDPOINTS[i].method, request->method) &&
            sb_path_fits(ENDPOINTS[i].path, request->segments + 1, request->segment_count - 1, ids))
            return i;
    return -1;
}

void sb_control_serve(const rc_httpd_request_t *request, rc_httpd_reply_t *reply, void *arg)
{
    sb_sandbox_t *sandbox = arg;
    rc_error_t error = RC_ERROR_INIT;
    const char *ids[SB_PATH_IDS];
    json_t *body = NULL;
    sb_control_t control = {.sandbox = sandbox, .request = request, .reply = reply, .now = sb_now(sandbox)};
    int endpoint = find_endpoint(request, ids);
    bool about_one = endpoint >= 0 && !strncmp(ENDPOINTS[endpoint].path, "integrations/*", 14);
    bool needs_body = *request->method == 'P'; /* POST, PUT, PATCH */
    if (about_one) control.integration = sb_integration_find(sandbox, ids[0]);
    control.id = about_one ? ids[1] : ids[0];
    if (endpoint < 0)
        sb_control_refuse(&control, 404, "there is no such endpoint; see tests/sandbox/README.md");
    else if (about_one && !control.integration)
        sb_control_refuse(&control, 404, "there is no such integration");
    else if (needs_body && rc_json_parse(request->body, request->body_size_bytes, &body, &error))
        sb_control_refuse(&control, 400, error.message);
    else if (needs_body && !json_is_object(body) && !json_is_array(body))
        sb_control_refuse(&control, 400, "the body must be an object or a list");
    else {
        control.body = body;
        ENDPOINTS[endpoint].serve(&control);
    }
    json_decref(body);
}
