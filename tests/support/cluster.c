#include "tests/support/cluster.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/time.h"
#include "tests/support/unit.h"

rc_error_t rc_oops;

enum { DAY_MS = 24 * 3600 * 1000, PATIENCE_MS = 20000 };

bool rc_cluster_is_there(void)
{
    const char *brokers = getenv("RC_TEST_KAFKA");
    if (brokers && *brokers) return true;
    (void)fprintf(stderr, "RC_TEST_KAFKA names no broker; start one with deploy/kafka.sh start\n");
    return false;
}

void rc_cluster_open(rc_cluster_t *cluster, const char *bootstrap, const char *session_timeout_ms)
{
    static int serial;
    *cluster = (rc_cluster_t){0};
    (void)snprintf(cluster->prefix, sizeof cluster->prefix, "t%ld.%lld.%d.", (long)getpid(),
                   (long long)rc_wall_now().ms, serial++);
    cluster->properties[0] =
        (rc_config_property_t){"bootstrap.servers", bootstrap ? bootstrap : getenv("RC_TEST_KAFKA"), 1};
    cluster->properties[1] =
        (rc_config_property_t){"session.timeout.ms", session_timeout_ms ? session_timeout_ms : "6000", 2};
    cluster->properties[2] = (rc_config_property_t){"heartbeat.interval.ms", "300", 3};
    cluster->config.path = "test.yaml";
    cluster->config.instance = "test";
    cluster->config.kafka.topic_prefix = cluster->prefix;
    cluster->config.kafka.partitions = RC_CLUSTER_PARTITIONS;
    cluster->config.kafka.replication_factor = 1;
    cluster->config.kafka.create_topics = true;
    cluster->config.kafka.properties = cluster->properties;
    cluster->config.kafka.properties_count = 3;
    OK(rc_kafka_new(&cluster->config, "rollcall-test", &cluster->kafka, &rc_oops));
    OK(rc_kafka_admin_open(cluster->kafka, &cluster->admin, &rc_oops));
}

void rc_cluster_close(rc_cluster_t *cluster)
{
    rc_kafka_admin_close(cluster->admin);
    rc_kafka_free(cluster->kafka);
}

char *rc_cluster_topic(rc_cluster_t *cluster, const char *name, bool compact)
{
    char *topic = rc_sprintf("%s%s", cluster->prefix, name);
    const rc_kafka_new_topic_t wanted = {topic, RC_CLUSTER_PARTITIONS, 1, compact, 7LL * DAY_MS, DAY_MS};
    OK(rc_kafka_admin_create(cluster->admin, &wanted, 1, PATIENCE_MS, &rc_oops));
    rc_kafka_topic_info_t info = {.name = topic};
    int64_t deadline_ms = rc_mono_now().ms + rc_unit_patience_ms(PATIENCE_MS);
    while (info.partitions != RC_CLUSTER_PARTITIONS && rc_mono_now().ms < deadline_ms)
        OK(rc_kafka_admin_topics(cluster->admin, &info, 1, false, PATIENCE_MS, &rc_oops));
    ck_assert_int_eq(info.partitions, RC_CLUSTER_PARTITIONS);
    return topic;
}
