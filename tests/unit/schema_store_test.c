/* common/schema_store: what is known, what is taken in from outside, and from several threads. */
#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/schema_store.h"
#include "tests/support/unit.h"

static rc_schema_store_t *store;

static void setup(void)
{
    store = rc_schema_store_new();
}

static void teardown(void)
{
    rc_schema_store_free(store);
}

static const char foreign[] = "{\"type\":\"record\",\"name\":\"Thing\",\"fields\":[{\"name\":\"a\",\"type\":\"int\"}]}";
/* A release of LedgerEntry that nobody could make: it lacks what is required. */
static const char broken[] =
    "{\"type\":\"record\",\"name\":\"rollcall.LedgerEntry\",\"fields\":[{\"name\":\"a\",\"type\":\"int\"}]}";

static uint64_t fingerprint_of(const char *json, char key[RC_FINGERPRINT_STR_SIZE])
{
    rc_avro_schema_t *schema;
    ck_assert_int_eq(rc_avro_schema_parse(json, strlen(json), &schema, NULL), RC_OK);
    uint64_t fingerprint = rc_avro_schema_fingerprint(schema);
    rc_fingerprint_str(fingerprint, key);
    rc_avro_schema_free(schema);
    return fingerprint;
}

static rc_code_t add(const char *key, const char *json)
{
    return rc_schema_store_add_record(store, key, strlen(key), json, json ? strlen(json) : 0, NULL);
}

START_TEST(built_in_schemas_are_known)
{
    const rc_schema_t *schema = rc_schema_store_current(store, (rc_record_kind_t)_i);
    ck_assert_int_eq(schema->kind, _i);
    ck_assert_ptr_nonnull(schema->plan);
    ck_assert_ptr_eq(rc_schema_store_find(store, schema->fingerprint), schema);
    ck_assert_uint_eq(strlen(schema->json), schema->json_bytes);
}
END_TEST

START_TEST(records_of_the_topic_are_taken_in)
{
    char key[RC_FINGERPRINT_STR_SIZE];
    uint64_t fingerprint = fingerprint_of(foreign, key);
    ck_assert_ptr_null(rc_schema_store_find(store, fingerprint));
    ck_assert_int_eq(add(key, foreign), RC_OK);
    const rc_schema_t *schema = rc_schema_store_find(store, fingerprint);
    ck_assert_ptr_nonnull(schema);
    ck_assert_str_eq(schema->name, "Thing");
    ck_assert_int_eq(schema->kind, -1);
    ck_assert_ptr_null(schema->plan);
    ck_assert_str_eq(schema->fault, "Thing is no record of ours");
    ck_assert_int_eq(add(key, foreign), RC_OK);
    ck_assert_ptr_eq(rc_schema_store_find(store, fingerprint), schema);
    ck_assert_int_eq(add(key, NULL), RC_OK);
    ck_assert_ptr_eq(rc_schema_store_find(store, fingerprint), schema);
}
END_TEST

START_TEST(what_does_not_belong_to_its_key_is_ignored)
{
    char key[RC_FINGERPRINT_STR_SIZE];
    uint64_t fingerprint = fingerprint_of(foreign, key);
    ck_assert_int_eq(add("0102030405060708", foreign), RC_MALFORMED);
    ck_assert_int_eq(add("nonsense", foreign), RC_MALFORMED);
    ck_assert_int_eq(add(key, "{}"), RC_MALFORMED);
    ck_assert_int_eq(rc_schema_store_add_record(store, NULL, 0, foreign, strlen(foreign), NULL), RC_MALFORMED);
    ck_assert_ptr_null(rc_schema_store_find(store, fingerprint));
    ck_assert_ptr_null(rc_schema_store_find(store, UINT64_C(0x0807060504030201)));
}
END_TEST

START_TEST(schema_of_ours_that_cannot_be_read_says_why)
{
    char key[RC_FINGERPRINT_STR_SIZE];
    uint64_t fingerprint = fingerprint_of(broken, key);
    ck_assert_int_eq(add(key, broken), RC_OK);
    const rc_schema_t *schema = rc_schema_store_find(store, fingerprint);
    ck_assert_int_eq(schema->kind, RC_RECORD_LEDGER);
    ck_assert_ptr_null(schema->plan);
    ck_assert_str_eq(schema->fault, "the schema's LedgerEntry.type is not there, and it has no default");
}
END_TEST

START_TEST(registry_ids_stand_for_one_schema)
{
    const rc_schema_t *ours = rc_schema_store_current(store, RC_RECORD_CREATED);
    ck_assert_ptr_null(rc_schema_store_find_id(store, 7));
    ck_assert_int_eq(rc_schema_store_add_registered(store, 7, ours->json, ours->json_bytes, NULL), RC_OK);
    ck_assert_ptr_eq(rc_schema_store_find_id(store, 7), ours);
    ck_assert_ptr_eq(rc_schema_store_find_framing(store, &(rc_framing_t){.wire = RC_WIRE_CONFLUENT, .registry_id = 7}),
                     ours);
    ck_assert_int_eq(rc_schema_store_add_registered(store, 7, ours->json, ours->json_bytes, NULL), RC_OK);
    ck_assert_int_eq(rc_schema_store_add_registered(store, 7, foreign, strlen(foreign), NULL), RC_CONFLICT);
    ck_assert_ptr_eq(rc_schema_store_find_id(store, 7), ours);
    ck_assert_int_eq(rc_schema_store_add_registered(store, 8, "nonsense", 8, NULL), RC_MALFORMED);
    ck_assert_ptr_null(rc_schema_store_find_id(store, 8));
}
END_TEST

START_TEST(a_flood_of_schemas_is_refused)
{
    rc_code_t code = RC_OK;
    int added = 0;
    for (; code == RC_OK && added <= RC_SCHEMA_STORE_MAX; added++) {
        char *json = rc_sprintf("{\"type\":\"fixed\",\"name\":\"F%d\",\"size\":1}", added);
        code = rc_schema_store_add_registered(store, (uint32_t)added, json, strlen(json), NULL);
        free(json);
    }
    ck_assert_int_eq(code, RC_TOO_LARGE);
}
END_TEST

static void *add_and_find(void *opaque)
{
    unsigned first = *(unsigned *)opaque;
    for (unsigned i = 0; i < 300; i++) {
        char *json = rc_sprintf("{\"type\":\"fixed\",\"name\":\"F%u\",\"size\":1}", i);
        (void)rc_schema_store_add_registered(store, first + i, json, strlen(json), NULL);
        (void)rc_schema_store_find_id(store, i);
        free(json);
    }
    return NULL;
}

START_TEST(threads_may_add_and_find_at_once)
{
    pthread_t threads[3];
    unsigned firsts[3] = {0, 1000, 2000};
    for (int i = 0; i < 3; i++) ck_assert_int_eq(pthread_create(&threads[i], NULL, add_and_find, &firsts[i]), 0);
    for (int i = 0; i < 3; i++) ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    for (uint32_t i = 0; i < 300; i++) {
        const rc_schema_t *schema = rc_schema_store_find_id(store, i);
        ck_assert_ptr_nonnull(schema);
        ck_assert_ptr_eq(rc_schema_store_find_id(store, 1000 + i), schema);
        ck_assert_ptr_eq(rc_schema_store_find_id(store, 2000 + i), schema);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("schema_store");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_loop_test(all, built_in_schemas_are_known, 0, RC_RECORD_COUNT);
    tcase_add_test(all, records_of_the_topic_are_taken_in);
    tcase_add_test(all, what_does_not_belong_to_its_key_is_ignored);
    tcase_add_test(all, schema_of_ours_that_cannot_be_read_says_why);
    tcase_add_test(all, registry_ids_stand_for_one_schema);
    tcase_add_test(all, a_flood_of_schemas_is_refused);
    tcase_add_test(all, threads_may_add_and_find_at_once);
    suite_add_tcase(suite, all);
    return rc_unit_run(suite);
}
