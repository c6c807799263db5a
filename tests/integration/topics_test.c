/* common/topics and common/kafka_admin on a real broker: topics are made as designed, differences are told, and the
 * questions are answered as a barrier needs them. */
#include <stdlib.h>
#include <string.h>

#include "common/kafka_consumer.h"
#include "common/kafka_txn.h"
#include "common/topics.h"
#include "tests/support/cluster.h"
#include "tests/support/unit.h"

enum { PATIENCE_MS = 20000, DAY_MS = 24 * 3600 * 1000 };

static rc_cluster_t cluster;
static rc_arena_t *arena;
static int64_t delays_ms[] = {30000, 300000};
static rc_topics_result_t result;

static void setup(void)
{
    rc_cluster_open(&cluster, NULL, NULL);
    arena = rc_arena_new();
    cluster.config.consumer.application = "app";
    cluster.config.consumer.retry_delays_ms = delays_ms;
    cluster.config.consumer.retry_delays_count = 2;
    cluster.config.kafka.retention.events_ms = 30LL * DAY_MS;
    cluster.config.kafka.retention.commands_ms = 7LL * DAY_MS;
    cluster.config.kafka.retention.retry_ms = 14LL * DAY_MS;
    cluster.config.kafka.retention.dead_letters_ms = 90LL * DAY_MS;
}

static void teardown(void)
{
    rc_arena_free(arena);
    rc_cluster_close(&cluster);
}

static rc_code_t set_up(bool create, rc_error_t *error)
{
    *error = RC_ERROR_INIT;
    return rc_topics_setup(cluster.admin, &cluster.config, create, PATIENCE_MS, NULL, arena, &result, error);
}

START_TEST(missing_topics_are_created_once_and_fit)
{
    rc_error_t error;
    ck_assert_int_eq(set_up(false, &error), RC_CONFIG);
    ck_assert_ptr_nonnull(strstr(error.message, "is missing"));
    for (size_t i = 0; i < result.count; i++) ck_assert_int_eq(result.checks[i].state, RC_TOPIC_MISSING);
    OK(set_up(true, &rc_oops));
    ck_assert(!result.mock);
    ck_assert_uint_eq(result.count, 13);
    for (size_t i = 0; i < result.count; i++) {
        ck_assert_int_eq(result.checks[i].state, RC_TOPIC_CREATED_NOW);
        rc_kafka_topic_info_t info = {.name = result.checks[i].topic->name};
        OK(rc_kafka_admin_topics(cluster.admin, &info, 1, true, PATIENCE_MS, &rc_oops));
        ck_assert(info.settings_known);
        ck_assert_int_eq(info.partitions, RC_CLUSTER_PARTITIONS);
        ck_assert_int_eq(info.compact, result.checks[i].topic->compact);
        if (!info.compact) ck_assert_int_eq(info.retention_ms, result.checks[i].topic->retention_ms);
        if (info.compact) ck_assert_int_eq(info.tombstones_ms, DAY_MS);
    }
    OK(set_up(true, &rc_oops));
    for (size_t i = 0; i < result.count; i++) ck_assert_int_eq(result.checks[i].state, RC_TOPIC_FITS);
    OK(rc_topics_await(cluster.kafka, NULL, &rc_oops));
}
END_TEST

START_TEST(a_topic_that_differs_stops_the_start_and_is_named)
{
    rc_error_t error;
    OK(set_up(true, &rc_oops));
    cluster.config.kafka.partitions = 12;
    ck_assert_int_eq(set_up(true, &error), RC_CONFIG);
    ck_assert_ptr_nonnull(strstr(error.message, "has 3 partitions, but kafka.partitions is 12"));
    ck_assert_int_eq(rc_topics_await(cluster.kafka, NULL, &error), RC_CONFIG);
    ck_assert_msg(strstr(error.message, "13 topics do not fit, the first of them: ") != NULL, "%s", error.message);
    cluster.config.kafka.partitions = RC_CLUSTER_PARTITIONS;
    cluster.config.kafka.retention.dead_letters_ms = 91LL * DAY_MS;
    ck_assert_int_eq(set_up(true, &error), RC_CONFIG);
    ck_assert_ptr_nonnull(strstr(error.message, "app.dlq keeps records for 90d and needs 91d at least"));
    ck_assert_int_eq(rc_topics_await(cluster.kafka, NULL, &error), RC_CONFIG);
    ck_assert_msg(strstr(error.message, "topics do not fit") == NULL, "%s", error.message);
    cluster.config.kafka.retention.dead_letters_ms = 90LL * DAY_MS;
    cluster.config.kafka.replication_factor = 3;
    OK(set_up(true, &rc_oops));
    ck_assert_int_eq(result.checks[0].state, RC_TOPIC_WARNING);
}
END_TEST

START_TEST(a_wrong_cleanup_is_named)
{
    rc_error_t error;
    char *topic = rc_cluster_topic(&cluster, "employee.snapshot", false);
    ck_assert_int_eq(set_up(true, &error), RC_CONFIG);
    ck_assert_ptr_nonnull(strstr(error.message, topic));
    ck_assert_ptr_nonnull(strstr(error.message, "cleanup.policy=delete and needs compact"));
    free(topic);
}
END_TEST

START_TEST(too_many_replicas_are_refused_in_words)
{
    rc_error_t error;
    cluster.config.kafka.replication_factor = 9;
    ck_assert_int_eq(set_up(true, &error), RC_KAFKA);
    ck_assert_int_eq(error.disposition, RC_REJECT);
    ck_assert_msg(strstr(error.message, "kafka.replication_factor") != NULL, "%s", error.message);
}
END_TEST

START_TEST(brokers_that_are_away_can_be_given_up)
{
    rc_cluster_t away;
    rc_error_t error = RC_ERROR_INIT;
    atomic_bool cancelled = true;
    rc_cluster_open(&away, "127.0.0.1:1", NULL);
    away.config.consumer = cluster.config.consumer;
    ck_assert_int_eq(rc_topics_setup(away.admin, &away.config, true, 500, NULL, arena, &result, &error), RC_TIMEOUT);
    ck_assert_msg(strstr(error.message, "127.0.0.1:1") && strstr(error.message, "Connection refused"), "%s",
                  error.message);
    ck_assert_int_eq(rc_topics_await(away.kafka, &cancelled, &error), RC_CANCELLED);
    rc_cluster_close(&away);
}
END_TEST

START_TEST(the_end_of_a_barrier_lies_behind_open_transactions)
{
    char *topic = rc_cluster_topic(&cluster, "events", false);
    rc_kafka_txn_t *txn;
    OK(rc_kafka_txn_open(cluster.kafka, topic, &txn, &rc_oops));
    OK(rc_kafka_txn_init(txn, NULL, &rc_oops));
    OK(rc_kafka_txn_begin(txn, &rc_oops));
    const rc_kafka_record_t record = {.topic = topic, .partition = 1, .key = "k", .key_bytes = 1};
    for (int i = 0; i < 4; i++) OK(rc_kafka_txn_produce(txn, &record, &rc_oops));
    rc_kafka_offset_t ends[] = {{topic, 0, -7}, {topic, 1, -7}, {topic, 2, -7}};
    int64_t deadline_ms = rc_mono_now().ms + rc_unit_patience_ms(PATIENCE_MS);
    do OK(rc_kafka_admin_ends(cluster.admin, ends, 3, PATIENCE_MS, &rc_oops));
    while (ends[1].offset < 4 && rc_mono_now().ms < deadline_ms);
    ck_assert_int_eq(ends[0].offset, 0);
    ck_assert_int_eq(ends[1].offset, 4);
    ck_assert_int_eq(rc_kafka_txn_commit(txn, NULL, &rc_oops), RC_COMMIT_DONE);
    do OK(rc_kafka_admin_ends(cluster.admin, ends, 3, PATIENCE_MS, &rc_oops));
    while (ends[1].offset < 5 && rc_mono_now().ms < deadline_ms);
    ck_assert_int_eq(ends[1].offset, 5); /* with the marker */
    OK(rc_kafka_admin_beginnings(cluster.admin, ends, 3, PATIENCE_MS, &rc_oops));
    for (int i = 0; i < 3; i++) ck_assert_int_eq(ends[i].offset, 0);

    OK(rc_kafka_admin_offsets_since(cluster.admin, ends, 3, rc_wall_now().ms - 60000, PATIENCE_MS, &rc_oops));
    ck_assert_int_eq(ends[1].offset, 0);
    OK(rc_kafka_admin_offsets_since(cluster.admin, ends, 3, rc_wall_now().ms + 60000, PATIENCE_MS, &rc_oops));
    ck_assert_int_eq(ends[0].offset, 0);
    ck_assert_int_eq(ends[1].offset, 5);
    rc_kafka_txn_close(txn);
    free(topic);
}
END_TEST

START_TEST(an_unknown_topic_is_an_error_that_names_it)
{
    rc_error_t error = RC_ERROR_INIT;
    rc_kafka_offset_t end = {"no-such-topic", 0, 0};
    ck_assert_int_eq(rc_kafka_admin_ends(cluster.admin, &end, 1, 3000, &error), RC_KAFKA);
    rc_kafka_topic_info_t info = {.name = "no-such-topic"};
    OK(rc_kafka_admin_topics(cluster.admin, &info, 1, true, PATIENCE_MS, &rc_oops));
    ck_assert_int_eq(info.partitions, 0);
    char *id;
    OK(rc_kafka_admin_cluster_id(cluster.admin, PATIENCE_MS, &id, &rc_oops));
    ck_assert(!rc_kafka_is_mock(id));
    free(id);
}
END_TEST

int main(void)
{
    if (!rc_cluster_is_there()) return RC_CLUSTER_ABSENT;
    Suite *suite = suite_create("topics");
    TCase *cases = tcase_create("topics");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, missing_topics_are_created_once_and_fit);
    tcase_add_test(cases, a_topic_that_differs_stops_the_start_and_is_named);
    tcase_add_test(cases, a_wrong_cleanup_is_named);
    tcase_add_test(cases, too_many_replicas_are_refused_in_words);
    tcase_add_test(cases, brokers_that_are_away_can_be_given_up);
    tcase_add_test(cases, the_end_of_a_barrier_lies_behind_open_transactions);
    tcase_add_test(cases, an_unknown_topic_is_an_error_that_names_it);
    suite_add_tcase(suite, cases);
    return rc_unit_run(suite);
}
