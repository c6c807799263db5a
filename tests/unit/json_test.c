/* common/json: small documents, read strictly and asked leniently. */
#include "common/json.h"

#include <stdlib.h>
#include <string.h>

#include "tests/support/unit.h"

static json_t *parse(const char *text)
{
    json_t *json = NULL;
    rc_error_t error = RC_ERROR_INIT;
    ck_assert_msg(rc_json_parse(text, strlen(text), &json, &error) == RC_OK, "%s", error.message);
    return json;
}

START_TEST(what_is_no_single_document_is_refused)
{
    static const char *const wrong[] = {
        "", "{", "{} {}", "{\"a\":1,\"a\":2}", "{'a':1}", "[1,]", "nul", "{\"a\":\"\xFF\"}", "01", "// x"};
    json_t *json = NULL;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ck_assert_msg(rc_json_parse(wrong[i], strlen(wrong[i]), &json, NULL) == RC_MALFORMED, "%s", wrong[i]);
    ck_assert_ptr_null(json);
}
END_TEST

START_TEST(an_abyss_is_refused)
{
    enum { DEPTH = 1000000 };
    char *text = malloc(DEPTH);
    memset(text, '[', DEPTH);
    json_t *json = NULL;
    ck_assert_int_eq(rc_json_parse(text, DEPTH, &json, NULL), RC_MALFORMED);
    free(text);
}
END_TEST

START_TEST(a_member_of_another_type_counts_as_absent)
{
    json_t *json = parse("{\"text\":\"x\",\"number\":7,\"real\":1.5,\"yes\":true,\"none\":null,\"list\":[]}");
    ck_assert_str_eq(rc_json_str(json, "text"), "x");
    ck_assert_ptr_null(rc_json_str(json, "number"));
    ck_assert_ptr_null(rc_json_str(json, "none"));
    ck_assert_ptr_null(rc_json_str(json, "absent"));
    ck_assert_ptr_null(rc_json_str(NULL, "text"));
    ck_assert_ptr_null(rc_json_str(json_object_get(json, "list"), "text"));
    ck_assert_int_eq(rc_json_int(json, "number", 1), 7);
    ck_assert_int_eq(rc_json_int(json, "real", 1), 1);
    ck_assert_int_eq(rc_json_int(json, "text", -1), -1);
    ck_assert_int_eq(rc_json_int(NULL, "number", 3), 3);
    ck_assert(rc_json_bool(json, "yes", false));
    ck_assert(rc_json_bool(json, "number", true));
    ck_assert(!rc_json_bool(json, "absent", false));
    json_decref(json);
}
END_TEST

START_TEST(what_is_absent_is_left_out)
{
    json_t *json = json_object();
    rc_json_put_str(json, "a", "x");
    rc_json_put_str(json, "b", NULL);
    rc_json_put_wall(json, "c", (rc_wall_t){1795363732123});
    rc_json_put_wall(json, "d", (rc_wall_t){0});
    rc_json_put_date(json, "e", (rc_date_t){20779});
    rc_json_put_date(json, "f", RC_DATE_NONE);
    char *text = rc_json_text(json, false);
    ck_assert_str_eq(text, "{\"a\":\"x\",\"c\":\"2026-11-22T16:08:52.123Z\",\"e\":\"2026-11-22\"}");
    free(text);
    json_decref(json);
}
END_TEST

START_TEST(a_set_is_its_symbols_and_a_value_may_be_null)
{
    static const char *const symbols[] = {"one", "two", "three"};
    json_t *json = json_object();
    rc_json_put_str_or_null(json, "a", "x");
    rc_json_put_str_or_null(json, "b", NULL);
    (void)json_object_set_new(json, "c", rc_json_symbols(symbols, 3, 1U << 0 | 1U << 2));
    (void)json_object_set_new(json, "d", rc_json_symbols(symbols, 3, 0));
    char *text = rc_json_text(json, false);
    ck_assert_str_eq(text, "{\"a\":\"x\",\"b\":null,\"c\":[\"one\",\"three\"],\"d\":[]}");
    free(text);
    json_decref(json);
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("json");
    TCase *tests = tcase_create("json");
    tcase_add_test(tests, what_is_no_single_document_is_refused);
    tcase_add_test(tests, an_abyss_is_refused);
    tcase_add_test(tests, a_member_of_another_type_counts_as_absent);
    tcase_add_test(tests, what_is_absent_is_left_out);
    tcase_add_test(tests, a_set_is_its_symbols_and_a_value_may_be_null);
    suite_add_tcase(all, tests);
    return all;
}

int main(void)
{
    return rc_unit_run(suite());
}
