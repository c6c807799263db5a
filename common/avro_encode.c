#include <stdint.h>
#include <string.h>

#include "common/avro_plan.h"
#include "common/text.h"

static bool is_absent(const rc_avro_field_t *field, const void *record)
{
    switch (field->kind) {
    case RC_AVRO_STRING:
        return RC_AVRO_GET(const char *, record, field->offset) == NULL;
    case RC_AVRO_LONG:
    case RC_AVRO_WALL:
        return RC_AVRO_GET(int64_t, record, field->offset) == 0;
    case RC_AVRO_DATE:
        return !rc_date_is_set(RC_AVRO_GET(rc_date_t, record, field->offset));
    case RC_AVRO_ENUM_SET:
        return RC_AVRO_GET(uint32_t, record, field->offset) == 0;
    case RC_AVRO_ARRAY:
        return RC_AVRO_GET(size_t, record, field->count_offset) == 0;
    case RC_AVRO_RECORD:
        return field->present && !field->present((const char *)record + field->offset);
    case RC_AVRO_BOOL:
    case RC_AVRO_ENUM:
        break;
    }
    return false;
}

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

static rc_code_t write_string(const writer_t *writer, const rc_avro_plan_t *plan, const rc_avro_step_t *step,
                              const char *text)
{
    size_t length = strlen(text);
    if (!rc_utf8_valid(text, length))
        return rc_error_set(writer->error, RC_MALFORMED, RC_REJECT, "%s.%s is not UTF-8", plan->table->name,
                            step->field->name);
    rc_code_t code = write_long(writer, (int64_t)length);
    return code == RC_OK ? write_bytes(writer, text, length) : code;
}

static int index_of(const rc_avro_step_t *step, int value)
{
    const rc_enum_t *symbols = step->field->symbols;
    if (value < 0 || value >= symbols->count || step->indices[value] < 0)
        RC_DIE("the schema's %s has no symbol for %d", symbols->name, value);
    return step->indices[value];
}

static rc_code_t write_set(const writer_t *writer, const rc_avro_step_t *step, uint32_t set)
{
    rc_code_t code = RC_OK;
    if (set) code = write_long(writer, __builtin_popcount(set));
    for (int value = 0; value < 32 && code == RC_OK; value++)
        if (set & UINT32_C(1) << value) code = write_long(writer, index_of(step, value));
    return code == RC_OK ? write_long(writer, 0) : code;
}

static rc_code_t write_array(const writer_t *writer, const rc_avro_step_t *step, const void *record)
{
    const char *elements = RC_AVRO_GET(const char *, record, step->field->offset);
    size_t count = RC_AVRO_GET(size_t, record, step->field->count_offset);
    rc_code_t code = RC_OK;
    if (count) code = write_long(writer, (int64_t)count);
    for (size_t i = 0; i < count && code == RC_OK; i++)
        code = write_record(writer, step->record, elements + i * step->field->record->size_bytes);
    return code == RC_OK ? write_long(writer, 0) : code;
}

static rc_code_t write_value(const writer_t *writer, const rc_avro_plan_t *plan, const rc_avro_step_t *step,
                             const void *record)
{
    const rc_avro_field_t *field = step->field;
    switch (field->kind) {
    case RC_AVRO_STRING:
        return write_string(writer, plan, step, RC_AVRO_GET(const char *, record, field->offset));
    case RC_AVRO_LONG:
    case RC_AVRO_WALL:
        return write_long(writer, RC_AVRO_GET(int64_t, record, field->offset));
    case RC_AVRO_BOOL:
        return write_bytes(writer, RC_AVRO_GET(bool, record, field->offset) ? "\1" : "", 1);
    case RC_AVRO_DATE:
        return write_long(writer, RC_AVRO_GET(rc_date_t, record, field->offset).days);
    case RC_AVRO_ENUM:
        return write_long(writer, index_of(step, RC_AVRO_GET(int, record, field->offset)));
    case RC_AVRO_ENUM_SET:
        return write_set(writer, step, RC_AVRO_GET(uint32_t, record, field->offset));
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
        const rc_avro_step_t *step = &plan->steps[i];
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
