#include "common/map.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/hash.h"
#include "common/mem.h"

/* Separate chaining: entries do not move, removal leaves nothing behind. */
typedef struct entry {
    struct entry *next;
    uint64_t hash;
    void *value;
    size_t key_bytes;
    char key[];
} entry_t;

struct rc_map {
    entry_t **buckets;
    size_t bucket_count; /* a power of two */
    size_t count;
    void (*free_value)(void *);
};

enum { FIRST_BUCKETS = 64 };

rc_map_t *rc_map_new(void (*free_value)(void *))
{
    rc_map_t *map = rc_zalloc(sizeof *map);
    map->bucket_count = FIRST_BUCKETS;
    map->buckets = rc_calloc(map->bucket_count, sizeof *map->buckets);
    map->free_value = free_value;
    return map;
}

void rc_map_free(rc_map_t *map)
{
    if (!map) return;
    for (size_t i = 0; i < map->bucket_count; i++)
        for (entry_t *entry = map->buckets[i]; entry;) {
            entry_t *next = entry->next;
            if (map->free_value) map->free_value(entry->value);
            free(entry);
            entry = next;
        }
    free(map->buckets);
    free(map);
}

/* Where the pointer to the entry stands, or the end of its chain. */
static entry_t **find(const rc_map_t *map, uint64_t hash, const void *key, size_t key_bytes)
{
    entry_t **at = &map->buckets[hash & (map->bucket_count - 1)];
    while (*at && ((*at)->hash != hash || (*at)->key_bytes != key_bytes ||
                   (key_bytes && memcmp((*at)->key, key, key_bytes) != 0)))
        at = &(*at)->next;
    return at;
}

static void grow(rc_map_t *map)
{
    size_t larger = map->bucket_count * 2;
    entry_t **buckets = rc_calloc(larger, sizeof *buckets);
    for (size_t i = 0; i < map->bucket_count; i++)
        for (entry_t *entry = map->buckets[i]; entry;) {
            entry_t *next = entry->next;
            entry->next = buckets[entry->hash & (larger - 1)];
            buckets[entry->hash & (larger - 1)] = entry;
            entry = next;
        }
    free(map->buckets);
    map->buckets = buckets;
    map->bucket_count = larger;
}

void *rc_map_get(const rc_map_t *map, const void *key, size_t key_bytes)
{
    entry_t *entry = *find(map, rc_hash64(key, key_bytes), key, key_bytes);
    return entry ? entry->value : NULL;
}

void *rc_map_set(rc_map_t *map, const void *key, size_t key_bytes, void *value)
{
    RC_INVARIANT(value);
    uint64_t hash = rc_hash64(key, key_bytes);
    entry_t *entry = *find(map, hash, key, key_bytes);
    if (entry) {
        void *before = entry->value;
        entry->value = value;
        return before;
    }
    if (map->count >= map->bucket_count) grow(map);
    entry = rc_alloc(sizeof *entry + key_bytes);
    entry_t **bucket = &map->buckets[hash & (map->bucket_count - 1)];
    *entry = (entry_t){.next = *bucket, .hash = hash, .value = value, .key_bytes = key_bytes};
    if (key_bytes) memcpy(entry->key, key, key_bytes);
    *bucket = entry;
    map->count++;
    return NULL;
}

void *rc_map_take(rc_map_t *map, const void *key, size_t key_bytes)
{
    entry_t **at = find(map, rc_hash64(key, key_bytes), key, key_bytes);
    entry_t *entry = *at;
    if (!entry) return NULL;
    void *value = entry->value;
    *at = entry->next;
    free(entry);
    map->count--;
    return value;
}

size_t rc_map_count(const rc_map_t *map)
{
    return map->count;
}

void rc_map_each(const rc_map_t *map, bool (*visit)(void *context, const void *key, size_t key_bytes, void *value),
                 void *context)
{
    for (size_t i = 0; i < map->bucket_count; i++)
        for (entry_t *entry = map->buckets[i]; entry; entry = entry->next)
            if (!visit(context, entry->key, entry->key_bytes, entry->value)) return;
}
