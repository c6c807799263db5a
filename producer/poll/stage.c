#include "producer/poll/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/hash.h"

/* What is held in memory of an entry. */
typedef struct {
    uint64_t id_hash;
    uint64_t address_hash; /* 0: none */
    int64_t position;      /* in the file; rises with the puts */
    uint64_t tag;
} slot_t;

/* In front of each entry in the file. */
typedef struct {
    uint32_t id_bytes;
    uint32_t address_bytes; /* 0: none */
    uint32_t value_bytes;
} entry_t;

typedef struct {
    uint64_t address_hash;
    uint32_t index;
} by_address_t;

struct rc_stage {
    int fd;
    int64_t written; /* to the file */
    rc_buf_t buffer; /* behind it */
    slot_t *slots;
    size_t count;
    size_t capacity;
    by_address_t *addresses;
    size_t address_count;
    uint64_t *ids;      /* a Bloom filter of those that were put; NULL: nobody was */
    int64_t *withdrawn; /* positions, rising */
    size_t withdrawn_count;
    bool sealed;
};

/* A million entries leave one question in twenty undecided, which costs an entry that is dropped in the end. */
enum { ID_BITS = 8 * 1024 * 1024 };

enum { BUFFER_BYTES = 1024 * 1024, ENTRY_MAX_BYTES = 4 * 1024 * 1024, MOST_BYTES = 1024 };

static int open_in(const char *directory);

/* Where somebody cleared away <state_dir>/<instance> below us it is made anew; the tables in it are open, and go on. */
static int open_nameless(const char *directory)
{
    int fd = open_in(directory);
    if (fd >= 0 || errno != ENOENT) return fd;
    char *instance = rc_strdup(directory), *slash = strrchr(instance, '/');
    if (slash) *slash = '\0';
    bool made = (mkdir(instance, 0755) == 0 || errno == EEXIST) && mkdir(directory, 0700) == 0;
    free(instance);
    if (!made) errno = ENOENT;
    return made ? open_in(directory) : -1;
}

/* A file without a name; some file systems make it only by taking the name away. */
static int open_in(const char *directory)
{
    int fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR)) return fd;
    char *path = rc_sprintf("%s/stage.XXXXXX", directory);
    fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0) (void)unlink(path);
    free(path);
    return fd;
}

rc_code_t rc_stage_new(const char *directory, rc_stage_t **result, rc_error_t *error)
{
    int fd = open_nameless(directory);
    if (fd < 0)
        return rc_error_set(error, RC_IO, RC_RETRY,
                            "%s: no temporary file can be made there (%s); make room, or let us write", directory,
                            strerror(errno));
    rc_stage_t *stage = rc_zalloc(sizeof *stage);
    *stage = (rc_stage_t){.fd = fd, .buffer = RC_BUF_INIT(BUFFER_BYTES + ENTRY_MAX_BYTES)};
    *result = stage;
    return RC_OK;
}

void rc_stage_free(rc_stage_t *stage)
{
    if (!stage) return;
    (void)close(stage->fd);
    rc_buf_fini(&stage->buffer);
    free(stage->slots);
    free(stage->addresses);
    free(stage->ids);
    free(stage->withdrawn);
    free(stage);
}

static rc_code_t flush(rc_stage_t *stage, rc_error_t *error)
{
    size_t done = 0;
    while (done < stage->buffer.size_bytes) {
        ssize_t wrote = pwrite(stage->fd, stage->buffer.data + done, stage->buffer.size_bytes - done,
                               stage->written + (int64_t)done);
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote <= 0)
            return rc_error_set(error, RC_IO, RC_RETRY,
                                "the stage of a poll cannot be written (%s); make room under state_dir",
                                strerror(errno));
        done += (size_t)wrote;
    }
    stage->written += (int64_t)done;
    rc_buf_reset(&stage->buffer);
    return RC_OK;
}

/* Each half of the hash names a bit. */
static void note_id(rc_stage_t *stage, uint64_t hash)
{
    if (!stage->ids) stage->ids = rc_calloc(ID_BITS / 64, sizeof *stage->ids);
    for (int half = 0; half < 2; half++, hash >>= 32) stage->ids[hash % ID_BITS / 64] |= UINT64_C(1) << hash % 64;
}

static bool may_have_id(const rc_stage_t *stage, uint64_t hash)
{
    bool has = stage->ids != NULL;
    for (int half = 0; has && half < 2; half++, hash >>= 32) has = stage->ids[hash % ID_BITS / 64] >> hash % 64 & 1;
    return has;
}

rc_code_t rc_stage_put(rc_stage_t *stage, const char *employee_id, const char *address, uint64_t tag, const void *value,
                       size_t value_bytes, rc_error_t *error)
{
    RC_INVARIANT(!stage->sealed);
    entry_t entry = {(uint32_t)strlen(employee_id), address ? (uint32_t)strlen(address) : 0, (uint32_t)value_bytes};
    if (value_bytes > ENTRY_MAX_BYTES / 2 || entry.id_bytes > ENTRY_MAX_BYTES / 8 ||
        entry.address_bytes > ENTRY_MAX_BYTES / 8)
        return rc_error_set(error, RC_TOO_LARGE, RC_REJECT, "employee %.64s: a change of %zu bytes is too large",
                            employee_id, value_bytes);
    if (stage->buffer.size_bytes >= BUFFER_BYTES) {
        rc_code_t code = flush(stage, error);
        if (code != RC_OK) return code;
    }
    if (stage->count == stage->capacity) {
        stage->capacity = stage->capacity ? stage->capacity * 2 : 256;
        stage->slots = rc_realloc(stage->slots, stage->capacity * sizeof *stage->slots);
    }
    stage->slots[stage->count++] = (slot_t){rc_hash64(employee_id, entry.id_bytes),
                                            entry.address_bytes ? rc_hash64(address, entry.address_bytes) : 0,
                                            stage->written + (int64_t)stage->buffer.size_bytes, tag};
    note_id(stage, stage->slots[stage->count - 1].id_hash);
    RC_INVARIANT(rc_buf_add(&stage->buffer, &entry, sizeof entry) &&
                 rc_buf_add(&stage->buffer, employee_id, entry.id_bytes) &&
                 rc_buf_add(&stage->buffer, address ? address : "", entry.address_bytes) &&
                 rc_buf_add(&stage->buffer, value, value_bytes));
    return RC_OK;
}

rc_code_t rc_stage_withdraw(rc_stage_t *stage, const char *employee_id, rc_error_t *error)
{
    if (!may_have_id(stage, rc_hash64(employee_id, strlen(employee_id)))) return RC_OK;
    rc_code_t code = rc_stage_put(stage, employee_id, NULL, 0, "", 0, error);
    if (code != RC_OK) return code;
    stage->withdrawn = rc_realloc(stage->withdrawn, (stage->withdrawn_count + 1) * sizeof *stage->withdrawn);
    stage->withdrawn[stage->withdrawn_count++] = stage->slots[stage->count - 1].position;
    return RC_OK;
}

size_t rc_stage_puts(const rc_stage_t *stage)
{
    RC_INVARIANT(!stage->sealed);
    return stage->count;
}

static int by_id(const void *a, const void *b)
{
    const slot_t *left = a, *right = b;
    if (left->id_hash != right->id_hash) return left->id_hash < right->id_hash ? -1 : 1;
    return (left->position > right->position) - (left->position < right->position);
}

static int by_address(const void *a, const void *b)
{
    const by_address_t *left = a, *right = b;
    if (left->address_hash != right->address_hash) return left->address_hash < right->address_hash ? -1 : 1;
    return (left->index > right->index) - (left->index < right->index);
}

static rc_code_t read_at(const rc_stage_t *stage, int64_t position, void *bytes, size_t size_bytes, rc_error_t *error)
{
    if (position >= stage->written) {
        memcpy(bytes, stage->buffer.data + (position - stage->written), size_bytes);
        return RC_OK;
    }
    size_t done = 0;
    while (done < size_bytes) {
        ssize_t got = pread(stage->fd, (char *)bytes + done, size_bytes - done, position + (int64_t)done);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0)
            return rc_error_set(error, RC_IO, RC_RETRY, "the stage of a poll cannot be read (%s)",
                                got < 0 ? strerror(errno) : "it is shorter than it was");
        done += (size_t)got;
    }
    return RC_OK;
}

/* How much of the stage lies behind a position. */
static size_t bytes_behind(const rc_stage_t *stage, int64_t position)
{
    int64_t end = position < stage->written ? stage->written : stage->written + (int64_t)stage->buffer.size_bytes;
    return (size_t)(end - position);
}

static rc_code_t read_slot(const rc_stage_t *stage, const slot_t *slot, rc_arena_t *arena, rc_staged_t *staged,
                           rc_error_t *error)
{
    entry_t entry;
    size_t there = bytes_behind(stage, slot->position), taken = there < MOST_BYTES ? there : MOST_BYTES;
    char *bytes = rc_arena_alloc(arena, MOST_BYTES + 1); /* with most entries this is all */
    rc_code_t code = read_at(stage, slot->position, bytes, taken, error);
    if (code != RC_OK) return code;
    memcpy(&entry, bytes, sizeof entry);
    size_t whole = sizeof entry + entry.id_bytes + entry.address_bytes + entry.value_bytes;
    if (whole > taken) {
        char *longer = rc_arena_alloc(arena, whole + 1);
        memcpy(longer, bytes, taken);
        bytes = longer;
        code = read_at(stage, slot->position + (int64_t)taken, bytes + taken, whole - taken, error);
        if (code != RC_OK) return code;
    }
    bytes += sizeof entry;
    *staged = (rc_staged_t){
        .employee_id = rc_arena_strndup(arena, bytes, entry.id_bytes),
        .address = entry.address_bytes ? rc_arena_strndup(arena, bytes + entry.id_bytes, entry.address_bytes) : NULL,
        .value = bytes + entry.id_bytes + entry.address_bytes,
        .value_bytes = entry.value_bytes};
    return RC_OK;
}

/* The kept slot of the same employee; SIZE_MAX: none. Equal hashes, which stand side by side, are compared by what
 * stands in the file. */
static rc_code_t find_kept(const rc_stage_t *stage, size_t kept, const slot_t *slot, rc_arena_t *arena, size_t *found,
                           rc_error_t *error)
{
    rc_staged_t own, other;
    *found = SIZE_MAX;
    if (!kept || stage->slots[kept - 1].id_hash != slot->id_hash) return RC_OK;
    rc_arena_reset(arena);
    rc_code_t code = read_slot(stage, slot, arena, &own, error);
    for (size_t i = kept; code == RC_OK && i-- > 0 && stage->slots[i].id_hash == slot->id_hash;) {
        code = read_slot(stage, &stage->slots[i], arena, &other, error);
        if (code != RC_OK || strcmp(own.employee_id, other.employee_id) != 0) continue;
        *found = i;
        break;
    }
    return code;
}

/* Of several slots of one employee the last that was put. */
static rc_code_t keep_newest(rc_stage_t *stage, rc_error_t *error)
{
    rc_arena_t *arena = rc_arena_new_sized(1024);
    rc_code_t code = RC_OK;
    size_t kept = 0;
    for (size_t i = 0; code == RC_OK && i < stage->count; i++) {
        size_t before;
        code = find_kept(stage, kept, &stage->slots[i], arena, &before, error);
        stage->slots[before == SIZE_MAX ? kept++ : before] = stage->slots[i];
    }
    stage->count = kept;
    rc_arena_free(arena);
    return code;
}

static int by_position(const void *a, const void *b)
{
    const int64_t *left = a, *right = b;
    return (*left > *right) - (*left < *right);
}

static void drop_withdrawn(rc_stage_t *stage)
{
    size_t kept = 0;
    for (size_t i = 0; i < stage->count; i++)
        if (!bsearch(&stage->slots[i].position, stage->withdrawn, stage->withdrawn_count, sizeof *stage->withdrawn,
                     by_position))
            stage->slots[kept++] = stage->slots[i];
    stage->count = kept;
}

rc_code_t rc_stage_seal(rc_stage_t *stage, rc_error_t *error)
{
    stage->sealed = true;
    if (stage->count) qsort(stage->slots, stage->count, sizeof *stage->slots, by_id);
    rc_code_t code = keep_newest(stage, error);
    if (code != RC_OK) return code;
    if (stage->withdrawn_count) drop_withdrawn(stage);
    stage->addresses = rc_calloc(stage->count, sizeof *stage->addresses);
    for (size_t i = 0; i < stage->count; i++)
        if (stage->slots[i].address_hash)
            stage->addresses[stage->address_count++] = (by_address_t){stage->slots[i].address_hash, (uint32_t)i};
    if (stage->address_count) qsort(stage->addresses, stage->address_count, sizeof *stage->addresses, by_address);
    return RC_OK;
}

size_t rc_stage_count(const rc_stage_t *stage)
{
    return stage->count;
}

uint64_t rc_stage_tag(const rc_stage_t *stage, size_t index)
{
    return stage->slots[index].tag;
}

rc_code_t rc_stage_get(const rc_stage_t *stage, size_t index, rc_arena_t *arena, rc_staged_t *staged, rc_error_t *error)
{
    return read_slot(stage, &stage->slots[index], arena, staged, error);
}

/* The index of the first of `count` entries, sorted by the hash that they have at `offset_bytes`, whose hash is not
 * below `wanted`. */
static size_t first_with(const void *entries, size_t entry_bytes, size_t offset_bytes, size_t count, uint64_t wanted)
{
    size_t low = 0, high = count;
    while (low < high) {
        uint64_t found;
        size_t middle = low + (high - low) / 2;
        memcpy(&found, (const char *)entries + middle * entry_bytes + offset_bytes, sizeof found);
        if (found < wanted)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

rc_code_t rc_stage_find(const rc_stage_t *stage, const char *employee_id, rc_arena_t *arena, size_t *index,
                        rc_error_t *error)
{
    uint64_t wanted = rc_hash64(employee_id, strlen(employee_id));
    size_t low = first_with(stage->slots, sizeof *stage->slots, offsetof(slot_t, id_hash), stage->count, wanted);
    for (; low < stage->count && stage->slots[low].id_hash == wanted; low++) {
        rc_staged_t staged;
        rc_code_t code = rc_stage_get(stage, low, arena, &staged, error);
        if (code != RC_OK) return code;
        if (strcmp(staged.employee_id, employee_id) != 0) continue;
        *index = low;
        return RC_OK;
    }
    *index = SIZE_MAX;
    return RC_OK;
}

void rc_stage_on_address(const rc_stage_t *stage, const char *address, bool (*visit)(void *opaque, size_t index),
                         void *opaque)
{
    uint64_t wanted = rc_hash64(address, strlen(address));
    size_t low = first_with(stage->addresses, sizeof *stage->addresses, offsetof(by_address_t, address_hash),
                            stage->address_count, wanted);
    for (; low < stage->address_count && stage->addresses[low].address_hash == wanted; low++)
        if (!visit(opaque, stage->addresses[low].index)) return;
}
