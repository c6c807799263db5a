/* An open hold as a person names it: found among those there are, with everybody in it, and printed. For `status
 * --hold`, `approve` and `reject`; one thread. */
#ifndef RC_PRODUCER_HOLD_H
#define RC_PRODUCER_HOLD_H

#include <stdio.h>

#include "common/cli.h"
#include "producer/commands/reading.h"

typedef struct {
    const rc_overview_t *overview; /* of its integration */
    const rc_hold_t *hold;
    const rc_held_t *held;
    size_t count;
} rc_open_hold_t;

/* Finds --hold, of --integration or of any. RC_EXIT_DONE; else it was said what is wrong, which holds there are, and
 * that is the exit code. All in the arena. */
rc_exit_t rc_hold_find(rc_reading_t *reading, const rc_args_t *args, rc_arena_t *arena, rc_open_hold_t *open);

/* What is held and why, and who they are. */
void rc_hold_print(const rc_open_hold_t *open, const rc_args_t *args, FILE *stream);
/* What to type to decide it. */
void rc_hold_print_next(const rc_open_hold_t *open, const rc_args_t *args, FILE *stream);

#endif
