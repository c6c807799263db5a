/* rc_kombo_check: whether an integration can be read, in words. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/text.h"
#include "producer/kombo/kombo_client.h"
#include "producer/kombo/kombo_error.h"
#include "producer/kombo/kombo_fields.h"

/* GETs a page or a small document, and judges it. The answer lives until the next request. */
static rc_code_t ask(rc_kombo_t *kombo, const char *path, const char *query, const atomic_bool *cancelled,
                     rc_http_answer_t *answer, rc_kombo_page_t *page, rc_error_t *error)
{
    static const rc_kombo_sink_t nobody = {0};
    *page = (rc_kombo_page_t){0};
    rc_code_t code = rc_kombo_get(kombo, path, query, NULL, NULL, cancelled, answer, error);
    if (code != RC_OK) return code;
    rc_kombo_parser_begin(kombo->parser, &nobody);
    code = rc_kombo_parser_feed(kombo->parser, answer->body, answer->body_bytes, error);
    if (code == RC_OK) code = rc_kombo_parser_end(kombo->parser, page, error);
    if (rc_kombo_is_error(answer->status, page))
        code = rc_kombo_error_set(error, answer->status, page, answer->retry_after_ms, false);
    return code == RC_OK ? RC_OK : rc_error_prefix(error, "Kombo, %s", path);
}

/* Returns new in *json (json_decref). */
static rc_code_t get_document(rc_kombo_t *kombo, const char *path, const atomic_bool *cancelled, json_t **json,
                              rc_error_t *error)
{
    rc_http_answer_t answer;
    rc_kombo_page_t page;
    rc_code_t code = ask(kombo, path, "", cancelled, &answer, &page, error);
    if (code != RC_OK) return code;
    code = rc_json_parse(answer.body, answer.body_bytes, json, error);
    return code == RC_OK ? RC_OK : rc_error_prefix(error, "Kombo, %s", path);
}

/* One employee, as polls read them: the proof that they can. */
static rc_code_t read_one(rc_kombo_t *kombo, const atomic_bool *cancelled, rc_error_t *error)
{
    static const char path[] = "/hris/employees";
    rc_http_answer_t answer;
    rc_kombo_page_t page;
    rc_code_t code = ask(kombo, path, "page_size=1", cancelled, &answer, &page, error);
    if (code != RC_OK || page.has_results) return code;
    return rc_error_set(error, RC_MALFORMED, RC_REJECT,
                        "Kombo, %s: the answer has no data.results; is kombo.base_url Kombo's API?", path);
}

/* The states of an integration in which it cannot be read (GetIntegrationsIntegrationIdPositiveResponse). */
static const struct {
    const char *member;
    const char *value;
    rc_code_t code;
    const char *text;
} STATES[] = {
    {"status", "INVALID", RC_NEEDS_CUSTOMER,
     "the credentials that Kombo has are invalid; the customer reconnects the integration in Kombo"},
    {"status", "INACTIVE", RC_NEEDS_CUSTOMER,
     "the integration was set inactive; it is enabled again on its page in Kombo"},
    {"setup_status", "INCOMPLETE", RC_NEEDS_CUSTOMER,
     "the integration is not set up to its end; the customer completes the set-up in Kombo"},
    {"setup_status", "FINAL_SYNC_PENDING", RC_NEEDS_CUSTOMER,
     "Kombo's first sync of the integration has not ended; wait for it"},
    {"category", "ATS", RC_MISCONFIGURED,
     "this is an integration of a recruiting system; configure one of an HR system"},
    {"category", "ASSESSMENT", RC_MISCONFIGURED,
     "this is an integration of an assessment system; configure one of an HR system"},
    {"category", "LMS", RC_MISCONFIGURED, "this is an integration of a learning system; configure one of an HR system"},
};

static rc_code_t judge_state(const json_t *data, const char *who, rc_error_t *error)
{
    for (size_t i = 0; i < sizeof STATES / sizeof *STATES; i++) {
        const char *value = rc_json_str(data, STATES[i].member);
        if (value && strcmp(value, STATES[i].value) == 0)
            return rc_error_set(error, STATES[i].code, RC_REJECT, "Kombo, %s: %s (%s is %s)", who, STATES[i].text,
                                STATES[i].member, value);
    }
    return RC_OK;
}

/* The entry with that id in an array of models or fields; NULL: Kombo does not list it. */
static const json_t *find_entry(const json_t *array, const char *id)
{
    for (size_t i = 0; i < json_array_size(array); i++) {
        const json_t *entry = json_array_get(array, i);
        if (rc_text_equal(rc_json_str(entry, "id"), id)) return entry;
    }
    return NULL;
}

static const char *why_unavailable(const json_t *entry)
{
    const char *coverage = rc_json_str(entry, "coverage_status"), *scope = rc_json_str(entry, "scope_config_setting");
    if (rc_json_bool(entry, "opted_out_by_customer", false))
        return "the customer opted out of it, and can opt in again";
    if (scope && strcmp(scope, "DISABLED") == 0) return "enable it in Kombo's scope configuration";
    if (coverage && strcmp(coverage, "SUPPORTED") != 0) return "Kombo cannot read it from this HR system";
    return "see the integration's page in Kombo";
}

static rc_code_t judge_model(const json_t *employees, const char *who, rc_error_t *error)
{
    if (!employees || rc_json_bool(employees, "is_available", true)) return RC_OK;
    return rc_error_set(error, RC_NEEDS_CUSTOMER, RC_REJECT, "Kombo, %s: employees cannot be read; %s", who,
                        why_unavailable(employees));
}

/* What is mapped and never comes, as a warning. */
static void list_missing_fields(const rc_kombo_fields_t *fields, const json_t *employees, rc_buf_t *text)
{
    const json_t *known = json_object_get(employees, "fields");
    bool any = false;
    for (size_t i = 0; i < fields->path_count; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "%.*s", (int)strcspn(fields->paths[i], "."), fields->paths[i]);
        const json_t *field = find_entry(known, name);
        if (!field || rc_json_bool(field, "is_available", true)) continue;
        (void)rc_buf_add_format(text, "%s%s", any ? ", " : "; mapped, but not available: ", fields->paths[i]);
        any = true;
    }
}

static void describe(const rc_kombo_t *kombo, const json_t *data, const json_t *employees, rc_kombo_health_t *health)
{
    rc_buf_t text = RC_BUF_INIT(sizeof health->text - 1);
    (void)rc_buf_add_format(&text, "%s of %s can be read", health->tool, health->organization);
    if (rc_json_str(data, "data_expired_at"))
        (void)rc_buf_add_str(&text, "; its settings changed, and Kombo's next sync brings the data up to date");
    if (employees) list_missing_fields(kombo->fields, employees, &text);
    (void)snprintf(health->text, sizeof health->text, "%s", text.data);
    rc_buf_fini(&text);
}

/* What Kombo says of the key and the integration. */
static rc_code_t look_up(rc_kombo_t *kombo, const atomic_bool *cancelled, rc_kombo_health_t *health, rc_error_t *error)
{
    json_t *key = NULL, *document = NULL;
    char *id = rc_url_encode(kombo->integration_id), *path = rc_sprintf("/integrations/%s", id);
    rc_code_t code = get_document(kombo, "/check-api-key", cancelled, &key, error);
    if (code == RC_OK) code = get_document(kombo, path, cancelled, &document, error);
    if (code != RC_OK) goto cleanup;

    const json_t *data = json_object_get(document, "data");
    const json_t *employees = find_entry(json_object_get(data, "read_models"), "hris_employees");
    const char *organization = rc_json_str(json_object_get(data, "end_user"), "organization_name");
    const char *tool = rc_json_str(json_object_get(data, "tool"), "label");
    (void)snprintf(health->organization, sizeof health->organization, "%s",
                   organization ? organization : "the customer");
    (void)snprintf(health->tool, sizeof health->tool, "%s", tool ? tool : "the HR system");
    code = json_is_object(data)
               ? judge_state(data, health->organization, error)
               : rc_error_set(error, RC_MALFORMED, RC_REJECT,
                              "Kombo, %s: the answer has no data; is kombo.base_url Kombo's API?", path);
    if (code == RC_OK) code = judge_model(employees, health->organization, error);
    if (code == RC_OK) describe(kombo, data, employees, health);

cleanup:
    json_decref(key);
    json_decref(document);
    free(id);
    free(path);
    return code;
}

rc_code_t rc_kombo_check(rc_kombo_t *kombo, const atomic_bool *cancelled, rc_kombo_health_t *health, rc_error_t *error)
{
    rc_kombo_health_t found = {
        .organization = "the customer", .tool = "the HR system", .text = "employees can be read"};
    rc_code_t code = look_up(kombo, cancelled, &found, error);
    /* Not found, but what polls read may be there all the same: a gateway lets no more through than they need. */
    bool not_found = code != RC_OK && error->http_status == 404;
    if (code == RC_OK || not_found) code = read_one(kombo, cancelled, error);
    if (code == RC_OK) *health = found;
    return code;
}
