#include "common/avro.h"

#include <avro.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/avro_schema.h"

/* ---- CRC-64-AVRO (Avro specification, "Schema Fingerprints") ---- */

#define CRC_EMPTY UINT64_C(0xc15d213aa4d7a795)

static uint64_t crc_table[256];
static pthread_once_t crc_once = PTHREAD_ONCE_INIT;

static void fill_crc_table(void)
{
    for (unsigned i = 0; i < 256; i++) {
        uint64_t crc = i;
        for (int bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ (CRC_EMPTY & (0 - (crc & 1)));
        crc_table[i] = crc;
    }
}

uint64_t rc_avro_crc64(const void *bytes, size_t size_bytes)
{
    (void)pthread_once(&crc_once, fill_crc_table);
    const uint8_t *in = bytes;
    uint64_t crc = CRC_EMPTY;
    for (size_t i = 0; i < size_bytes; i++) crc = (crc >> 8) ^ crc_table[(crc ^ in[i]) & 0xff];
    return crc;
}

/* ---- From Avro-C's schema to nodes ---- */

static const char *const type_names[] = {"null",   "boolean", "int",  "long",  "float", "double", "bytes",
                                         "string", "fixed",   "enum", "array", "map",   "union",  "record"};

const char *rc_node_type_str(rc_node_type_t type)
{
    return type_names[type];
}

/* Which node stands for a named type already. */
typedef struct {
    avro_schema_t schema;
    rc_node_t *node;
} named_t;

typedef struct {
    rc_arena_t *arena;
    named_t *named;
    size_t named_count;
    size_t named_capacity;
    const char *fault; /* why it cannot be used; the arena's or static */
} import_t;

static rc_node_t *import_schema(import_t *import, avro_schema_t schema);

static void remember(import_t *import, avro_schema_t schema, rc_node_t *node)
{
    if (import->named_count == import->named_capacity) {
        import->named_capacity = import->named_capacity ? 2 * import->named_capacity : 16;
        import->named = rc_realloc(import->named, import->named_capacity * sizeof *import->named);
    }
    import->named[import->named_count++] = (named_t){schema, node};
}

static rc_node_t *recall(const import_t *import, avro_schema_t schema)
{
    for (size_t i = 0; i < import->named_count; i++)
        if (import->named[i].schema == schema) return import->named[i].node;
    return NULL;
}

static rc_node_t *new_node(import_t *import, rc_node_type_t type, size_t count, uint32_t min_bytes)
{
    rc_node_t *node = rc_arena_alloc(import->arena, sizeof *node);
    node->type = type;
    node->count = count;
    node->min_bytes = min_bytes;
    if (count && type != RC_NODE_ENUM) node->children = rc_arena_alloc(import->arena, count * sizeof *node->children);
    if (count && (type == RC_NODE_ENUM || type == RC_NODE_RECORD))
        node->names = rc_arena_alloc(import->arena, count * sizeof *node->names);
    return node;
}

/* [A-Za-z_][A-Za-z0-9_]*, and with `dotted` several of them with dots between. Avro-C lets anything pass as a symbol or
 * namespace, and a quotation mark in one would make two different schemas look the same in canonical form. */
static bool is_name(const char *text, bool dotted)
{
    bool first = true;
    for (; *text; text++) {
        bool letter = (*text >= 'A' && *text <= 'Z') || (*text >= 'a' && *text <= 'z') || *text == '_';
        bool digit = *text >= '0' && *text <= '9', dot = *text == '.' && dotted;
        if (first ? !letter : !letter && !digit && !dot) return false;
        first = dot;
    }
    return !first;
}

/* Gives a node its full name, and notes it for later references. */
static bool name_node(import_t *import, rc_node_t *node, avro_schema_t schema)
{
    const char *name = avro_schema_name(schema), *space = avro_schema_namespace(schema);
    node->name =
        space && *space ? rc_arena_sprintf(import->arena, "%s.%s", space, name) : rc_arena_strdup(import->arena, name);
    remember(import, schema, node);
    if (is_name(node->name, true)) return true;
    import->fault = "a name or namespace has other characters than letters, digits and _";
    return false;
}

static rc_node_t *import_record(import_t *import, avro_schema_t schema)
{
    size_t count = avro_schema_record_size(schema);
    /* Until its fields are known a record that holds itself counts as one byte: it is not empty. */
    rc_node_t *node = new_node(import, RC_NODE_RECORD, count, 1);
    if (!name_node(import, node, schema)) return NULL;
    uint64_t min_bytes = 0;
    for (size_t i = 0; i < count; i++) {
        const char *name = avro_schema_record_field_name(schema, (int)i);
        for (size_t before = 0; before < i; before++)
            if (strcmp(node->names[before], name) == 0) {
                import->fault = rc_arena_sprintf(import->arena, "%s has two fields %s", node->name, name);
                return NULL;
            }
        node->names[i] = rc_arena_strdup(import->arena, name);
        node->children[i] = import_schema(import, avro_schema_record_field_get_by_index(schema, (int)i));
        if (!node->children[i]) return NULL;
        min_bytes += node->children[i]->min_bytes;
    }
    node->min_bytes = min_bytes < UINT32_MAX ? (uint32_t)min_bytes : UINT32_MAX;
    return node;
}

static rc_node_t *import_enum(import_t *import, avro_schema_t schema)
{
    size_t count = (size_t)avro_schema_enum_number_of_symbols(schema);
    rc_node_t *node = new_node(import, RC_NODE_ENUM, count, 1);
    if (!name_node(import, node, schema)) return NULL;
    for (size_t i = 0; i < count; i++) {
        node->names[i] = rc_arena_strdup(import->arena, avro_schema_enum_get(schema, (int)i));
        if (!is_name(node->names[i], false)) {
            import->fault = rc_arena_sprintf(import->arena, "%s has a symbol that is no name", node->name);
            return NULL;
        }
    }
    return node;
}

static rc_node_t *import_fixed(import_t *import, avro_schema_t schema)
{
    int64_t size_bytes = avro_schema_fixed_size(schema);
    if (size_bytes < 0 || size_bytes > INT32_MAX) {
        import->fault = "a fixed of that size is not supported";
        return NULL;
    }
    rc_node_t *node = new_node(import, RC_NODE_FIXED, 0, (uint32_t)size_bytes);
    node->size_bytes = (uint32_t)size_bytes;
    return name_node(import, node, schema) ? node : NULL;
}

static rc_node_t *import_union(import_t *import, avro_schema_t schema)
{
    size_t count = avro_schema_union_size(schema);
    rc_node_t *node = new_node(import, RC_NODE_UNION, count, 1);
    for (size_t i = 0; i < count; i++) {
        node->children[i] = import_schema(import, avro_schema_union_branch(schema, (int)i));
        if (!node->children[i]) return NULL;
    }
    return node;
}

static rc_node_t *import_container(import_t *import, rc_node_type_t type, avro_schema_t element)
{
    rc_node_t *node = new_node(import, type, 1, 1);
    node->children[0] = import_schema(import, element);
    return node->children[0] ? node : NULL;
}

/* NULL, and import->fault, for what we do not take. */
static rc_node_t *import_schema(import_t *import, avro_schema_t schema)
{
    switch (avro_typeof(schema)) {
    case AVRO_NULL:
        return new_node(import, RC_NODE_NULL, 0, 0);
    case AVRO_BOOLEAN:
        return new_node(import, RC_NODE_BOOLEAN, 0, 1);
    case AVRO_INT32:
        return new_node(import, RC_NODE_INT, 0, 1);
    case AVRO_INT64:
        return new_node(import, RC_NODE_LONG, 0, 1);
    case AVRO_FLOAT:
        return new_node(import, RC_NODE_FLOAT, 0, 4);
    case AVRO_DOUBLE:
        return new_node(import, RC_NODE_DOUBLE, 0, 8);
    case AVRO_BYTES:
        return new_node(import, RC_NODE_BYTES, 0, 1);
    case AVRO_STRING:
        return new_node(import, RC_NODE_STRING, 0, 1);
    case AVRO_FIXED:
        return import_fixed(import, schema);
    case AVRO_ENUM:
        return import_enum(import, schema);
    case AVRO_ARRAY:
        return import_container(import, RC_NODE_ARRAY, avro_schema_array_items(schema));
    case AVRO_MAP:
        return import_container(import, RC_NODE_MAP, avro_schema_map_values(schema));
    case AVRO_UNION:
        return import_union(import, schema);
    case AVRO_RECORD:
        return import_record(import, schema);
    case AVRO_LINK: {
        rc_node_t *target = recall(import, avro_schema_link_target(schema));
        if (!target) import->fault = "a name is used before it is defined";
        return target;
    }
    default:
        import->fault = "a type that the Avro specification does not have";
        return NULL;
    }
}

/* ---- Parsing Canonical Form (Avro specification) ---- */

static void add_names(rc_buf_t *out, const rc_node_t *node)
{
    for (size_t i = 0; i < node->count; i++) rc_buf_add_format(out, "%s\"%s\"", i ? "," : "", node->names[i]);
}

static void add_canonical(rc_buf_t *out, rc_node_t *node)
{
    if (node->name && node->printed) {
        rc_buf_add_format(out, "\"%s\"", node->name);
        return;
    }
    node->printed = true;
    const char *type = rc_node_type_str(node->type);
    switch (node->type) {
    case RC_NODE_RECORD:
        rc_buf_add_format(out, "{\"name\":\"%s\",\"type\":\"record\",\"fields\":[", node->name);
        for (size_t i = 0; i < node->count; i++) {
            rc_buf_add_format(out, "%s{\"name\":\"%s\",\"type\":", i ? "," : "", node->names[i]);
            add_canonical(out, node->children[i]);
            rc_buf_add_str(out, "}");
        }
        rc_buf_add_str(out, "]}");
        break;
    case RC_NODE_ENUM:
        rc_buf_add_format(out, "{\"name\":\"%s\",\"type\":\"enum\",\"symbols\":[", node->name);
        add_names(out, node);
        rc_buf_add_str(out, "]}");
        break;
    case RC_NODE_FIXED:
        rc_buf_add_format(out, "{\"name\":\"%s\",\"type\":\"fixed\",\"size\":%u}", node->name, node->size_bytes);
        break;
    case RC_NODE_ARRAY:
    case RC_NODE_MAP:
        rc_buf_add_format(out, "{\"type\":\"%s\",\"%s\":", type, node->type == RC_NODE_ARRAY ? "items" : "values");
        add_canonical(out, node->children[0]);
        rc_buf_add_str(out, "}");
        break;
    case RC_NODE_UNION:
        for (size_t i = 0; i < node->count; i++) {
            rc_buf_add_str(out, i ? "," : "[");
            add_canonical(out, node->children[i]);
        }
        rc_buf_add_str(out, "]");
        break;
    default:
        rc_buf_add_format(out, "\"%s\"", type);
    }
}

/* ---- Schemas ---- */

/* Avro-C has one allocator, one error text and one set of reference counts for all threads. */
static pthread_mutex_t avro_lock = PTHREAD_MUTEX_INITIALIZER;

/* Avro-C never frees a schema that refers to itself, nor all of one that it refuses. So for the time of a parse its
 * memory comes out of an arena, and goes with it. */
static void *reallocate(void *arena, void *memory, size_t old_bytes, size_t new_bytes)
{
    if (new_bytes == 0) return NULL;
    void *larger = rc_arena_alloc(arena, new_bytes);
    if (memory) memcpy(larger, memory, old_bytes < new_bytes ? old_bytes : new_bytes);
    return larger;
}

static rc_node_t *parse_locked(const char *json, size_t size_bytes, rc_arena_t *arena, rc_error_t *error)
{
    avro_schema_t parsed = NULL;
    if (avro_schema_from_json_length(json, size_bytes, &parsed) != 0) {
        rc_error_set(error, RC_MALFORMED, RC_REJECT, "not an Avro schema: %s", avro_strerror());
        return NULL;
    }
    import_t import = {.arena = arena, .fault = "it is no schema"};
    rc_node_t *root = import_schema(&import, parsed);
    if (!root) rc_error_set(error, RC_MALFORMED, RC_REJECT, "not a usable Avro schema: %s", import.fault);
    free(import.named);
    return root;
}

static rc_node_t *parse(const char *json, size_t size_bytes, rc_arena_t *arena, rc_error_t *error)
{
    rc_arena_t *scratch = rc_arena_new();
    (void)pthread_mutex_lock(&avro_lock);
    const struct avro_allocator_state before = AVRO_CURRENT_ALLOCATOR;
    avro_set_allocator(reallocate, scratch);
    rc_node_t *root = parse_locked(json, size_bytes, arena, error);
    avro_set_allocator(before.alloc, before.user_data);
    (void)pthread_mutex_unlock(&avro_lock);
    rc_arena_free(scratch);
    return root;
}

rc_code_t rc_avro_schema_parse(const char *json, size_t size_bytes, rc_avro_schema_t **schema, rc_error_t *error)
{
    if (size_bytes > RC_AVRO_SCHEMA_MAX_BYTES)
        return rc_error_set(error, RC_TOO_LARGE, RC_REJECT, "a schema of %zu bytes: at most %d are taken", size_bytes,
                            RC_AVRO_SCHEMA_MAX_BYTES);
    rc_arena_t *arena = rc_arena_new();
    rc_node_t *root = parse(json, size_bytes, arena, error);
    if (!root) {
        rc_arena_free(arena);
        return RC_MALFORMED;
    }
    /* Namespaces make it longer than the schema, if they are absurdly long. */
    rc_buf_t canonical = RC_BUF_INIT((size_t)16 * RC_AVRO_SCHEMA_MAX_BYTES);
    add_canonical(&canonical, root);
    if (canonical.overflowed) {
        rc_buf_fini(&canonical);
        rc_arena_free(arena);
        return rc_error_set(error, RC_TOO_LARGE, RC_REJECT, "the canonical form of a schema of %zu bytes is too long",
                            size_bytes);
    }
    rc_avro_schema_t *made = rc_zalloc(sizeof *made);
    made->arena = arena;
    made->root = root;
    made->fingerprint = rc_avro_crc64(canonical.data, canonical.size_bytes);
    made->canonical = rc_buf_take(&canonical);
    *schema = made;
    return RC_OK;
}

void rc_avro_schema_free(rc_avro_schema_t *schema)
{
    if (!schema) return;
    rc_arena_free(schema->arena);
    free(schema->canonical);
    free(schema);
}

const char *rc_avro_schema_name(const rc_avro_schema_t *schema)
{
    return schema->root->name ? schema->root->name : "";
}

const char *rc_avro_schema_canonical(const rc_avro_schema_t *schema)
{
    return schema->canonical;
}

uint64_t rc_avro_schema_fingerprint(const rc_avro_schema_t *schema)
{
    return schema->fingerprint;
}
