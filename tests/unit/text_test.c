/* common/text: strings as people mean them. */
#include "common/text.h"

#include <stdlib.h>
#include <string.h>

#include "tests/support/unit.h"

START_TEST(addresses_are_compared_without_ascii_case_only)
{
    ck_assert(rc_email_equal("Ada@Example.COM", "ada@example.com"));
    ck_assert(!rc_email_equal("ada@example.com", "ada@example.co"));
    ck_assert(!rc_email_equal("ada@example.co", "ada@example.com"));
    ck_assert(!rc_email_equal("\xC3\x84@x", "\xC3\xA4@x")); /* Ä and ä: a server may tell them apart */
    ck_assert(!rc_email_equal("[@x", "{@x"));               /* neighbours of the letters, 32 apart */
    ck_assert(rc_email_equal(NULL, NULL));
    ck_assert(!rc_email_equal(NULL, ""));
    ck_assert(rc_text_equal(NULL, NULL) && !rc_text_equal("", NULL) && !rc_text_equal("a", "A"));
    ck_assert(rc_text_empty(NULL) && rc_text_empty("") && !rc_text_empty(" "));
}
END_TEST

START_TEST(white_space_goes_from_both_ends_only)
{
    static const struct {
        const char *text, *trimmed;
    } cases[] = {{"", ""},
                 {"  ", ""},
                 {" \t\r\n\v\f a b \n", "a b"},
                 {"\xC2\xA0 x \xC2\xA0", "x"},
                 {"\xC2\xA0", ""},
                 {"\xC3\xA0", "\xC3\xA0"}, /* à ends in the byte A0 */
                 {"x\xC2", "x\xC2"},
                 {"x", "x"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *text = cases[i].text;
        size_t length = strlen(text);
        rc_text_trim(&text, &length);
        ck_assert_uint_eq(length, strlen(cases[i].trimmed));
        ck_assert_int_eq(strncmp(text, cases[i].trimmed, length), 0);
    }
}
END_TEST

START_TEST(only_well_formed_utf8_is_valid)
{
    static const struct {
        const char *bytes;
        size_t length;
        bool valid;
    } cases[] = {
        {"", 0, true},
        {"a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80", 10, true},
        {"\xF4\x8F\xBF\xBF", 4, true},
        {"\xF4\x90\x80\x80", 4, false}, /* beyond U+10FFFF */
        {"\xED\xA0\x80", 3, false},     /* a surrogate */
        {"\xC0\x80", 2, false},         /* overlong */
        {"\xE0\x80\x80", 3, false},
        {"\xF0\x80\x80\x80", 4, false},
        {"\x80", 1, false},
        {"\xC3", 1, false}, /* cut off */
        {"\xE2\x82", 2, false},
        {"\xE2\x82x", 3, false},
        {"a\0b", 3, false},
        {"\xFF", 1, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_msg(rc_utf8_valid(cases[i].bytes, cases[i].length) == cases[i].valid, "case %zu", i);
}
END_TEST

START_TEST(a_cut_halves_no_character)
{
    const char *text = "a\xE2\x82\xAC\xF0\x9F\x98\x80";
    static const size_t cuts[] = {0, 1, 1, 1, 4, 4, 4, 4, 8, 8};
    for (size_t cap = 0; cap < sizeof cuts / sizeof *cuts; cap++)
        ck_assert_uint_eq(rc_utf8_cut(text, 8, cap), cuts[cap]);
}
END_TEST

START_TEST(all_but_unreserved_characters_are_encoded)
{
    char *encoded = rc_url_encode("az-AZ_09.~ /+%\xC3\xA9&=?#:");
    ck_assert_str_eq(encoded, "az-AZ_09.~%20%2F%2B%25%C3%A9%26%3D%3F%23%3A");
    free(encoded);
}
END_TEST

START_TEST(addresses_of_people_are_struck_out)
{
    static const struct {
        const char *text, *struck;
    } cases[] = {{"no user ada@example.com here", "no user <address> here"},
                 {"x@", "x@"},
                 {"@x", "@x"},
                 {"", ""},
                 {"<a@b>,<c@d>", "<<address>>,<<address>>"}};
    char out[64];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_uint_eq(rc_text_strike_addresses(cases[i].text, out, sizeof out), strlen(cases[i].struck));
        ck_assert_str_eq(out, cases[i].struck);
    }
}
END_TEST

START_TEST(what_is_struck_out_never_outgrows_its_room)
{
    char text[200], *out = malloc(32); /* a heap block, so that the sanitizer sees one byte too many */
    for (size_t addresses = 0; addresses < 12; addresses++)
        for (size_t tail = 0; tail < 40; tail++) {
            text[0] = '\0';
            for (size_t i = 0; i < addresses; i++) (void)strcat(text, "a@b ");
            for (size_t i = 0; i < tail; i++) (void)strcat(text, "\xC3\xA9");
            memset(out, 'x', 32);
            size_t size = rc_text_strike_addresses(text, out, 32);
            ck_assert_uint_lt(size, 32);
            ck_assert_uint_eq(size, strlen(out));
            ck_assert(rc_utf8_valid(out, size));
            ck_assert(strchr(out, '@') == NULL);
        }
    free(out);
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("text");
    TCase *tests = tcase_create("text");
    tcase_add_test(tests, addresses_are_compared_without_ascii_case_only);
    tcase_add_test(tests, white_space_goes_from_both_ends_only);
    tcase_add_test(tests, only_well_formed_utf8_is_valid);
    tcase_add_test(tests, a_cut_halves_no_character);
    tcase_add_test(tests, all_but_unreserved_characters_are_encoded);
    tcase_add_test(tests, addresses_of_people_are_struck_out);
    tcase_add_test(tests, what_is_struck_out_never_outgrows_its_room);
    suite_add_tcase(all, tests);
    return all;
}

int main(void)
{
    return rc_unit_run(suite());
}
