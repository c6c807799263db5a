#include "producer/poll/roll.h"

#include <stdlib.h>
#include <string.h>

#include "common/hash.h"
#include "common/mem.h"

enum { FIRST_CAPACITY = 1024 };

/* Of an entry. KNOWN outlives a call, the others do not. */
enum { KNOWN = 1, EMPLOYED = 2, PUBLISHED = 4, PENDING = 8, SEEN = 16 };

/* A person, 24 bytes: a million of them are to fit beside everything else. */
typedef struct {
    uint64_t person;   /* hash of the id; 0: a free place */
    uint64_t employee; /* rc_digest_t.hash, with KNOWN; */
    uint32_t offset_low;
    uint16_t offset_high; /* both: of the row that is known; the end of a partition's life is beyond 2^48 */
    uint8_t marks;
    uint8_t gone_reason; /* with KNOWN, without EMPLOYED */
} entry_t;

struct rc_roll {
    entry_t *entries; /* hashed, open addressing; who left keeps the place until it grows */
    size_t capacity;
    size_t used;
    uint64_t life;
    size_t stored;
    size_t announced;
    size_t unseen;
};

rc_roll_t *rc_roll_new(void)
{
    rc_roll_t *roll = rc_zalloc(sizeof *roll);
    roll->capacity = FIRST_CAPACITY;
    roll->entries = rc_calloc(roll->capacity, sizeof *roll->entries);
    return roll;
}

void rc_roll_free(rc_roll_t *roll)
{
    if (!roll) return;
    free(roll->entries);
    free(roll);
}

/* --- places --- */

static uint64_t hash_of(const char *employee_id, size_t length)
{
    uint64_t hash = rc_hash64(employee_id, length);
    return hash ? hash : 1;
}

/* The entry of that person, or the free place where it would be. */
static entry_t *find_place(const rc_roll_t *roll, uint64_t person)
{
    /* The upper bits choose the place, so that any capacity will do. */
    size_t at = (size_t)((person >> 32) * roll->capacity >> 32);
    while (roll->entries[at].person && roll->entries[at].person != person) at = at + 1 == roll->capacity ? 0 : at + 1;
    return &roll->entries[at];
}

static void grow(rc_roll_t *roll)
{
    entry_t *former = roll->entries;
    size_t count = roll->capacity;
    roll->capacity += roll->capacity / 2;
    RC_INVARIANT(roll->capacity <= UINT32_MAX);
    roll->entries = rc_calloc(roll->capacity, sizeof *roll->entries);
    roll->used = 0;
    for (size_t i = 0; i < count; i++) {
        if (!former[i].person) continue;
        *find_place(roll, former[i].person) = former[i];
        roll->used++;
    }
    free(former);
}

static entry_t *find_or_add(rc_roll_t *roll, const char *employee_id, size_t length)
{
    uint64_t person = hash_of(employee_id, length);
    entry_t *entry = find_place(roll, person);
    if (entry->person) return entry;
    if (++roll->used > roll->capacity / 4 * 3) {
        grow(roll);
        roll->used++;
        entry = find_place(roll, person);
    }
    entry->person = person;
    return entry;
}

static const entry_t *find(const rc_roll_t *roll, const char *employee_id, size_t length)
{
    return find_place(roll, hash_of(employee_id, length));
}

/* --- the call --- */

/* Those who were not there at the last call are let go of when they are many. */
static void drop_absent(rc_roll_t *roll)
{
    entry_t *former = roll->entries;
    size_t there = 0;
    for (size_t i = 0; i < roll->capacity; i++) there += (former[i].marks & (PUBLISHED | PENDING)) != 0;
    if (roll->used - there <= roll->capacity / 4) return;
    roll->entries = rc_calloc(roll->capacity, sizeof *roll->entries);
    roll->used = there;
    for (size_t i = 0; i < roll->capacity; i++)
        if (former[i].marks & (PUBLISHED | PENDING)) *find_place(roll, former[i].person) = former[i];
    free(former);
}

void rc_roll_begin(rc_roll_t *roll, uint64_t life)
{
    uint8_t kept = life == roll->life ? KNOWN | EMPLOYED : 0;
    drop_absent(roll);
    for (size_t i = 0; i < roll->capacity; i++) roll->entries[i].marks &= kept;
    roll->life = life;
    roll->stored = roll->announced = roll->unseen = 0;
}

static bool is_at(const entry_t *entry, int64_t offset)
{
    return ((uint64_t)entry->offset_high << 32 | entry->offset_low) == (uint64_t)offset;
}

static void add_published(rc_roll_t *roll, entry_t *entry)
{
    if (entry->marks & PUBLISHED) return;
    roll->stored += !(entry->marks & PENDING);
    entry->marks |= PUBLISHED;
    roll->announced += (entry->marks & EMPLOYED) != 0;
    roll->unseen += (entry->marks & EMPLOYED) != 0;
}

bool rc_roll_add(rc_roll_t *roll, const char *employee_id, size_t length, int64_t offset)
{
    entry_t *entry = find_place(roll, hash_of(employee_id, length));
    if (!(entry->marks & KNOWN) || !is_at(entry, offset)) return false;
    add_published(roll, entry);
    return true;
}

void rc_roll_learn(rc_roll_t *roll, const char *employee_id, size_t length, int64_t offset, rc_digest_t digest)
{
    entry_t *entry = find_or_add(roll, employee_id, length);
    uint64_t at = (uint64_t)offset;
    RC_INVARIANT(at >> 48 == 0 && digest.standing.published);
    entry->employee = digest.hash;
    entry->offset_low = (uint32_t)at;
    entry->offset_high = (uint16_t)(at >> 32);
    entry->gone_reason = (uint8_t)digest.standing.gone_reason;
    entry->marks &= (uint8_t)~EMPLOYED;
    entry->marks |= (uint8_t)(rc_standing_is_announced(digest.standing) ? KNOWN | EMPLOYED : KNOWN);
    add_published(roll, entry);
}

void rc_roll_add_pending(rc_roll_t *roll, const char *employee_id, size_t length)
{
    entry_t *entry = find_or_add(roll, employee_id, length);
    roll->stored += !(entry->marks & (PUBLISHED | PENDING));
    entry->marks |= PENDING;
}

/* --- after it --- */

rc_roll_entry_t rc_roll_find(const rc_roll_t *roll, const char *employee_id, size_t length)
{
    const entry_t *entry = find(roll, employee_id, length);
    rc_presence_t presence = entry->marks & EMPLOYED ? RC_PRESENCE_EMPLOYED : RC_PRESENCE_GONE;
    bool published = entry->marks & PUBLISHED;
    return (rc_roll_entry_t){.published = published,
                             .is_pending = entry->marks & PENDING,
                             .digest = {entry->employee, {published, presence, (rc_gone_reason_t)entry->gone_reason}}};
}

void rc_roll_see(rc_roll_t *roll, const char *employee_id, size_t length)
{
    entry_t *entry = find_place(roll, hash_of(employee_id, length));
    if (!entry->person || entry->marks & SEEN) return;
    entry->marks |= SEEN;
    roll->unseen -= (entry->marks & (PUBLISHED | EMPLOYED)) == (PUBLISHED | EMPLOYED);
}

bool rc_roll_has_seen(const rc_roll_t *roll, const char *employee_id, size_t length)
{
    return find(roll, employee_id, length)->marks & SEEN;
}

size_t rc_roll_stored(const rc_roll_t *roll)
{
    return roll->stored;
}

size_t rc_roll_announced(const rc_roll_t *roll)
{
    return roll->announced;
}

size_t rc_roll_unseen(const rc_roll_t *roll)
{
    return roll->unseen;
}
