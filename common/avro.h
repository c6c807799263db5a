/* Avro's binary encoding between bytes and C structs. The one place with Avro-C, which parses the schemas.
 *
 * Avro-C cannot resolve evolved schemas (design section 3). So a datum is always read by the schema that wrote it, and
 * copied by field name into our struct: what the writer lacks gets the default of our table, what only the writer has
 * is skipped, every symbol is looked up by its name. A plan is that pairing of one schema and one table, made once.
 *
 * Decoding takes any bytes: lengths and counts are checked against what is left before anything is allocated. Schemas
 * and plans are immutable after their making; any thread. */
#ifndef RC_COMMON_AVRO_H
#define RC_COMMON_AVRO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/domain.h"
#include "common/error.h"
#include "common/mem.h"

/* ---- Tables ---- */

typedef struct rc_avro_record rc_avro_record_t;

/* What a struct member is. Each but BOOL, ENUM and ENUM_SET has a value that means absent, written as null where the
 * schema allows it: NULL, 0, RC_DATE_NONE, no elements, not present(). */
typedef enum {
    RC_AVRO_STRING,   /* const char * */
    RC_AVRO_LONG,     /* int64_t */
    RC_AVRO_BOOL,     /* bool */
    RC_AVRO_WALL,     /* rc_wall_t: long, timestamp-millis */
    RC_AVRO_DATE,     /* rc_date_t: int, date */
    RC_AVRO_ENUM,     /* an enumeration, int-sized */
    RC_AVRO_ENUM_SET, /* uint32_t bit set: array of enum */
    RC_AVRO_RECORD,   /* members from `offset` on, by `record` */
    RC_AVRO_ARRAY     /* pointer at `offset`, size_t at `count_offset`; elements by `record` */
} rc_avro_kind_t;

typedef struct {
    const char *name;
    rc_avro_kind_t kind;
    bool required; /* must be in the writer's schema and not null */
    size_t offset;
    size_t count_offset;
    const rc_avro_record_t *record;
    const rc_enum_t *symbols;
    int otherwise; /* of an enum: for a symbol that we do not know, and when the field is not there;
                      -1: that is an error */
    bool (*present)(const void *record); /* of a record: whether to write it (given the address at `offset`) */
} rc_avro_field_t;

struct rc_avro_record {
    const char *name;
    size_t size_bytes;
    const rc_avro_field_t *fields;
    size_t field_count;
};

/* ---- Schemas ---- */

typedef struct rc_avro_schema rc_avro_schema_t;

enum { RC_AVRO_SCHEMA_MAX_BYTES = 64 * 1024 };

/* Parses a schema. Returns new (free with rc_avro_schema_free, after its plans). RC_MALFORMED with Avro-C's words
 * otherwise; RC_TOO_LARGE beyond RC_AVRO_SCHEMA_MAX_BYTES. */
rc_code_t rc_avro_schema_parse(const char *json, size_t size_bytes, rc_avro_schema_t **schema, rc_error_t *error);
void rc_avro_schema_free(rc_avro_schema_t *schema); /* NULL is fine */

/* "rollcall.EmployeeCreated"; "" for a schema without a name. */
const char *rc_avro_schema_name(const rc_avro_schema_t *schema);
/* The Parsing Canonical Form (Avro specification) and its CRC-64-AVRO. */
const char *rc_avro_schema_canonical(const rc_avro_schema_t *schema);
uint64_t rc_avro_schema_fingerprint(const rc_avro_schema_t *schema);
/* CRC-64-AVRO of any bytes. */
uint64_t rc_avro_crc64(const void *bytes, size_t size_bytes);

/* ---- Plans ---- */

typedef struct rc_avro_plan rc_avro_plan_t;

/* Pairs a writer's schema with a table. Borrows both. Returns new (free with rc_avro_plan_free). RC_MALFORMED when the
 * schema cannot be read into the table: a required field is missing, or one has another type. */
rc_code_t rc_avro_plan_new(const rc_avro_schema_t *schema, const rc_avro_record_t *table, rc_avro_plan_t **plan,
                           rc_error_t *error);
void rc_avro_plan_free(rc_avro_plan_t *plan); /* NULL is fine */

/* Appends the struct as a datum of the plan's schema. RC_MALFORMED when a required member is absent or a string is not
 * UTF-8, RC_TOO_LARGE at the buffer's cap; then the buffer is as it was. */
rc_code_t rc_avro_encode(const rc_avro_plan_t *plan, const void *record, rc_buf_t *out, rc_error_t *error);

/* Reads a datum that fills the bytes exactly into *record (of the table's size), strings and arrays in the arena.
 * Members that the table does not name stay as they are. RC_MALFORMED otherwise; then *record is undefined. */
rc_code_t rc_avro_decode(const rc_avro_plan_t *plan, const void *bytes, size_t size_bytes, rc_arena_t *arena,
                         void *record, rc_error_t *error);

#endif
