#include "tests/sandbox/sandbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/mem.h"
#include "tests/sandbox/random.h"

/* The first part of an id's seed for each secret, so that none can be told from another. */
enum { SECRET_API_KEY = 1, SECRET_WEBHOOK, SECRET_CLIENT_ID, SECRET_CLIENT };

static void make_key(char key[SB_KEY_SIZE], const char *prefix, uint64_t seed, unsigned which)
{
    sb_random_t random = sb_random_of(seed, (uint64_t)which << 40);
    uint64_t first = sb_random_next(&random), second = sb_random_next(&random);
    (void)snprintf(key, SB_KEY_SIZE, "%s%016llx%08llx", prefix, (unsigned long long)first,
                   (unsigned long long)(second >> 32));
}

void sb_sandbox_init(sb_sandbox_t *sandbox, const char *kombo_base, uint64_t seed)
{
    *sandbox = (sb_sandbox_t){.faults = sb_faults_new()};
    (void)snprintf(sandbox->kombo_base, sizeof sandbox->kombo_base, "%s", kombo_base);
    make_key(sandbox->api_key, "kombo-", seed, SECRET_API_KEY);
    (void)pthread_mutex_init(&sandbox->lock, NULL);
}

static void integration_free(sb_integration_t *integration)
{
    for (int side = 0; side < SB_SIDE_COUNT; side++) sb_requests_free(integration->requests[side]);
    sb_hr_free(integration->hr);
    sb_store_free(integration->store);
    sb_tokens_free(integration->tokens);
    (void)pthread_mutex_destroy(&integration->hr_lock);
    (void)pthread_mutex_destroy(&integration->learnamp_lock);
    free(integration);
}

void sb_sandbox_fini(sb_sandbox_t *sandbox)
{
    for (size_t i = 0; i < sandbox->integration_count; i++) integration_free(sandbox->integrations[i]);
    free(sandbox->integrations);
    sb_faults_free(sandbox->faults);
    json_decref(sandbox->kafka);
    (void)pthread_mutex_destroy(&sandbox->lock);
}

rc_wall_t sb_now(const sb_sandbox_t *sandbox)
{
    return (rc_wall_t){rc_wall_now().ms + atomic_load(&sandbox->clock_offset_ms)};
}

char *sb_http_date(rc_wall_t wall, char text[SB_HTTP_DATE_SIZE])
{
    time_t seconds = (time_t)(wall.ms / 1000);
    struct tm parts;
    (void)gmtime_r(&seconds, &parts);
    (void)strftime(text, SB_HTTP_DATE_SIZE, "%a, %d %b %Y %H:%M:%S GMT", &parts);
    return text;
}

static rc_code_t check_id(const char *id, rc_error_t *error)
{
    const char *colon = strchr(id, ':');
    if (strlen(id) >= SB_NAME_SIZE || !colon || colon == id || !colon[1] || strpbrk(id, "/?#% "))
        return rc_error_set(error, RC_USAGE, RC_REJECT,
                            "\"%s\" is no integration id; it is tool:random, such as personio:CBNMt7dSNCzBdnRTx87dev4E",
                            id);
    return RC_OK;
}

static sb_integration_t *find_locked(sb_sandbox_t *sandbox, const char *id)
{
    for (size_t i = 0; i < sandbox->integration_count; i++) {
        sb_integration_t *integration = sandbox->integrations[i];
        if (!strcmp(integration->id, id) || !strcmp(integration->slug, id)) return integration;
    }
    return NULL;
}

sb_integration_t *sb_integration_find(sb_sandbox_t *sandbox, const char *id)
{
    (void)pthread_mutex_lock(&sandbox->lock);
    sb_integration_t *integration = find_locked(sandbox, id);
    (void)pthread_mutex_unlock(&sandbox->lock);
    return integration;
}

static sb_integration_t *integration_new(const sb_sandbox_t *sandbox, const sb_integration_options_t *options,
                                         const char *id)
{
    sb_integration_t *integration = rc_zalloc(sizeof *integration);
    rc_date_t epoch = options->epoch;
    sb_company_t company;
    if (!rc_date_is_set(epoch)) epoch.days = (int32_t)(sb_now(sandbox).ms / 86400000);
    (void)snprintf(integration->id, sizeof integration->id, "%s", id);
    integration->slug = strchr(integration->id, ':') + 1;
    (void)snprintf(integration->tool, sizeof integration->tool, "%.*s", (int)strcspn(id, ":"), id);
    make_key(integration->webhook_secret, "whsec-", options->seed, SECRET_WEBHOOK);
    make_key(integration->client_id, "client-", options->seed, SECRET_CLIENT_ID);
    make_key(integration->client_secret, "secret-", options->seed, SECRET_CLIENT);
    (void)pthread_mutex_init(&integration->hr_lock, NULL);
    (void)pthread_mutex_init(&integration->learnamp_lock, NULL);
    sb_company_init(&company, options->seed, options->people, epoch);
    company.quirks = options->quirks;
    company.integration_values = options->integration_values;
    if (options->name) (void)snprintf(company.name, sizeof company.name, "%s", options->name);
    integration->hr = sb_hr_new(&company);
    integration->kombo = (sb_kombo_state_t){.status = "ACTIVE", .setup_status = "COMPLETED"};
    integration->store = sb_store_new();
    integration->tokens = sb_tokens_new();
    for (int side = 0; side < SB_SIDE_COUNT; side++)
        integration->requests[side] = sb_requests_new(options->request_limit, options->bodies);
    return integration;
}

sb_integration_t *sb_integration_add(sb_sandbox_t *sandbox, const sb_integration_options_t *options, rc_error_t *error)
{
    char made[SB_NAME_SIZE], code[SB_ID_SIZE];
    const char *id = options->id;
    if (!id) {
        (void)snprintf(made, sizeof made, "%s:%s", options->tool ? options->tool : "personio",
                       sb_id_format(options->seed, SB_KIND_INTEGRATION, 0, code));
        id = made;
    }
    if (check_id(id, error)) return NULL;
    if (options->people > SB_MAX_PEOPLE) {
        (void)rc_error_set(error, RC_USAGE, RC_REJECT, "%u people are too many; at most %d", options->people,
                           SB_MAX_PEOPLE);
        return NULL;
    }
    sb_integration_t *integration = integration_new(sandbox, options, id);
    (void)pthread_mutex_lock(&sandbox->lock);
    bool taken = find_locked(sandbox, integration->id) || find_locked(sandbox, integration->slug);
    if (!taken) {
        size_t count = ++sandbox->integration_count;
        sandbox->integrations = rc_realloc(sandbox->integrations, count * sizeof(sb_integration_t *));
        sandbox->integrations[count - 1] = integration;
    }
    (void)pthread_mutex_unlock(&sandbox->lock);
    if (!taken) return integration;
    (void)rc_error_set(error, RC_CONFLICT, RC_REJECT,
                       "there is an integration %s already; give another id or another seed", id);
    integration_free(integration);
    return NULL;
}

json_t *sb_integration_describe(const sb_sandbox_t *sandbox, const sb_integration_t *integration)
{
    const char *address = rc_httpd_address(sandbox->httpd);
    return json_pack("{s:s, s:s, s:I, s:{s:o, s:s, s:s}, s:{s:o, s:s, s:s, s:s}, s:o}", "id", integration->id, "name",
                     sb_hr_company(integration->hr)->name, "people", (json_int_t)sb_hr_count(integration->hr), "kombo",
                     "base_url", json_sprintf("http://%s%s", address, sandbox->kombo_base), "api_key", sandbox->api_key,
                     "webhook_secret", integration->webhook_secret, "learnamp", "base_url",
                     json_sprintf("http://%s/learnamp/%s", address, integration->slug), "client_id",
                     integration->client_id, "client_secret", integration->client_secret, "scope", SB_ALL_SCOPES,
                     "control_url", json_sprintf("http://%s/control/integrations/%s", address, integration->slug));
}

json_t *sb_sandbox_describe(sb_sandbox_t *sandbox)
{
    const char *address = rc_httpd_address(sandbox->httpd);
    json_t *list = json_array();
    (void)pthread_mutex_lock(&sandbox->lock);
    for (size_t i = 0; i < sandbox->integration_count; i++) {
        (void)pthread_mutex_lock(&sandbox->integrations[i]->hr_lock);
        (void)json_array_append_new(list, sb_integration_describe(sandbox, sandbox->integrations[i]));
        (void)pthread_mutex_unlock(&sandbox->integrations[i]->hr_lock);
    }
    (void)pthread_mutex_unlock(&sandbox->lock);
    json_t *all = json_pack("{s:o, s:{s:o, s:s}, s:o}", "control_url", json_sprintf("http://%s/control", address),
                            "kombo", "base_url", json_sprintf("http://%s%s", address, sandbox->kombo_base), "api_key",
                            sandbox->api_key, "integrations", list);
    if (sandbox->kafka) (void)json_object_set(all, "kafka", sandbox->kafka);
    return all;
}
