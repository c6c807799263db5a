/* The local stage of one poll: what is to be done about each employee who differs, in a file without a name, so that
 * memory does not grow with the company. Nothing in it is published before the fetch has ended. One thread at a time.
 */
#ifndef RC_PRODUCER_STAGE_H
#define RC_PRODUCER_STAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "common/mem.h"

typedef struct rc_stage rc_stage_t;

/* Makes the file in `directory`. Returns new (free with rc_stage_free). */
rc_code_t rc_stage_new(const char *directory, rc_stage_t **stage, rc_error_t *error);
void rc_stage_free(rc_stage_t *stage); /* NULL is fine */

/* Puts an employee's entry on the stage; a later one takes the place of an earlier. `address` is the key of the e-mail
 * address that the change wants (producer/rules/collision.h), NULL: none; `tag` is kept in memory, for questions that
 * are asked of all entries. Copied. */
rc_code_t rc_stage_put(rc_stage_t *stage, const char *employee_id, const char *address, uint64_t tag, const void *value,
                       size_t value_bytes, rc_error_t *error);
/* Whatever was put of an employee counts no more, until more is put. Costs next to nothing where nothing was. */
rc_code_t rc_stage_withdraw(rc_stage_t *stage, const char *employee_id, rc_error_t *error);
/* Puts and withdrawals so far; before rc_stage_seal. */
size_t rc_stage_puts(const rc_stage_t *stage);
/* Closes the stage for puts: sorted, and without what was replaced. RC_IO: the poll has failed. */
rc_code_t rc_stage_seal(rc_stage_t *stage, rc_error_t *error);

/* All below: after rc_stage_seal. */

typedef struct {
    const char *employee_id;
    const char *address; /* NULL: none */
    const void *value;
    size_t value_bytes;
} rc_staged_t;

size_t rc_stage_count(const rc_stage_t *stage);
uint64_t rc_stage_tag(const rc_stage_t *stage, size_t index);
/* The entry at `index`, in an order that is the same for the same content. Copied into the arena. */
rc_code_t rc_stage_get(const rc_stage_t *stage, size_t index, rc_arena_t *arena, rc_staged_t *staged,
                       rc_error_t *error);
/* The index of an employee's entry; SIZE_MAX: none. What is read meanwhile is in the arena. */
rc_code_t rc_stage_find(const rc_stage_t *stage, const char *employee_id, rc_arena_t *arena, size_t *index,
                        rc_error_t *error);
/* Calls `visit` with the index of every entry that wants the address (and of some others with the same hash: compare).
 */
void rc_stage_on_address(const rc_stage_t *stage, const char *address, bool (*visit)(void *opaque, size_t index),
                         void *opaque);

#endif
