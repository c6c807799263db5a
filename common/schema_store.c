#include "common/schema_store.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/map.h"
#include "common/mem.h"
#include "common/schemas.h"

/* What the outside sees, and what it stands on. */
typedef struct {
    rc_schema_t schema; /* first: handed out as such */
    rc_avro_schema_t *avro;
    rc_avro_plan_t *plan;
    char *json;
    char *fault;
} entry_t;

struct rc_schema_store {
    pthread_rwlock_t lock; /* both maps */
    rc_map_t *by_fingerprint;
    rc_map_t *by_id; /* borrows the entries of the other */
    const rc_schema_t *current[RC_RECORD_COUNT];
};

static void free_entry(void *opaque)
{
    entry_t *entry = opaque;
    if (!entry) return;
    rc_avro_plan_free(entry->plan);
    rc_avro_schema_free(entry->avro);
    free(entry->json);
    free(entry->fault);
    free(entry);
}

static rc_code_t new_entry(const char *json, size_t json_bytes, entry_t **made, rc_error_t *error)
{
    rc_avro_schema_t *avro;
    rc_code_t code = rc_avro_schema_parse(json, json_bytes, &avro, error);
    if (code != RC_OK) return code;
    entry_t *entry = rc_zalloc(sizeof *entry);
    entry->avro = avro;
    entry->json = rc_strndup(json, json_bytes);
    rc_schema_t *schema = &entry->schema;
    schema->fingerprint = rc_avro_schema_fingerprint(avro);
    rc_fingerprint_str(schema->fingerprint, schema->fingerprint_text);
    schema->name = rc_avro_schema_name(avro);
    schema->json = entry->json;
    schema->json_bytes = json_bytes;
    schema->kind = rc_record_find(schema->name);
    rc_error_t fault = RC_ERROR_INIT;
    if (schema->kind >= 0)
        (void)rc_avro_plan_new(avro, rc_record_table((rc_record_kind_t)schema->kind), &entry->plan, &fault);
    if (!entry->plan)
        entry->fault =
            schema->kind >= 0 ? rc_strdup(fault.message) : rc_sprintf("%s is no record of ours", schema->name);
    schema->plan = entry->plan;
    schema->fault = entry->fault;
    *made = entry;
    return RC_OK;
}

/* Takes the entry: it is in the store afterwards, or gone because the store had the same schema already. Under the
 * write lock. */
static rc_code_t keep(rc_schema_store_t *store, entry_t *entry, const rc_schema_t **kept, rc_error_t *error)
{
    uint64_t fingerprint = entry->schema.fingerprint;
    entry_t *known = rc_map_get(store->by_fingerprint, &fingerprint, sizeof fingerprint);
    if (known) {
        free_entry(entry);
        *kept = &known->schema;
        return RC_OK;
    }
    if (rc_map_count(store->by_fingerprint) >= RC_SCHEMA_STORE_MAX) {
        free_entry(entry);
        return rc_error_set(error, RC_TOO_LARGE, RC_REJECT,
                            "more than %d schemas are known: something writes schemas that are none of Rollcall's",
                            RC_SCHEMA_STORE_MAX);
    }
    (void)rc_map_set(store->by_fingerprint, &fingerprint, sizeof fingerprint, entry);
    *kept = &entry->schema;
    return RC_OK;
}

static void add_built_in(rc_schema_store_t *store, const rc_schema_source_t *source)
{
    rc_error_t error = RC_ERROR_INIT;
    entry_t *entry;
    const rc_schema_t *kept;
    if (new_entry(source->json, strlen(source->json), &entry, &error) != RC_OK)
        RC_DIE("the built-in schema %s: %s", source->name, error.message);
    if (!entry->plan) RC_DIE("the built-in schema %s: %s", source->name, entry->fault);
    RC_INVARIANT(keep(store, entry, &kept, NULL) == RC_OK);
    if (!strchr(source->name, '/')) store->current[kept->kind] = kept;
}

rc_schema_store_t *rc_schema_store_new(void)
{
    rc_schema_store_t *store = rc_zalloc(sizeof *store);
    RC_INVARIANT(pthread_rwlock_init(&store->lock, NULL) == 0);
    store->by_fingerprint = rc_map_new(free_entry);
    store->by_id = rc_map_new(NULL);
    for (const rc_schema_source_t *source = RC_SCHEMAS; source->name; source++) add_built_in(store, source);
    for (int kind = 0; kind < RC_RECORD_COUNT; kind++)
        if (!store->current[kind]) RC_DIE("schemas/%s.avsc is not built in", rc_record_name((rc_record_kind_t)kind));
    return store;
}

void rc_schema_store_free(rc_schema_store_t *store)
{
    if (!store) return;
    rc_map_free(store->by_id);
    rc_map_free(store->by_fingerprint);
    (void)pthread_rwlock_destroy(&store->lock);
    free(store);
}

const rc_schema_t *rc_schema_store_current(const rc_schema_store_t *store, rc_record_kind_t kind)
{
    RC_INVARIANT((int)kind >= 0 && kind < RC_RECORD_COUNT);
    return store->current[kind];
}

static const rc_schema_t *find(rc_schema_store_t *store, const rc_map_t *map, const void *key, size_t key_bytes)
{
    (void)pthread_rwlock_rdlock(&store->lock);
    const entry_t *entry = rc_map_get(map, key, key_bytes);
    (void)pthread_rwlock_unlock(&store->lock);
    return entry ? &entry->schema : NULL;
}

const rc_schema_t *rc_schema_store_find(rc_schema_store_t *store, uint64_t fingerprint)
{
    return find(store, store->by_fingerprint, &fingerprint, sizeof fingerprint);
}

const rc_schema_t *rc_schema_store_find_id(rc_schema_store_t *store, uint32_t registry_id)
{
    return find(store, store->by_id, &registry_id, sizeof registry_id);
}

const rc_schema_t *rc_schema_store_find_framing(rc_schema_store_t *store, const rc_framing_t *framing)
{
    return framing->wire == RC_WIRE_CONFLUENT ? rc_schema_store_find_id(store, framing->registry_id)
                                              : rc_schema_store_find(store, framing->fingerprint);
}

rc_code_t rc_schema_store_add_record(rc_schema_store_t *store, const void *key, size_t key_bytes, const void *value,
                                     size_t value_bytes, rc_error_t *error)
{
    uint64_t fingerprint;
    if (!value) return RC_OK;
    if (!key || !rc_fingerprint_parse(key, key_bytes, &fingerprint))
        return rc_error_set(error, RC_MALFORMED, RC_REJECT,
                            "the key of a record in the topic of schemas is not a fingerprint of 16 hex digits");
    if (rc_schema_store_find(store, fingerprint)) return RC_OK;
    entry_t *entry;
    rc_code_t code = new_entry(value, value_bytes, &entry, error);
    if (code != RC_OK) return rc_error_prefix(error, "schema %.16s", (const char *)key), code;
    if (entry->schema.fingerprint != fingerprint) {
        code = rc_error_set(error, RC_MALFORMED, RC_REJECT, "schema %.16s: the value's fingerprint is %s",
                            (const char *)key, entry->schema.fingerprint_text);
        free_entry(entry);
        return code;
    }
    const rc_schema_t *kept;
    (void)pthread_rwlock_wrlock(&store->lock);
    code = keep(store, entry, &kept, error);
    (void)pthread_rwlock_unlock(&store->lock);
    return code;
}

rc_code_t rc_schema_store_add_registered(rc_schema_store_t *store, uint32_t registry_id, const char *json,
                                         size_t json_bytes, rc_error_t *error)
{
    entry_t *entry;
    rc_code_t code = new_entry(json, json_bytes, &entry, error);
    if (code != RC_OK) return rc_error_prefix(error, "registry id %u", (unsigned)registry_id), code;
    const rc_schema_t *kept;
    (void)pthread_rwlock_wrlock(&store->lock);
    code = keep(store, entry, &kept, error);
    if (code == RC_OK) {
        entry_t *known = rc_map_get(store->by_id, &registry_id, sizeof registry_id);
        if (!known)
            (void)rc_map_set(store->by_id, &registry_id, sizeof registry_id, (void *)kept);
        else if (&known->schema != kept)
            code = rc_error_set(error, RC_CONFLICT, RC_REJECT,
                                "registry id %u stands for schema %s now, and stood for %s before: the registry lost "
                                "its contents; records already written cannot be told apart",
                                (unsigned)registry_id, kept->fingerprint_text, known->schema.fingerprint_text);
    }
    (void)pthread_rwlock_unlock(&store->lock);
    return code;
}
