/* common/enroll: a program that writes has its schemas known before it writes, waits for whoever is away, and can be
 * stopped while it waits. Registry and producer are stood in for (their calls are wrapped). */
#include "common/enroll.h"

#include <stdio.h>
#include <string.h>

#include "common/kafka_producer.h"
#include "tests/support/cluster.h"
#include "tests/support/unit.h"

rc_code_t __wrap_rc_registry_enroll(rc_registry_t *, rc_codec_t *, rc_record_kind_t, const char *, const atomic_bool *,
                                    rc_error_t *);
rc_code_t __wrap_rc_kafka_producer_open(const rc_kafka_t *, rc_kafka_producer_t **, rc_error_t *);
void __wrap_rc_kafka_producer_close(rc_kafka_producer_t *);
rc_code_t __wrap_rc_kafka_producer_send(rc_kafka_producer_t *, const rc_kafka_record_t *, size_t, int64_t,
                                        rc_kafka_delivery_t *, rc_error_t *);

typedef struct {
    rc_code_t code;
    rc_disposition_t disposition;
} answer_t;

/* The next answers of both, and what they were asked. */
static struct {
    answer_t registry[4], producer[4];
    int registry_calls, producer_calls, open_producers;
    char topics[RC_RECORD_COUNT][64]; /* that the registry was told, by kind */
    size_t records;
    bool stop_at_call; /* somebody stops the program while this one fails */
} world;

static atomic_bool cancelled;

static rc_code_t answer(const answer_t *answers, int call, rc_error_t *error)
{
    if (call >= 4 || answers[call].code == RC_OK) return RC_OK;
    if (world.stop_at_call) atomic_store(&cancelled, true);
    return rc_error_set(error, answers[call].code, answers[call].disposition, "not now");
}

rc_code_t __wrap_rc_registry_enroll(rc_registry_t *registry, rc_codec_t *codec, rc_record_kind_t kind,
                                    const char *topic, const atomic_bool *stop, rc_error_t *error)
{
    (void)stop;
    ck_assert(registry && codec);
    (void)snprintf(world.topics[kind], sizeof world.topics[kind], "%s", topic);
    return answer(world.registry, world.registry_calls++, error);
}

rc_code_t __wrap_rc_kafka_producer_open(const rc_kafka_t *settings, rc_kafka_producer_t **producer, rc_error_t *error)
{
    (void)settings, (void)error;
    world.open_producers++;
    *producer = (rc_kafka_producer_t *)&world;
    return RC_OK;
}

void __wrap_rc_kafka_producer_close(rc_kafka_producer_t *producer)
{
    if (producer) world.open_producers--;
}

/* What is sent can be read by a program that knows no schema but through its records. */
rc_code_t __wrap_rc_kafka_producer_send(rc_kafka_producer_t *producer, const rc_kafka_record_t *records, size_t count,
                                        int64_t timeout_ms, rc_kafka_delivery_t *deliveries, rc_error_t *error)
{
    (void)producer, (void)timeout_ms, (void)deliveries;
    rc_code_t code = answer(world.producer, world.producer_calls++, error);
    if (code != RC_OK) return code;
    rc_schema_store_t *store = rc_schema_store_new();
    for (size_t i = 0; i < count; i++) {
        ck_assert_str_eq(records[i].topic, "hris.schemas");
        OK(rc_schema_store_add_record(store, records[i].key, records[i].key_bytes, records[i].value,
                                      records[i].value_bytes, &rc_oops));
        for (size_t k = 0; k < i; k++)
            ck_assert(records[k].key_bytes != records[i].key_bytes ||
                      memcmp(records[k].key, records[i].key, records[i].key_bytes) != 0);
    }
    rc_schema_store_free(store);
    world.records += count;
    return RC_OK;
}

static rc_config_property_t property = {"bootstrap.servers", "127.0.0.1:1", 1};
static rc_config_t config;
static rc_kafka_t *settings;
static rc_enrolment_t enrolment;
static rc_error_t error;

static void setup(void)
{
    config = (rc_config_t){.path = "test.yaml", .instance = "a", .ca_file = "", .http_proxy = ""};
    config.kafka.topic_prefix = "hris.";
    config.kafka.properties = &property;
    config.kafka.properties_count = 1;
    config.consumer.application = "learnamp";
    config.schema_registry.url = config.schema_registry.basic_auth = config.schema_registry.ca_file = "";
    OK(rc_kafka_new(&config, "rollcall-test", &settings, &rc_oops));
    memset(&world, 0, sizeof world);
    enrolment = (rc_enrolment_t){NULL, NULL, NULL};
    error = RC_ERROR_INIT;
    atomic_store(&cancelled, false);
}

static void teardown(void)
{
    rc_enrolment_fini(&enrolment);
    rc_kafka_free(settings);
}

static rc_code_t enrol(void)
{
    return rc_enrol_writer(settings, &cancelled, &enrolment, &error);
}

static void is_empty(void)
{
    ck_assert(!enrolment.store && !enrolment.registry && !enrolment.codec);
    ck_assert_int_eq(world.open_producers, 0);
}

START_TEST(every_schema_that_is_written_is_put_into_the_schemas_topic)
{
    ck_assert_int_eq(enrol(), RC_OK);
    ck_assert(enrolment.store && enrolment.codec && !enrolment.registry);
    ck_assert_uint_eq(world.records, RC_RECORD_COUNT);
    ck_assert_int_eq(world.registry_calls, 0);
    ck_assert_int_eq(world.open_producers, 0);
}
END_TEST

START_TEST(a_registry_is_told_every_kind_under_its_own_topic)
{
    config.schema_registry.url = "http://127.0.0.1:1";
    ck_assert_int_eq(enrol(), RC_OK);
    ck_assert_ptr_nonnull(enrolment.registry);
    ck_assert_int_eq(world.registry_calls, RC_RECORD_COUNT);
    ck_assert_str_eq(world.topics[RC_RECORD_CREATED], "hris.employee.created");
    ck_assert_str_eq(world.topics[RC_RECORD_LEDGER], "hris.learnamp.ledger");
    for (int kind = 0; kind < RC_RECORD_COUNT; kind++)
        for (int other = 0; other < kind; other++) ck_assert_str_ne(world.topics[kind], world.topics[other]);
    /* Those who have no registry read it too. */
    ck_assert_uint_eq(world.records, RC_RECORD_COUNT);
}
END_TEST

START_TEST(a_registry_that_is_away_is_waited_for)
{
    config.schema_registry.url = "http://127.0.0.1:1";
    world.registry[1] = (answer_t){RC_CONNECT, RC_RETRY};
    ck_assert_int_eq(enrol(), RC_OK);
    ck_assert_int_eq(world.registry_calls, RC_RECORD_COUNT + 1);
    ck_assert_uint_eq(world.records, RC_RECORD_COUNT);
}
END_TEST

START_TEST(a_registry_that_refuses_us_ends_the_start)
{
    config.schema_registry.url = "http://127.0.0.1:1";
    world.registry[1] = (answer_t){RC_CONFLICT, RC_REJECT};
    ck_assert_int_eq(enrol(), RC_CONFLICT);
    ck_assert_int_eq(world.registry_calls, 2);
    ck_assert_uint_eq(world.records, 0);
    is_empty();
}
END_TEST

START_TEST(a_broker_that_is_away_is_waited_for_even_if_the_handle_dies_over_it)
{
    world.producer[0] = (answer_t){RC_TIMEOUT, RC_RETRY};
    world.producer[1] = (answer_t){RC_KAFKA, RC_FATAL};
    ck_assert_int_eq(enrol(), RC_OK);
    ck_assert_int_eq(world.producer_calls, 3);
    ck_assert_uint_eq(world.records, RC_RECORD_COUNT);
    ck_assert_int_eq(world.open_producers, 0);
}
END_TEST

START_TEST(a_broker_that_refuses_us_ends_the_start)
{
    world.producer[0] = (answer_t){RC_KAFKA, RC_REJECT};
    ck_assert_int_eq(enrol(), RC_KAFKA);
    ck_assert_int_eq(world.producer_calls, 1);
    is_empty();
}
END_TEST

START_TEST(waiting_ends_when_the_program_is_stopped)
{
    world.stop_at_call = true;
    if (_i == 0) {
        config.schema_registry.url = "http://127.0.0.1:1";
        world.registry[0] = (answer_t){RC_CONNECT, RC_RETRY};
    } else {
        world.producer[0] = (answer_t){RC_TIMEOUT, RC_RETRY};
    }
    ck_assert_int_eq(enrol(), RC_CANCELLED);
    ck_assert_int_eq(error.disposition, RC_STOPPED);
    is_empty();
}
END_TEST

START_TEST(a_reader_asks_nobody)
{
    config.schema_registry.url = _i ? "http://127.0.0.1:1" : "";
    rc_enrol_reader(&config, &enrolment);
    ck_assert(enrolment.store && enrolment.codec);
    ck_assert_int_eq(enrolment.registry != NULL, _i);
    ck_assert_int_eq(world.registry_calls + world.producer_calls, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("enroll");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_test(all, every_schema_that_is_written_is_put_into_the_schemas_topic);
    tcase_add_test(all, a_registry_is_told_every_kind_under_its_own_topic);
    tcase_add_test(all, a_registry_that_is_away_is_waited_for);
    tcase_add_test(all, a_registry_that_refuses_us_ends_the_start);
    tcase_add_test(all, a_broker_that_is_away_is_waited_for_even_if_the_handle_dies_over_it);
    tcase_add_test(all, a_broker_that_refuses_us_ends_the_start);
    tcase_add_loop_test(all, waiting_ends_when_the_program_is_stopped, 0, 2);
    tcase_add_loop_test(all, a_reader_asks_nobody, 0, 2);
    suite_add_tcase(suite, all);
    return rc_unit_run(suite);
}
