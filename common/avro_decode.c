#include <stdint.h>
#include <string.h>

#include "common/avro_plan.h"
#include "common/text.h"

/* Nested values of a schema may lead back to themselves; this is as deep as we follow. */
enum { SKIP_DEPTH_MAX = 64 };

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

static bool read_symbol(reader_t *reader, const rc_avro_step_t *step, int *value)
{
    int64_t index;
    if (!read_long(reader, &index)) return false;
    if (index < 0 || (uint64_t)index >= step->node->count) return fail(reader, "is no symbol of the writer's");
    *value = step->values[index];
    return *value >= 0 ? true : fail(reader, "is a symbol that this release does not know");
}

static bool read_set(reader_t *reader, const rc_avro_step_t *step, uint32_t *set)
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

static bool read_array(reader_t *reader, const rc_avro_step_t *step, void *record)
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
    RC_AVRO_PUT(void *, record, step->field->offset, elements);
    RC_AVRO_PUT(size_t, record, step->field->count_offset, total);
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

static void put_absent(const rc_avro_field_t *field, void *record)
{
    switch (field->kind) {
    case RC_AVRO_STRING:
        RC_AVRO_PUT(const char *, record, field->offset, NULL);
        break;
    case RC_AVRO_LONG:
    case RC_AVRO_WALL:
        RC_AVRO_PUT(int64_t, record, field->offset, 0);
        break;
    case RC_AVRO_BOOL:
        RC_AVRO_PUT(bool, record, field->offset, false);
        break;
    case RC_AVRO_DATE:
        RC_AVRO_PUT(rc_date_t, record, field->offset, RC_DATE_NONE);
        break;
    case RC_AVRO_ENUM:
        RC_AVRO_PUT(int, record, field->offset, field->otherwise >= 0 ? field->otherwise : 0);
        break;
    case RC_AVRO_ENUM_SET:
        RC_AVRO_PUT(uint32_t, record, field->offset, 0);
        break;
    case RC_AVRO_ARRAY:
        RC_AVRO_PUT(void *, record, field->offset, NULL);
        RC_AVRO_PUT(size_t, record, field->count_offset, 0);
        break;
    case RC_AVRO_RECORD:
        for (size_t i = 0; i < field->record->field_count; i++)
            put_absent(&field->record->fields[i], (char *)record + field->offset);
    }
}

static bool read_value(reader_t *reader, const rc_avro_step_t *step, void *record)
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
        RC_AVRO_PUT(const char *, record, field->offset, text);
        return true;
    case RC_AVRO_LONG:
    case RC_AVRO_WALL:
        if (!read_long(reader, &number)) return false;
        if (field->kind == RC_AVRO_WALL && !rc_wall_is_plausible((rc_wall_t){number}))
            return fail(reader, "is a moment outside of the years 1 to 9999");
        RC_AVRO_PUT(int64_t, record, field->offset, number);
        return true;
    case RC_AVRO_BOOL:
        if (left(reader) < 1) return fail(reader, "ends too early");
        if (*reader->at > 1) return fail(reader, "is neither false nor true");
        RC_AVRO_PUT(bool, record, field->offset, *reader->at++ == 1);
        return true;
    case RC_AVRO_DATE:
        if (!read_int(reader, &days)) return false;
        if (!rc_date_is_plausible((rc_date_t){days})) return fail(reader, "is a day outside of the years 1 to 9999");
        RC_AVRO_PUT(rc_date_t, record, field->offset, (rc_date_t){days});
        return true;
    case RC_AVRO_ENUM:
        if (!read_symbol(reader, step, &value)) return false;
        RC_AVRO_PUT(int, record, field->offset, value);
        return true;
    case RC_AVRO_ENUM_SET:
        if (!read_set(reader, step, &set)) return false;
        RC_AVRO_PUT(uint32_t, record, field->offset, set);
        return true;
    case RC_AVRO_RECORD:
        return read_record(reader, step->record, (char *)record + field->offset);
    case RC_AVRO_ARRAY:
        return read_array(reader, step, record);
    }
    return false;
}

static bool read_step(reader_t *reader, const rc_avro_step_t *step, void *record)
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
        const rc_avro_step_t *step = &plan->steps[i];
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
