/* common/registry with a real registry: our schemas are accepted, found again, and guarded. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/registry.h"
#include "common/uuid.h"
#include "tests/support/records.h"
#include "tests/support/unit.h"

enum { SKIPPED = 77 };

static rc_registry_t *registry;
static rc_schema_store_t *store;
static rc_codec_t *codec;
static char topic[64];

static void setup(void)
{
    char id[RC_UUID_STR_SIZE];
    (void)snprintf(topic, sizeof topic, "registry-test.%s", rc_uuid_random(id));
    registry = rc_registry_new(&(rc_registry_options_t){.url = getenv("RC_TEST_REGISTRY")});
    store = rc_schema_store_new();
    codec = rc_codec_new(store, RC_WIRE_CONFLUENT);
}

static void teardown(void)
{
    rc_codec_free(codec);
    rc_schema_store_free(store);
    rc_registry_free(registry);
}

static void enroll(rc_record_kind_t kind)
{
    rc_error_t error = RC_ERROR_INIT;
    ck_assert_msg(rc_registry_enroll(registry, codec, kind, topic, NULL, &error) == RC_OK, "%s", error.message);
}

START_TEST(every_schema_is_accepted_and_found_again)
{
    enroll((rc_record_kind_t)_i);
    enroll((rc_record_kind_t)_i);
}
END_TEST

START_TEST(event_is_read_by_a_process_that_fetches_the_schema)
{
    enroll(RC_RECORD_CREATED);
    rc_event_t event = rc_sample_event(RC_EVENT_CREATED), read;
    rc_buf_t out = RC_BUF_INIT(1 << 20);
    rc_arena_t *arena = rc_arena_new();
    rc_error_t error = RC_ERROR_INIT;
    ck_assert_int_eq(rc_codec_encode_event(codec, &event, &out, NULL), RC_OK);
    rc_schema_store_t *other_store = rc_schema_store_new();
    rc_codec_t *other = rc_codec_new(other_store, RC_WIRE_CONFLUENT);
    rc_framing_t missing;
    ck_assert_int_eq(rc_codec_decode_event(other, out.data, out.size_bytes, arena, &read, &missing, NULL),
                     RC_UNKNOWN_SCHEMA);
    ck_assert_msg(rc_registry_fetch(registry, missing.registry_id, other_store, NULL, &error) == RC_OK, "%s",
                  error.message);
    ck_assert_int_eq(rc_codec_decode_event(other, out.data, out.size_bytes, arena, &read, NULL, NULL), RC_OK);
    ck_assert_str_eq(read.event_id, event.event_id);
    rc_codec_free(other);
    rc_schema_store_free(other_store);
    rc_arena_free(arena);
    rc_buf_fini(&out);
}
END_TEST

START_TEST(unknown_id_is_not_there)
{
    rc_error_t error = RC_ERROR_INIT;
    ck_assert_int_eq(rc_registry_fetch(registry, 2000000000, store, NULL, &error), RC_NOT_FOUND);
    ck_assert_int_eq(error.disposition, RC_REJECT);
}
END_TEST

/* The subject refuses a schema that the rule of evolution does not allow: here, that of another record. */
START_TEST(subject_is_guarded_by_the_rule_of_evolution)
{
    rc_error_t error = RC_ERROR_INIT;
    enroll(RC_RECORD_CREATED);
    ck_assert_int_eq(rc_registry_enroll(registry, codec, RC_RECORD_LEDGER, topic, NULL, &error), RC_CONFLICT);
    ck_assert_ptr_nonnull(strstr(error.message, topic));
}
END_TEST

START_TEST(ping_answers)
{
    rc_error_t error = RC_ERROR_INIT;
    ck_assert_msg(rc_registry_ping(registry, NULL, &error) == RC_OK, "%s", error.message);
}
END_TEST

int main(void)
{
    if (!getenv("RC_TEST_REGISTRY")) return SKIPPED;
    Suite *suite = suite_create("registry");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_loop_test(all, every_schema_is_accepted_and_found_again, 0, RC_RECORD_COUNT);
    tcase_add_test(all, event_is_read_by_a_process_that_fetches_the_schema);
    tcase_add_test(all, unknown_id_is_not_there);
    tcase_add_test(all, subject_is_guarded_by_the_rule_of_evolution);
    tcase_add_test(all, ping_answers);
    suite_add_tcase(suite, all);
    return rc_unit_run(suite);
}
