/* producer/kombo/kombo_parse: what becomes of Kombo's pages, well-formed and not. */
#include "producer/kombo/kombo_parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/mem.h"
#include "tests/support/unit.h"

static rc_kombo_fields_t *fields;
static rc_kombo_parser_t *parser;
static rc_buf_t story; /* every record that was handed out, in one line */
static rc_kombo_page_t page;
static rc_error_t error;

static const char *const PATHS[] = {"first_name",
                                    "work_email",
                                    "manager.work_email",
                                    "work_location.name",
                                    "custom_fields.cost.center",
                                    "integration_fields.lang",
                                    "weekly_hours",
                                    "start_date",
                                    "work_location.address.city",
                                    "first_name"};
enum { PATH_COUNT = sizeof PATHS / sizeof *PATHS };

static void start(void)
{
    rc_error_t fault = RC_ERROR_INIT;
    story = RC_BUF_INIT(8 << 20);
    ck_assert_msg(rc_kombo_fields_new(PATHS, PATH_COUNT, &fields, &fault) == RC_OK, "%s", fault.message);
    parser = rc_kombo_parser_new(fields);
}

static void finish(void)
{
    rc_kombo_parser_free(parser);
    rc_kombo_fields_free(fields);
    rc_buf_fini(&story);
}

static void tell(const char *name, const char *value)
{
    if (value) (void)rc_buf_add_format(&story, " %s=%s", name, value);
}

static rc_code_t on_employee(void *opaque, const rc_kombo_employee_t *employee, rc_error_t *fault)
{
    (void)opaque, (void)fault;
    (void)rc_buf_add_format(&story, "%s%s", employee->id, employee->deleted ? " deleted" : "");
    tell("status", employee->employment_status);
    tell("type", employee->employment_type);
    tell("start", employee->start_date);
    tell("end", employee->termination_date);
    tell("entity", employee->legal_entity.id);
    tell("entity_name", employee->legal_entity.name);
    tell("location", employee->work_location.id);
    tell("location_name", employee->work_location.name);
    for (size_t i = 0; i < employee->group_count; i++) {
        const rc_kombo_group_t *group = &employee->groups[i];
        (void)rc_buf_add_format(&story, " %s:%s:%s", rc_enum_str(&RC_ENUM_GROUP, (int)group->type), group->id,
                                group->name ? group->name : "-");
    }
    for (size_t i = 0; i < PATH_COUNT; i++)
        if (employee->values[i]) (void)rc_buf_add_format(&story, " %zu=%s", i, employee->values[i]);
    (void)rc_buf_add_str(&story, "\n");
    return RC_OK;
}

static rc_code_t on_group(void *opaque, const rc_kombo_group_t *group, rc_error_t *fault)
{
    (void)opaque, (void)fault;
    (void)rc_buf_add_format(&story, "%s:%s:%s%s\n", rc_enum_str(&RC_ENUM_GROUP, (int)group->type), group->id,
                            group->name ? group->name : "-", group->deleted ? " deleted" : "");
    return RC_OK;
}

static rc_code_t on_location(void *opaque, const rc_kombo_location_t *location, rc_error_t *fault)
{
    (void)opaque, (void)fault;
    (void)rc_buf_add_format(&story, "%s:%s%s\n", location->id, location->name ? location->name : "-",
                            location->deleted ? " deleted" : "");
    return RC_OK;
}

static const rc_kombo_sink_t EMPLOYEES = {.employee = on_employee};

static rc_code_t parse_pieces(const rc_kombo_sink_t *sink, const char *bytes, size_t size, size_t piece)
{
    rc_code_t code = RC_OK;
    error = RC_ERROR_INIT;
    rc_buf_reset(&story);
    (void)rc_buf_add_str(&story, "");
    rc_kombo_parser_begin(parser, sink);
    for (size_t at = 0; at < size && code == RC_OK;) {
        size_t length = piece && piece < size - at ? piece : size - at;
        char *copy = rc_alloc(length);
        memcpy(copy, bytes + at, length);
        code = rc_kombo_parser_feed(parser, copy, length, &error);
        free(copy);
        at += length;
    }
    return code == RC_OK ? rc_kombo_parser_end(parser, &page, &error) : code;
}

static rc_code_t parse(const char *text)
{
    return parse_pieces(&EMPLOYEES, text, strlen(text), 0);
}

#define PAGE(records) "{\"status\":\"success\",\"data\":{\"next\":null,\"results\":[" records "]}}"
#define ONE(members)  PAGE("{\"id\":\"E1\"," members "}")

static const char WHOLE[] =
    PAGE("{\"id\":\" E1 \",\"remote_id\":\"32\",\"ssn\":\"555-32-6395\",\"first_name\":\" Zo\\u00eb "
         "\",\"last_name\":\"Doe\","
         "\"work_email\":\"zoe@acme.com\",\"employment_status\":\"ACTIVE\",\"employment_type\":\"FULL_TIME\","
         "\"weekly_hours\":38.50,\"home_address\":{\"city\":\"Berlin\",\"raw\":null},"
         "\"bank_accounts\":[{\"iban\":\"DE12\",\"domestic_bank_routing\":{\"number\":\"1\"}},{}],"
         "\"start_date\":\"2020-04-07T00:00:00.000Z\",\"termination_date\":null,\"remote_deleted_at\":null,"
         "\"custom_fields\":{\"cost.center\":4711,\"other\":{\"a\":[1]}},"
         "\"integration_fields\":[{\"id\":\"1\",\"key\":\"x\",\"type\":\"DEFAULT\",\"value\":{\"a\":1},\"label\":null},"
         "{\"id\":\"2\",\"key\":\"lang\",\"type\":\"CUSTOM\",\"value\":\"de\",\"label\":\"Language\"}],"
         "\"remote_data\":{\"id\":\"no\",\"first_name\":\"no\"},\"employments\":[{\"id\":\"no\",\"pay_rate\":85000}],"
         "\"manager\":{\"id\":\"M\",\"first_name\":\"no\",\"work_email\":\"boss@acme.com\"},"
         "\"groups\":[{\"id\":\"G1\",\"remote_id\":\"49\",\"name\":\"Success\",\"type\":\"TEAM\"},{\"id\":\"G2\","
         "\"name\":null,"
         "\"type\":null},{\"id\":\"G3\",\"name\":\"C\",\"type\":\"COST_CENTER\"},{\"id\":\"G4\",\"name\":\"N\","
         "\"type\":\"GUILD\"}],"
         "\"legal_entity\":{\"id\":\"L\",\"name\":\"ACME Inc.\",\"address\":{\"city\":\"no\"}},"
         "\"teams\":[{\"id\":\"T\",\"name\":\"no\",\"type\":\"TEAM\"}],"
         "\"work_location\":{\"id\":\"W\",\"name\":\"HQ\",\"address\":{\"city\":\"Kiel\"}}},"
         "{\"id\":\"E2\",\"remote_deleted_at\":\"2022-08-07T14:01:29.196Z\"}");
static const char WHOLE_STORY[] =
    "E1 status=ACTIVE type=FULL_TIME start=2020-04-07T00:00:00.000Z entity=L entity_name=ACME Inc. location=W "
    "location_name=HQ TEAM:G1:Success OTHER:G2:- COST_CENTER:G3:C OTHER:G4:N 0=Zo\xC3\xAB 1=zoe@acme.com "
    "2=boss@acme.com 3=HQ 4=4711 5=de 6=38.50 7=2020-04-07T00:00:00.000Z 8=Kiel 9=Zo\xC3\xAB\nE2 deleted\n";

START_TEST(a_record_is_read_the_same_however_the_page_is_cut)
{
    for (size_t piece = 0; piece < sizeof WHOLE; piece++) {
        rc_code_t code = parse_pieces(&EMPLOYEES, WHOLE, sizeof WHOLE - 1, piece);
        ck_assert_msg(code == RC_OK, "%zu: %s", piece, error.message);
        ck_assert_str_eq(story.data, WHOLE_STORY);
        ck_assert_str_eq(page.status, "success");
        ck_assert_ptr_null(page.next);
        ck_assert(page.has_results);
        ck_assert_uint_eq(page.records, 2);
        ck_assert_uint_eq(page.ignored_values, 0);
    }
}
END_TEST

START_TEST(a_page_that_is_cut_off_anywhere_is_never_whole)
{
    for (size_t size = 0; size + 1 < sizeof WHOLE; size++) {
        rc_code_t code = parse_pieces(&EMPLOYEES, WHOLE, size, 0);
        ck_assert_msg(code == RC_INTERRUPTED, "%zu: %s", size, rc_code_str(code));
        ck_assert_int_eq(error.disposition, RC_RETRY);
    }
}
END_TEST

START_TEST(what_the_mapping_does_not_name_never_leaves_the_parser)
{
    ck_assert_int_eq(parse(WHOLE), RC_OK);
    static const char *const secrets[] = {"555-32", "DE12", "Berlin", "85000", "Doe", "no", "32"};
    for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++) ck_assert_ptr_null(strstr(story.data, secrets[i]));
}
END_TEST

START_TEST(values_are_taken_as_kombo_describes_them)
{
    static const struct {
        const char *members, *story;
        size_t ignored;
    } cases[] = {
        {"\"first_name\":null", "E1\n", 0},
        {"\"first_name\":\"\"", "E1\n", 0},
        {"\"first_name\":\" \\t\\u00a0 \"", "E1\n", 0},
        {"\"custom_fields\":null,\"integration_fields\":null,\"manager\":null,\"groups\":null", "E1\n", 0},
        {"\"custom_fields\":{\"cost.center\":true}", "E1 4=true\n", 0},
        {"\"custom_fields\":{\"cost.center\":-1.50e3}", "E1 4=-1.50e3\n", 0},
        {"\"custom_fields\":{\"cost.center\":123456789012345678901234567890}", "E1 4=123456789012345678901234567890\n",
         0},
        {"\"custom_fields\":{\"cost.center\":{\"a\":1}}", "E1\n", 1},
        {"\"custom_fields\":{\"cost.center\":[\"a\"]}", "E1\n", 1},
        {"\"custom_fields\":{\"cost\":{\"center\":\"no\"}}", "E1\n", 0},
        {"\"integration_fields\":[{\"key\":\"lang\",\"value\":false}]", "E1 5=false\n", 0},
        {"\"integration_fields\":[{\"value\":\"de\",\"key\":\"lang\"}]", "E1 5=de\n", 0},
        {"\"integration_fields\":[{\"value\":\"secret\",\"key\":\"other\"},{\"value\":\"secret\"},{\"key\":null,"
         "\"value\":1}]",
         "E1\n", 0},
        {"\"integration_fields\":[{\"key\":\"lang\",\"value\":null},{\"key\":\"lang\",\"value\":\"de\"}]", "E1 5=de\n",
         0},
        {"\"integration_fields\":[{\"key\":\"lang\",\"value\":[1]}]", "E1\n", 1},
        {"\"integration_fields\":[{\"key\":\"x\",\"value\":[1]}]", "E1\n", 0},
        {"\"teams\":[{\"id\":\"T\",\"name\":\"Old\",\"type\":\"DEPARTMENT\"}]", "E1 DEPARTMENT:T:Old\n", 0},
        {"\"teams\":[{\"id\":\"T\",\"name\":\"Old\"}],\"groups\":[]", "E1\n", 0},
        {"\"groups\":null,\"teams\":[{\"id\":\"T\",\"name\":\"Old\"}]", "E1\n", 0},
        {"\"teams\":[{\"id\":\"T\"}],\"groups\":[{\"id\":\"G\"}]", "E1 OTHER:G:-\n", 0},
        {"\"groups\":[],\"teams\":7", "E1\n", 0},
        {"\"integration_fields\":[{\"value\":\"secret\",\"key\":\"x\"},{\"key\":\"lang\"}]", "E1\n", 0},
        {"\"integration_fields\":[{\"key\":\"x\",\"value\":1},{\"value\":\"de\",\"key\":\"lang\"}]", "E1 5=de\n", 0},
        {"\"integration_fields\":[{\"key\":\"lang\",\"value\":\"de\"},{\"value\":\"secret\"}]", "E1 5=de\n", 0},
        {"\"employment_status\":\"SABBATICAL\"", "E1 status=SABBATICAL\n", 0},
        {"\"ssn\":{\"id\":\"no\"},\"avatar\":7,\"last_name\":[[]],\"tax_id\":1", "E1\n", 0},
        {"\"manager\":{\"manager\":{\"work_email\":\"no\"}}", "E1\n", 0},
        {"\"work_email\":\"a\\u0062c\\n\"", "E1 1=abc\n", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = rc_sprintf(ONE("%s"), cases[i].members);
        ck_assert_msg(parse(text) == RC_OK, "%s: %s", cases[i].members, error.message);
        ck_assert_str_eq(story.data, cases[i].story);
        ck_assert_uint_eq(page.ignored_values, cases[i].ignored);
        free(text);
    }
}
END_TEST

START_TEST(a_page_that_is_not_what_kombo_describes_fails_and_says_where)
{
    static const struct {
        const char *text, *message;
        rc_code_t code;
    } cases[] = {
        {ONE("\"first_name\":5"), "data.results[0].first_name (id E1): a text or null expected, found a number",
         RC_MALFORMED},
        {ONE("\"work_email\":[\"a\"]"), "data.results[0].work_email (id E1): a text or null expected, found an array",
         RC_MALFORMED},
        {ONE("\"weekly_hours\":\"38\""),
         "data.results[0].weekly_hours (id E1): a number or null expected, found a text", RC_MALFORMED},
        {ONE("\"remote_deleted_at\":false"),
         "data.results[0].remote_deleted_at (id E1): a text or null expected, found false", RC_MALFORMED},
        {ONE("\"groups\":{}"), "data.results[0].groups (id E1): an array or null expected, found an object",
         RC_MALFORMED},
        {ONE("\"groups\":[{\"id\":\"G\"},{\"id\":7}]"),
         "data.results[0].groups[1].id (id E1): a text or null expected, found a number", RC_MALFORMED},
        {ONE("\"groups\":[null]"), "data.results[0].groups[0] (id E1): an object expected, found null", RC_MALFORMED},
        {ONE("\"groups\":[{\"name\":\"x\"}]"), "data.results[0].groups[0] (id E1): a group without id", RC_MALFORMED},
        {ONE("\"manager\":\"x\""), "data.results[0].manager (id E1): an object or null expected, found a text",
         RC_MALFORMED},
        {ONE("\"custom_fields\":[]"),
         "data.results[0].custom_fields (id E1): an object or null expected, found an array", RC_MALFORMED},
        {ONE("\"work_location\":{\"address\":{\"city\":1}}"),
         "data.results[0].work_location.address.city (id E1): a text or null expected, found a number", RC_MALFORMED},
        {ONE("\"integration_fields\":[{\"key\":1}]"),
         "data.results[0].integration_fields[0].key (id E1): a text or null expected, found a number", RC_MALFORMED},
        {ONE("\"integration_fields\":[{\"key\":\"lang\",\"value\":1},{\"key\":\"lang\",\"value\":2}]"),
         "data.results[0].integration_fields[1] (id E1): a key that stands twice with different values", RC_MALFORMED},
        {ONE("\"first_name\":\"a\",\"first_name\":\"a\""), "data.results[0].first_name (id E1): stands twice",
         RC_MALFORMED},
        {ONE("\"groups\":[],\"groups\":[]"), "data.results[0].groups (id E1): stands twice", RC_MALFORMED},
        {ONE("\"id\":\"E2\""), "data.results[0].id (id E1): stands twice", RC_MALFORMED},
        {ONE("\"first_name\":\"\xC3\""), "data.results[0] (id E1): invalid UTF-8 (near byte 75)", RC_MALFORMED},
        {ONE("\"first_name\":\"a\\u0000\""), "data.results[0] (id E1): \\u0000 in a text (near byte 82)", RC_MALFORMED},
        {PAGE("{\"id\":\"E0\"},{\"first_name\":\"a\"}"), "data.results[1]: a record without id", RC_MALFORMED},
        {PAGE("{\"id\":null}"), "data.results[0]: a record without id", RC_MALFORMED},
        {PAGE("{\"id\":\" \"}"), "data.results[0]: a record without id", RC_MALFORMED},
        {PAGE("{\"id\":17}"), "data.results[0].id: a text or null expected, found a number", RC_MALFORMED},
        {PAGE("{\"id\":\"E0\"},7"), "data.results[1]: an object expected, found a number", RC_MALFORMED},
        {"[]", "the answer: an object expected, found an array", RC_MALFORMED},
        {"\"x\"", "the answer: an object expected, found a text", RC_MALFORMED},
        {"<html>", "the answer: no value where one is expected (near byte 0)", RC_MALFORMED},
        {"{\"status\":1}", "status: a text or null expected, found a number", RC_MALFORMED},
        {"{\"data\":{\"results\":{}}}", "data.results: an array or null expected, found an object", RC_MALFORMED},
        {"{\"data\":{},\"data\":{}}", "data: stands twice", RC_MALFORMED},
        {"{\"data\":{\"results\":[{\"id\":\"E1\"}", "the answer is cut off at data.results[0]", RC_INTERRUPTED},
        {"", "the answer is cut off at the answer", RC_INTERRUPTED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rc_code_t code = parse(cases[i].text);
        ck_assert_msg(code == cases[i].code, "%s: %s", cases[i].text, rc_code_str(code));
        ck_assert_str_eq(error.message, cases[i].message);
        ck_assert_int_eq(error.code, code);
    }
    ck_assert_int_eq(parse(WHOLE), RC_OK); /* the parser is whole again */
}
END_TEST

START_TEST(the_order_of_members_does_not_matter)
{
    ck_assert_int_eq(parse("{\"data\":{\"results\":[{\"work_location\":{\"name\":\"HQ\",\"id\":\"W\"},\"id\":\"E1\"}],"
                           "\"next\":\"C/=+ \"},\"status\":\"success\"}"),
                     RC_OK);
    ck_assert_str_eq(story.data, "E1 location=W location_name=HQ 3=HQ\n");
    ck_assert_str_eq(page.next, "C/=+ "); /* a cursor is not ours to trim */
    ck_assert_str_eq(page.status, "success");
}
END_TEST

START_TEST(errors_are_read_and_bring_no_results)
{
    ck_assert_int_eq(parse("{\"status\":\"error\",\"error\":{\"code\":\"PLATFORM.RATE_LIMIT_EXCEEDED\",\"title\":\"T\","
                           "\"message\":\"M\",\"log_url\":null}}"),
                     RC_OK);
    ck_assert_str_eq(page.status, "error");
    ck_assert_str_eq(page.error_code, "PLATFORM.RATE_LIMIT_EXCEEDED");
    ck_assert_str_eq(page.error_title, "T");
    ck_assert_str_eq(page.error_message, "M");
    ck_assert(!page.has_results);
    ck_assert_int_eq(
        parse("{\"status\":\"error\",\"data\":null,\"error\":{\"code\":null,\"title\":null,\"message\":\"M\"}}"),
        RC_OK);
    ck_assert_ptr_null(page.error_code);
    ck_assert_int_eq(parse("{\"status\":\"success\",\"data\":{\"next\":null,\"results\":null}}"), RC_OK);
    ck_assert(!page.has_results);
    ck_assert_int_eq(parse(PAGE("")), RC_OK);
    ck_assert(page.has_results);
}
END_TEST

START_TEST(groups_and_locations_are_read)
{
    static const rc_kombo_sink_t groups = {.group = on_group}, locations = {.location = on_location}, nobody = {0};
    static const char text[] =
        PAGE("{\"id\":\"A\",\"name\":\"One\",\"type\":\"DEPARTMENT\",\"remote_deleted_at\":null},"
             "{\"id\":\"B\",\"name\":null,\"type\":null,\"remote_deleted_at\":\"2022\"}");
    ck_assert_int_eq(parse_pieces(&groups, text, sizeof text - 1, 7), RC_OK);
    ck_assert_str_eq(story.data, "DEPARTMENT:A:One\nOTHER:B:- deleted\n");
    ck_assert_int_eq(parse_pieces(&locations, text, sizeof text - 1, 0), RC_OK);
    ck_assert_str_eq(story.data, "A:One\nB:- deleted\n");
    ck_assert_int_eq(parse_pieces(&nobody, text, sizeof text - 1, 0), RC_OK);
    ck_assert_str_eq(story.data, "");
    /* A location's type is any text or none of our business. */
    static const char odd[] = PAGE("{\"id\":\"A\",\"type\":7}");
    ck_assert_int_eq(parse_pieces(&locations, odd, sizeof odd - 1, 0), RC_OK);
    ck_assert_int_eq(parse_pieces(&groups, odd, sizeof odd - 1, 0), RC_MALFORMED);
}
END_TEST

/* ---- Sizes ---- */

static rc_code_t parse_big(const char *before, const char *unit, size_t times, const char *after)
{
    size_t length = strlen(unit), start_length = strlen(before), end_length = strlen(after);
    size_t size = start_length + length * times + end_length;
    char *text = rc_alloc(size);
    memcpy(text, before, start_length);
    for (size_t i = 0; i < times; i++) memcpy(text + start_length + i * length, unit, length);
    memcpy(text + start_length + length * times, after, end_length);
    rc_code_t code = parse_pieces(&EMPLOYEES, text, size, 1400);
    free(text);
    return code;
}

static const char BEFORE[] = "{\"status\":\"success\",\"data\":{\"results\":[{\"id\":\"E1\",";
static const char AFTER[] = "}]}}";

static rc_code_t parse_member(const char *start_of_value, const char *unit, size_t times, const char *end_of_value)
{
    char *before = rc_sprintf("%s%s", BEFORE, start_of_value), *after = rc_sprintf("%s%s", end_of_value, AFTER);
    rc_code_t code = parse_big(before, unit, times, after);
    free(before);
    free(after);
    return code;
}

START_TEST(ten_megabytes_in_one_field_cost_nothing_unless_they_are_wanted)
{
    ck_assert_int_eq(parse_member("\"ssn\":\"", "0123456789", 1 << 20, "\""), RC_OK);
    ck_assert_str_eq(story.data, "E1\n");
    ck_assert_int_eq(parse_member("\"remote_data\":{\"a\":\"", "\\u0041bcd", 1 << 20, "\"}"), RC_OK);
    ck_assert_int_eq(parse_member("\"first_name\":\"", "0123456789", 1 << 20, "\""), RC_TOO_LARGE);
    ck_assert_ptr_nonnull(strstr(error.message, "data.results[0] (id E1): a text of more than 256 KiB"));
    ck_assert_int_eq(parse_member("\"first_name\":\"", "0123456789", 26214, "\""), RC_OK);
}
END_TEST

START_TEST(millions_of_nested_arrays_are_refused_wherever_they_are)
{
    ck_assert_int_eq(parse_member("\"remote_data\":", "[", 3000000, ""), RC_MALFORMED);
    ck_assert_int_eq(parse_member("\"custom_fields\":{\"cost.center\":", "[", 3000000, ""), RC_MALFORMED);
    ck_assert_int_eq(parse_big("", "[", 3000000, ""), RC_MALFORMED);
    ck_assert_int_eq(parse_big("", "{\"data\":", 3000000, ""), RC_MALFORMED);
}
END_TEST

START_TEST(counts_and_records_are_capped)
{
    ck_assert_int_eq(parse_member("\"groups\":[", "{\"id\":\"G\"},", RC_KOMBO_MAX_GROUPS - 1, "{\"id\":\"G\"}]"),
                     RC_OK);
    ck_assert_int_eq(parse_member("\"groups\":[", "{\"id\":\"G\"},", RC_KOMBO_MAX_GROUPS, "{\"id\":\"G\"}]"),
                     RC_TOO_LARGE);
    ck_assert_int_eq(
        parse_big("{\"data\":{\"results\":[", "{\"id\":\"E\"},", RC_KOMBO_MAX_RECORDS - 1, "{\"id\":\"E\"}]}}"), RC_OK);
    ck_assert_uint_eq(page.records, RC_KOMBO_MAX_RECORDS);
    ck_assert_int_eq(
        parse_big("{\"data\":{\"results\":[", "{\"id\":\"E\"},", RC_KOMBO_MAX_RECORDS, "{\"id\":\"E\"}]}}"),
        RC_TOO_LARGE);
    /* Many long names in many groups. */
    char *unit = rc_alloc(200 * 1024 + 64);
    memset(unit, 'n', 200 * 1024);
    memcpy(unit, "{\"id\":\"G\",\"name\":\"", 18);
    memcpy(unit + 200 * 1024, "\"},", 4);
    ck_assert_int_eq(parse_member("\"groups\":[", unit, 15, "{\"id\":\"G\"}]"), RC_OK);
    ck_assert_int_eq(parse_member("\"groups\":[", unit, 25, "{\"id\":\"G\"}]"), RC_TOO_LARGE);
    free(unit);
}
END_TEST

/* ---- The mapping, and who takes the records ---- */

START_TEST(a_mapping_names_only_what_kombo_has_and_a_learning_platform_may_know)
{
    static const struct {
        const char *path, *says;
    } cases[] = {
        {"fist_name", "no field"},
        {"", "no field"},
        {"manager", "no field"},
        {"manager.", "no field"},
        {"manager.ssn", "no field"},
        {"first_name.x", "no field"},
        {"custom_fields", "no field"},
        {"custom_fields.", "no field"},
        {"ssn", "may not know"},
        {"tax_id", "may not know"},
        {"date_of_birth", "may not know"},
        {"bank_accounts", "may not know"},
        {"home_address.city", "may not know"},
        {"employments.pay_rate", "salaries"},
        {"remote_data.x", "everything"},
        {"groups", "primary_team"},
        {"ssn2", "no field"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rc_kombo_fields_t *none = NULL;
        const char *paths[] = {"first_name", cases[i].path};
        error = RC_ERROR_INIT;
        ck_assert_int_eq(rc_kombo_fields_new(paths, 2, &none, &error), RC_CONFIG);
        ck_assert_msg(strstr(error.message, cases[i].says) != NULL, "%s", error.message);
        ck_assert_ptr_null(none);
    }
    rc_kombo_fields_t *empty;
    ck_assert_int_eq(rc_kombo_fields_new(NULL, 0, &empty, &error), RC_OK);
    rc_kombo_fields_free(empty);
}
END_TEST

static rc_code_t refuse_second(void *opaque, const rc_kombo_employee_t *employee, rc_error_t *fault)
{
    int *count = opaque;
    if (++*count < 2) return RC_OK;
    return rc_error_set(fault, RC_OWNERSHIP, RC_FATAL, "not ours: %s", employee->id);
}

START_TEST(what_the_taker_refuses_ends_the_page_with_its_error)
{
    int count = 0;
    rc_kombo_sink_t sink = {.employee = refuse_second, .opaque = &count};
    static const char text[] = PAGE("{\"id\":\"A\"},{\"id\":\"B\"},{\"id\":\"C\"}");
    ck_assert_int_eq(parse_pieces(&sink, text, sizeof text - 1, 0), RC_OWNERSHIP);
    ck_assert_str_eq(error.message, "not ours: B");
    ck_assert_int_eq(error.disposition, RC_FATAL);
    ck_assert_int_eq(count, 2);
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("kombo_parse");
    TCase *tests = tcase_create("kombo_parse");
    tcase_add_checked_fixture(tests, start, finish);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, a_record_is_read_the_same_however_the_page_is_cut);
    tcase_add_test(tests, a_page_that_is_cut_off_anywhere_is_never_whole);
    tcase_add_test(tests, what_the_mapping_does_not_name_never_leaves_the_parser);
    tcase_add_test(tests, values_are_taken_as_kombo_describes_them);
    tcase_add_test(tests, a_page_that_is_not_what_kombo_describes_fails_and_says_where);
    tcase_add_test(tests, the_order_of_members_does_not_matter);
    tcase_add_test(tests, errors_are_read_and_bring_no_results);
    tcase_add_test(tests, groups_and_locations_are_read);
    tcase_add_test(tests, ten_megabytes_in_one_field_cost_nothing_unless_they_are_wanted);
    tcase_add_test(tests, millions_of_nested_arrays_are_refused_wherever_they_are);
    tcase_add_test(tests, counts_and_records_are_capped);
    tcase_add_test(tests, a_mapping_names_only_what_kombo_has_and_a_learning_platform_may_know);
    tcase_add_test(tests, what_the_taker_refuses_ends_the_page_with_its_error);
    suite_add_tcase(all, tests);
    return all;
}

int main(void)
{
    return rc_unit_run(suite());
}
