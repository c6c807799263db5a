/* common/report: tables as a terminal shows them. */
#include "common/report.h"

#include <string.h>

#include "tests/support/unit.h"

static rc_buf_t text;

static const char *render(rc_report_t *report, size_t width, bool bold)
{
    rc_buf_reset(&text);
    rc_report_render(report, (rc_report_style_t){width, bold}, &text);
    return text.data;
}

static void begin(void)
{
    text = RC_BUF_INIT(1 << 20);
}

static void end(void)
{
    rc_buf_fini(&text);
}

START_TEST(report_columns_are_aligned)
{
    rc_report_t *report = rc_report_new("integration|state|>holds");
    rc_report_add(report, (const char *const[]){"personio:acme", "OK", "0"});
    rc_report_add_format(report, "%s\t%s\t%d", "b", "NEEDS_CUSTOMER", 1200);
    ck_assert_str_eq(render(report, 0, false), "integration    state           holds\n"
                                               "personio:acme  OK                  0\n"
                                               "b              NEEDS_CUSTOMER   1200\n");
    ck_assert_uint_eq(rc_report_rows(report), 2);
    rc_report_free(report);
}
END_TEST

START_TEST(report_lines_have_no_spaces_at_their_end)
{
    rc_report_t *report = rc_report_new("a|b|c");
    rc_report_add(report, (const char *const[]){"1", "long", NULL});
    rc_report_add(report, (const char *const[]){"1", "2", "3"});
    rc_report_add_format(report, "%d", 7);
    ck_assert_str_eq(render(report, 0, false), "a  b     c\n1  long\n1  2     3\n7\n");
    rc_report_free(report);
}
END_TEST

START_TEST(report_sentences_go_on_in_the_next_line)
{
    rc_report_t *report = rc_report_new("topic|~result|~what to do");
    rc_report_add(report, (const char *const[]){"hris.schemas", "it has 4 partitions and needs 12 of them",
                                                "use another prefix and publish everything again"});
    rc_report_add(report, (const char *const[]){"b", "fine", NULL});
    rc_report_add(report, (const char *const[]){"c", "x", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"});
    ck_assert_str_eq(render(report, 64, false), "topic         result                    what to do\n"
                                                "hris.schemas  it has 4 partitions and   use another prefix and\n"
                                                "              needs 12 of them          publish everything again\n"
                                                "b             fine\n"
                                                "c             x                         aaaaaaaaaaaaaaaaaaaaaaaa\n"
                                                "                                        aaaaaaaaaaaaaaaa\n");
    ck_assert_ptr_nonnull(strstr(render(report, 0, false), "partitions and needs 12 of them  use another prefix and"));
    rc_report_free(report);
}
END_TEST

START_TEST(report_counts_characters_as_a_terminal_does)
{
    static const struct {
        const char *text;
        size_t width;
    } cases[] = {{"", 0},  {"abc", 3},      {"Söhne", 5},    {"e\u0301", 1}, {"日本", 4},
                 {"👩", 2}, {"a\u200Bb", 2}, {"\xff\xfe", 2}, {"—…", 2}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_msg(rc_text_width(cases[i].text) == cases[i].width, "%s", cases[i].text);
    rc_report_t *report = rc_report_new("name|>n");
    rc_report_add(report, (const char *const[]){"日本", "1"});
    rc_report_add(report, (const char *const[]){"Söhn", "2"});
    ck_assert_str_eq(render(report, 0, false), "name  n\n日本  1\nSöhn  2\n");
    rc_report_free(report);
}
END_TEST

START_TEST(report_too_wide_for_the_terminal_has_a_line_for_each_cell)
{
    rc_report_t *report = rc_report_new("id|name|>n|~why");
    rc_report_add(report, (const char *const[]){"personio:CBNMt7dSNCzBdnRTx87dev4E", "Söhne und Töchter GmbH", "12",
                                                "two lines of words are needed for all of this"});
    rc_report_add(report, (const char *const[]){"b", NULL, "3", NULL});
    ck_assert_str_eq(render(report, 32, true), "id    personio:CBNMt7dSNCzBdnRTx87dev4E\n"
                                               "name  Söhne und Töchter GmbH\n"
                                               "n     12\n"
                                               "why   two lines of words are\n"
                                               "      needed for all of this\n"
                                               "\n"
                                               "id    b\n"
                                               "n     3\n");
    rc_report_free(report);
}
END_TEST

START_TEST(report_shows_nothing_that_a_terminal_obeys)
{
    rc_report_t *report = rc_report_new("a|b");
    rc_report_add(report, (const char *const[]){"x\x1b[2Jy", "l1\nl2\xC2\x9Bz\x7f"});
    ck_assert_str_eq(render(report, 0, false), "a       b\nx [2Jy  l1 l2  z \n");
    rc_report_add(report, (const char *const[]){"\xff", "ok"});
    ck_assert_ptr_nonnull(strstr(render(report, 0, false), "?       ok\n"));
    rc_report_free(report);
}
END_TEST

START_TEST(report_has_colours_only_when_told)
{
    rc_report_t *report = rc_report_new("a");
    rc_report_add(report, (const char *const[]){"1"});
    ck_assert_str_eq(render(report, 80, true), "\033[1ma\033[0m\n1\n");
    FILE *file = tmpfile();
    rc_report_style_t style = rc_report_style(file);
    ck_assert(style.width == 0 && !style.bold);
    rc_report_print(report, file, "nothing");
    rc_report_free(report);
    report = rc_report_new("a");
    rc_report_print(report, file, "nothing waits");
    rewind(file);
    char written[64] = "";
    ck_assert_uint_eq(fread(written, 1, sizeof written - 1, file), 18);
    ck_assert_str_eq(written, "a\n1\nnothing waits\n");
    fclose(file);
    rc_report_free(report);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("report");
    TCase *tests = tcase_create("tables");
    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, report_columns_are_aligned);
    tcase_add_test(tests, report_lines_have_no_spaces_at_their_end);
    tcase_add_test(tests, report_counts_characters_as_a_terminal_does);
    tcase_add_test(tests, report_sentences_go_on_in_the_next_line);
    tcase_add_test(tests, report_too_wide_for_the_terminal_has_a_line_for_each_cell);
    tcase_add_test(tests, report_shows_nothing_that_a_terminal_obeys);
    tcase_add_test(tests, report_has_colours_only_when_told);
    suite_add_tcase(suite, tests);
    return rc_unit_run(suite);
}
