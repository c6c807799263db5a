/* What the tail's thread does with a table: rows and what is known of partitions, in one transaction. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/hash.h"
#include "common/table_store.h"

static const char IDENTITY[] = "identity";

static int put_fact(MDB_txn *txn, rc_table_t *table, const char *name, size_t name_bytes, const void *fact,
                    size_t fact_bytes)
{
    MDB_val key = rc_val(name, name_bytes), value = rc_val(fact, fact_bytes);
    return mdb_put(txn, table->facts, &key, &value, 0);
}

/* Runs `work` in a transaction of its own, again with a larger map as long as it does not fit. */
static rc_code_t write_to(rc_store_t *store, const char *what, int (*work)(MDB_txn *txn, void *opaque), void *opaque,
                          rc_error_t *error)
{
    int code;
    do {
        MDB_txn *txn;
        if (!store->env) return rc_store_error(store, MDB_PANIC, what, error);
        code = mdb_txn_begin(store->env, NULL, 0, &txn);
        if (!code) {
            code = work(txn, opaque);
            if (code)
                mdb_txn_abort(txn);
            else
                code = mdb_txn_commit(txn);
        }
    } while (code == MDB_MAP_FULL && !(code = rc_store_grow(store)) && (code = MDB_MAP_FULL));
    if (!code) atomic_fetch_add(&store->edition, 1);
    return code ? rc_store_error(store, code, what, error) : RC_OK;
}

static int take_ordinal(MDB_txn *txn, rc_table_t *table, uint32_t *ordinal)
{
    MDB_cursor *cursor;
    MDB_val key, value;
    int code = mdb_cursor_open(txn, table->spare, &cursor);
    if (code) return code;
    code = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
    if (!code) {
        memcpy(ordinal, key.mv_data, sizeof *ordinal);
        code = mdb_cursor_del(cursor, 0);
    } else if (code == MDB_NOTFOUND) {
        uint32_t next = 0;
        code = rc_table_get_fact(txn, table, RC_FACT_ORDINALS, sizeof RC_FACT_ORDINALS - 1, &next, sizeof next);
        RC_INVARIANT(next < UINT32_MAX);
        *ordinal = next++;
        if (!code) code = put_fact(txn, table, RC_FACT_ORDINALS, sizeof RC_FACT_ORDINALS - 1, &next, sizeof next);
    }
    mdb_cursor_close(cursor);
    return code;
}

static int give_ordinal_back(MDB_txn *txn, rc_table_t *table, uint32_t ordinal)
{
    MDB_val key = rc_val(&ordinal, sizeof ordinal), value = rc_val("", 0);
    return mdb_put(txn, table->spare, &key, &value, 0);
}

static int put_row(MDB_txn *txn, rc_table_t *table, MDB_val *key, rc_row_head_t head, const void *bytes,
                   size_t size_bytes)
{
    MDB_val value = {sizeof head + size_bytes, NULL};
    int code = mdb_put(txn, table->rows, key, &value, MDB_RESERVE);
    if (code) return code;
    memcpy(value.mv_data, &head, sizeof head);
    if (size_bytes) memcpy((char *)value.mv_data + sizeof head, bytes, size_bytes);
    return 0;
}

static int apply_row(MDB_txn *txn, const rc_table_write_t *write)
{
    MDB_val key = rc_val(write->key, write->key_bytes), found;
    rc_row_head_t head = {0, write->partition, write->offset};
    int code = mdb_get(txn, write->table->rows, &key, &found);
    bool exists = code == 0;
    if (code && code != MDB_NOTFOUND) return code;
    if (exists) {
        rc_row_head_t former;
        memcpy(&former, found.mv_data, sizeof former);
        if (former.partition == write->partition && former.offset > write->offset) return 0;
        head.ordinal = former.ordinal;
    }
    if (write->value) {
        code = exists ? 0 : take_ordinal(txn, write->table, &head.ordinal);
        return code ? code : put_row(txn, write->table, &key, head, write->value, write->value_bytes);
    }
    if (!exists) return 0;
    code = give_ordinal_back(txn, write->table, head.ordinal);
    return code ? code : mdb_del(txn, write->table->rows, &key, NULL);
}

/* The positions that one transaction moves, loaded once each. */
typedef struct {
    rc_table_t *table;
    int32_t partition;
    rc_table_position_t position;
} moved_t;

typedef struct {
    const rc_table_write_t *writes;
    size_t write_count;
    const rc_table_progress_t *progress;
    size_t progress_count;
    moved_t *moved;
    size_t moved_count, moved_capacity;
} apply_t;

static int moved_position(MDB_txn *txn, apply_t *apply, rc_table_t *table, int32_t partition,
                          rc_table_position_t **position)
{
    for (size_t i = apply->moved_count; i-- > 0;)
        if (apply->moved[i].table == table && apply->moved[i].partition == partition) {
            *position = &apply->moved[i].position;
            return 0;
        }
    if (apply->moved_count == apply->moved_capacity) {
        apply->moved_capacity = apply->moved_capacity ? 2 * apply->moved_capacity : 16;
        apply->moved = rc_realloc(apply->moved, apply->moved_capacity * sizeof *apply->moved);
    }
    moved_t *moved = &apply->moved[apply->moved_count++];
    *moved = (moved_t){.table = table, .partition = partition};
    *position = &moved->position;
    return rc_table_get_position(txn, table, partition, &moved->position);
}

static int apply_all(MDB_txn *txn, void *opaque)
{
    apply_t *apply = opaque;
    rc_table_position_t *position;
    int code = 0;
    apply->moved_count = 0; /* a second time with a larger map begins anew */
    for (size_t i = 0; !code && i < apply->write_count; i++) {
        const rc_table_write_t *write = &apply->writes[i];
        RC_INVARIANT(rc_table_is_key(write->key_bytes));
        code = apply_row(txn, write);
        if (!code) code = moved_position(txn, apply, write->table, write->partition, &position);
        if (code || write->offset < position->witness_offset) continue;
        position->witness_offset = write->offset;
        position->witness_time_ms = write->time_ms;
        position->witness_key = rc_hash64(write->key, write->key_bytes);
    }
    for (size_t i = 0; !code && i < apply->progress_count; i++) {
        const rc_table_progress_t *progress = &apply->progress[i];
        code = moved_position(txn, apply, progress->table, progress->partition, &position);
        if (code) break;
        position->next_offset = progress->next_offset;
        if (progress->caught_up_at.ms) position->caught_up_at = progress->caught_up_at;
    }
    for (size_t i = 0; !code && i < apply->moved_count; i++) {
        char name[RC_POSITION_NAME_SIZE];
        size_t length = rc_table_position_name(name, apply->moved[i].partition);
        code = put_fact(txn, apply->moved[i].table, name, length, &apply->moved[i].position,
                        sizeof apply->moved[i].position);
    }
    return code;
}

rc_code_t rc_store_apply(rc_store_t *store, const rc_table_write_t *writes, size_t write_count,
                         const rc_table_progress_t *progress, size_t progress_count, rc_error_t *error)
{
    apply_t apply = {
        .writes = writes, .write_count = write_count, .progress = progress, .progress_count = progress_count};
    rc_code_t code = write_to(store, "writing the local tables", apply_all, &apply, error);
    free(apply.moved);
    return code;
}

typedef struct {
    rc_table_t *table;
    int32_t partition;
    const char *identity; /* NULL: stays */
    bool emptied;
} clear_t;

static int clear_partition(MDB_txn *txn, rc_table_t *table, int32_t partition)
{
    MDB_cursor *cursor;
    MDB_val key, value;
    char name[RC_POSITION_NAME_SIZE];
    MDB_val position = rc_val(name, rc_table_position_name(name, partition));
    int code = mdb_del(txn, table->facts, &position, NULL);
    if (code && code != MDB_NOTFOUND) return code;
    code = mdb_cursor_open(txn, table->rows, &cursor);
    if (code) return code;
    while (!(code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT))) {
        rc_row_t row = rc_table_row_of(&key, &value);
        if (row.partition != partition) continue;
        code = give_ordinal_back(txn, table, row.ordinal);
        if (!code) code = mdb_cursor_del(cursor, 0);
        if (code) break;
    }
    mdb_cursor_close(cursor);
    return code == MDB_NOTFOUND ? 0 : code;
}

static int clear_rows(MDB_txn *txn, void *opaque)
{
    const clear_t *clear = opaque;
    if (clear->partition >= 0) return clear_partition(txn, clear->table, clear->partition);
    int code = mdb_drop(txn, clear->table->rows, 0);
    if (!code) code = mdb_drop(txn, clear->table->spare, 0);
    MDB_val key = rc_val(IDENTITY, sizeof IDENTITY - 1), value;
    if (!code) code = mdb_get(txn, clear->table->facts, &key, &value);
    char *identity = code ? NULL : rc_strndup(value.mv_data, value.mv_size);
    if (!code || code == MDB_NOTFOUND) code = mdb_drop(txn, clear->table->facts, 0);
    if (!code && identity)
        code = put_fact(txn, clear->table, IDENTITY, sizeof IDENTITY - 1, identity, strlen(identity));
    free(identity);
    return code;
}

rc_code_t rc_table_clear(rc_table_t *table, int32_t partition, rc_error_t *error)
{
    clear_t clear = {.table = table, .partition = partition};
    return write_to(table->store, table->name, clear_rows, &clear, error);
}

static int set_identity(MDB_txn *txn, void *opaque)
{
    clear_t *bind = opaque;
    MDB_val key = rc_val(IDENTITY, sizeof IDENTITY - 1), value;
    size_t length = strlen(bind->identity);
    int code = mdb_get(txn, bind->table->facts, &key, &value);
    if (code && code != MDB_NOTFOUND) return code;
    bool same = !code && value.mv_size == length && !memcmp(value.mv_data, bind->identity, length);
    bind->emptied = !code && !same;
    if (same) return 0;
    code = clear_rows(txn, bind);
    return code ? code : put_fact(txn, bind->table, IDENTITY, sizeof IDENTITY - 1, bind->identity, length);
}

rc_code_t rc_table_bind(rc_table_t *table, const char *cluster_id, const char *topic, int32_t partitions, bool *emptied,
                        rc_error_t *error)
{
    char *identity = rc_sprintf("%s\n%s\n%d", cluster_id, topic, (int)partitions);
    clear_t bind = {.table = table, .partition = -1, .identity = identity};
    rc_code_t code = write_to(table->store, table->name, set_identity, &bind, error);
    free(identity);
    if (!code && emptied) *emptied = bind.emptied;
    return code;
}
