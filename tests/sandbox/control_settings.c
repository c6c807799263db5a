#include "tests/sandbox/control_settings.h"

#include <stdio.h>
#include <string.h>

#define REFUSE(error, ...) rc_error_set((error), RC_USAGE, RC_REJECT, __VA_ARGS__)

rc_code_t sb_settings_parse_integration(const json_t *from, sb_integration_options_t *options, rc_error_t *error)
{
    const char *epoch = rc_json_str(from, "epoch");
    long long people = rc_json_int(from, "people", 50);
    if (people < 0 || people > SB_MAX_PEOPLE)
        return REFUSE(error, "\"people\" must be 0 to %d, not %lld", SB_MAX_PEOPLE, people);
    *options = (sb_integration_options_t){
        .id = rc_json_str(from, "id"),
        .tool = rc_json_str(from, "tool"),
        .name = rc_json_str(from, "name"),
        .seed = (uint64_t)rc_json_int(from, "seed", 1),
        .people = (uint32_t)people,
        .epoch = RC_DATE_NONE,
        .quirks = rc_json_bool(from, "quirks", false),
        .integration_values = rc_json_bool(from, "integration_values", false),
        .request_limit = SB_REQUESTS_KEPT,
    };
    return epoch ? rc_date_parse(epoch, strlen(epoch), &options->epoch, error) : RC_OK;
}

/* ---- one setter for each setting ---- */

typedef rc_code_t setter_t(sb_integration_t *integration, const json_t *value, rc_error_t *error);

static rc_code_t set_word(char *word, size_t size, const json_t *value, const char *const *known, rc_error_t *error)
{
    const char *text = json_string_value(value);
    for (size_t i = 0; text && known[i]; i++) {
        if (strcmp(known[i], text) != 0) continue;
        (void)snprintf(word, size, "%s", text);
        return RC_OK;
    }
    return REFUSE(error, "it must be %s, %s or %s", known[0], known[1], known[2]);
}

static rc_code_t number_of(const json_t *value, int64_t *number, rc_error_t *error)
{
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return REFUSE(error, "it must be a number, 0 or more");
    *number = json_integer_value(value);
    return RC_OK;
}

static rc_code_t set_status(sb_integration_t *integration, const json_t *value, rc_error_t *error)
{
    static const char *const known[] = {"ACTIVE", "INVALID", "INACTIVE", NULL};
    return set_word(integration->kombo.status, sizeof integration->kombo.status, value, known, error);
}

static rc_code_t set_setup_status(sb_integration_t *integration, const json_t *value, rc_error_t *error)
{
    static const char *const known[] = {"COMPLETED", "INCOMPLETE", "FINAL_SYNC_PENDING", NULL};
    return set_word(integration->kombo.setup_status, sizeof integration->kombo.setup_status, value, known, error);
}

static rc_code_t set_latency(sb_integration_t *integration, sb_side_t side, const json_t *value, rc_error_t *error)
{
    int64_t latency_ms = 0;
    if (number_of(value, &latency_ms, error)) return error->code;
    atomic_store(&integration->latency_ms[side], latency_ms);
    return RC_OK;
}

static rc_code_t set_kombo_latency(sb_integration_t *integration, const json_t *value, rc_error_t *error)
{
    return set_latency(integration, SB_SIDE_KOMBO, value, error);
}

static rc_code_t set_cursor_ttl(sb_integration_t *integration, const json_t *value, rc_error_t *error)
{
    return number_of(value, &integration->kombo.cursor_ttl_ms, error);
}

static rc_code_t set_expire_cursors(sb_integration_t *integration, const json_t *value, rc_error_t *error)
{
    (void)error;
    integration->kombo.cursor_generation += json_is_true(value);
    return RC_OK;
}

static rc_code_t set_anonymise_after(sb_integration_t *integration, const json_t *value, rc_error_t *error)
{
    int64_t after_ms = 0;
    if (number_of(value, &after_ms, error)) return error->code;
    sb_hr_set_anonymise_after(integration->hr, after_ms);
    return RC_OK;
}

static rc_code_t set_unsupported(sb_integration_t *integration, const json_t *value, rc_error_t *error)
{
    char *list = integration->kombo.unsupported;
    size_t size = sizeof integration->kombo.unsupported, used = 0, i;
    const json_t *name;
    if (!json_is_array(value)) return REFUSE(error, "it must be a list of filters");
    *list = '\0';
    json_array_foreach(value, i, name) if (json_is_string(name) && used < size) used +=
        (size_t)snprintf(list + used, size - used, "%s%s", i ? "," : "", json_string_value(name));
    return RC_OK;
}

static rc_code_t set_learnamp_latency(sb_integration_t *integration, const json_t *value, rc_error_t *error)
{
    return set_latency(integration, SB_SIDE_LEARNAMP, value, error);
}

static rc_code_t set_rate_limit(sb_integration_t *integration, const json_t *value, rc_error_t *error)
{
    int64_t limit = 0;
    if (number_of(value, &limit, error)) return error->code;
    integration->rate_limit_per_s = (long)limit;
    return RC_OK;
}

static rc_code_t set_token_ttl(sb_integration_t *integration, const json_t *value, rc_error_t *error)
{
    int64_t ttl_s = 0;
    if (number_of(value, &ttl_s, error)) return error->code;
    sb_tokens_set_ttl(integration->tokens, ttl_s);
    return RC_OK;
}

static rc_code_t set_allowed_scopes(sb_integration_t *integration, const json_t *value, rc_error_t *error)
{
    if (!json_is_string(value)) return REFUSE(error, "it must be a text, scopes separated by spaces");
    return sb_tokens_set_allowed(integration->tokens, json_string_value(value), error);
}

static rc_code_t set_custom_fields(sb_integration_t *integration, const json_t *value, rc_error_t *error)
{
    size_t i;
    const json_t *name;
    json_array_foreach(value, i, name) if (!json_is_string(name)) return REFUSE(error, "it must be a list of texts");
    if (!json_is_array(value)) return REFUSE(error, "it must be a list of texts");
    sb_store_set_custom_fields(integration->store, value);
    return RC_OK;
}

static rc_code_t set_keep(sb_integration_t *integration, const json_t *value, rc_error_t *error)
{
    int64_t keep = 0;
    if (number_of(json_object_get(value, "keep"), &keep, error)) return error->code;
    for (int side = 0; side < SB_SIDE_COUNT; side++)
        sb_requests_configure(integration->requests[side], (size_t)keep, rc_json_bool(value, "bodies", false));
    return RC_OK;
}

static const struct {
    const char *section, *name; /* name NULL: the section itself is the value */
    setter_t *set;
} SETTINGS[] = {
    {"kombo", "status", set_status},
    {"kombo", "setup_status", set_setup_status},
    {"kombo", "latency_ms", set_kombo_latency},
    {"kombo", "cursor_ttl_ms", set_cursor_ttl},
    {"kombo", "expire_cursors", set_expire_cursors},
    {"kombo", "anonymise_after_ms", set_anonymise_after},
    {"kombo", "unsupported_filters", set_unsupported},
    {"learnamp", "latency_ms", set_learnamp_latency},
    {"learnamp", "rate_limit_per_s", set_rate_limit},
    {"learnamp", "token_ttl_s", set_token_ttl},
    {"learnamp", "allowed_scopes", set_allowed_scopes},
    {"learnamp", "custom_fields", set_custom_fields},
    {"requests", NULL, set_keep},
};
enum { SETTING_COUNT = sizeof SETTINGS / sizeof *SETTINGS };

static rc_code_t apply_one(sb_integration_t *integration, const char *section, const char *name, const json_t *value,
                           rc_error_t *error)
{
    for (int i = 0; i < SETTING_COUNT; i++) {
        if (strcmp(SETTINGS[i].section, section) != 0) continue;
        if (SETTINGS[i].name && (!name || strcmp(SETTINGS[i].name, name) != 0)) continue;
        if (SETTINGS[i].set(integration, value, error))
            return rc_error_prefix(error, "%s%s%s", section, name ? "." : "", name ? name : "");
        return RC_OK;
    }
    return REFUSE(error, "there is no setting %s.%s; see tests/sandbox/README.md", section, name);
}

static rc_code_t apply_section(sb_integration_t *integration, const char *section, const json_t *values,
                               rc_error_t *error)
{
    const char *name;
    json_t *value;
    if (!values) return RC_OK;
    if (!json_is_object(values)) return REFUSE(error, "\"%s\" must be an object", section);
    if (!strcmp(section, "requests")) return apply_one(integration, section, NULL, values, error);
    json_object_foreach((json_t *)(uintptr_t)values, name,
                        value) if (apply_one(integration, section, name, value, error)) return error->code;
    return RC_OK;
}

rc_code_t sb_settings_apply(sb_integration_t *integration, const json_t *from, rc_error_t *error)
{
    static const char *const sections[] = {"kombo", "learnamp", "requests"};
    rc_code_t code = RC_OK;
    (void)pthread_mutex_lock(&integration->hr_lock);
    (void)pthread_mutex_lock(&integration->learnamp_lock);
    for (size_t i = 0; i < 3 && !code; i++)
        code = apply_section(integration, sections[i], json_object_get(from, sections[i]), error);
    (void)pthread_mutex_unlock(&integration->learnamp_lock);
    (void)pthread_mutex_unlock(&integration->hr_lock);
    return code;
}

json_t *sb_settings_json(sb_integration_t *integration)
{
    const sb_kombo_state_t *kombo = &integration->kombo;
    return json_pack(
        "{s:{s:s, s:s, s:I, s:I, s:s}, s:{s:I, s:I, s:I, s:O}}", "kombo", "status", kombo->status, "setup_status",
        kombo->setup_status, "latency_ms", (json_int_t)atomic_load(&integration->latency_ms[SB_SIDE_KOMBO]),
        "cursor_ttl_ms", (json_int_t)kombo->cursor_ttl_ms, "unsupported_filters", kombo->unsupported, "learnamp",
        "latency_ms", (json_int_t)atomic_load(&integration->latency_ms[SB_SIDE_LEARNAMP]), "rate_limit_per_s",
        (json_int_t)integration->rate_limit_per_s, "token_ttl_s", (json_int_t)sb_tokens_ttl(integration->tokens),
        "custom_fields", sb_store_custom_fields(integration->store));
}
