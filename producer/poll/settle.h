/* The end of the decision, over everything on the stage: the brakes, then who gets which address, then what becomes of
 * each (design section 4, "Decide"). Publishing and previewing a run both go through it. Private to producer/poll/; on
 * the thread of the run. */
#ifndef RC_PRODUCER_SETTLE_H
#define RC_PRODUCER_SETTLE_H

#include "producer/poll/poll_steps.h"

typedef struct rc_settlement rc_settlement_t;

/* Decides over the sealed stage. Borrows the run, whose stage does not change. Returns new (free with
 * rc_settlement_free). */
rc_code_t rc_settlement_new(rc_run_t *run, rc_settlement_t **settlement, rc_error_t *error);
void rc_settlement_free(rc_settlement_t *settlement); /* NULL is fine */

/* Whether everybody was given. */
bool rc_settlement_is_done(const rc_settlement_t *settlement);
/* The next person, in the order of the stage; each once. Strings are in run->record, until the next call. */
rc_code_t rc_settlement_next(rc_settlement_t *settlement, rc_settled_t *settled, rc_error_t *error);

/* What the people given so far change of the integration's state: counts, windows and holds; in the arena. `complete`:
 * everybody was given. */
void rc_settlement_save(const rc_settlement_t *settlement, bool complete, rc_arena_t *arena, rc_sync_state_t *state);

/* The state behind the run so far, with these events beside those of run->result; `complete`: everybody was given. In
 * the arena (poll_state.c). */
rc_sync_state_t rc_run_state_after(const rc_run_t *run, const rc_settlement_t *settlement, bool complete,
                                   const int64_t events[RC_EVENT_COUNT], rc_arena_t *arena);

#endif
