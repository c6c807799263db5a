/* Materialised views of compacted topics: the newest record of every key, in LMDB files that can be deleted at any time
 * and are made again from Kafka. A store is one directory of one process, locked; its tables are written by one thread
 * (common/tail.h) in transactions that hold rows and offsets together, and read by any thread.
 *
 * Durability: a killed process loses nothing. Commits are not synced (Kafka is the database, and a sync would stand
 * between every commit and the barrier that waits for it); a store that a crash of the machine left open is known by
 * the boot id and begins empty. */
#ifndef RC_COMMON_TABLE_H
#define RC_COMMON_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "common/mem.h"
#include "common/time.h"

typedef struct rc_store rc_store_t;
typedef struct rc_table rc_table_t;

enum { RC_TABLE_KEY_MAX = 500, RC_TABLES_MAX = 8 };

/* Opens (creates) and locks `directory`. RC_CONFLICT when another process holds it, naming that process; RC_IO when it
 * cannot be used. A damaged or unsafe store is emptied, and that is logged. Returns new (close with rc_store_close). */
rc_code_t rc_store_open(const char *directory, rc_store_t **store, rc_error_t *error);
/* "<state_dir>/<instance>/<program>". Returns new (free). */
char *rc_store_directory(const char *state_dir, const char *instance, const char *program);
/* Whether the process that had it open before ended without closing it: killed, or ended by rc_store_leave_open. */
bool rc_store_was_left_open(const rc_store_t *store);
/* Whether nothing tells if there was a process before: the files, or the mark among them, were not there. */
bool rc_store_is_new(const rc_store_t *store);
/* The next process is to be told so: closing keeps the mark. */
void rc_store_leave_open(rc_store_t *store);
/* Makes the files safe against a crash of the machine, then closes. No call may be under way. NULL is fine. */
void rc_store_close(rc_store_t *store);

/* The table of that short name ("snapshot"; at most RC_TABLES_MAX of them), opened or created. At start-up, one thread.
 * Lives as long as the store. */
rc_code_t rc_table_open(rc_store_t *store, const char *name, rc_table_t **table, rc_error_t *error);

/* --- reading: any thread --- */

typedef struct {
    const char *key;
    size_t key_bytes;
    const void *value; /* as on Kafka */
    size_t value_bytes;
    int32_t partition;
    int64_t offset;
    uint32_t ordinal; /* stays with the key as long as the row is there */
} rc_row_t;

/* The row of a key, copied into the arena. RC_OK with value NULL: there is none. About 1 µs. */
rc_code_t rc_table_get(rc_table_t *table, const void *key, size_t key_bytes, rc_arena_t *arena, rc_row_t *row,
                       rc_error_t *error);

/* A number that grows with every change of the store's tables. What was read after asking for it still holds as long as
 * it stays the same; a change that others know of (rc_tail_notify) has been counted. */
uint64_t rc_table_edition(const rc_table_t *table);

/* Calls `visit` for every row whose key begins with `prefix`, in the order of the keys' bytes, as of one moment. The
 * row borrows from the file and ends with the callback, which may call rc_table_get. The file cannot shrink, nor grow
 * its map, while a scan runs: collect and return, do not wait in it. `visit` returning false ends it with RC_OK. */
rc_code_t rc_table_scan(rc_table_t *table, const void *prefix, size_t prefix_bytes,
                        bool (*visit)(void *opaque, const rc_row_t *row), void *opaque, rc_error_t *error);

/* Rows, and a number that every ordinal is below (dense: deleted ones are given out again), for a bitmap of rows. */
rc_code_t rc_table_count(rc_table_t *table, uint64_t *rows, uint32_t *ordinals, rc_error_t *error);

/* --- writing: the tail's thread --- */

/* What is known of a partition. The witness is the last record that was applied: as long as the topic is the same one,
 * reading again from its offset shows it, or a later record of its key (the newest record of a key is never compacted
 * away, a tombstone not for delete.retention.ms). A topic that was deleted and made anew shows neither. */
typedef struct {
    int64_t next_offset;     /* everything below is in the table; 0 of a new one */
    rc_wall_t caught_up_at;  /* when that was the end; 0: never */
    int64_t witness_offset;  /* -1: no record was applied yet */
    int64_t witness_time_ms; /* its timestamp on Kafka */
    uint64_t witness_key;    /* rc_hash64 of its key */
} rc_table_position_t;

/* Says which topic the table mirrors. When it was another one, or of another cluster or partition count, the table
 * begins empty; *emptied (may be NULL) tells. */
rc_code_t rc_table_bind(rc_table_t *table, const char *cluster_id, const char *topic, int32_t partitions, bool *emptied,
                        rc_error_t *error);

rc_code_t rc_table_position(rc_table_t *table, int32_t partition, rc_table_position_t *position, rc_error_t *error);

typedef struct {
    rc_table_t *table;
    int32_t partition;
    int64_t offset;
    int64_t time_ms;
    const void *key;
    size_t key_bytes;  /* 1 to RC_TABLE_KEY_MAX */
    const void *value; /* NULL deletes */
    size_t value_bytes;
} rc_table_write_t;

typedef struct {
    rc_table_t *table;
    int32_t partition;
    int64_t next_offset;
    rc_wall_t caught_up_at; /* 0: leave as it is */
} rc_table_progress_t;

/* Applies all in one transaction, rising offsets within a partition; an older record never replaces a newer one of the
 * same partition. Grows the map as needed. RC_IO with RC_RETRY: the disk is full, nothing was applied; RC_IO with
 * RC_FATAL: the store is damaged; call rc_store_recreate. */
rc_code_t rc_store_apply(rc_store_t *store, const rc_table_write_t *writes, size_t write_count,
                         const rc_table_progress_t *progress, size_t progress_count, rc_error_t *error);

/* Deletes the rows and what is known of a partition; -1: of all. */
rc_code_t rc_table_clear(rc_table_t *table, int32_t partition, rc_error_t *error);

/* Deletes the files and begins anew with the same tables, all empty and unbound. Waits for scans to end. */
rc_code_t rc_store_recreate(rc_store_t *store, rc_error_t *error);

/* Whether a partition's rows can be used on from here, or have to be made again. `beginning` and `end` are the
 * partition's watermarks now. NULL: usable; else why not, in words. Pure. */
const char *rc_table_stale(const rc_table_position_t *position, int64_t beginning, int64_t end, rc_wall_t now);

#endif
