/* How commands say what producers know, beside common/words.h. Pure; any thread. */
#ifndef RC_PRODUCER_WORDS_H
#define RC_PRODUCER_WORDS_H

#include "common/domain.h"
#include "common/mem.h"

/* "team changes". In the arena. */
const char *rc_say_brake(rc_arena_t *arena, rc_brake_t brake);
/* "1 team change", "12 team changes". In the arena. */
const char *rc_say_held(rc_arena_t *arena, int64_t people, rc_brake_t brake);
/* "1 person waits", "12 people wait". In the arena. */
const char *rc_say_waiting(rc_arena_t *arena, int64_t people);
/* What a command line ends with: " --config FILE" when it was given, else "". In the arena. */
const char *rc_say_config(rc_arena_t *arena, const char *config);

#endif
