/* The effective configuration as YAML, and the digest of what projections depend on. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/config_settings.h"
#include "common/hash.h"
#include "common/text.h"

static const char MASK[] = "********";

/* What YAML takes for a text as it stands. Digits, true, null and what has a meaning in YAML go into quotes. */
static bool is_plain(const char *text)
{
    static const char *const words[] = {"true", "false", "null", "yes", "no", "on", "off", "y", "n", "~"};
    if (!*text || strchr("-.", *text) || (*text >= '0' && *text <= '9')) return false;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (rc_email_equal(text, words[i])) return false;
    for (const char *c = text; *c; c++)
        if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') || strchr("._-/ ", *c) ||
              (*c == ':' && c[1] != ' ' && c[1])))
            return false;
    return text[strlen(text) - 1] != ' ';
}

/* A text as a YAML scalar that expands to itself. */
static void print_text(const char *text, rc_buf_t *yaml)
{
    if (is_plain(text)) {
        rc_buf_add_str(yaml, text);
        return;
    }
    rc_buf_add_str(yaml, "\"");
    for (const char *c = text; *c; c++) {
        if (strncmp(c, "${", 2) == 0) rc_buf_add_str(yaml, "$");
        if (*c == '"' || *c == '\\')
            rc_buf_add(yaml, (char[]){'\\', *c}, 2);
        else if ((unsigned char)*c < ' ' || *c == 0x7F)
            rc_buf_add_format(yaml, "\\x%02x", (unsigned char)*c);
        else
            rc_buf_add(yaml, c, 1);
    }
    rc_buf_add_str(yaml, "\"");
}

/* The address without user and password. */
static void print_url(const char *text, rc_buf_t *yaml)
{
    const char *scheme = strstr(text, "://"), *at = scheme ? strchr(scheme, '@') : NULL;
    if (!at) {
        print_text(text, yaml);
        return;
    }
    char *masked = rc_sprintf("%.*s%s%s", (int)(scheme + 3 - text), text, MASK, at);
    print_text(masked, yaml);
    free(masked);
}

static void print_groups(const rc_group_type_t *groups, size_t count, rc_buf_t *yaml)
{
    rc_buf_add_str(yaml, "[");
    for (size_t i = 0; i < count; i++)
        rc_buf_add_format(yaml, "%s%s", i ? ", " : "", rc_enum_str(&RC_ENUM_GROUP, (int)groups[i]));
    rc_buf_add_str(yaml, "]");
}

static void print_flags(const rc_setting_t *setting, unsigned flags, rc_buf_t *yaml)
{
    const char *between = "";
    rc_buf_add_str(yaml, "[");
    for (int i = 0; setting->symbols[i]; i++) {
        if (!(flags & 1u << i)) continue;
        rc_buf_add_format(yaml, "%s%s", between, setting->symbols[i]);
        between = ", ";
    }
    rc_buf_add_str(yaml, "]");
}

static void print_durations(const int64_t *durations, size_t count, rc_buf_t *yaml)
{
    char text[RC_TIME_STR_SIZE];
    rc_buf_add_str(yaml, "[");
    for (size_t i = 0; i < count; i++)
        rc_buf_add_format(yaml, "%s%s", i ? ", " : "", rc_duration_str(durations[i], text));
    rc_buf_add_str(yaml, "]");
}

static void print_strings(const rc_strings_t *strings, rc_buf_t *yaml)
{
    rc_buf_add_str(yaml, "[");
    for (size_t i = 0; i < strings->count; i++) {
        if (i) rc_buf_add_str(yaml, ", ");
        print_text(strings->items[i], yaml);
    }
    rc_buf_add_str(yaml, "]");
}

static void print_size(size_t bytes, rc_buf_t *yaml)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB"};
    size_t unit = 0;
    while (unit < 3 && bytes && bytes % 1024 == 0) bytes /= 1024, unit++;
    rc_buf_add_format(yaml, "%zu%s", bytes, units[unit]);
}

static void print_listen(const rc_listen_t *listen, rc_buf_t *yaml)
{
    char text[RC_LISTEN_STR_SIZE];
    print_text(rc_listen_str(listen, text), yaml);
}

static void print_string(const rc_setting_t *setting, const char *text, bool bare, rc_buf_t *yaml)
{
    if (bare || rc_text_empty(text))
        print_text(text ? text : "", yaml);
    else if (setting->flags & RC_SETTING_SECRET)
        print_text(MASK, yaml);
    else
        print_url(text, yaml);
}

void rc_setting_print(const rc_setting_t *setting, const void *base, bool bare, rc_buf_t *yaml)
{
    const void *at = (const char *)base + setting->offset;
    const size_t *count = (const size_t *)(const void *)((const char *)base + setting->count_offset);
    const rc_policy_t *policy;
    char text[RC_TIME_STR_SIZE];
    unsigned symbol;
    switch (setting->kind) {
    case RC_SETTING_BOOL:
        rc_buf_add_str(yaml, *(const bool *)at ? "true" : "false");
        break;
    case RC_SETTING_INT:
        rc_buf_add_format(yaml, "%d", *(const int *)at);
        break;
    case RC_SETTING_NUMBER:
        rc_buf_add_format(yaml, "%.9g", *(const double *)at);
        break;
    case RC_SETTING_DURATION:
        rc_buf_add_str(yaml, rc_duration_str(*(const int64_t *)at, text));
        break;
    case RC_SETTING_SIZE:
        print_size(*(const size_t *)at, yaml);
        break;
    case RC_SETTING_ENUM:
        memcpy(&symbol, at, sizeof symbol);
        rc_buf_add_str(yaml, setting->symbols[symbol]);
        break;
    case RC_SETTING_LISTEN:
        print_listen(at, yaml);
        break;
    case RC_SETTING_LEAD:
        policy = &((const rc_integration_t *)base)->policy;
        if (policy->create.immediately)
            rc_buf_add_str(yaml, "immediately");
        else
            rc_buf_add_format(yaml, "%dd", policy->create.lead_days);
        break;
    case RC_SETTING_FLAGS:
        print_flags(setting, *(const unsigned *)at, yaml);
        break;
    case RC_SETTING_GROUP_LIST:
        print_groups(at, *count, yaml);
        break;
    case RC_SETTING_DURATIONS:
        print_durations(*(int64_t *const *)at, *count, yaml);
        break;
    case RC_SETTING_STRINGS:
        print_strings(at, yaml);
        break;
    default:
        print_string(setting, *(const char *const *)at, bare, yaml);
    }
}

/* --- the whole ----------------------------------------------------------------------------------------------- */

static const char *last_part(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot ? dot + 1 : path;
}

static size_t depth_of(const char *path)
{
    size_t depth = 0;
    for (; *path; path++) depth += *path == '.';
    return depth;
}

static void indent(size_t depth, rc_buf_t *yaml)
{
    while (depth--) rc_buf_add_str(yaml, "  ");
}

static void print_line_end(bool is_default, rc_buf_t *yaml)
{
    rc_buf_add_str(yaml, is_default ? "  # default\n" : "\n");
}

static void print_properties(const rc_config_t *config, rc_buf_t *yaml)
{
    for (size_t i = 0; i < config->kafka.properties_count; i++) {
        const rc_config_property_t *property = &config->kafka.properties[i];
        rc_buf_add_format(yaml, "  %s: ", property->name);
        print_text(rc_property_is_secret(property->name) ? MASK : property->value, yaml);
        rc_buf_add_str(yaml, "\n");
    }
}

static void print_mapping(const rc_integration_t *integration, rc_buf_t *yaml)
{
    rc_buf_add_str(yaml, "    mapping:\n");
    for (size_t i = 0; i < integration->mapping_count; i++) {
        const rc_mapping_t *mapping = &integration->mapping[i];
        const char *name = rc_enum_str(&RC_ENUM_TARGET, (int)mapping->target);
        char *key = mapping->custom_name ? rc_sprintf("%s:%s", name, mapping->custom_name) : rc_strdup(name);
        rc_buf_add_str(yaml, "      ");
        print_text(key, yaml);
        rc_buf_add_str(yaml, ": ");
        print_text(mapping->source, yaml);
        print_line_end(mapping->line == 0, yaml);
        free(key);
    }
}

static void print_integration(const rc_config_t *config, size_t index, rc_buf_t *yaml)
{
    const rc_integration_t *integration = &config->integrations[index];
    bool first = true;
    for (size_t i = 0; i < RC_SETTINGS_COUNT; i++) {
        const rc_setting_t *setting = &RC_SETTINGS[i];
        if (!rc_setting_is_integration(setting)) continue;
        if (setting->kind == RC_SETTING_MAPPING) {
            print_mapping(integration, yaml);
            continue;
        }
        size_t depth = depth_of(setting->path) + 1;
        indent(first ? depth - 1 : depth, yaml);
        rc_buf_add_format(yaml, "%s%s:", first ? "- " : "", last_part(setting->path));
        first = false;
        if (setting->kind == RC_SETTING_BLOCK) {
            rc_buf_add_str(yaml, "\n");
            continue;
        }
        rc_buf_add_str(yaml, " ");
        rc_setting_print(setting, integration, false, yaml);
        print_line_end(!config->store->integration_lines[index][i], yaml);
    }
}

void rc_config_print(const rc_config_t *config, rc_buf_t *yaml)
{
    rc_buf_add_str(yaml, "# From ");
    print_text(config->path, yaml);
    rc_buf_add_str(yaml, "\n");
    for (size_t i = 0; i < RC_SETTINGS_COUNT; i++) {
        const rc_setting_t *setting = &RC_SETTINGS[i];
        if (rc_setting_is_integration(setting)) continue;
        indent(depth_of(setting->path), yaml);
        rc_buf_add_format(yaml, "%s:", last_part(setting->path));
        if (setting->kind == RC_SETTING_BLOCK || setting->kind == RC_SETTING_ITEMS) {
            rc_buf_add_str(yaml, "\n");
            if (setting->flags & RC_SETTING_OPEN) print_properties(config, yaml);
            continue;
        }
        rc_buf_add_str(yaml, " ");
        rc_setting_print(setting, config, false, yaml);
        print_line_end(!config->store->lines[i], yaml);
    }
    for (size_t i = 0; i < config->integrations_count; i++) print_integration(config, i, yaml);
}

/* --- the digest ---------------------------------------------------------------------------------------------- */

static bool shapes_projections(const rc_setting_t *setting)
{
    static const char policy[] = RC_INTEGRATION_PREFIX "policy.", brakes[] = RC_INTEGRATION_PREFIX "policy.brakes.";
    if (setting->kind == RC_SETTING_BLOCK) return false;
    return setting->kind == RC_SETTING_ZONE || (strncmp(setting->path, policy, sizeof policy - 1) == 0 &&
                                                strncmp(setting->path, brakes, sizeof brakes - 1) != 0);
}

char *rc_integration_digest(const rc_integration_t *integration, char text[RC_DIGEST_SIZE])
{
    rc_buf_t canonical = RC_BUF_INIT(SIZE_MAX / 4);
    for (size_t i = 0; i < RC_SETTINGS_COUNT; i++) {
        if (!shapes_projections(&RC_SETTINGS[i])) continue;
        rc_buf_add_format(&canonical, "%s=", RC_SETTINGS[i].path);
        rc_setting_print(&RC_SETTINGS[i], integration, true, &canonical);
        rc_buf_add_str(&canonical, "\n");
    }
    for (size_t i = 0; i < integration->mapping_count; i++) {
        const rc_mapping_t *mapping = &integration->mapping[i];
        rc_buf_add_format(&canonical, "%s:", rc_enum_str(&RC_ENUM_TARGET, (int)mapping->target));
        print_text(mapping->custom_name ? mapping->custom_name : "", &canonical);
        rc_buf_add_str(&canonical, "=");
        print_text(mapping->source, &canonical);
        rc_buf_add_str(&canonical, "\n");
    }
    uint64_t hash = rc_hash64(canonical.data, canonical.size_bytes);
    (void)snprintf(text, RC_DIGEST_SIZE, "%016llx", (unsigned long long)hash);
    rc_buf_fini(&canonical);
    return text;
}
