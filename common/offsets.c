#include "common/offsets.h"

#include <stdlib.h>

#include "common/error.h"
#include "common/mem.h"

void rc_offsets_fini(rc_offsets_t *offsets)
{
    free(offsets->slots);
    *offsets = RC_OFFSETS_INIT;
}

static rc_offset_slot_t *slot_at(const rc_offsets_t *offsets, size_t index)
{
    return &offsets->slots[(offsets->first + index) % offsets->capacity];
}

static void grow(rc_offsets_t *offsets)
{
    size_t capacity = offsets->capacity ? offsets->capacity * 2 : 64;
    rc_offset_slot_t *slots = rc_calloc(capacity, sizeof *slots);
    for (size_t i = 0; i < offsets->count; i++) slots[i] = *slot_at(offsets, i);
    free(offsets->slots);
    offsets->slots = slots;
    offsets->capacity = capacity;
    offsets->first = 0;
}

bool rc_offsets_takes(const rc_offsets_t *offsets, int64_t offset)
{
    return offset >= offsets->next;
}

void rc_offsets_add(rc_offsets_t *offsets, int64_t offset)
{
    if (!rc_offsets_takes(offsets, offset))
        RC_DIE("offset %lld arrived after %lld", (long long)offset, (long long)offsets->next - 1);
    if (offsets->count == offsets->capacity) grow(offsets);
    *slot_at(offsets, offsets->count++) = (rc_offset_slot_t){.offset = offset};
    offsets->next = offset + 1;
}

/* The place of `offset` among the open slots, by bisection. */
static rc_offset_slot_t *find(const rc_offsets_t *offsets, int64_t offset)
{
    size_t low = 0, high = offsets->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (slot_at(offsets, middle)->offset < offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low < offsets->count && slot_at(offsets, low)->offset == offset ? slot_at(offsets, low) : NULL;
}

void rc_offsets_finish(rc_offsets_t *offsets, int64_t offset)
{
    rc_offset_slot_t *slot = find(offsets, offset);
    if (!slot || slot->finished) RC_DIE("offset %lld finished twice, or never began", (long long)offset);
    slot->finished = true;
    while (offsets->count && slot_at(offsets, 0)->finished) {
        offsets->first = (offsets->first + 1) % offsets->capacity;
        offsets->count--;
    }
}

int64_t rc_offsets_watermark(const rc_offsets_t *offsets)
{
    return offsets->count ? slot_at(offsets, 0)->offset : offsets->next;
}

int64_t rc_offsets_watermark_with(const rc_offsets_t *offsets, const int64_t *also, size_t count)
{
    size_t next = 0;
    for (size_t i = 0; i < offsets->count; i++) {
        const rc_offset_slot_t *slot = slot_at(offsets, i);
        while (next < count && also[next] < slot->offset) next++;
        bool counts = slot->finished || (next < count && also[next] == slot->offset);
        if (!counts) return slot->offset;
    }
    return offsets->next;
}

int64_t rc_offsets_pending(const rc_offsets_t *offsets)
{
    int64_t watermark = rc_offsets_watermark(offsets);
    return watermark > offsets->committed ? watermark : -1;
}

void rc_offsets_committed(rc_offsets_t *offsets, int64_t offset)
{
    if (offset > offsets->committed) offsets->committed = offset;
}

size_t rc_offsets_open(const rc_offsets_t *offsets)
{
    size_t open = 0;
    for (size_t i = 0; i < offsets->count; i++) open += !slot_at(offsets, i)->finished;
    return open;
}
