/* Two employees with one e-mail address: who gets it. Judged on everybody's newest projection after the brakes, over an
 * index that the engine keeps (the stage and the snapshot table, in LMDB), in time that grows with the number of staged
 * changes and not with the company. Pure; any thread. */
#ifndef RC_PRODUCER_COLLISION_H
#define RC_PRODUCER_COLLISION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/domain.h"
#include "common/mem.h"
#include "common/time.h"

/* A staged change: one that would be published now. Whoever is held, paused or waiting has none, and stays what the
 * snapshot table says. */
typedef struct {
    const char *employee_id;
    const char *wanted;    /* the address after the change; NULL: the person leaves */
    const char *published; /* the address as announced; NULL: not announced (never published, or gone) */
    rc_date_t hire_date;   /* of the new state */
} rc_claim_t;

/* A row of the snapshot table. */
typedef struct {
    const char *employee_id;
    rc_presence_t presence;
    int64_t version;
} rc_holder_t;

/* Visitors; false: no more. What they are given is borrowed for the call. They do not write. */
typedef bool rc_claim_fn(void *arg, const rc_claim_t *claim);
typedef bool rc_holder_fn(void *arg, const rc_holder_t *holder);

/* What the engine answers, of one integration; addresses come as rc_address_key gives them. Order never matters. */
typedef struct {
    void *opaque;
    /* Every staged claim that wants the address. */
    void (*claims_on)(void *opaque, const char *address, rc_claim_fn *visit, void *arg);
    /* The staged claim of that employee; false: none. Valid until the next call. */
    bool (*claim_of)(void *opaque, const char *employee_id, rc_claim_t *claim);
    /* Every row of the snapshot table with that address, employed or gone. */
    void (*holders_of)(void *opaque, const char *address, rc_holder_fn *visit, void *arg);
} rc_address_index_t;

/* The key under which an index keeps an address: ASCII letters in lower case (rc_email_equal). In the arena. */
char *rc_address_key(rc_arena_t *arena, const char *email);

typedef struct rc_collisions rc_collisions_t;

/* Index and callbacks are borrowed and must not change until free. Returns new (free with rc_collisions_free). */
rc_collisions_t *rc_collisions_new(const rc_address_index_t *index);
void rc_collisions_free(rc_collisions_t *collisions); /* NULL is fine */

/* Decides the address that the claim wants. To be called once for every staged claim, in any order, before anything is
 * asked below; claims that want the address they have may be left out.
 *
 * Of several who would have the address: an announced person who has it keeps it (unless their own change gives it up),
 * else one who is announced, else the earlier hire date (none is the latest), else the lower id. A loser stays what
 * they were: an announced one therefore keeps their present address, and who wanted that one loses it in turn. Two who
 * swap, and rotations of any length, go through when each of their changes does. */
void rc_collisions_add(rc_collisions_t *collisions, const rc_claim_t *claim);

/* The employee who has the address instead; NULL: the claim goes through. Borrows until free. The winner is for people
 * to read: with several losers in a chain it is the one who has the address first. */
const char *rc_collisions_winner(const rc_collisions_t *collisions, const char *employee_id);
size_t rc_collisions_count(const rc_collisions_t *collisions); /* of the losers */

/* A new employee id with the address of a gone one is the same person under a new id: the id of who is gone with that
 * address, or is announced with it and leaves with this poll. Of several the one published last, then the lower id; not
 * somebody who comes back with this poll. NULL: none. For claims that go through and were never published. In the
 * arena. */
const char *rc_collisions_replaced(const rc_collisions_t *collisions, rc_arena_t *arena, const rc_claim_t *claim);

#endif
