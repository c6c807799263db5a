#include "tests/sandbox/webhook.h"

#include <stdlib.h>
#include <string.h>

#include "common/hmac.h"
#include "common/http.h"

static json_t *changed_models(const json_t *order)
{
    json_t *models = json_array();
    const json_t *names = json_object_get(order, "models"), *name;
    size_t i;
    json_array_foreach(names, i, name)(void) json_array_append_new(models, json_pack("{s:O}", "name", name));
    if (!names) (void)json_array_append_new(models, json_pack("{s:s}", "name", "hris_employees"));
    return models;
}

static json_t *end_user(const sb_integration_t *integration)
{
    return json_pack("{s:s, s:n, s:n}", "organization_name", sb_hr_company(integration->hr)->name, "creator_email",
                     "origin_id");
}

/* The data of that type; NULL: it is none of Kombo's that we send. */
static json_t *payload_data(const sb_sandbox_t *sandbox, const sb_integration_t *integration, const char *type,
                            const json_t *order)
{
    char now[RC_TIME_STR_SIZE];
    const char *state = rc_json_str(order, "state");
    rc_wall_str(sb_now(sandbox), now);
    if (!strcmp(type, "data-changed"))
        return json_pack("{s:s, s:s, s:s, s:o}", "integration_id", integration->id, "integration_tool",
                         integration->tool, "integration_category", "HRIS", "changed_models", changed_models(order));
    if (!strcmp(type, "integration-state-changed"))
        return json_pack("{s:s, s:s, s:s, s:o, s:s, s:s, s:s, s:s}", "integration_tool", integration->tool,
                         "integration_id", integration->id, "integration_category", "HRIS", "end_user",
                         end_user(integration), "qa_status", "PASSED", "setup_status", "COMPLETED", "state",
                         state ? state : "INVALID", "updated_at", now);
    if (!strcmp(type, "integration-deleted"))
        return json_pack("{s:s, s:s, s:s, s:o, s:s}", "id", integration->id, "tool", integration->tool, "category",
                         "HRIS", "end_user", end_user(integration), "deleted_at", now);
    return NULL;
}

static rc_code_t post(const char *url, const char *body, const char *signature, int *status, rc_error_t *error)
{
    const rc_http_header_t headers[] = {{"Content-Type", "application/json"}, {"X-Kombo-Signature", signature}};
    const rc_http_request_t request = {.method = "POST",
                                       .url = url,
                                       .headers = headers,
                                       .header_count = *signature ? 2 : 1,
                                       .body = body,
                                       .body_bytes = strlen(body),
                                       .timeout_ms = 10000};
    const rc_http_options_t options = {0};
    rc_http_answer_t answer;
    rc_http_blocking_t *client = rc_http_blocking_new(&options);
    rc_code_t code = rc_http_perform(client, &request, NULL, NULL, NULL, &answer, error);
    if (!code) *status = answer.status;
    rc_http_blocking_free(client);
    return code;
}

rc_code_t sb_webhook_send(const sb_sandbox_t *sandbox, const sb_integration_t *integration, const json_t *order,
                          int *status, rc_error_t *error)
{
    const char *url = rc_json_str(order, "url"), *type = rc_json_str(order, "type"),
               *secret = rc_json_str(order, "secret"), *signature = rc_json_str(order, "signature");
    char made[RC_HMAC_TEXT_SIZE], id[SB_ID_SIZE];
    if (!url) return rc_error_set(error, RC_USAGE, RC_REJECT, "\"url\" is missing: where to send the webhook");
    json_t *data = payload_data(sandbox, integration, type ? type : "data-changed", order);
    if (!data)
        return rc_error_set(error, RC_USAGE, RC_REJECT,
                            "\"type\" must be data-changed, integration-state-changed or integration-deleted");
    sb_id_format((uint64_t)rc_wall_now().ms, SB_KIND_EVENT, 0, id);
    json_t *payload = json_pack("{s:s, s:s, s:o}", "id", id, "type", type ? type : "data-changed", "data", data);
    char *body = rc_json_text(payload, false);
    rc_kombo_sign(secret ? secret : integration->webhook_secret, body, strlen(body), made);
    rc_code_t code = post(url, body, signature ? signature : made, status, error);
    free(body);
    json_decref(payload);
    return code;
}
