#include "producer/commands/words.h"

#include <string.h>

const char *rc_say_brake(rc_arena_t *arena, rc_brake_t brake)
{
    char *words = rc_arena_strdup(arena, rc_enum_str(&RC_ENUM_BRAKE, (int)brake));
    for (char *at = words; *at; at++)
        if (*at == '_') *at = ' ';
    return words;
}

const char *rc_say_held(rc_arena_t *arena, int64_t people, rc_brake_t brake)
{
    const char *changes = rc_say_brake(arena, brake);
    size_t length = strlen(changes) - (people == 1); /* all of them end with an s */
    return rc_arena_sprintf(arena, "%lld %.*s", (long long)people, (int)length, changes);
}

const char *rc_say_config(rc_arena_t *arena, const char *config)
{
    return config ? rc_arena_sprintf(arena, " --config %s", config) : "";
}
