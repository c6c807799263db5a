#include "consumer/engine/fresh.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "common/map.h"
#include "common/mem.h"

typedef struct note {
    TAILQ_ENTRY(note) link;
    size_t batch;
    rc_ledger_entry_t entry;
    size_t key_bytes;
    char key[];
} note_t;

struct rc_fresh {
    rc_map_t *notes;             /* the newest note of each key */
    TAILQ_HEAD(, note) in_order; /* all of them, rising by batch */
    size_t batch;
};

rc_fresh_t *rc_fresh_new(void)
{
    rc_fresh_t *fresh = rc_zalloc(sizeof *fresh);
    fresh->notes = rc_map_new(NULL);
    TAILQ_INIT(&fresh->in_order);
    return fresh;
}

static void drop(rc_fresh_t *fresh, note_t *note)
{
    TAILQ_REMOVE(&fresh->in_order, note, link);
    if (rc_map_get(fresh->notes, note->key, note->key_bytes) == note)
        (void)rc_map_take(fresh->notes, note->key, note->key_bytes);
    free(note);
}

void rc_fresh_drop(rc_fresh_t *fresh, rc_event_type_t lane)
{
    note_t *note, *next;
    for (note = TAILQ_FIRST(&fresh->in_order); note; note = next) {
        next = TAILQ_NEXT(note, link);
        if (note->entry.type == lane) drop(fresh, note);
    }
}

void rc_fresh_clear(rc_fresh_t *fresh)
{
    note_t *note;
    while ((note = TAILQ_FIRST(&fresh->in_order))) drop(fresh, note);
}

void rc_fresh_free(rc_fresh_t *fresh)
{
    if (!fresh) return;
    rc_fresh_clear(fresh);
    rc_map_free(fresh->notes);
    free(fresh);
}

void rc_fresh_set(rc_fresh_t *fresh, const char *ledger_key, const rc_ledger_entry_t *entry)
{
    size_t key_bytes = strlen(ledger_key);
    note_t *note = rc_zalloc(sizeof *note + key_bytes + 1);
    memcpy(note->key, ledger_key, key_bytes);
    note->key_bytes = key_bytes;
    note->batch = fresh->batch;
    note->entry = *entry;
    note->entry.integration_id = note->entry.employee_id = note->entry.reason = NULL;
    (void)rc_map_set(fresh->notes, note->key, key_bytes, note);
    TAILQ_INSERT_TAIL(&fresh->in_order, note, link);
}

const rc_ledger_entry_t *rc_fresh_get(const rc_fresh_t *fresh, const char *ledger_key)
{
    const note_t *note = rc_map_get(fresh->notes, ledger_key, strlen(ledger_key));
    return note ? &note->entry : NULL;
}

size_t rc_fresh_seal(rc_fresh_t *fresh)
{
    return fresh->batch++;
}

void rc_fresh_shown(rc_fresh_t *fresh, size_t batch)
{
    note_t *note;
    while ((note = TAILQ_FIRST(&fresh->in_order)) && note->batch <= batch) drop(fresh, note);
}
