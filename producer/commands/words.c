#include "producer/commands/words.h"

#include <string.h>

#include "common/report.h"
#include "common/words.h"

const char *rc_say_brake(rc_arena_t *arena, rc_brake_t brake)
{
    return rc_words_spaced(arena, rc_enum_str(&RC_ENUM_BRAKE, (int)brake));
}

const char *rc_say_held(rc_arena_t *arena, int64_t people, rc_brake_t brake)
{
    const char *changes = rc_say_brake(arena, brake);
    size_t length = strlen(changes) - (people == 1); /* all of them end with an s */
    return rc_arena_sprintf(arena, "%lld %.*s", (long long)people, (int)length, changes);
}

const char *rc_say_waiting(rc_arena_t *arena, int64_t people)
{
    return rc_arena_sprintf(arena, "%s %s", rc_report_people(arena, people), people == 1 ? "waits" : "wait");
}

const char *rc_say_config(rc_arena_t *arena, const char *config)
{
    return config ? rc_arena_sprintf(arena, " --config %s", config) : "";
}
