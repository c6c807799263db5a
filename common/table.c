#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/hash.h"
#include "common/table_store.h"

enum { TRUSTED_MS = 12 * 3600 * 1000, CLOCK_SLACK_MS = 3600 * 1000 };

/* In front of every row's value. */
typedef struct {
    uint32_t ordinal;
    int32_t partition;
    int64_t offset;
} row_head_t;

static MDB_val val(const void *bytes, size_t size_bytes)
{
    return (MDB_val){size_bytes, (void *)bytes};
}

/* --- tables --- */

int rc_store_open_table(rc_store_t *store, rc_table_t *table)
{
    MDB_txn *txn;
    char facts[64], spare[64];
    (void)snprintf(facts, sizeof facts, "%s.facts", table->name);
    (void)snprintf(spare, sizeof spare, "%s.spare", table->name);
    int code = mdb_txn_begin(store->env, NULL, 0, &txn);
    if (code) return code;
    code = mdb_dbi_open(txn, table->name, MDB_CREATE, &table->rows);
    if (!code) code = mdb_dbi_open(txn, facts, MDB_CREATE, &table->facts);
    if (!code) code = mdb_dbi_open(txn, spare, MDB_CREATE | MDB_INTEGERKEY, &table->spare);
    if (!code) return mdb_txn_commit(txn);
    mdb_txn_abort(txn);
    return code;
}

rc_code_t rc_table_open(rc_store_t *store, const char *name, rc_table_t **out, rc_error_t *error)
{
    RC_INVARIANT(store->table_count < RC_TABLES_MAX && strlen(name) < 32);
    rc_table_t *table = rc_zalloc(sizeof *table);
    table->store = store;
    table->name = rc_strdup(name);
    int failed = rc_store_open_table(store, table);
    if (failed) {
        free(table->name);
        free(table);
        return rc_store_error(store, failed, name, error);
    }
    store->tables[store->table_count++] = table;
    *out = table;
    return RC_OK;
}

/* --- reading --- */

static rc_row_t row_of(const MDB_val *key, const MDB_val *value)
{
    row_head_t head;
    RC_INVARIANT(value->mv_size >= sizeof head);
    memcpy(&head, value->mv_data, sizeof head);
    return (rc_row_t){.key = key->mv_data,
                      .key_bytes = key->mv_size,
                      .value = (const char *)value->mv_data + sizeof head,
                      .value_bytes = value->mv_size - sizeof head,
                      .partition = head.partition,
                      .offset = head.offset,
                      .ordinal = head.ordinal};
}

static bool is_key(size_t key_bytes)
{
    return key_bytes > 0 && key_bytes <= RC_TABLE_KEY_MAX;
}

rc_code_t rc_table_get(rc_table_t *table, const void *key, size_t key_bytes, rc_arena_t *arena, rc_row_t *row,
                       rc_error_t *error)
{
    MDB_txn *txn;
    MDB_val found, wanted = val(key, key_bytes);
    *row = (rc_row_t){0};
    if (!is_key(key_bytes)) return RC_OK;
    int code = rc_store_read(table->store, &txn);
    if (code) return rc_store_error(table->store, code, table->name, error);
    code = mdb_get(txn, table->rows, &wanted, &found);
    if (!code) {
        *row = row_of(&wanted, &found);
        row->key = rc_arena_strndup(arena, key, key_bytes);
        row->value = rc_arena_strndup(arena, row->value, row->value_bytes);
    }
    rc_store_read_end(table->store, txn);
    return code && code != MDB_NOTFOUND ? rc_store_error(table->store, code, table->name, error) : RC_OK;
}

uint64_t rc_table_edition(const rc_table_t *table)
{
    return atomic_load(&table->store->edition);
}

rc_code_t rc_table_scan(rc_table_t *table, const void *prefix, size_t prefix_bytes,
                        bool (*visit)(void *opaque, const rc_row_t *row), void *opaque, rc_error_t *error)
{
    MDB_txn *txn;
    MDB_cursor *cursor;
    MDB_val key = val(prefix, prefix_bytes), value;
    int code = rc_store_read(table->store, &txn);
    if (code) return rc_store_error(table->store, code, table->name, error);
    code = mdb_cursor_open(txn, table->rows, &cursor);
    if (!code) {
        code = mdb_cursor_get(cursor, &key, &value, prefix_bytes ? MDB_SET_RANGE : MDB_FIRST);
        while (!code && key.mv_size >= prefix_bytes && !memcmp(key.mv_data, prefix, prefix_bytes)) {
            rc_row_t row = row_of(&key, &value);
            if (!visit(opaque, &row)) break;
            code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
        }
        mdb_cursor_close(cursor);
    }
    rc_store_read_end(table->store, txn);
    return code && code != MDB_NOTFOUND ? rc_store_error(table->store, code, table->name, error) : RC_OK;
}

/* --- facts --- */

/* Copies a fact of that exact size; leaves *fact alone when there is none. */
static int get_fact(MDB_txn *txn, rc_table_t *table, const char *name, size_t name_bytes, void *fact, size_t fact_bytes)
{
    MDB_val key = val(name, name_bytes), value;
    int code = mdb_get(txn, table->facts, &key, &value);
    if (!code && value.mv_size == fact_bytes) memcpy(fact, value.mv_data, fact_bytes);
    return code == MDB_NOTFOUND ? 0 : code;
}

static int put_fact(MDB_txn *txn, rc_table_t *table, const char *name, size_t name_bytes, const void *fact,
                    size_t fact_bytes)
{
    MDB_val key = val(name, name_bytes), value = val(fact, fact_bytes);
    return mdb_put(txn, table->facts, &key, &value, 0);
}

static const char ORDINALS[] = "ordinals";
static const char IDENTITY[] = "identity";

enum { POSITION_NAME_SIZE = 16 };
static size_t position_name(char name[POSITION_NAME_SIZE], int32_t partition)
{
    return (size_t)snprintf(name, POSITION_NAME_SIZE, "p%d", (int)partition);
}

static const rc_table_position_t NEW_POSITION = {.witness_offset = -1, .witness_time_ms = -1};

static int get_position(MDB_txn *txn, rc_table_t *table, int32_t partition, rc_table_position_t *position)
{
    char name[POSITION_NAME_SIZE];
    size_t length = position_name(name, partition);
    *position = NEW_POSITION;
    return get_fact(txn, table, name, length, position, sizeof *position);
}

rc_code_t rc_table_count(rc_table_t *table, uint64_t *rows, uint32_t *ordinals, rc_error_t *error)
{
    MDB_txn *txn;
    MDB_stat stat;
    uint32_t known = 0;
    int code = rc_store_read(table->store, &txn);
    if (code) return rc_store_error(table->store, code, table->name, error);
    code = mdb_stat(txn, table->rows, &stat);
    if (!code) code = get_fact(txn, table, ORDINALS, sizeof ORDINALS - 1, &known, sizeof known);
    rc_store_read_end(table->store, txn);
    if (code) return rc_store_error(table->store, code, table->name, error);
    *rows = stat.ms_entries;
    *ordinals = known;
    return RC_OK;
}

rc_code_t rc_table_position(rc_table_t *table, int32_t partition, rc_table_position_t *position, rc_error_t *error)
{
    MDB_txn *txn;
    int code = rc_store_read(table->store, &txn);
    if (code) return rc_store_error(table->store, code, table->name, error);
    code = get_position(txn, table, partition, position);
    rc_store_read_end(table->store, txn);
    return code ? rc_store_error(table->store, code, table->name, error) : RC_OK;
}

const char *rc_table_stale(const rc_table_position_t *position, int64_t beginning, int64_t end, rc_wall_t now)
{
    if (position->next_offset == 0 && position->witness_offset < 0) return NULL; /* nothing that could be wrong */
    if (position->caught_up_at.ms == 0) return "it was never read to its end";
    if (now.ms - position->caught_up_at.ms > TRUSTED_MS) return "it was read to its end more than 12 hours ago";
    if (position->caught_up_at.ms - now.ms > CLOCK_SLACK_MS) return "the clock was set back";
    if (position->next_offset > end) return "it is ahead of the topic";
    if (position->next_offset < beginning || (position->witness_offset >= 0 && position->witness_offset < beginning))
        return "the topic begins behind it";
    return NULL;
}

/* --- writing --- */

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
        code = get_fact(txn, table, ORDINALS, sizeof ORDINALS - 1, &next, sizeof next);
        RC_INVARIANT(next < UINT32_MAX);
        *ordinal = next++;
        if (!code) code = put_fact(txn, table, ORDINALS, sizeof ORDINALS - 1, &next, sizeof next);
    }
    mdb_cursor_close(cursor);
    return code;
}

static int give_ordinal_back(MDB_txn *txn, rc_table_t *table, uint32_t ordinal)
{
    MDB_val key = val(&ordinal, sizeof ordinal), value = val("", 0);
    return mdb_put(txn, table->spare, &key, &value, 0);
}

static int put_row(MDB_txn *txn, rc_table_t *table, MDB_val *key, row_head_t head, const void *bytes, size_t size_bytes)
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
    MDB_val key = val(write->key, write->key_bytes), found;
    row_head_t head = {0, write->partition, write->offset};
    int code = mdb_get(txn, write->table->rows, &key, &found);
    bool exists = code == 0;
    if (code && code != MDB_NOTFOUND) return code;
    if (exists) {
        row_head_t former;
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
    return get_position(txn, table, partition, &moved->position);
}

static int apply_all(MDB_txn *txn, void *opaque)
{
    apply_t *apply = opaque;
    rc_table_position_t *position;
    int code = 0;
    apply->moved_count = 0; /* a second time with a larger map begins anew */
    for (size_t i = 0; !code && i < apply->write_count; i++) {
        const rc_table_write_t *write = &apply->writes[i];
        RC_INVARIANT(is_key(write->key_bytes));
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
        char name[POSITION_NAME_SIZE];
        size_t length = position_name(name, apply->moved[i].partition);
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
    char name[POSITION_NAME_SIZE];
    MDB_val position = val(name, position_name(name, partition));
    int code = mdb_del(txn, table->facts, &position, NULL);
    if (code && code != MDB_NOTFOUND) return code;
    code = mdb_cursor_open(txn, table->rows, &cursor);
    if (code) return code;
    while (!(code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT))) {
        rc_row_t row = row_of(&key, &value);
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
    MDB_val key = val(IDENTITY, sizeof IDENTITY - 1), value;
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
    MDB_val key = val(IDENTITY, sizeof IDENTITY - 1), value;
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
