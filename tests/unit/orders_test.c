/* producer/page/orders: what people order becomes a command on Kafka, and is remembered. The producer is stood in for
 * (its calls are wrapped). */
#include "producer/page/orders.h"

#include <stdio.h>
#include <string.h>

#include "common/enroll.h"
#include "common/kafka_producer.h"
#include "tests/support/cluster.h"
#include "tests/support/unit.h"

rc_code_t __wrap_rc_kafka_producer_open(const rc_kafka_t *, rc_kafka_producer_t **, rc_error_t *);
void __wrap_rc_kafka_producer_close(rc_kafka_producer_t *);
rc_code_t __wrap_rc_kafka_producer_send(rc_kafka_producer_t *, const rc_kafka_record_t *, size_t, int64_t,
                                        rc_kafka_delivery_t *, rc_error_t *);

static struct {
    int opened, closed, sent;
    rc_code_t code;
    rc_disposition_t disposition;
    char value[4096]; /* of the last record */
    size_t value_bytes;
    rc_orders_t *meanwhile; /* somebody else orders while this is being written */
    rc_code_t meanwhile_code;
} world;

static rc_config_property_t property = {"bootstrap.servers", "127.0.0.1:1", 1};
static rc_config_t config;
static rc_kafka_t *kafka;
static rc_enrolment_t enrolment;
static rc_orders_t *orders;
static rc_arena_t *arena;
static rc_error_t error;

rc_code_t __wrap_rc_kafka_producer_open(const rc_kafka_t *settings, rc_kafka_producer_t **producer, rc_error_t *why)
{
    (void)settings, (void)why;
    world.opened++;
    *producer = (rc_kafka_producer_t *)&world;
    return RC_OK;
}

void __wrap_rc_kafka_producer_close(rc_kafka_producer_t *producer)
{
    if (producer) world.closed++;
}

static rc_order_t poll_order(const char *integration_id)
{
    return (rc_order_t){.integration_id = integration_id, .kind = RC_COMMAND_POLL};
}

rc_code_t __wrap_rc_kafka_producer_send(rc_kafka_producer_t *producer, const rc_kafka_record_t *records, size_t count,
                                        int64_t timeout_ms, rc_kafka_delivery_t *deliveries, rc_error_t *why)
{
    (void)producer, (void)deliveries;
    ck_assert_uint_eq(count, 1);
    ck_assert_str_eq(records->topic, "hris.sync.commands");
    ck_assert_int_eq(records->partition, -1);
    ck_assert_int_le(timeout_ms, 5000); /* a thread of the HTTP port waits */
    ck_assert_uint_lt(records->value_bytes, sizeof world.value);
    memcpy(world.value, records->value, records->value_bytes);
    world.value_bytes = records->value_bytes;
    world.sent++;
    if (world.meanwhile) {
        rc_error_t its_error = RC_ERROR_INIT;
        rc_order_t other = poll_order("personio:A");
        world.meanwhile_code = rc_orders_send(world.meanwhile, &other, (rc_wall_t){0}, &its_error);
    }
    return world.code ? rc_error_set(why, world.code, world.disposition, "Kafka is away") : RC_OK;
}

static void set_up(void)
{
    memset(&world, 0, sizeof world);
    error = RC_ERROR_INIT;
    config = (rc_config_t){.path = "test.yaml", .instance = "a", .ca_file = "", .http_proxy = ""};
    config.kafka.topic_prefix = "hris.";
    config.kafka.properties = &property;
    config.kafka.properties_count = 1;
    config.consumer.application = "learnamp";
    config.schema_registry.url = config.schema_registry.basic_auth = config.schema_registry.ca_file = "";
    OK(rc_kafka_new(&config, "rollcall-test", &kafka, &rc_oops));
    rc_enrol_reader(&config, &enrolment);
    orders = rc_orders_new(kafka, enrolment.codec);
    arena = rc_arena_new();
}

static void tear_down(void)
{
    rc_orders_free(orders);
    ck_assert_int_eq(world.opened, world.closed);
    rc_enrolment_fini(&enrolment);
    rc_kafka_free(kafka);
    rc_arena_free(arena);
}

static size_t count_of(const char *integration_id)
{
    size_t count;
    (void)rc_orders_list(orders, integration_id, arena, &count);
    return count;
}

START_TEST(an_approval_is_a_command_with_the_list_that_was_seen_and_an_end)
{
    rc_command_t command;
    rc_order_t order = {.integration_id = "personio:A",
                        .kind = RC_COMMAND_APPROVE,
                        .hold_id = "deactivations-1",
                        .brake = RC_BRAKE_DEACTIVATIONS,
                        .employees = 8};
    ck_assert_int_eq(rc_orders_send(orders, &order, (rc_wall_t){1795400000123}, &error), RC_OK);
    OK(rc_codec_decode_command(enrolment.codec, world.value, world.value_bytes, arena, &command, NULL, &rc_oops));
    ck_assert_str_eq(command.id, order.id);
    ck_assert_str_eq(command.integration_id, "personio:A");
    ck_assert_int_eq(command.kind, RC_COMMAND_APPROVE);
    ck_assert_int_eq(command.trigger, RC_TRIGGER_COMMAND);
    ck_assert_str_eq(command.hold_id, "deactivations-1");
    ck_assert_int_eq(command.listed_at.ms, 1795400000123);
    ck_assert_int_eq(command.expires_at.ms - command.issued_at.ms, 15 * 60 * 1000);
    size_t count;
    const rc_order_t *kept = rc_orders_list(orders, "personio:A", arena, &count);
    ck_assert_uint_eq(count, 1);
    ck_assert_str_eq(kept[0].hold_id, "deactivations-1");
    ck_assert_int_eq(kept[0].employees, 8);
}
END_TEST

START_TEST(what_kafka_refused_is_no_order_and_what_may_still_arrive_is)
{
    rc_order_t order = poll_order("personio:A");
    world.code = RC_KAFKA;
    world.disposition = RC_REJECT;
    ck_assert_int_eq(rc_orders_send(orders, &order, (rc_wall_t){0}, &error), RC_KAFKA);
    ck_assert_uint_eq(count_of("personio:A"), 0);
    world.code = RC_TIMEOUT;
    world.disposition = RC_RETRY;
    ck_assert_int_eq(rc_orders_send(orders, &order, (rc_wall_t){0}, &error), RC_TIMEOUT);
    ck_assert_uint_eq(count_of("personio:A"), 1);
    ck_assert_int_eq(world.opened, 1);
}
END_TEST

START_TEST(a_dead_handle_is_opened_anew_for_the_next_order)
{
    rc_order_t order = poll_order("personio:A");
    world.code = RC_KAFKA;
    world.disposition = RC_FATAL;
    ck_assert_int_eq(rc_orders_send(orders, &order, (rc_wall_t){0}, &error), RC_KAFKA);
    ck_assert_int_eq(world.closed, 1);
    world.code = RC_OK;
    ck_assert_int_eq(rc_orders_send(orders, &order, (rc_wall_t){0}, &error), RC_OK);
    ck_assert_int_eq(world.opened, 2);
}
END_TEST

START_TEST(no_second_thread_waits_for_kafka)
{
    rc_order_t order = poll_order("personio:A");
    world.meanwhile = orders;
    ck_assert_int_eq(rc_orders_send(orders, &order, (rc_wall_t){0}, &error), RC_OK);
    ck_assert_int_eq(world.meanwhile_code, RC_CONFLICT);
    ck_assert_int_eq(world.sent, 1);
    world.meanwhile = NULL;
    ck_assert_int_eq(rc_orders_send(orders, &order, (rc_wall_t){0}, &error), RC_OK);
}
END_TEST

START_TEST(each_integration_has_its_own_the_newest_first_and_the_oldest_are_forgotten)
{
    size_t count;
    for (int i = 0; i < RC_ORDERS_KEPT + 5; i++) {
        rc_order_t order = poll_order(i % 2 ? "personio:B" : "personio:A");
        order.employees = i;
        ck_assert_int_eq(rc_orders_send(orders, &order, (rc_wall_t){0}, &error), RC_OK);
    }
    const rc_order_t *kept = rc_orders_list(orders, "personio:A", arena, &count);
    ck_assert_uint_eq(count + count_of("personio:B"), RC_ORDERS_KEPT);
    ck_assert_int_eq(kept[0].employees, RC_ORDERS_KEPT + 4);
    ck_assert_int_eq(kept[1].employees, RC_ORDERS_KEPT + 2);
    ck_assert_uint_eq(count_of("personio:C"), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("orders");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, set_up, tear_down);
    tcase_add_test(all, an_approval_is_a_command_with_the_list_that_was_seen_and_an_end);
    tcase_add_test(all, what_kafka_refused_is_no_order_and_what_may_still_arrive_is);
    tcase_add_test(all, a_dead_handle_is_opened_anew_for_the_next_order);
    tcase_add_test(all, no_second_thread_waits_for_kafka);
    tcase_add_test(all, each_integration_has_its_own_the_newest_first_and_the_oldest_are_forgotten);
    suite_add_tcase(suite, all);
    return rc_unit_run(suite);
}
