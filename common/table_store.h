/* The inside of a store: one LMDB environment, its lock and its read transactions. Private to common/table*.c, the
 * files with LMDB. */
#ifndef RC_COMMON_TABLE_STORE_H
#define RC_COMMON_TABLE_STORE_H

#include <lmdb.h>
#include <pthread.h>
#include <stdatomic.h>

#include "common/table.h"

enum { RC_STORE_POOL = 16 };

struct rc_table {
    rc_store_t *store;
    char *name;
    MDB_dbi rows;  /* key: RC_ROW_HEAD and the value as on Kafka */
    MDB_dbi facts; /* identity, positions, how many ordinals there are */
    MDB_dbi spare; /* ordinals of deleted rows, to be given out again */
};

struct rc_store {
    char *directory;
    int lock_fd;
    MDB_env *env;
    size_t map_bytes;
    pthread_rwlock_t in_use; /* reading holds it shared; moving the map or the files holds it alone */
    pthread_mutex_t pool_lock;
    MDB_txn *pool[RC_STORE_POOL]; /* read transactions at rest: renewing one is cheaper than a new one */
    size_t pool_count;
    bool was_left_open;       /* by the process before */
    bool is_new;              /* there was no mark */
    bool leave_open;          /* for the one that follows */
    _Atomic uint64_t edition; /* counted when a change can be read */
    rc_table_t *tables[RC_TABLES_MAX];
    size_t table_count;
};

/* A read transaction; between both calls the map stays where it is. */
int rc_store_read(rc_store_t *store, MDB_txn **txn);
void rc_store_read_end(rc_store_t *store, MDB_txn *txn);

/* Doubles the map. Only for the writer, outside its transactions. Waits for readers. */
int rc_store_grow(rc_store_t *store);

/* Opens the three databases of a table, creating them. */
int rc_store_open_table(rc_store_t *store, rc_table_t *table);

/* In front of every row's value. */
typedef struct {
    uint32_t ordinal;
    int32_t partition;
    int64_t offset;
} rc_row_head_t;

static inline MDB_val rc_val(const void *bytes, size_t size_bytes)
{
    return (MDB_val){size_bytes, (void *)(uintptr_t)bytes};
}

/* A row as it lies in the file; borrows from there. */
rc_row_t rc_table_row_of(const MDB_val *key, const MDB_val *value);
bool rc_table_is_key(size_t key_bytes);

/* The names of facts. */
#define RC_FACT_ORDINALS "ordinals"
enum { RC_POSITION_NAME_SIZE = 16 };
size_t rc_table_position_name(char name[RC_POSITION_NAME_SIZE], int32_t partition);

/* Copies a fact of that exact size; leaves *fact alone when there is none. */
int rc_table_get_fact(MDB_txn *txn, rc_table_t *table, const char *name, size_t name_bytes, void *fact,
                      size_t fact_bytes);
int rc_table_get_position(MDB_txn *txn, rc_table_t *table, int32_t partition, rc_table_position_t *position);

/* Fills *error from LMDB's code. */
rc_code_t rc_store_error(rc_store_t *store, int code, const char *what, rc_error_t *error);

#endif
