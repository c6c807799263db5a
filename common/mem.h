/* Heap allocation that cannot fail (running out of memory ends the process) and arenas for what lives as long as one
 * page, one record or one batch. An arena belongs to one thread at a time; the rest is for any thread. */
#ifndef RC_COMMON_MEM_H
#define RC_COMMON_MEM_H

#include <stddef.h>

/* Like malloc, calloc, realloc, strdup, strndup; never NULL; free() releases. */
void *rc_alloc(size_t size_bytes);
void *rc_zalloc(size_t size_bytes);
void *rc_realloc(void *memory, size_t size_bytes);
char *rc_strdup(const char *text); /* NULL gives NULL */
char *rc_strndup(const char *text, size_t length);
char *rc_sprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A zeroed array of `count` elements, with the multiplication checked. */
void *rc_calloc(size_t count, size_t element_bytes);

typedef struct rc_arena rc_arena_t;

/* Returns new (free with rc_arena_free). The first block is allocated with the first use. */
rc_arena_t *rc_arena_new(void);
/* With blocks of another size, for arenas that are many and small. */
rc_arena_t *rc_arena_new_sized(size_t block_bytes);
void rc_arena_free(rc_arena_t *arena); /* NULL is fine */

/* Gives up everything allocated, and keeps one block for the next use. */
void rc_arena_reset(rc_arena_t *arena);

/* Memory aligned for any type, zeroed; lives until reset or free. */
void *rc_arena_alloc(rc_arena_t *arena, size_t size_bytes);
void *rc_arena_memdup(rc_arena_t *arena, const void *bytes, size_t size_bytes); /* NULL gives NULL */
char *rc_arena_strdup(rc_arena_t *arena, const char *text);                     /* NULL gives NULL */
char *rc_arena_strndup(rc_arena_t *arena, const char *text, size_t length);
char *rc_arena_sprintf(rc_arena_t *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Bytes handed out since the last reset, so that callers can cap what one record may take. */
size_t rc_arena_used(const rc_arena_t *arena);

#endif
