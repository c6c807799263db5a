/* common/json_write: what it writes is JSON, byte for byte what common/json would write. */
#include <stdlib.h>

#include "common/json.h"
#include "common/json_write.h"
#include "tests/support/unit.h"

START_TEST(json_write_puts_commas_between_values_only)
{
    rc_buf_t out = RC_BUF_INIT(1024);
    rc_json_writer_t json = {.out = &out};
    rc_json_write_open(&json, NULL, '{');
    rc_json_write_str(&json, "absent", NULL);
    rc_json_write_str(&json, "a", "");
    rc_json_write_open(&json, "list", '[');
    rc_json_write_str(&json, NULL, "x");
    rc_json_write_str(&json, NULL, "y");
    rc_json_write_open(&json, NULL, '{');
    rc_json_write_close(&json, '}');
    rc_json_write_close(&json, ']');
    rc_json_write_bool(&json, "yes", true);
    rc_json_write_bool(&json, "no", false);
    rc_json_write_close(&json, '}');
    ck_assert_str_eq(out.data, "{\"a\":\"\",\"list\":[\"x\",\"y\",{}],\"yes\":true,\"no\":false}");
    rc_buf_fini(&out);
}
END_TEST

/* Every byte that a string may begin with, in the words of jansson. */
START_TEST(json_write_escapes_as_the_dom_does)
{
    for (int byte = 1; byte < 0x80; byte++) {
        char text[] = "a?b\xc3\xa4";
        text[1] = (char)byte;
        json_t *object = json_object();
        rc_json_put_str(object, text, text);
        char *expected = rc_json_text(object, false);
        rc_buf_t out = RC_BUF_INIT(1024);
        rc_json_writer_t json = {.out = &out};
        rc_json_write_open(&json, NULL, '{');
        rc_json_write_str(&json, text, text);
        rc_json_write_close(&json, '}');
        ck_assert_str_eq(out.data, expected);
        rc_buf_fini(&out);
        free(expected);
        json_decref(object);
    }
}
END_TEST

START_TEST(json_write_shows_what_does_not_fit)
{
    rc_buf_t out = RC_BUF_INIT(8);
    rc_json_writer_t json = {.out = &out};
    rc_json_write_open(&json, NULL, '{');
    rc_json_write_str(&json, "name", "value");
    rc_json_write_close(&json, '}');
    ck_assert(out.overflowed);
    rc_buf_fini(&out);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("json_write");
    TCase *tcase = tcase_create("json_write");
    tcase_add_test(tcase, json_write_puts_commas_between_values_only);
    tcase_add_test(tcase, json_write_escapes_as_the_dom_does);
    tcase_add_test(tcase, json_write_shows_what_does_not_fit);
    suite_add_tcase(suite, tcase);
    return rc_unit_run(suite);
}
