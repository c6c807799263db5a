#include "common/kafka_mock.h"

#include <pthread.h>
#include <stdlib.h>

#include "common/kafka_handle.h"

#include <librdkafka/rdkafka_mock.h> /* needs rdkafka.h before it */

struct rc_kafka_mock {
    rd_kafka_t *rk; /* lends the cluster its thread */
    rd_kafka_mock_cluster_t *cluster;
};

static void say_nothing(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
    (void)rk, (void)level, (void)facility, (void)text;
}

rc_code_t rc_kafka_mock_new(int brokers, rc_kafka_mock_t **out, rc_error_t *error)
{
    char text[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(conf, say_nothing);
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof text);
    if (!rk) {
        rd_kafka_conf_destroy(conf);
        return rc_error_set(error, RC_IO, RC_FATAL, "the mock cluster: %s", text);
    }
    rd_kafka_mock_cluster_t *cluster = rd_kafka_mock_cluster_new(rk, brokers);
    if (!cluster) {
        rd_kafka_destroy(rk);
        return rc_error_set(error, RC_IO, RC_FATAL, "the mock cluster cannot listen on 127.0.0.1");
    }
    rc_kafka_mock_t *mock = rc_alloc(sizeof *mock);
    *mock = (rc_kafka_mock_t){rk, cluster};
    *out = mock;
    return RC_OK;
}

void rc_kafka_mock_free(rc_kafka_mock_t *mock)
{
    if (!mock) return;
    rd_kafka_mock_cluster_destroy(mock->cluster);
    rd_kafka_destroy(mock->rk);
    free(mock);
}

const char *rc_kafka_mock_bootstrap(const rc_kafka_mock_t *mock)
{
    return rd_kafka_mock_cluster_bootstraps(mock->cluster);
}

rc_code_t rc_kafka_mock_create_topic(rc_kafka_mock_t *mock, const char *name, int partitions, rc_error_t *error)
{
    rd_kafka_resp_err_t err = rd_kafka_mock_topic_create(mock->cluster, name, partitions, 1);
    return err ? rc_kafka_error(error, NULL, err, NULL, "creating the topic %s", name) : RC_OK;
}

typedef struct {
    pthread_t thread;
    bool started;
    rc_kafka_mock_t *mock;
    const char *name;
    int partitions;
    rc_code_t code;
    rc_error_t error;
} creation_t;

static void *create(void *opaque)
{
    creation_t *creation = opaque;
    creation->code = rc_kafka_mock_create_topic(creation->mock, creation->name, creation->partitions, &creation->error);
    return NULL;
}

rc_code_t rc_kafka_mock_create_topics(rc_kafka_mock_t *mock, const char *const *names, size_t count, int partitions,
                                      rc_error_t *error)
{
    rc_code_t code = RC_OK;
    creation_t *creations = rc_calloc(count, sizeof *creations);
    for (size_t i = 0; i < count; i++) {
        creations[i] = (creation_t){.mock = mock, .name = names[i], .partitions = partitions, .error = RC_ERROR_INIT};
        creations[i].started = pthread_create(&creations[i].thread, NULL, create, &creations[i]) == 0;
        if (!creations[i].started) (void)create(&creations[i]);
    }
    for (size_t i = 0; i < count; i++) {
        if (creations[i].started) (void)pthread_join(creations[i].thread, NULL);
        if (code != RC_OK || creations[i].code == RC_OK) continue;
        code = creations[i].code;
        if (error) *error = creations[i].error;
    }
    free(creations);
    return code;
}
