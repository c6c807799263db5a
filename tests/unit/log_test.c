/* common/log: the lines to the letter, and what must never get into one. */
#include "common/log.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/json.h"
#include "common/mem.h"
#include "tests/support/unit.h"

static int ends[2];

static rc_wall_t fixed_now(void)
{
    return (rc_wall_t){1795363732123}; /* 2026-11-22T16:08:52.123Z */
}

static void open_log(rc_log_format_t format, rc_log_level_t level)
{
    ck_assert_int_eq(pipe(ends), 0);
    rc_log_open(&(rc_log_options_t){.level = level,
                                    .format = format,
                                    .program = "rollcall-producer",
                                    .instance = "blue",
                                    .fd = ends[1],
                                    .now = fixed_now});
}

/* All that was logged; ends the log. */
static char *logged(void)
{
    static char text[64 * 1024];
    size_t size = 0;
    (void)close(ends[1]);
    for (ssize_t got; (got = read(ends[0], text + size, sizeof text - 1 - size)) > 0;) size += (size_t)got;
    (void)close(ends[0]);
    text[size] = '\0';
    return text;
}

static void log_a_poll(void)
{
    rc_error_t error = RC_ERROR_INIT;
    rc_error_set(&error, RC_TIMEOUT, RC_RETRY, "no answer after 60s");
    rc_log(RC_LEVEL_WARN, "poll failed", RC_LOG_STR(INTEGRATION, "personio:acme"), RC_LOG_INT(READ, 1200),
           RC_LOG_BOOL(FULL, true), RC_LOG_WALL(NEXT_AT, ((rc_wall_t){1795363735000})), RC_LOG_ERR(&error));
}

START_TEST(log_json_golden_line)
{
    open_log(RC_FORMAT_JSON, RC_LEVEL_INFO);
    log_a_poll();
    ck_assert_str_eq(logged(),
                     "{\"time\":\"2026-11-22T16:08:52.123Z\",\"level\":\"warn\",\"event\":\"poll failed\","
                     "\"program\":\"rollcall-producer\",\"process\":\"blue\",\"integration\":\"personio:acme\","
                     "\"read\":1200,\"full\":true,\"next_at\":\"2026-11-22T16:08:55.000Z\","
                     "\"error\":\"timeout\",\"message\":\"no answer after 60s\"}\n");
}
END_TEST

START_TEST(log_text_golden_line)
{
    open_log(RC_FORMAT_TEXT, RC_LEVEL_INFO);
    log_a_poll();
    ck_assert_str_eq(logged(),
                     "2026-11-22T16:08:52.123Z WARN  poll failed integration=personio:acme read=1200 full=true "
                     "next_at=2026-11-22T16:08:55.000Z error=timeout message=\"no answer after 60s\"\n");
}
END_TEST

START_TEST(log_auto_is_json_off_a_terminal)
{
    open_log(RC_FORMAT_AUTO, RC_LEVEL_INFO);
    rc_log(RC_LEVEL_INFO, "started");
    ck_assert_str_eq(logged(), "{\"time\":\"2026-11-22T16:08:52.123Z\",\"level\":\"info\",\"event\":\"started\","
                               "\"program\":\"rollcall-producer\",\"process\":\"blue\"}\n");
}
END_TEST

START_TEST(log_drops_what_is_below_the_level)
{
    open_log(RC_FORMAT_TEXT, RC_LEVEL_WARN);
    ck_assert(!rc_log_enabled(RC_LEVEL_INFO));
    ck_assert(rc_log_enabled(RC_LEVEL_ERROR));
    rc_log(RC_LEVEL_DEBUG, "debug");
    rc_log(RC_LEVEL_INFO, "info");
    rc_log(RC_LEVEL_ERROR, "error");
    ck_assert_str_eq(logged(), "2026-11-22T16:08:52.123Z ERROR error\n");
}
END_TEST

START_TEST(log_leaves_out_what_does_not_apply)
{
    open_log(RC_FORMAT_TEXT, RC_LEVEL_INFO);
    rc_log(RC_LEVEL_INFO, "e", RC_LOG_STR(REASON, NULL), RC_LOG_WALL(SINCE, ((rc_wall_t){0})), RC_LOG_INT(COUNT, 0));
    ck_assert_str_eq(logged(), "2026-11-22T16:08:52.123Z INFO  e count=0\n");
}
END_TEST

START_TEST(log_escapes_what_would_break_a_line_or_a_terminal)
{
    static const struct {
        const char *value, *text, *json;
    } cases[] = {
        {"plain", "plain", "\"plain\""},
        {"", "\"\"", "\"\""},
        {"two words", "\"two words\"", "\"two words\""},
        {"a=b", "\"a=b\"", "\"a=b\""},
        {"line\nforged level=error", "\"line\\nforged level=error\"", "\"line\\nforged level=error\""},
        {"\"q\" \\", "\"\\\"q\\\" \\\\\"", "\"\\\"q\\\" \\\\\""},
        {"\x1b[31m", "\"\\u001b[31m\"", "\"\\u001b[31m\""},
        {"\x7f", "\"\\u007f\"", "\"\\u007f\""},
        {"\xC2\x9B"
         "31m",
         "\"\\u009b31m\"", "\"\\u009b31m\""},
        {"Söhne", "Söhne", "\"Söhne\""},
        {"bad\xff"
         "byte",
         "\"bad?byte\"", "\"bad?byte\""},
    };
    char expected[256];
    open_log(RC_FORMAT_TEXT, RC_LEVEL_INFO);
    rc_log(RC_LEVEL_INFO, "e", RC_LOG_STR(MESSAGE, cases[_i].value));
    snprintf(expected, sizeof expected, "2026-11-22T16:08:52.123Z INFO  e message=%s\n", cases[_i].text);
    ck_assert_str_eq(logged(), expected);
    open_log(RC_FORMAT_JSON, RC_LEVEL_INFO);
    rc_log(RC_LEVEL_INFO, "e", RC_LOG_STR(MESSAGE, cases[_i].value));
    snprintf(expected, sizeof expected, ",\"message\":%s}\n", cases[_i].json);
    ck_assert_ptr_nonnull(strstr(logged(), expected));
}
END_TEST

START_TEST(log_strikes_addresses_of_people)
{
    static const struct {
        const char *value, *struck;
    } cases[] = {
        {"ada@example.org", "<address>"},
        {"email ada.love+x@mail.example.org has already been taken", "email <address> has already been taken"},
        {"<ada@example.org>, bob@b.example!", "<<address>>, <address>!"},
        {"jürgen@müller.example", "<address>"},
        {"a @ b", "a @ b"},
        {"@home", "@home"},
        {"home@", "home@"},
        {"x@y@z", "<address>@z"},
    };
    char expected[256];
    open_log(RC_FORMAT_JSON, RC_LEVEL_INFO);
    rc_log(RC_LEVEL_INFO, "e", RC_LOG_STR(MESSAGE, cases[_i].value));
    snprintf(expected, sizeof expected, "\"message\":\"%s\"}\n", cases[_i].struck);
    char *said = logged();
    ck_assert_msg(strstr(said, expected) != NULL, "%s", said);
}
END_TEST

START_TEST(log_line_stays_one_json_document_however_long_its_values)
{
    char *long_value = rc_zalloc(100001);
    for (size_t i = 0; i < 100000; i++) long_value[i] = "\x01\"ab@c. "[i % 8];
    open_log(RC_FORMAT_JSON, RC_LEVEL_INFO);
    rc_log(RC_LEVEL_INFO, "e", RC_LOG_STR(MESSAGE, long_value), RC_LOG_STR(REASON, long_value),
           RC_LOG_STR(PATH, long_value), RC_LOG_STR(STATE, long_value), RC_LOG_STR(TOPIC, long_value));
    char *said = logged();
    rc_error_t error = RC_ERROR_INIT;
    json_t *json = NULL;
    ck_assert_msg(rc_json_parse(said, strlen(said), &json, &error) == RC_OK, "%s", error.message);
    ck_assert_uint_lt(strlen(rc_json_str(json, "message")), 1025);
    ck_assert_ptr_eq(strchr(said, '\n'), said + strlen(said) - 1);
    json_decref(json);
    free(long_value);
}
END_TEST

enum { THREADS = 4, LINES = 50 };

static void *log_lines(void *opaque)
{
    (void)opaque;
    for (int i = 0; i < LINES; i++) rc_log(RC_LEVEL_INFO, "line", RC_LOG_INT(COUNT, i), RC_LOG_STR(PATH, "a path"));
    return NULL;
}

START_TEST(log_lines_of_threads_do_not_mix)
{
    pthread_t threads[THREADS];
    open_log(RC_FORMAT_JSON, RC_LEVEL_INFO);
    for (int i = 0; i < THREADS; i++) ck_assert_int_eq(pthread_create(&threads[i], NULL, log_lines, NULL), 0);
    for (int i = 0; i < THREADS; i++) ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    int count = 0;
    for (char *line = logged(), *next; *line; line = next, count++) {
        next = strchr(line, '\n') + 1;
        json_t *json = NULL;
        ck_assert_int_eq(rc_json_parse(line, (size_t)(next - line), &json, NULL), RC_OK);
        json_decref(json);
    }
    ck_assert_int_eq(count, THREADS * LINES);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("log");
    TCase *tests = tcase_create("lines");
    tcase_add_test(tests, log_json_golden_line);
    tcase_add_test(tests, log_text_golden_line);
    tcase_add_test(tests, log_auto_is_json_off_a_terminal);
    tcase_add_test(tests, log_drops_what_is_below_the_level);
    tcase_add_test(tests, log_leaves_out_what_does_not_apply);
    tcase_add_loop_test(tests, log_escapes_what_would_break_a_line_or_a_terminal, 0, 11);
    tcase_add_loop_test(tests, log_strikes_addresses_of_people, 0, 8);
    tcase_add_test(tests, log_line_stays_one_json_document_however_long_its_values);
    tcase_add_test(tests, log_lines_of_threads_do_not_mix);
    suite_add_tcase(suite, tests);
    return rc_unit_run(suite);
}
