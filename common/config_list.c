/* Settings that are lists, and what gives a node or a default to any setting. */
#include <string.h>

#include "common/config_settings.h"

enum { ITEMS_MAX = 1000 };

#define PROBLEM(place, ...) rc_problems_add((place)->problems, (place)->line, (place)->key, __VA_ARGS__)

static bool set_flags(const rc_setting_t *setting, const rc_place_t *place, const rc_word_t *words, size_t count,
                      void *base)
{
    unsigned flags = 0;
    bool fine = true;
    for (size_t i = 0; i < count; i++) {
        int symbol = rc_setting_symbol(setting, place, words[i].text);
        if (symbol >= 0) flags |= 1u << symbol;
        fine = fine && symbol >= 0;
    }
    if (fine) *(unsigned *)(void *)((char *)base + setting->offset) = flags;
    return fine;
}

static bool set_groups(const rc_setting_t *setting, const rc_place_t *place, const rc_word_t *words, size_t count,
                       void *base)
{
    rc_group_type_t groups[RC_GROUP_COUNT];
    bool fine = true;
    for (size_t i = 0; i < count; i++) {
        int symbol = rc_setting_symbol(setting, place, words[i].text);
        fine = fine && symbol >= 0;
        if (symbol >= 0) groups[i] = (rc_group_type_t)rc_enum_parse(&RC_ENUM_GROUP, setting->symbols[symbol]);
        for (size_t k = 0; k < i && fine; k++)
            if (groups[k] == groups[i]) {
                PROBLEM(place, "%s stands twice; take one away", words[i].text);
                fine = false;
            }
    }
    if (!fine) return false;
    memcpy((char *)base + setting->offset, groups, count * sizeof *groups);
    *(size_t *)(void *)((char *)base + setting->count_offset) = count;
    return true;
}

/* consumer.retry_delays */
static bool set_durations(const rc_setting_t *setting, const rc_place_t *place, const rc_word_t *words, size_t count,
                          void *base)
{
    static const rc_setting_t tier = {
        .kind = RC_SETTING_DURATION, .offset = 0, .min = 100, .max = (int64_t)7 * 24 * 3600 * 1000};
    int64_t *delays = rc_arena_alloc(place->arena, count * sizeof *delays);
    for (size_t i = 0; i < count; i++) {
        if (!rc_setting_set_word(&tier, place, words[i], &delays[i])) return false;
        if (i && delays[i] <= delays[i - 1]) {
            PROBLEM(place, "%.32s does not come after %.32s; write rising delays, like %s", words[i].text,
                    words[i - 1].text, setting->initial);
            return false;
        }
    }
    *(int64_t **)(void *)((char *)base + setting->offset) = delays;
    *(size_t *)(void *)((char *)base + setting->count_offset) = count;
    return true;
}

static bool set_strings(const rc_setting_t *setting, const rc_place_t *place, const rc_word_t *words, size_t count,
                        void *base)
{
    const char **items = rc_arena_alloc(place->arena, count * sizeof *items);
    for (size_t i = 0; i < count; i++) {
        if (!*words[i].text || rc_word_has_control(words[i].text)) {
            PROBLEM(place, "entry %zu is empty or has a line break in it; write an id or a name", i + 1);
            return false;
        }
        items[i] = rc_arena_strdup(place->arena, words[i].text);
    }
    *(rc_strings_t *)(void *)((char *)base + setting->offset) = (rc_strings_t){count, items};
    return true;
}

static bool set_list(const rc_setting_t *setting, const rc_place_t *place, const rc_word_t *words, size_t count,
                     void *base)
{
    if ((int64_t)count < setting->min || (int64_t)count > setting->max) {
        PROBLEM(place, "%zu entries; write %lld to %lld", count, (long long)setting->min, (long long)setting->max);
        return false;
    }
    switch (setting->kind) {
    case RC_SETTING_FLAGS:
        return set_flags(setting, place, words, count, base);
    case RC_SETTING_GROUP_LIST:
        return set_groups(setting, place, words, count, base);
    case RC_SETTING_DURATIONS:
        return set_durations(setting, place, words, count, base);
    default:
        return set_strings(setting, place, words, count, base);
    }
}

static bool set_list_node(const rc_setting_t *setting, const rc_place_t *place, const rc_yaml_t *node, void *base)
{
    rc_place_t item = *place;
    if (node->kind != RC_YAML_LIST) {
        PROBLEM(place, "%s where a list is expected; write [%s]", rc_yaml_kind_str(node->kind), setting->initial);
        return false;
    }
    size_t count = node->count <= ITEMS_MAX ? node->count : ITEMS_MAX + 1;
    rc_word_t *words = rc_arena_alloc(place->arena, count * sizeof *words);
    for (size_t i = 0; i < count; i++) {
        item.line = node->items[i]->line;
        if (node->items[i]->kind != RC_YAML_SCALAR) {
            PROBLEM(&item, "%s as entry %zu, where one value is expected; write [%s]",
                    rc_yaml_kind_str(node->items[i]->kind), i + 1, setting->initial);
            return false;
        }
        words[i].text = rc_config_expand(&item, node->items[i]->text);
        if (!words[i].text) return false;
    }
    return set_list(setting, place, words, count, base);
}

static bool is_list(rc_setting_kind_t kind)
{
    return kind == RC_SETTING_FLAGS || kind == RC_SETTING_GROUP_LIST || kind == RC_SETTING_DURATIONS ||
           kind == RC_SETTING_STRINGS;
}

bool rc_setting_set(const rc_setting_t *setting, const rc_place_t *place, const rc_yaml_t *node, void *base)
{
    if (is_list(setting->kind)) return set_list_node(setting, place, node, base);
    if (node->kind != RC_YAML_SCALAR) {
        PROBLEM(place, "%s where one value is expected; write it behind the colon", rc_yaml_kind_str(node->kind));
        return false;
    }
    const char *text = rc_config_expand(place, node->text);
    if (!text) return false;
    return rc_setting_set_word(setting, place, (rc_word_t){text, node->quoted && text == node->text}, base);
}

bool rc_setting_set_default(const rc_setting_t *setting, const rc_place_t *place, void *base)
{
    rc_word_t words[8];
    size_t count = 0;
    if (!is_list(setting->kind)) return rc_setting_set_word(setting, place, (rc_word_t){setting->initial, false}, base);
    char *at = rc_arena_strdup(place->arena, setting->initial);
    for (char *next; *at; at = next) {
        RC_INVARIANT(count < sizeof words / sizeof *words);
        size_t length = strcspn(at, ",");
        next = at[length] ? at + length + 2 : at + length;
        at[length] = '\0';
        words[count++] = (rc_word_t){at, false};
    }
    return set_list(setting, place, words, count, base);
}
