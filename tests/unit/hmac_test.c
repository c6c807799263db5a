/* common/hmac: known answers (RFC 4231, RFC 4648) and what a webhook's signature must not let through. */
#include "common/hmac.h"
#include "tests/support/unit.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

START_TEST(hmac_gives_the_answers_of_rfc_4231)
{
    static const struct {
        const char *key, *data, *mac_start;
    } cases[] = {
        {"\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b", "Hi There",
         "\xb0\x34\x4c\x61\xd8\xdb\x38\x53"},
        {"Jefe", "what do ya want for nothing?", "\x5b\xdc\xc1\x46\xbf\x60\x75\x4e"},
        {"", "", "\xb6\x13\x67\x9a\x08\x14\xd9\xec"},
    };
    unsigned char mac[RC_HMAC_SIZE];
    rc_hmac_sha256(cases[_i].key, strlen(cases[_i].key), cases[_i].data, strlen(cases[_i].data), mac);
    ck_assert_mem_eq(mac, cases[_i].mac_start, 8);
}
END_TEST

START_TEST(base64url_has_no_padding_and_no_unsafe_digit)
{
    static const struct {
        const char *bytes, *text;
    } cases[] = {{"", ""},           {"f", "Zg"},          {"fo", "Zm8"},          {"foo", "Zm9v"},
                 {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}, {"\xfb\xff\xfe", "-__-"}};
    char *text = rc_base64url_encode(cases[_i].bytes, strlen(cases[_i].bytes));
    ck_assert_str_eq(text, cases[_i].text);
    free(text);
}
END_TEST

START_TEST(constant_time_comparison_sees_length_and_content)
{
    ck_assert(rc_equal_constant_time("abc", 3, "abc", 3));
    ck_assert(!rc_equal_constant_time("abc", 3, "abd", 3));
    ck_assert(!rc_equal_constant_time("abc", 3, "abcd", 4));
    ck_assert(rc_equal_constant_time("", 0, "", 0));
}
END_TEST

START_TEST(kombo_signature_accepts_its_own_body_and_secret_only)
{
    static const char body[] = "{\"id\":\"1\",\"type\":\"data-changed\"}";
    char signature[RC_HMAC_TEXT_SIZE], padded[RC_HMAC_TEXT_SIZE + 1], broken[RC_HMAC_TEXT_SIZE];
    rc_kombo_sign("secret", body, strlen(body), signature);
    ck_assert_uint_eq(strlen(signature), 43);
    ck_assert(rc_kombo_signature_valid("secret", body, strlen(body), signature));
    strcat(strcpy(padded, signature), "=");
    ck_assert(rc_kombo_signature_valid("secret", body, strlen(body), padded));

    ck_assert(!rc_kombo_signature_valid("Secret", body, strlen(body), signature));
    ck_assert(!rc_kombo_signature_valid("secret", body, strlen(body) - 1, signature));
    for (size_t i = 0; signature[i]; i++) {
        strcpy(broken, signature);
        broken[i] = broken[i] == 'A' ? 'B' : 'A';
        ck_assert(!rc_kombo_signature_valid("secret", body, strlen(body), broken));
    }
    signature[42] = '\0';
    ck_assert(!rc_kombo_signature_valid("secret", body, strlen(body), signature));
}
END_TEST

START_TEST(kombo_signature_is_never_valid_without_header_or_secret)
{
    char signature[RC_HMAC_TEXT_SIZE];
    rc_kombo_sign("", "{}", 2, signature);
    ck_assert(!rc_kombo_signature_valid("secret", "{}", 2, NULL));
    ck_assert(!rc_kombo_signature_valid("secret", "{}", 2, ""));
    ck_assert(!rc_kombo_signature_valid("", "{}", 2, signature));
    ck_assert(!rc_kombo_signature_valid(NULL, "{}", 2, signature));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hmac");
    TCase *tc = tcase_create("rules");
    tcase_add_loop_test(tc, hmac_gives_the_answers_of_rfc_4231, 0, 3);
    tcase_add_loop_test(tc, base64url_has_no_padding_and_no_unsafe_digit, 0, 8);
    tcase_add_test(tc, constant_time_comparison_sees_length_and_content);
    tcase_add_test(tc, kombo_signature_accepts_its_own_body_and_secret_only);
    tcase_add_test(tc, kombo_signature_is_never_valid_without_header_or_secret);
    suite_add_tcase(suite, tc);
    return rc_unit_run(suite);
}
