#include "producer/service/delivery.h"

#include <string.h>

#include "common/config_check.h"
#include "common/hmac.h"
#include "common/json.h"
#include "common/text.h"

/* --- what it calls for --- */

/* Models that say nothing about who an employee is, where or whether they work; at a customer's they change all day
 * long. Whatever else changed is worth a poll, names that Kombo invents later too. */
static const char *const NOBODY_CHANGED[] = {
    "ats_*",
    "lms_*",
    "hris_absence_types",
    "hris_absences",
    "hris_employee_document_categories",
    "hris_join_staffing_entities_*",
    "hris_performance_review_cycles",
    "hris_performance_reviews",
    "hris_staffing_entities",
    "hris_time_off_balances",
    "hris_timesheets",
};

static bool may_change_somebody(const char *model)
{
    if (!model) return true;
    for (size_t i = 0; i < sizeof NOBODY_CHANGED / sizeof *NOBODY_CHANGED; i++) {
        size_t length = strlen(NOBODY_CHANGED[i]);
        bool starred = NOBODY_CHANGED[i][length - 1] == '*';
        if (starred ? !strncmp(model, NOBODY_CHANGED[i], length - 1) : !strcmp(model, NOBODY_CHANGED[i])) return false;
    }
    return true;
}

static bool data_changed(const json_t *data)
{
    const json_t *models = json_object_get(data, "changed_models"), *model;
    size_t i;
    if (json_array_size(models) == 0) return true;
    json_array_foreach(models, i, model) if (may_change_somebody(rc_json_str(model, "name"))) return true;
    return false;
}

/* Whatever has become of the connection: a poll learns it in Kombo's own words. */
static bool always(const json_t *data)
{
    (void)data;
    return true;
}

static bool never(const json_t *data)
{
    (void)data;
    return false;
}

static const struct {
    const char *type;
    bool (*polls)(const json_t *data);
} TYPES[] = {{"data-changed", data_changed},
             {"integration-state-changed", always},
             {"integration-deleted", always},
             {"sync-finished", always}, /* deprecated, for integrations that still send it */
             {"other", never}};

enum { TYPE_COUNT = sizeof TYPES / sizeof *TYPES };

static size_t find_type(const char *type)
{
    size_t i = 0;
    while (i < TYPE_COUNT - 1 && strcmp(TYPES[i].type, type) != 0) i++;
    return i;
}

/* --- whether to believe it --- */

/* "integration-deleted" calls it `id`. */
static const char *named_integration(const json_t *data)
{
    const char *id = rc_json_str(data, "integration_id");
    return id ? id : rc_json_str(data, "id");
}

static rc_delivery_verdict_t check_signature(const rc_integration_t *integration, const char *body, size_t body_bytes,
                                             const char *signature)
{
    const char *secret = integration ? integration->kombo.webhook_secret : "";
    bool valid = rc_kombo_signature_valid(*secret ? secret : "in place of a secret", body, body_bytes,
                                          signature ? signature : "");
    if (!integration) return RC_DELIVERY_UNKNOWN_INTEGRATION;
    if (!*secret) return RC_DELIVERY_NO_SECRET;
    if (!signature) return RC_DELIVERY_NO_SIGNATURE;
    return valid ? RC_DELIVERY_IGNORED : RC_DELIVERY_BAD_SIGNATURE;
}

static void judge(const rc_config_t *config, const json_t *json, const char *body, size_t body_bytes,
                  const char *signature, rc_delivery_t *delivery)
{
    const json_t *data = json_object_get(json, "data");
    const char *named = named_integration(data);
    const rc_integration_t *integration = named ? rc_config_find(config, named) : NULL;
    if (named && !rc_check_integration_id(named)) (void)strcpy(delivery->claim, named);
    delivery->verdict = check_signature(integration, body, body_bytes, signature);
    if (delivery->verdict != RC_DELIVERY_IGNORED) return;

    const char *id = rc_json_str(json, "id"), *type = rc_json_str(json, "type");
    if (rc_text_empty(id) || !type) {
        delivery->verdict = RC_DELIVERY_MALFORMED;
        return;
    }
    size_t which = find_type(type);
    delivery->integration = integration;
    delivery->type = TYPES[which].type;
    (void)rc_uuid_webhook(integration->id, id, delivery->command_id);
    if (TYPES[which].polls(data)) delivery->verdict = RC_DELIVERY_POLL;
}

void rc_delivery_judge(const rc_config_t *config, const char *body, size_t body_bytes, const char *signature,
                       rc_delivery_t *delivery)
{
    json_t *json = NULL;
    *delivery = (rc_delivery_t){.verdict = RC_DELIVERY_MALFORMED};
    if (rc_json_parse(body, body_bytes, &json, NULL) == RC_OK && json_is_object(json))
        judge(config, json, body, body_bytes, signature, delivery);
    json_decref(json);
}
