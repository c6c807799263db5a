/* The roll of an integration: what a full poll has to know of everybody published or pending to pass over those in whom
 * nothing changed, in memory and found by employee id. Searching the local tables for every record takes a quarter of a
 * poll's CPU; passing over their rows once, in the order in which they lie, a hundredth.
 *
 * It is called at the start of a full poll (rc_views_call_roll) and holds good for that poll: nobody else writes the
 * rows of an integration that is ours, and what we publish comes after it. What was learned of a row is kept from poll
 * to poll, so that a row is decoded once for as long as it stands at its offset. 24 bytes a person, times 4/3 to 2.
 *
 * Two ids are told apart by 64 bits of hash, as two employees are. Pure; one thread at a time. */
#ifndef RC_PRODUCER_ROLL_H
#define RC_PRODUCER_ROLL_H

#include "producer/rules/decide.h"

typedef struct rc_roll rc_roll_t;

/* Returns new (free with rc_roll_free). Nobody is on it. */
rc_roll_t *rc_roll_new(void);
void rc_roll_free(rc_roll_t *roll); /* NULL is fine */

/* --- the call --- */

/* Begins it: nobody is on it, or seen, until they are added. With another `life` (rc_views_life) than before, what was
 * learned of rows is forgotten: the same offset may be another record. */
void rc_roll_begin(rc_roll_t *roll, uint64_t life);
/* Adds somebody published. False: not added, what is known is not of the row at this offset; rc_roll_learn it. */
bool rc_roll_add(rc_roll_t *roll, const char *employee_id, size_t length, int64_t offset);
void rc_roll_learn(rc_roll_t *roll, const char *employee_id, size_t length, int64_t offset, rc_digest_t digest);
void rc_roll_add_pending(rc_roll_t *roll, const char *employee_id, size_t length);

/* --- after it --- */

typedef struct {
    bool published;
    bool is_pending;
    rc_digest_t digest; /* with `published` */
} rc_roll_entry_t;

/* Both false: they are in no table. */
rc_roll_entry_t rc_roll_find(const rc_roll_t *roll, const char *employee_id, size_t length);

/* A record of them was read. Whoever is not on the roll stays off it. */
void rc_roll_see(rc_roll_t *roll, const char *employee_id, size_t length);
bool rc_roll_has_seen(const rc_roll_t *roll, const char *employee_id, size_t length);

/* Everybody published or pending; of them the announced; of them those who were not seen. */
size_t rc_roll_stored(const rc_roll_t *roll);
size_t rc_roll_announced(const rc_roll_t *roll);
size_t rc_roll_unseen(const rc_roll_t *roll);

#endif
