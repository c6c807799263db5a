/* One value of a setting: from text to type. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/config_settings.h"
#include "common/suggest.h"
#include "common/text.h"

#define PROBLEM(place, ...) rc_problems_add((place)->problems, (place)->line, (place)->key, __VA_ARGS__)

/* How a message may name the value. */
static const char *shown(const rc_setting_t *setting, const char *text, char out[80])
{
    (void)snprintf(out, 80, setting->flags & RC_SETTING_SECRET ? "the value" : "\"%.*s\"",
                   (int)rc_utf8_cut(text, strlen(text), 64), text);
    return out;
}

/* "3600000" as "1h", "1048576" as "1MiB". */
static char *bound_str(const rc_setting_t *setting, int64_t bound, char text[RC_TIME_STR_SIZE])
{
    if (setting->kind == RC_SETTING_DURATION) return rc_duration_str(bound, text);
    static const char *const units[] = {"B", "KiB", "MiB", "GiB"};
    size_t unit = 0;
    while (setting->kind == RC_SETTING_SIZE && unit < 3 && bound && bound % 1024 == 0) bound /= 1024, unit++;
    (void)snprintf(text, RC_TIME_STR_SIZE, "%lld%s", (long long)bound,
                   setting->kind == RC_SETTING_SIZE ? units[unit] : "");
    return text;
}

static bool in_range(const rc_setting_t *setting, const rc_place_t *place, const char *text, double value)
{
    char low[RC_TIME_STR_SIZE], high[RC_TIME_STR_SIZE];
    if (value >= (double)setting->min && value <= (double)setting->max) return true;
    PROBLEM(place, "%.64s is out of range; write %s to %s", text, bound_str(setting, setting->min, low),
            bound_str(setting, setting->max, high));
    return false;
}

static bool parse_int(const char *text, int64_t *value)
{
    char *end;
    errno = 0;
    long long parsed = strtoll(text, &end, 10);
    if (errno || *end || !*text || strspn(text, "+-0123456789") != strlen(text)) return false;
    *value = parsed;
    return true;
}

static bool parse_size(const char *text, int64_t *value)
{
    static const struct {
        const char *unit;
        int64_t bytes;
    } units[] = {{"B", 1}, {"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}};
    size_t digits = strspn(text, "0123456789");
    if (!digits || digits > 10) return false;
    int64_t number = strtoll(text, NULL, 10);
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strcmp(text + digits, units[i].unit) == 0) {
            *value = number * units[i].bytes;
            return true;
        }
    return false;
}

static bool set_number(const rc_setting_t *setting, const rc_place_t *place, rc_word_t word, void *base)
{
    void *at = (char *)base + setting->offset;
    int64_t value;
    if (setting->kind == RC_SETTING_NUMBER) {
        char *end;
        double number = strtod(word.text, &end);
        bool plain = *word.text && !*end && strspn(word.text, "0123456789.") == strlen(word.text);
        if (word.quoted || !plain || !isfinite(number)) {
            PROBLEM(place, "\"%.64s\" is no number; write one like %s", word.text, setting->initial);
            return false;
        }
        if (!in_range(setting, place, word.text, number)) return false;
        *(double *)at = number;
        return true;
    }
    if (word.quoted || !parse_int(word.text, &value)) {
        PROBLEM(place, "\"%.64s\" is no whole number; write one like %s%s", word.text, setting->initial,
                word.quoted ? ", without quotes" : "");
        return false;
    }
    if (!in_range(setting, place, word.text, (double)value)) return false;
    *(int *)at = (int)value;
    return true;
}

static bool set_duration(const rc_setting_t *setting, const rc_place_t *place, rc_word_t word, void *base)
{
    rc_error_t error = RC_ERROR_INIT;
    int64_t value;
    if (rc_duration_parse(word.text, &value, &error) != RC_OK) {
        PROBLEM(place, "%s", error.message);
        return false;
    }
    if (!in_range(setting, place, word.text, (double)value)) return false;
    *(int64_t *)(void *)((char *)base + setting->offset) = value;
    return true;
}

static bool set_size(const rc_setting_t *setting, const rc_place_t *place, rc_word_t word, void *base)
{
    int64_t value;
    if (!parse_size(word.text, &value)) {
        PROBLEM(place, "\"%.64s\" is no size; write a whole number and one of B, KiB, MiB, GiB, like %s", word.text,
                setting->initial);
        return false;
    }
    if (!in_range(setting, place, word.text, (double)value)) return false;
    *(size_t *)(void *)((char *)base + setting->offset) = (size_t)value;
    return true;
}

static bool set_bool(const rc_setting_t *setting, const rc_place_t *place, rc_word_t word, void *base)
{
    bool yes = strcmp(word.text, "true") == 0;
    if (word.quoted || (!yes && strcmp(word.text, "false") != 0)) {
        PROBLEM(place, "\"%.64s\" is neither true nor false; write one of them%s", word.text,
                word.quoted ? ", without quotes" : "");
        return false;
    }
    *(bool *)((char *)base + setting->offset) = yes;
    return true;
}

int rc_setting_symbol(const rc_setting_t *setting, const rc_place_t *place, const char *text)
{
    char all[256] = "";
    size_t used = 0;
    rc_suggest_t suggest = RC_SUGGEST_INIT(text);
    for (int i = 0; setting->symbols[i]; i++) {
        if (strcmp(setting->symbols[i], text) == 0) return i;
        rc_suggest_offer(&suggest, setting->symbols[i]);
        used += (size_t)snprintf(all + used, sizeof all - used, "%s%s", i ? ", " : "", setting->symbols[i]);
    }
    if (suggest.best)
        PROBLEM(place, "\"%.64s\" is unknown; did you mean %s? (%s)", text, suggest.best, all);
    else
        PROBLEM(place, "\"%.64s\" is unknown; write one of %s", text, all);
    return -1;
}

bool rc_word_has_control(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7F) return true;
    return false;
}

static bool set_string(const rc_setting_t *setting, const rc_place_t *place, rc_word_t word, void *base)
{
    char *text = rc_arena_strdup(place->arena, word.text), value[80];
    size_t length = strlen(text);
    while ((setting->flags & RC_SETTING_URL) && length && text[length - 1] == '/') text[--length] = '\0';
    const char *complaint = rc_word_has_control(text)
                                ? "with a line break or a control character in it; write it on one line"
                            : setting->check ? setting->check(text)
                                             : NULL;
    if (!*text && (setting->flags & RC_SETTING_REQUIRED)) complaint = "empty; write a value";
    if (complaint) {
        PROBLEM(place, "%s is %s", shown(setting, text, value), complaint);
        return false;
    }
    *(const char **)(void *)((char *)base + setting->offset) = text;
    return true;
}

static bool set_lead(const rc_setting_t *setting, const rc_place_t *place, rc_word_t word, void *base)
{
    rc_policy_t *policy = &((rc_integration_t *)base)->policy;
    int64_t days = 0;
    size_t digits = strspn(word.text, "0123456789");
    policy->create.immediately = strcmp(word.text, "immediately") == 0;
    if (policy->create.immediately) return true;
    bool whole = digits > 0 && digits < 8 && strcmp(word.text + digits, "d") == 0;
    if (whole) days = strtoll(word.text, NULL, 10);
    if (!whole || days > setting->max) {
        PROBLEM(place,
                "\"%.64s\" is no time before the hire date; write immediately, 0d (on that day) or whole days up to "
                "%lldd, like 14d",
                word.text, (long long)setting->max);
        return false;
    }
    policy->create.lead_days = (int)days;
    return true;
}

/* A zone takes a millisecond to read, and many integrations have the same. */
static rc_code_t find_zone(rc_zones_t *zones, const char *name, const rc_zone_t **zone, rc_error_t *error)
{
    rc_zone_t *new;
    for (size_t i = 0; i < zones->count; i++)
        if (strcmp(zones->items[i].name, name) == 0) {
            *zone = zones->items[i].zone;
            return RC_OK;
        }
    rc_code_t code = rc_zone_new(name, &new, error);
    if (code) return code;
    zones->items = rc_realloc(zones->items, (zones->count + 1) * sizeof *zones->items);
    zones->items[zones->count].name = rc_strdup(name);
    zones->items[zones->count++].zone = new;
    *zone = new;
    return RC_OK;
}

static bool set_zone(const rc_place_t *place, rc_word_t word, rc_integration_t *integration)
{
    rc_error_t error = RC_ERROR_INIT;
    if (find_zone(place->zones, word.text, &integration->zone, &error) != RC_OK) {
        PROBLEM(place, "%s", error.message);
        return false;
    }
    integration->timezone = rc_arena_strdup(place->arena, word.text);
    return true;
}

bool rc_setting_set_word(const rc_setting_t *setting, const rc_place_t *place, rc_word_t word, void *base)
{
    void *at = (char *)base + setting->offset;
    rc_error_t error = RC_ERROR_INIT;
    int symbol;
    switch (setting->kind) {
    case RC_SETTING_BOOL:
        return set_bool(setting, place, word, base);
    case RC_SETTING_INT:
    case RC_SETTING_NUMBER:
        return set_number(setting, place, word, base);
    case RC_SETTING_DURATION:
        return set_duration(setting, place, word, base);
    case RC_SETTING_SIZE:
        return set_size(setting, place, word, base);
    case RC_SETTING_LEAD:
        return set_lead(setting, place, word, base);
    case RC_SETTING_ZONE:
        return set_zone(place, word, base);
    case RC_SETTING_ENUM:
        symbol = rc_setting_symbol(setting, place, word.text);
        if (symbol >= 0) memcpy(at, &(unsigned){(unsigned)symbol}, sizeof(unsigned));
        return symbol >= 0;
    case RC_SETTING_LISTEN:
        if (rc_listen_parse(word.text, at, &error) == RC_OK) return true;
        PROBLEM(place, "%s", error.message);
        return false;
    default:
        return set_string(setting, place, word, base);
    }
}
