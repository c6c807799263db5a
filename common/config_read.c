/* Reads the tree of a file by the table of settings. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/config_settings.h"
#include "common/kafka_property.h"
#include "common/suggest.h"
#include "common/text.h"

enum { KEY_MAX = 400, PROPERTIES_MAX = 500 };

typedef struct {
    rc_config_t *config;
    rc_arena_t *arena;
    rc_problems_t *problems;
} loader_t;

/* A block on its way down: where it is in the table and in the messages, and what it fills. */
typedef struct {
    const char *path; /* "kafka.", "integrations[].policy."; "" at the top */
    const char *key;  /* the same with the list's index */
    int line;
    void *base;
    int *lines; /* of RC_SETTINGS, 0: not read */
} block_t;

static void read_block(loader_t *loader, const block_t *block, const rc_yaml_t *node);

static rc_place_t place_of(loader_t *loader, const char *key, int line)
{
    return (rc_place_t){key, line, loader->arena, loader->problems, &loader->config->store->zones};
}

/* The part of `setting`'s path right below the block, or NULL when it is deeper or elsewhere. */
static const char *key_below(const block_t *block, const rc_setting_t *setting)
{
    size_t length = strlen(block->path);
    const char *rest = setting->path + length;
    return strncmp(setting->path, block->path, length) == 0 && *rest && !strchr(rest, '.') ? rest : NULL;
}

static const rc_setting_t *find_below(const block_t *block, const char *key)
{
    for (size_t i = 0; i < RC_SETTINGS_COUNT; i++) {
        const char *known = key_below(block, &RC_SETTINGS[i]);
        if (known && strcmp(known, key) == 0) return &RC_SETTINGS[i];
    }
    return NULL;
}

static void complain_unknown(loader_t *loader, const block_t *block, const char *key, const char *full, int line)
{
    rc_suggest_t suggest = RC_SUGGEST_INIT(key);
    for (size_t i = 0; i < RC_SETTINGS_COUNT; i++) {
        const char *known = key_below(block, &RC_SETTINGS[i]);
        if (known) rc_suggest_offer(&suggest, known);
    }
    if (suggest.best) {
        rc_problems_add(loader->problems, line, full, "unknown key; did you mean %s?", suggest.best);
        return;
    }
    /* A key that is right, in a wrong place. */
    for (size_t i = 0; i < RC_SETTINGS_COUNT; i++) {
        const char *dot = strrchr(RC_SETTINGS[i].path, '.');
        if (strcmp(dot ? dot + 1 : RC_SETTINGS[i].path, key) != 0) continue;
        rc_problems_add(loader->problems, line, full, "unknown key here; %s exists: move it there, or take it away",
                        RC_SETTINGS[i].path);
        return;
    }
    rc_problems_add(loader->problems, line, full, "unknown key; take it away (docs/configuration.md lists all)");
}

/* --- kafka's properties -------------------------------------------------------------------------------------- */

static void read_property(loader_t *loader, const block_t *block, const rc_yaml_pair_t *pair, const char *full)
{
    rc_config_t *config = loader->config;
    const char *name = pair->key->text, *refused = rc_property_refused(name);
    rc_place_t place = place_of(loader, full, pair->key->line);
    if (refused) {
        rc_problems_add(loader->problems, place.line, full, "the program sets this property itself: %s; take it away",
                        refused);
        return;
    }
    if (!rc_property_is_plausible(name)) {
        complain_unknown(loader, block, name, full, place.line);
        return;
    }
    if (pair->value->kind != RC_YAML_SCALAR) {
        rc_problems_add(loader->problems, place.line, full, "%s where one value is expected; write %s: VALUE",
                        rc_yaml_kind_str(pair->value->kind), name);
        return;
    }
    for (size_t i = 0; i < config->kafka.properties_count; i++)
        if (strcmp(config->kafka.properties[i].name, name) == 0) {
            rc_problems_add(loader->problems, place.line, full, "given already in line %d; keep one of the two",
                            config->kafka.properties[i].line);
            return;
        }
    const char *value = rc_config_expand(&place, pair->value->text);
    if (!value || config->kafka.properties_count == PROPERTIES_MAX) return;
    char why[320];
    bool is_bootstrap = strcmp(name, "bootstrap.servers") == 0; /* which has a check of its own */
    if (!is_bootstrap && !rc_kafka_property_check(name, value, why, sizeof why)) {
        rc_problems_add(loader->problems, place.line, full, "%s", why);
        return;
    }
    if (!config->kafka.properties)
        config->kafka.properties = rc_arena_alloc(loader->arena, PROPERTIES_MAX * sizeof(rc_config_property_t));
    config->kafka.properties[config->kafka.properties_count++] =
        (rc_config_property_t){rc_arena_strdup(loader->arena, name), rc_arena_strdup(loader->arena, value), place.line};
}

static void check_bootstrap(loader_t *loader, int line)
{
    const char *servers = rc_config_property(loader->config, "bootstrap.servers");
    if (rc_text_empty(servers))
        rc_problems_add(loader->problems, line, "kafka.bootstrap.servers",
                        "missing; write the brokers as HOST:PORT, several separated by commas");
}

/* --- blocks -------------------------------------------------------------------------------------------------- */

static void read_setting(loader_t *loader, const block_t *block, const rc_setting_t *setting,
                         const rc_yaml_pair_t *pair, const char *full);

static void read_pair(loader_t *loader, const block_t *block, const rc_yaml_pair_t *pair, bool open)
{
    char full[KEY_MAX];
    if (pair->key->kind != RC_YAML_SCALAR) {
        rc_problems_add(loader->problems, pair->key->line, *block->key ? block->key : "YAML",
                        "%s as a key; write a word, a colon and a value", rc_yaml_kind_str(pair->key->kind));
        return;
    }
    (void)snprintf(full, sizeof full, "%s%s%.128s", block->key, *block->key ? "." : "", pair->key->text);
    const rc_setting_t *setting = find_below(block, pair->key->text);
    if (setting)
        read_setting(loader, block, setting, pair, full);
    else if (open)
        read_property(loader, block, pair, full);
    else
        complain_unknown(loader, block, pair->key->text, full, pair->key->line);
}

/* What nobody wrote: defaults, and complaints about what has none. */
static void complete_block(loader_t *loader, const block_t *block)
{
    static const rc_yaml_t nothing = {.kind = RC_YAML_NULL};
    char full[KEY_MAX], path[KEY_MAX];
    for (size_t i = 0; i < RC_SETTINGS_COUNT; i++) {
        const rc_setting_t *setting = &RC_SETTINGS[i];
        const char *key = key_below(block, setting);
        if (!key || block->lines[i]) continue;
        (void)snprintf(full, sizeof full, "%s%s%s", block->key, *block->key ? "." : "", key);
        rc_place_t place = place_of(loader, full, block->line);
        if (setting->kind == RC_SETTING_BLOCK) {
            (void)snprintf(path, sizeof path, "%s.", setting->path);
            block_t below = {path, full, block->line, block->base, block->lines};
            read_block(loader, &below, &nothing);
        } else if (setting->kind == RC_SETTING_MAPPING) {
            (void)rc_mapping_read(&place, NULL, block->base);
        } else if (setting->initial) {
            RC_INVARIANT(rc_setting_set_default(setting, &place, block->base));
        } else if (setting->example) {
            rc_problems_add(loader->problems, block->line, full, "missing; write it, like %s", setting->example);
        } else {
            rc_problems_add(loader->problems, block->line, full, "missing; write at least one entry");
        }
    }
}

static void read_block(loader_t *loader, const block_t *block, const rc_yaml_t *node)
{
    const rc_setting_t *self = NULL;
    for (size_t i = 0; i < RC_SETTINGS_COUNT && !self; i++) {
        size_t length = strlen(RC_SETTINGS[i].path);
        if (strncmp(block->path, RC_SETTINGS[i].path, length) == 0 && strcmp(block->path + length, ".") == 0)
            self = &RC_SETTINGS[i];
    }
    bool open = self && (self->flags & RC_SETTING_OPEN);
    if (node->kind != RC_YAML_MAP && node->kind != RC_YAML_NULL) {
        rc_problems_add(loader->problems, block->line, *block->key ? block->key : "YAML",
                        "%s where a block of keys is expected; write KEY: VALUE, one a line, further in",
                        rc_yaml_kind_str(node->kind));
        return;
    }
    if (node->count > PROPERTIES_MAX) {
        rc_problems_add(loader->problems, block->line, *block->key ? block->key : "YAML",
                        "%zu keys; no block has more than %d", node->count, PROPERTIES_MAX);
        return;
    }
    for (size_t i = 0; i < node->count; i++) read_pair(loader, block, &node->pairs[i], open);
    complete_block(loader, block);
    if (open) check_bootstrap(loader, block->line);
}

/* --- integrations -------------------------------------------------------------------------------------------- */

static void check_id(loader_t *loader, const rc_integration_t *integration, size_t index, const char *key, int line)
{
    char full[KEY_MAX];
    for (size_t i = 0; i < index && integration->id; i++) {
        const rc_integration_t *other = &loader->config->integrations[i];
        if (!rc_text_equal(other->id, integration->id)) continue;
        (void)snprintf(full, sizeof full, "%s.id", key);
        rc_problems_add(loader->problems, line, full,
                        "%s is the id of the integration in line %d too; every integration has its own",
                        integration->id, other->line);
        return;
    }
}

static void read_integrations(loader_t *loader, const rc_setting_t *setting, const rc_yaml_pair_t *pair)
{
    const rc_yaml_t *node = pair->value;
    rc_config_t *config = loader->config;
    if (node->kind != RC_YAML_LIST || (int64_t)node->count < setting->min || (int64_t)node->count > setting->max) {
        rc_problems_add(loader->problems, pair->key->line, setting->path,
                        "%s where a list of 1 to %lld integrations is expected; begin each with \"- id: …\"",
                        node->kind == RC_YAML_LIST && !node->count ? "an empty list" : rc_yaml_kind_str(node->kind),
                        (long long)setting->max);
        return;
    }
    config->integrations = rc_arena_alloc(loader->arena, node->count * sizeof *config->integrations);
    config->store->integration_lines = rc_arena_alloc(loader->arena, node->count * sizeof(int *));
    const rc_setting_t *id = rc_setting_find(RC_INTEGRATION_PREFIX "id");
    /* Aliases can make a small file a long list of wrong entries: nobody reads on behind that many problems. */
    for (size_t i = 0; i < node->count && !loader->problems->left_out; i++) {
        rc_integration_t *integration = &config->integrations[i];
        int *lines = rc_arena_alloc(loader->arena, RC_SETTINGS_COUNT * sizeof *lines);
        char key[KEY_MAX];
        (void)snprintf(key, sizeof key, "%s[%zu]", setting->path, i);
        config->integrations_count++;
        config->store->integration_lines[i] = lines;
        integration->line = node->items[i]->line;
        block_t block = {RC_INTEGRATION_PREFIX, key, integration->line, integration, lines};
        read_block(loader, &block, node->items[i]);
        if (rc_text_empty(integration->name)) integration->name = integration->id;
        check_id(loader, integration, i, key, lines[id - RC_SETTINGS]);
    }
}

static void read_setting(loader_t *loader, const block_t *block, const rc_setting_t *setting,
                         const rc_yaml_pair_t *pair, const char *full)
{
    char path[KEY_MAX];
    rc_place_t place = place_of(loader, full, pair->key->line);
    int *line = &block->lines[setting - RC_SETTINGS];
    if (*line) {
        rc_problems_add(loader->problems, place.line, full, "given already in line %d; keep one of the two", *line);
        return;
    }
    /* A scalar without a value is left out; a list is not, since [] and the default differ. */
    bool is_list = setting->kind >= RC_SETTING_FLAGS;
    if (pair->value->kind == RC_YAML_NULL && setting->kind != RC_SETTING_BLOCK && !is_list) return;
    *line = place.line;
    if (setting->kind == RC_SETTING_BLOCK) {
        (void)snprintf(path, sizeof path, "%s.", setting->path);
        block_t below = {path, full, place.line, block->base, block->lines};
        read_block(loader, &below, pair->value);
    } else if (setting->kind == RC_SETTING_ITEMS) {
        read_integrations(loader, setting, pair);
    } else if (setting->kind == RC_SETTING_MAPPING) {
        (void)rc_mapping_read(&place, pair->value, block->base);
    } else {
        (void)rc_setting_set(setting, &place, pair->value, block->base);
    }
}

void rc_config_read(rc_config_t *config, const rc_yaml_t *root, rc_problems_t *problems)
{
    loader_t loader = {config, config->store->arena, problems};
    block_t top = {"", "", 1, config, config->store->lines};
    read_block(&loader, &top, root);
}
