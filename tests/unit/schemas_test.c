/* schemas/: what was ever released can be read for ever, and the rule of evolution (schemas/README.md) was kept. */
#include <avro.h>
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/avro.h"
#include "common/json.h"
#include "common/records.h"
#include "common/schemas.h"
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

static const char *find_source(const char *path)
{
    for (const rc_schema_source_t *source = RC_SCHEMAS; source->name; source++)
        if (strcmp(source->name, path) == 0) return source->json;
    return NULL;
}

/* schemas/released/NAME.<number>.avsc, or NULL. */
static const char *released(int kind, int number)
{
    return find_source(rc_arena_sprintf(arena, "released/%s.%d.avsc", rc_record_name((rc_record_kind_t)kind), number));
}

static const char *current(int kind)
{
    return find_source(rc_arena_sprintf(arena, "%s.avsc", rc_record_name((rc_record_kind_t)kind)));
}

static json_t *parse(const char *text)
{
    json_t *json = NULL;
    rc_error_t error = RC_ERROR_INIT;
    ck_assert_msg(rc_json_parse(text, strlen(text), &json, &error) == RC_OK, "%s", error.message);
    return json;
}

START_TEST(current_schema_is_the_newest_released)
{
    int newest = 1;
    ck_assert_ptr_nonnull(released(_i, 1));
    while (released(_i, newest + 1)) newest++;
    ck_assert_msg(strcmp(current(_i), released(_i, newest)) == 0,
                  "schemas/%s.avsc differs from released/%s.%d.avsc: a change is released as number %d",
                  rc_record_name((rc_record_kind_t)_i), rc_record_name((rc_record_kind_t)_i), newest, newest + 1);
}
END_TEST

START_TEST(every_embedded_file_is_known)
{
    for (const rc_schema_source_t *source = RC_SCHEMAS; source->name; source++) {
        bool known = false;
        for (int kind = 0; kind < RC_RECORD_COUNT; kind++) {
            known = known || source->json == current(kind);
            for (int number = 1; released(kind, number); number++)
                known = known || source->json == released(kind, number);
        }
        ck_assert_msg(known, "schemas/%s is neither a record nor in an unbroken series of releases", source->name);
    }
}
END_TEST

/* ---- The rule of evolution, by the JSON of two releases ---- */

static json_t *field_named(json_t *record, const char *name)
{
    size_t i;
    json_t *field;
    json_array_foreach(json_object_get(record, "fields"), i, field)
    {
        if (strcmp(rc_json_str(field, "name"), name) == 0) return field;
    }
    return NULL;
}

/* Every named type of a schema, by name. */
static void collect(json_t *type, json_t *named)
{
    size_t i;
    json_t *part;
    if (json_is_array(type)) json_array_foreach(type, i, part) collect(part, named);
    if (!json_is_object(type)) return;
    if (json_object_get(type, "name")) json_object_set(named, rc_json_str(type, "name"), type);
    collect(json_object_get(type, "items"), named);
    json_array_foreach(json_object_get(type, "fields"), i, part) collect(json_object_get(part, "type"), named);
}

/* A type with named types by their names: what must stay the same when they themselves may grow. */
static char *outline(json_t *type)
{
    if (json_is_string(type)) return rc_arena_strdup(arena, json_string_value(type));
    if (json_is_array(type)) {
        char *text = rc_arena_strdup(arena, "");
        size_t i;
        json_t *branch;
        json_array_foreach(type, i, branch) text = rc_arena_sprintf(arena, "%s|%s", text, outline(branch));
        return text;
    }
    if (json_object_get(type, "items"))
        return rc_arena_sprintf(arena, "array of %s", outline(json_object_get(type, "items")));
    if (json_object_get(type, "logicalType")) return rc_arena_strdup(arena, rc_json_str(type, "logicalType"));
    return rc_arena_strdup(arena, rc_json_str(type, "name"));
}

static void check_record(const char *name, json_t *before, json_t *after)
{
    size_t i;
    json_t *field;
    json_array_foreach(json_object_get(before, "fields"), i, field)
    {
        json_t *now = field_named(after, rc_json_str(field, "name"));
        ck_assert_msg(now, "%s.%s was removed", name, rc_json_str(field, "name"));
        ck_assert_str_eq(outline(json_object_get(now, "type")), outline(json_object_get(field, "type")));
        json_t *was = json_object_get(field, "default");
        ck_assert_msg(!was || json_equal(was, json_object_get(now, "default")), "%s.%s lost its default", name,
                      rc_json_str(field, "name"));
    }
    json_array_foreach(json_object_get(after, "fields"), i, field)
    {
        ck_assert_msg(field_named(before, rc_json_str(field, "name")) || json_object_get(field, "default"),
                      "%s.%s was added without a default", name, rc_json_str(field, "name"));
    }
}

static void check_enum(const char *name, json_t *before, json_t *after)
{
    size_t i;
    json_t *symbol;
    json_array_foreach(json_object_get(before, "symbols"), i, symbol)
    {
        ck_assert_msg(json_equal(symbol, json_array_get(json_object_get(after, "symbols"), i)),
                      "%s: %s was removed, moved or renamed", name, json_string_value(symbol));
    }
}

START_TEST(each_release_keeps_the_rule_towards_all_before_it)
{
    for (int later = 2; released(_i, later); later++) {
        for (int earlier = 1; earlier < later; earlier++) {
            json_t *old = parse(released(_i, earlier)), *new = parse(released(_i, later));
            json_t *olds = json_object(), *news = json_object();
            collect(old, olds);
            collect(new, news);
            const char *name;
            json_t *before;
            json_object_foreach(olds, name, before)
            {
                json_t *after = json_object_get(news, name);
                ck_assert_msg(after, "the type %s is gone", name);
                if (json_object_get(before, "symbols"))
                    check_enum(name, before, after);
                else
                    check_record(name, before, after);
            }
            json_decref(olds);
            json_decref(news);
            json_decref(old);
            json_decref(new);
        }
    }
}
END_TEST

/* ---- Tables and schemas say the same ---- */

static bool is_absent_value(json_t *value)
{
    return json_is_null(value) || json_is_false(value) || (json_is_integer(value) && json_integer_value(value) == 0) ||
           (json_is_array(value) && json_array_size(value) == 0);
}

static json_t *resolve(json_t *type, json_t *named)
{
    if (json_is_array(type)) type = json_array_get(type, json_array_size(type) - 1);
    if (json_is_object(type) && json_object_get(type, "items")) type = json_object_get(type, "items");
    json_t *known = json_is_string(type) ? json_object_get(named, json_string_value(type)) : NULL;
    return known ? known : type;
}

static void check_symbols(const rc_avro_field_t *field, json_t *type)
{
    json_t *symbols = json_object_get(type, "symbols");
    ck_assert_uint_eq(json_array_size(symbols), (size_t)field->symbols->count);
    for (int i = 0; i < field->symbols->count; i++)
        ck_assert_str_eq(json_string_value(json_array_get(symbols, (size_t)i)), field->symbols->symbols[i]);
    const char *otherwise = field->otherwise >= 0 ? rc_enum_str(field->symbols, field->otherwise) : NULL;
    const char *given = rc_json_str(type, "default");
    ck_assert_msg((!given && !otherwise) || (given && otherwise && strcmp(given, otherwise) == 0),
                  "%s: the schema's default is %s, the table's %s", field->name, given ? given : "none",
                  otherwise ? otherwise : "none");
}

static void check_table(const rc_avro_record_t *table, json_t *record, json_t *named)
{
    ck_assert_str_eq(rc_json_str(record, "name"), table->name);
    ck_assert_uint_eq(json_array_size(json_object_get(record, "fields")), table->field_count);
    for (size_t i = 0; i < table->field_count; i++) {
        const rc_avro_field_t *field = &table->fields[i];
        json_t *told = field_named(record, field->name);
        ck_assert_msg(told, "%s.%s is not in the schema", table->name, field->name);
        ck_assert_msg(rc_json_str(told, "doc"), "%s.%s has no doc", table->name, field->name);
        json_t *otherwise = json_object_get(told, "default");
        ck_assert_msg(field->required == !otherwise && (!otherwise || is_absent_value(otherwise)),
                      "%s.%s: the schema's default and the table's differ", table->name, field->name);
        json_t *type = resolve(json_object_get(told, "type"), named);
        if (field->symbols) check_symbols(field, type);
        if (field->record) check_table(field->record, type, named);
    }
}

START_TEST(tables_name_exactly_what_the_schemas_have)
{
    json_t *schema = parse(current(_i)), *named = json_object();
    collect(schema, named);
    ck_assert_str_eq(rc_json_str(schema, "namespace"), "rollcall");
    check_table(rc_record_table((rc_record_kind_t)_i), schema, named);
    json_decref(named);
    json_decref(schema);
}
END_TEST

/* ---- Data of every release, made up by Avro-C ---- */

static unsigned next(unsigned *seed)
{
    return (*seed = *seed * 1103515245u + 12345u) >> 16;
}

/* Of moments and days the records hold those that people have names for. */
enum { DAYS_MAX = 700000 };
#define DAY_MS INT64_C(86400000)

/* Any value that the schema allows. */
static void make_up(avro_value_t *value, unsigned *seed)
{
    static const char *const texts[] = {"", "x", "M\xC3\xBCller", "a longer text with \xF0\x9F\x8E\x88 in it"};
    avro_value_t part;
    size_t count = 0;
    switch (avro_value_get_type(value)) {
    case AVRO_STRING:
        avro_value_set_string(value, texts[next(seed) % 4]);
        break;
    case AVRO_INT32:
        avro_value_set_int(value, (int32_t)(next(seed) * next(seed)) % DAYS_MAX); /* all are days */
        break;
    case AVRO_INT64:
        avro_value_set_long(value, (int64_t)((uint64_t)next(seed) << (next(seed) % 48)) % (DAYS_MAX * DAY_MS));
        break;
    case AVRO_BOOLEAN:
        avro_value_set_boolean(value, (int)(next(seed) % 2));
        break;
    case AVRO_NULL:
        avro_value_set_null(value);
        break;
    case AVRO_ENUM: {
        int symbols = avro_schema_enum_number_of_symbols(avro_value_get_schema(value));
        avro_value_set_enum(value, (int)(next(seed) % (unsigned)symbols));
        break;
    }
    case AVRO_ARRAY:
        for (count = next(seed) % 4; count; count--) {
            avro_value_append(value, &part, NULL);
            make_up(&part, seed);
        }
        break;
    case AVRO_UNION:
        avro_value_set_branch(value, (int)(next(seed) % avro_schema_union_size(avro_value_get_schema(value))), &part);
        make_up(&part, seed);
        break;
    case AVRO_RECORD:
        avro_value_get_size(value, &count);
        for (size_t i = 0; i < count; i++) {
            avro_value_get_by_index(value, i, &part, NULL);
            make_up(&part, seed);
        }
        break;
    default:
        ck_abort_msg("a type that Rollcall's schemas do not use");
    }
}

enum { DATUM_MAX_BYTES = 64 * 1024 };

static size_t make_up_datum(avro_value_iface_t *class, unsigned seed, char *bytes)
{
    avro_value_t value;
    ck_assert_int_eq(avro_generic_value_new(class, &value), 0);
    make_up(&value, &seed);
    avro_writer_t writer = avro_writer_memory(bytes, DATUM_MAX_BYTES);
    ck_assert_msg(avro_value_write(writer, &value) == 0, "%s", avro_strerror());
    size_t size_bytes = (size_t)avro_writer_tell(writer);
    avro_writer_free(writer);
    avro_value_decref(&value);
    return size_bytes;
}

static void expect_avro_c_reads(avro_value_iface_t *class, const rc_buf_t *datum)
{
    avro_value_t value;
    avro_reader_t reader = avro_reader_memory(datum->data, (int64_t)datum->size_bytes);
    ck_assert_int_eq(avro_generic_value_new(class, &value), 0);
    ck_assert_msg(avro_value_read(reader, &value) == 0, "%s", avro_strerror());
    char behind;
    ck_assert_int_ne(avro_read(reader, &behind, 1), 0);
    avro_value_decref(&value);
    avro_reader_free(reader);
}

/* Reads 200 made-up data of one release; with the current one also writes each again, for Avro-C to read. */
static void read_release(int kind, const char *json, bool is_current)
{
    rc_avro_schema_t *schema;
    rc_avro_plan_t *plan;
    rc_error_t error = RC_ERROR_INIT;
    ck_assert_int_eq(rc_avro_schema_parse(json, strlen(json), &schema, &error), RC_OK);
    const rc_avro_record_t *table = rc_record_table((rc_record_kind_t)kind);
    ck_assert_msg(rc_avro_plan_new(schema, table, &plan, &error) == RC_OK, "%s", error.message);
    avro_schema_t avro;
    ck_assert_int_eq(avro_schema_from_json_length(json, strlen(json), &avro), 0);
    avro_value_iface_t *class = avro_generic_class_from_schema(avro);
    char *bytes = rc_alloc(DATUM_MAX_BYTES);
    void *record = rc_zalloc(table->size_bytes), *again = rc_zalloc(table->size_bytes);
    rc_buf_t out = RC_BUF_INIT(DATUM_MAX_BYTES), twice = RC_BUF_INIT(DATUM_MAX_BYTES);
    for (unsigned seed = 0; seed < 200; seed++) {
        size_t size_bytes = make_up_datum(class, seed, bytes);
        ck_assert_msg(rc_avro_decode(plan, bytes, size_bytes, arena, record, &error) == RC_OK, "seed %u: %s", seed,
                      error.message);
        if (!is_current) continue;
        rc_buf_reset(&out);
        ck_assert_msg(rc_avro_encode(plan, record, &out, &error) == RC_OK, "seed %u: %s", seed, error.message);
        expect_avro_c_reads(class, &out);
        rc_buf_reset(&twice);
        ck_assert_int_eq(rc_avro_decode(plan, out.data, out.size_bytes, arena, again, &error), RC_OK);
        ck_assert_int_eq(rc_avro_encode(plan, again, &twice, &error), RC_OK);
        ck_assert_uint_eq(twice.size_bytes, out.size_bytes);
        ck_assert_mem_eq(twice.data, out.data, out.size_bytes);
        rc_arena_reset(arena);
    }
    rc_buf_fini(&twice);
    rc_buf_fini(&out);
    free(again);
    free(record);
    free(bytes);
    avro_value_iface_decref(class);
    avro_schema_decref(avro);
    rc_avro_plan_free(plan);
    rc_avro_schema_free(schema);
}

START_TEST(every_release_can_be_read)
{
    for (int number = 1; released(_i, number); number++)
        read_release(_i, released(_i, number), !released(_i, number + 1));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("schemas");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_loop_test(all, current_schema_is_the_newest_released, 0, RC_RECORD_COUNT);
    tcase_add_test(all, every_embedded_file_is_known);
    tcase_add_loop_test(all, each_release_keeps_the_rule_towards_all_before_it, 0, RC_RECORD_COUNT);
    tcase_add_loop_test(all, tables_name_exactly_what_the_schemas_have, 0, RC_RECORD_COUNT);
    tcase_add_loop_test(all, every_release_can_be_read, 0, RC_RECORD_COUNT);
    suite_add_tcase(suite, all);
    return rc_unit_run(suite);
}
