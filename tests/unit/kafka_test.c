/* common/kafka: settings are checked with their lines, keys go where Java puts them, and all handles work on the mock
 * cluster, as the sandbox needs it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/kafka_admin.h"
#include "common/kafka_consumer.h"
#include "common/kafka_mock.h"
#include "common/kafka_reader.h"
#include "common/kafka_txn.h"
#include "common/log.h"
#include "common/tail.h"
#include "common/topics.h"
#include "tests/support/cluster.h"
#include "tests/support/scratch.h"
#include "tests/support/unit.h"

enum { PATIENCE_MS = 20000 };

/* --- settings --- */

START_TEST(a_wrong_property_is_named_with_its_line)
{
    rc_config_property_t properties[] = {
        {"bootstrap.servers", "localhost:9092", 3},
        {"compression.type", "lz4", 4},
        {"securty.protocol", "ssl", 5},
    };
    rc_config_t config = {.path = "rollcall.yaml", .instance = "i"};
    config.kafka.properties = properties;
    config.kafka.properties_count = 3;
    rc_kafka_t *kafka = NULL;
    rc_error_t error = RC_ERROR_INIT;
    ck_assert_int_eq(rc_kafka_new(&config, "test", &kafka, &error), RC_CONFIG);
    ck_assert_ptr_nonnull(strstr(error.message, "rollcall.yaml:5: kafka.securty.protocol: unknown property; "));
    ck_assert_ptr_null(kafka);
}
END_TEST

START_TEST(settings_that_do_not_fit_together_are_said_when_a_handle_opens)
{
    rc_config_property_t properties[] = {{"bootstrap.servers", "localhost:9092", 3},
                                         {"security.protocol", "ssl", 4},
                                         {"ssl.ca.location", "/nowhere/ca.pem", 5}};
    rc_config_t config = {.path = "rollcall.yaml", .instance = "i"};
    config.kafka.properties = properties;
    config.kafka.properties_count = 3;
    rc_kafka_t *kafka;
    rc_kafka_txn_t *txn;
    rc_error_t error = RC_ERROR_INIT;
    OK(rc_kafka_new(&config, "test", &kafka, &rc_oops));
    ck_assert_int_eq(rc_kafka_txn_open(kafka, "id", &txn, &error), RC_CONFIG);
    ck_assert_ptr_nonnull(strstr(error.message, "rollcall.yaml: kafka: "));
    ck_assert_msg(strstr(error.message, "ssl.ca.location") != NULL, "%s", error.message);
    rc_kafka_free(kafka);
}
END_TEST

START_TEST(a_broker_that_is_away_is_named_with_the_cause_alone)
{
    rc_config_property_t properties[] = {{"bootstrap.servers", "127.0.0.1:1", 3}}; /* nobody listens there */
    rc_config_t config = {.path = "rollcall.yaml", .instance = "i"};
    config.kafka.properties = properties;
    config.kafka.properties_count = 1;
    rc_kafka_t *kafka;
    rc_kafka_admin_t *admin;
    rc_error_t error = RC_ERROR_INIT;
    char *cluster = NULL;
    rc_log_open(&(rc_log_options_t){.level = RC_LEVEL_ERROR});
    OK(rc_kafka_new(&config, "test", &kafka, &rc_oops));
    OK(rc_kafka_admin_open(kafka, &admin, &rc_oops));
    ck_assert_int_eq(rc_kafka_admin_cluster_id(admin, 500, &cluster, &error), RC_TIMEOUT);
    ck_assert_str_eq(error.message,
                     "no answer from the brokers at 127.0.0.1:1: Connect to 127.0.0.1:1 failed: Connection refused");
    rc_kafka_admin_close(admin);
    rc_kafka_free(kafka);
}
END_TEST

START_TEST(what_users_set_never_breaks_a_handle_of_ours)
{
    static const rc_config_property_t cases[] = {
        {"socket.timeout.ms", "60000", 1},
        {"message.timeout.ms", "300000", 1},
        {"retry.backoff.ms", "1000", 1},
        {"linger.ms", "50", 1},
        {"acks", "all", 1},
        {"fetch.wait.max.ms", "500", 1},
    };
    rc_config_property_t property = cases[_i];
    rc_config_t config = {.path = "rollcall.yaml", .instance = "i"};
    config.kafka.properties = &property;
    config.kafka.properties_count = 1;
    rc_kafka_t *kafka;
    rc_kafka_txn_t *txn;
    rc_kafka_consumer_t *consumer;
    rc_kafka_reader_t *reader;
    OK(rc_kafka_new(&config, "test", &kafka, &rc_oops));
    OK(rc_kafka_txn_open(kafka, "id", &txn, &rc_oops));
    OK(rc_kafka_consumer_open(kafka, "group", "instance", &consumer, &rc_oops));
    OK(rc_kafka_reader_open(kafka, &reader, &rc_oops));
    rc_kafka_txn_close(txn);
    rc_kafka_consumer_close(consumer);
    rc_kafka_reader_close(reader);
    rc_kafka_free(kafka);
}
END_TEST

/* Utils.toPositive(Utils.murmur2(key)) % 1000 of Apache Kafka, whose hashes its own tests list. */
START_TEST(keys_go_where_java_puts_them)
{
    static const struct {
        const char *key;
        int32_t hash; /* as in org.apache.kafka.common.utils.UtilsTest */
    } cases[] = {{"21", -973932308},
                 {"foobar", -790332482},
                 {"a-little-bit-long-string", -985981536},
                 {"a-little-bit-longer-string", -1486304829},
                 {"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971},
                 {"abc", 479470107}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_int_eq(rc_kafka_partition(cases[i].key, strlen(cases[i].key), 1000),
                         (cases[i].hash & 0x7fffffff) % 1000);
}
END_TEST

/* --- the mock cluster --- */

static rc_kafka_mock_t *mock;
static rc_cluster_t cluster;
static int64_t delays_ms[] = {30000};

static void setup(void)
{
    OK(rc_kafka_mock_new(1, &mock, &rc_oops));
    rc_cluster_open(&cluster, rc_kafka_mock_bootstrap(mock), NULL);
    cluster.config.consumer.application = "app";
    cluster.config.consumer.retry_delays_ms = delays_ms;
    cluster.config.consumer.retry_delays_count = 1;
    rc_arena_t *arena = rc_arena_new();
    size_t count;
    const rc_topic_t *topics = rc_topics_list(&cluster.config, arena, &count);
    for (size_t i = 0; i < count; i++)
        OK(rc_kafka_mock_create_topic(mock, topics[i].name, topics[i].partitions, &rc_oops));
    rc_arena_free(arena);
}

static void teardown(void)
{
    rc_cluster_close(&cluster);
    rc_kafka_mock_free(mock);
}

START_TEST(the_mock_is_known_and_only_its_partitions_are_checked)
{
    rc_arena_t *arena = rc_arena_new();
    rc_topics_result_t result;
    rc_error_t error = RC_ERROR_INIT;
    OK(rc_topics_setup(cluster.admin, &cluster.config, true, PATIENCE_MS, NULL, arena, &result, &rc_oops));
    ck_assert(result.mock);
    ck_assert_uint_eq(result.count, 12);
    for (size_t i = 0; i < result.count; i++) ck_assert_int_eq(result.checks[i].state, RC_TOPIC_FITS);
    cluster.config.kafka.partitions = 7;
    ck_assert_int_eq(rc_topics_setup(cluster.admin, &cluster.config, true, PATIENCE_MS, NULL, arena, &result, &error),
                     RC_CONFIG);
    ck_assert_int_eq(result.checks[0].state, RC_TOPIC_WRONG);
    cluster.config.kafka.topic_prefix = "nobody-made-these.";
    ck_assert_int_eq(rc_topics_setup(cluster.admin, &cluster.config, true, PATIENCE_MS, NULL, arena, &result, &error),
                     RC_CONFIG);
    ck_assert_int_eq(result.checks[0].state, RC_TOPIC_MISSING);
    rc_arena_free(arena);
}
END_TEST

START_TEST(the_mock_carries_a_commit_to_a_tail)
{
    char *directory = rc_scratch_new();
    rc_arena_t *arena = rc_arena_new();
    const char *topic = rc_topic_name(&cluster.config, RC_TOPIC_SNAPSHOT, arena);
    rc_store_t *store;
    rc_table_t *table;
    rc_tail_t *tail;
    rc_kafka_txn_t *txn;
    OK(rc_store_open(directory, &store, &rc_oops));
    OK(rc_table_open(store, "snapshot", &table, &rc_oops));
    const rc_tail_topic_t what = {.topic = topic, .table = table};
    OK(rc_tail_new(cluster.kafka, cluster.admin, store, &what, 1, &tail, &rc_oops));
    OK(rc_kafka_txn_open(cluster.kafka, "id", &txn, &rc_oops));
    OK(rc_kafka_txn_init(txn, NULL, &rc_oops));
    for (int i = 0; i < 3; i++) {
        OK(rc_kafka_txn_begin(txn, &rc_oops));
        const rc_kafka_record_t record = {
            .topic = topic, .partition = 1, .key = "a/1", .key_bytes = 3, .value = &i, .value_bytes = sizeof i};
        OK(rc_kafka_txn_produce(txn, &record, &rc_oops));
        ck_assert_int_eq(rc_kafka_txn_commit(txn, NULL, &rc_oops), RC_COMMIT_DONE);
    }
    size_t count;
    const rc_kafka_offset_t *produced = rc_kafka_txn_produced(txn, &count);
    ck_assert_uint_eq(count, 1);
    const rc_tail_target_t target = {0, 1, produced->offset + 1};
    OK(rc_tail_wait(tail, &target, 1, rc_unit_patience_ms(PATIENCE_MS), NULL, &rc_oops));
    rc_row_t row;
    OK(rc_table_get(table, "a/1", 3, arena, &row, &rc_oops));
    ck_assert_int_eq(*(const int *)row.value, 2);
    rc_kafka_txn_close(txn);
    rc_tail_free(tail);
    rc_store_close(store);
    rc_arena_free(arena);
    rc_scratch_remove(directory);
}
END_TEST

START_TEST(the_mock_serves_a_group_and_a_transaction_with_offsets)
{
    rc_arena_t *arena = rc_arena_new();
    const char *topic = rc_topic_name(&cluster.config, RC_TOPIC_COMMANDS, arena);
    rc_kafka_consumer_t *consumer;
    rc_kafka_txn_t *txn;
    OK(rc_kafka_consumer_open(cluster.kafka, "group", "a", &consumer, &rc_oops));
    OK(rc_kafka_consumer_subscribe(consumer, &topic, 1, &rc_oops));
    int64_t deadline_ms = rc_mono_now().ms + rc_unit_patience_ms(PATIENCE_MS);
    size_t assigned = 0;
    while (!assigned && rc_mono_now().ms < deadline_ms) {
        rc_kafka_event_t event;
        rc_error_t error = RC_ERROR_INIT;
        if (rc_kafka_consumer_poll(consumer, 100, &event, &error)) continue;
        if (event.kind == RC_KAFKA_ASSIGN) {
            OK(rc_kafka_consumer_assign(consumer, event.partitions, event.partition_count, &rc_oops));
            assigned = event.partition_count;
        }
        rc_kafka_event_release(&event);
    }
    ck_assert_uint_eq(assigned, RC_CLUSTER_PARTITIONS);
    OK(rc_kafka_txn_open(cluster.kafka, "id", &txn, &rc_oops));
    OK(rc_kafka_txn_init(txn, NULL, &rc_oops));
    OK(rc_kafka_txn_begin(txn, &rc_oops));
    rc_kafka_group_t *group = rc_kafka_consumer_group(consumer);
    const rc_kafka_offset_t offset = {topic, 0, 0};
    OK(rc_kafka_txn_send_offsets(txn, group, &offset, 1, &rc_oops));
    ck_assert_int_eq(rc_kafka_txn_commit(txn, NULL, &rc_oops), RC_COMMIT_DONE);
    rc_kafka_offset_t committed = {topic, 0, 0};
    OK(rc_kafka_consumer_committed(consumer, &committed, 1, PATIENCE_MS, NULL, &rc_oops));
    rc_kafka_group_free(group);
    rc_kafka_txn_close(txn);
    rc_kafka_consumer_close(consumer);
    rc_arena_free(arena);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("kafka");
    TCase *settings = tcase_create("settings");
    tcase_add_test(settings, a_wrong_property_is_named_with_its_line);
    tcase_add_test(settings, settings_that_do_not_fit_together_are_said_when_a_handle_opens);
    tcase_add_test(settings, a_broker_that_is_away_is_named_with_the_cause_alone);
    tcase_add_loop_test(settings, what_users_set_never_breaks_a_handle_of_ours, 0, 6);
    tcase_add_test(settings, keys_go_where_java_puts_them);
    suite_add_tcase(suite, settings);
    TCase *cases = tcase_create("mock");
    tcase_set_timeout(cases, 30);
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, the_mock_is_known_and_only_its_partitions_are_checked);
    tcase_add_test(cases, the_mock_carries_a_commit_to_a_tail);
    tcase_add_test(cases, the_mock_serves_a_group_and_a_transaction_with_offsets);
    suite_add_tcase(suite, cases);
    return rc_unit_run(suite);
}
