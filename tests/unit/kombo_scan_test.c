/* producer/kombo/kombo_scan: what it hands out, that the cuts between pieces do not matter, and that it accepts what
 * JSON is (jansson being the judge) and nothing else. */
#include "producer/kombo/kombo_scan.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/text.h"
#include "producer/kombo/kombo_scan_run.h"
#include "tests/support/cpu.h"
#include "tests/support/unit.h"

enum { LOG_CAP = 1 << 20 };

typedef enum { SKIP_MARKED, SKIP_ALL, SKIP_NOTHING } skip_t;

/* Writes down what is handed out; skips the values of keys that begin with '_', the whole document, or nothing. */
typedef struct {
    rc_buf_t log;
    skip_t skip;
    const char *stop_at;
} writer_t;

static rc_kombo_verdict_t on_key(void *opaque, const char *text, size_t length)
{
    writer_t *writer = opaque;
    (void)rc_buf_add_format(&writer->log, "k%zu:", length);
    (void)rc_buf_add(&writer->log, text, length);
    if (writer->stop_at && length == strlen(writer->stop_at) && memcmp(text, writer->stop_at, length) == 0)
        return RC_KOMBO_STOP;
    return writer->skip == SKIP_MARKED && length && text[0] == '_' ? RC_KOMBO_SKIP : RC_KOMBO_GO;
}

static rc_kombo_verdict_t on_value(void *opaque, rc_kombo_kind_t kind, const char *text, size_t length)
{
    writer_t *writer = opaque;
    (void)rc_buf_add_format(&writer->log, "%c%zu:", "oasntfz"[kind], length);
    (void)rc_buf_add(&writer->log, text, length);
    return writer->skip == SKIP_ALL ? RC_KOMBO_SKIP : RC_KOMBO_GO;
}

static rc_kombo_verdict_t on_end(void *opaque)
{
    writer_t *writer = opaque;
    (void)rc_buf_add_str(&writer->log, "e");
    return RC_KOMBO_GO;
}

static const rc_kombo_handler_t HANDLER = {on_key, on_value, on_end};

/* Feeds a document in pieces of `piece` bytes (0: whole); RC_OK only when it is complete. The log is new (free). */
static rc_code_t scan_pieces(const char *bytes, size_t size, size_t piece, skip_t skip, char **log, rc_error_t *error)
{
    writer_t writer = {.log = RC_BUF_INIT(LOG_CAP), .skip = skip};
    rc_kombo_scan_t *scan = rc_kombo_scan_new(&HANDLER, &writer);
    rc_code_t code = RC_OK;
    for (size_t at = 0; at < size && code == RC_OK;) {
        size_t length = piece && piece < size - at ? piece : size - at;
        char *copy = rc_alloc(length); /* exact, so that a sanitizer sees a read beyond the piece */
        memcpy(copy, bytes + at, length);
        code = rc_kombo_scan_feed(scan, copy, length, error);
        free(copy);
        at += length;
    }
    if (code == RC_OK && !rc_kombo_scan_is_complete(scan)) code = RC_INTERRUPTED;
    rc_kombo_scan_free(scan);
    if (log)
        *log = rc_buf_take(&writer.log);
    else
        rc_buf_fini(&writer.log);
    return code;
}

static rc_code_t scan_text(const char *text, rc_error_t *error)
{
    return scan_pieces(text, strlen(text), 0, SKIP_MARKED, NULL, error);
}

START_TEST(hands_out_keys_values_and_ends)
{
    static const struct {
        const char *text, *log;
    } cases[] = {
        {"{}", "o1:{e"},
        {" { \"a\" : 1 , \"b\":[ ] } ", "o1:{k1:an1:1k1:ba1:[ee"},
        {"[true,false,null]", "a1:[t4:truef5:falsez4:nulle"},
        {"[\"x\\n\\\"\\u00e9\\ud83d\\ude00\\/\"]", "a1:[s10:x\n\"\xC3\xA9\xF0\x9F\x98\x80/e"},
        {"[-0,0.5,-12.25e+3,1E-2,123456789012345678901234567890]", "a1:[n2:-0n3:0.5n9:-12.25e+3n4:1E-2n30:"
                                                                   "123456789012345678901234567890e"},
        {"[\"\",\"\\\\\"]", "a1:[s0:s1:\\e"},
        {"\xEF\xBB\xBF[]", "a1:[e"},
        {"{\"_a\":{\"b\":[1,{\"c\":\"}\\\"\"}]},\"d\":2}", "o1:{k2:_ak1:dn1:2e"},
        {"{\"_a\":\"x\",\"_b\":1,\"_c\":null,\"_d\":[],\"e\":{}}", "o1:{k2:_ak2:_bk2:_ck2:_dk1:eo1:{ee"},
        {"{\"a\":{\"_x\":[[]],\"y\":1},\"a\":2}", "o1:{k1:ao1:{k2:_xk1:yn1:1ek1:an1:2e"},
        {"{\"\":0}", "o1:{k0:n1:0e"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t piece = 0; piece <= strlen(cases[i].text); piece++) {
            rc_error_t error = RC_ERROR_INIT;
            char *log;
            rc_code_t code = scan_pieces(cases[i].text, strlen(cases[i].text), piece, SKIP_MARKED, &log, &error);
            ck_assert_msg(code == RC_OK, "%s in %zus: %s", cases[i].text, piece, error.message);
            ck_assert_str_eq(log, cases[i].log);
            free(log);
        }
}
END_TEST

START_TEST(refuses_what_is_no_json)
{
    static const char *const cases[] = {"{]",
                                        "[}",
                                        "[1,]",
                                        "{\"a\":1,}",
                                        "{\"a\"}",
                                        "{\"a\" 1}",
                                        "{\"_a\"\"x\"}",
                                        "{\"_a\" \"x\"}",
                                        "{\"_a\":\"x\"\"b\":1}",
                                        "{\"_a\":\"x\",}",
                                        "{1:2}",
                                        "[1 2]",
                                        "[,1]",
                                        "{,}",
                                        "[] []",
                                        "[]x",
                                        "x",
                                        "}",
                                        "[tru]",
                                        "[trux]",
                                        "[nul]",
                                        "[falsee]",
                                        "[TRUE]",
                                        "[01]",
                                        "[+1]",
                                        "[.5]",
                                        "[1.]",
                                        "[1.e1]",
                                        "[1e]",
                                        "[1e+]",
                                        "[-]",
                                        "[--1]",
                                        "[0x1]",
                                        "[1.5.5]",
                                        "[Infinity]",
                                        "['a']",
                                        "[\"\\x\"]",
                                        "[\"\\u12g4\"]",
                                        "[\"\\u123\"]",
                                        "[\"\t\"]",
                                        "[\"\n\"]",
                                        "{\"a\":}",
                                        "{\"a\":1 \"b\":2}",
                                        "[1:2]",
                                        "\xEF\xBB[]",
                                        "\xEF\xBB\xBF\xEF\xBB\xBF[]",
                                        "[\xEF\xBB\xBF]"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t piece = 0; piece <= strlen(cases[i]); piece++) {
            rc_error_t error = RC_ERROR_INIT;
            rc_code_t code = scan_pieces(cases[i], strlen(cases[i]), piece, SKIP_MARKED, NULL, &error);
            ck_assert_msg(code == RC_MALFORMED, "%s in %zus: %s", cases[i], piece, rc_code_str(code));
            /* And where it is skipped. */
            char *inside = rc_sprintf("{\"_a\":[%s]}", cases[i]);
            if (cases[i][0] != '\xEF' && strcmp(cases[i], "[] []") != 0 && cases[i][0] != '}') {
                code = scan_pieces(inside, strlen(inside), piece, SKIP_MARKED, NULL, &error);
                ck_assert_msg(code == RC_MALFORMED, "%s in %zus: %s", inside, piece, rc_code_str(code));
            }
            free(inside);
        }
}
END_TEST

START_TEST(texts_are_checked_where_they_are_handed_out)
{
    static const char *const cases[] = {"\xC3",           "\xC3(",          "\xED\xA0\x80",   "\xF5\x80\x80\x80",
                                        "\xC0\x80",       "\x80",           "a\xFF",          "\\u0000",
                                        "\\ud83d",        "\\ud83dx",       "\\ude00",        "\\ud83d\\n",
                                        "\\ud83d\\ud83d", "\\ud83d\\u0041", "\\ud83dx\\ude00"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *wanted = rc_sprintf("{\"a\":\"%s\"}", cases[i]), *skipped = rc_sprintf("{\"_a\":\"%s\"}", cases[i]);
        for (size_t piece = 0; piece < 12; piece++) {
            rc_error_t error = RC_ERROR_INIT;
            ck_assert_msg(scan_pieces(wanted, strlen(wanted), piece, SKIP_MARKED, NULL, &error) == RC_MALFORMED, "%s",
                          wanted);
            ck_assert_msg(scan_pieces(skipped, strlen(skipped), piece, SKIP_MARKED, NULL, &error) == RC_OK, "%s: %s",
                          skipped, error.message);
        }
        free(wanted);
        free(skipped);
    }
}
END_TEST

START_TEST(a_raw_nul_is_no_text)
{
    rc_error_t error = RC_ERROR_INIT;
    static const char bytes[] = {'[', '"', 'a', '\0', 'b', '"', ']'};
    ck_assert_int_eq(scan_pieces(bytes, sizeof bytes, 0, SKIP_MARKED, NULL, &error), RC_MALFORMED);
    static const char escaped[] = {'[', '"', '\\', '\0', '"', ']'};
    ck_assert_int_eq(scan_pieces(escaped, sizeof escaped, 0, SKIP_MARKED, NULL, &error), RC_MALFORMED);
    static const char outside[] = {'[', '\0', ']'};
    ck_assert_int_eq(scan_pieces(outside, sizeof outside, 0, SKIP_MARKED, NULL, &error), RC_MALFORMED);
}
END_TEST

START_TEST(depth_is_capped_also_where_it_is_skipped)
{
    for (int skip = 0; skip < 2; skip++) {
        rc_error_t error = RC_ERROR_INIT;
        size_t million = 2000000;
        char *nested = rc_alloc(million + 1);
        memset(nested, '[', million);
        nested[million] = '\0';
        ck_assert_int_eq(scan_pieces(nested, million, 16384, skip ? SKIP_ALL : SKIP_MARKED, NULL, &error),
                         RC_MALFORMED);
        ck_assert_ptr_nonnull(strstr(error.message, "64 levels"));
        memset(nested + RC_KOMBO_SCAN_MAX_DEPTH, ']', RC_KOMBO_SCAN_MAX_DEPTH);
        ck_assert_int_eq(
            scan_pieces(nested, RC_KOMBO_SCAN_MAX_DEPTH * 2, 0, skip ? SKIP_ALL : SKIP_MARKED, NULL, &error), RC_OK);
        free(nested);
    }
}
END_TEST

/* A document whose one value is `size` bytes of text. */
static char *long_text(const char *key, size_t size, size_t *total)
{
    char *start = rc_sprintf("{\"%s\":\"", key);
    size_t length = strlen(start);
    char *text = rc_alloc(length + size + 3);
    memcpy(text, start, length);
    memset(text + length, 'x', size);
    memcpy(text + length + size, "\"}", 3);
    *total = length + size + 2;
    free(start);
    return text;
}

START_TEST(a_wanted_text_is_capped_and_a_skipped_one_is_not)
{
    static const struct {
        const char *key;
        size_t size;
        rc_code_t code;
    } cases[] = {{"a", RC_KOMBO_SCAN_MAX_TEXT, RC_OK},
                 {"a", RC_KOMBO_SCAN_MAX_TEXT + 1, RC_TOO_LARGE},
                 {"_a", 10 << 20, RC_OK},
                 {"a", 10 << 20, RC_TOO_LARGE}};
    static const size_t pieces[] = {0, 1000, 16384};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t j = 0; j < 3; j++) {
            rc_error_t error = RC_ERROR_INIT;
            size_t total;
            char *text = long_text(cases[i].key, cases[i].size, &total);
            rc_code_t code = scan_pieces(text, total, pieces[j], SKIP_MARKED, NULL, &error);
            ck_assert_msg(code == cases[i].code, "%s %zu: %s", cases[i].key, cases[i].size, rc_code_str(code));
            free(text);
        }
}
END_TEST

START_TEST(a_key_or_number_beyond_the_cap_is_no_trap)
{
    size_t size = RC_KOMBO_SCAN_MAX_TEXT + 10;
    char *text = rc_alloc(size + 64);
    rc_error_t error = RC_ERROR_INIT;
    char *log;
    memset(text, 'k', size + 64);
    memcpy(text, "{\"", 2);
    memcpy(text + size, "\":[],\"b\":\"2\"}", 14);
    for (size_t piece = 0; piece <= 5000; piece += 5000) {
        ck_assert_int_eq(scan_pieces(text, size + 13, piece, SKIP_MARKED, &log, &error), RC_OK);
        ck_assert_str_eq(log, "o1:{k1:bs1:2e");
        free(log);
    }
    memset(text, '7', size);
    text[0] = '[';
    text[size] = ']';
    ck_assert_int_eq(scan_pieces(text, size + 1, 5000, SKIP_MARKED, NULL, &error), RC_TOO_LARGE);
    free(text);
}
END_TEST

/* As a ratio, with room for a loaded machine: quadratic work would be 16 times as much and more. */
START_TEST(the_work_is_linear_in_a_text_that_comes_in_small_pieces)
{
    double seconds[2];
    for (int i = 0; i < 2; i++) {
        rc_error_t error = RC_ERROR_INIT;
        size_t total;
        char *text = long_text("_a", (size_t)(i ? 32 : 2) << 20, &total);
        double start = rc_cpu_seconds();
        ck_assert_int_eq(scan_pieces(text, total, 512, SKIP_MARKED, NULL, &error), RC_OK);
        seconds[i] = rc_cpu_seconds() - start;
        free(text);
    }
    ck_assert_msg(seconds[1] < seconds[0] * 16 * 6 + 0.2, "2 MiB: %.4f s, 32 MiB: %.4f s", seconds[0], seconds[1]);
}
END_TEST

START_TEST(stops_where_the_handler_says)
{
    writer_t writer = {.log = RC_BUF_INIT(LOG_CAP), .stop_at = "b"};
    rc_kombo_scan_t *scan = rc_kombo_scan_new(&HANDLER, &writer);
    rc_error_t error = RC_ERROR_INIT;
    ck_assert_int_eq(rc_kombo_scan_feed(scan, "{\"a\":1,\"b\":2}", 13, &error), RC_CANCELLED);
    ck_assert_int_eq(error.code, RC_OK);
    ck_assert_str_eq(writer.log.data, "o1:{k1:an1:1k1:b");
    rc_buf_reset(&writer.log);
    rc_kombo_scan_reset(scan);
    ck_assert_int_eq(rc_kombo_scan_feed(scan, "[1]", 3, &error), RC_OK);
    ck_assert_str_eq(writer.log.data, "a1:[n1:1e");
    rc_kombo_scan_free(scan);
    rc_buf_fini(&writer.log);
}
END_TEST

START_TEST(errors_say_what_and_where)
{
    rc_error_t error = RC_ERROR_INIT;
    ck_assert_int_eq(scan_text("{\"a\":1,\"b\" 2}", &error), RC_MALFORMED);
    ck_assert_str_eq(error.message, "no colon behind a key (near byte 11)");
    ck_assert_int_eq(error.disposition, RC_REJECT);
    ck_assert_int_eq(scan_text("{\"a\":", &error), RC_INTERRUPTED);
}
END_TEST

/* ---- Properties ---- */

static uint64_t seed = 0x9E3779B97F4A7C15u;

static unsigned draw(unsigned bound)
{
    seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
    return (unsigned)(seed >> 33) % bound;
}

static void add_text(rc_buf_t *out)
{
    static const char *const parts[] = {"a",
                                        "_",
                                        ("Ma\xC3\xB1"
                                         "ana"),
                                        "\\n",
                                        "\\\"",
                                        "\\u00fc",
                                        "\\ud83d\\ude00",
                                        "x y z ",
                                        "{[]}",
                                        "longer than sixteen bytes",
                                        "\\\\",
                                        "\xE2\x82\xAC",
                                        ":,"};
    (void)rc_buf_add_str(out, "\"");
    for (unsigned i = draw(4); i > 0; i--) (void)rc_buf_add_str(out, parts[draw(13)]);
    (void)rc_buf_add_str(out, "\"");
}

static void add_space(rc_buf_t *out)
{
    static const char *const spaces[] = {"", "", "", " ", "\n", "\t\r "};
    (void)rc_buf_add_str(out, spaces[draw(6)]);
}

static void add_value(rc_buf_t *out, int depth)
{
    static const char *const scalars[] = {"true", "false", "null", "0", "-1.5", "12e3", "1E-2", "7"};
    unsigned kind = draw(depth > 5 ? 6 : 10);
    add_space(out);
    if (kind < 3) {
        add_text(out);
    } else if (kind < 6) {
        (void)rc_buf_add_str(out, scalars[draw(8)]);
    } else {
        bool object = kind < 8;
        (void)rc_buf_add_str(out, object ? "{" : "[");
        for (unsigned i = 0, count = draw(5); i < count; i++) {
            if (i) (void)rc_buf_add_str(out, ",");
            add_space(out);
            if (object) {
                add_text(out);
                add_space(out);
                (void)rc_buf_add_str(out, ":");
            }
            add_value(out, depth + 1);
        }
        add_space(out);
        (void)rc_buf_add_str(out, object ? "}" : "]");
    }
    add_space(out);
}

static void mutate(rc_buf_t *text)
{
    static const char pool[] = "{}[]\",:\\u0aetrnf -.\xC3\x01";
    for (unsigned i = draw(3) + 1; i > 0 && text->size_bytes; i--) {
        size_t at = draw((unsigned)text->size_bytes);
        if (draw(3) == 0) {
            memmove(text->data + at, text->data + at + 1, text->size_bytes - at);
            text->size_bytes--;
        } else {
            text->data[at] = pool[draw(sizeof pool - 1)];
        }
    }
}

/* What jansson says, or -1 where it differs on purpose: numbers beyond its range, \u0000. */
static int judge(const char *text, size_t size)
{
    json_error_t fault;
    json_t *json = json_loadb(text, size, JSON_DECODE_ANY, &fault);
    json_decref(json);
    if (json) return 1;
    return strstr(fault.text, "too big") || strstr(fault.text, "overflow") || strstr(fault.text, "\\u0000") ? -1 : 0;
}

/* Whether that is about the content of a text, which is not looked at where it is skipped. */
static bool is_about_content(const rc_error_t *error)
{
    return strstr(error->message, "UTF-8") || strstr(error->message, "surrogate") || strstr(error->message, "u0000");
}

START_TEST(accepts_what_jansson_accepts_and_hands_out_the_same_however_it_is_cut)
{
    int accepted = 0, refused = 0;
    for (int round = 0; round < rc_unit_rounds(8000); round++) {
        rc_buf_t text = RC_BUF_INIT(1 << 20);
        add_value(&text, 0);
        if (round % 3) mutate(&text);
        const char *bytes = text.data;
        size_t size = text.size_bytes, piece = 1 + draw(20);
        int verdict = judge(bytes, size);
        char *log, *other_log;
        rc_error_t error = RC_ERROR_INIT, other_error = RC_ERROR_INIT;
        rc_code_t code = scan_pieces(bytes, size, 0, SKIP_NOTHING, &log, &error);
        /* The end of a number at the outermost level is not known: no document of ours is one. Keys may be of any
         * bytes. */
        bool open_number = code == RC_INTERRUPTED && verdict == 1 && !memchr("]}\"el", bytes[size - 1], 5);
        bool odd_key = code == RC_OK && !rc_utf8_valid(bytes, size);
        if (verdict >= 0 && !open_number && !odd_key)
            ck_assert_msg((code == RC_OK) == (verdict == 1), "%.*s: %s %s", (int)size, bytes, rc_code_str(code),
                          error.message);
        *(code == RC_OK ? &accepted : &refused) += 1;
        ck_assert_int_eq(scan_pieces(bytes, size, piece, SKIP_NOTHING, &other_log, &other_error), code);
        ck_assert_str_eq(other_log, log);
        free(log);
        free(other_log);

        rc_error_t skip_error = RC_ERROR_INIT;
        rc_code_t marked = scan_pieces(bytes, size, 0, SKIP_MARKED, &log, &skip_error);
        ck_assert_int_eq(scan_pieces(bytes, size, piece, SKIP_MARKED, &other_log, &other_error), marked);
        ck_assert_str_eq(other_log, log);
        free(log);
        free(other_log);
        if (!is_about_content(&error)) {
            ck_assert_msg(marked == code, "%.*s: %s", (int)size, bytes, skip_error.message);
            ck_assert_int_eq(scan_pieces(bytes, size, piece, SKIP_ALL, NULL, &skip_error), code);
        }
        rc_buf_fini(&text);
    }
    ck_assert_int_gt(accepted, rc_unit_rounds(2000));
    ck_assert_int_gt(refused, rc_unit_rounds(2000));
}
END_TEST

/* Byte by byte: what both must come to. */
static const char *run_end(const char *at, const char *end)
{
    while (at < end && *at != '"' && *at != '\\' && (unsigned char)*at >= 0x20) at++;
    return at;
}

START_TEST(a_run_ends_at_the_same_byte_on_every_machine)
{
    enum { MOST = 70 };
    char bytes[MOST];
    static const signed char specials[] = {'"', '\\', '\0', '\x1F', '\n'},
                             plain[] = {' ', '!', '#', '[', ']', '~', 0x7F, -0x80, -0x5E, -0x24, -1};
    for (size_t size = 0; size <= MOST; size++)
        for (size_t special = 0; special <= size; special++)
            for (size_t kind = 0; kind < sizeof specials * sizeof plain; kind++) {
                char *exact = rc_alloc(size); /* so that a sanitizer sees a read beyond it */
                memset(bytes, plain[kind % sizeof plain], size);
                if (special < size) bytes[special] = specials[kind / sizeof plain];
                memcpy(exact, bytes, size);
                bool high = false, high_portable = false, is_high = special > 0 && plain[kind % sizeof plain] < 0;
                const char *expected = run_end(exact, exact + size);
                ck_assert_ptr_eq(rc_kombo_run_end(exact, exact + size, &high), expected);
                ck_assert_ptr_eq(rc_kombo_run_end_portable(exact, exact + size, &high_portable), expected);
                ck_assert(!is_high || (high && high_portable));
                free(exact);
            }
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("kombo_scan");
    TCase *tests = tcase_create("kombo_scan");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, hands_out_keys_values_and_ends);
    tcase_add_test(tests, refuses_what_is_no_json);
    tcase_add_test(tests, texts_are_checked_where_they_are_handed_out);
    tcase_add_test(tests, a_raw_nul_is_no_text);
    tcase_add_test(tests, depth_is_capped_also_where_it_is_skipped);
    tcase_add_test(tests, a_wanted_text_is_capped_and_a_skipped_one_is_not);
    tcase_add_test(tests, a_key_or_number_beyond_the_cap_is_no_trap);
    tcase_add_test(tests, the_work_is_linear_in_a_text_that_comes_in_small_pieces);
    tcase_add_test(tests, stops_where_the_handler_says);
    tcase_add_test(tests, errors_say_what_and_where);
    tcase_add_test(tests, a_run_ends_at_the_same_byte_on_every_machine);
    tcase_add_test(tests, accepts_what_jansson_accepts_and_hands_out_the_same_however_it_is_cut);
    suite_add_tcase(all, tests);
    return all;
}

int main(void)
{
    return rc_unit_run(suite());
}
