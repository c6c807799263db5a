/* The low watermark of one partition's finished records: what may be committed while records finish out of order.
 * Offsets rise but need not be dense (transaction markers, compaction). Pure; one thread at a time. */
#ifndef RC_COMMON_OFFSETS_H
#define RC_COMMON_OFFSETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    int64_t offset;
    bool finished;
} rc_offset_slot_t;

typedef struct {
    rc_offset_slot_t *slots; /* a ring, rising by offset */
    size_t capacity;
    size_t first;
    size_t count;
    int64_t next;      /* behind the last record that was added; -1: none yet */
    int64_t committed; /* what rc_offsets_committed was told last; -1: nothing */
} rc_offsets_t;

#define RC_OFFSETS_INIT ((rc_offsets_t){.next = -1, .committed = -1})
void rc_offsets_fini(rc_offsets_t *offsets);

/* Whether a record at `offset` lies behind all earlier ones. It does not when the topic was made anew, or cut, below a
 * reader: then all that is known here is about records that are gone. */
bool rc_offsets_takes(const rc_offsets_t *offsets, int64_t offset);
/* A record arrived. Aborts when it is not one that rc_offsets_takes. */
void rc_offsets_add(rc_offsets_t *offsets, int64_t offset);
/* Its outcome is in the batch that is being filled. Aborts when it was never added or is finished already. */
void rc_offsets_finish(rc_offsets_t *offsets, int64_t offset);
/* The first offset that is not finished: what to commit. -1 while nothing was added. */
int64_t rc_offsets_watermark(const rc_offsets_t *offsets);
/* The same if these, which rise, were finished too. */
int64_t rc_offsets_watermark_with(const rc_offsets_t *offsets, const int64_t *also, size_t count);
/* The offset to put into a batch, or -1 when it is the one that was committed last. */
int64_t rc_offsets_pending(const rc_offsets_t *offsets);
void rc_offsets_committed(rc_offsets_t *offsets, int64_t offset);
/* Records added and not yet finished. */
size_t rc_offsets_open(const rc_offsets_t *offsets);

#endif
