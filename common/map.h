/* A hash map from byte strings to pointers, in memory. One thread at a time. */
#ifndef RC_COMMON_MAP_H
#define RC_COMMON_MAP_H

#include <stdbool.h>
#include <stddef.h>

typedef struct rc_map rc_map_t;

/* Returns new (free with rc_map_free). Values are the caller's; `free_value` (may be NULL) is called for each that is
 * left. */
rc_map_t *rc_map_new(void (*free_value)(void *));
void rc_map_free(rc_map_t *map); /* NULL is fine */

/* The value, or NULL. Borrows. */
void *rc_map_get(const rc_map_t *map, const void *key, size_t key_bytes);
/* Copies the key; takes the value (not NULL). Returns the value it replaced, or NULL; that one is the caller's again.
 */
void *rc_map_set(rc_map_t *map, const void *key, size_t key_bytes, void *value);
/* Takes the value out; NULL: there was none. */
void *rc_map_take(rc_map_t *map, const void *key, size_t key_bytes);
size_t rc_map_count(const rc_map_t *map);

/* Calls `visit` for every entry in no order, until it returns false. It must not change the map. */
void rc_map_each(const rc_map_t *map, bool (*visit)(void *context, const void *key, size_t key_bytes, void *value),
                 void *context);

#endif
