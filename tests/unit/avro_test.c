/* common/avro: canonical form and fingerprint as Avro has them, data of other writers read into our structs, and bytes
 * that lie. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/avro.h"
#include "common/framing.h"
#include "common/records.h"
#include "tests/support/unit.h"

static rc_arena_t *arena;

static void setup(void)
{
    arena = rc_arena_new();
}

static void teardown(void)
{
    rc_arena_free(arena);
}

static rc_avro_schema_t *parse(const char *json)
{
    rc_avro_schema_t *schema = NULL;
    rc_error_t error = RC_ERROR_INIT;
    ck_assert_msg(rc_avro_schema_parse(json, strlen(json), &schema, &error) == RC_OK, "%s", error.message);
    return schema;
}

/* ---- Canonical form and fingerprint ---- */

/* Made with fastavro: to_parsing_canonical_form, and fingerprint(…, 'CRC-64-AVRO'), which is in wire order. */
static const struct {
    const char *json;
    const char *canonical;
    const char *fingerprint;
} canonical_forms[] = {
    {"\"int\"", "\"int\"", "8f5c393f1ad57572"},
    {"\"float\"", "\"float\"", "90d7a83ecb027c4d"},
    {"{\"type\": \"long\", \"logicalType\": \"timestamp-millis\"}", "\"long\"", "b71df49344e154d0"},
    {"\"null\"", "\"null\"", "8a8f25cce724dd63"},
    {" \"string\" ", "\"string\"", "c70345637248018f"},
    {"{\"name\":\"a.b.c\",\"type\":\"record\",\"fields\":[{\"name\":\"x\",\"type\":[\"null\",\"c\"],\"doc\":\"d\","
     "\"default\":null}],\"doc\":\"x\",\"aliases\":[\"y\"]}",
     "{\"name\":\"a.b.c\",\"type\":\"record\",\"fields\":[{\"name\":\"x\",\"type\":[\"null\",\"a.b.c\"]}]}",
     "b765c2037448077c"},
    {"{\"type\":\"record\",\"name\":\"R\",\"namespace\":\"n.s\",\"fields\":[{\"name\":\"e\",\"type\":{\"type\":"
     "\"enum\","
     "\"name\":\"E\",\"symbols\":[\"A\",\"B\"],\"default\":\"A\"}},{\"name\":\"f\",\"type\":{\"type\":\"fixed\","
     "\"size\":16,\"name\":\"o.F\"}},{\"name\":\"m\",\"type\":{\"type\":\"map\",\"values\":{\"type\":\"array\","
     "\"items\":\"E\"}}},{\"name\":\"d\",\"type\":{\"type\":\"int\",\"logicalType\":\"date\"}}]}",
     "{\"name\":\"n.s.R\",\"type\":\"record\",\"fields\":[{\"name\":\"e\",\"type\":{\"name\":\"n.s.E\",\"type\":"
     "\"enum\","
     "\"symbols\":[\"A\",\"B\"]}},{\"name\":\"f\",\"type\":{\"name\":\"o.F\",\"type\":\"fixed\",\"size\":16}},{"
     "\"name\":"
     "\"m\",\"type\":{\"type\":\"map\",\"values\":{\"type\":\"array\",\"items\":\"n.s.E\"}}},{\"name\":\"d\",\"type\":"
     "\"int\"}]}",
     "85f27d20c40526c7"},
};

START_TEST(fingerprint_is_of_the_parsing_canonical_form)
{
    rc_avro_schema_t *schema = parse(canonical_forms[_i].json);
    char text[RC_FINGERPRINT_STR_SIZE];
    ck_assert_str_eq(rc_avro_schema_canonical(schema), canonical_forms[_i].canonical);
    ck_assert_str_eq(rc_fingerprint_str(rc_avro_schema_fingerprint(schema), text), canonical_forms[_i].fingerprint);
    rc_avro_schema_free(schema);
}
END_TEST

START_TEST(crc_of_nothing_is_the_empty_value)
{
    ck_assert_uint_eq(rc_avro_crc64("", 0), UINT64_C(0xc15d213aa4d7a795));
}
END_TEST

static const char *const no_schemas[] = {
    "",
    "{",
    "\"nonsense\"",
    "{\"type\":\"record\"}",
    "{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"a\",\"type\":\"Unknown\"}]}",
    ("{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"a\",\"type\":\"int\"},{\"name\":\"a\",\"type\":"
     "\"long\"}]}"),
    "{\"type\":\"fixed\",\"name\":\"F\",\"size\":-1}",
    "[]",
    "7",
    "{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\\\",\\\"B\"]}",
    "{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"\"]}",
    "{\"type\":\"enum\",\"name\":\"E\",\"namespace\":\"a\\\"b\",\"symbols\":[\"A\"]}",
    "{\"type\":\"fixed\",\"name\":\"F\",\"namespace\":\"a..b\",\"size\":1}",
};

START_TEST(what_is_no_schema_is_refused)
{
    rc_avro_schema_t *schema = NULL;
    rc_error_t error = RC_ERROR_INIT;
    ck_assert_int_eq(rc_avro_schema_parse(no_schemas[_i], strlen(no_schemas[_i]), &schema, &error), RC_MALFORMED);
    ck_assert_ptr_null(schema);
}
END_TEST

START_TEST(schemas_have_a_cap)
{
    size_t size_bytes = RC_AVRO_SCHEMA_MAX_BYTES + 1;
    char *blanks = rc_alloc(size_bytes);
    memset(blanks, ' ', size_bytes);
    rc_avro_schema_t *schema;
    ck_assert_int_eq(rc_avro_schema_parse(blanks, size_bytes, &schema, NULL), RC_TOO_LARGE);
    free(blanks);
}
END_TEST

/* ---- Reading what others wrote ---- */

static size_t unhex(const char *hex, uint8_t *bytes)
{
    size_t size_bytes = 0;
    for (unsigned byte; sscanf(hex, "%2x", &byte) == 1; hex += 2) bytes[size_bytes++] = (uint8_t)byte;
    return size_bytes;
}

static rc_code_t read_with(const char *json, const rc_avro_record_t *table, const char *hex, void *record,
                           rc_error_t *error)
{
    rc_avro_schema_t *schema = parse(json);
    rc_avro_plan_t *plan = NULL;
    rc_code_t code = rc_avro_plan_new(schema, table, &plan, error);
    ck_assert_msg(code == RC_OK, "%s", error->message);
    uint8_t *bytes = rc_alloc(strlen(hex) / 2);
    size_t size_bytes = unhex(hex, bytes);
    uint8_t *exact = rc_alloc(size_bytes); /* so that the sanitizer sees a byte read behind the end */
    memcpy(exact, bytes, size_bytes);
    code = rc_avro_decode(plan, exact, size_bytes, arena, record, error);
    free(exact);
    free(bytes);
    rc_avro_plan_free(plan);
    rc_avro_schema_free(schema);
    return code;
}

/* A ledger entry as some later release might write it: other order, other unions, more fields of every sort, more
 * symbols, and no `reason`. The data are made with fastavro. */
static const char future[] =
    "{\"type\":\"record\",\"name\":\"LedgerEntry\",\"namespace\":\"rollcall\",\"fields\":[{\"name\":\"extra_map\","
    "\"type\":{\"type\":\"map\",\"values\":{\"type\":\"array\",\"items\":\"double\"}}},{\"name\":\"at\",\"type\":"
    "\"long\"},{\"name\":\"attempts\",\"type\":\"int\"},{\"name\":\"user_id\",\"type\":[\"long\",\"null\"]},{\"name\":"
    "\"tree\",\"type\":{\"type\":\"record\",\"name\":\"Tree\",\"fields\":[{\"name\":\"v\",\"type\":\"bytes\"},{"
    "\"name\":\"next\",\"type\":[\"null\",\"Tree\"]},{\"name\":\"u\",\"type\":[\"string\",\"float\",{\"type\":"
    "\"fixed\",\"name\":\"Fx\",\"size\":4}]}]}},{\"name\":\"outcome\",\"type\":{\"type\":\"enum\",\"name\":"
    "\"Outcome\",\"symbols\":[\"NEWER\",\"PARKED\",\"APPLIED\"]}},{\"name\":\"version\",\"type\":\"long\"},{\"name\":"
    "\"employee_id\",\"type\":\"string\"},{\"name\":\"integration_id\",\"type\":[\"null\",\"string\"]},{\"name\":"
    "\"type\",\"type\":{\"type\":\"enum\",\"name\":\"EventType\",\"symbols\":[\"DEACTIVATED\",\"CREATED\",\"RETIRED\"]}"
    "},{\"name\":\"nothing\",\"type\":\"null\"},{\"name\":\"nothings\",\"type\":{\"type\":\"array\",\"items\":"
    "\"null\"}},{\"name\":\"flag\",\"type\":\"boolean\"}]}";
#define FUTURE_HEAD \
    "04026104000000000000f83f00000000000004400002620000b6ba9ac5d566040022040001020000020000803f047778797a"

START_TEST(later_release_is_read_by_its_own_schema)
{
    rc_ledger_entry_t entry = {.reason = "stale"};
    rc_error_t error = RC_ERROR_INIT;
    rc_code_t code = read_with(future, rc_record_table(RC_RECORD_LEDGER),
                               FUTURE_HEAD "020a0434320214706572736f6e696f3a4102060001", &entry, &error);
    ck_assert_msg(code == RC_OK, "%s", error.message);
    ck_assert_int_eq(entry.type, RC_EVENT_CREATED);
    ck_assert_str_eq(entry.integration_id, "personio:A");
    ck_assert_str_eq(entry.employee_id, "42");
    ck_assert_int_eq(entry.version, 5);
    ck_assert_int_eq(entry.outcome, RC_OUTCOME_PARKED);
    ck_assert_ptr_null(entry.reason);
    ck_assert_int_eq(entry.user_id, 17);
    ck_assert_int_eq(entry.attempts, 2);
    ck_assert_int_eq(entry.at.ms, 1763827732123);
}
END_TEST

static const struct {
    const char *tail;
    const char *message;
} unreadable_futures[] = {
    {"000a0434320214706572736f6e696f3a4102060001", "LedgerEntry.outcome is a symbol that this release does not know"},
    {"020a0434320214706572736f6e696f3a4104060001", "LedgerEntry.type is a symbol that this release does not know"},
    {"020a0434320214706572736f6e696f3a4106060001", "LedgerEntry.type is no symbol of the writer's"},
    {"020a0434320214706572736f6e696f3a4101060001", "LedgerEntry.type is no symbol of the writer's"},
    {"020a0434320002060001", "LedgerEntry.integration_id is null"},
    {"020a04343204", "LedgerEntry.integration_id has no such branch"},
};

START_TEST(what_we_cannot_know_is_an_error_not_a_guess)
{
    rc_ledger_entry_t entry;
    rc_error_t error = RC_ERROR_INIT;
    char hex[512];
    (void)snprintf(hex, sizeof hex, "%s%s", FUTURE_HEAD, unreadable_futures[_i].tail);
    ck_assert_int_eq(read_with(future, rc_record_table(RC_RECORD_LEDGER), hex, &entry, &error), RC_MALFORMED);
    ck_assert_msg(strncmp(error.message, unreadable_futures[_i].message, strlen(unreadable_futures[_i].message)) == 0,
                  "%s", error.message);
}
END_TEST

/* A small table with a bit of everything, and data written by hand. */
typedef struct {
    const char *name;
    rc_status_t status;
    rc_date_t day;
    bool flag;
    uint32_t set;
    const rc_ref_t *refs;
    size_t ref_count;
} thing_t;

static const rc_avro_field_t ref_fields[] = {
    {.name = "id", .kind = RC_AVRO_STRING, .required = true, .offset = offsetof(rc_ref_t, id)},
};
static const rc_avro_record_t ref_table = {"Ref", sizeof(rc_ref_t), ref_fields, 1};
static const rc_avro_field_t thing_fields[] = {
    {.name = "name", .kind = RC_AVRO_STRING, .offset = offsetof(thing_t, name)},
    {.name = "status",
     .kind = RC_AVRO_ENUM,
     .offset = offsetof(thing_t, status),
     .symbols = &RC_ENUM_STATUS,
     .otherwise = RC_STATUS_UNKNOWN},
    {.name = "day", .kind = RC_AVRO_DATE, .offset = offsetof(thing_t, day)},
    {.name = "flag", .kind = RC_AVRO_BOOL, .offset = offsetof(thing_t, flag)},
    {.name = "set",
     .kind = RC_AVRO_ENUM_SET,
     .offset = offsetof(thing_t, set),
     .symbols = &RC_ENUM_STATUS,
     .otherwise = RC_STATUS_UNKNOWN},
    {.name = "refs",
     .kind = RC_AVRO_ARRAY,
     .offset = offsetof(thing_t, refs),
     .count_offset = offsetof(thing_t, ref_count),
     .record = &ref_table},
};
static const rc_avro_record_t thing_table = {"Thing", sizeof(thing_t), thing_fields, 6};

#define THING(fields)     "{\"type\":\"record\",\"name\":\"Thing\",\"fields\":[" fields "]}"
#define FIELD(name, type) "{\"name\":\"" name "\",\"type\":" type "}"
#define SYMBOLS           "{\"type\":\"enum\",\"name\":\"S\",\"symbols\":[\"LEAVE\",\"SABBATICAL\"]}"
#define ARRAY(items)      "{\"type\":\"array\",\"items\":" items "}"
#define REF(fields)       "{\"type\":\"record\",\"name\":\"Ref\",\"fields\":[" fields "]}"

START_TEST(fields_that_the_writer_lacks_get_our_defaults)
{
    thing_t thing;
    memset(&thing, 0xA5, sizeof thing);
    rc_error_t error = RC_ERROR_INIT;
    ck_assert_int_eq(read_with(THING(FIELD("other", "\"int\"")), &thing_table, "02", &thing, &error), RC_OK);
    ck_assert_ptr_null(thing.name);
    ck_assert_int_eq(thing.status, RC_STATUS_UNKNOWN);
    ck_assert(!rc_date_is_set(thing.day));
    ck_assert(!thing.flag);
    ck_assert_uint_eq(thing.set, 0);
    ck_assert_ptr_null(thing.refs);
    ck_assert_uint_eq(thing.ref_count, 0);
}
END_TEST

START_TEST(unknown_symbols_take_the_default_where_there_is_one)
{
    thing_t thing;
    rc_error_t error = RC_ERROR_INIT;
    ck_assert_int_eq(read_with(THING(FIELD("status", SYMBOLS)), &thing_table, "00", &thing, &error), RC_OK);
    ck_assert_int_eq(thing.status, RC_STATUS_LEAVE);
    ck_assert_int_eq(read_with(THING(FIELD("status", SYMBOLS)), &thing_table, "02", &thing, &error), RC_OK);
    ck_assert_int_eq(thing.status, RC_STATUS_UNKNOWN);
    ck_assert_int_eq(read_with(THING(FIELD("set", ARRAY(SYMBOLS))), &thing_table, "04000200", &thing, &error), RC_OK);
    ck_assert_uint_eq(thing.set, 1u << RC_STATUS_LEAVE | 1u << RC_STATUS_UNKNOWN);
}
END_TEST

START_TEST(arrays_may_come_in_any_number_of_blocks)
{
    /* "a" alone; "b" and "c" with a byte count in front; "d" alone. */
    thing_t thing;
    rc_error_t error = RC_ERROR_INIT;
    ck_assert_int_eq(read_with(THING(FIELD("refs", ARRAY(REF(FIELD("id", "\"string\""))))), &thing_table,
                               "020261"
                               "030802620263"
                               "020264"
                               "00",
                               &thing, &error),
                     RC_OK);
    ck_assert_uint_eq(thing.ref_count, 4);
    for (size_t i = 0; i < 4; i++) {
        const char text[] = {(char)('a' + i), '\0'};
        ck_assert_str_eq(thing.refs[i].id, text);
    }
}
END_TEST

START_TEST(any_number_of_nothings_is_passed_over_at_once)
{
    /* 2^62 nulls, and as many records that hold nothing. */
    thing_t thing;
    rc_error_t error = RC_ERROR_INIT;
    ck_assert_int_eq(read_with(THING(FIELD("x", ARRAY("\"null\"")) "," FIELD("y", ARRAY(REF(FIELD("id", "\"null\""))))),
                               &thing_table,
                               "80808080808080808001"
                               "00"
                               "80808080808080808001"
                               "00",
                               &thing, &error),
                     RC_OK);
}
END_TEST

/* ---- Schemas that do not go with the table ---- */

static const char *const unusable[] = {
    THING(FIELD("name", "\"bytes\"")),
    THING(FIELD("name", "[\"null\",\"int\"]")),
    THING(FIELD("name", "[\"string\",\"int\"]")),
    THING(FIELD("name", "[\"null\",\"string\",\"int\"]")),
    THING(FIELD("name", "[\"null\"]")),
    THING(FIELD("status", "\"string\"")),
    THING(FIELD("day", "\"long\"")),
    THING(FIELD("flag", "\"int\"")),
    THING(FIELD("set", ARRAY("\"string\""))),
    THING(FIELD("refs", ARRAY("\"string\""))),
    THING(FIELD("refs", ARRAY(REF(FIELD("name", "\"string\""))))),
    THING(FIELD("refs", ARRAY(REF(FIELD("id", "\"null\""))))),
    "\"string\"",
};

START_TEST(schema_of_another_shape_is_refused)
{
    rc_avro_schema_t *schema = parse(unusable[_i]);
    rc_avro_plan_t *plan = NULL;
    rc_error_t error = RC_ERROR_INIT;
    ck_assert_int_eq(rc_avro_plan_new(schema, &thing_table, &plan, &error), RC_MALFORMED);
    ck_assert_ptr_null(plan);
    rc_avro_schema_free(schema);
}
END_TEST

/* ---- Bytes that lie ---- */

#define TREE  "{\"type\":\"record\",\"name\":\"Tree\",\"fields\":[{\"name\":\"next\",\"type\":[\"null\",\"Tree\"]}]}"
#define TEN   "02020202020202020202"
#define HUGE  "feffffffffffffffff01" /* 2^63 - 1 */
#define LEAST "ffffffffffffffffff01" /* -2^63 */

static const struct {
    const char *schema;
    const char *hex;
    const char *fault;
} lies[] = {
    {THING(FIELD("name", "\"string\"")), HUGE, "announces more bytes"},
    {THING(FIELD("name", "\"string\"")), "01", "announces more bytes"},
    {THING(FIELD("name", "\"string\"")), LEAST, "announces more bytes"},
    {THING(FIELD("name", "\"string\"")), "0461", "announces more bytes"},
    {THING(FIELD("name", "\"string\"")), "02ff", "is not UTF-8"},
    {THING(FIELD("name", "\"string\"")), "0200", "is not UTF-8, or holds a NUL"},
    {THING(FIELD("name", "\"string\"")), "06eda080", "is not UTF-8"},
    {THING(FIELD("name", "\"string\"")), "ffffffffffffffffff02", "is a number of more than 64 bits"},
    {THING(FIELD("name", "\"string\"")), "ffffffffffffffffffff01", "is a number of more than 64 bits"},
    {THING(FIELD("name", "[\"null\",\"string\"]")), "04", "has no such branch"},
    {THING(FIELD("name", "[\"null\",\"string\"]")), "01", "has no such branch"},
    {THING(FIELD("day", "\"int\"")), "8080808010", "is a number of more than 32 bits"},
    {THING(FIELD("flag", "\"boolean\"")), "02", "is neither false nor true"},
    {THING(FIELD("flag", "\"boolean\"")), "", "ends too early"},
    {THING(FIELD("status", SYMBOLS)), "04", "is no symbol"},
    {THING(FIELD("set", ARRAY(SYMBOLS))), HUGE, "announces more elements"},
    {THING(FIELD("refs", ARRAY(REF(FIELD("id", "\"string\""))))), HUGE, "announces more elements"},
    {THING(FIELD("refs", ARRAY(REF(FIELD("id", "\"string\""))))), LEAST "00", "announces more elements"},
    {THING(FIELD("refs", ARRAY(REF(FIELD("id", "\"string\""))))), "01" HUGE, "announces more bytes"},
    {THING(FIELD("refs", ARRAY(REF(FIELD("id", "\"string\""))))), "0102", "announces more bytes"},
    {THING(FIELD("refs", ARRAY(REF(FIELD("id", "\"string\""))))), "06000004", "announces more bytes"},
    {THING(FIELD("x", ARRAY("\"int\""))), HUGE, "announces more elements"},
    {THING(FIELD("x", ARRAY("\"int\""))), "01" HUGE, "announces more bytes"},
    {THING(FIELD("x", "{\"type\":\"map\",\"values\":\"null\"}")), HUGE, "announces more elements"},
    {THING(FIELD("x", "\"bytes\"")), HUGE, "announces more bytes"},
    {THING(FIELD("x", "\"double\"")), "00000000000000", "ends too early"},
    {THING(FIELD("x", "{\"type\":\"fixed\",\"name\":\"F\",\"size\":2147483647}")), "00", "ends too early"},
    {THING(FIELD("x", "[\"null\",\"int\"]")), "04", "has no such branch"},
    {THING(FIELD("x", TREE)), TEN TEN TEN TEN TEN TEN TEN "00", "is nested too deep"},
};

START_TEST(lies_are_malformed_and_cost_nothing)
{
    thing_t thing;
    rc_error_t error = RC_ERROR_INIT;
    ck_assert_int_eq(read_with(lies[_i].schema, &thing_table, lies[_i].hex, &thing, &error), RC_MALFORMED);
    ck_assert_msg(strstr(error.message, lies[_i].fault), "%s", error.message);
    ck_assert_uint_le(rc_arena_used(arena), 4096);
}
END_TEST

START_TEST(records_of_nothing_within_records_of_nothing_are_no_work)
{
    /* Level n holds level n - 1 twice: 2^40 empty records, one behind the other. */
    rc_buf_t json = RC_BUF_INIT(RC_AVRO_SCHEMA_MAX_BYTES);
    rc_buf_add_str(&json, "{\"type\":\"record\",\"name\":\"Thing\",\"fields\":[");
    for (int level = 40; level > 0; level--)
        rc_buf_add_format(&json, "{\"name\":\"a\",\"type\":{\"type\":\"record\",\"name\":\"L%d\",\"fields\":[", level);
    rc_buf_add_str(&json, "{\"name\":\"n\",\"type\":\"null\"}]}}");
    for (int level = 1; level < 40; level++) rc_buf_add_format(&json, ",{\"name\":\"b\",\"type\":\"L%d\"}]}}", level);
    rc_buf_add_str(&json, "]}");
    thing_t thing;
    rc_error_t error = RC_ERROR_INIT;
    ck_assert_int_eq(read_with(json.data, &thing_table, "", &thing, &error), RC_OK);
    rc_buf_fini(&json);
}
END_TEST

#define LOOP(test, table) tcase_add_loop_test(all, test, 0, (int)(sizeof(table) / sizeof *(table)))

int main(void)
{
    Suite *suite = suite_create("avro");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, setup, teardown);
    LOOP(fingerprint_is_of_the_parsing_canonical_form, canonical_forms);
    tcase_add_test(all, crc_of_nothing_is_the_empty_value);
    LOOP(what_is_no_schema_is_refused, no_schemas);
    tcase_add_test(all, schemas_have_a_cap);
    tcase_add_test(all, later_release_is_read_by_its_own_schema);
    LOOP(what_we_cannot_know_is_an_error_not_a_guess, unreadable_futures);
    tcase_add_test(all, fields_that_the_writer_lacks_get_our_defaults);
    tcase_add_test(all, unknown_symbols_take_the_default_where_there_is_one);
    tcase_add_test(all, arrays_may_come_in_any_number_of_blocks);
    tcase_add_test(all, any_number_of_nothings_is_passed_over_at_once);
    LOOP(schema_of_another_shape_is_refused, unusable);
    LOOP(lies_are_malformed_and_cost_nothing, lies);
    tcase_add_test(all, records_of_nothing_within_records_of_nothing_are_no_work);
    suite_add_tcase(suite, all);
    return rc_unit_run(suite);
}
