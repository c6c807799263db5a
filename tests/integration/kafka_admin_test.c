/* Questions to Kafka that get no answer in time. */
#include <check.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/cluster.h"
#include "tests/support/unit.h"

enum { FIRST = 1, SECOND, LATE_MS = 700, TIMEOUT_MS = 300 };

/* librdkafka's mock cluster can be told which broker coordinates a group, and how late that one is. */
START_TEST(a_question_that_is_over_before_its_coordinator_is_reached_ends_nobody)
{
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, NULL, NULL, 0);
    ck_assert_ptr_nonnull(rk);
    rd_kafka_mock_cluster_t *mock = rd_kafka_mock_cluster_new(rk, SECOND);
    ck_assert_int_eq(rd_kafka_mock_topic_create(mock, "connects", 1, 1), RD_KAFKA_RESP_ERR_NO_ERROR);
    ck_assert_int_eq(rd_kafka_mock_coordinator_set(mock, "group", "far", SECOND), RD_KAFKA_RESP_ERR_NO_ERROR);
    ck_assert_int_eq(rd_kafka_mock_broker_set_rtt(mock, SECOND, LATE_MS), RD_KAFKA_RESP_ERR_NO_ERROR);
    char *first = strdup(rd_kafka_mock_cluster_bootstraps(mock));
    *strchrnul(first, ',') = '\0';
    rc_cluster_t cluster;
    rc_cluster_open(&cluster, first, NULL);
    rc_kafka_topic_info_t info = {.name = "connects"};
    OK(rc_kafka_admin_topics(cluster.admin, &info, 1, false, TIMEOUT_MS + LATE_MS, &rc_oops));

    rc_kafka_offset_t offset = {.topic = "connects"};
    rc_error_t error = RC_ERROR_INIT;
    ck_assert_int_ne(rc_kafka_admin_committed(cluster.admin, "far", &offset, 1, TIMEOUT_MS, &error), RC_OK);
    ck_assert_msg(error.disposition == RC_RETRY, "%s", error.message);
    /* Here the process ended; who asks again is answered. */
    OK(rc_kafka_admin_committed(cluster.admin, "far", &offset, 1, 20 * (int64_t)LATE_MS, &rc_oops));
    rc_cluster_close(&cluster);
    free(first);
    rd_kafka_mock_cluster_destroy(mock);
    rd_kafka_destroy(rk);
}
END_TEST

int main(void)
{
    if (!rc_cluster_is_there()) return RC_CLUSTER_ABSENT;
    Suite *suite = suite_create("kafka_admin");
    TCase *all = tcase_create("all");
    tcase_add_test(all, a_question_that_is_over_before_its_coordinator_is_reached_ends_nobody);
    suite_add_tcase(suite, all);
    return rc_unit_run(suite);
}
