/* What an event says, in words for people. Pure; any thread. */
#ifndef RC_TESTS_SANDBOX_STORY_H
#define RC_TESTS_SANDBOX_STORY_H

#include "common/domain.h"
#include "common/mem.h"

/* "Ada Lovelace", else the address, else the employee id. In the arena. */
const char *sb_story_who(const rc_event_t *event, rc_arena_t *arena);
/* "job title: Engineer → Lead", "team Sales → Support", "new hire, Engineer, team Sales". In the arena. */
const char *sb_story_what(const rc_event_t *event, rc_arena_t *arena);

#endif
