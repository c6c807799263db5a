/* common/framing: both wire forms, to the byte. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/framing.h"
#include "tests/support/unit.h"

START_TEST(single_object_holds_the_fingerprint_little_endian)
{
    const uint8_t wire[] = {0xC3, 0x01, 0x8f, 0x5c, 0x39, 0x3f, 0x1a, 0xd5, 0x75, 0x72, 0x02};
    rc_framing_t framing;
    size_t header_bytes;
    ck_assert_int_eq(rc_framing_parse(wire, sizeof wire, &framing, &header_bytes, NULL), RC_OK);
    ck_assert_int_eq(framing.wire, RC_WIRE_SINGLE_OBJECT);
    ck_assert_uint_eq(framing.fingerprint, UINT64_C(0x7275d51a3f395c8f)); /* of "int": Avro's own test data */
    ck_assert_uint_eq(header_bytes, 10);
    uint8_t again[RC_FRAMING_MAX_BYTES];
    ck_assert_uint_eq(rc_framing_format(&framing, again), 10);
    ck_assert_mem_eq(again, wire, 10);
    char text[RC_FRAMING_STR_SIZE];
    ck_assert_str_eq(rc_framing_str(&framing, text), "fingerprint 8f5c393f1ad57572");
}
END_TEST

START_TEST(confluent_holds_the_id_big_endian)
{
    const uint8_t wire[] = {0x00, 0x01, 0x02, 0x03, 0x04};
    rc_framing_t framing;
    size_t header_bytes;
    ck_assert_int_eq(rc_framing_parse(wire, sizeof wire, &framing, &header_bytes, NULL), RC_OK);
    ck_assert_int_eq(framing.wire, RC_WIRE_CONFLUENT);
    ck_assert_uint_eq(framing.registry_id, 0x01020304);
    ck_assert_uint_eq(header_bytes, 5);
    uint8_t again[RC_FRAMING_MAX_BYTES];
    ck_assert_uint_eq(rc_framing_format(&framing, again), 5);
    ck_assert_mem_eq(again, wire, 5);
    char text[RC_FRAMING_STR_SIZE];
    ck_assert_str_eq(rc_framing_str(&framing, text), "registry id 16909060");
}
END_TEST

static const struct {
    const char *bytes;
    size_t size_bytes;
} no_frames[] = {
    {"", 0}, {"\0\0\0\0", 4}, {"\xC3\x01\1\2\3\4\5\6\7", 9}, {"\xC3\x02\1\2\3\4\5\6\7\10", 10}, {"{\"a\":1}", 7},
};

START_TEST(anything_else_is_malformed)
{
    rc_framing_t framing;
    size_t header_bytes;
    rc_error_t error = RC_ERROR_INIT;
    ck_assert_int_eq(rc_framing_parse(no_frames[_i].bytes, no_frames[_i].size_bytes, &framing, &header_bytes, &error),
                     RC_MALFORMED);
    ck_assert_int_eq(error.disposition, RC_REJECT);
}
END_TEST

START_TEST(fingerprint_text_is_in_wire_order_and_comes_back)
{
    char text[RC_FINGERPRINT_STR_SIZE];
    uint64_t fingerprint;
    ck_assert_str_eq(rc_fingerprint_str(UINT64_C(0x7275d51a3f395c8f), text), "8f5c393f1ad57572");
    ck_assert(rc_fingerprint_parse("8F5C393f1ad57572", 16, &fingerprint));
    ck_assert_uint_eq(fingerprint, UINT64_C(0x7275d51a3f395c8f));
    ck_assert(!rc_fingerprint_parse("8f5c393f1ad5757", 15, &fingerprint));
    ck_assert(!rc_fingerprint_parse("8f5c393f1ad5757g", 16, &fingerprint));
    ck_assert(!rc_fingerprint_parse("8f5c393f1ad575722", 17, &fingerprint));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("framing");
    TCase *all = tcase_create("all");
    tcase_add_test(all, single_object_holds_the_fingerprint_little_endian);
    tcase_add_test(all, confluent_holds_the_id_big_endian);
    tcase_add_loop_test(all, anything_else_is_malformed, 0, (int)(sizeof no_frames / sizeof *no_frames));
    tcase_add_test(all, fingerprint_text_is_in_wire_order_and_comes_back);
    suite_add_tcase(suite, all);
    return rc_unit_run(suite);
}
