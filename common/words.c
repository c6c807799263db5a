#include "common/words.h"

#include <string.h>

#include "common/text.h"

enum { SECOND_MS = 1000, MINUTE_MS = 60 * SECOND_MS, HOUR_MS = 60 * MINUTE_MS, DAY_MS = 24 * HOUR_MS };

const char *rc_words_moment(rc_arena_t *arena, rc_wall_t at)
{
    char text[RC_TIME_STR_SIZE];
    if (!at.ms) return "";
    (void)rc_wall_str(at, text);
    return rc_arena_sprintf(arena, "%.10s %.8s", text, text + 11);
}

const char *rc_words_minute(rc_arena_t *arena, rc_wall_t at)
{
    char text[RC_TIME_STR_SIZE];
    (void)rc_wall_str(at, text);
    return rc_arena_sprintf(arena, "%.10s %.5s UTC", text, text + 11);
}

const char *rc_words_distance(rc_arena_t *arena, rc_wall_t at, rc_wall_t now)
{
    static const struct {
        int64_t from_ms, unit_ms;
        const char *unit;
    } units[] = {{2 * DAY_MS, DAY_MS, "days"},
                 {2 * HOUR_MS, HOUR_MS, "h"},
                 {MINUTE_MS, MINUTE_MS, "min"},
                 {SECOND_MS, SECOND_MS, "s"}};
    int64_t ms = at.ms - now.ms, length_ms = ms < 0 ? -ms : ms;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (length_ms < units[i].from_ms) continue;
        long long count = length_ms / units[i].unit_ms;
        return rc_arena_sprintf(arena, ms < 0 ? "%lld %s ago" : "in %lld %s", count, units[i].unit);
    }
    return ms < 0 ? "just now" : "now";
}

const char *rc_words_join(rc_arena_t *arena, const char *list, const char *separator, const char *item)
{
    if (rc_text_empty(item)) return list;
    return rc_text_empty(list) ? item : rc_arena_sprintf(arena, "%s%s%s", list, separator, item);
}

const char *rc_words_spaced(rc_arena_t *arena, const char *name)
{
    char *words = rc_arena_strdup(arena, name);
    for (char *at = words; *at; at++)
        if (*at == '_') *at = ' ';
    return words;
}

const char *rc_words_field(rc_arena_t *arena, const char *field)
{
    static const char custom[] = "custom:";
    static const char *const people_say[][2] = {{"email", "e-mail address"},  {"avatar", "picture"},
                                                {"manager_email", "manager"}, {"hire_date", "first day"},
                                                {"leave_date", "last day"},   {"primary_location", "location"}};
    for (size_t i = 0; i < sizeof people_say / sizeof *people_say; i++)
        if (strcmp(field, people_say[i][0]) == 0) return people_say[i][1];
    if (strncmp(field, custom, sizeof custom - 1) == 0) return rc_arena_strdup(arena, field + sizeof custom - 1);
    return rc_words_spaced(arena, field);
}

const char *rc_words_events(rc_arena_t *arena, uint32_t events)
{
    const char *words = "";
    if (events == (1U << RC_EVENT_COUNT) - 1) return "everything";
    for (int type = 0; type < RC_EVENT_COUNT; type++)
        if (events >> type & 1U) words = rc_words_join(arena, words, ", ", rc_enum_str(&RC_ENUM_EVENT, type));
    return words;
}

const char *rc_words_integration(rc_arena_t *arena, const rc_integration_t *integration)
{
    if (rc_text_empty(integration->name) || strcmp(integration->name, integration->id) == 0) return integration->id;
    return rc_arena_sprintf(arena, "%s (%s)", integration->name, integration->id);
}

const char *rc_words_pending(rc_pending_reason_t reason)
{
    static const char *const words[RC_PENDING_COUNT] = {
        [RC_PENDING_NO_EMAIL] = "HR has no e-mail address",
        [RC_PENDING_NO_NAME] = "HR lacks their first or last name",
        [RC_PENDING_EMAIL_COLLISION] = "somebody else has the same e-mail address in HR",
        [RC_PENDING_NOT_YET] = "it is not their day yet",
        [RC_PENDING_ABSENT_ONCE] = "HR did not show them once, which proves nothing yet",
        [RC_PENDING_HELD] = "held by a brake: too many changes of that kind at once",
        [RC_PENDING_REJECTED] = "a person rejected it",
        [RC_PENDING_PAUSED] = "publishing is paused",
    };
    return words[reason];
}
