#include "tests/sandbox/kombo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sandbox/exchange.h"
#include "tests/sandbox/kombo_errors.h"
#include "tests/sandbox/kombo_query.h"
#include "tests/sandbox/kombo_record.h"
#include "tests/sandbox/out.h"
#include "tests/sandbox/path.h"

/* ---- lists ---- */

static sb_cursor_rules_t cursor_rules(const sb_exchange_t *exchange)
{
    const sb_kombo_state_t *kombo = &exchange->integration->kombo;
    return (sb_cursor_rules_t){kombo->cursor_generation, kombo->cursor_ttl_ms, exchange->now, kombo->unsupported};
}

static bool in_any_group(const sb_hr_t *hr, const sb_person_t *person, const sb_any_of_t *filter)
{
    if (!filter->count) return true;
    for (size_t i = 0; i < person->group_count; i++) {
        const sb_unit_t *group = sb_hr_unit(hr, SB_UNIT_GROUP, person->groups[i]);
        if (!group->deleted_at.ms && sb_any_of(filter, group->id)) return true;
    }
    return false;
}

static bool at_any_place(const sb_hr_t *hr, sb_unit_kind_t kind, int32_t number, const sb_any_of_t *filter)
{
    const sb_unit_t *place = sb_hr_unit(hr, kind, number);
    return sb_any_of(filter, place ? place->id : NULL);
}

static bool custom_matches(const sb_person_t *person, const sb_query_t *query)
{
    if (!query->custom_key) return true;
    json_t *value = sb_record_custom(person, query->custom_key);
    bool equal = json_equal(value, query->custom_value);
    json_decref(value);
    return equal;
}

static bool person_matches(const sb_hr_t *hr, const sb_person_t *person, const sb_query_t *query)
{
    char private_email[64];
    if (person->deleted_at.ms && !query->include_deleted) return false;
    rc_wall_t before = {query->since.ms - 1};
    if (query->has_since && person->updated_at.ms <= before.ms && !sb_hr_surroundings_changed(hr, person, before))
        return false;
    (void)snprintf(private_email, sizeof private_email, "canary.private%u@home.example", person->index);
    return sb_any_of(&query->ids, person->id) && sb_any_of(&query->remote_ids, person->remote_id) &&
           sb_any_of(&query->statuses, person->text[SB_TEXT_EMPLOYMENT_STATUS]) &&
           in_any_group(hr, person, &query->group_ids) &&
           at_any_place(hr, SB_UNIT_LEGAL_ENTITY, person->legal_entity, &query->legal_entity_ids) &&
           at_any_place(hr, SB_UNIT_LOCATION, person->location, &query->work_location_ids) &&
           sb_any_of_email(&query->work_emails, person->text[SB_TEXT_WORK_EMAIL]) &&
           (!query->personal_emails.count || sb_any_of_email(&query->personal_emails, private_email)) &&
           custom_matches(person, query);
}

/* The first number from `from` on that the filters let through, with its person; the count when there is none. */
static uint32_t next_person(const sb_exchange_t *exchange, const sb_query_t *query, uint32_t from, sb_person_t *person)
{
    const sb_hr_t *hr = exchange->integration->hr;
    uint32_t count = sb_hr_count(hr);
    rc_wall_t before = {query->since.ms - 1};
    if (query->nothing) return count;
    if (query->ids.count) {
        /* Few are asked for by id: no need to compute everybody. */
        uint32_t nearest = count, number;
        for (size_t i = 0; i < query->ids.count; i++)
            if (sb_hr_find(hr, query->ids.values[i], &number) && number >= from && number < nearest &&
                sb_hr_person(hr, number, exchange->now, person) && person_matches(hr, person, query))
                nearest = number;
        if (nearest < count) (void)sb_hr_person(hr, nearest, exchange->now, person);
        return nearest;
    }
    for (; from < count; from++) {
        if (query->has_since && !sb_hr_may_have_changed(hr, from, before)) continue;
        if (sb_hr_person(hr, from, exchange->now, person) && person_matches(hr, person, query)) break;
    }
    return from;
}

static void begin_list(rc_httpd_reply_t *reply)
{
    reply->content_type = "application/json";
    SB_OUT(&reply->body, "{\"status\":\"success\",\"data\":{\"results\":[");
}

/* `next`: the number of the first record that is left, when there is one. */
static void end_list(sb_exchange_t *exchange, const sb_query_t *query, bool more, uint32_t next)
{
    char cursor[SB_CURSOR_SIZE];
    rc_buf_t *body = &exchange->reply->body;
    sb_cursor_rules_t rules = cursor_rules(exchange);
    sb_out_drop_comma(body);
    SB_OUT(body, "],\"next\":");
    sb_out_text(body, more ? sb_cursor_format(query, &rules, next, cursor) : NULL);
    SB_OUT(body, "}}");
}

static void list_employees(sb_exchange_t *exchange, const sb_query_t *query)
{
    sb_person_t person;
    sb_integration_t *integration = exchange->integration;
    rc_buf_t *body = &exchange->reply->body;
    if (!query->has_cursor) integration->kombo.listings++;
    begin_list(exchange->reply);
    uint32_t count = sb_hr_count(integration->hr), at = count, listed = 0;
    if (!sb_exchange_empties(exchange)) at = next_person(exchange, query, query->start, &person);
    while (at < count && listed < query->page_size) {
        if (!sb_exchange_halves(exchange) || listed % 2 == 0) {
            sb_record_employee(body, integration->hr, &person, exchange->now, integration->kombo.listings);
            SB_OUT(body, ",");
        }
        listed++;
        at = next_person(exchange, query, at + 1, &person);
    }
    end_list(exchange, query, at < count, at);
}

static bool unit_matches(const sb_unit_t *unit, const sb_query_t *query)
{
    if (unit->deleted_at.ms && !query->include_deleted) return false;
    if (query->has_since && unit->changed_at.ms < query->since.ms) return false;
    if (query->name_contains && !strcasestr(unit->name, query->name_contains)) return false;
    return sb_any_of(&query->ids, unit->id) && sb_any_of(&query->remote_ids, unit->remote_id) &&
           sb_any_of(&query->types, unit->type);
}

static void list_units(sb_exchange_t *exchange, const sb_query_t *query, sb_unit_kind_t kind)
{
    const sb_hr_t *hr = exchange->integration->hr;
    uint32_t count = sb_hr_units(hr, kind), at = query->start, listed = 0;
    if (query->nothing || sb_exchange_empties(exchange)) at = count;
    begin_list(exchange->reply);
    for (; at < count; at++) {
        const sb_unit_t *unit = sb_hr_unit(hr, kind, (int32_t)at);
        if (!unit_matches(unit, query)) continue;
        if (listed == query->page_size) break;
        if (listed++ % 2 && sb_exchange_halves(exchange)) continue;
        sb_record_unit(&exchange->reply->body, hr, kind, unit);
        SB_OUT(&exchange->reply->body, ",");
    }
    end_list(exchange, query, at < count, at);
}

static void serve_list(sb_exchange_t *exchange, sb_list_t list)
{
    sb_query_t query;
    rc_error_t error = RC_ERROR_INIT;
    sb_cursor_rules_t rules = cursor_rules(exchange);
    if (sb_query_parse(exchange->request, list, &rules, &query, &error))
        sb_kombo_reply_error(exchange->reply, "PLATFORM.INPUT_INVALID", 0, error.message);
    else if (list == SB_LIST_EMPLOYEES)
        list_employees(exchange, &query);
    else if (list == SB_LIST_GROUPS)
        list_units(exchange, &query, SB_UNIT_GROUP);
    else
        list_units(exchange, &query, list == SB_LIST_LOCATIONS ? SB_UNIT_LOCATION : SB_UNIT_LEGAL_ENTITY);
    json_decref(query.custom_filter);
}

static void serve_employees(sb_exchange_t *exchange)
{
    serve_list(exchange, SB_LIST_EMPLOYEES);
}

static void serve_groups(sb_exchange_t *exchange)
{
    serve_list(exchange, SB_LIST_GROUPS);
}

static void serve_locations(sb_exchange_t *exchange)
{
    serve_list(exchange, SB_LIST_LOCATIONS);
}

static void serve_legal_entities(sb_exchange_t *exchange)
{
    serve_list(exchange, SB_LIST_LEGAL_ENTITIES);
}

static void serve_force_sync(sb_exchange_t *exchange)
{
    char id[SB_ID_SIZE];
    rc_error_t error = RC_ERROR_INIT;
    json_t *body = NULL;
    const char *type = "FULL";
    if (exchange->request->body_size_bytes) {
        (void)rc_json_parse(exchange->request->body, exchange->request->body_size_bytes, &body, &error);
        if (json_object_get(body, "type")) type = rc_json_str(body, "type");
        if (!json_is_object(body) || !type || (strcmp(type, "FULL") != 0 && strcmp(type, "DELTA") != 0)) {
            sb_kombo_reply_error(exchange->reply, "PLATFORM.INPUT_INVALID", 0, "type: must be FULL or DELTA");
            json_decref(body);
            return;
        }
    }
    sb_id_format(sb_hr_company(exchange->integration->hr)->seed, SB_KIND_EVENT,
                 (uint32_t)++exchange->integration->kombo.listings, id);
    rc_httpd_reply_json(exchange->reply, 200,
                        json_pack("{s:s, s:{s:b, s:s, s:s}}", "status", "success", "data", "already_queued", 0,
                                  "sync_id", id, "type", type));
    json_decref(body);
}

/* ---- what belongs to the account ---- */

static json_t *read_models(void)
{
    static const char *const models[][2] = {{"hris_employees", "Employees"},
                                            {"hris_teams", "Groups"},
                                            {"hris_locations", "Locations"},
                                            {"hris_legal_entities", "Legal entities"},
                                            {"hris_employments", "Employments"}};
    json_t *list = json_array();
    for (size_t i = 0; i < sizeof models / sizeof *models; i++)
        (void)json_array_append_new(list, json_pack("{s:s, s:s, s:b, s:s, s:s, s:b, s:[{s:s, s:b, s:s, s:s, s:b}]}",
                                                    "id", models[i][0], "label", models[i][1], "is_available", 1,
                                                    "coverage_status", "SUPPORTED", "scope_config_setting", "ENABLED",
                                                    "opted_out_by_customer", 0, "fields", "id", "id", "is_available", 1,
                                                    "coverage_status", "SUPPORTED", "scope_config_setting", "ENABLED",
                                                    "opted_out_by_customer", 0));
    return list;
}

static void serve_integration(sb_exchange_t *exchange)
{
    const sb_integration_t *integration = exchange->integration;
    const sb_company_t *company = sb_hr_company(integration->hr);
    char label[40], id[SB_ID_SIZE], created[RC_TIME_STR_SIZE];
    (void)snprintf(label, sizeof label, "%s", integration->tool);
    if (label[0] >= 'a' && label[0] <= 'z') label[0] = (char)(label[0] - 'a' + 'A');
    json_t *data = json_pack(
        "{s:s, s:{s:s, s:s, s:n, s:s, s:s}, s:s, s:s, s:s, s:{s:s, s:n, s:n}, s:{s:s, s:s}, s:n, s:s, s:b, s:o, s:[]}",
        "id", integration->id, "tool", "id", integration->tool, "label", label, "internal_label", "logo_url",
        "https://storage.kombo.example/logo.svg", "icon_url", "https://storage.kombo.example/icon.svg", "category",
        "HRIS", "status", integration->kombo.status, "setup_status", integration->kombo.setup_status, "end_user",
        "organization_name", company->name, "creator_email", "origin_id", "scope_config", "id",
        sb_id_format(company->seed, SB_KIND_FIELD, 99, id), "name", "Learning", "data_expired_at", "created_at",
        rc_wall_str((rc_wall_t){((int64_t)company->epoch.days - 500) * 86400000}, created), "beta", 0, "read_models",
        read_models(), "write_actions");
    rc_httpd_reply_json(exchange->reply, 200, json_pack("{s:s, s:o}", "status", "success", "data", data));
}

static json_t *custom_field_json(uint64_t seed, uint32_t number, const sb_field_t *field)
{
    char id[SB_ID_SIZE];
    return json_pack("{s:s, s:s, s:n, s:s, s:s, s:n}", "id", sb_id_format(seed, SB_KIND_FIELD, number, id), "key",
                     field->key, "integration_field", "model", "hris_employees", "label", field->label, "description");
}

static json_t *integration_field_json(uint64_t seed, uint32_t number, const sb_field_t *field)
{
    char id[SB_ID_SIZE];
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:b}", "id", sb_id_format(seed, SB_KIND_FIELD, 100 + number, id),
                     "key", field->key, "model", "hris_employees", "type", "CUSTOM", "label", field->label,
                     "is_passthrough_enabled", 1, "is_writable", 0);
}

static void list_fields(sb_exchange_t *exchange, const sb_field_t *fields,
                        json_t *(*field_json)(uint64_t seed, uint32_t number, const sb_field_t *field))
{
    sb_query_t query;
    rc_error_t error = RC_ERROR_INIT;
    char cursor[SB_CURSOR_SIZE];
    sb_cursor_rules_t rules = cursor_rules(exchange);
    if (sb_query_parse(exchange->request, SB_LIST_FIELDS, &rules, &query, &error)) {
        sb_kombo_reply_error(exchange->reply, "PLATFORM.INPUT_INVALID", 0, error.message);
        return;
    }
    json_t *results = json_array();
    uint32_t at = 0;
    for (; fields[at].key && json_array_size(results) < query.page_size; at++)
        if (at >= query.start)
            (void)json_array_append_new(results,
                                        field_json(sb_hr_company(exchange->integration->hr)->seed, at, &fields[at]));
    const char *next = fields[at].key ? sb_cursor_format(&query, &rules, at, cursor) : NULL;
    rc_httpd_reply_json(exchange->reply, 200,
                        json_pack("{s:s, s:{s:o, s:s?, s:s?}}", "status", "success", "data", "results", results,
                                  "next_cursor", next, "next", next));
}

static void serve_custom_fields(sb_exchange_t *exchange)
{
    list_fields(exchange, SB_CUSTOM_FIELDS, custom_field_json);
}

static void serve_integration_fields(sb_exchange_t *exchange)
{
    list_fields(exchange, SB_INTEGRATION_FIELDS, integration_field_json);
}

static void serve_check_api_key(sb_exchange_t *exchange)
{
    char id[SB_ID_SIZE];
    sb_id_format(0, SB_KIND_INTEGRATION, 1, id);
    rc_httpd_reply_json(
        exchange->reply, 200,
        json_pack("{s:s, s:{s:s, s:s}}", "status", "success", "data", "environment_id", id, "customer_id", id));
}

/* ---- endpoints ---- */

/* Which integration a request is about. */
typedef enum { ABOUT_NONE, ABOUT_HEADER, ABOUT_PATH } about_t;

/* "*" stands for the integration's id. */
static const struct {
    const char *method, *path;
    about_t about;
    bool data; /* answers from the integration's data: refused while that is not there */
    void (*serve)(sb_exchange_t *exchange);
} ENDPOINTS[] = {
    {"GET", "check-api-key", ABOUT_NONE, false, serve_check_api_key},
    {"POST", "force-sync", ABOUT_HEADER, true, serve_force_sync},
    {"GET", "hris/employees", ABOUT_HEADER, true, serve_employees},
    {"GET", "hris/groups", ABOUT_HEADER, true, serve_groups},
    {"GET", "hris/locations", ABOUT_HEADER, true, serve_locations},
    {"GET", "hris/legal-entities", ABOUT_HEADER, true, serve_legal_entities},
    {"GET", "integrations/*", ABOUT_PATH, false, serve_integration},
    {"GET", "integrations/*/custom-fields", ABOUT_PATH, false, serve_custom_fields},
    {"GET", "integrations/*/integration-fields", ABOUT_PATH, false, serve_integration_fields},
};
enum { ENDPOINT_COUNT = sizeof ENDPOINTS / sizeof *ENDPOINTS };

static int find_endpoint(const char *method, const char *const *segments, size_t count, const char *ids[SB_PATH_IDS])
{
    for (int i = 0; i < ENDPOINT_COUNT; i++)
        if (!strcmp(ENDPOINTS[i].method, method) && sb_path_fits(ENDPOINTS[i].path, segments, count, ids)) return i;
    return -1;
}

/* The error that the integration's own state calls for; NULL: none. */
static const char *state_error(const sb_kombo_state_t *kombo)
{
    if (!strcmp(kombo->status, "INVALID")) return "INTEGRATION.AUTHENTICATION_INVALID";
    if (!strcmp(kombo->status, "INACTIVE")) return "INTEGRATION.INACTIVE";
    if (!strcmp(kombo->setup_status, "INCOMPLETE")) return "INTEGRATION.SETUP_INCOMPLETE";
    if (!strcmp(kombo->setup_status, "FINAL_SYNC_PENDING")) return "INTEGRATION.SETUP_SYNC_PENDING";
    return NULL;
}

static bool key_is_right(const sb_exchange_t *exchange)
{
    const char *given = rc_httpd_header(exchange->request, "Authorization");
    return given && !strncmp(given, "Bearer ", 7) && !strcmp(given + 7, exchange->sandbox->api_key);
}

static void serve_endpoint(sb_exchange_t *exchange, int endpoint, const char *about)
{
    sb_integration_t *integration = exchange->integration;
    if (!key_is_right(exchange)) {
        sb_kombo_reply_error(exchange->reply, "PLATFORM.AUTHENTICATION_INVALID", 0, "The provided API key is invalid.");
    } else if (endpoint < 0) {
        sb_kombo_reply_error(exchange->reply, "PLATFORM.INPUT_INVALID", 404, "This endpoint does not exist.");
    } else if (ENDPOINTS[endpoint].about != ABOUT_NONE && !about) {
        sb_kombo_reply_error(exchange->reply, "PLATFORM.INPUT_INVALID", 0, "The header X-Integration-Id is missing.");
    } else if (ENDPOINTS[endpoint].about == ABOUT_NONE) {
        ENDPOINTS[endpoint].serve(exchange);
    } else if (!integration) {
        sb_kombo_reply_error(exchange->reply, "PLATFORM.INTEGRATION_NOT_FOUND", 0,
                             "There is no integration with this id.");
    } else {
        (void)pthread_mutex_lock(&integration->hr_lock);
        const char *wrong = ENDPOINTS[endpoint].data ? state_error(&integration->kombo) : NULL;
        if (wrong)
            sb_kombo_reply_error(exchange->reply, wrong, 0, "The integration cannot deliver data in this state.");
        else
            ENDPOINTS[endpoint].serve(exchange);
        (void)pthread_mutex_unlock(&integration->hr_lock);
    }
}

void sb_kombo_serve(const rc_httpd_request_t *request, rc_httpd_reply_t *reply, void *arg)
{
    sb_sandbox_t *sandbox = arg;
    size_t base = 0;
    for (const char *at = sandbox->kombo_base; *at; at++) base += *at == '/';
    const char *const *segments = request->segments + base;
    size_t count = request->segment_count > base ? request->segment_count - base : 0;
    const char *ids[SB_PATH_IDS];
    int endpoint = find_endpoint(request->method, segments, count, ids);
    const char *about = rc_httpd_header(request, "X-Integration-Id");
    if (endpoint >= 0 && ENDPOINTS[endpoint].about == ABOUT_PATH) about = ids[0];
    sb_exchange_t exchange = {
        .sandbox = sandbox,
        .integration = about ? sb_integration_find(sandbox, about) : NULL,
        .side = SB_SIDE_KOMBO,
        .request = request,
        .reply = reply,
        .target = request->target + strlen(sandbox->kombo_base),
        .now = sb_now(sandbox),
    };
    if (sb_exchange_begin(&exchange)) serve_endpoint(&exchange, endpoint, about);
    sb_exchange_end(&exchange);
}
