#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/domain.h"
#include "common/table_store.h"

enum { TRUSTED_MS = 12 * 3600 * 1000, CLOCK_SLACK_MS = 3600 * 1000 };

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

rc_row_t rc_table_row_of(const MDB_val *key, const MDB_val *value)
{
    rc_row_head_t head;
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

_Static_assert((int)RC_EMPLOYEE_KEY_MAX_BYTES <= (int)RC_TABLE_KEY_MAX, "every employee has room in a table");

bool rc_table_is_key(size_t key_bytes)
{
    return key_bytes > 0 && key_bytes <= RC_TABLE_KEY_MAX;
}

rc_code_t rc_table_get(rc_table_t *table, const void *key, size_t key_bytes, rc_arena_t *arena, rc_row_t *row,
                       rc_error_t *error)
{
    MDB_txn *txn;
    MDB_val found, wanted = rc_val(key, key_bytes);
    *row = (rc_row_t){0};
    if (!rc_table_is_key(key_bytes)) return RC_OK;
    int code = rc_store_read(table->store, &txn);
    if (code) return rc_store_error(table->store, code, table->name, error);
    code = mdb_get(txn, table->rows, &wanted, &found);
    if (!code) {
        *row = rc_table_row_of(&wanted, &found);
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
    MDB_val key = rc_val(prefix, prefix_bytes), value;
    int code = rc_store_read(table->store, &txn);
    if (code) return rc_store_error(table->store, code, table->name, error);
    code = mdb_cursor_open(txn, table->rows, &cursor);
    if (!code) {
        code = mdb_cursor_get(cursor, &key, &value, prefix_bytes ? MDB_SET_RANGE : MDB_FIRST);
        while (!code && key.mv_size >= prefix_bytes && !memcmp(key.mv_data, prefix, prefix_bytes)) {
            rc_row_t row = rc_table_row_of(&key, &value);
            if (!visit(opaque, &row)) break;
            code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
        }
        mdb_cursor_close(cursor);
    }
    rc_store_read_end(table->store, txn);
    return code && code != MDB_NOTFOUND ? rc_store_error(table->store, code, table->name, error) : RC_OK;
}

/* --- facts --- */

int rc_table_get_fact(MDB_txn *txn, rc_table_t *table, const char *name, size_t name_bytes, void *fact,
                      size_t fact_bytes)
{
    MDB_val key = rc_val(name, name_bytes), value;
    int code = mdb_get(txn, table->facts, &key, &value);
    if (!code && value.mv_size == fact_bytes) memcpy(fact, value.mv_data, fact_bytes);
    return code == MDB_NOTFOUND ? 0 : code;
}

size_t rc_table_position_name(char name[RC_POSITION_NAME_SIZE], int32_t partition)
{
    return (size_t)snprintf(name, RC_POSITION_NAME_SIZE, "p%d", (int)partition);
}

static const rc_table_position_t NEW_POSITION = {.witness_offset = -1, .witness_time_ms = -1};

int rc_table_get_position(MDB_txn *txn, rc_table_t *table, int32_t partition, rc_table_position_t *position)
{
    char name[RC_POSITION_NAME_SIZE];
    size_t length = rc_table_position_name(name, partition);
    *position = NEW_POSITION;
    return rc_table_get_fact(txn, table, name, length, position, sizeof *position);
}

rc_code_t rc_table_count(rc_table_t *table, uint64_t *rows, uint32_t *ordinals, rc_error_t *error)
{
    MDB_txn *txn;
    MDB_stat stat;
    uint32_t known = 0;
    int code = rc_store_read(table->store, &txn);
    if (code) return rc_store_error(table->store, code, table->name, error);
    code = mdb_stat(txn, table->rows, &stat);
    if (!code)
        code = rc_table_get_fact(txn, table, RC_FACT_ORDINALS, sizeof RC_FACT_ORDINALS - 1, &known, sizeof known);
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
    code = rc_table_get_position(txn, table, partition, position);
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
