#include "common/mem.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"

enum { DEFAULT_BLOCK_BYTES = 16 * 1024 };

typedef struct block {
    struct block *next;
    size_t size_bytes;
    size_t used_bytes;
    max_align_t data[];
} block_t;

struct rc_arena {
    block_t *blocks; /* the newest first */
    size_t block_bytes;
    size_t used_bytes;
};

void *rc_alloc(size_t size_bytes)
{
    void *memory = malloc(size_bytes ? size_bytes : 1);
    if (!memory) RC_DIE("out of memory (%zu bytes)", size_bytes);
    return memory;
}

void *rc_zalloc(size_t size_bytes)
{
    return rc_calloc(1, size_bytes);
}

void *rc_calloc(size_t count, size_t element_bytes)
{
    void *memory = calloc(count ? count : 1, element_bytes ? element_bytes : 1);
    if (!memory) RC_DIE("out of memory (%zu times %zu bytes)", count, element_bytes);
    return memory;
}

void *rc_realloc(void *memory, size_t size_bytes)
{
    void *larger = realloc(memory, size_bytes ? size_bytes : 1);
    if (!larger) RC_DIE("out of memory (%zu bytes)", size_bytes);
    return larger;
}

char *rc_strndup(const char *text, size_t length)
{
    char *copy = rc_alloc(length + 1);
    memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

char *rc_strdup(const char *text)
{
    return text ? rc_strndup(text, strlen(text)) : NULL;
}

char *rc_sprintf(const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int length = vasprintf(&text, format, args);
    va_end(args);
    if (length < 0) RC_DIE("out of memory, or a wrong format: %s", format);
    return text;
}

rc_arena_t *rc_arena_new(void)
{
    return rc_arena_new_sized(DEFAULT_BLOCK_BYTES);
}

rc_arena_t *rc_arena_new_sized(size_t block_bytes)
{
    rc_arena_t *arena = rc_zalloc(sizeof *arena);
    arena->block_bytes = block_bytes;
    return arena;
}

static void free_blocks(block_t *block)
{
    while (block) {
        block_t *next = block->next;
        free(block);
        block = next;
    }
}

void rc_arena_free(rc_arena_t *arena)
{
    if (!arena) return;
    free_blocks(arena->blocks);
    free(arena);
}

void rc_arena_reset(rc_arena_t *arena)
{
    block_t *keep = arena->blocks;
    while (keep && keep->size_bytes != arena->block_bytes) keep = keep->next;
    for (block_t *block = arena->blocks; block;) {
        block_t *next = block->next;
        if (block != keep) free(block);
        block = next;
    }
    if (keep) {
        keep->next = NULL;
        keep->used_bytes = 0;
    }
    arena->blocks = keep;
    arena->used_bytes = 0;
}

/* What is allocated, as it is. */
static void *take(rc_arena_t *arena, size_t size_bytes, size_t *taken_bytes)
{
    const size_t unit = alignof(max_align_t);
    RC_INVARIANT(size_bytes <= SIZE_MAX / 2);
    size_t rounded = (size_bytes + unit - 1) / unit * unit;
    block_t *block = arena->blocks;
    if (!block || block->size_bytes - block->used_bytes < rounded) {
        size_t capacity = rounded > arena->block_bytes ? rounded : arena->block_bytes;
        block = rc_alloc(sizeof *block + capacity);
        block->size_bytes = capacity;
        block->used_bytes = 0;
        block->next = arena->blocks;
        arena->blocks = block;
    }
    void *memory = (char *)block->data + block->used_bytes;
    block->used_bytes += rounded;
    arena->used_bytes += rounded;
    *taken_bytes = rounded;
    return memory;
}

void *rc_arena_alloc(rc_arena_t *arena, size_t size_bytes)
{
    size_t taken_bytes;
    void *memory = take(arena, size_bytes, &taken_bytes);
    return memset(memory, 0, taken_bytes);
}

void *rc_arena_memdup(rc_arena_t *arena, const void *bytes, size_t size_bytes)
{
    return bytes ? memcpy(rc_arena_alloc(arena, size_bytes), bytes, size_bytes) : NULL;
}

char *rc_arena_strndup(rc_arena_t *arena, const char *text, size_t length)
{
    size_t taken_bytes;
    char *copy = take(arena, length + 1, &taken_bytes);
    memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

char *rc_arena_strdup(rc_arena_t *arena, const char *text)
{
    return text ? rc_arena_strndup(arena, text, strlen(text)) : NULL;
}

char *rc_arena_sprintf(rc_arena_t *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    RC_INVARIANT(length >= 0);
    char *text = rc_arena_alloc(arena, (size_t)length + 1);
    va_start(args, format);
    (void)vsnprintf(text, (size_t)length + 1, format, args);
    va_end(args);
    return text;
}

size_t rc_arena_used(const rc_arena_t *arena)
{
    return arena->used_bytes;
}
