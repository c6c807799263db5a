/* common/codec: golden bytes, both wire forms, and what becomes of bytes that are none of ours. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/codec.h"
#include "tests/support/records.h"
#include "tests/support/unit.h"

/* Fingerprint (in wire order) and datum of tests/support/records.c under the schemas' first release, made with Python's
 * fastavro: `fingerprint(to_parsing_canonical_form(schema), 'CRC-64-AVRO')` and `schemaless_writer`. */
static const struct {
    const char *fingerprint;
    const char *datum;
} golden[RC_RECORD_COUNT] = {
    [RC_RECORD_CREATED] =
        {"5c4e8259f2ca5516",
         "4836653164386536652d303030302d353030302d383030302d30303030303030303030303114706572736f6e696f3a41"
         "043432b6ba9ac5d56600b6ba9ac5d5660220616e614061636d652e6578616d706c650206416e61020e4dc3bc6c6c6572"
         "00000222626f73734061636d652e6578616d706c65000002ccbf02000200020c4265726c696e020474310210506c6174"
         "666f726d04047432020a4775696c6404743300000216436f73742063656e747265020834373131000202043431"},
    [RC_RECORD_PROFILE_UPDATED] =
        {"a1b40d898f5a7a2b",
         "4836653164386536652d303030302d353030302d383030302d30303030303030303030303114706572736f6e696f3a41"
         "043432b6ba9ac5d56602c0c496c5d566b6ba9ac5d5660220616e614061636d652e6578616d706c650206416e61020e4d"
         "c3bc6c6c657200000222626f73734061636d652e6578616d706c65000002ccbf02000200020c4265726c696e02047431"
         "0210506c6174666f726d04047432020a4775696c6404743300000216436f73742063656e747265020834373131000412"
         "6a6f625f7469746c650210456e67696e65657224637573746f6d3a436f73742063656e7472650000"},
    [RC_RECORD_TEAM_CHANGED] =
        {"040f8fbdfc1333bc",
         "4836653164386536652d303030302d353030302d383030302d30303030303030303030303114706572736f6e696f3a41"
         "043432b6ba9ac5d56602c0c496c5d566b6ba9ac5d5660220616e614061636d652e6578616d706c650206416e61020e4d"
         "c3bc6c6c657200000222626f73734061636d652e6578616d706c65000002ccbf02000200020c4265726c696e02047431"
         "0210506c6174666f726d04047432020a4775696c6404743300000216436f73742063656e747265020834373131000002"
         "0474310210506c6174666f726d"},
    [RC_RECORD_DEACTIVATED] =
        {"86da2a85c92a8bdc",
         "4836653164386536652d303030302d353030302d383030302d30303030303030303030303114706572736f6e696f3a41"
         "043432b6ba9ac5d56602c0c496c5d566b6ba9ac5d5660220616e614061636d652e6578616d706c650206416e61020e4d"
         "c3bc6c6c657200000222626f73734061636d652e6578616d706c65000002ccbf02000200020c4265726c696e02047431"
         "0210506c6174666f726d04047432020a4775696c6404743300000216436f73742063656e747265020834373131000202"
         "cebf02"},
    [RC_RECORD_SNAPSHOT] =
        {"79048bd4efe4d943",
         "14706572736f6e696f3a41043432b6ba9ac5d56602c0c496c5d566b6ba9ac5d56602020602cebf020020616e61406163"
         "6d652e6578616d706c650206416e61020e4dc3bc6c6c657200000222626f73734061636d652e6578616d706c65000002"
         "ccbf02000200020c4265726c696e020474310210506c6174666f726d04047432020a4775696c6404743300000216436f"
         "73742063656e74726502083437313100c0e73b00000e0000"},
    [RC_RECORD_PENDING] =
        {"81f13b91b78705e3",
         "14706572736f6e696f3a41043432000206416e61020e4dc3bc6c6c657200000222626f73734061636d652e6578616d70"
         "6c65000002ccbf02000200020c4265726c696e020474310210506c6174666f726d04047432020a4775696c6404743300"
         "000216436f73742063656e7472650208343731310000000204343104000a00020404683102b4ba9ac5d5660210306261"
         "64636166650100b6ba9ac5d56600020861626364"},
    [RC_RECORD_STATE] =
        {"64e71da413065cd5",
         "14706572736f6e696f3a4102b6ba9ac5d566000204643104021e746865206b657920657870697265640280dfa2c5d566"
         "02c0b89ac5d56602b6ba9ac5d566000100e0120604e012fc1104c0e73b06c2e73b020000000002c2e73b500000020468"
         "3100b6ba9ac5d566e003e60102b8ba9ac5d5660004000600020463310100"},
    [RC_RECORD_COMMAND] = {"90a04a4e941d8ef0",
                           "04633114706572736f6e696f3a410806b6ba9ac5d56680dfa2c5d566000002baba9ac5d56604020400"},
    [RC_RECORD_LEDGER] =
        {"33a041052bc9f326",
         "0414706572736f6e696f3a41043432b6ba9ac5d5660c022e6d616e61676572456d61696c206d757374206d6174636802"
         "2204b6ba9ac5d566"},
};

static rc_schema_store_t *store;
static rc_codec_t *codec;
static rc_arena_t *arena;
static rc_buf_t out;

static void setup(void)
{
    store = rc_schema_store_new();
    codec = rc_codec_new(store, RC_WIRE_SINGLE_OBJECT);
    arena = rc_arena_new();
    out = RC_BUF_INIT(1 << 20);
}

static void teardown(void)
{
    rc_buf_fini(&out);
    rc_arena_free(arena);
    rc_codec_free(codec);
    rc_schema_store_free(store);
}

static size_t unhex(const char *hex, uint8_t *bytes)
{
    size_t size_bytes = 0;
    for (unsigned byte; sscanf(hex, "%2x", &byte) == 1; hex += 2) bytes[size_bytes++] = (uint8_t)byte;
    return size_bytes;
}

static rc_any_record_t sample(int kind)
{
    switch (kind) {
    case RC_RECORD_SNAPSHOT:
        return (rc_any_record_t){.snapshot = rc_sample_snapshot()};
    case RC_RECORD_PENDING:
        return (rc_any_record_t){.pending = rc_sample_pending()};
    case RC_RECORD_STATE:
        return (rc_any_record_t){.state = rc_sample_state()};
    case RC_RECORD_COMMAND:
        return (rc_any_record_t){.command = rc_sample_command()};
    case RC_RECORD_LEDGER:
        return (rc_any_record_t){.ledger = rc_sample_ledger()};
    default:
        return (rc_any_record_t){.event = rc_sample_event((rc_event_type_t)kind)};
    }
}

static rc_code_t encode(int kind, const rc_any_record_t *any, rc_error_t *error)
{
    switch (kind) {
    case RC_RECORD_SNAPSHOT:
        return rc_codec_encode_snapshot(codec, &any->snapshot, &out, error);
    case RC_RECORD_PENDING:
        return rc_codec_encode_pending(codec, &any->pending, &out, error);
    case RC_RECORD_STATE:
        return rc_codec_encode_state(codec, &any->state, &out, error);
    case RC_RECORD_COMMAND:
        return rc_codec_encode_command(codec, &any->command, &out, error);
    case RC_RECORD_LEDGER:
        return rc_codec_encode_ledger(codec, &any->ledger, &out, error);
    default:
        return rc_codec_encode_event(codec, &any->event, &out, error);
    }
}

static rc_code_t decode(int kind, const void *bytes, size_t size_bytes, rc_any_record_t *any, rc_framing_t *missing,
                        rc_error_t *error)
{
    switch (kind) {
    case RC_RECORD_SNAPSHOT:
        return rc_codec_decode_snapshot(codec, bytes, size_bytes, arena, &any->snapshot, missing, error);
    case RC_RECORD_PENDING:
        return rc_codec_decode_pending(codec, bytes, size_bytes, arena, &any->pending, missing, error);
    case RC_RECORD_STATE:
        return rc_codec_decode_state(codec, bytes, size_bytes, arena, &any->state, missing, error);
    case RC_RECORD_COMMAND:
        return rc_codec_decode_command(codec, bytes, size_bytes, arena, &any->command, missing, error);
    case RC_RECORD_LEDGER:
        return rc_codec_decode_ledger(codec, bytes, size_bytes, arena, &any->ledger, missing, error);
    default:
        return rc_codec_decode_event(codec, bytes, size_bytes, arena, &any->event, missing, error);
    }
}

START_TEST(bytes_are_the_golden_ones)
{
    uint8_t frame[16], datum[1024];
    size_t frame_bytes = unhex("c301", frame), datum_bytes = unhex(golden[_i].datum, datum);
    frame_bytes += unhex(golden[_i].fingerprint, frame + frame_bytes);
    rc_any_record_t any = sample(_i);
    rc_error_t error = RC_ERROR_INIT;
    ck_assert_msg(encode(_i, &any, &error) == RC_OK, "%s", error.message);
    ck_assert_mem_eq(out.data, frame, frame_bytes);
    ck_assert_uint_eq(out.size_bytes, frame_bytes + datum_bytes);
    ck_assert_mem_eq(out.data + frame_bytes, datum, datum_bytes);
}
END_TEST

/* The encoding is checked against golden bytes above, so it may stand for the comparison of two structs. */
START_TEST(decoding_gives_back_what_was_encoded)
{
    rc_any_record_t any = sample(_i), read;
    memset(&read, 0xA5, sizeof read);
    rc_error_t error = RC_ERROR_INIT;
    ck_assert_int_eq(encode(_i, &any, &error), RC_OK);
    ck_assert_msg(decode(_i, out.data, out.size_bytes, &read, NULL, &error) == RC_OK, "%s", error.message);
    char *first = rc_arena_strndup(arena, out.data, out.size_bytes);
    size_t first_bytes = out.size_bytes;
    rc_buf_reset(&out);
    ck_assert_int_eq(encode(_i, &read, &error), RC_OK);
    ck_assert_uint_eq(out.size_bytes, first_bytes);
    ck_assert_mem_eq(out.data, first, first_bytes);
}
END_TEST

START_TEST(event_comes_back_member_by_member)
{
    rc_event_t event = rc_sample_event(RC_EVENT_PROFILE_UPDATED), read;
    ck_assert_int_eq(rc_codec_encode_event(codec, &event, &out, NULL), RC_OK);
    ck_assert_int_eq(rc_codec_decode_event(codec, out.data, out.size_bytes, arena, &read, NULL, NULL), RC_OK);
    ck_assert_int_eq(read.type, RC_EVENT_PROFILE_UPDATED);
    ck_assert_str_eq(read.event_id, event.event_id);
    ck_assert_str_eq(read.integration_id, "personio:A");
    ck_assert_str_eq(read.employee_id, "42");
    ck_assert_int_eq(read.version, event.version);
    ck_assert_int_eq(read.previous_version, event.previous_version);
    ck_assert_int_eq(read.occurred_at.ms, event.occurred_at.ms);
    ck_assert_int_eq(read.trigger, RC_TRIGGER_WEBHOOK);
    ck_assert(rc_employee_equal(&read.employee, &event.employee));
    ck_assert_uint_eq(read.profile.change_count, 2);
    ck_assert_str_eq(read.profile.changes[0].field, "job_title");
    ck_assert_str_eq(read.profile.changes[0].previous, "Engineer");
    ck_assert_ptr_null(read.profile.changes[1].previous);
    ck_assert(!rc_date_is_set(read.deactivated.effective_date));
}
END_TEST

START_TEST(absent_parts_come_back_absent)
{
    rc_snapshot_t snapshot = rc_sample_snapshot(), read;
    snapshot.presence = RC_PRESENCE_EMPLOYED;
    snapshot.previous_version = 0;
    snapshot.employee.primary_team = snapshot.employee.primary_location = (rc_ref_t){NULL, NULL};
    snapshot.employee.secondary_team_count = snapshot.employee.custom_count = 0;
    ck_assert_int_eq(rc_codec_encode_snapshot(codec, &snapshot, &out, NULL), RC_OK);
    ck_assert_int_eq(rc_codec_decode_snapshot(codec, out.data, out.size_bytes, arena, &read, NULL, NULL), RC_OK);
    ck_assert_int_eq(read.previous_version, 0);
    ck_assert(!rc_date_is_set(read.effective_date));
    ck_assert_ptr_null(read.replaces);
    ck_assert_ptr_null(read.employee.primary_team.id);
    ck_assert_ptr_null(read.employee.primary_location.name);
    ck_assert_uint_eq(read.employee.secondary_team_count + read.employee.custom_count, 0);
    ck_assert_int_eq(read.counted_hours[RC_BRAKE_DEACTIVATIONS], 489952);
    ck_assert_int_eq(read.counted_hours[RC_BRAKE_CREATIONS], 0);
}
END_TEST

START_TEST(confluent_form_carries_the_registry_s_id)
{
    rc_codec_t *confluent = rc_codec_new(store, RC_WIRE_CONFLUENT);
    const rc_schema_t *schema = rc_schema_store_current(store, RC_RECORD_CREATED);
    rc_codec_set_registry_id(confluent, RC_RECORD_CREATED, 258);
    rc_event_t event = rc_sample_event(RC_EVENT_CREATED), read;
    ck_assert_int_eq(rc_codec_encode_event(confluent, &event, &out, NULL), RC_OK);
    ck_assert_mem_eq(out.data, "\0\0\0\1\2", 5);
    rc_framing_t missing;
    ck_assert_int_eq(rc_codec_decode_event(confluent, out.data, out.size_bytes, arena, &read, &missing, NULL),
                     RC_UNKNOWN_SCHEMA);
    ck_assert_int_eq(missing.wire, RC_WIRE_CONFLUENT);
    ck_assert_uint_eq(missing.registry_id, 258);
    ck_assert_int_eq(rc_schema_store_add_registered(store, 258, schema->json, schema->json_bytes, NULL), RC_OK);
    ck_assert_int_eq(rc_codec_decode_event(confluent, out.data, out.size_bytes, arena, &read, &missing, NULL), RC_OK);
    /* Whatever is configured, both forms are read. */
    ck_assert_int_eq(rc_codec_decode_event(codec, out.data, out.size_bytes, arena, &read, &missing, NULL), RC_OK);
    rc_codec_free(confluent);
}
END_TEST

START_TEST(unknown_fingerprint_is_told_not_condemned)
{
    rc_framing_t missing;
    rc_event_t event;
    rc_error_t error = RC_ERROR_INIT;
    ck_assert_int_eq(rc_codec_decode_event(codec, "\xC3\x01\1\2\3\4\5\6\7\10rest", 14, arena, &event, &missing, &error),
                     RC_UNKNOWN_SCHEMA);
    ck_assert_int_eq(error.disposition, RC_RETRY);
    ck_assert_int_eq(missing.wire, RC_WIRE_SINGLE_OBJECT);
    ck_assert_uint_eq(missing.fingerprint, UINT64_C(0x0807060504030201));
}
END_TEST

START_TEST(another_kind_of_record_is_malformed)
{
    rc_snapshot_t snapshot = rc_sample_snapshot();
    rc_event_t event;
    rc_pending_t pending;
    ck_assert_int_eq(rc_codec_encode_snapshot(codec, &snapshot, &out, NULL), RC_OK);
    ck_assert_int_eq(rc_codec_decode_event(codec, out.data, out.size_bytes, arena, &event, NULL, NULL), RC_MALFORMED);
    ck_assert_int_eq(rc_codec_decode_pending(codec, out.data, out.size_bytes, arena, &pending, NULL, NULL),
                     RC_MALFORMED);
}
END_TEST

/* Arithmetic with a moment at the end of 64 bits, or a version without a next one, has no result. */
START_TEST(what_reads_well_and_makes_no_sense_is_malformed)
{
    for (int spoilt = 0; spoilt < 5; spoilt++) {
        rc_event_t event = rc_sample_event(RC_EVENT_CREATED), read;
        if (spoilt == 0) event.version = INT64_MAX;
        if (spoilt == 1) event.employee_id = "4/2";
        if (spoilt == 2) event.occurred_at.ms = INT64_MIN;
        if (spoilt == 3) event.occurred_at.ms = INT64_MAX;
        if (spoilt == 4) event.employee.hire_date.days = INT32_MAX;
        rc_buf_reset(&out);
        ck_assert_int_eq(rc_codec_encode_event(codec, &event, &out, NULL), RC_OK);
        ck_assert_msg(rc_codec_decode_event(codec, out.data, out.size_bytes, arena, &read, NULL, NULL) == RC_MALFORMED,
                      "%d", spoilt);
    }
    rc_snapshot_t snapshot = rc_sample_snapshot();
    snapshot.version = INT64_MAX;
    rc_buf_reset(&out);
    ck_assert_int_eq(rc_codec_encode_snapshot(codec, &snapshot, &out, NULL), RC_OK);
    ck_assert_int_eq(rc_codec_decode_snapshot(codec, out.data, out.size_bytes, arena, &snapshot, NULL, NULL),
                     RC_MALFORMED);
}
END_TEST

START_TEST(every_truncation_is_malformed_and_so_is_a_byte_too_many)
{
    rc_any_record_t any = sample(_i), read;
    ck_assert_int_eq(encode(_i, &any, NULL), RC_OK);
    for (size_t size_bytes = 0; size_bytes < out.size_bytes; size_bytes++) {
        /* Exactly as large as the input, so that the sanitizer sees a byte read behind it. */
        char *exact = rc_alloc(size_bytes);
        memcpy(exact, out.data, size_bytes);
        ck_assert_msg(decode(_i, exact, size_bytes, &read, NULL, NULL) == RC_MALFORMED, "%zu of %zu bytes", size_bytes,
                      out.size_bytes);
        free(exact);
    }
    (void)rc_buf_add(&out, "", 1);
    ck_assert_int_eq(decode(_i, out.data, out.size_bytes, &read, NULL, NULL), RC_MALFORMED);
}
END_TEST

START_TEST(encoding_refuses_what_nobody_could_read)
{
    rc_error_t error = RC_ERROR_INIT;
    rc_event_t event = rc_sample_event(RC_EVENT_CREATED);
    (void)rc_buf_add_str(&out, "before");
    event.employee.email = NULL;
    ck_assert_int_eq(rc_codec_encode_event(codec, &event, &out, &error), RC_MALFORMED);
    ck_assert_str_eq(error.message, "EmployeeState.email is missing");
    event.employee.email = "a\xFF";
    ck_assert_int_eq(rc_codec_encode_event(codec, &event, &out, &error), RC_MALFORMED);
    ck_assert_str_eq(error.message, "EmployeeState.email is not UTF-8");
    ck_assert_str_eq(out.data, "before");
    ck_assert_uint_eq(out.size_bytes, 6);
}
END_TEST

START_TEST(encoding_stops_at_the_buffer_s_cap)
{
    rc_event_t event = rc_sample_event(RC_EVENT_CREATED);
    for (size_t cap = 0; cap < 150; cap++) {
        rc_buf_t small = RC_BUF_INIT(cap);
        rc_code_t code = rc_codec_encode_event(codec, &event, &small, NULL);
        ck_assert_int_eq(code, RC_TOO_LARGE);
        ck_assert_uint_eq(small.size_bytes, 0);
        rc_buf_fini(&small);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("codec");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_loop_test(all, bytes_are_the_golden_ones, 0, RC_RECORD_COUNT);
    tcase_add_loop_test(all, decoding_gives_back_what_was_encoded, 0, RC_RECORD_COUNT);
    tcase_add_loop_test(all, every_truncation_is_malformed_and_so_is_a_byte_too_many, 0, RC_RECORD_COUNT);
    tcase_add_test(all, event_comes_back_member_by_member);
    tcase_add_test(all, absent_parts_come_back_absent);
    tcase_add_test(all, confluent_form_carries_the_registry_s_id);
    tcase_add_test(all, unknown_fingerprint_is_told_not_condemned);
    tcase_add_test(all, another_kind_of_record_is_malformed);
    tcase_add_test(all, what_reads_well_and_makes_no_sense_is_malformed);
    tcase_add_test(all, encoding_refuses_what_nobody_could_read);
    tcase_add_test(all, encoding_stops_at_the_buffer_s_cap);
    suite_add_tcase(suite, all);
    return rc_unit_run(suite);
}
