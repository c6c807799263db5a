#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "common/avro.h"
#include "common/avro_schema.h"
#include "common/text.h"

/* Nested values of a schema may lead back to themselves; this is as deep as we follow. */
enum { SKIP_DEPTH_MAX = 64 };

/* One field of the writer's record. */
typedef struct {
    const rc_avro_field_t *field; /* NULL: not ours, skipped */
    const rc_node_t *node;        /* of the value, behind the union; of the elements of an ENUM_SET or ARRAY */
    const rc_node_t *whole;       /* as the schema has it, for skipping */
    bool in_union;
    int value_branch;
    int null_branch; /* -1: the schema does not allow null */
    int *values;     /* of an enum: the writer's index to our value, or -1 */
    int *indices;    /* of an enum: our value to the writer's index, or -1 */
    const rc_avro_plan_t *record;
} step_t;

struct rc_avro_plan {
    rc_arena_t *arena; /* of the outermost plan; NULL in those within */
    const rc_avro_record_t *table;
    step_t *steps;
    size_t step_count;
    const rc_avro_field_t **missing; /* fields of ours that the writer does not have */
    size_t missing_count;
};

_Static_assert(sizeof(rc_status_t) == sizeof(int), "enumerations are int-sized: RC_AVRO_ENUM relies on it");

/* ---- Members of a struct, by offset ---- */

/* Types differ behind the offsets, so values are copied bytewise. */
#define GET(type, record, at)                                                \
    __extension__({                                                          \
        type get_value;                                                      \
        memcpy(&get_value, (const char *)(record) + (at), sizeof get_value); \
        get_value;                                                           \
    })
#define PUT(type, record, at, value)                                   \
    do {                                                               \
        type put_value = (value);                                      \
        memcpy((char *)(record) + (at), &put_value, sizeof put_value); \
    } while (0)

static void put_absent(const rc_avro_field_t *field, void *record)
{
    switch (field->kind) {
    case RC_AVRO_STRING:
        PUT(const char *, record, field->offset, NULL);
        break;
    case RC_AVRO_LONG:
    case RC_AVRO_WALL:
        PUT(int64_t, record, field->offset, 0);
        break;
    case RC_AVRO_BOOL:
        PUT(bool, record, field->offset, false);
        break;
    case RC_AVRO_DATE:
        PUT(rc_date_t, record, field->offset, RC_DATE_NONE);
        break;
    case RC_AVRO_ENUM:
        PUT(int, record, field->offset, field->otherwise >= 0 ? field->otherwise : 0);
        break;
    case RC_AVRO_ENUM_SET:
        PUT(uint32_t, record, field->offset, 0);
        break;
    case RC_AVRO_ARRAY:
        PUT(void *, record, field->offset, NULL);
        PUT(size_t, record, field->count_offset, 0);
        break;
    case RC_AVRO_RECORD:
        for (size_t i = 0; i < field->record->field_count; i++)
            put_absent(&field->record->fields[i], (char *)record + field->offset);
    }
}

static bool is_absent(const rc_avro_field_t *field, const void *record)
{
    switch (field->kind) {
    case RC_AVRO_STRING:
        return GET(const char *, record, field->offset) == NULL;
    case RC_AVRO_LONG:
    case RC_AVRO_WALL:
        return GET(int64_t, record, field->offset) == 0;
    case RC_AVRO_DATE:
        return !rc_date_is_set(GET(rc_date_t, record, field->offset));
    case RC_AVRO_ENUM_SET:
        return GET(uint32_t, record, field->offset) == 0;
    case RC_AVRO_ARRAY:
        return GET(size_t, record, field->count_offset) == 0;
    case RC_AVRO_RECORD:
        return field->present && !field->present((const char *)record + field->offset);
    case RC_AVRO_BOOL:
    case RC_AVRO_ENUM:
        break;
    }
    return false;
}

/* ---- Plans ---- */

static rc_code_t pair(rc_arena_t *arena, const rc_node_t *node, const rc_avro_record_t *table, rc_avro_plan_t *plan,
                      rc_error_t *error);

static rc_code_t refuse(const rc_avro_record_t *table, const char *field, rc_error_t *error, const char *why)
{
    return rc_error_set(error, RC_MALFORMED, RC_REJECT, "the schema's %s.%s %s", table->name, field, why);
}

static bool fits(const rc_avro_field_t *field, const rc_node_t *node)
{
    switch (field->kind) {
    case RC_AVRO_STRING:
        return node->type == RC_NODE_STRING;
    case RC_AVRO_LONG:
    case RC_AVRO_WALL:
        return node->type == RC_NODE_LONG || node->type == RC_NODE_INT;
    case RC_AVRO_BOOL:
        return node->type == RC_NODE_BOOLEAN;
    case RC_AVRO_DATE:
        return node->type == RC_NODE_INT;
    case RC_AVRO_ENUM:
        return node->type == RC_NODE_ENUM;
    case RC_AVRO_ENUM_SET:
        return node->type == RC_NODE_ARRAY && node->children[0]->type == RC_NODE_ENUM;
    case RC_AVRO_RECORD:
        return node->type == RC_NODE_RECORD;
    case RC_AVRO_ARRAY:
        return node->type == RC_NODE_ARRAY && node->children[0]->type == RC_NODE_RECORD &&
               node->children[0]->min_bytes > 0;
    }
    return false;
}

/* Looks behind ["null", T], [T, "null"] and [T]. False for any other union. */
static bool open_union(step_t *step)
{
    const rc_node_t *node = step->whole;
    step->node = node;
    step->null_branch = -1;
    if (node->type != RC_NODE_UNION) return true;
    if (node->count > 2) return false;
    step->in_union = true;
    for (int i = 0; i < (int)node->count; i++)
        if (node->children[i]->type == RC_NODE_NULL) step->null_branch = i;
    step->value_branch = step->null_branch == 0 ? 1 : 0;
    if ((size_t)step->value_branch >= node->count || (node->count == 2 && step->null_branch < 0)) return false;
    step->node = node->children[step->value_branch];
    return true;
}

static void pair_symbols(rc_arena_t *arena, step_t *step)
{
    const rc_enum_t *symbols = step->field->symbols;
    step->values = rc_arena_alloc(arena, step->node->count * sizeof(int));
    step->indices = rc_arena_alloc(arena, (size_t)symbols->count * sizeof(int));
    for (int i = 0; i < symbols->count; i++) step->indices[i] = -1;
    for (size_t i = 0; i < step->node->count; i++) {
        int value = rc_enum_parse(symbols, step->node->names[i]);
        if (value >= 0) step->indices[value] = (int)i;
        step->values[i] = value >= 0 ? value : step->field->otherwise;
    }
}

static rc_code_t pair_field(rc_arena_t *arena, const rc_avro_record_t *table, step_t *step, rc_error_t *error)
{
    const rc_avro_field_t *field = step->field;
    if (!open_union(step) || !fits(field, step->node))
        return refuse(table, field->name, error, "has a type that cannot be read into ours");
    if (field->kind == RC_AVRO_ENUM_SET || field->kind == RC_AVRO_ARRAY) step->node = step->node->children[0];
    if (field->symbols) pair_symbols(arena, step);
    if (!field->record) return RC_OK;
    rc_avro_plan_t *within = rc_arena_alloc(arena, sizeof *within);
    step->record = within;
    return pair(arena, step->node, field->record, within, error);
}

static const rc_avro_field_t *find_field(const rc_avro_record_t *table, const char *name)
{
    for (size_t i = 0; i < table->field_count; i++)
        if (strcmp(table->fields[i].name, name) == 0) return &table->fields[i];
    return NULL;
}

static bool has_field(const rc_node_t *node, const char *name)
{
    for (size_t i = 0; i < node->count; i++)
        if (strcmp(node->names[i], name) == 0) return true;
    return false;
}

static rc_code_t pair(rc_arena_t *arena, const rc_node_t *node, const rc_avro_record_t *table, rc_avro_plan_t *plan,
                      rc_error_t *error)
{
    plan->table = table;
    plan->step_count = node->count;
    plan->steps = rc_arena_alloc(arena, node->count * sizeof *plan->steps);
    for (size_t i = 0; i < node->count; i++) {
        step_t *step = &plan->steps[i];
        step->whole = node->children[i];
        step->field = find_field(table, node->names[i]);
        if (step->field && pair_field(arena, table, step, error) != RC_OK) return RC_MALFORMED;
    }
    plan->missing = rc_arena_alloc(arena, table->field_count * sizeof *plan->missing);
    for (size_t i = 0; i < table->field_count; i++) {
        const rc_avro_field_t *field = &table->fields[i];
        if (has_field(node, field->name)) continue;
        if (field->required || (field->kind == RC_AVRO_ENUM && field->otherwise < 0))
            return refuse(table, field->name, error, "is not there, and it has no default");
        plan->missing[plan->missing_count++] = field;
    }
    return RC_OK;
}

rc_code_t rc_avro_plan_new(const rc_avro_schema_t *schema, const rc_avro_record_t *table, rc_avro_plan_t **plan,
                           rc_error_t *error)
{
    if (schema->root->type != RC_NODE_RECORD)
        return rc_error_set(error, RC_MALFORMED, RC_REJECT, "the schema is no record but %s",
                            rc_node_type_str(schema->root->type));
    rc_arena_t *arena = rc_arena_new();
    rc_avro_plan_t *made = rc_arena_alloc(arena, sizeof *made);
    made->arena = arena;
    if (pair(arena, schema->root, table, made, error) != RC_OK) {
        rc_arena_free(arena);
        return RC_MALFORMED;
    }
    *plan = made;
    return RC_OK;
}

void rc_avro_plan_free(rc_avro_plan_t *plan)
{
    if (plan) rc_arena_free(plan->arena);
}

/* ---- Encoding ---- */

typedef struct {
    rc_buf_t *out;
    rc_error_t *error;
} writer_t;

static rc_code_t write_record(const writer_t *writer, const rc_avro_plan_t *plan, const void *record);

static rc_code_t write_bytes(const writer_t *writer, const void *bytes, size_t size_bytes)
{
    if (rc_buf_add(writer->out, bytes, size_bytes)) return RC_OK;
    return rc_error_set(writer->error, RC_TOO_LARGE, RC_REJECT, "the record is larger than %zu bytes",
                        writer->out->cap_bytes);
}

static rc_code_t write_long(const writer_t *writer, int64_t value)
{
    uint8_t bytes[10];
    size_t length = 0;
    uint64_t rest = ((uint64_t)value << 1) ^ (value < 0 ? UINT64_MAX : 0);
    while (rest > 0x7f) {
        bytes[length++] = (uint8_t)(rest | 0x80);
        rest >>= 7;
    }
    bytes[length++] = (uint8_t)rest;
    return write_bytes(writer, bytes, length);
}

static rc_code_t write_string(const writer_t *writer, const rc_avro_plan_t *plan, const step_t *step, const char *text)
{
    size_t length = strlen(text);
    if (!rc_utf8_valid(text, length))
        return rc_error_set(writer->error, RC_MALFORMED, RC_REJECT, "%s.%s is not UTF-8", plan->table->name,
                            step->field->name);
    rc_code_t code = write_long(writer, (int64_t)length);
    return code == RC_OK ? write_bytes(writer, text, length) : code;
}

static int index_of(const step_t *step, int value)
{
    const rc_enum_t *symbols = step->field->symbols;
    if (value < 0 || value >= symbols->count || step->indices[value] < 0)
        RC_DIE("the schema's %s has no symbol for %d", symbols->name, value);
    return step->indices[value];
}

static rc_code_t write_set(const writer_t *writer, const step_t *step, uint32_t set)
{
    rc_code_t code = RC_OK;
    if (set) code = write_long(writer, __builtin_popcount(set));
    for (int value = 0; value < 32 && code == RC_OK; value++)
        if (set & UINT32_C(1) << value) code = write_long(writer, index_of(step, value));
    return code == RC_OK ? write_long(writer, 0) : code;
}

static rc_code_t write_array(const writer_t *writer, const step_t *step, const void *record)
{
    const char *elements = GET(const char *, record, step->field->offset);
    size_t count = GET(size_t, record, step->field->count_offset);
    rc_code_t code = RC_OK;
    if (count) code = write_long(writer, (int64_t)count);
    for (size_t i = 0; i < count && code == RC_OK; i++)
        code = write_record(writer, step->record, elements + i * step->field->record->size_bytes);
    return code == RC_OK ? write_long(writer, 0) : code;
}

static rc_code_t write_value(const writer_t *writer, const rc_avro_plan_t *plan, const step_t *step, const void *record)
{
    const rc_avro_field_t *field = step->field;
    switch (field->kind) {
    case RC_AVRO_STRING:
        return write_string(writer, plan, step, GET(const char *, record, field->offset));
    case RC_AVRO_LONG:
    case RC_AVRO_WALL:
        return write_long(writer, GET(int64_t, record, field->offset));
    case RC_AVRO_BOOL:
        return write_bytes(writer, GET(bool, record, field->offset) ? "\1" : "", 1);
    case RC_AVRO_DATE:
        return write_long(writer, GET(rc_date_t, record, field->offset).days);
    case RC_AVRO_ENUM:
        return write_long(writer, index_of(step, GET(int, record, field->offset)));
    case RC_AVRO_ENUM_SET:
        return write_set(writer, step, GET(uint32_t, record, field->offset));
    case RC_AVRO_RECORD:
        return write_record(writer, step->record, (const char *)record + field->offset);
    case RC_AVRO_ARRAY:
        return write_array(writer, step, record);
    }
    return RC_OK;
}

static rc_code_t write_record(const writer_t *writer, const rc_avro_plan_t *plan, const void *record)
{
    for (size_t i = 0; i < plan->step_count; i++) {
        const step_t *step = &plan->steps[i];
        if (!step->field) RC_DIE("%s is written by a schema that has more fields than we", plan->table->name);
        bool absent = is_absent(step->field, record);
        rc_code_t code = RC_OK;
        if (absent && step->null_branch < 0 &&
            (step->field->kind == RC_AVRO_STRING || step->field->kind == RC_AVRO_DATE ||
             step->field->kind == RC_AVRO_RECORD))
            return rc_error_set(writer->error, RC_MALFORMED, RC_REJECT, "%s.%s is missing", plan->table->name,
                                step->field->name);
        bool null = absent && step->null_branch >= 0;
        if (step->in_union) code = write_long(writer, null ? step->null_branch : step->value_branch);
        if (code == RC_OK && !null) code = write_value(writer, plan, step, record);
        if (code != RC_OK) return code;
    }
    return RC_OK;
}

rc_code_t rc_avro_encode(const rc_avro_plan_t *plan, const void *record, rc_buf_t *out, rc_error_t *error)
{
    size_t before = out->size_bytes;
    rc_code_t code = write_record(&(writer_t){out, error}, plan, record);
    if (code != RC_OK && out->data) {
        out->size_bytes = before;
        out->data[before] = '\0';
    }
    return code;
}

/* ---- Decoding ---- */

typedef struct {
    const uint8_t *at;
    const uint8_t *end;
    rc_arena_t *arena;
    const char *fault; /* the first thing that was wrong */
    const char *record;
    const char *field;
} reader_t;

static bool read_record(reader_t *reader, const rc_avro_plan_t *plan, void *record);

static size_t left(const reader_t *reader)
{
    return (size_t)(reader->end - reader->at);
}

static bool fail(reader_t *reader, const char *fault)
{
    if (!reader->fault) reader->fault = fault;
    return false;
}

static bool read_long(reader_t *reader, int64_t *value)
{
    uint64_t raw = 0;
    for (int shift = 0; shift < 70; shift += 7) {
        if (reader->at == reader->end) return fail(reader, "ends within a number");
        uint8_t byte = *reader->at++;
        if (shift == 63 && byte > 1) break;
        raw |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            *value = (int64_t)((raw >> 1) ^ (0 - (raw & 1)));
            return true;
        }
    }
    return fail(reader, "is a number of more than 64 bits");
}

static bool read_int(reader_t *reader, int32_t *value)
{
    int64_t wide;
    if (!read_long(reader, &wide)) return false;
    if (wide < INT32_MIN || wide > INT32_MAX) return fail(reader, "is a number of more than 32 bits");
    *value = (int32_t)wide;
    return true;
}

/* A length announced in the data, which cannot be more than what is left of them. */
static bool read_length(reader_t *reader, size_t *length)
{
    int64_t announced;
    if (!read_long(reader, &announced)) return false;
    if (announced < 0 || (uint64_t)announced > left(reader)) return fail(reader, "announces more bytes than there are");
    *length = (size_t)announced;
    return true;
}

/* The head of a block of array or map: how many elements follow; 0: the end. *size_bytes is -1 when it is not said. */
static bool read_block(reader_t *reader, size_t element_bytes, uint64_t *count, int64_t *size_bytes)
{
    int64_t announced;
    *size_bytes = -1;
    if (!read_long(reader, &announced)) return false;
    *count = (uint64_t)announced;
    if (announced < 0) {
        size_t length;
        *count = 0 - (uint64_t)announced;
        if (!read_length(reader, &length)) return false;
        *size_bytes = (int64_t)length;
    }
    if (element_bytes && *count > left(reader) / element_bytes) return fail(reader, "announces more elements than fit");
    return true;
}

static bool read_string(reader_t *reader, const char **text)
{
    size_t length;
    if (!read_length(reader, &length)) return false;
    if (!rc_utf8_valid((const char *)reader->at, length)) return fail(reader, "is not UTF-8, or holds a NUL");
    *text = rc_arena_strndup(reader->arena, (const char *)reader->at, length);
    reader->at += length;
    return true;
}

static bool read_symbol(reader_t *reader, const step_t *step, int *value)
{
    int64_t index;
    if (!read_long(reader, &index)) return false;
    if (index < 0 || (uint64_t)index >= step->node->count) return fail(reader, "is no symbol of the writer's");
    *value = step->values[index];
    return *value >= 0 ? true : fail(reader, "is a symbol that this release does not know");
}

static bool read_set(reader_t *reader, const step_t *step, uint32_t *set)
{
    *set = 0;
    for (;;) {
        uint64_t count;
        int64_t size_bytes;
        if (!read_block(reader, 1, &count, &size_bytes)) return false;
        if (count == 0) return true;
        while (count--) {
            int value;
            if (!read_symbol(reader, step, &value)) return false;
            *set |= UINT32_C(1) << value;
        }
    }
}

static bool read_array(reader_t *reader, const step_t *step, void *record)
{
    const size_t element_bytes = step->field->record->size_bytes;
    char *elements = NULL;
    size_t total = 0, capacity = 0;
    for (;;) {
        uint64_t count;
        int64_t size_bytes;
        if (!read_block(reader, step->node->min_bytes, &count, &size_bytes)) return false;
        if (count == 0) break;
        if (count > capacity - total) {
            capacity = total + (size_t)count > 2 * capacity ? total + (size_t)count : 2 * capacity;
            char *larger = rc_arena_alloc(reader->arena, capacity * element_bytes);
            if (total) memcpy(larger, elements, total * element_bytes);
            elements = larger;
        }
        for (; count; count--, total++)
            if (!read_record(reader, step->record, elements + total * element_bytes)) return false;
    }
    PUT(void *, record, step->field->offset, elements);
    PUT(size_t, record, step->field->count_offset, total);
    return true;
}

static bool skip(reader_t *reader, const rc_node_t *node, int depth);

static bool skip_bytes(reader_t *reader, size_t size_bytes)
{
    if (size_bytes > left(reader)) return fail(reader, "ends too early");
    reader->at += size_bytes;
    return true;
}

static bool skip_blocks(reader_t *reader, const rc_node_t *node, int depth)
{
    const rc_node_t *element = node->children[0];
    const bool map = node->type == RC_NODE_MAP;
    for (;;) {
        uint64_t count;
        int64_t size_bytes;
        if (!read_block(reader, element->min_bytes + (map ? 1u : 0u), &count, &size_bytes)) return false;
        if (count == 0) return true;
        if (size_bytes >= 0) {
            if (!skip_bytes(reader, (size_t)size_bytes)) return false;
            continue;
        }
        if (!map && element->min_bytes == 0) continue; /* any number of nothings */
        while (count--) {
            size_t length = 0;
            if (map && (!read_length(reader, &length) || !skip_bytes(reader, length))) return false;
            if (!skip(reader, element, depth)) return false;
        }
    }
}

static bool skip(reader_t *reader, const rc_node_t *node, int depth)
{
    int64_t number;
    size_t length;
    if (node->min_bytes == 0) return true; /* also bounds the work for records within records of nothing */
    if (depth >= SKIP_DEPTH_MAX) return fail(reader, "is nested too deep");
    switch (node->type) {
    case RC_NODE_NULL:
        return true;
    case RC_NODE_BOOLEAN:
        return skip_bytes(reader, 1);
    case RC_NODE_INT:
    case RC_NODE_LONG:
    case RC_NODE_ENUM:
        return read_long(reader, &number);
    case RC_NODE_FLOAT:
        return skip_bytes(reader, 4);
    case RC_NODE_DOUBLE:
        return skip_bytes(reader, 8);
    case RC_NODE_FIXED:
        return skip_bytes(reader, node->size_bytes);
    case RC_NODE_BYTES:
    case RC_NODE_STRING:
        return read_length(reader, &length) && skip_bytes(reader, length);
    case RC_NODE_ARRAY:
    case RC_NODE_MAP:
        return skip_blocks(reader, node, depth + 1);
    case RC_NODE_UNION:
        if (!read_long(reader, &number)) return false;
        if (number < 0 || (uint64_t)number >= node->count) return fail(reader, "has no such branch");
        return skip(reader, node->children[number], depth + 1);
    case RC_NODE_RECORD:
        for (size_t i = 0; i < node->count; i++)
            if (!skip(reader, node->children[i], depth + 1)) return false;
        return true;
    }
    return false;
}

static bool read_value(reader_t *reader, const step_t *step, void *record)
{
    const rc_avro_field_t *field = step->field;
    const char *text;
    int64_t number;
    int32_t days;
    uint32_t set;
    int value;
    switch (field->kind) {
    case RC_AVRO_STRING:
        if (!read_string(reader, &text)) return false;
        PUT(const char *, record, field->offset, text);
        return true;
    case RC_AVRO_LONG:
    case RC_AVRO_WALL:
        if (!read_long(reader, &number)) return false;
        PUT(int64_t, record, field->offset, number);
        return true;
    case RC_AVRO_BOOL:
        if (left(reader) < 1) return fail(reader, "ends too early");
        if (*reader->at > 1) return fail(reader, "is neither false nor true");
        PUT(bool, record, field->offset, *reader->at++ == 1);
        return true;
    case RC_AVRO_DATE:
        if (!read_int(reader, &days)) return false;
        PUT(rc_date_t, record, field->offset, (rc_date_t){days});
        return true;
    case RC_AVRO_ENUM:
        if (!read_symbol(reader, step, &value)) return false;
        PUT(int, record, field->offset, value);
        return true;
    case RC_AVRO_ENUM_SET:
        if (!read_set(reader, step, &set)) return false;
        PUT(uint32_t, record, field->offset, set);
        return true;
    case RC_AVRO_RECORD:
        return read_record(reader, step->record, (char *)record + field->offset);
    case RC_AVRO_ARRAY:
        return read_array(reader, step, record);
    }
    return false;
}

static bool read_step(reader_t *reader, const step_t *step, void *record)
{
    if (!step->field) return skip(reader, step->whole, 0);
    if (!step->in_union) return read_value(reader, step, record);
    int64_t branch;
    if (!read_long(reader, &branch)) return false;
    if (branch == step->value_branch) return read_value(reader, step, record);
    if (branch != step->null_branch) return fail(reader, "has no such branch");
    if (step->field->required) return fail(reader, "is null");
    put_absent(step->field, record);
    return true;
}

static bool read_record(reader_t *reader, const rc_avro_plan_t *plan, void *record)
{
    for (size_t i = 0; i < plan->missing_count; i++) put_absent(plan->missing[i], record);
    for (size_t i = 0; i < plan->step_count; i++) {
        const step_t *step = &plan->steps[i];
        if (read_step(reader, step, record)) continue;
        if (!reader->field) {
            reader->record = plan->table->name;
            reader->field = step->field ? step->field->name : "(a field that is not ours)";
        }
        return false;
    }
    return true;
}

rc_code_t rc_avro_decode(const rc_avro_plan_t *plan, const void *bytes, size_t size_bytes, rc_arena_t *arena,
                         void *record, rc_error_t *error)
{
    reader_t reader = {.at = bytes, .end = (const uint8_t *)bytes + size_bytes, .arena = arena};
    if (!read_record(&reader, plan, record))
        return rc_error_set(error, RC_MALFORMED, RC_REJECT, "%s.%s %s (at byte %zu of %zu)", reader.record,
                            reader.field, reader.fault, (size_t)(reader.at - (const uint8_t *)bytes), size_bytes);
    if (reader.at != reader.end)
        return rc_error_set(error, RC_MALFORMED, RC_REJECT, "%s is followed by %zu bytes that do not belong to it",
                            plan->table->name, left(&reader));
    return RC_OK;
}
