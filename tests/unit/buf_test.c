/* common/buf: what does not fit is refused whole. */
#include "common/buf.h"

#include <stdlib.h>
#include <string.h>

#include "tests/support/unit.h"

START_TEST(an_append_beyond_the_cap_is_refused_whole)
{
    rc_buf_t buf = RC_BUF_INIT(10);
    ck_assert(rc_buf_add_str(&buf, "12345678"));
    ck_assert(!buf.overflowed);
    ck_assert(!rc_buf_add_str(&buf, "abc"));
    ck_assert(buf.overflowed);
    ck_assert_str_eq(buf.data, "12345678");
    ck_assert(rc_buf_add_str(&buf, "9a")); /* what fits still does */
    ck_assert(!rc_buf_add_format(&buf, "%d", 1));
    ck_assert(!rc_buf_add(&buf, "x", SIZE_MAX));
    ck_assert_str_eq(buf.data, "123456789a");
    rc_buf_reset(&buf);
    ck_assert_uint_eq(buf.size_bytes, 0);
    ck_assert(!buf.overflowed);
    ck_assert_str_eq(buf.data, "");
    rc_buf_fini(&buf);
    ck_assert_uint_eq(buf.cap_bytes, 10);
}
END_TEST

START_TEST(a_buffer_grows_and_always_ends_with_a_nul)
{
    rc_buf_t buf = RC_BUF_INIT(100000);
    for (int i = 0; i < 10000; i++) {
        ck_assert(rc_buf_add_format(&buf, "%05d", i));
        ck_assert_uint_eq(strlen(buf.data), buf.size_bytes);
    }
    ck_assert_uint_eq(buf.size_bytes, 50000);
    ck_assert(rc_buf_add(&buf, NULL, 0));
    ck_assert_str_eq(buf.data + 49995, "09999");
    rc_buf_fini(&buf);
}
END_TEST

START_TEST(taking_gives_a_text_even_of_an_empty_buffer)
{
    rc_buf_t buf = RC_BUF_INIT(10);
    char *empty = rc_buf_take(&buf);
    ck_assert_str_eq(empty, "");
    ck_assert(rc_buf_add_str(&buf, "text"));
    char *text = rc_buf_take(&buf);
    ck_assert_str_eq(text, "text");
    ck_assert_uint_eq(buf.size_bytes, 0);
    free(empty);
    free(text);
    rc_buf_fini(&buf);
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("buf");
    TCase *tests = tcase_create("buf");
    tcase_add_test(tests, an_append_beyond_the_cap_is_refused_whole);
    tcase_add_test(tests, a_buffer_grows_and_always_ends_with_a_nul);
    tcase_add_test(tests, taking_gives_a_text_even_of_an_empty_buffer);
    suite_add_tcase(all, tests);
    return all;
}

int main(void)
{
    return rc_unit_run(suite());
}
