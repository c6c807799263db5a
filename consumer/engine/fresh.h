/* Ledger entries that were committed, or will be, and that the local table does not show yet: looked at before it. The
 * loop's thread only. */
#ifndef RC_CONSUMER_FRESH_H
#define RC_CONSUMER_FRESH_H

#include <stddef.h>

#include "common/domain.h"

typedef struct rc_fresh rc_fresh_t;

/* Returns new (free with rc_fresh_free). */
rc_fresh_t *rc_fresh_new(void);
void rc_fresh_free(rc_fresh_t *fresh); /* NULL is fine */

/* Notes an entry under its ledger key, in the open batch. Texts are not kept. */
void rc_fresh_set(rc_fresh_t *fresh, const char *ledger_key, const rc_ledger_entry_t *entry);
/* The entry, or NULL. Borrows until the next change. */
const rc_ledger_entry_t *rc_fresh_get(const rc_fresh_t *fresh, const char *ledger_key);

/* The open batch is handed over; entries belong to the next one from now on. Returns the number of the one handed over.
 */
size_t rc_fresh_seal(rc_fresh_t *fresh);
/* The table shows that batch and all before it. */
void rc_fresh_shown(rc_fresh_t *fresh, size_t batch);
/* Forgets one lane's entries: what was not committed of it is read again. */
void rc_fresh_drop(rc_fresh_t *fresh, rc_event_type_t lane);
/* Forgets everything, likewise. */
void rc_fresh_clear(rc_fresh_t *fresh);

#endif
